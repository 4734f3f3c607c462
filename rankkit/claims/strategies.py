"""A domain as a Hypothesis strategy."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from rankkit.claims.domain import Domain, Instance
from rankkit.claims.spaces import Integer, Matrix, Real, Space

__all__ = ["instances"]


def instances(domain: Domain) -> st.SearchStrategy[Instance]:
    """Return a strategy for a domain's instances, drawn variable by variable and shrinking to small simple ones."""

    @st.composite
    def draw(pick: Any) -> Instance:
        made: Instance = {}
        for name, space in domain.spaces.items():
            made[name] = pick(_strategy(space, made))
        assume(domain.holds(made))
        return made

    return draw()


def _strategy(space: Space, sizes: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    if isinstance(space, Integer):
        return st.integers(space.low, space.high)
    if isinstance(space, Real):
        return _real(space)
    if isinstance(space, Matrix):
        m, n = space.shape(sizes)
        rows = st.lists(st.lists(_real(space.entries), min_size=n, max_size=n), min_size=m, max_size=m)
        return rows.map(lambda entries: np.array(entries, dtype=object).reshape(m, n))
    raise TypeError(f"no strategy for {type(space).__name__}; use Integer, Real or Matrix.")


def _real(space: Real) -> st.SearchStrategy[Fraction]:
    size = st.one_of(
        st.sampled_from(space.corners({})), st.floats(space.low, space.high, allow_nan=False).map(space.exact)
    )
    return st.tuples(size, st.booleans()).map(lambda pair: -pair[0] if pair[1] else pair[0]) if space.signed else size
