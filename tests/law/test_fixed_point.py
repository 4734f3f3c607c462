"""The two fixed-point equations: solved in the right half plane, each threshold by itself, or not answered at all."""

import math

import numpy as np
import pytest

import rankkit as rk
from rankkit.cli.main import main
from rankkit.law import fixed_point
from rankkit.law.entries import entries_of
from rankkit.law.finite_size import leverages
from rankkit.law.fixed_point import Sampled, solve
from rankkit.law.measures import Frequency

UNIFORM, GAUSSIAN = rk.initializers.Uniform(1.0), rk.initializers.Normal(1.0, 1.0)


def settings(count):
    # one column seen through few leverages: beyond arg d = -arg z another solution lies near
    size = Frequency(entries_of(2861, 1, 1, GAUSSIAN), 0.00042161715904040915).size
    yield size, size.independent_top * np.array([0.0116, 0.00198, 0.001975767262324704])
    rng = np.random.default_rng(4)
    for _ in range(count):
        m, n, r = (int(2 ** rng.uniform(0, most)) for most in (11, 11, 6))
        law = UNIFORM if rng.random() < 0.5 else GAUSSIAN
        size = Frequency(entries_of(m, r, n, law), float(10 ** rng.uniform(-3, 3))).size
        yield size, size.independent_top * 10 ** rng.uniform(-13, 0, 12)


def test_the_equations_hold_where_they_are_said_to():
    for size, thresholds in settings(40):
        squares = thresholds**2
        g = leverages(size._spread(thresholds / size.independent_top))
        found = solve(size, squares, g)
        z = -squares * (1 - 1j * fixed_point.BLUR)
        for d, count in ((found.d, size.m), (found.e, size.n)):
            U = np.mean(g * d / (1 + g * d), axis=0)
            assert np.abs(count * U - size.count(found.y)[0]) == pytest.approx(0, abs=1e-7 * count)
            assert np.all(np.angle(d) <= 0)
            assert np.all(np.angle(z * d) >= -1e-12)
        alpha, beta = (np.mean(g / (1 + g * d), axis=0) for d in (found.d, found.e))
        assert np.abs(found.y * alpha * beta / z - 1) == pytest.approx(0, abs=1e-9)


def test_a_threshold_is_solved_for_by_itself():
    for size, thresholds in settings(25):
        together = size.above(thresholds)
        alone = [size.above(threshold) for threshold in thresholds]
        assert together == pytest.approx(alone, abs=1e-9 * min(size.m, size.n))


def test_stages_of_another_length_lead_to_the_same_numbers(monkeypatch):
    found = [(size, thresholds, size.above(thresholds)) for size, thresholds in settings(25)]
    monkeypatch.setattr(fixed_point, "FALL", 0.5)
    monkeypatch.setattr(fixed_point, "LOOSE", 1e-4)
    for size, thresholds, counts in found:
        assert size.above(thresholds) == pytest.approx(counts, abs=1e-9 * min(size.m, size.n))


def test_equal_leverages_have_the_closed_form():
    sampled = Sampled(np.array([1.0, 0.25]), np.array([2.0, 5.0]), 0.0, 40, 60)
    squares = np.array([0.3, 0.05, 1e-3])
    found = solve(sampled, squares, np.ones((1, 3)))
    N = sampled.count(found.y)[0]
    assert found.y * (1 - N / 40) * (1 - N / 60) == pytest.approx(-squares * (1 - 1j * fixed_point.BLUR), rel=1e-9)


@pytest.mark.parametrize(("name", "value"), [("NEWTON", 1), ("STAGES", 2), ("REACH", 1e-9)])
def test_no_convergence_is_told(monkeypatch, capsys, name, value):
    monkeypatch.setattr(fixed_point, name, value)
    with pytest.raises(ArithmeticError, match=r"512 x 512 update did not converge at 1 of 1 thresholds.*change omega"):
        rk.predict_rank(50.0, d=512, r=2)
    with pytest.raises(ArithmeticError, match="did not converge"):
        rk.predict_spectrum(50.0, d=512, r=2)
    with pytest.raises(ArithmeticError, match="did not converge"):
        rk.frequency_for_rank(60, d=512, r=2, measure="numerical_rank")
    assert rk.predict_stable_rank(50.0, d=512, r=2).value > 1  # which needs no such solution
    assert main(["predict", "--d", "512", "--r", "2", "--omegas", "50"]) == 1
    assert "did not converge" in capsys.readouterr().err


@pytest.mark.parametrize("square", [math.nan, math.inf])
def test_what_is_no_threshold_ends(square):
    sampled = Sampled(np.array([1.0]), np.array([2.0]), 0.0, 40, 60)
    with pytest.raises(ArithmeticError, match="did not converge"):
        solve(sampled, np.array([square]), np.ones((1, 1)))
