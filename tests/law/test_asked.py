"""Every law that predicts a rank finds the frequency for one, and what a door does not know it says."""

import warnings
from typing import Any

import numpy as np
import pytest

import rankkit as rk
from rankkit.law import EntryLaw

NORMAL = rk.initializers.Normal(1.0, 1.0)
UNIFORM, LAPLACE = EntryLaw.named("uniform"), EntryLaw.named("laplace")
DRAWN = rk.Factors(*(np.random.default_rng(seed).laplace(size=size) for seed, size in ((0, (90, 2)), (1, (2, 80)))))


def tanh(omega):
    return rk.rules.Activation("tanh", omega=omega)


def ranks(rule, B, A, rtol, seeds=12):
    """Return the numerical and stable ranks of rule(B, A) over seeds; B and A: draws by a generator."""
    found = []
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        values = np.linalg.svd(np.asarray(rule(rk.Factors(B(rng), A(rng)))), compute_uv=False)
        found.append((np.sum(values > rtol * values[0]), np.sum(values**2) / values[0] ** 2))
    return np.mean(found, axis=0)


@pytest.mark.parametrize(("measure", "place"), [("numerical_rank", 0), ("stable_rank", 1)])
def test_a_target_is_hit_on_draws_of_laws_of_their_own(measure, place):
    """B of Laplace entries, A of uniform ones, all of standard deviation 1."""
    target = (45, 12)[place]
    rtol = 1e-2 if measure == "numerical_rank" else None
    found = rk.frequency_for_rank(target, d=150, n=120, r=3, measure=measure, rtol=rtol, entries=(LAPLACE, UNIFORM))
    draws = (
        lambda rng: rng.laplace(scale=2**-0.5, size=(150, 3)), lambda rng: rng.uniform(-(3**0.5), 3**0.5, size=(3, 120)),
    )  # fmt: skip
    assert ranks(rk.rules.Sine(found.value), *draws, 1e-2)[place] == pytest.approx(target, rel=0.1)
    assert found.draws is not None
    assert found.draws[0] < found.mean[0] < found.value < found.mean[1] < found.draws[1]
    for omega, reached in zip(found.draws, (False, True), strict=True):
        assert (ranks(rk.rules.Sine(omega), *draws, 1e-2)[place] > target) == reached
    assert "laplace entries and uniform entries" in found.about


def test_a_target_is_hit_on_draws_of_correlated_columns():
    C_B = np.array([[1.0, 0.6], [0.6, 0.5]])
    root = np.linalg.cholesky(C_B)
    found = rk.frequency_for_rank(40, d=140, r=2, measure="numerical_rank", rtol=1e-2, covariance=(C_B, np.eye(2)))
    drawn = ranks(
        rk.rules.Sine(found.value), lambda rng: rng.normal(size=(140, 2)) @ root.T, lambda rng: rng.normal(size=(2, 140)),
        1e-2,
    )  # fmt: skip
    assert drawn[0] == pytest.approx(40, abs=3)


def test_steps_of_nearly_equal_covariances_are_those_of_equal_ones():
    """Values of degree 1, 3 and 5: 4, 20 and 56 of about one size."""
    nearly = (np.diag([1.0, 1.001, 1.0, 1.0]), np.eye(4))
    found = rk.frequency_for_rank(50, d=1024, r=4, measure="numerical_rank", rtol=1e-3, covariance=nearly)
    assert found.steps is not None
    assert [round(step.rank) for step in found.steps] == [24, 80]


@pytest.mark.parametrize("rule", [None, tanh])
def test_equal_covariances_are_an_initializer(rule):
    """4 and 1 are the variances of standard deviations 2 and 1."""
    about: dict[str, Any] = {"d": 100, "r": 3, "rule": rule, "rtol": 1e-2}
    one = rk.predict_rank(0.3, covariance=(4 * np.eye(3), np.eye(3)), **about)
    other = rk.predict_rank(0.3, initializer=rk.initializers.Normal(2.0, 1.0), **about)
    assert one.value == pytest.approx(other.value, rel=1e-6)


def test_all_doors_say_the_same_of_the_same_entries():
    about: dict[str, Any] = {"d": 100, "n": 80, "r": 2, "entries": (LAPLACE, UNIFORM)}
    omega = rk.frequency_for_rank(30, measure="numerical_rank", rtol=1e-2, **about).value
    assert rk.predict_rank(omega, rtol=1e-2, **about).value == pytest.approx(30, abs=1e-2)
    curve = rk.predict_curve([omega], rtol=1e-2, **about)
    assert curve.columns["numerical_rank"][0] == pytest.approx(30, abs=1e-2)
    values = rk.predict_spectrum(omega, **about)
    assert abs(np.sum(values > 1e-2 * values[0]) - 30) <= 1


def test_a_named_law_has_standard_deviation_one():
    for name in ("uniform", "normal", "laplace"):
        assert EntryLaw.named(name).std == pytest.approx(1.0, rel=1e-6)
    with pytest.raises(ValueError, match="name must be one of uniform, normal, laplace, got 'cauchy'"):
        EntryLaw.named("cauchy")


@pytest.mark.parametrize(
    "rule", [tanh, lambda omega: rk.rules.SincBasis(alpha=[1.0, -0.7, 0.4], omega=omega, grid=[-1.0, 0.0, 1.5])]
)
def test_given_factors_are_measured_under_any_rule(rule):
    found = rk.frequency_for_rank(30, factors=DRAWN, rule=rule, measure="numerical_rank", rtol=1e-3)
    for omega, reached in ((found.value, True), (found.value - 2 * found.error, False)):
        sigma = np.linalg.svd(rule(omega)(DRAWN), compute_uv=False)
        assert (np.sum(sigma > 1e-3 * sigma[0]) >= 30) == reached
    assert found.regime != "saturated"


def test_the_end_of_a_law_is_said_where_it_hides_a_target():
    found = rk.frequency_for_rank(5.5, d=200, r=1, entries=LAPLACE)
    with pytest.raises(ValueError, match=r"no omega up to 25\.\d+, where the prediction .* ends, .* pass factors="):
        rk.frequency_for_rank(30.0, d=200, r=1, entries=LAPLACE)
    assert found.value < 25
    assert found.draws is not None
    assert found.mean[0] > 0
    assert found.draws[1] == np.inf


def test_the_sine_as_a_rule_is_the_sine():
    sizes: dict[str, Any] = {"d": 60, "r": 2}
    uneven: dict[str, Any] = {"covariance": (np.eye(2), np.diag([1.0, 2.0]))}
    hows: list[dict[str, Any]] = [sizes, sizes | {"entries": LAPLACE}, sizes | uneven, {"factors": DRAWN}]
    for how in hows:
        one, other = (rk.predict_stable_rank(1.0, rule=rule, **how) for rule in (None, rk.rules.Sine))
        assert one.value == other.value


@pytest.mark.parametrize(("how", "error", "says"), [
    ({"initializer": NORMAL, "covariance": (np.eye(2), np.eye(2))}, ValueError, "give initializer, or entries"),
    ({"covariance": np.eye(2)[:1]}, TypeError, r"a pair of matrices, for B and for A, got ndarray of shape \(1, 2\)"),
    ({"covariance": (np.eye(2), "b")}, TypeError, "a pair of matrices of numbers, got 'b' for C_A"),
    ({"entries": NORMAL}, TypeError, r"got Normal\(.*EntryLaw.named"),
    ({"rule": "tanh"}, TypeError, "rule must make a rule from omega, got 'tanh'; pass rankkit.rules.Sine or"),
    ({"rule": rk.rules.Sine(3.0)}, TypeError, r"rule must make a rule from omega, got the rule Sine\(omega=3.0"),
    ({"rule": rk.rules.Linear, "initializer": NORMAL}, TypeError, "rule must give an elementwise rule"),
])  # fmt: skip
def test_every_door_refuses_in_the_same_sentence(how, error, says):
    doors = (rk.predict_rank, rk.predict_stable_rank, rk.predict_spectrum, rk.frequency_for_rank)
    for door in (*doors, lambda omega, **named: rk.predict_curve([omega], **named)):
        with pytest.raises(error, match=says) as caught:
            door(2.0, d=40, r=2, **how)
        assert "\n" not in str(caught.value)


def test_what_is_unknown_of_given_factors_is_said():
    with pytest.raises(ValueError, match=r"factors have no predicted spectrum: measure it"):
        rk.predict_spectrum(1.0, factors=DRAWN)
    with pytest.raises(ValueError, match="rule must be left out with factors.*frequency_for_rank measures"):
        rk.predict_rank(1.0, factors=DRAWN, rule=tanh)
    others: list[dict[str, Any]] = [
        {"d": 4},
        {"entries": LAPLACE},
        {"covariance": (np.eye(2), np.eye(2))},
        {"initializer": NORMAL},
    ]
    for also in others:
        for door in (rk.predict_rank, rk.frequency_for_rank):
            with pytest.raises(ValueError, match="give factors alone"):
                door(2.0, factors=DRAWN, **also)
    with pytest.raises(ValueError, match="gain must be left out with rule"):
        rk.frequency_for_rank(4.0, factors=DRAWN, rule=tanh, measure="numerical_rank", atol=1e-3, gain=2.0)


def test_factors_in_single_precision_are_predicted_in_double():
    single = DRAWN.to(dtype="float32")
    assert rk.predict_rank(3.0, factors=single).value == rk.predict_rank(3.0, factors=single.to(dtype="float64")).value


@pytest.mark.parametrize("door", [
    lambda r: rk.predict_rank(1.0, d=20, r=r, n=30), lambda r: rk.predict_stable_rank(1.0, d=30, r=r, n=20),
    lambda r: rk.predict_spectrum(1.0, d=20, r=r), lambda r: rk.predict_curve([1.0], d=20, r=r, entries=UNIFORM),
    lambda r: rk.frequency_for_rank(5, d=20, r=r), lambda r: rk.sweep_frequency(20, r, omegas=[1.0], seeds=1, n_jobs=1),
])  # fmt: skip
def test_a_rank_above_the_size_is_warned_of_where_it_was_asked(door):
    with pytest.warns(UserWarning, match=r"r = 21 exceeds min\(m, n\) = 20: B A has full rank already") as caught:
        door(21)
    assert [one.filename for one in caught] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        door(3)
