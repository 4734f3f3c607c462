"""Layers that are sines from the start and the phases of all kinds."""

import numpy as np
import pytest
import torch
from torch import nn

import rankkit as rk
from rankkit.adapters import LrLoraConfig, SineLowRankLinear, low_rank_, phases

from .nets import COMMON, adapted, layers, one


def test_the_layer_is_the_rule_and_trains():
    torch.manual_seed(0)
    layer = SineLowRankLinear(20, 30, rank=3, omega=40, dtype=torch.float64)
    factors = rk.Factors(layer.B.detach(), layer.A.detach())
    weight = rk.rules.Sine(40)(factors)
    assert torch.allclose(layer.weight, weight, rtol=0, atol=1e-12)
    x = torch.randn(5, 20, dtype=torch.float64, requires_grad=True)
    assert torch.allclose(layer(x), x @ weight.T + layer.bias)
    assert torch.autograd.gradcheck(layer, (x,))
    grads = torch.autograd.grad(layer(x).square().sum(), [layer.B, layer.A])
    plain = (x @ (torch.sin(40 * layer.B @ layer.A) / 30**0.5).T + layer.bias).square().sum()
    for ours, theirs in zip(grads, torch.autograd.grad(plain, [layer.B, layer.A]), strict=True):
        assert torch.allclose(ours, theirs)
    assert SineLowRankLinear(4, 4, 1, 1.0, bias=False).bias is None
    assert SineLowRankLinear(4, 4, 1, 1.0, gain=3.0).gain == 3


def test_its_start_is_kaimings_so_that_the_law_speaks_of_it():
    torch.manual_seed(0)
    layer = SineLowRankLinear(512, 512, rank=2, omega=222)
    assert float(layer.A.abs().max()) == pytest.approx((6 / 512) ** 0.5, rel=0.01)
    assert float(layer.B.abs().max()) == pytest.approx(3**0.5, rel=0.01)
    measured = float(rk.metrics.stable_rank(rk.spectrum_of(layer.weight.double(), top=1)))
    predicted = rk.predict_stable_rank(222, d=512, r=2)
    assert abs(measured - predicted.value) < predicted.error


def test_layers_are_replaced_and_counted():
    net = nn.Sequential(nn.Linear(64, 128), nn.GELU(), nn.Linear(128, 64, bias=False))
    before = sum(p.numel() for p in net.parameters())
    done = low_rank_(net, rank=2, omega=300, modules=["0"])
    assert done.replaced == ("0",)
    assert (done.before, done.after) == (before, sum(p.numel() for p in net.parameters()))
    assert done.rate == done.after / before
    assert isinstance(net[0], SineLowRankLinear)
    assert type(net[2]) is nn.Linear
    assert low_rank_(net, rank=2, omega=300).replaced == ("2",)
    assert net[2].bias is None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SineLowRankLinear(4, 4, 0, 1.0), "rank must be an integer >= 1, got 0"),
        (lambda: SineLowRankLinear(4, 4, 1, float("nan")), "omega must be a number that is finite and > 0, got nan"),
        (lambda: SineLowRankLinear(4, 4, 1, 1.0, gain=0), "gain must be a number that is finite and > 0, got 0"),
        (
            lambda: low_rank_(nn.Sequential(nn.Linear(2, 2)), rank=1, omega=1, modules=["fc"]),
            "must name nn.Linear layers",
        ),
        (lambda: low_rank_(nn.ReLU(), rank=1, omega=1), "must contain an nn.Linear"),
        (lambda: low_rank_(nn.Linear(2, 2), rank=1, omega=1), "must contain an nn.Linear"),
        (lambda: phases(nn.Linear(2, 2)), "no adapter with a frequency"),
        (lambda: phases(adapted("tanh")), "no adapter with a frequency"),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("method", ["sine", "sine-DoRA", "Sinter"])
def test_phases_are_measured_and_the_regime_is_the_audits(method):
    model = adapted(method, dtype=torch.float64)
    for phase, (name, layer) in zip(phases(model), layers(model).items(), strict=True):
        B, A = layer.factors("default")
        exact = (20 if method == "Sinter" else 30) * (B @ A).detach()
        assert phase.module.endswith(name)
        assert phase.adapter == "default"
        assert phase.rms == pytest.approx(float(exact.square().mean().sqrt()))
        assert phase.largest == pytest.approx(float(exact.abs().max()))
    if method != "sine-DoRA":  # its true update is no function of the entries of B A alone
        audited = rk.audit(model, progress=False).table["regime"]
        assert [phase.regime for phase in phases(model)] == list(audited)
    assert {phase.regime for phase in phases(model, regime=False)} == {""}


def test_a_start_at_zero_is_named():
    import peft

    from .nets import METHODS, Net

    model = peft.get_peft_model(Net(), METHODS["sine"]())
    assert {phase.regime for phase in phases(model)} == {"zero"}
    assert {phase.rms for phase in phases(model)} == {0.0}


@pytest.mark.parametrize("reach", [1e-6, 0.05, 0.5, 3.0, 12.0])
@pytest.mark.parametrize("basis", ["sinc", "gaussian", "bspline", "fourier", "polynomial"])
def test_phi_is_evaluated_below_float32s_rounding(basis, reach):
    """However far B A reaches: a polynomial where a small degree does, a table beyond."""
    import peft

    net = one(nn.Linear(40, 40))
    peft.get_peft_model(net, LrLoraConfig(basis=basis, **COMMON | {"target_modules": ["first"], "r": 1}))
    layer = net.first
    torch.manual_seed(0)
    B, A = layer.factors("default")
    B.data, A.data = torch.linspace(-1, 1, 40)[:, None], torch.linspace(-reach, reach, 40)[None]
    layer.lora_amplitude["default"].data = torch.randn(50)
    exact = _exact(layer, basis)
    got = layer.get_delta_weight("default").double()
    alpha = layer.lora_amplitude["default"].detach()
    size = float(alpha.abs().sum()) * max(1.0, float(np.abs(exact).max() / alpha.abs().sum()))
    assert float((got - torch.from_numpy(exact)).abs().max()) < 2e-6 * max(1, reach) * size


def _exact(layer, basis):
    from rankkit.rules.kernels import KERNELS

    B, A = (factor.detach().double() for factor in layer.factors("default"))
    alpha, omega, places = (t.detach() for t in layer.parts("default"))
    t = omega * (B @ A)[..., None]
    shift = {"fourier": places, "polynomial": 0}.get(basis, -omega * places)
    return (KERNELS[basis](t + shift) @ alpha).numpy()
