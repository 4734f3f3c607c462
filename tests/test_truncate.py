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
from rankkit.cli import main
from tests.test_audit import CONFIG, module, save

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
    row = rk.suggest_ranks(report, keep=keep).table.iloc[0]
    k, energy = int(row["rank"]), np.cumsum(sigma**2) / np.sum(sigma**2)
    assert energy[k - 1] >= keep - 1e-12
    assert k == 1 or energy[k - 2] < keep + 1e-12
    assert row["frobenius_error"] == pytest.approx(math.sqrt(max(1 - energy[k - 1], 0)), abs=1e-7)
    k = int(rk.suggest_ranks(report, keep=keep, norm="spectral").table["rank"].item())
    assert k == 7 or sigma[k] <= (1 - keep) * sigma[0] + 1e-12
    assert k == 1 or sigma[k - 1] > (1 - keep) * sigma[0] - 1e-12


@pytest.mark.parametrize("more", [{}, {"use_rslora": True}, {"alpha_pattern": {"up": 3}, "rank_pattern": {"q_.*": 6}}])
def test_what_is_written_is_the_best_approximation_with_the_scale_it_had(more, tmp_path):
    state = graded(NAMES[0]) | graded(NAMES[1], seed=1)
    source = save(tmp_path / "in", state, {**CONFIG, "r": 6, **more})
    ranks = rk.truncate(source, tmp_path / "out", keep=0.9999)
    after: Any = rk.audit(tmp_path / "out").table.set_index("module")
    before: Any = rk.audit(source).table.set_index("module")
    for row in ranks.table.to_dict("records"):
        name, k = row["module"], row["rank"]
        assert k < 6
        U, s, Vt = np.linalg.svd(delta(source, name))
        best = (U[:, :k] * s[:k]) @ Vt[:k]
        np.testing.assert_allclose(delta(tmp_path / "out", name), best, atol=1e-6 * s[0])
        assert after.loc[name, "r"] == k
        assert after.loc[name, "scale"] == pytest.approx(before.loc[name, "scale"])
        assert row["written_error"] == pytest.approx(row["frobenius_error"], abs=1e-6)
        assert after.loc[name, "note"] == ""
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


def test_nothing_is_written_that_fails_its_check(tmp_path, monkeypatch):
    source = save(tmp_path / "in", graded(NAMES[0]), {**CONFIG, "r": 6})
    module_under_test = importlib.import_module("rankkit.truncate")  # the function has taken its name
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
        (None, {}, "must be a PEFT LoRA adapter"),
        ({**CONFIG, "use_dora": True}, {}, "no DoRA"),
        ({**CONFIG, "use_sinelora": True, "sinelora_frequency": 3.0}, {}, "no plain linear"),
        (CONFIG, {"keep": 0.0}, "keep must lie"),
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
    with pytest.raises(ValueError, match="not empty|must be a PEFT"):
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
    assert main(["truncate", source, "--no-progress"]) == 1
    with pytest.raises(SystemExit):
        main(["truncate", source, "--dry-run", "--keep", "2"])
