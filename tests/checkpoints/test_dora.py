"""DoRA: one update however it is spelled, what PEFT merges, and a bound on what rounding did; never LoRA by silence."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import rankkit as rk
from rankkit.audits.weights import Base
from rankkit.checkpoints import dora, open_adapter
from rankkit.checkpoints.files.tensors import StateDict
from rankkit.checkpoints.forms import Dense
from tests.checkpoints.conftest import dense, only

M, N, R, SCALE = 20, 16, 3, 2.0
RNG = np.random.default_rng(11)
W, B, A = (RNG.standard_normal(shape) for shape in ((M, N), (M, R), (R, N)))
LENGTHS = RNG.uniform(1, 6, M)  # of the rows
BASE = {"layers.0.q_proj.weight": W}
PATH = "base_model.model.layers.0.q_proj"
PEFT = {f"{PATH}.lora_A.weight": A, f"{PATH}.lora_B.weight": B}
CONFIG = {"peft_type": "LORA", "r": R, "lora_alpha": SCALE * R, "use_dora": True}


def factors(base, A=A, B=B):
    """Return a module's factors and alpha as kohya names them."""
    return {f"{base}.lora_down.weight": A, f"{base}.lora_up.weight": B, f"{base}.alpha": np.array([SCALE * R])}


SPELLINGS = {
    "peft": (PEFT | {f"{PATH}.lora_magnitude_vector": LENGTHS}, CONFIG),
    "peft, live": (
        {f"{PATH}.lora_A.default.weight": A, f"{PATH}.lora_B.default.weight": B,
         f"{PATH}.lora_magnitude_vector.default.weight": LENGTHS},
        CONFIG,
    ),
    "peft, config lost": (PEFT | {f"{PATH}.lora_magnitude_vector": LENGTHS}, {"r": R, "lora_alpha": SCALE * R}),
    "the authors": (PEFT | {f"{PATH}.weight_m_wdecomp.weight": LENGTHS[:, None]}, CONFIG | {"peft_type": "DORA"}),
    "kohya": (factors("lora_unet_layers_0_q_proj") | {"lora_unet_layers_0_q_proj.dora_scale": LENGTHS[:, None]}, None),
    "kohya, from peft": (factors("lora_te_layers_0_q_proj") | {"lora_te_layers_0_q_proj.dora_scale": LENGTHS}, None),
    "diffusers": (
        {"unet.layers.0.q_proj.lora_A.weight": A, "unet.layers.0.q_proj.lora_B.weight": B,
         "unet.layers.0.q_proj.alpha": np.array([SCALE * R]), "unet.layers.0.q_proj.lora_magnitude_vector": LENGTHS},
        None,
    ),
    "mlx": (
        {"layers.0.q_proj.lora_a": A.T.copy(), "layers.0.q_proj.lora_b": B.T.copy(), "layers.0.q_proj.m": LENGTHS},
        {"fine_tune_type": "dora", "lora_parameters": {"scale": SCALE}},
    ),
}  # fmt: skip


def by_hand(W, D, lengths, axis: int | tuple[int, ...] = 1):
    """Return DoRA's update in extended precision; the entries along an axis share a length."""
    W, D, lengths = (np.asarray(x, dtype=np.longdouble) for x in (W, D, lengths))
    whole = W + D
    length = np.sqrt(np.sum(whole**2, axis=axis, keepdims=True))
    return lengths.reshape(length.shape) / length * whole - W


UPDATE = by_hand(W, SCALE * B @ A, LENGTHS).astype(np.float64)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_with_its_base_every_spelling_has_the_same_update(spelling):
    state, config = SPELLINGS[spelling]
    report = rk.audit(state, config=config, base=BASE)
    row, sigma = only(report)
    np.testing.assert_allclose(sigma, dense(UPDATE), rtol=0, atol=1e-13 * dense(UPDATE)[0])
    assert row["frobenius_norm"] == pytest.approx(np.linalg.norm(UPDATE), rel=1e-13)
    assert row["note"] == "DoRA: the true update"
    assert report.skipped == ()  # the magnitude was used
    reference, same = only(rk.audit(*SPELLINGS["peft"][:1], config=CONFIG, base=BASE))
    np.testing.assert_array_equal(sigma, same)
    for name in ("m", "n", "r", "scale", "stable_rank", "effective_rank", "numerical_rank", "relative_frobenius"):
        assert row[name] == reference[name], name


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_without_its_base_every_spelling_says_that_only_the_direction_is_measured(spelling):
    state, config = SPELLINGS[spelling]
    report = rk.audit(state, config=config)
    row, sigma = only(report)
    np.testing.assert_allclose(sigma[:R], dense(SCALE * B @ A)[:R], rtol=1e-12)
    said = f"magnitudes {LENGTHS.min():.3g} to {LENGTHS.max():.3g}, mean {LENGTHS.mean():.3g}"
    assert row["note"] == f"DoRA: direction part only, without the base weight; {said}"
    (entry,) = report.skipped
    assert entry.reason == "DoRA's magnitude: its update needs the base weight"
    assert state[entry.key].size == M


def test_a_base_that_has_not_its_weight_leaves_the_direction_and_the_reason():
    for base, reason in (
        ({}, "the base has no weight for it"),
        ({"layers.0.q_proj.weight": W[:-1]}, "has shape"),
    ):
        state = SPELLINGS["mlx"][0]
        beside = {key.replace("layers.0", "layers.1"): value for key, value in state.items()}
        report = rk.audit(state | beside, base=base | {"layers.1.q_proj.weight": W})
        note = report.table.set_index("module")["note"]
        assert "direction part only" in note["layers.0.q_proj"]
        assert reason in note["layers.0.q_proj"]
        assert "the true update" in note["layers.1.q_proj"]
        assert [entry.key for entry in report.skipped] == ["layers.0.q_proj.m"]


@pytest.mark.parametrize("shape", [(M + 1,), (M, 2), (1, N - 1), (0,)])
def test_a_magnitude_that_fits_no_axis_is_said_and_not_used(shape):
    state = factors("layers.0.q_proj") | {"layers.0.q_proj.dora_scale": np.ones(shape)}
    report = rk.audit(state, base=BASE)
    assert (
        f"its magnitude has shape {shape}, which fits neither the 20 rows nor the 16 columns"
        in report.table["note"].item()
    )
    assert len(report.skipped) == 1


def test_a_magnitude_that_is_not_stored_is_not_read(tmp_path):
    """Strides of zero make one stored number a vector of any length."""
    state = {key: torch.as_tensor(value) for key, value in SPELLINGS["peft"][0].items()}
    state[f"{PATH}.lora_magnitude_vector"] = torch.ones(1).as_strided((10**10,), (0,))
    torch.save(state, tmp_path / "a.pt")
    for base in (None, BASE):
        note = rk.audit(tmp_path / "a.pt", config=CONFIG, base=base).table["note"].item()
        assert note.startswith("DoRA: direction part only, without the base weight")
    assert "its magnitude has shape (10000000000,)" in note


def test_a_magnitude_of_no_floats_is_said_and_not_used():
    state = PEFT | {f"{PATH}.lora_magnitude_vector": np.ones(M, dtype=np.int8)}
    note = rk.audit(state, config=CONFIG, base=BASE).table["note"].item()
    assert "its magnitude has dtype I8" in note


def test_a_magnitude_alone_is_no_module_and_is_accounted_for():
    state = SPELLINGS["peft"][0] | {"base_model.model.layers.1.q_proj.lora_magnitude_vector": LENGTHS}
    report = rk.audit(state, config=CONFIG, base=BASE)
    assert report.table["module"].tolist() == ["layers.0.q_proj"]
    assert [entry.reason for entry in report.skipped] == ["the magnitude of layers.1.q_proj, which has no factors"]


def test_dora_by_its_config_without_a_magnitude_is_said_to_be_incomplete():
    for state, config in ((PEFT, CONFIG), ({"q.lora_a": A.T, "q.lora_b": B.T}, SPELLINGS["mlx"][1])):
        for base in (None, BASE | {"q.weight": W}):
            note = rk.audit(state, config=config, base=base).table["note"].item()
            assert note == "DoRA: direction part only, its magnitude is not in the file"


def test_a_bare_m_means_a_magnitude_in_mlx_files_alone():
    state = {"layers.0.a": A, "layers.0.b": B, "layers.0.m": LENGTHS}
    report = rk.audit(state)
    assert "DoRA" not in report.table["note"].item()
    assert [entry.reason for entry in report.skipped] == ["no tensor of a pair"]


def test_no_other_note_is_lost():
    """Notes used to be deleted by their first letters."""
    (layer,) = open_adapter(SPELLINGS["peft"][0], config=CONFIG).layers
    kept = "DoRA was what its model card said"
    adapted = Base(BASE).adapted(replace(layer, notes=(kept, *layer.notes)))
    assert adapted.notes == (kept, "DoRA: the true update")


def test_a_magnitude_is_read_when_its_module_is_measured_and_not_before(monkeypatch):
    read: list[str] = []
    plain = StateDict.read
    monkeypatch.setattr(StateDict, "read", lambda self, name: read.append(name) or plain(self, name))
    adapter = open_adapter(SPELLINGS["peft"][0], config=CONFIG)
    assert read == []
    dora.with_range(adapter.layers[0])
    assert read == [f"{PATH}.lora_magnitude_vector"]


def test_under_another_rule_the_product_is_measured_and_said_to_be_that():
    """The rule used to be named in the row and not applied."""
    state, config = SPELLINGS["peft"]
    for rule, delta in ((rk.rules.Linear(5.0), 5 * B @ A), (rk.rules.Sine(3.0), np.sin(3 * B @ A) / np.sqrt(M))):
        report = rk.audit(state, config=config, base=BASE, rule=rule)
        row, sigma = only(report)
        np.testing.assert_allclose(sigma, dense(delta)[: sigma.size], atol=1e-12 * dense(delta)[0])
        assert "direction part only" in row["note"]
        assert len(report.skipped) == 1


def test_a_row_without_a_direction_is_not_measured():
    base = {"layers.0.q_proj.weight": W * (np.arange(M) > 0)[:, None]}
    state = PEFT | {f"{PATH}.lora_B.weight": B * (np.arange(M) > 0)[:, None], f"{PATH}.lora_magnitude_vector": LENGTHS}
    assert rk.audit(state, config=CONFIG, base=base).table["status"].item() == "nonfinite"


# -- axes: PEFT's rows, LyCORIS's rows or columns --------------------------------------------------------------------

KERNEL = (2, 3)
CHANNELS = 5


@pytest.mark.parametrize("outputs", [4, CHANNELS])  # as many as inputs: only the shape tells
@pytest.mark.parametrize("by", ["rows", "columns"])
def test_lycoris_takes_rows_or_input_channels_of_a_convolution(by, outputs):
    weight = RNG.standard_normal((outputs, CHANNELS, *KERNEL))
    up, down = RNG.standard_normal((outputs, 2, 1, 1)), RNG.standard_normal((2, CHANNELS, *KERNEL))
    lengths = RNG.uniform(1, 3, (outputs, 1, 1, 1) if by == "rows" else (1, CHANNELS, 1, 1))
    state = {"c.lora_up.weight": up, "c.lora_down.weight": down, "c.alpha": np.array([3.0]), "c.dora_scale": lengths}
    D = 1.5 * np.einsum("or,rikl->oikl", up[:, :, 0, 0], down)
    exact = by_hand(weight, D, lengths, axis=(1, 2, 3) if by == "rows" else (0, 2, 3)).reshape(outputs, -1)
    row, sigma = only(rk.audit(state, base={"c.weight": weight}))
    assert row["note"] == "DoRA: the true update"
    np.testing.assert_allclose(sigma, dense(exact), atol=1e-13 * dense(exact)[0])


@pytest.mark.parametrize("square", [False, True])
@pytest.mark.parametrize("product", ["hada", "lokr"])
def test_lycoris_by_columns_of_products_that_are_no_b_a(product, square):
    n = 12 if square else 8
    weight, lengths = RNG.standard_normal((12, n)), RNG.uniform(1, 3, (1, n))
    if product == "hada":
        parts = {f"w{i}_{x}": RNG.standard_normal((12, 2) if x == "a" else (2, n)) for i in (1, 2) for x in "ab"}
        D = (parts["w1_a"] @ parts["w1_b"]) * (parts["w2_a"] @ parts["w2_b"])
    else:
        parts = {"w1": RNG.standard_normal((3, 2)), "w2": RNG.standard_normal((4, n // 2))}
        D = np.kron(parts["w1"], parts["w2"])
    state = {f"q.{product}_{part}": value for part, value in parts.items()} | {
        "q.alpha": np.array([2.0]),
        "q.dora_scale": lengths,
    }
    exact = by_hand(weight, D, lengths, axis=0)
    _, sigma = only(rk.audit(state, base={"q.weight": weight}))
    np.testing.assert_allclose(sigma, dense(exact), atol=1e-12 * dense(exact)[0])


def test_an_embedding_of_mlx_has_a_length_for_every_word():
    words, dims = 30, 6
    table, a, b = (RNG.standard_normal(shape) for shape in ((words, dims), (words, R), (R, dims)))
    lengths = RNG.uniform(1, 3, words)
    state = {"embed_tokens.lora_a": a, "embed_tokens.lora_b": b, "embed_tokens.m": lengths}
    exact = by_hand(table, SCALE * a @ b, lengths)
    _, sigma = only(rk.audit(state, config=SPELLINGS["mlx"][1], base={"embed_tokens.weight": table}))
    np.testing.assert_allclose(sigma, dense(exact), atol=1e-13 * dense(exact)[0])


class Net(torch.nn.Module):
    def __init__(self):
        from transformers.pytorch_utils import Conv1D

        super().__init__()
        self.embed = torch.nn.Embedding(18, 12)
        self.square = Conv1D(12, 12)  # GPT-2's, whose weight is stored the other way round
        self.c_attn = Conv1D(20, 12)
        self.up = torch.nn.Linear(20, 9)
        self.conv = torch.nn.Conv2d(6, 6, 3)

    def forward(self, x):
        return self.up(self.c_attn(self.square(self.embed(x))))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("target", ["embed", "square", "c_attn", "up", "conv"])
@pytest.mark.parametrize("route", ["live", "folder"])
def test_the_true_update_is_what_peft_merges(target, route, tmp_path):
    peft = pytest.importorskip("peft")
    torch.manual_seed(3)
    net = Net().double()
    base = {f"{target}.weight": getattr(net, target).weight.detach().numpy().copy()}
    config = peft.LoraConfig(r=R, lora_alpha=5, target_modules=[target], use_dora=True, init_lora_weights=False)
    model = peft.get_peft_model(net, config, autocast_adapter_dtype=False)
    for name, value in model.named_parameters():
        if "magnitude" in name:
            value.data = value.data * (0.5 + torch.rand(value.shape, dtype=value.dtype))
    if route == "folder":
        model.save_pretrained(tmp_path)
    report = rk.audit(model if route == "live" else tmp_path, base=base)
    merged = getattr(model.merge_and_unload(), target).weight.detach().numpy()
    moved = merged - base[f"{target}.weight"]
    row, sigma = only(report)
    assert row["note"] == "DoRA: the true update"
    exact = dense(moved.reshape(len(moved), -1))
    np.testing.assert_allclose(sigma, exact, rtol=0, atol=1e-12 * exact[0])
    assert row["frobenius_norm"] == pytest.approx(np.linalg.norm(moved), rel=1e-12)


# -- what rounding did -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("left", [1.0, 1e-3, 1e-6])
def test_the_error_holds_where_the_product_takes_most_of_the_weight_away(left):
    """W + D of size `left`: what rounding did to D is as large as it ever was, and the direction magnifies it."""
    rng = np.random.default_rng(int(-np.log10(left)))
    down, up = rng.standard_normal((R, N)), rng.standard_normal((M, R))
    D = SCALE * (up.astype(np.longdouble) @ down.astype(np.longdouble))
    weight = -D.astype(np.float64) + left * rng.standard_normal((M, N))
    state = {f"{PATH}.lora_A.weight": down, f"{PATH}.lora_B.weight": up, f"{PATH}.lora_magnitude_vector": LENGTHS}
    (layer,) = open_adapter(state, config=CONFIG).layers
    update = dora.adapted(layer, weight).product()
    assert isinstance(update, Dense)
    off = float(np.linalg.norm(update.matrix - by_hand(weight, D, LENGTHS)))
    assert 0 < off <= update.error
    assert update.error <= 1e-12 / left


@pytest.mark.filterwarnings("ignore")
def test_a_planted_fault_in_the_axis_is_caught(monkeypatch, tmp_path):
    monkeypatch.setattr(dora, "LYCORIS", "")  # every family's shape would tell the axis
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        test_the_true_update_is_what_peft_merges("conv", "live", tmp_path)


def test_a_replicated_layer_is_turned_against_the_layer_that_it_copies():
    """PEFT's layer_replication: the fourth layer of [0, 2) and [1, 3) is the base's third."""
    weights = {f"model.layers.{i}.q.weight": RNG.standard_normal((M, N)) for i in range(3)}
    state = {f"base_model.model.model.layers.3.q.lora_{x}.weight": y for x, y in (("A", A), ("B", B))}
    state |= {"base_model.model.model.layers.3.q.lora_magnitude_vector": LENGTHS}
    config = {"peft_type": "LORA", "r": R, "lora_alpha": R, "use_dora": True, "layer_replication": [[0, 2], [1, 3]]}
    V = weights["model.layers.2.q.weight"] + B.astype(float) @ A.astype(float)
    true = LENGTHS[:, None] / np.linalg.norm(V, axis=1, keepdims=True) * V - weights["model.layers.2.q.weight"]
    row, sigma = only(rk.audit(state, config=config, base=weights))
    np.testing.assert_allclose(sigma, dense(true)[: sigma.size], rtol=1e-9)
    assert row["status"] == "ok"
    assert (row["module"], row["base_note"]) == ("model.layers.3.q", "")
    for ranges in ([[0, 2]], "x", [[0]], 7):
        with pytest.raises(ValueError, match="layer_replication does not tell"):
            rk.audit(state, config=config | {"layer_replication": ranges})
