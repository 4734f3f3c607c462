"""An update against its base: relative sizes, DoRA's true update, intruders, full fine-tunes, bases that do not fit."""

import json
import math
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

import rankkit as rk
from rankkit.audits.intruders import count_intruders
from rankkit.audits.weights import Base
from rankkit.checkpoints import open_adapter
from rankkit.cli.main import main
from tests.conftest import CONFIG, check_against_dense, module, row, save

M, N, R = 20, 16, 3


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def adapter(*names, **more):
    state = {}
    for i, name in enumerate(names):
        state |= module(name, M, N, R, seed=i, **more)
    return state


def delta(state, name, scale=8 / 3):
    key = f"base_model.model.{name}.lora_"
    return scale * state[f"{key}B.weight"].astype(float) @ state[f"{key}A.weight"].astype(float)


def test_relative_sizes_are_quotients_of_norms(rng):
    state = adapter("model.layers.0.q_proj", "model.layers.1.q_proj")
    base = {f"model.layers.{i}.q_proj.weight": rng.standard_normal((M, N)).astype(np.float32) for i in range(2)}
    base["model.norm.weight"] = np.ones(N, np.float32)
    report = rk.audit(state, config=CONFIG, base=base)
    for i in range(2):
        name = f"model.layers.{i}.q_proj"
        W, got = base[f"{name}.weight"].astype(float), row(report, name)
        assert got["weight_spectral_norm"] == pytest.approx(np.linalg.norm(W, 2), rel=1e-6)
        assert got["weight_frobenius_norm"] == pytest.approx(np.linalg.norm(W), rel=1e-12)
        assert got["relative_spectral"] == pytest.approx(np.linalg.norm(delta(state, name), 2) / np.linalg.norm(W, 2), rel=1e-6)  # fmt: skip
        assert got["relative_frobenius"] == pytest.approx(np.linalg.norm(delta(state, name)) / np.linalg.norm(W), rel=1e-9)  # fmt: skip
        assert got["base_note"] == ""
    assert "weight_spectral_norm" not in rk.audit(state, config=CONFIG).table


@pytest.mark.parametrize(
    ("stored", "name"),
    [
        ("transformer.h.0.attn.c_attn.weight", "transformer.h.0.attn.c_attn"),
        ("h.0.attn.c_attn.weight", "transformer.h.0.attn.c_attn"),
        ("model.transformer.h.0.attn.c_attn.weight", "transformer.h.0.attn.c_attn"),
        ("transformer.h.0.attn.c_attn.base_layer.weight", "transformer.h.0.attn.c_attn"),
    ],
)
def test_a_weight_is_found_under_its_relatives_and_either_way_round(stored, name, rng):
    W = rng.standard_normal((M, N))
    for base in ({stored: W}, {stored: W.T.copy()}):
        got = row(rk.audit(adapter(name), config=CONFIG, base=base), name)
        assert got["weight_frobenius_norm"] == pytest.approx(np.linalg.norm(W))


def test_a_base_that_does_not_fit_costs_those_rows_their_columns(rng):
    names = [f"model.layers.{i}.q_proj" for i in range(5)]
    base = {f"{name}.weight": rng.standard_normal((M, N)).astype(np.float32) for name in names}
    del base["model.layers.0.q_proj.weight"]
    base["model.layers.1.q_proj.weight"] = np.ones((M, N + 1), np.float32)
    base["model.layers.2.q_proj.weight"] = np.ones((M, N), np.int8)
    base["model.layers.3.q_proj.weight"][0, 0] = np.nan
    report = rk.audit(adapter(*names), config=CONFIG | {"r": R}, base=base)
    notes = report.table.set_index("module")["base_note"]
    for i, reason in enumerate(("no weight", "has shape", "dtype I8", "NaN", "")):
        assert reason in notes[names[i]]
        assert math.isnan(row(report, names[i])["relative_spectral"]) == (i < 4)
        assert row(report, names[i])["status"] == "ok"
    doubled = {f"{side}.layers.0.q_proj.weight": np.ones((M, N)) for side in ("encoder", "decoder")}
    doubled["layers.1.q_proj.weight"] = np.ones((M, N))
    notes = rk.audit(adapter("layers.0.q_proj", "layers.1.q_proj"), config=CONFIG, base=doubled).table["base_note"]
    assert "more than one" in notes[0]


@pytest.mark.parametrize(
    ("base", "reason"),
    [
        ({"h.0.attn.weight": np.ones((M, N))}, "the base has no weight for it"),
        ({f"layers.{i}.q_proj.weight": np.ones((M, N + 1)) for i in (0, 1)}, "has shape"),
        ({f"layers.{i}.q_proj.weight": np.ones((M, N), np.int8) for i in (0, 1)}, "dtype I8"),
    ],
)
def test_the_base_of_another_adapter_is_an_error(base, reason, tmp_path, capsys):
    """Where no module has its weight there, every relative column would be empty, and the status 0."""
    state = {key: value.astype("f4") for key, value in adapter("layers.0.q_proj", "layers.1.q_proj").items()}
    said = rf"no weight for any of the 2 modules, for instance layers.0.q_proj \(.*{reason}.*\); pass the model that"
    with pytest.raises(ValueError, match=said):
        rk.audit(state, config=CONFIG, base=base)
    save_file(state, tmp_path / "adapter.safetensors")
    save_file({key: value.copy() for key, value in base.items()}, tmp_path / "model.safetensors")
    words = ["audit", str(tmp_path / "adapter.safetensors"), "--base", str(tmp_path / "model.safetensors")]
    assert main(words) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "gives no weight for any of the 2 modules" in shown.err


def test_dora_with_its_base_is_what_peft_applies(rng):
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(0)
    inner = torch.nn.Module()
    inner.up = torch.nn.Linear(N, M, bias=False)
    inner.forward = inner.up.forward
    W = inner.up.weight.detach().double().numpy().copy()
    model: Any = get_peft_model(inner, LoraConfig(target_modules=["up"], r=R, lora_alpha=6, use_dora=True))
    for name, value in model.named_parameters():
        if "lora_" in name:
            value.data = value.data + torch.rand(value.shape) * 0.3
    plain = row(rk.audit(model), "up")
    report = rk.audit(model, base={"up.weight": W})
    unloaded: Any = model.merge_and_unload()
    merged = unloaded.up.weight.detach().double().numpy()
    got = row(report, "up")
    np.testing.assert_allclose(report.spectra["up"], np.linalg.svd(merged - W, compute_uv=False), atol=2e-6)
    assert "true update" in got["note"]
    assert "true update" in plain["note"]  # the model has the weight
    assert len(report.spectra["up"]) == N
    assert not report.skipped  # the magnitude was used


def test_intruders_are_new_leading_directions():
    W = np.diag([10.0, 9.0, 8.0, *np.linspace(1, 0.1, 9)])
    assert count_intruders(W, W, 5) == 0
    new = np.zeros((12, 12))
    new[:, :] = 3.0  # 36 along the diagonal of the cube, far from every axis
    assert count_intruders(W, W + new, 1) == 1
    assert count_intruders(W, W * 1.3, 12) == 0
    state = {
        "base_model.model.up.lora_B.weight": np.ones((12, 1)),
        "base_model.model.up.lora_A.weight": 3 * np.ones((1, 12)),
    }
    got = row(rk.audit(state, config={"r": 1, "lora_alpha": 1}, base={"up.weight": W}, intruders=1), "up")
    assert got["intruders"] == 1
    small = row(rk.audit(state, config={"r": 1, "lora_alpha": 1e-6}, base={"up.weight": W}, intruders=3), "up")
    assert small["intruders"] == 0
    with pytest.raises(ValueError, match="needs base"):
        rk.audit(state, config={}, intruders=3)


@pytest.mark.parametrize(("cosine", "new"), [(0.55, 0), (0.85, 0), (0.45, 1)])
def test_a_direction_is_new_below_a_cosine_of_one_half(cosine, new):
    """The threshold of Shuttleworth et al.: a direction that leans on an old one is none of its own."""
    W = np.diag(np.linspace(2, 1, 40))
    leading = np.r_[cosine, np.full(39, np.sqrt((1 - cosine**2) / 39))]
    assert np.max(leading[1:]) < 0.2
    assert count_intruders(W, W + 1e6 * np.outer(leading, np.eye(40)[0]), 1) == new


def test_a_full_fine_tune_is_its_difference(rng, tmp_path, capsys):
    base = {"layers.0.up.weight": rng.standard_normal((M, N)), "layers.1.up.weight": rng.standard_normal((M, N)),
            "norm.weight": np.ones(N), "old.weight": np.ones((2, 2))}  # fmt: skip
    moved = np.outer(np.arange(1.0, M + 1), np.ones(N)) * 1e-3
    tuned = {**base, "layers.0.up.weight": base["layers.0.up.weight"] + moved, "new.weight": np.ones((2, 2))}
    del tuned["old.weight"]
    report = rk.audit_full(tuned, base)
    got = row(report, "layers.0.up")
    check_against_dense(got, tuned["layers.0.up.weight"] - base["layers.0.up.weight"])
    assert got["stable_rank"] == pytest.approx(1, abs=1e-9)
    assert row(report, "layers.1.up")["status"] == "zero"
    assert {entry.key: entry.reason for entry in report.skipped} == {"norm.weight": "no matrix", "new.weight": "the base has no weight for it"}  # fmt: skip
    save_file(base, tmp_path / "base.safetensors")
    save_file(tuned, tmp_path / "tuned.safetensors")
    words = ["audit", "--full", str(tmp_path / "tuned.safetensors"), "--no-progress"]
    assert main([*words, "--base", str(tmp_path / "base.safetensors")]) == 0
    assert "rel. Frobenius" in capsys.readouterr().out
    assert main(words) == 2
    assert "--base" in capsys.readouterr().err
    with pytest.raises(ValueError, match="share no matrix"):
        rk.audit_full({"a.weight": np.ones((2, 2))}, {"b.weight": np.ones((2, 2))})


def test_a_sharded_base_is_read_through_its_index(rng, tmp_path):
    state = adapter("model.layers.0.q_proj")
    W = rng.standard_normal((M, N)).astype(np.float32)
    save_file({"model.layers.0.q_proj.weight": W}, tmp_path / "model-00001-of-00001.safetensors")
    (tmp_path / "model.safetensors.index.json").write_text(
        json.dumps({"weight_map": {"model.layers.0.q_proj.weight": "model-00001-of-00001.safetensors"}})
    )
    folder = save(tmp_path / "adapter", state)
    assert row(rk.audit(folder, base=tmp_path), "model.layers.0.q_proj")["weight_frobenius_norm"] == pytest.approx(np.linalg.norm(W))  # fmt: skip


def test_a_head_that_is_tied_has_the_embedding_s_weight(tmp_path, rng):
    E = rng.normal(size=(M, N)).astype("f4")
    save_file({"model.embed_tokens.weight": E}, tmp_path / "model.safetensors")
    report = rk.audit(adapter("lm_head"), config=CONFIG, base=tmp_path)
    assert row(report, "lm_head")["weight_spectral_norm"] == pytest.approx(np.linalg.norm(E, 2), rel=1e-5)
    (tmp_path / "config.json").write_text('{"tie_word_embeddings": false}')
    with pytest.raises(ValueError, match="lm_head \\(the base has no weight for it"):
        rk.audit(adapter("lm_head"), config=CONFIG, base=tmp_path)


def test_a_square_weight_of_gpt2_is_turned_by_the_base_s_own_configuration(tmp_path, rng):
    W = rng.normal(size=(N, N)).astype("f4")
    save_file({"h.0.attn.c_proj.weight": W, "h.0.attn.other.weight": W}, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text('{"model_type": "gpt2"}')
    state = {f"h.0.attn.{name}.lora_{part}.weight": np.ones(shape) for name in ("c_proj", "other")
             for part, shape in (("A", (1, N)), ("B", (N, 1)))}  # fmt: skip
    layers = {layer.name: layer for layer in open_adapter(state, config=CONFIG).layers}
    base = Base(tmp_path)
    np.testing.assert_array_equal(base.weight(layers["h.0.attn.c_proj"]), W.T)
    np.testing.assert_array_equal(base.weight(layers["h.0.attn.other"]), W)


def test_a_module_that_the_base_calls_otherwise_is_noted_and_counted():
    """`model.layers` is found under `model.language_model.layers`, where a strict loader would load nothing."""
    state = adapter("model.layers.0.q_proj")
    layer = open_adapter(state, config=CONFIG).layers[0]
    W = np.random.default_rng(0).normal(size=(layer.m or 0, layer.n or 0))
    moved = rk.audit(state, config=CONFIG, base={"model.language_model.layers.0.q_proj.weight": W})
    assert moved.table["relative_spectral"][0] > 0
    assert moved.columns["base_note"] == [
        "it is called model.language_model.layers.0.q_proj there: a loader that compares names strictly would miss it"
    ]
    assert "1 module is called otherwise in the base" in moved.coverage
    same = rk.audit(state, config=CONFIG, base={"model.layers.0.q_proj.weight": W})
    assert same.columns["base_note"] == [""]
    assert "otherwise" not in same.coverage


def test_a_base_in_memory_is_as_good_as_its_state_dict():
    torch = pytest.importorskip("torch")
    model = torch.nn.Sequential(torch.nn.Linear(4, 3, bias=False))
    adapter = {"0.lora_A.weight": np.eye(2, 4), "0.lora_B.weight": np.eye(3, 2)}
    one, two = (
        rk.audit(adapter, config={"lora_alpha": 2}, base=base, progress=False) for base in (model, model.state_dict())
    )
    np.testing.assert_equal(one.columns, two.columns)  # with NaN in the same places
    assert one.columns["relative_spectral"][0] > 0


@pytest.mark.parametrize("base", [3, [1], object()])
def test_what_is_no_model_is_named(base):
    with pytest.raises(TypeError, match="a model must be a path, a state dict or a model in memory, got .*; pass"):
        rk.audit({"q.lora_A.weight": np.eye(2, 4), "q.lora_B.weight": np.eye(3, 2)}, base=base)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"family": ["peft"]}, "family must be one of"), ({"adapter": 3}, "adapter must be a name or a list of names, got 3"),
     ({"adapter": "x"}, r"adapter must name one of those in .* \(\.\), got x; leave it out")],
)  # fmt: skip
def test_what_an_adapter_is_asked_for_is_checked(wrong, said):
    from rankkit.data import sample_adapter

    with pytest.raises((TypeError, ValueError), match=said):
        rk.audit(sample_adapter(), **wrong)
