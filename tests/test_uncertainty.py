"""The errors of the metrics, where a spectrum is as wrong as it may be: in the corner that moves the metric most."""

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest

import rankkit as rk
from rankkit.uncertainty import ERRORS, energy_rank_bounds

ROUNDED = 1e-12  # of a bound, which is computed in float64 itself


def seen(values, floor, energy=None):
    """Return the spectrum that a solver states: values, each of them off by at most `floor`."""
    values = np.asarray(values, dtype=float)
    energy = np.sum(values**2) if energy is None else energy
    return rk.Spectrum(values, (values.size, values.size), complete=True, energy=energy, noise_floor=floor)


def exact(name, values):
    """Return a metric of singular values to 60 digits."""
    with mpmath.workdps(60):
        sigma = [mpmath.mpf(x) for x in values]
        squares = [x * x for x in sigma]
        if name == "spectral_norm":
            return max(sigma)
        if name == "stable_rank":
            return mpmath.fsum(squares) / max(squares)
        if name == "participation_ratio":
            return mpmath.fsum(squares) ** 2 / mpmath.fsum(x * x for x in squares)
        parts = sigma if name == "effective_rank" else squares
        shares = [x / mpmath.fsum(parts) for x in parts if x > 0]
        return mpmath.exp(-mpmath.fsum(p * mpmath.log(p) for p in shares))


def moved(values, up, floor):
    """Return values, those of `up` raised and the others lowered by the whole of their error, to 60 digits."""
    with mpmath.workdps(60):
        e = mpmath.mpf(floor)
        return [
            mpmath.mpf(x) + e if raised else max(mpmath.mpf(x) - e, 0) for x, raised in zip(values, up, strict=True)
        ]


STEEP = np.r_[1.0, np.full(200, 0.1)]
ONE = np.r_[1.0, np.zeros(99)]
LONG = np.r_[1.0, np.zeros(1999)]
FLAT = np.ones(30)
TOPPED = np.r_[1.0, np.full(29, 0.95)]

CORNERS = [
    ("spectral_norm", FLAT, 1e-3, FLAT > 0),
    ("stable_rank", np.array([1.0, 0.5, 0.25]), 1e-9, np.array([False, True, True])),
    ("stable_rank", np.array([1.0, 0.5, 0.25]), 1e-2, np.array([False, True, True])),
    ("stable_rank", TOPPED, 1e-6, TOPPED < 1),
    ("stable_rank", TOPPED, 1e-2, TOPPED < 1),
    ("stable_rank", TOPPED, 1e-2, TOPPED == 1),
    ("participation_ratio", STEEP, 0.05, STEEP < 1),
    ("participation_ratio", STEEP, 1e-7, STEEP < 1),
    ("participation_ratio", STEEP, 1e-7, STEEP == 1),
    ("effective_rank", ONE, 1e-3, ONE < 2),
    ("effective_rank", ONE, 1e-9, ONE < 2),
    ("effective_rank_energy", LONG, 1e-2, LONG < 2),
    ("effective_rank_energy", LONG, 1e-5, LONG < 2),
]


@pytest.mark.parametrize(("name", "values", "floor", "up"), CORNERS)
def test_the_error_of_a_metric_holds_in_the_worst_corner(name, values, floor, up):
    truth = moved(values, up, floor)
    spectrum = seen(values, floor)
    off = abs(exact(name, truth) - exact(name, values))
    stated = float(ERRORS[name](spectrum))
    # the solver's sorted values are the true ones as long as no two change places
    assert float(getattr(rk.metrics, name)(spectrum)) == pytest.approx(float(exact(name, values)), rel=1e-9)
    assert off <= stated * (1 + ROUNDED)


@pytest.mark.parametrize("name", ERRORS)
def test_a_metric_of_exact_values_is_exact_and_one_of_unknown_values_is_within_its_range(name):
    assert float(ERRORS[name](seen(STEEP, 0.0))) == pytest.approx(0, abs=1e-12)
    if name.startswith("effective_rank"):  # at most the number of values, whatever these are
        value = float(getattr(rk.metrics, name)(seen(FLAT, 1.0)))
        assert float(ERRORS[name](seen(FLAT, 1.0))) <= value * (FLAT.size - 1) * (1 + ROUNDED)


def stated(name, values, floor):
    """Return a metric's error as its docstring states it, to 60 digits."""
    with mpmath.workdps(60):
        value, e, some = exact(name, values), mpmath.mpf(floor), [mpmath.mpf(x) for x in values]
        least, most = [max(x - e, 0) ** 2 for x in some], [(x + e) ** 2 for x in some]
        if name == "spectral_norm":
            return e
        if name == "stable_rank":
            return max(1 + sum(most[1:]) / least[0] - value, value - 1 - sum(least[1:]) / most[0])
        if name == "participation_ratio":
            highest = sum(most) ** 2 / sum(x * x for x in least)
            return max(highest - value, value - sum(least) ** 2 / sum(x * x for x in most))
        if name == "effective_rank":
            T = e * len(some) / sum(some)
        else:
            T = sum(x - y * y for x, y in zip(most, some, strict=True)) / sum(y * y for y in some)
        worst = min(
            T * mpmath.log(len(some) - 1) - T * mpmath.log(T) - (1 - T) * mpmath.log(1 - T), mpmath.log(len(some))
        )
        return value * mpmath.expm1(worst)


@pytest.mark.parametrize("scale", [1.0, 3.0])
@pytest.mark.parametrize("values", [[1.0, 0.5, 0.25], [1.0, 0.9], np.linspace(1, 0.1, 9), [1.0, 1e-3, 1e-3]])
@pytest.mark.parametrize("name", ERRORS)
def test_the_error_of_a_metric_is_the_stated_one_and_no_larger(name, values, scale):
    for floor in (1e-4, 1e-2, 0.09):
        found = float(ERRORS[name](seen(scale * np.asarray(values), scale * floor)))
        unit = scale if name == "spectral_norm" else 1
        assert found == pytest.approx(unit * float(stated(name, values, floor)), rel=1e-9)


@pytest.mark.parametrize("name", ERRORS)
def test_the_error_of_one_value_of_none_and_of_a_batch(name):
    one = {"spectral_norm": 0.5, "participation_ratio": (2.5 / 1.5) ** 4 - 1}  # the others of one value are exactly 1
    assert float(ERRORS[name](seen([2.0], 0.5))) == pytest.approx(one.get(name, 0), abs=1e-13)
    if name != "spectral_norm":
        assert math.isnan(float(ERRORS[name](seen([0.0, 0.0], 0.0))))
        assert math.isnan(float(ERRORS[name](seen([0.0, 0.0], 0.5))))
    values, floors = np.array([[1.0, 0.5, 0.25], [4.0, 1.0, 1.0]]), np.array([1e-3, 0.1])
    batch = rk.Spectrum(values, (3, 3), complete=True, energy=np.sum(values**2, axis=-1), noise_floor=floors)
    alone = [float(ERRORS[name](seen(x, e))) for x, e in zip(values, floors, strict=True)]
    np.testing.assert_allclose(ERRORS[name](batch), alone, rtol=1e-13)
    each = rk.Spectrum(values[0], (3, 3), complete=True, energy=1.3125, noise_floor=[1e-3, 1e-3, 1e-3])
    assert float(ERRORS[name](each)) == pytest.approx(alone[0], rel=1e-13)


def test_an_energy_rank_of_exact_values_is_known_also_where_the_share_is_met_exactly():
    for values, fraction, rank in (([1.0, 1.0], 0.5, 1), ([2.0, 1.0, 1.0], 1.0, 3), ([1.0, 1.0, 1.0, 1.0], 0.75, 3)):
        assert [float(k) for k in energy_rank_bounds(seen(values, 0.0), fraction)] == [rank, rank]
    assert np.isnan(energy_rank_bounds(seen([0.0, 0.0], 0.5), 0.5)).all()


@pytest.mark.parametrize("fraction", [0.8, 0.9, 0.95])
def test_an_energy_rank_stays_within_its_bounds_in_every_corner(fraction):
    values, floor, found = FLAT[:20], 0.25, set()
    least, most = energy_rank_bounds(seen(values, floor), fraction)
    for k in range(1, 21):
        for up in (np.arange(20) < k, np.arange(20) >= k):
            truth = np.sort(np.where(up, values + floor, values - floor))[::-1]
            rank = float(rk.metrics.energy_rank(seen(truth, 0.0), fraction))
            assert least <= rank <= most
            found.add(rank)
    assert least == min(found)  # which is reached
    part = Fraction(str(fraction))
    squares = Fraction(5, 4) ** 2, Fraction(3, 4) ** 2
    assert most == next(k for k in range(1, 21) if part * (20 - k) * squares[0] <= (1 - part) * k * squares[1])
    assert min(found) < math.ceil(20 * fraction - 1e-9)  # the corners move it, so that the bounds have to
    assert least < math.ceil(20 * fraction - 1e-9)
    lifted = np.r_[np.ones(10), np.full(10, 0.3)]
    least, most = energy_rank_bounds(seen(lifted, 0.1), 0.9)
    low = np.r_[np.full(10, 0.9), np.full(10, 0.4)]
    assert least <= float(rk.metrics.energy_rank(seen(low, 0.0), 0.9)) <= most
    assert float(rk.metrics.energy_rank(seen(low, 0.0), 0.9)) > float(rk.metrics.energy_rank(seen(lifted, 0.0), 0.9))


@pytest.mark.parametrize("floor", [0.0, 1e-6])
def test_the_stable_rank_of_a_truncated_spectrum(floor):
    """sigma_1 is too large by all of its error, and the energy too small by the rounding of a sum of m n squares."""
    m, n, roundoff = 300, 200, 2.0**-53
    with mpmath.workdps(60):
        energy, top = mpmath.mpf(50), mpmath.mpf(1) - mpmath.mpf(floor)
        truth = energy / top**2
        kept = float(energy * (1 - mpmath.mpf(0.9) * m * n * roundoff))
        spectrum = rk.Spectrum([1.0], (m, n), complete=False, energy=kept, noise_floor=floor)
        off = abs(truth - mpmath.mpf(float(rk.metrics.stable_rank(spectrum))))
        assert off <= mpmath.mpf(float(ERRORS["stable_rank"](spectrum))) * (1 + mpmath.mpf(ROUNDED))
        assert float(ERRORS["stable_rank"](spectrum)) <= 1.5 * float(off)  # and no more than that
