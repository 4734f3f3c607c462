"""A wrong call of the law ends in one sentence that names the argument; an argument that changes nothing is refused."""

from typing import Any

import numpy as np
import pytest

import rankkit as rk
from rankkit import law, rules
from rankkit.rules.rule import Pointwise

NORMAL = rk.initializers.Normal(1.0, 1.0)
SIZES: dict[str, Any] = {"d": 40, "r": 2}
PAIR = rk.initializers.KaimingUniform()(80, 90, 2, seed=0)
BATCH = rk.Factors(np.ones((3, 70, 2)), np.ones((3, 2, 70)))
MATRIX: Any = np.ones((60, 60))
COUNTED: dict[str, Any] = {"measure": "numerical_rank"}


def tanh(omega):
    return rules.Activation("tanh", omega=omega)


def refusal(call):
    """Return the type and the message of a refusal, which is one line of a sentence's length."""
    with pytest.raises((TypeError, ValueError)) as caught:
        call()
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 400
    assert message.endswith(".")
    return caught.type, message


@pytest.mark.parametrize("source", [SIZES, {"factors": PAIR}])
@pytest.mark.parametrize(("given", "named"), [
    ({"rtol": 1e-3}, "rtol"), ({"atol": 1e-3}, "atol"), ({"gain": 2.0}, "gain"), ({"atol": 1.0, "gain": 2.0}, "atol and gain"),
])  # fmt: skip
def test_a_threshold_that_no_measure_has_is_refused(source, given, named):
    for measure in ("stable_rank", "participation_ratio"):
        says = f"{named} must be left out for {measure}: only numerical_rank has a threshold."
        assert refusal(lambda m=measure: rk.frequency_for_rank(10, measure=m, **source, **given)) == (ValueError, says)
        curve = refusal(lambda m=measure: rk.predict_curve([1.0], measures=[m], **source, **given))
        assert curve == (ValueError, says)


@pytest.mark.parametrize("relative", [{}, {"rtol": 1e-2}])
def test_a_gain_that_no_threshold_uses_is_refused(relative):
    doors = [
        lambda **how: rk.predict_rank(1.0, **how), lambda **how: rk.predict_curve([1.0], **how),
        lambda **how: rk.frequency_for_rank(10, **COUNTED, **how),
    ]  # fmt: skip
    for door in doors:
        for source in (SIZES, {"factors": PAIR}):
            kind, says = refusal(lambda door=door, source=source: door(gain=2.0, **relative, **source))
            assert kind is ValueError
            assert "gain must be left out unless atol is given" in says


def test_what_is_used_is_not_refused():
    """The same count in the units of two gains, of a curve with other measures beside it, and of its own rule's name."""
    one, other = (rk.predict_rank(9.0, **SIZES, atol=0.1 / gain, gain=gain).value for gain in (1.0, 5.0))
    assert one == pytest.approx(other, rel=1e-9)
    curve = rk.predict_curve([9.0], measures=["stable_rank", "numerical_rank"], atol=0.1, gain=1.0, **SIZES)
    assert curve.columns["numerical_rank"][0] == pytest.approx(one, rel=1e-9)
    plain, named = (
        rk.frequency_for_rank(9, factors=PAIR, atol=0.1, gain=1.0, rule=rule, **COUNTED).value
        for rule in (None, rules.Sine)
    )
    assert plain == named
    assert rk.predict_curve([9.0], measures=iter(["stable_rank"]), **SIZES).columns["stable_rank"].shape == (1,)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(("rule", "says"), [
    (rules.Activation, "whose first argument is name; pass lambda omega: Activation(name, omega=omega)."),
    (rules.Sinter, "whose first argument is amplitude; pass lambda omega: Sinter(omega=omega)."),
    (rules.SincBasis, "whose first argument is alpha; pass lambda omega: SincBasis(omega=omega)."),
    (rules.Elementwise, "whose first argument is fn; pass lambda omega: Elementwise(fn, lipschitz)."),
])  # fmt: skip
def test_a_class_that_takes_omega_for_another_argument_is_told_what_to_pass(rule, says):
    """Sinter's first argument is its amplitude: it was set to omega, and omega to ten thousand."""
    doors = [
        lambda: rk.predict_rank(1.0, initializer=NORMAL, rule=rule, **SIZES),
        lambda: rk.frequency_for_rank(10, factors=PAIR, rule=rule),
        lambda: rk.sweep_frequency(8, 2, omegas=[1.0], seeds=1, rule=rule),
    ]
    for door in doors:
        kind, message = refusal(door)
        assert kind is TypeError
        assert message.endswith(f"got the class {rule.__name__}, {says}")


def test_a_class_of_one_argument_is_a_rule():
    class Own(Pointwise):
        def __init__(self, frequency: float) -> None:
            self.frequency = frequency

        def _phi(self, x, *, rows):
            return np.sin(self.frequency * x)

        def _slope(self, peak, *, rows):
            return self.frequency

    found = rk.predict_stable_rank(2.0, initializer=NORMAL, rule=Own, **SIZES)
    assert found.value == pytest.approx(rk.predict_stable_rank(2.0, initializer=NORMAL, **SIZES).value, rel=0.01)


@pytest.mark.parametrize(("omegas", "says"), [
    (10, "got 10"), (None, "got None"), ("10", "got '10'"), (np.array(3.0), r"got array(3.)"),
])  # fmt: skip
def test_a_curve_needs_an_iterable_of_frequencies(omegas, says):
    kind, message = refusal(lambda: rk.predict_curve(omegas, **SIZES))
    assert kind is TypeError
    assert message == f"omegas must be an iterable of frequencies, {says}; use for instance [1, 10, 100]."


@pytest.mark.parametrize("call", [
    lambda: rk.rank_bounds(MATRIX, rules.Sine(1.0), 1e-3), lambda: rk.rank_bounds(PAIR, MATRIX, 1e-3),
    lambda: rk.rank_bounds(PAIR, rules.Sine(1.0), MATRIX), lambda: rk.leading_spectrum(MATRIX, 1.0),
    lambda: rk.leading_spectrum(PAIR, MATRIX), lambda: rk.leading_spectrum(PAIR, 1.0, top=MATRIX),
    lambda: rk.leading_spectrum(PAIR, 1.0, gain=MATRIX), lambda: rk.predict_rank(MATRIX, **SIZES),
    lambda: rk.predict_rank(1.0, d=MATRIX, r=2), lambda: rk.predict_rank(1.0, rtol=MATRIX, **SIZES),
    lambda: rk.predict_rank(1.0, atol=1.0, gain=MATRIX, **SIZES), lambda: rk.predict_rank(1.0, initializer=MATRIX, **SIZES),
    lambda: rk.predict_rank(1.0, entries=MATRIX, **SIZES), lambda: rk.predict_rank(1.0, rule=MATRIX, **SIZES),
    lambda: rk.predict_rank(1.0, covariance=(np.eye(2), MATRIX), **SIZES), lambda: rk.predict_rank(1.0, factors=MATRIX),
    lambda: rk.predict_curve(MATRIX, **SIZES), lambda: rk.predict_curve([1.0], measures=MATRIX, **SIZES),
    lambda: rk.frequency_for_rank(MATRIX, **SIZES), lambda: rk.frequency_for_rank(10, measure=MATRIX, **SIZES),
    lambda: law.staircase_exponents("sine", MATRIX, count=3), lambda: law.decay_power(1, MATRIX),
    lambda: law.strip_rate(MATRIX, 1.0),
])  # fmt: skip
def test_an_array_in_the_wrong_place_is_said_by_its_shape(call):
    _, message = refusal(call)
    assert "(60, 60)" in message or "(60,)" in message


@pytest.mark.parametrize("factors", [BATCH, (PAIR.B, PAIR.A), [PAIR], "factors", 3])
def test_what_is_no_pair_of_factors_is_said_in_one_line(factors):
    doors = [
        lambda: rk.predict_rank(1.0, factors=factors), lambda: rk.frequency_for_rank(10, factors=factors),
        lambda: rk.rank_bounds(factors, rules.Sine(1.0), 1e-3), lambda: rk.leading_spectrum(factors, 1.0),
    ]  # fmt: skip
    for door in doors:
        kind, message = refusal(door)
        assert kind is TypeError
        assert message.startswith("factors must be one pair of Factors")
