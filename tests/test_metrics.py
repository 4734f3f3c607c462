"""Metrics: known values, the inequalities between them, and counts that are right or undecided."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rankkit as rk
from rankkit import metrics
from rankkit import testing as laws
from rankkit.metrics import METRICS

EQUAL = rk.spectrum_of(np.eye(5) * 3.0)
TWO_ONE = rk.spectrum_of(np.diag([2.0, 1.0]))


@pytest.mark.parametrize("name", ["stable_rank", "effective_rank", "effective_rank_energy", "participation_ratio"])
def test_k_equal_values_have_rank_k(name):
    assert METRICS[name].of(EQUAL) == pytest.approx(5)


def test_values_by_hand():
    assert metrics.spectral_norm(TWO_ONE) == pytest.approx(2)
    assert metrics.frobenius_norm(TWO_ONE) == pytest.approx(math.sqrt(5))
    assert metrics.nuclear_norm(TWO_ONE) == pytest.approx(3)
    assert metrics.stable_rank(TWO_ONE) == pytest.approx(5 / 4)
    assert metrics.participation_ratio(TWO_ONE) == pytest.approx(25 / 17)
    assert metrics.effective_rank(TWO_ONE) == pytest.approx(3 / 2 ** (2 / 3))
    assert metrics.effective_rank_energy(TWO_ONE) == pytest.approx(5 / 4**0.8)
    assert metrics.condition_number(TWO_ONE) == pytest.approx(2)
    assert [metrics.energy_rank(TWO_ONE, f) for f in (0.5, 0.79, 0.81, 1.0)] == [1, 1, 2, 2]


@given(laws.matrices())
def test_inequalities_between_the_ranks(M):
    spectrum = rk.spectrum_of(M)
    full = min(M.shape)
    stable, effective = metrics.stable_rank(spectrum), metrics.effective_rank(spectrum)
    energy, ratio = metrics.effective_rank_energy(spectrum), metrics.participation_ratio(spectrum)
    slack = 1 + 1e-9
    assert stable * slack >= 1
    # the Renyi entropies of q fall with their order: 1 (Shannon), 2 (participation), infinity (stable)
    assert stable <= ratio * slack <= energy * slack**2 <= full * slack**3
    assert energy <= effective * slack
    assert effective <= full * slack


@given(laws.matrices(), st.floats(1e-9, 1.0, exclude_max=True))
def test_stable_rank_is_at_most_numerical_rank_plus_the_tail(M, rtol):
    spectrum = rk.spectrum_of(M)
    _, upper = metrics.numerical_rank_bounds(spectrum, rtol=rtol)
    tail = np.sum((spectrum.values[upper:] / spectrum.values[0]) ** 2)
    assert metrics.stable_rank(spectrum) <= upper + tail + 1e-9


@given(laws.matrices(), st.floats(0.01, 1.0))
def test_energy_rank_is_the_least_that_holds_the_share(M, fraction):
    spectrum = rk.spectrum_of(M)
    k = int(metrics.energy_rank(spectrum, fraction))
    share = np.cumsum(spectrum.values**2) / np.sum(spectrum.values**2)
    assert share[k - 1] >= fraction - 1e-12
    assert k == 1 or share[k - 2] < fraction + 1e-12


@given(laws.matrices(), st.floats(1e-3, 1e3))
def test_ranks_do_not_depend_on_scale(M, scale):
    one, other = rk.spectrum_of(M), rk.spectrum_of(M * scale)
    for name in ("stable_rank", "effective_rank", "effective_rank_energy", "participation_ratio"):
        assert METRICS[name].of(one) == pytest.approx(METRICS[name].of(other), rel=1e-6)


RULES = [
    lambda omega: rk.rules.Sine(omega), lambda omega: rk.rules.Sinter(0.5, omega), lambda omega: rk.rules.Linear(omega + 0.1),
    *(lambda omega, name=name: rk.rules.Activation(name, omega=omega) for name in ("relu", "tanh", "gelu", "sigmoid")),
]  # fmt: skip


def test_the_same_integer_as_numpys_svd_on_hundreds_of_random_cases():
    rng = np.random.default_rng(2024)
    undecided = 0
    for case in range(300):
        d, n, r = (int(x) for x in rng.integers([8, 8, 1], [90, 90, 9]))
        omega = float(10 ** rng.uniform(-1, 4))
        rule = RULES[case % len(RULES)](omega)
        f = [rk.initializers.KaimingUniform(), rk.initializers.Normal()][case % 2](d, n, r, seed=case)
        update = rule(f)
        dense = update.product() if isinstance(update, rk.Factors) else update
        spectrum = rk.spectrum_of(update, forming_error=rule.forming_error(f))
        sigma = np.linalg.svd(dense, compute_uv=False)
        for rtol in (None, 1e-2, 1e-5, 1e-9):
            rank = metrics.numerical_rank(spectrum, rtol=rtol)
            expected = np.sum(sigma > (max(d, n) * 2.0**-23 if rtol is None else rtol) * sigma[0])
            if math.isnan(rank):
                undecided += 1
                lower, upper = metrics.numerical_rank_bounds(spectrum, rtol=rtol)
                assert lower <= expected <= upper
            else:
                assert rank == expected, (case, d, n, r, omega, rtol)
    assert undecided <= 24  # 2 % of 1200: the answer is nearly always an integer


def test_a_threshold_within_the_error_is_undecided_and_never_wrong():
    sigma = np.array([1.0, 1e-3, 1e-6])
    M = laws.orthogonal(0, 3) * sigma @ laws.orthogonal(1, 3)
    spectrum = rk.spectrum_of(M)
    at = spectrum.values[1]
    assert math.isnan(metrics.numerical_rank(spectrum, atol=at))
    assert [int(b) for b in metrics.numerical_rank_bounds(spectrum, atol=at)] == [1, 2]
    assert metrics.numerical_rank(spectrum, atol=at * 1.001) == 1
    assert metrics.numerical_rank(spectrum, atol=at * 0.999) == 2


def test_a_count_below_the_noise_floor_is_flagged():
    """The float32 product of a rank-one pair: the forming error covers everything rounding made up."""
    f = rk.initializers.KaimingUniform()(64, 64, 1, seed=0)
    rule = rk.rules.Elementwise(lambda x: x, lipschitz=1.0)
    update, error = rule(f, dtype="float32"), rule.forming_error(f, dtype="float32")
    honest = rk.spectrum_of(update, forming_error=error)
    naive = rk.spectrum_of(update)
    assert metrics.numerical_rank(naive, rtol=1e-12) > 30
    assert math.isnan(metrics.numerical_rank(honest, rtol=1e-12))
    assert metrics.numerical_rank_bounds(honest, rtol=1e-12)[0] == 1
    assert metrics.numerical_rank(honest, rtol=1e-3) == 1


@pytest.mark.parametrize("name", [name for name, metric in METRICS.items() if metric.needs_tail])
def test_what_needs_the_tail_refuses_a_truncated_spectrum(name):
    spectrum = rk.spectrum_of(np.eye(40), top=2)
    with pytest.raises(ValueError, match="needs all singular values, got only the leading 2 of 40"):
        METRICS[name].of(spectrum)


def test_a_truncated_spectrum_answers_what_it_can():
    M = np.diag(np.r_[5.0, 1.0, np.full(38, 1e-6)])
    top, full = rk.spectrum_of(M, top=3), rk.spectrum_of(M)
    assert metrics.stable_rank(top) == pytest.approx(metrics.stable_rank(full))
    assert metrics.numerical_rank(top, rtol=1e-2) == 2
    assert metrics.energy_rank(top, 0.95) == metrics.energy_rank(full, 0.95) == 1


def test_a_truncated_spectrum_of_which_one_holds_the_share_and_another_does_not():
    flat, steep = np.eye(40), np.diag(np.r_[5.0, np.full(39, 1e-6)])
    assert metrics.energy_rank(rk.spectrum_of(np.stack([steep, steep]), top=2), 0.9).tolist() == [1, 1]
    with pytest.raises(ValueError, match="needs all singular values"):
        metrics.energy_rank(rk.spectrum_of(np.stack([steep, flat]), top=2), 0.9)


def test_zero_updates_have_rank_zero_and_no_ratios():
    spectrum = rk.spectrum_of(np.zeros((4, 3)))
    assert metrics.numerical_rank(spectrum) == 0
    assert metrics.frobenius_norm(spectrum) == 0
    for name in ("stable_rank", "effective_rank", "effective_rank_energy", "participation_ratio", "energy_rank_90"):
        assert math.isnan(METRICS[name].of(spectrum))


def test_a_condition_number_of_zero_is_none_and_that_of_an_exact_zero_is_infinite():
    one, none = (rk.Factors(x * np.ones((3, 1)), np.ones((1, 3))) for x in (1.0, 0.0))
    assert metrics.condition_number(rk.spectrum_of(one)) == math.inf
    assert math.isnan(metrics.condition_number(rk.spectrum_of(none)))


def test_a_last_value_of_exactly_its_error_may_be_zero():
    """The condition number may then be infinite."""
    for last, known in ((0.125, False), (0.126, True)):
        some = rk.Spectrum([1.0, last], (2, 2), complete=True, energy=1.0, noise_floor=0.125)
        assert math.isnan(metrics.condition_number(some)) != known
        if known:
            assert metrics.condition_number(some) == pytest.approx(1 / last)


def test_a_value_at_the_threshold_does_not_exceed_it_and_a_share_that_is_met_is_held():
    exact = rk.Spectrum([1.0, 0.5, 0.5, 0.25], (4, 4), complete=True, energy=1.5625, noise_floor=0.0)
    for tolerance in ({"rtol": 0.5}, {"atol": 0.5}):
        assert metrics.numerical_rank(exact, **tolerance) == 1
    even = rk.Spectrum([1.0, 1.0, 1.0, 1.0], (4, 4), complete=True, energy=4.0, noise_floor=0.0)
    assert [metrics.energy_rank(even, f) for f in (0.25, 0.5, 0.75, 1.0)] == [1, 2, 3, 4]
    few = rk.Spectrum([1.0, 1.0], (4, 4), complete=False, energy=4.0, noise_floor=0.0)
    assert [metrics.energy_rank(few, f) for f in (0.25, 0.5)] == [1, 2]
    assert metrics.numerical_rank(few, atol=1.0) == 0
    with pytest.raises(ValueError, match="needs all singular values"):
        metrics.numerical_rank(few, rtol=0.999)


def test_condition_numbers_know_what_they_do_not_know():
    f = rk.initializers.Normal()(8, 8, 3, seed=0)
    assert metrics.condition_number(rk.spectrum_of(f)) == math.inf
    assert math.isnan(metrics.condition_number(rk.spectrum_of(f.product())))


@pytest.mark.parametrize("name", METRICS)
def test_batches_are_their_members(name):
    M = np.random.default_rng(1).standard_normal((2, 3, 7, 5))
    M[0, 1] = 0
    values = METRICS[name].of(rk.spectrum_of(M))
    assert values.shape == (2, 3)
    for i in np.ndindex(2, 3):
        np.testing.assert_allclose(values[i], METRICS[name].of(rk.spectrum_of(M[i])), rtol=1e-12)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: metrics.numerical_rank(EQUAL, rtol=1e-3, atol=1e-3), "give rtol or atol, not both"),
        (lambda: metrics.numerical_rank(EQUAL, rtol=-1.0), "rtol must be a number that is finite and >= 0 and < 1"),
        (lambda: metrics.numerical_rank(EQUAL, atol=math.nan), "atol must be a number that is finite and >= 0"),
        (lambda: metrics.energy_rank(EQUAL, 0.0), "fraction must lie in"),
        (lambda: metrics.energy_rank(EQUAL, 1.5), "fraction must lie in"),
    ],
)
def test_bad_arguments_are_refused(call, says):
    with pytest.raises(ValueError, match=says):
        call()


@pytest.mark.parametrize("name", METRICS)
def test_a_matrix_is_no_spectrum(name):
    matrix: Any = np.eye(3)
    with pytest.raises(TypeError, match=r"must be a rankkit.Spectrum, got ndarray; pass rankkit.spectrum_of\(matrix\)"):
        METRICS[name].of(matrix)
    with pytest.raises(TypeError, match="must be a rankkit.Spectrum, got ndarray"):
        metrics.numerical_rank_bounds(matrix)
