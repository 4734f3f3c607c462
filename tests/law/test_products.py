"""Weights that are products over the coordinates, against weights of every row: the full equations for r = 2."""

import math

import numpy as np
import pytest

from rankkit.law.finite.independent import Independent
from rankkit.law.finite.parts import Part
from rankkit.law.finite.phase_space import Cells
from rankkit.law.finite.products import Products
from rankkit.law.finite.radial import Radial
from rankkit.law.finite.self_consistent import Follower
from rankkit.law.limit.coordinate import Coordinate, one_coordinate_problem, uniform_nodes
from rankkit.law.limit.listing import listed_products
from rankkit.law.limit.staircase import staircase

SIZE, DEEPEST = 256, 1e-7
RELATIVE = (1e-1, 1e-2, 1e-3)


def every_row(one: Coordinate, size: int) -> Radial:
    """The equations with a weight at each (|b_1|, |b_2|): sin(x + y) is an even function times an odd one, twice."""
    sides = [(U, mu * np.sign(np.sum(U * V, axis=0))) for U, mu, V in one.parts]
    parts = []
    for (U, x), (other, y) in (sides, sides[::-1]):
        values = np.outer(x, y).ravel()
        kept = np.abs(values) > DEEPEST * np.max(np.abs(values))
        functions = np.einsum("ik,jl->ijkl", U, other).reshape(one.x.size**2, -1)
        parts.append(Part(1.0, functions[:, kept], values[kept]))
    p = np.outer(one.p, one.p).ravel()
    nothing = np.zeros((p.size, p.size))
    return Radial(size, size, 2, np.linspace(0, 1, p.size), p, parts, Cells(nothing + 1e-30, nothing))


def without_crossings(equations, top):
    found = [Follower(equations).count((relative * top) ** 2) for relative in RELATIVE]
    return np.array([one.value + one.crossings for one in found])


@pytest.mark.parametrize("c", [4.0, 8.0])
def test_products_of_weights_count_as_weights_of_every_row_do(c):
    one = one_coordinate_problem(*uniform_nodes(c), c, floor=1e-9)
    values, parity = one.values, one.parity
    listed = listed_products(np.log(values), parity, 2, -math.log(DEEPEST))
    top = values[0] * values[parity == 1][0]
    exact = without_crossings(every_row(one, SIZE), top)
    products = without_crossings(Products(SIZE, SIZE, 2, one, listed, 0.0), top)
    assert products == pytest.approx(exact, abs=1e-3 * SIZE)
    law = staircase(np.sort(values)[::-1], 2)
    equal = without_crossings(Independent.of(law, SIZE, SIZE, 2), top)
    assert np.max(np.abs(equal - exact)) > 2e-3 * SIZE  # one weight for all rows would be noticed
