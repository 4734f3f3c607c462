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
ANY: Any = law  # its types forbid the calls below
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


@pytest.mark.parametrize("source", [
    SIZES, {"initializer": NORMAL, **SIZES}, {"entries": law.EntryLaw.named("laplace"), **SIZES}, {"factors": PAIR},
    {"initializer": NORMAL, "rule": tanh, **SIZES},
])  # fmt: skip
@pytest.mark.parametrize("omega", [1e-300, 1e-100, 1e100, 1.7e308])
def test_a_frequency_beyond_floats_is_refused(source, omega):
    """1e-300 ran on and took all memory; 1e-200 gave NaN for given factors."""
    for door in (rk.predict_rank, rk.predict_stable_rank, lambda omega, **how: rk.predict_curve([omega], **how)):
        kind, message = refusal(lambda door=door: door(omega, **source))
        assert kind is ValueError
        assert message.startswith("omega must lie between")


@pytest.mark.parametrize("source", [SIZES, {"entries": law.EntryLaw.named("laplace"), **SIZES}, {"factors": PAIR}])
def test_a_frequency_at_the_ends_of_floats_is_predicted(source):
    slow, fast = (rk.predict_stable_rank(omega, **source) for omega in (1e-28, 1e28))
    assert slow.regime == "linear"
    assert fast.regime == "saturated"
    assert 1 <= slow.value < 2.5 < fast.value < 22


@pytest.mark.parametrize(("how", "says"), [
    ({"d": 10**13}, "d must be an integer in 1..1000000000000"), ({"d": 10**5000}, "d must be an integer in 1.."),
    ({"r": 5000}, "r must be an integer in 1..4096"), ({"r": 700, "initializer": NORMAL}, "r must be at most 640"),
    ({"r": 171, "entries": law.EntryLaw.named("laplace")}, "r must be at most 170"),
    ({"initializer": rk.initializers.Normal(1e-200, 1e-200)}, "the entries of B A must have a standard deviation"),
    ({"initializer": rk.initializers.Normal(1e200, 1e200)}, "the entries of B A must have a standard deviation"),
    ({"covariance": (1e-300 * np.eye(2), 1e-300 * np.eye(2))}, "the entries of B A must have a standard deviation"),
    ({"entries": law.EntryLaw(lambda u: u * np.nan)}, "the entries of B A must have a standard deviation"),
    ({"entries": law.EntryLaw.of_samples(np.full(9, 1e-200))}, "the entries of B A must have a standard deviation"),
    ({"covariance": (np.eye(2) * 1j, np.eye(2))}, "covariance must be a pair of matrices of numbers"),
    ({"covariance": (np.eye(2) * np.nan, np.eye(2))}, "covariance must be two finite matrices"),
    ({"covariance": 3}, "covariance must be a pair of matrices, for B and for A, got 3"),
])  # fmt: skip
@pytest.mark.filterwarnings("ignore:r = .* exceeds", "ignore:overflow encountered")
def test_sizes_and_scales_beyond_the_law_are_refused(how, says):
    for door in (rk.predict_rank, rk.frequency_for_rank):
        assert refusal(lambda door=door: door(2.0, **SIZES | how))[1].startswith(says)


def test_a_rank_that_is_no_number_is_no_prediction():
    with (
        pytest.raises(ArithmeticError, match="the numerical rank has no prediction at r = 3000"),
        np.errstate(all="ignore"),
    ):
        rk.predict_rank(1e6, d=64, r=3000, n=4096)


def test_two_valued_entries_are_not_taken_for_noise():
    """Of entries that are 1 or -1, sin(omega B A) has rank 2 at every omega; a stable rank of 16.9 was predicted."""
    signs = law.EntryLaw.of_samples(np.ones(20))
    assert rk.predict_stable_rank(30.0, entries=signs, **SIZES).value < 2
    assert refusal(lambda: rk.predict_stable_rank(1e4, entries=signs, **SIZES))[1].startswith(
        "omega must be at most 600"
    )


def test_factors_whose_product_is_beyond_floats_are_refused():
    large, larger = rk.Factors(1e150 * PAIR.B, PAIR.A), rk.Factors(1e200 * PAIR.B, 1e200 * PAIR.A)
    doors = [
        lambda: rk.predict_rank(1.0, factors=large), lambda: rk.frequency_for_rank(10, factors=large),
        lambda: rk.rank_bounds(larger, rules.Linear(), 1e-3), lambda: rk.leading_spectrum(larger, 1.0),
    ]  # fmt: skip
    for door in doors:
        assert refusal(door)[1].startswith("factors must have a product whose entries are below 1")
    assert rk.rank_bounds(large, rules.Linear(), 1e-3).upper == 2


@pytest.mark.parametrize(("call", "says"), [
    (lambda: ANY.EntryLaw(3), "size must be a function"), (lambda: ANY.EntryLaw.named([1]), "name must be one of"),
    (lambda: ANY.EntryLaw.of_quantile("x"), "quantile must be a function"),
    (lambda: ANY.EntryLaw.of_quantile(lambda u: "a"), "quantile must give an array of real numbers, got 'a'"),
    (lambda: ANY.EntryLaw.of_samples("abc"), "samples must give an array of real numbers, got 'abc'"),
    (lambda: ANY.EntryLaw.of_samples(np.ones(20) * 1j), "samples must give an array of real numbers, got ndarray of shape"),
    (lambda: ANY.EntryLaw.of_samples([1, 2]), "samples must be at least 8 finite numbers that are not all zero, got 2"),
    (lambda: ANY.decay_power(1, 2, at_zero=None), "at_zero must be True or False, got None"),
    (lambda: ANY.decay_power(10**400, 2), "derivative must be an integer in 0.."),
    (lambda: ANY.strip_rate(1e308, 1e-308), "width over reach must lie between"),
    (lambda: ANY.strip_rate("1", 2), "width must be a number"),
    (lambda: ANY.staircase_exponents(3, 2, count=3), "taylor must be a name, coefficients or a function"),
    (lambda: ANY.staircase_exponents(b"sine", 2, count=3), "taylor must be a name"),
    (lambda: ANY.staircase_exponents(["sine"], 2, count=3), "the coefficient of x^0 in taylor must be a number"),
    (lambda: ANY.staircase_exponents([0.0, np.nan], 2, count=3), "the coefficient of x^1 in taylor must be a number"),
    (lambda: ANY.staircase_exponents(lambda p: None, 2, count=3), "the coefficient of x^0 in taylor must be a number"),
    (lambda: ANY.Prediction(3.0, 1.0, "linear").error_of(np.array([1.0, np.inf])), "draws must be a number"),
    (lambda: ANY.leading_spectrum(PAIR, 1.0, seed="a"), "seed must be an integer >= 0, got 'a'"),
    (lambda: ANY.leading_spectrum(PAIR, 1.0, seed=-1), "seed must be an integer >= 0, got -1"),
    (lambda: ANY.leading_spectrum(PAIR, 1e300), "omega must be at most"),
    (lambda: rk.rank_bounds(PAIR, rules.Elementwise(lambda x: x * np.nan, 1.0), 1e-3), "rule must give finite numbers"),
])  # fmt: skip
def test_the_other_doors_say_what_they_take(call: Any, says):
    assert refusal(call)[1].startswith(says)


def test_bounds_at_the_ends_of_floats_are_bounds():
    """A threshold above the norm, and frequencies of 1e-300 and 1e300, ended in overflow."""
    assert rk.rank_bounds(PAIR, rules.Sine(1.0), 1e300).upper == 0
    assert rk.rank_bounds(PAIR, rules.Sine(1e-300), 1e-3).upper == 0
    fast = rk.rank_bounds(PAIR, rules.Sine(1e300), 1e-3)
    assert (fast.lower, fast.upper) == (0, 80)


@pytest.mark.parametrize(("fn", "says"), [
    (lambda x: x * np.nan, "rule must give numbers between"), (lambda x: 1e150 * x, "rule must give numbers between"),
    (lambda x: 0.0 * x, "rule must give numbers between"), (lambda x: 1e-150 * x, "rule must give numbers between"),
])  # fmt: skip
def test_a_rule_whose_numbers_are_beyond_floats_is_refused(fn, says):
    def made(omega):
        return rules.Elementwise(fn, 1.0)

    for door in (rk.predict_rank, rk.predict_stable_rank, rk.frequency_for_rank):
        assert refusal(lambda door=door: door(2.0, initializer=NORMAL, rule=made, **SIZES))[1].startswith(says)


def test_a_rule_that_makes_no_update_has_no_frequency():
    zero = refusal(
        lambda: rk.frequency_for_rank(3, factors=PAIR, rule=lambda omega: rules.Elementwise(lambda x: 0.0 * x, 1.0))
    )
    assert zero[1].startswith("rule must give an update that is not zero")
    array = refusal(lambda: rk.frequency_for_rank(3, factors=PAIR, rule=lambda omega: MATRIX))
    assert (
        array[1]
        == "rule must give an elementwise rule of rankkit.rules, got ndarray of shape (60, 60); for instance rule=Sine."
    )
