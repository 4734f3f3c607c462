"""What rankkit.adapters saves, by its tensors and its configuration: which rule, with which numbers."""

import math
from typing import Any

import numpy as np
import pytest

from rankkit.rules import RULES, AdaSine, Linear, Sine, Sinter
from rankkit.rules.basis import Basis
from rankkit.rules.grids import alternating_phases, uniform_grid
from tests.checkpoints.readers.opened import normal, only, pair, update


def ours(kind, more=None, **config):
    state = pair("base_model.model.q") | {
        f"base_model.model.q.lora_{name}": np.asarray(x) for name, x in (more or {}).items()
    }
    return only(state, {"peft_type": kind, "r": 2, **config})


@pytest.mark.parametrize(
    ("alpha", "rooted", "scale"), [(None, False, 1.0), (None, True, 1.0), (6, False, 3.0), (6, True, 6 / math.sqrt(2))]
)
def test_our_own_methods_have_the_papers_scale_where_no_alpha_is_given(alpha, rooted, scale):
    more = {} if alpha is None else {"lora_alpha": alpha}
    plain = ours("LORAN", activation="identity", use_rslora=rooted, **more)
    assert isinstance(plain.rule, Linear)
    assert plain.scale == pytest.approx(scale)
    assert ours("LORAN", use_rslora=rooted, **more).rule == Sinter(5e-5, 1e4, scale=plain.scale)
    for gain, value in ((None, math.sqrt(6)), ("sqrt(in_features)", math.sqrt(5)), (2.0, 2.0)):
        sine = ours("SINELORA", omega=3.0, gain=gain, use_rslora=rooted, **more)
        assert sine.rule == Sine(3.0, gain=value / plain.scale)
        ada = ours("ADASINELORA", {"frequency": np.ones(5)}, gain=gain, use_rslora=rooted, **more).rule
        assert isinstance(ada, AdaSine)
        assert (ada.omega0, ada.gain, ada.scale_inside) == (400.0, value / plain.scale, True)


@pytest.mark.parametrize("basis", ["sinc", "gaussian", "bspline", "fourier", "polynomial"])
@pytest.mark.parametrize("around", [False, True])
def test_a_learned_basis_is_the_sum_of_its_functions(basis, around):
    count = 3
    alpha, stored = normal(count), normal(count)
    layer = ours("LRLORA", {"amplitude": alpha, "bandwidth": stored}, lora_alpha=4, basis=basis, around_identity=around)
    omega = np.log1p(np.exp(stored))
    place = {"fourier": {"phase": alternating_phases(count)}, "polynomial": {}}.get(
        basis, {"grid": uniform_grid(count, 3.0)}
    )
    make: Any = RULES[f"{basis}_basis"]
    rule = make(alpha=2 * alpha, omega=omega, **place)
    z = np.linspace(-2, 2, 7)
    product: Any = layer.product()
    x = product.B @ product.A
    exact = rule.exact(x) + (2 * x - rule.exact(np.zeros(1)) if around else 0)
    np.testing.assert_allclose(update(layer), exact, atol=1e-9)
    learned = {"amplitude": alpha, "bandwidth": stored, "grid": normal(count)}
    if basis != "polynomial":
        word = next(iter(place))
        rule, read = (
            make(alpha=alpha, omega=omega, **{word: learned["grid"]}),
            ours("LRLORA", learned, basis=basis, grid="learned").rule,
        )
        assert isinstance(read, Basis)
        np.testing.assert_allclose(read.exact(z), rule.exact(z), atol=1e-12)


@pytest.mark.parametrize(
    ("shapes", "fits"),
    [((3, 3), True), ((3, 2), False), ((0, 0), False), ((1 << 16, 1 << 16), True), ((1 + (1 << 16),) * 2, False)],
)
def test_a_basis_has_as_many_amplitudes_as_bandwidths(shapes, fits):
    layer = ours("LRLORA", {"amplitude": np.ones(shapes[0]), "bandwidth": np.ones(shapes[1])})
    assert layer.status == ("ok" if fits else "unsupported")
    assert fits or "are no one basis" in layer.notes[0]


@pytest.mark.parametrize("basis", ["sinc", "gaussian", "polynomial"])
@pytest.mark.parametrize("scale", [0.5, 2.0, -2.0])
def test_around_the_identity_two_entries_are_moved_apart_by_the_stated_slope_at_most(basis, scale):
    """The largest entry that B A can have is that of its longest row of B and its longest column of A."""
    B, A = np.diag([3.0, 0.1, 0.2])[:, :2], np.diag([2.0, 0.1, 0.1])[:2]
    state = {
        "q.lora_A.weight": A,
        "q.lora_B.weight": B,
        "q.lora_amplitude": np.array([1.0, 0.5]),
        "q.lora_bandwidth": np.array([1.0, -1.0]),
    }
    layer = only(
        state, {"peft_type": "LRLORA", "r": 2, "lora_alpha": 2 * scale, "basis": basis, "around_identity": True}
    )
    rule: Any = layer.rule
    z = np.linspace(-6, 6, 601)
    moved = np.abs(np.diff(rule.fn(z))) / np.diff(z)
    assert np.max(moved) <= rule.lipschitz * (1 + 1e-9)
    assert rule.lipschitz <= 100 * np.max(moved)
