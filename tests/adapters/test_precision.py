"""Phases have no digit to spare: what dtypes, autocast and storage do to an update."""

import warnings
from typing import Any

import peft
import pytest
import torch
from torch import nn

from rankkit.adapters import LoranConfig, SineLoraConfig
from rankkit.adapters.blocks import update_of
from rankkit.adapters.curves import SineCurve
from rankkit.adapters.product import adapted_product

from .nets import COMMON, METHODS, ONE_EACH, Net, adapted, layers

X = torch.randn(6, 12, generator=torch.Generator().manual_seed(1))


def factors(phase, m=256, n=512, r=8):
    """Return (B, A, omega) in float32 whose phases have this root mean square."""
    torch.manual_seed(0)
    B, A = torch.randn(m, r), torch.randn(r, n)
    return B, A, phase / r**0.5


def relative(got, exact):
    return float((got.double() - exact).norm() / exact.norm())


@pytest.mark.parametrize(("phase", "bound"), [(1, 2e-7), (10, 2e-6), (100, 2e-5), (300, 6e-5)])
@pytest.mark.parametrize("autocast", [False, True])
def test_phases_are_formed_in_float32_whatever_autocast_says(phase, bound, autocast):
    B, A, omega = factors(phase)
    exact = torch.sin(omega * (B.double() @ A.double()))
    precision = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            got = update_of(B, A, SineCurve.of(omega, 1.0), 1.0)
            y = adapted_product(torch.eye(512), B, A, SineCurve.of(omega, 1.0), 1.0)
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision(precision)
    assert relative(got, exact) < bound
    assert relative(y.T, exact) < bound


def test_phases_in_16_bit_would_not_do():
    """What the float32 phase is for: the same sine of a product in bfloat16."""
    B, A, omega = factors(100)
    exact = torch.sin(omega * (B.double() @ A.double()))
    assert relative(torch.sin(omega * (B.bfloat16() @ A.bfloat16()).float()), exact) > 0.1


def test_slopes_are_as_exact_as_values():
    B, A, omega = factors(100)
    x = torch.randn(8, 512)
    grads = []
    for dtype in (torch.float32, torch.float64):
        leaves = [t.detach().clone().to(dtype).requires_grad_() for t in (B, A)]
        adapted_product(x.to(dtype), leaves[0], leaves[1], SineCurve.of(omega, 1.0), 1.0).sum().backward()
        grads.append([leaf.grad for leaf in leaves])
    assert all(relative(ours, exact) < 1e-4 for ours, exact in zip(*grads, strict=True))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("method", ONE_EACH)
def test_16_bit_bases_train_with_float32_factors(method, dtype):
    model = adapted(method)
    exact = model(X).detach()
    for layer in layers(model).values():
        layer.base_layer.to(dtype)
    model.base_model.model.head.to(dtype)
    y = model(X.to(dtype))
    assert y.dtype == dtype
    y.float().pow(2).sum().backward()
    assert all(p.grad.isfinite().all() for p in model.parameters() if p.requires_grad)
    assert relative(y, exact.double()) < 0.05
    made = adapted(method, dtype=dtype)
    assert {p.dtype for p in made.parameters() if p.requires_grad} == {torch.float32}


def test_an_injected_adapter_keeps_float32_too():
    net: Any = Net().bfloat16()
    peft.inject_adapter_in_model(SineLoraConfig(omega=10, **COMMON), net)
    assert net.first.lora_A["default"].weight.dtype == torch.float32


@pytest.mark.parametrize("method", ONE_EACH)
def test_autocast_trains(method):
    model = adapted(method)
    exact = model(X).detach()
    with torch.autocast("cpu", torch.bfloat16):
        y = model(X)
    y.float().sum().backward()
    assert relative(y, exact.double()) < 0.05
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters() if p.requires_grad)


def test_saving_in_16_bit_says_what_it_changes(tmp_path):
    model = adapted("sine", spread=1.0)
    exact = {name: layer.get_delta_weight("default").double() for name, layer in layers(model).items()}
    with pytest.warns(UserWarning, match="stored in 16 bit, which changes the update: by about") as told:
        model.to(torch.bfloat16).save_pretrained(tmp_path)
    said = float(str(told[-1].message).partition("by about ")[2].partition("%")[0]) / 100
    measured = max(
        relative(layer.get_delta_weight("default").float(), exact[name]) for name, layer in layers(model).items()
    )
    assert said / 3 < measured < said * 3
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        adapted("sine").save_pretrained(tmp_path)


def test_sinter_below_16_bit_rounding_is_told_once():
    with pytest.warns(UserWarning, match="amplitude 5e-05 is below 16 bit's rounding"):
        peft.get_peft_model(Net().bfloat16(), LoranConfig(**COMMON))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        peft.get_peft_model(Net(), LoranConfig(**COMMON))


class Coarse(nn.Linear):
    """A weight on a coarse grid, kept as integers: no weight that an update could be added to."""

    def __init__(self, layer):
        super().__init__(layer.in_features, layer.out_features)
        self.step = float(layer.weight.abs().max()) / 127
        self.weight = nn.Parameter((layer.weight / self.step).round().to(torch.int8), requires_grad=False)
        self.bias = layer.bias

    def forward(self, input):  # noqa: A002 - its name in nn.Linear
        return nn.functional.linear(input, self.weight.to(input.dtype) * self.step, self.bias)


@pytest.mark.parametrize("method", ["sine", "Sinter", "AdaSine", "LR, sinc"])
def test_a_quantised_base_gets_the_update_alone(method):
    model = adapted(method)
    exact = model(X).detach()
    torch.manual_seed(0)
    net: Any = Net()
    net.first = Coarse(net.first)
    coarse = peft.get_peft_model(net, METHODS[method]())
    state = {key: value for key, value in model.state_dict().items() if "first.base_layer" not in key}
    coarse.load_state_dict(state, strict=False)
    y = coarse(X)
    y.sum().backward()
    assert relative(y, exact.double()) < 0.05
    trained = [p for p in coarse.parameters() if p.requires_grad]
    assert trained
    assert all(p.grad is not None for p in trained)
    if method != "AdaSine":
        with pytest.raises(ValueError, match="an update cannot be added to a quantised weight"):
            coarse.merge_adapter()


def test_sine_dora_refuses_a_weight_it_cannot_read():
    net: Any = Net()
    net.first = Coarse(net.first)
    with pytest.raises(ValueError, match="needs the weight's own lengths, which a Coarse does not tell"):
        peft.get_peft_model(net, METHODS["sine-DoRA"]())
