"""Several adapters: what is known of two updates must come out, through their factors, whatever they are stored as."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import subspace_angles

import rankkit as rk
from rankkit.cli.main import main
from tests.conftest import CONFIG, module, save

NAME = "layers.0.q_proj"


def state(B, A, name=NAME):
    return {f"base_model.model.{name}.lora_B.weight": B, f"base_model.model.{name}.lora_A.weight": A}


def only(*adapters, **more):
    return rk.compare(*adapters, config={"peft_type": "LORA", "lora_alpha": 4}, **more).table.iloc[0]


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
    curved = rk.compare(sound, sound, config=CONFIG | {"use_sinelora": True, "sinelora_frequency": 3.0}).table
    assert "B A is compared" in curved["note"][0]


@pytest.mark.parametrize(
    ("sources", "more", "says"),
    [
        ([module(NAME)], {}, "at least two"),
        ([module(NAME), module("other")], {}, "share no module"),
        ([module(NAME)] * 2, {"pairs": "some"}, "pairs must be"),
        ([module(NAME)] * 2, {"labels": ["a", "a"]}, "labels must be"),
        ([module(NAME)] * 2, {"rtol": float("nan")}, "rtol must be a number"),
        ([module(NAME)] * 2, {"rtol": 1.0}, "rtol must be below 1"),
    ],
)
def test_what_cannot_be_compared_is_said(sources, more, says):
    with pytest.raises(ValueError, match=says):
        rk.compare(*sources, config=CONFIG, **more)


def test_the_command(tmp_path, capsys):
    folders = [str(save(tmp_path / f"step-{i}", module(NAME, seed=i))) for i in range(2)]
    assert main(["compare", *folders, "--plot", str(tmp_path / "x.png"), "--no-progress"]) == 0
    assert "1 of 1 pairs of modules compared." in capsys.readouterr().out
    assert main(["compare", folders[0], "--no-progress"]) == 2
    assert "at least two" in capsys.readouterr().err
