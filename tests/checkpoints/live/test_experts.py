"""Experts of a model in memory: a row for each, named by its own parameter, held against PEFT's merge."""

import copy
import warnings
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import nn

import rankkit as rk
from tests.checkpoints.live.models import trained, truth

E, H, INNER, R = 3, 8, 12, 2
PARAMETERS = ("gate_up_proj", "down_proj")


class Experts(nn.Module):
    """A block of experts, stored as (E, out, in), or as gpt-oss does, (E, in, out)."""

    def __init__(self, inner: int, *, turned: bool) -> None:
        super().__init__()
        self.is_transposed = turned
        for name, shape in zip(PARAMETERS, ((2 * inner, H), (H, inner)), strict=True):
            self.register_parameter(name, nn.Parameter(torch.randn(E, *(shape[::-1] if turned else shape))))

    def forward(self, x: Any) -> Any:
        return x


class Block(nn.Module):
    def __init__(self, inner: int = INNER, *, turned: bool = False) -> None:
        super().__init__()
        self.experts = Experts(inner, turned=turned)

    def forward(self, x: Any) -> Any:
        return self.experts(x)


def adapted(model: Any, **more: Any) -> Any:
    config: Any = {"r": R, "lora_alpha": 6, "target_modules": []}
    config["target_parameters"] = [f"experts.{name}" for name in PARAMETERS]
    with warnings.catch_warnings():  # PEFT applies a pattern for a parameter, and warns that it names no module
        warnings.simplefilter("ignore", RuntimeWarning)
        return trained(get_peft_model(model, LoraConfig(**{**config, **more})), size=0.3)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("inner", [INNER, H, H // 2])  # with H the down projection is square, with H / 2 the other
@pytest.mark.parametrize(
    "more",
    [{}, {"use_rslora": True}, {"rank_pattern": {"down_proj": 1}, "alpha_pattern": {"gate_up_proj": 1}}, {"r": E}],
)
def test_every_expert_is_the_slice_that_peft_merges(turned, inner, more):
    torch.manual_seed(0)
    model = adapted(Block(inner, turned=turned), **more)
    before = dict(copy.deepcopy(model).unload().double().experts.named_parameters())
    after = dict(copy.deepcopy(model).double().merge_and_unload().experts.named_parameters())
    table = rk.audit(model, progress=False).table.set_index("module")
    assert len(table) == len(PARAMETERS) * E
    for name in PARAMETERS:
        for expert, delta in enumerate((after[name] - before[name]).detach().numpy()):
            got: Any = table.loc[f"experts.{name}[{expert}]"]
            sigma, stable = truth(delta)
            assert got["status"] == "ok", got["note"]
            assert got["spectral_norm"] == pytest.approx(sigma, rel=1e-5)
            assert got["stable_rank"] == pytest.approx(stable, rel=1e-5)


def test_parameters_that_are_one_matrix_are_named_too():
    torch.manual_seed(0)
    block = Block()
    for name in PARAMETERS:
        setattr(block.experts, name, nn.Parameter(getattr(block.experts, name)[0].detach()))
    model = adapted(block)
    before = dict(copy.deepcopy(model).unload().double().experts.named_parameters())
    after = dict(copy.deepcopy(model).double().merge_and_unload().experts.named_parameters())
    table = rk.audit(model, progress=False).table.set_index("module")
    assert set(table.index) == {f"experts.{name}" for name in PARAMETERS}
    for name in PARAMETERS:
        sigma, _ = truth((after[name] - before[name]).detach().numpy())
        assert table.loc[f"experts.{name}", "spectral_norm"] == pytest.approx(sigma, rel=1e-5)
