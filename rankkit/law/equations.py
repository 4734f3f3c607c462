"""Which equations describe sin(omega B A), or phi(B A), of a law of entries."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from rankkit.law.finite.independent import Independent, filled_at
from rankkit.law.finite.phase_space import PhaseSpace
from rankkit.law.finite.products import Products
from rankkit.law.finite.self_consistent import Equations
from rankkit.law.finite.sine_parts import sine_radial
from rankkit.law.finite.splitting import Leverage, gaussian_leverage, product_leverage
from rankkit.law.limit.coordinate import Coordinate, one_coordinate_problem, uniform_nodes
from rankkit.law.limit.entries import Entries, law_of
from rankkit.law.limit.listing import listed_products

__all__ = ["equations_of", "leverage_of", "weyl_of"]

SMALL = 1e-3  # of y: squares below it only add up
# Gaussian entries: c beyond which Weyl's law serves for r = 1, and share of the frequency that fills the matrix beyond
# which it does for larger r (within 0.2 % of d of sine_parts.py, whose quadrature would need ever more nodes)
SEMICLASSICAL, SEMICLASSICAL_SHARE = 20.0, 0.45
FILLING_SHARE = 0.36  # of that frequency times n / m, from which on Weyl's law may say that the matrix is full
LARGEST_C = 150.0  # of a coordinate that is solved by its matrix; beyond, the rows are as good as independent
OVERFULL = 4.0  # times the frequency that fills the matrix: from there on the features are independent
FEW = 10.0  # times that floor: where the largest square is below, all values only add up
FINEST = 1e-15  # relative size of a one-coordinate value that float64 tells from zero


def equations_of(entries: Entries, omega: float, *, least: float) -> Equations:
    """Return the equations of sin(omega B A) / sqrt(m n), no fewer rows than columns.

    Parameters
    ----------
    entries : Entries
    omega : float
    least : float
        The smallest s^2 that is asked for.
    """
    m, n, r, c = max(entries.m, entries.n), min(entries.m, entries.n), entries.r, entries.c(omega)
    law = law_of(entries, omega)
    floor = SMALL * max(least, filled_at(law, n))
    if c > OVERFULL * entries.filling or law.listed == 0 or law.values[0] ** 2 < FEW * floor:
        return Independent.of(law, m, n, r)
    if entries.gaussian:
        if c > (SEMICLASSICAL if r == 1 else SEMICLASSICAL_SHARE * entries.filling):
            return PhaseSpace(m, n, r, c)
        return sine_radial(c, r, m=m, n=n, least=least)
    if c > LARGEST_C:
        return Independent.of(law, m, n, r)
    depth = 0.5 * math.log(law.values[0] ** 2 / floor)
    whole = _uniform_problem(c)
    seen = listed_products(np.log(whole.values), whole.parity, r, depth).counts > 0
    problem = whole.leading(np.any(seen, axis=0))  # values that no product needs cost time and accuracy
    listed = listed_products(np.log(problem.values), problem.parity, r, depth)
    held = float(np.sum(listed.many * np.exp(2 * (listed.counts @ np.log(problem.values)))))
    return Products(m, n, r, problem, listed, max(law.energy - held, 0.0))


def weyl_of(entries: Entries, omega: float) -> PhaseSpace | None:
    """Return the equations by Weyl's law where they may show that the matrix is full; None elsewhere.

    Where they serve anyway, `equations_of` returns them.
    """
    m, n = max(entries.m, entries.n), min(entries.m, entries.n)
    share = entries.c(omega) / entries.filling
    if not entries.gaussian or entries.r == 1 or not FILLING_SHARE * n / m < share <= SEMICLASSICAL_SHARE:
        return None
    return PhaseSpace(m, n, entries.r, entries.c(omega))


def leverage_of(entries: Entries, omega: float, t: float) -> Leverage | None:
    """Return the leverage at t > lambda_1^2 of the functions of sin(omega B A); None where they are independent."""
    c = entries.c(omega)
    if c > OVERFULL * entries.filling or (c > LARGEST_C and not entries.gaussian):
        return None
    return (
        gaussian_leverage(c, entries.r, t) if entries.gaussian else product_leverage(_uniform_problem(c), entries.r, t)
    )


@lru_cache(maxsize=16)
def _uniform_problem(c: float) -> Coordinate:
    return one_coordinate_problem(*uniform_nodes(c), c, floor=FINEST)
