"""Both arithmetics of a margin against exact rationals and 60 digits: balls contain the truth, floats come near it."""

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rankkit.claims.arithmetic import Balls, Floats

pytest.importorskip("flint")
FLOATS = Floats()
RATIONALS = st.fractions(-20, 20, max_denominator=997)
NAMES = {
    "sin": mpmath.sin, "cos": mpmath.cos, "exp": mpmath.exp, "sinc": lambda x: mpmath.sincpi(x), "absolute": abs,
    "square": lambda x: x * x, "sqrt": lambda x: mpmath.sqrt(max(x, 0)),
}  # fmt: skip


def holds(ball, truth):
    """Return whether a ball contains a number of 60 digits."""
    with mpmath.workdps(60):
        mid, radius = (
            mpmath.mpf(str(part)) for part in (ball.mid().str(60, radius=False), ball.rad().str(60, radius=False))
        )
        return abs(mid - truth) <= radius * (1 + mpmath.mpf(10) ** -9) + mpmath.mpf(10) ** -50


@settings(max_examples=60)
@given(RATIONALS, st.sampled_from([53, 100, 160]))
def test_a_ball_contains_the_value_and_a_float_is_near_it(x, bits):
    with mpmath.workdps(60):
        exact = mpmath.mpf(x.numerator) / x.denominator
        for name, function in NAMES.items():
            of, truth = (abs(x), mpmath.sqrt(abs(exact))) if name == "sqrt" else (x, function(exact))
            with Balls.at(bits) as balls:
                ball = getattr(balls, name)(balls.of(of))
                assert holds(ball, truth), name
                wide = 2.0 ** (6 - bits) * (1 + abs(float(x))) * max(1, abs(float(truth)))
                assert float(ball.rad()) <= wide, name
            near = getattr(FLOATS, name)(FLOATS.of(of))
            assert near == pytest.approx(float(truth), rel=1e-12, abs=1e-13), name


def test_the_precision_is_that_of_the_block_and_the_one_before_comes_back():
    with Balls.at(64) as outer:
        wide = float((outer.of(1) / 3).rad())
        with Balls.at(256) as inner:
            assert float((inner.of(1) / 3).rad()) < wide / 2**180
        assert float((outer.of(1) / 3).rad()) == wide
        with mpmath.workdps(60):
            assert holds(outer.pi, +mpmath.pi)
    assert FLOATS.pi == math.pi


def test_arrays_are_worked_entry_by_entry():
    x = np.array([[Fraction(1, 2), Fraction(2)], [Fraction(7, 3), Fraction(0)]], dtype=object)
    with Balls.at(80) as balls:
        for name in NAMES:
            some, near = getattr(balls, name)(balls.of(x)), getattr(FLOATS, name)(FLOATS.of(x))
            assert some.shape == near.shape == (2, 2)
            np.testing.assert_allclose(some.astype(object).ravel().astype(float), near.ravel(), rtol=1e-14, atol=1e-9)


def test_a_root_of_a_ball_around_zero_holds_all_that_it_may_be():
    with Balls.at(80) as balls:
        around = balls.between(-1e-4, 4e-4)
        root = balls.sqrt(around)
        assert FLOATS.sqrt(-1.0) == 0
        assert root.contains(balls.of(0))
        assert root.contains(balls.of(Fraction(1, 50)))
        assert root <= balls.of(Fraction(3, 100)) or float(root.rad()) < 0.03
        assert balls.between(1.0, 2.0).contains(balls.of(1))
        assert balls.between(1.0, 2.0).contains(balls.of(2))
        assert not balls.between(1.0, 2.0).contains(balls.of(Fraction(5, 2)))


@settings(max_examples=40)
@given(RATIONALS, RATIONALS)
def test_the_smaller_and_the_larger(x, y):
    with Balls.at(64) as balls:
        assert balls.least(balls.of(x), balls.of(y)).overlaps(balls.of(min(x, y)))
        assert balls.most(balls.of(x), balls.of(y)).overlaps(balls.of(max(x, y)))
    assert FLOATS.least(float(x), float(y)) == float(min(x, y))
    assert FLOATS.most(float(x), float(y)) == float(max(x, y))


@pytest.mark.parametrize("shape", [(3, 2), (2, 3), (1, 4), (4, 1), (3, 3)])
def test_singular_values_in_both(shape):
    """Of a matrix with known ones: a permuted diagonal of different lengths."""
    k = min(shape)
    X = np.full(shape, Fraction(0), dtype=object)
    for i in range(k):
        X[(i + 1) % k, i] = Fraction((-1) ** i * (5 - i), 3)
    truth = [Fraction(5 - i, 3) for i in range(k)]
    with Balls.at(128) as balls:
        some = balls.singular_values(balls.of(X))
        assert len(some) == k
        assert all(
            ball.contains(balls.of(t)) or ball.overlaps(balls.of(t)) for ball, t in zip(some, truth, strict=True)
        )
        assert all(float(ball.rad()) < 1e-15 for ball in some)
        norm = balls.spectral_norm(balls.of(X))
        assert norm.overlaps(balls.of(truth[0]))
        assert float(norm.rad()) < 1e-15
        between = balls.of(truth[-1] - Fraction(1, 100))
        assert balls.count_above(balls.of(X), between) == k
        assert balls.count_above(balls.of(X), balls.of(2)) == 0
        assert balls.rank(balls.of(X)) == k
    near = FLOATS.of(X)
    np.testing.assert_allclose(FLOATS.singular_values(near), [float(t) for t in truth])
    assert FLOATS.spectral_norm(near) == pytest.approx(float(truth[0]))
    assert FLOATS.rank(near) == k
    assert FLOATS.count_above(near, float(truth[-1]) - 0.01) == k
    assert FLOATS.count_above(near, 2.0) == 0


def test_a_count_at_the_threshold_is_all_that_it_may_be():
    X = np.diag(np.array([Fraction(2), Fraction(1)], dtype=object))
    with Balls.at(64) as balls:
        open_one = balls.count_above(balls.of(X), balls.between(0.9, 1.1))
        assert open_one.contains(balls.of(1))
        assert open_one.contains(balls.of(2))
        assert not open_one.contains(balls.of(0))
        assert not open_one.contains(balls.of(3))


def test_no_singular_value_of_zero_exceeds_zero():
    nothing = np.full((2, 2), Fraction(0), dtype=object)
    with Balls.at(64) as balls:
        assert balls.count_above(balls.of(nothing), balls.of(0)) == 0
    assert FLOATS.count_above(FLOATS.of(nothing), 0.0) == 0
    assert FLOATS.count_above(np.diag([2.0, 1.0]), 1.0) == 1


def test_a_rank_counts_pivots_that_are_surely_not_zero():
    X = np.array([[1, 2, 3], [2, 4, 6], [0, 0, 5]], dtype=object)
    with Balls.at(64) as balls:
        exact = balls.of(X)
        assert balls.rank(exact) == 2
        assert balls.rank(balls.of(X - X)) == 0
        blurred = exact.copy()
        blurred[1, 1] = balls.between(3.999, 4.001)
        found = balls.rank(blurred)
        assert found.contains(balls.of(2))
        assert found.contains(balls.of(3))
        assert not found.contains(balls.of(1))
        assert not found.contains(balls.of(4))
        tall = balls.of(np.array([[1, 2], [0, 0], [0, 0], [0, 0]], dtype=object))
        tall[1:, 1] = balls.between(-0.001, 0.001)
        most = balls.rank(tall)  # one column is left, however many rows
        assert most.contains(balls.of(2))
        assert not most.contains(balls.of(3))
        # of what is left one entry is surely zero and the other is not
        for blurred_row in (1, 2):
            tall[1:, 1] = balls.of(0)
            tall[blurred_row, 1] = balls.between(-0.001, 0.001)
            most = balls.rank(tall)
            assert most.contains(balls.of(1))
            assert most.contains(balls.of(2))
            assert not most.contains(balls.of(3))
    assert FLOATS.rank(np.diag([1.0, 1.01e-12, 0.99e-12])) == FLOATS.rank(5 * np.diag([1.0, 1.01e-12, 0.99e-12])) == 2


def test_the_largest_pivot_keeps_a_rank_sure():
    """The smallest would lose the 1 beside 10^25 in 64 bits."""
    X = np.array([[Fraction(1, 10**25), 1, 1], [1, 0, 0], [1, 0, 1]], dtype=object)
    with Balls.at(64) as balls:
        assert balls.rank(balls.of(X)) == 3


def test_a_text_is_a_ball_or_an_error():
    with Balls.at(64) as balls:
        assert balls.read("x", "[1.25 +/- 0.5]").contains(balls.of(Fraction(3, 2)))
        with pytest.raises(ValueError, match="x must be a ball such as"):
            balls.read("x", "about one")
