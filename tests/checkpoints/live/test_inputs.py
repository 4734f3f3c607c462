"""Layers that are not linear in their input: the Jacobian at what reaches them."""

from typing import Any

import numpy as np
import pytest
import torch
from peft import get_peft_model

import rankkit as rk
from rankkit.adapters import AdaSineLoraConfig
from tests.checkpoints.live.models import Net, model_of, trained, truth
from tests.checkpoints.live.test_model import assert_same_state, row, state_of

IDS = torch.tensor([[3, 1, 4, 1], [5, 9, 2, 6]])


def jacobians(layer: Any, x: Any, **named: Any) -> Any:
    """Return d(layer(x) - base(x))/dx averaged over output tokens, summed over input tokens: by autograd, in float64."""
    part = lambda at: (layer(at, **named) - layer.base_layer(at)).mean((0, 1))
    whole: Any = torch.autograd.functional.jacobian(part, x)
    return whole.sum((1, 2)).numpy()


@pytest.mark.parametrize("method", ["LILY", "POLY"])
def test_the_jacobian_is_autograd_s_and_the_model_stays_as_it_was(method):
    model = model_of(method, init_weights=False).train()
    named: dict[str, Any] = {"task_ids": torch.zeros(2, dtype=torch.long)} if method == "POLY" else {}
    before = state_of(model)
    report = rk.audit(model, inputs={"ids": IDS, **named}, progress=False)
    assert_same_state(before, state_of(model))
    double = model.double().eval()
    inner = double.base_model.model
    x = inner.emb(IDS).detach()
    sigma, stable = truth(jacobians(inner.one, x, **named))
    got = row(report, "one")
    assert got["status"] == "ok", got["note"]
    assert got["spectral_norm"] == pytest.approx(sigma, rel=1e-5)
    assert got["stable_rank"] == pytest.approx(stable, rel=1e-5)
    assert "mean over 8 tokens" in got["note"]


def test_adasine_at_an_input_is_its_rule_s_jacobian():
    torch.manual_seed(0)
    config = AdaSineLoraConfig(r=4, target_modules=["one"], omega0=50.0)
    model: Any = trained(get_peft_model(Net(), config))
    ids = IDS[:1, :1]
    without = row(rk.audit(model, progress=False), "one")
    assert without["status"] == "unsupported"
    assert "inputs=" in without["note"]
    got = row(rk.audit(model, inputs=(ids,), progress=False), "one")
    layer = model.double().eval().base_model.model.one
    sigma, stable = truth(jacobians(layer, model.base_model.model.emb(ids).detach()))
    assert got["status"] == "ok", got["note"]
    assert got["spectral_norm"] == pytest.approx(sigma, rel=1e-5)
    assert got["stable_rank"] == pytest.approx(stable, rel=1e-5)


def test_a_linear_layer_is_one_update_whatever_the_input():
    model = model_of("HIRA")
    one, two = rk.audit(model, progress=False), rk.audit(model, inputs=IDS, progress=False)
    assert one.table.equals(two.table)


def test_inputs_that_cannot_be_followed_are_refused():
    model = model_of("LILY")
    before = state_of(model)
    with pytest.raises(ValueError, match="cannot be called with inputs"):
        rk.audit(model, inputs={"nothing": 1})
    assert_same_state(before, state_of(model))
    with pytest.raises(ValueError, match="inputs needs a model in memory"):
        rk.audit({"q.lora_A.weight": np.ones((1, 2)), "q.lora_B.weight": np.ones((2, 1))}, inputs=IDS)


def test_a_gradient_that_is_not_the_slope_is_not_believed(monkeypatch):
    from peft.tuners.lily.layer import Linear

    class Wrong(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x.clone()

        @staticmethod
        def backward(ctx: Any, *grad: Any) -> Any:
            return 2 * grad[0]

    real = Linear.forward
    monkeypatch.setattr(Linear, "forward", lambda self, x, *more: Wrong.apply(real(self, x, *more)))
    got = row(rk.audit(model_of("LILY", init_weights=False), inputs=IDS, progress=False), "one")
    assert got["status"] == "unsupported"
    assert "not the slope" in got["note"]


def test_x_lora_is_measured_with_the_mixture_that_the_input_gets(tmp_path):
    from peft import LoraConfig, XLoraConfig
    from transformers import LlamaConfig, LlamaForCausalLM

    def base():
        torch.manual_seed(0)
        small = LlamaConfig(hidden_size=16, intermediate_size=24, num_hidden_layers=1, num_attention_heads=2,
                            num_key_value_heads=2, vocab_size=40, use_cache=False)  # fmt: skip
        return LlamaForCausalLM(small)

    for name in ("a", "b"):
        lora = get_peft_model(base(), LoraConfig(r=2, target_modules=["q_proj"], task_type="CAUSAL_LM"))
        trained(lora, seed=ord(name)).save_pretrained(tmp_path / name)
    config = XLoraConfig(
        task_type="CAUSAL_LM",
        hidden_size=16,
        xlora_depth=1,
        adapters={str(i): str(tmp_path / n) for i, n in enumerate(("a", "b"))},
    )
    model: Any = get_peft_model(base(), config).eval()
    model(input_ids=IDS)  # transformers puts hooks of its own on at the first call
    before = state_of(model)
    without = rk.audit(model, progress=False).table.iloc[0]
    assert without["status"] == "unsupported"
    got = rk.audit(model, inputs={"input_ids": IDS}, progress=False).table.iloc[0]
    assert_same_state(before, state_of(model))
    assert got["status"] == "ok", got["note"]
    model(input_ids=IDS)
    mixture = model.base_model.internal_xlora_scalings.double()[:, :, 0].mean((0, 1))
    (layer,) = [one for _, one in model.named_modules() if hasattr(one, "lora_A") and len(one.lora_A)]
    sigma, _ = truth(sum(
        float(mixture[i]) * layer.get_delta_weight(name).detach().double().numpy() for i, name in enumerate(layer.lora_A)
    ) * config.global_scaling_weight)  # fmt: skip
    assert got["spectral_norm"] == pytest.approx(sigma, rel=1e-4)
