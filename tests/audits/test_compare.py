"""Several adapters: what is known of two updates must come out, through their factors, whatever they are stored as."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import subspace_angles

import rankkit as rk
from rankkit.checkpoints import open_adapter
from rankkit.checkpoints.forms import formed
from rankkit.cli.main import main
from tests.conftest import CONFIG, module, save

NAME = "layers.0.q_proj"


def state(B, A, name=NAME):
    return {f"base_model.model.{name}.lora_B.weight": B, f"base_model.model.{name}.lora_A.weight": A}


def only(*adapters, **more):
    return rk.compare(*adapters, config={"peft_type": "LORA", "lora_alpha": 4}, **more).table.iloc[0]


def norm(matrix):
    return np.linalg.norm(matrix)


def update(state, config):
    """Return the update of an adapter's only module, entry by entry."""
    (layer,) = open_adapter(state, config=config).layers
    return formed(layer.product(), layer.rule).matrix


def orthonormal(matrix, rtol=1e-6):
    U, s, Vt = np.linalg.svd(matrix)
    k = int(np.sum(s > rtol * s[0]))
    return U[:, :k], Vt[:k].T


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 10**6))
def test_every_measure_is_the_dense_one(r1, r2, seed):
    rng = np.random.default_rng(seed)
    pair = [(rng.standard_normal((15, r)), rng.standard_normal((r, 11))) for r in (r1, r2)]
    got = only(*(state(B, A) for B, A in pair))
    one, two = (4 / B.shape[1] * B @ A for B, A in pair)
    assert got["cosine"] == pytest.approx(np.sum(one * two) / np.linalg.norm(one) / np.linalg.norm(two), abs=1e-12)
    assert got["relative_distance"] == pytest.approx(np.linalg.norm(two - one) / np.linalg.norm(one), rel=1e-10)
    assert got["norm_ratio"] == pytest.approx(np.linalg.norm(two) / np.linalg.norm(one), rel=1e-10)
    for side, place in (("column", 0), ("row", 1)):
        angles = subspace_angles(orthonormal(one)[place], orthonormal(two)[place])
        assert got[f"{side}_overlap"] == pytest.approx(np.mean(np.cos(angles) ** 2), abs=1e-10)
        assert got[f"{side}_angle"] == pytest.approx(np.degrees(angles.max()), abs=1e-6)
    sigma = np.linalg.svd(two, compute_uv=False)
    assert got["stable_rank_second"] == pytest.approx(np.sum(sigma**2) / sigma[0] ** 2, rel=1e-10)


def test_what_is_the_same_update_is_found_so():
    rng = np.random.default_rng(0)
    B, A, mix = rng.standard_normal((30, 3)), rng.standard_normal((3, 20)), rng.standard_normal((3, 3))
    same = only(state(B, A), state(B @ mix, np.linalg.solve(mix, A)))
    assert same["cosine"] == pytest.approx(1, abs=1e-12)
    assert same["relative_distance"] < 1e-12
    assert max(same["column_angle"], same["row_angle"]) < 1e-10
    turned = only(state(B, A), state(np.linalg.qr(B, mode="complete")[0][:, 3:6], A))
    assert turned["column_overlap"] < 1e-20
    assert turned["column_angle"] == pytest.approx(90)
    assert turned["row_overlap"] == pytest.approx(1)
    assert abs(turned["cosine"]) < 1e-14
    nested = only(state(B[:, :1], A[:1]), state(B, A))
    assert (nested["column_overlap"], nested["r_first"], nested["r_second"]) == (pytest.approx(1), 1, 3)


def test_a_small_angle_is_told_from_none():
    e, f = np.eye(6)[:, :1], np.eye(6)[:, 1:2]
    got = only(state(e, e.T), state(np.cos(1e-7) * e + np.sin(1e-7) * f, e.T))
    assert got["column_angle"] == pytest.approx(np.degrees(1e-7), rel=1e-6)


def test_pairs_labels_and_what_is_not_shared(tmp_path):
    folders = [save(tmp_path / "run" / f"step-{i}", module(NAME, seed=i) | module(f"layers.{i}.up", seed=9)) for i in range(3)]  # fmt: skip
    found = rk.compare(*folders)
    assert found.table[["first", "second"]].to_numpy().tolist() == [["step-0", "step-1"], ["step-1", "step-2"]]
    assert [label for label, _ in found.unshared] == ["step-0", "step-1", "step-2"]
    assert "3 modules are not in every adapter" in found.coverage
    every = rk.compare(*folders, pairs="all", labels=list("abc"))
    assert every.table["second"].tolist() == ["b", "c", "c"]
    assert every.summary()["modules"].tolist() == [1, 1, 1]
    assert found.save(tmp_path / "x.csv").read_text().startswith("module,")
    assert len(found.plot()) == 2
    assert rk.compare(folders[0], folders[0]).table["cosine"].tolist() == pytest.approx([1, 1])


def test_one_bad_adapter_costs_its_own_pairs():
    sound, dead, broken = (module(NAME, seed=i) for i in range(3))
    dead[f"base_model.model.{NAME}.lora_B.weight"][:] = 0
    broken[f"base_model.model.{NAME}.lora_A.weight"][0, 0] = np.nan
    table = rk.compare(sound, dead, broken, sound, config=CONFIG, pairs="all").table
    assert table["status"].tolist() == ["unsupported", "unsupported", "ok", *["unsupported"] * 3]
    assert "never trained" in table["note"][0]
    assert "NaN" in table["note"][1]
    assert rk.compare(sound, broken, sound, config=CONFIG).total is None


def test_updates_that_are_no_product_of_factors_are_compared_themselves():
    """A sine's update is formed where that is cheap; a larger one is compared by its B A, and the row says so."""
    sine = CONFIG | {"use_sinelora": True, "sinelora_frequency": 300.0}
    one, two = (module(NAME, seed=i) for i in range(2))
    found = rk.compare(one, two, config=sine, strengths=[1, -2])
    assert "B A is compared" not in found.columns["note"][0]
    D = [update(state, sine) for state in (one, two)]
    assert found.columns["cosine"][0] == pytest.approx(-np.sum(D[0] * D[1]) / norm(D[0]) / norm(D[1]), abs=1e-10)
    assert found.sum is not None
    sigma = np.linalg.svd(D[0] - 2 * D[1], compute_uv=False)
    assert np.allclose(found.sum.spectra[NAME], sigma, rtol=1e-8)
    large = [module(NAME, m=1025, n=1024, r=1, seed=i) for i in range(2)]
    told = rk.compare(*large, config=sine).table.iloc[0]
    assert "B A is compared" in told["note"]


def drawn(seed, ranks=(2, 3, 1), names=(NAME, "layers.1.up"), m=15, n=11):
    """Return adapters of several ranks and their updates, by module."""
    rng = np.random.default_rng(seed)
    states, updates = [], []
    for r in ranks:
        pairs = {name: (rng.standard_normal((m, r)), rng.standard_normal((r, n))) for name in names}
        states.append({key: x for name, (B, A) in pairs.items() for key, x in state(B, A, name).items()})
        updates.append({name: 4 / r * B @ A for name, (B, A) in pairs.items()})
    return states, updates


def expected(D):
    """Return the matrices of some updates, each a list of its modules, from their definitions."""
    size = range(len(D))
    flat = [np.concatenate([x.ravel() for x in one]) for one in D]
    spaces = [[orthonormal(x) for x in one] for one in D]

    def energy(i, j, side):
        parts = zip(spaces[i], D[j], strict=True)
        inside = [norm(s[side].T @ (x if side == 0 else x.T)) for s, x in parts]
        return norm(inside) ** 2 / norm(flat[j]) ** 2

    return {
        "cosine": [[flat[i] @ flat[j] / norm(flat[i]) / norm(flat[j]) for j in size] for i in size],
        "column_energy": [[energy(i, j, 0) for j in size] for i in size],
        "row_energy": [[energy(i, j, 1) for j in size] for i in size],
        "sum_ratio": [[norm(flat[i] + flat[j]) / np.hypot(norm(flat[i]), norm(flat[j])) for j in size] for i in size],
    }


STRENGTHS = [1.0, 0.5, -2.0]
GRIDS = ("cosine", "column_energy", "row_energy", "sum_ratio")


@given(st.integers(0, 10**6))
def test_the_matrices_of_all_against_all_are_the_dense_ones(seed):
    states, updates = drawn(seed)
    found = rk.compare(*states, config={"peft_type": "LORA", "lora_alpha": 4}, strengths=STRENGTHS)
    D = [[s * x for x in one.values()] for s, one in zip(STRENGTHS, updates, strict=True)]
    for name, values in expected(D).items():
        assert np.allclose(found.matrix(name), values, atol=1e-10), name
    for place, module_name in enumerate(updates[0]):
        for name, values in expected([[one[place]] for one in D]).items():
            assert np.allclose(found.matrix(name, module_name), values, atol=1e-10), name
    sums = [np.sum(parts, axis=0) for parts in zip(*D, strict=True)]
    norms = found.norm_columns()
    assert norms["sum_norm"] == pytest.approx([*map(norm, sums), norm([norm(x) for x in sums])])
    apart = [norm([norm(one[k]) for one in D]) for k in range(2)]
    assert norms["total_ratio"][:2] == pytest.approx([norm(x) / y for x, y in zip(sums, apart, strict=True)])
    assert found.sum is not None
    for (name, sigma), total in zip(found.sum.spectra.items(), sums, strict=True):
        assert np.allclose(sigma, np.linalg.svd(total, compute_uv=False)[: len(sigma)], rtol=1e-9), name
    assert found.sum.columns["r"] == [6, 6]
    assert found.sum.columns["frobenius_norm"] == pytest.approx([norm(x) for x in sums])


@given(st.integers(0, 10**6), st.floats(1e-6, 1e6))
def test_no_number_depends_on_how_factors_are_scaled_or_rotated(seed, scale):
    states, _ = drawn(seed)
    rng = np.random.default_rng(seed + 1)
    turned = []
    for one in states:
        other = {}
        for key in (key for key in one if "lora_B" in key):
            B, A = one[key], one[partner := key.replace("lora_B", "lora_A")]
            Q = np.linalg.qr(rng.standard_normal((B.shape[1], B.shape[1])))[0]
            other |= {key: scale * B @ Q, partner: Q.T @ A / scale}
        turned.append(other)
    config = {"peft_type": "LORA", "lora_alpha": 4}
    found, again = (rk.compare(*group, config=config, strengths=STRENGTHS, pairs="all") for group in (states, turned))
    for name in GRIDS:
        assert np.allclose(found.matrix(name), again.matrix(name), atol=1e-9)
    numbers = [c for c in found.table if found.table[c].dtype == float]
    assert np.allclose(found.table[numbers], again.table[numbers], rtol=1e-7, atol=1e-7)
    assert found.sum is not None
    assert again.sum is not None
    for name, sigma in found.sum.spectra.items():
        assert np.allclose(sigma, again.sum.spectra[name], rtol=1e-8)


def test_what_meets_what_cancels_and_what_is_held_by_some():
    rng = np.random.default_rng(0)
    B, A = rng.standard_normal((12, 2)), rng.standard_normal((2, 10))
    other = np.linalg.qr(B, mode="complete")[0][:, 2:4] * 3
    config = {"peft_type": "LORA", "lora_alpha": 4}
    found = rk.compare(
        state(B, A), state(B, A), state(other, A), config=config, strengths=[1, -1, 1], labels=list("abc")
    )
    assert found.matrix("cosine").to_numpy()[0].tolist() == pytest.approx([1, -1, 0])
    assert found.matrix("sum_ratio").to_numpy()[0].tolist() == pytest.approx([np.sqrt(2), 0, 1])
    assert found.matrix("column_energy").to_numpy()[0].tolist() == pytest.approx([1, 1, 0])
    assert found.matrix("row_energy").to_numpy()[0].tolist() == pytest.approx([1, 1, 1])
    assert found.sum is not None
    assert found.sum.columns["frobenius_norm"] == pytest.approx([norm(2 * other @ A)])
    gone = rk.compare(state(B, A), state(B, A), config=config, strengths=[1, -1]).sum
    assert gone is not None
    assert gone.columns["status"] != ["ok"]  # rounding is no update
    some = rk.compare(state(B, A), state(B, A), state(other, A, "elsewhere"), config=config, strengths=[1, 1, 3])
    assert some.total is not None
    assert some.norm_columns()["module"] == [NAME, "elsewhere", "all modules"]
    assert np.isnan(some.matrix("cosine", "elsewhere").to_numpy()[0, 0])
    assert some.matrix("cosine").to_numpy()[0].tolist() == pytest.approx([1, 1, 0])  # one has no part of the other
    assert some.sum is not None
    assert some.sum.columns["frobenius_norm"] == pytest.approx([norm(4 * B @ A), norm(6 * other @ A)])


def test_a_comparison_is_written_as_json_and_as_a_page(tmp_path):
    states, _ = drawn(3)
    found = rk.compare(
        *states, config={"peft_type": "LORA", "lora_alpha": 4}, strengths=STRENGTHS, labels=["<a>", "b", "c"]
    )
    record = json.loads(found.save(tmp_path / "found.json").read_text())
    assert np.allclose(record["matrices"]["cosine"], found.matrix("cosine"))
    assert [row["module"] for row in record["modules"]] == [NAME, "layers.1.up"]
    assert np.allclose(record["modules"][1]["matrices"]["sum_ratio"], found.matrix("sum_ratio", "layers.1.up"))
    assert record["sum"]["modules"][0]["r"] == 6
    page = found.save(tmp_path / "found.html").read_text()
    assert "&lt;a&gt; at strength 1" in page
    assert "<a>" not in page
    assert page == found.to_html()
    assert len(found.heatmap()) == len(found.heatmap(NAME)) == 4


@pytest.mark.parametrize("asked", [("cosines",), ("cosine", "nowhere")])
def test_a_matrix_that_there_is_not_is_refused(asked):
    with pytest.raises(ValueError, match="must be one"):
        rk.compare(module(NAME), module(NAME), config=CONFIG).matrix(*asked)


@pytest.mark.parametrize(
    ("sources", "more", "says"),
    [
        ([module(NAME)], {}, "at least two"),
        ([module(NAME), module("other")], {}, "share no module"),
        ([module(NAME)] * 2, {"pairs": "some"}, "pairs must be"),
        ([module(NAME)] * 2, {"labels": ["a", "a"]}, "labels must be"),
        ([module(NAME)] * 2, {"strengths": [1, 2, 3]}, "strengths must be 2 numbers"),
        ([module(NAME)] * 2, {"strengths": [1, 0]}, "strengths must be 2 numbers other than 0"),
        ([module(NAME)] * 2, {"strengths": [1, float("inf")]}, "strengths must be a number"),
        ([module(NAME)] * 2, {"rtol": float("nan")}, "rtol must be a number"),
        ([module(NAME)] * 2, {"rtol": 1.0}, "rtol must be .* < 1, got 1.0"),
    ],
)
def test_what_cannot_be_compared_is_said(sources, more, says):
    with pytest.raises(ValueError, match=says):
        rk.compare(*sources, config=CONFIG, **more)


def test_the_command(tmp_path, capsys):
    folders = [str(save(tmp_path / f"step-{i}", module(NAME, seed=i))) for i in range(2)]
    assert main(["compare", *folders, "--plot", str(tmp_path / "x.png"), "--no-progress"]) == 0
    assert "1 of 1 pair of modules compared." in capsys.readouterr().out
    assert main(["compare", folders[0], "--no-progress"]) == 2
    assert "at least two" in capsys.readouterr().err


def test_the_command_with_several_adapters(tmp_path, capsys):
    folders = [str(save(tmp_path / f"step-{i}", module(NAME, seed=i))) for i in range(3)]
    made = [tmp_path / name for name in ("hot.png", "page.html", "sum.csv")]
    files = [
        word
        for option, file in zip(("--heatmap", "--html", "--sum"), made, strict=True)
        for word in (option, str(file))
    ]
    assert main(["compare", *folders, "--strength", "1,0.5,1", *files, "--no-progress"]) == 0
    said = capsys.readouterr().out
    assert "in its column space, energy of:" in said
    assert "1 x step-0 + 0.5 x step-1 + 1 x step-2: 1 of 1 module measured." in said
    assert all(file.stat().st_size > 0 for file in made)
    assert main(["compare", *folders, "--format", "json", "--no-progress"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["labels"] == ["step-0", "step-1", "step-2"]
    assert record["sum"] is None
    assert main(["compare", *folders, "--strength", "1,2", "--no-progress"]) == 2
    assert "one number for each adapter, got 2 for 3" in capsys.readouterr().err


def test_adapters_in_one_list_are_asked_for_one_by_one():
    with pytest.raises(ValueError, match=r"at least two adapters, got 1; pass them one by one, as in compare\(a, b\)"):
        rk.compare(["a", "b"])
