"""Tables of a learned phi: what they leave out, where their cells end, when they are used, and how blocks are cut."""

import math
from functools import partial
from itertools import product

import numpy as np
import pytest

from rankkit.rules import BSplineBasis, FourierBasis, GaussianBasis, SincBasis, basis, interpolant
from tests.rules.test_stated_error import HIGHEST, KINDS, LEBESGUE, TRUNCATION, U, exactly, learned, phi


@pytest.mark.parametrize("q", [interpolant.DEGREE + 1])
@pytest.mark.parametrize(("low", "high", "cells"), [(-2.0, 3.0, 4), (10.0, 10.5, 1), (-1e3, -9e2, 3)])
def test_a_table_of_the_next_power_is_off_by_exactly_its_bound(q, low, high, cells):
    """The polynomial through Chebyshev points misses x^q by 2 (h / 4)^q somewhere in every cell, and by no more."""
    middle = (low + high) / 2

    def power(x):
        return (x - middle) ** q

    table = interpolant.chebyshev(power, low, high, lambda order: math.factorial(order), cells)
    assert table.truncation == exactly(2 * ((high - low) / cells / 4) ** q)
    x = np.linspace(low, high, 20_001)
    off, noise = np.max(np.abs(table(x) - power(x))), 1e-13 * np.max(np.abs(power(x)))
    assert off <= table.truncation * (1 + 1e-9) + noise
    assert off >= 0.999 * table.truncation - noise


def test_cells_are_as_many_as_a_tolerance_asks_for_and_no_more():
    q = interpolant.DEGREE + 1
    for width, derivative, tolerance in ((7.0, 3.0, 1e-12), (0.3, 1e9, 1e-10), (1e4, 1e-3, 1e-6)):
        cells = interpolant.cell_count(width, {q: derivative}.__getitem__, tolerance)
        off = [2 * (width / some / 4) ** q / math.factorial(q) * derivative for some in (cells, cells - 1)]
        assert off[0] <= tolerance < off[1]
    assert (
        interpolant.cell_count(1.0, lambda order: 0.0, 1e-9) == interpolant.cell_count(1.0, lambda order: 1.0, 9.0) == 1
    )


@pytest.mark.parametrize("kind", [SincBasis, GaussianBasis, FourierBasis])
@pytest.mark.parametrize(("low", "high"), [(-3.0, 3.0), (5.0, 6.0), (-101.0, -100.0), (0.0, 40.0), (-0.001, 0.001)])
def test_a_table_leaves_out_no_more_than_its_share(kind, low, high):
    rule = learned(kind, 7, 3.0, 0.0)
    table, share = rule.table(low, high), TRUNCATION * U["float64"] * sum(abs(rule.alpha)) * HIGHEST[kind]
    cells = table.breaks.size - 1
    assert table.truncation <= share
    assert cells == 1 or share < table.truncation * (cells / (cells - 1)) ** 7


def test_a_table_has_as_many_cells_as_are_allowed_and_no_more(monkeypatch):
    rule = learned(SincBasis, 7, 3.0, 0.0)
    cells = rule.table(-3.0, 3.0).breaks.size - 1
    monkeypatch.setattr(basis, "MAX_CELLS", cells)
    assert rule.table(-3.0, 3.0).breaks.size == cells + 1
    monkeypatch.setattr(basis, "MAX_CELLS", cells - 1)
    with pytest.raises(ValueError, match="use method='exact'"):
        rule.table(-3.0, 3.0)


def test_a_table_enlarges_the_errors_of_its_values_four_times_at_most():
    """Every choice of signs of the seven values' errors; interpolation in as many Chebyshev points has 2.2."""
    x = np.linspace(0, 1, 2001)
    worst = 0.0
    for signs in product((-1.0, 1.0), repeat=interpolant.DEGREE + 1):
        values = partial(np.broadcast_to, np.array(signs))
        table = interpolant.chebyshev(lambda nodes, of=values: of(nodes.shape), 0.0, 1.0, lambda order: 0.0, 1)
        worst = max(worst, float(np.max(np.abs(table(x)))))
    assert 2.2 < worst < LEBESGUE


@pytest.mark.parametrize("kind", [SincBasis, GaussianBasis, FourierBasis])
def test_the_quicker_way_is_chosen_by_the_size_of_the_matrix(kind):
    """The table where the matrix has as many entries as the table has cells, times the degree."""
    for low, high in ((-3.0, 3.0), (1.0, 2.0)):
        chosen = set()
        rule = {method: learned(kind, 7, 3.0, 0.0, method=method) for method in ("auto", "table", "exact")}
        cells = rule["auto"].table(low, high).breaks.size - 1
        for entries in (6 * cells, 6 * cells - 1):
            x = np.random.default_rng(0).permutation(np.linspace(low, high, entries))
            found = {method: phi(one, x) for method, one in rule.items()}
            assert np.any(found["table"] != found["exact"])
            chosen.add(next(way for way in ("table", "exact") if np.array_equal(found[way], found["auto"])))
            assert np.array_equal(found["auto"], found["table" if entries >= 6 * cells else "exact"])
        assert chosen == {"table", "exact"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_table_is_right_at_and_beside_every_end_of_a_cell(kind):
    rule = learned(kind, 5, 2.0, 0.0)
    table = rule.table(-2.0, 2.5)
    ends = table.breaks
    x = np.clip(np.concatenate([ends, np.nextafter(ends, 9), np.nextafter(ends, -9)]), -2.0, 2.5)
    np.testing.assert_allclose(table(x), rule.exact(x), rtol=0, atol=1e-13 * sum(abs(rule.alpha)))


def test_equal_entries_are_summed_and_not_looked_up():
    rule = learned(SincBasis, 5, 2.0, 0.0, method="table")
    np.testing.assert_array_equal(phi(rule, np.full(7, 0.3)), rule.exact(np.full(7, 0.3)))


@pytest.mark.parametrize("terms", [1, 3, interpolant.BLOCK])
@pytest.mark.parametrize("count", [1, 5, 40])
def test_blocks_cover_every_entry_once_and_hold_so_many_numbers(terms, count, monkeypatch):
    monkeypatch.setattr(interpolant, "BLOCK", 16)
    seen = []

    def square(x):
        seen.append(x.size)
        return x * x

    x = np.arange(count, dtype=np.float32).reshape(-1, 1)
    found = interpolant.in_blocks(square, x, terms=terms)
    np.testing.assert_array_equal(found, x * x)
    assert found.dtype == x.dtype
    assert sum(seen) == count
    assert max(seen) <= (16 if terms == 1 else max(1, 8 // terms))
    assert len(seen) == math.ceil(count / (16 if terms == 1 else max(1, 8 // terms)))


def test_a_spline_s_table_has_its_own_pieces_and_no_others():
    """Five knots for each function that moves, those within the interval, and the two ends."""
    rule = BSplineBasis(alpha=[1.0, -2.0, 5.0], omega=[2.0, -0.5, 0.0], grid=[0.0, 1.0, 0.3])
    knots = {x for g, w in ((0.0, 2.0), (1.0, 0.5)) for k in range(-2, 3) if -1.7 < (x := g + k / w) < 4.0}
    table = rule.table(-1.7, 4.0)
    np.testing.assert_allclose(table.breaks, sorted({-1.7, 4.0, *knots}))
    x = np.linspace(-1.7, 4.0, 999)
    np.testing.assert_allclose(table(x), rule.exact(x), rtol=0, atol=1e-13)
    assert table.truncation == 0
