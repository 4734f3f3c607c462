"""The equations for the weights say that F, the log det of docs/explanation/law.md, does not change with them."""

import math

import numpy as np
import pytest

import rankkit as rk
from rankkit.law.equations import equations_of
from rankkit.law.finite.independent import Independent
from rankkit.law.finite.phase_space import PhaseSpace
from rankkit.law.finite.products import Products
from rankkit.law.finite.radial import Radial
from rankkit.law.limit.entries import entries_of, law_of

UNIFORM, NORMAL = rk.initializers.Uniform(1.0), rk.initializers.Normal(1.0, 1.0)
STEP = 1e-5  # in log w


def of_entries(initializer, omega, r):
    entries = entries_of(150, r, 110, initializer)
    least = (1e-2 * law_of(entries, omega).values[0]) ** 2
    return equations_of(entries, omega, least=least), least


def of_equal_weights():
    entries = entries_of(150, 2, 110, UNIFORM)
    law = law_of(entries, 8.0)
    return Independent.of(law, 150, 110, 2), (1e-2 * law.values[0]) ** 2


def of_mean_one(equations, unknowns):
    """Products know their weights of one coordinate as weights with mean one, beside a scale."""
    if not isinstance(equations, Products):
        return unknowns
    p = equations.coordinate.p
    sides = [log - np.log(np.sum(p * np.exp(log))) for log in np.split(unknowns[:-2], 2)]
    return np.concatenate([*sides, unknowns[-2:]])


CASES = {
    "products": (lambda: of_entries(UNIFORM, 6.0, 2), Products),
    "lengths": (lambda: of_entries(NORMAL, 1.0, 3), Radial),
    "phase space": (lambda: (PhaseSpace(150, 110, 2, 8.0), 1e-4), PhaseSpace),
    "equal weights": (of_equal_weights, Independent),
}


@pytest.mark.parametrize("name", CASES)
def test_the_derivatives_in_all_weights_are_zero(name):
    make, kind = CASES[name]
    equations, z = make()
    assert isinstance(equations, kind)
    start = equations.start(z)
    solved = start
    for _ in range(2000):
        solved = solved + 0.5 * (equations.improve(solved, z) - solved)

    def slope(at):
        ways = np.random.default_rng(1).standard_normal((5, at.size))
        ends = [[of_mean_one(equations, at + sign * STEP * way) for sign in (1, -1)] for way in ways]
        values = [[equations.potential(end, z).value.real for end in pair] for pair in ends]
        return np.array([(one - other) / (2 * STEP) for one, other in values])

    assert np.max(np.abs(slope(solved))) < 1e-4 * math.hypot(*slope(start))
