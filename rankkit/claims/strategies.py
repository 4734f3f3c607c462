"""A domain as a Hypothesis strategy, and the search that Hypothesis steers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
from hypothesis import HealthCheck, Phase, assume, given, settings, target
from hypothesis import strategies as st
from hypothesis.database import DirectoryBasedExampleDatabase

from rankkit.claims.domain import Domain, Instance
from rankkit.claims.matrices import Matrix
from rankkit.claims.nearest import Nearest
from rankkit.claims.spaces import Integer, Real, Space
from rankkit.claims.steady import steady_constants

__all__ = ["instances", "steer"]

# The random stream that the committed ledger was made with. Hypothesis would otherwise take it from the text of the
# function that it runs, and a change of wording would change what is found.
STREAM = 0xAB1A9B018E82DF5135A3224020DE1F4B16C03418C557BF8101A040586CF0341F5EE0A0950EEFD9DAD19B29F3D580F710


def steer(nearest: Nearest, count: int, *, seed: int = 0, database: Path | None = None) -> None:
    """Look at so many instances, which Hypothesis chooses so that margins get small.

    Parameters
    ----------
    nearest : Nearest
        What looks at them, and keeps the best.
    count : int
        How many.
    seed : int
        The same seed chooses the same, apart from what a database adds.
    database : Path, optional
        A folder where Hypothesis keeps the instances nearest to violation, and starts from those of earlier runs.
    """
    claim = nearest.claim
    assert claim.domain is not None
    calm: Any = list(HealthCheck)  # a domain may reject many draws, and a margin take its time
    kept = None if database is None else DirectoryBasedExampleDatabase(database / claim.id)

    # settings stand above the seed, which would take the database away
    @settings(max_examples=count, deadline=None, derandomize=kept is None, database=kept,
              phases=(Phase.reuse, Phase.generate, Phase.target), suppress_health_check=calm)  # fmt: skip
    @hypothesis.seed(STREAM + seed)
    @given(instances(claim.domain))
    def aim(instance: Instance) -> None:
        margin = nearest.look(instance)
        if math.isfinite(margin):
            target(-margin)

    with steady_constants():
        aim()


def instances(domain: Domain) -> st.SearchStrategy[Instance]:
    """Return a strategy for a domain's instances, which shrink to small and simple ones.

    Parameters
    ----------
    domain : Domain
        Whose variables are drawn one after the other.

    Raises
    ------
    TypeError
        If a variable is of a space of one's own, for which there is no strategy.
    """
    known: dict[Any, st.SearchStrategy[Any]] = {}  # to make a strategy takes longer than to draw from it

    @st.composite
    def draw(pick: Any) -> Instance:
        made: Instance = {}
        for name, space in domain.spaces.items():
            key = (name, *(made[size] for size in space.named))
            if key not in known:
                known[key] = _strategy(space, made)
            made[name] = pick(known[key])
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
