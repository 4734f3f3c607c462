"""Smaller adapters: the least rank that suffices, an adapter PEFT applies, and nothing written that is not checked."""

import importlib
import json
import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file

import rankkit as rk
from rankkit.checkpoints.scaling import matched
from rankkit.cli.main import main
from tests.conftest import CONFIG, module, row, save

NAMES = ("layers.0.q_proj", "layers.1.mlp.up")


def graded(name, m=24, n=18, r=6, seed=0):
    """An adapter's module whose singular values fall from 1 to 1e-5."""
    rng = np.random.default_rng(seed)
    B = np.linalg.qr(rng.standard_normal((m, r)))[0] * np.logspace(0, -5, r)
    A = np.linalg.qr(rng.standard_normal((n, r)))[0].T
    key = f"base_model.model.{name}"
    return {f"{key}.lora_B.weight": B.astype(np.float32), f"{key}.lora_A.weight": A.astype(np.float32)}


def delta(folder, name):
    report = rk.compare(folder, folder)
    assert name in report.columns["module"]
    state = load_file(folder / "adapter_model.safetensors")
    scale = rk.audit(folder).table.set_index("module").loc[name, "scale"]
    key = f"base_model.model.{name}"
    return scale * state[f"{key}.lora_B.weight"].astype(float) @ state[f"{key}.lora_A.weight"].astype(float)


@given(st.floats(0.01, 1.0), st.integers(0, 99))
def test_the_rank_is_the_least_that_keeps_enough(keep, seed):
    sigma = np.sort(np.abs(np.random.default_rng(seed).standard_normal(7)) + 1e-3)[::-1]
    state = {"up.lora_A.weight": np.diag(sigma), "up.lora_B.weight": np.eye(7)}
    report = rk.audit(state, config={"lora_alpha": 7})
    got = rk.suggest_ranks(report, keep=keep).table.iloc[0]
    k, energy = int(got["rank"]), np.cumsum(sigma**2) / np.sum(sigma**2)
    assert energy[k - 1] >= keep - 1e-12
    assert k == 1 or energy[k - 2] < keep + 1e-12
    assert got["frobenius_error"] == pytest.approx(math.sqrt(max(1 - energy[k - 1], 0)), abs=1e-7)
    k = int(rk.suggest_ranks(report, keep=keep, norm="spectral").table["rank"].item())
    assert k == 7 or sigma[k] <= (1 - keep) * sigma[0] + 1e-12
    assert k == 1 or sigma[k - 1] > (1 - keep) * sigma[0] - 1e-12


@pytest.mark.parametrize("more", [{}, {"use_rslora": True}, {"alpha_pattern": {"up": 3}, "rank_pattern": {"q_.*": 6}}])
def test_what_is_written_is_the_best_approximation_with_the_scale_it_had(more, tmp_path):
    state = graded(NAMES[0]) | graded(NAMES[1], seed=1)
    source = save(tmp_path / "in", state, {**CONFIG, "r": 6, **more})
    ranks = rk.truncate(source, tmp_path / "out", keep=0.9999)
    after, before = rk.audit(tmp_path / "out"), rk.audit(source)
    for name, k, stated, written in zip(
        *(ranks.columns[column] for column in ("module", "rank", "frobenius_error", "written_error")), strict=True
    ):
        assert k < 6
        U, s, Vt = np.linalg.svd(delta(source, name))
        best = (U[:, :k] * s[:k]) @ Vt[:k]
        np.testing.assert_allclose(delta(tmp_path / "out", name), best, atol=1e-6 * s[0])
        got = row(after, name)
        assert got["r"] == k
        assert got["scale"] == pytest.approx(row(before, name)["scale"])
        assert written == pytest.approx(stated, abs=1e-6)
        assert got["note"] == ""
    assert "parameters" in ranks.summary


def test_peft_applies_what_was_written(tmp_path):
    from peft import LoraConfig, PeftModel, get_peft_model

    torch.manual_seed(0)

    def base():
        torch.manual_seed(0)
        inner = torch.nn.Module()
        inner.layers = torch.nn.ModuleList([torch.nn.Linear(18, 24, bias=False) for _ in range(2)])
        inner.forward = inner.layers[0].forward
        return inner

    model: Any = get_peft_model(base(), LoraConfig(target_modules=["0", "1"], r=5, lora_alpha=7, use_rslora=True))
    for name, value in model.named_parameters():
        if "lora_" in name:
            value.data = torch.randn(value.shape)
    model.save_pretrained(tmp_path / "in")
    ranks = rk.truncate(tmp_path / "in", tmp_path / "out", rank=2)
    small: Any = PeftModel.from_pretrained(base(), tmp_path / "out")
    for i in range(2):
        one, two = (m.base_model.model.layers[i].get_delta_weight("default").double().numpy(force=True) for m in (model, small))  # fmt: skip
        U, s, Vt = np.linalg.svd(one)
        np.testing.assert_allclose(two, (U[:, :2] * s[:2]) @ Vt[:2], atol=1e-5 * s[0])
    assert ranks.table["rank"].tolist() == [2, 2]


def test_everything_else_is_copied(tmp_path):
    dead = module("layers.2.v_proj", seed=3)
    dead["base_model.model.layers.2.v_proj.lora_B.weight"][:] = 0
    head = {"base_model.model.score.weight": np.arange(6, dtype=np.int64)}
    embedding = {
        f"base_model.model.wte.lora_embedding_{x}": np.ones(s, np.float32) for x, s in (("A", (3, 50)), ("B", (8, 3)))
    }
    source = save(tmp_path / "in", graded(NAMES[0]) | dead | head | embedding, {**CONFIG, "r": 6})
    ranks = rk.truncate(source, tmp_path / "out", keep=0.9)
    assert list(ranks.rank_pattern) == [NAMES[0]]
    old, new = (load_file(folder / "adapter_model.safetensors") for folder in (source, tmp_path / "out"))
    for key in [*dead, *head, *embedding]:
        assert np.array_equal(old[key], new[key])
        assert old[key].dtype == new[key].dtype


@pytest.mark.parametrize("rslora", [False, True])
@pytest.mark.parametrize("choice", [{"keep": 0.9999}, {"keep": 0.9, "norm": "spectral"}, {"rank": 2}, {"rank": 99}])
def test_what_is_suggested_is_what_is_written(choice, rslora, tmp_path):
    config = {**CONFIG, "r": 6, "use_rslora": rslora, "alpha_pattern": {"up": 3}}
    source = save(tmp_path / "in", graded(NAMES[0]) | graded(NAMES[1], seed=1), config)
    suggested = rk.suggest_ranks(rk.audit(source), **choice)
    rk.truncate(source, tmp_path / "out", **choice)
    written = json.loads((tmp_path / "out" / "adapter_config.json").read_text())
    assert {name: written["rank_pattern"][name] for name in NAMES} == suggested.rank_pattern
    assert {name: written["alpha_pattern"][name] for name in NAMES} == suggested.alpha_pattern()
    assert rk.suggest_ranks(source, **choice).alpha_pattern() == suggested.alpha_pattern()
    k, scale = suggested.columns["rank"][0], suggested.columns["scale"][0]
    assert k == {"rank": min(choice.get("rank", 0), 6)}.get(next(iter(choice)), k)
    assert suggested.alpha_pattern()[NAMES[0]] == pytest.approx(scale * (math.sqrt(k) if rslora else k))
    assert suggested.alpha_pattern(use_rslora=not rslora)[NAMES[0]] == pytest.approx(
        scale * (k if rslora else math.sqrt(k))
    )


@pytest.mark.parametrize("turned", [False, True])
def test_a_module_whose_path_ends_anothers_keeps_its_own_rank_and_scale(turned, tmp_path):
    """PEFT takes the first pattern that matches the end of a path: "up" matches "gate.up" too."""
    names = ("gate.up", "up") if turned else ("up", "gate.up")
    flat, steep = graded(names[0]), graded(names[1], seed=1)
    flat[f"base_model.model.{names[0]}.lora_B.weight"] /= np.logspace(0, -5, 6)[None, :].astype(np.float32)
    source = save(tmp_path / "in", flat | steep, {**CONFIG, "r": 6})
    chosen = rk.truncate(source, tmp_path / "out", keep=0.99).rank_pattern
    assert chosen[names[0]] != chosen[names[1]]
    written = json.loads((tmp_path / "out" / "adapter_config.json").read_text())
    for name in names:
        assert matched(written["rank_pattern"], name) == chosen[name]
        scale = matched(written["alpha_pattern"], name) / chosen[name]
        assert scale == pytest.approx(CONFIG["lora_alpha"] / 6)


def test_ranks_are_suggested_for_whatever_an_audit_takes(tmp_path):
    from peft import LoraConfig, get_peft_model

    folder = save(tmp_path / "in", graded(NAMES[0]), {**CONFIG, "r": 6})
    assert rk.suggest_ranks(str(folder)).rank_pattern == rk.suggest_ranks(rk.audit(folder)).rank_pattern
    inner = torch.nn.Module()
    inner.up = torch.nn.Linear(8, 9, bias=False)
    inner.forward = inner.up.forward
    asked = LoraConfig(target_modules=["up"], r=4, lora_alpha=7, use_rslora=True, init_lora_weights=False)
    model = get_peft_model(inner, asked)
    ranks = rk.suggest_ranks(model, rank=1)
    assert ranks.use_rslora
    assert ranks.alpha_pattern() == {"up": pytest.approx(7 / math.sqrt(4))}
    for nothing in (3, None, rk.suggest_ranks(folder)):
        with pytest.raises(TypeError, match="source must be a path, a state dict or a live PEFT model"):
            rk.suggest_ranks(nothing)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"keep": 1.5}, "keep must be at most 1"), ({"keep": math.nan}, "keep must be a number"),
        ({"norm": "nuclear"}, "norm must be one of frobenius, spectral"), ({"rank": 0}, "rank must be an integer >= 1"),
        ({"rank": 2.0}, "rank must be an integer >= 1"),
    ],
)  # fmt: skip
def test_a_choice_of_rank_is_checked(more, says):
    with pytest.raises(ValueError, match=says):
        rk.suggest_ranks(rk.audit(graded(NAMES[0])), **more)


def test_nothing_is_written_that_fails_its_check(tmp_path, monkeypatch):
    source = save(tmp_path / "in", graded(NAMES[0]), {**CONFIG, "r": 6})
    module_under_test = importlib.import_module("rankkit.audits.truncate")
    shrink = module_under_test._shrink

    def spoilt(state, layer, k):
        shrink(state, layer, k)
        state[layer.keys["A"]] *= 1.01

    monkeypatch.setattr(module_under_test, "_shrink", spoilt)
    with pytest.raises(ArithmeticError, match="nothing was written"):
        rk.truncate(source, tmp_path / "out", keep=0.99)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in"]


def test_bfloat16_stays_bfloat16(tmp_path):
    from safetensors.torch import load_file as load_torch
    from safetensors.torch import save_file as save_torch

    state = {key: torch.as_tensor(value).bfloat16().contiguous() for key, value in graded(NAMES[0]).items()}
    folder = save(tmp_path / "in", graded(NAMES[0]), {**CONFIG, "r": 6})
    save_torch(state, folder / "adapter_model.safetensors")
    ranks = rk.truncate(folder, tmp_path / "out", keep=0.99)
    assert {t.dtype for t in load_torch(tmp_path / "out" / "adapter_model.safetensors").values()} == {torch.bfloat16}
    assert ranks.table["written_error"].item() > ranks.table["frobenius_error"].item()


@pytest.mark.parametrize(
    ("config", "more", "says"),
    [
        (None, {}, "is no PEFT adapter, because it has no adapter_config.json"),
        ({**CONFIG, "use_dora": True}, {}, "is a DoRA adapter; truncate writes plain"),
        ({**CONFIG, "peft_type": "SINELORA"}, {}, "is a SINELORA adapter; truncate writes plain PEFT LoRA alone"),
        ({**CONFIG, "use_sinelora": True, "sinelora_frequency": 3.0}, {}, "no plain linear"),
        (CONFIG, {"keep": 0.0}, "keep must be a number"),
        (CONFIG, {"rank": 0}, "rank must be"),
    ],
)
def test_what_cannot_be_made_smaller_is_said(config, more, says, tmp_path):
    source = save(tmp_path / "in", graded(NAMES[0]), config)
    with pytest.raises(ValueError, match=says):
        rk.truncate(source, tmp_path / "out", **more)
    assert not (tmp_path / "out").exists()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("mine")
    with pytest.raises(ValueError, match="not empty|truncate writes plain PEFT"):
        rk.truncate(source, tmp_path / "full")
    assert (tmp_path / "full" / "x").read_text() == "mine"


def test_the_command(tmp_path, capsys):
    source = str(save(tmp_path / "in", graded(NAMES[0]), {**CONFIG, "r": 6}))
    assert main(["truncate", source, "--dry-run", "--format", "json", "--no-progress"]) == 0
    patterns = json.loads(capsys.readouterr().out)
    assert patterns == {"rank_pattern": {NAMES[0]: 1}, "alpha_pattern": {NAMES[0]: pytest.approx(8 / 6)}}
    assert main(["truncate", source, str(tmp_path / "out"), "--keep", "0.99999", "--no-progress"]) == 0
    said = capsys.readouterr()
    assert "as written" in said.out
    assert "parameters (50.0 %)" in said.err
    for name, more, why in (
        ("same", ["--rank", "10"], "no module has a rank above 10"),
        ("all", ["--keep", "1"], "no module becomes smaller"),
    ):
        assert main(["truncate", source, str(tmp_path / name), *more, "--no-progress"]) == 0
        said = capsys.readouterr().err
        assert f"{name}, a copy of the adapter: {why}\n" in said
        assert said.endswith("; no module becomes smaller.\n")
    assert main(["truncate", source, "--no-progress"]) == 2
    with pytest.raises(SystemExit):
        main(["truncate", source, "--dry-run", "--keep", "2"])


def test_a_module_with_dora_magnitudes_is_left_alone_though_the_config_does_not_say_dora(tmp_path):
    state = graded(NAMES[0]) | graded(NAMES[1], seed=1)
    rows = next(value.shape[0] for key, value in state.items() if NAMES[1] in key and "lora_B" in key)
    turned = {f"base_model.model.{NAMES[1]}.lora_magnitude_vector.weight": np.ones(rows, dtype=np.float32)}
    source = save(tmp_path / "in", state | turned, {**CONFIG, "r": 6})
    ranks = rk.truncate(source, tmp_path / "out", rank=2)
    assert ranks.rank_pattern == {NAMES[0]: 2}
    kept = rk.audit(tmp_path / "out", progress=False).table.set_index("module")["r"]
    assert (kept[NAMES[0]], kept[NAMES[1]]) == (2, 6)
