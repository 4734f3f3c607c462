"""Gradients against finite differences and autograd of the plain formula, and what a step from the papers' start moves."""

import math

import peft
import pytest
import torch
from torch import nn

from rankkit.adapters import LrLoraConfig, SineLoraConfig
from rankkit.adapters.blocks import BLOCK, Base
from rankkit.adapters.curves import SineCurve
from rankkit.adapters.product import adapted_product

from .nets import COMMON, METHODS, Net, adapted, layers, one

X = torch.randn(5, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(2))


def trained(model):
    return {name: p for name, p in model.named_parameters() if p.requires_grad}


def worst_difference(model, x, *, step=1e-6):
    """Return the largest relative difference between a gradient and finite differences, over parameters and the input."""

    def loss():
        torch.manual_seed(9)  # of dropout
        return model(x).pow(2).sum()

    parameters = [x, *trained(model).values()]
    grads = torch.autograd.grad(loss(), parameters)
    torch.manual_seed(3)
    worst = 0.0
    for parameter, grad in zip(parameters, grads, strict=True):
        direction = torch.randn_like(parameter)
        value = parameter.data.clone()
        ahead, behind = (_at(parameter, value + sign * step * direction, loss) for sign in (1, -1))
        parameter.data = value
        expected, got = (ahead - behind) / (2 * step), float((grad * direction).sum())
        worst = max(worst, abs(got - expected) / (abs(expected) + 1e-2))
    return worst


def _at(parameter, value, loss):
    parameter.data = value
    return float(loss().detach())


@pytest.mark.parametrize("method", [name for name in METHODS if "sine-DoRA" not in name])
@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_gradients_are_those_of_finite_differences(method, dropout):
    """With dropout the base is not folded: the update stands alone."""
    model = adapted(method, dtype=torch.float64, lora_dropout=dropout)
    if method == "relu":  # clear of the kink
        for layer in layers(model).values():
            layer.lora_B["default"].weight.data.abs_()
    assert worst_difference(model, X.clone().requires_grad_()) < 2e-6


def test_a_wrong_slope_is_caught(monkeypatch):
    monkeypatch.setattr(SineCurve, "values_and_slopes", lambda self, u, weights: (u.sin(), u.cos() * 1.001))
    assert worst_difference(adapted("sine", dtype=torch.float64), X.clone().requires_grad_()) > 1e-4


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_sine_dora_is_the_formula_with_a_constant_norm(dropout):
    model = adapted("sine-DoRA", dtype=torch.float64, lora_dropout=dropout)
    layer = layers(model)["first"]
    parameters = [layer.lora_B["default"].weight, layer.lora_A["default"].weight, layer.lora_magnitude["default"]]
    B, A, q = parameters
    x = X.clone().requires_grad_()
    torch.manual_seed(4)
    got = torch.autograd.grad(layer(x).sin().sum(), [x, *parameters])
    torch.manual_seed(4)
    dropped = layer.lora_dropout["default"](x)
    W, b = layer.base_layer.weight, layer.base_layer.bias
    turned = W + torch.sin(30 * B @ A) / math.sqrt(20)
    turned = (q / turned.norm(dim=1).detach())[:, None] * turned
    y = nn.functional.linear(x, W, b) + nn.functional.linear(dropped, turned - W)
    for ours, plain in zip(got, torch.autograd.grad(y.sin().sum(), [x, *parameters]), strict=True):
        assert torch.allclose(ours, plain, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("dropout", [0.0, 0.5])
@pytest.mark.parametrize("gain", [None, "sqrt(in_features)"])
def test_sine_dora_on_activations_is_the_authors_forward_pass(dropout, gain):
    """The sine is taken of B A x, with the gain within; the lengths are those of W + S, as constants."""
    model = adapted("sine-DoRA on activations", dtype=torch.float64, lora_dropout=dropout, gain=gain)
    layer = layers(model)["first"]
    parameters = [layer.lora_B["default"].weight, layer.lora_A["default"].weight, layer.lora_magnitude["default"]]
    B, A, q = parameters
    x, g = X.clone().requires_grad_(), math.sqrt(20 if gain is None else 12)
    torch.manual_seed(4)
    y = layer(x)
    got = torch.autograd.grad(y.sin().sum(), [x, *parameters])
    torch.manual_seed(4)
    dropped = layer.lora_dropout["default"](x)
    W, b = layer.base_layer.weight, layer.base_layer.bias
    turn = q / (W + torch.sin(30 * B @ A) / g).norm(dim=1).detach()
    plain = (
        nn.functional.linear(x, W, b) + (turn - 1) * (dropped @ W.T) + turn * torch.sin(30 * (dropped @ A.T @ B.T) / g)
    )
    assert torch.allclose(y, plain, rtol=1e-10)
    for ours, theirs in zip(got, torch.autograd.grad(plain.sin().sum(), [x, *parameters]), strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-9, atol=1e-12)
    weights = adapted("sine-DoRA", dtype=torch.float64, gain=gain)
    assert not torch.allclose(layers(weights)["first"](X), layer(X), rtol=1e-2)


def test_blocks_make_no_difference():
    """A layer of several blocks, the last of them shorter, against autograd of the plain formula."""
    m, n, r = 2 * BLOCK // 4096 + 5, 4096, 2
    torch.manual_seed(0)
    x, W = torch.randn(3, n, dtype=torch.float64, requires_grad=True), torch.randn(m, n, dtype=torch.float64)
    B, A = (torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in ((m, r), (r, n)))
    for base, weight in ((None, 0), (Base(lambda: W), W), (Base(lambda: W.T.contiguous(), transposed=True), W)):
        y = adapted_product(x, B, A, SineCurve.of(3.0, 2.0), 0.7, base=base)
        plain = x @ (weight + 0.7 * torch.sin(3 * B @ A) / 2).T
        assert torch.allclose(y, plain, rtol=1e-10)
        for ours, theirs in zip(*(torch.autograd.grad(out.cos().sum(), [x, B, A]) for out in (y, plain)), strict=True):
            assert torch.allclose(ours, theirs, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("method", ["sine", "sine-DoRA", "Sinter", "LR, sinc", "AdaSine"])
def test_only_the_input_and_small_tensors_are_kept(method):
    """Of a layer of 300 x 400 nothing as large as its weight lives from the forward to the backward pass."""
    net = one(nn.Linear(400, 300))
    model = adapted(METHODS[method](target_modules=["first"]), net=net)
    x, kept = torch.randn(8, 400), []
    own = {p.data_ptr() for p in model.parameters()} | {x.data_ptr()}
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        y = model(x)
    y.sum().backward()
    extra = [t.numel() for t in kept if t.data_ptr() not in own]
    assert sum(extra) < 10_000


# the papers' start

MOVES = {
    "sine": {"lora_B": True, "lora_A": False},
    "sine-DoRA": {"lora_B": True, "lora_A": False, "lora_magnitude": True},
    "Sinter": {"lora_B": True, "lora_A": False},
    "tanh": {"lora_B": True, "lora_A": False},
    "relu": {"lora_B": False, "lora_A": False},
    "sigmoid": {"lora_B": True, "lora_A": False},
    "AdaSine": {"lora_B": True, "lora_A": False, "lora_frequency": False},
    "LR, sinc": {"lora_B": False, "lora_A": False, "lora_amplitude": True, "lora_bandwidth": False},
    "LR, Gaussian, around the identity": {
        "lora_B": True, "lora_A": False, "lora_amplitude": False, "lora_bandwidth": False,
    },
}  # fmt: skip


@pytest.mark.parametrize("method", MOVES)
def test_what_the_first_step_moves(method):
    torch.manual_seed(0)
    model = peft.get_peft_model(Net().double(), METHODS[method]())
    layers(model)["first"](X).pow(2).sum().backward()
    for name, moves in MOVES[method].items():
        grad = (
            layers(model)["first"]
            .get_parameter(f"{name}.default.weight" if name in ("lora_A", "lora_B") else f"{name}.default")
            .grad
        )
        assert bool(grad.abs().max() > 1e-12) == moves, name


@pytest.mark.parametrize("method", [name for name in METHODS if name != "sigmoid"])
def test_training_starts_from_the_base(method):
    torch.manual_seed(0)
    model = peft.get_peft_model(Net().double(), METHODS[method]())
    torch.manual_seed(0)
    assert torch.allclose(model(X), Net().double()(X), atol=1e-12)


def fitted(optimizer, *, rate, steps=200, **more):
    """Return (loss at first, loss at last, ||B||) of a layer that is to learn a random matrix through LR-LoRA."""
    torch.manual_seed(0)
    net = one(nn.Linear(12, 12, bias=False))
    model = peft.get_peft_model(net, LrLoraConfig(**COMMON | {"target_modules": ["first"]}, **more))
    target = net.first.base_layer.weight.detach() + 0.05 * torch.randn(12, 2) @ torch.randn(2, 12)
    x = torch.randn(64, 12)
    step = optimizer([p for p in model.parameters() if p.requires_grad], lr=rate)
    losses = []
    for _ in range(steps):
        loss = (model(x) - x @ target.T).pow(2).mean()
        step.zero_grad()
        loss.backward()
        step.step()
        losses.append(float(loss.detach()))
    return losses[0], losses[-1], float(net.first.lora_B["default"].weight.detach().norm())


def test_the_start_of_lr_lora_holds_gradient_descent():
    """B = 0, alpha = 0 and a symmetric grid: descent moves amplitudes only, Adam leaves by rounding, ours need not."""
    first, last, B = fitted(torch.optim.SGD, rate=1e-3, steps=100)
    assert B < 1e-12
    assert last > 0.95 * first
    first, last, B = fitted(torch.optim.AdamW, rate=3e-3)
    assert B > 0.1
    assert last < 0.1 * first
    first, last, B = fitted(torch.optim.SGD, rate=2e-2, around_identity=True)
    assert B > 0.1
    assert last < 0.6 * first


def test_equal_functions_are_spread_where_the_paper_prints_no_start():
    for basis in ("fourier", "polynomial"):
        layer = layers(peft.get_peft_model(Net(), LrLoraConfig(basis=basis, size=6, **COMMON)))["first"]
        assert len(set(layer.lora_bandwidth["default"].tolist())) == (3 if basis == "fourier" else 6)


def test_a_rate_that_does_not_go_with_the_frequency_is_told():
    """omega = 1e30 makes any step a leap; what follows is a sentence, not a file of NaN."""
    model = peft.get_peft_model(Net(), SineLoraConfig(omega=1e30, **COMMON))
    step = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=1e30)

    def train():
        for _ in range(3):
            model(X.float()).pow(2).sum().backward()
            step.step()

    with pytest.raises(ValueError, match="the training diverged; use a smaller learning rate"):
        train()
