"""Look for the instance that comes nearest to violating a claim, and make it simple.

Corners first, then random draws, then the edges of the hypotheses, then Hypothesis, which steers towards small margins
and can keep what it found for the next run, then the margin's gradient and random steps from the best; last the
instance is made as simple as it can be while it still violates.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rankkit.claims.arithmetic import Floats
from rankkit.claims.ascent import ascend
from rankkit.claims.certificates import variables
from rankkit.claims.claim import Claim
from rankkit.claims.domain import Domain, Instance

__all__ = ["Found", "float_margin", "least", "simplest"]

STEPS = 60  # of descent
EDGES = 20  # corners, and draws, from which the domain's edge is sought
HALVINGS = 30
FLOATS = Floats()


class Found(NamedTuple):
    """The instance nearest to violation, its margin, and how many were looked at."""

    instance: Instance
    margin: float
    looked_at: int


def least(
    claim: Claim, *, instances: int = 1000, seed: int = 0, budget: float = math.inf, database: Path | None = None
) -> Found:
    """Return the least margin found among at least so many instances, or as many as the budget allows.

    Parameters
    ----------
    claim : Claim
    instances : int
        Random draws and steered ones, half each, beside the corners.
    seed : int
        The same seed finds the same, but for what a database adds.
    budget : float
        Seconds.
    database : Path, optional
        A folder where Hypothesis keeps the instances nearest to violation, and starts from those of earlier runs.

    Raises
    ------
    ValueError
        If a margin is NaN, or the domain is empty.
    """
    domain = claim.domain
    assert domain is not None
    best, looked_at, until = None, 0, time.monotonic() + budget
    if everything := domain.every():
        found = [Found(instance, float_margin(claim, instance), len(everything)) for instance in everything]
        violated = (one for one in found if one.margin < -claim.error)
        return next(violated, min(found, key=lambda one: one.margin))
    for instance in itertools.chain(_candidates(domain, instances // 2, seed), [None]):
        found = _steered(claim, instances - instances // 2, until, database) if instance is None else None
        if found is not None:
            looked_at += found.looked_at
        elif instance is not None:
            found, looked_at = Found(instance, float_margin(claim, instance), 1), looked_at + 1
        if found is not None and (best is None or found.margin < best.margin):
            best = found
        if (best is not None and best.margin < -claim.error) or time.monotonic() > until:
            break
    if best is None:
        raise ValueError(f"{claim.id}: its domain has no instance.")
    rng, violated = np.random.default_rng(seed), best.margin < -claim.error
    for instance in () if violated else ascend(claim, best.instance):
        if time.monotonic() > until:
            break
        looked_at += 1
        if (margin := float_margin(claim, instance)) < best.margin:
            best = Found(instance, margin, looked_at)
    for _ in range(0 if violated else STEPS):
        if time.monotonic() > until:
            break
        changed = _nudged(domain, best.instance, rng)
        if changed is not None and (margin := float_margin(claim, changed)) < best.margin:
            best = Found(changed, margin, looked_at)
        looked_at += 1
    return best._replace(looked_at=looked_at)


def float_margin(claim: Claim, instance: Instance, which: str = "margin") -> float:
    """Return a claim's margin, or bite, in float64.

    Raises
    ------
    ValueError
        If it is NaN: the record is wrong.
    """
    with np.errstate(all="ignore"):
        value = float(getattr(claim, which)(variables(instance, FLOATS), FLOATS))
    if math.isnan(value):
        raise ValueError(f"{claim.id}: its {which} is NaN at {instance}.")
    return value


def simplest(claim: Claim, instance: Instance, *, rounds: int = 40) -> Instance:
    """Return a simpler instance that still violates the claim clearly, one change at a time."""
    assert claim.domain is not None
    for _ in range(rounds):
        here = _size(instance)
        for simpler in claim.domain.simpler(instance):
            if _size(simpler) < here and float_margin(claim, simpler) < -10 * claim.error:
                instance = simpler
                break
        else:
            break
    return instance


def _candidates(domain: Domain, count: int, seed: int) -> Iterator[Instance]:
    yield from domain.corners()
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield domain.draw(rng)
    if domain.where is not None:  # statements are tight where their hypotheses end
        corners = list(domain.corners())
        for instance in [*corners[:: len(corners) // EDGES + 1], *(domain.draw(rng) for _ in range(EDGES))]:
            yield from _edges(domain, instance)


def _edges(domain: Domain, instance: Instance) -> Iterator[Instance]:
    """Yield the last instances of the domain on the way from one to either end of each variable."""
    for name, space in domain.spaces.items():
        for end in space.corners(instance)[:2]:
            inside, outside = 0.0, 1.0
            for _ in range(HALVINGS if not isinstance(end, int) else 0):
                middle = (inside + outside) / 2
                changed = {**instance, name: space.between(instance[name], end, middle)}
                inside, outside = (middle, outside) if domain.contains(changed) else (inside, middle)
            if 0 < inside < 1 - 2.0**-HALVINGS:
                yield {**instance, name: space.between(instance[name], end, inside)}


def _steered(claim: Claim, count: int, until: float, database: Path | None) -> Found | None:
    """Return the least margin that Hypothesis finds when it aims for small ones."""
    from hypothesis import HealthCheck, Phase, given, settings, target
    from hypothesis.database import DirectoryBasedExampleDatabase

    from rankkit.claims.strategies import instances

    assert claim.domain is not None
    seen: list[tuple[float, Instance]] = []

    calm: Any = list(HealthCheck)  # a domain may reject many draws, and a margin take its time
    kept = None if database is None else DirectoryBasedExampleDatabase(database / claim.id)

    @settings(max_examples=count, deadline=None, derandomize=kept is None, database=kept,
              phases=(Phase.reuse, Phase.generate, Phase.target), suppress_health_check=calm)  # fmt: skip
    @given(instances(claim.domain))
    def aim(instance: Instance) -> None:
        if time.monotonic() > until:
            return  # Hypothesis has no clock: the rest of its examples pass at once
        margin = float_margin(claim, instance)
        seen.append((margin, instance))
        if math.isfinite(margin):
            target(-margin)

    aim()
    if not seen:
        return None
    margin, instance = min(seen, key=lambda pair: pair[0])
    return Found(instance, margin, len(seen))


def _nudged(domain: Domain, instance: Instance, rng: np.random.Generator) -> Instance | None:
    """Return the instance with one variable drawn anew or moved a little; None where that leaves the domain."""
    other = domain.draw(rng)
    name = str(rng.choice(list(domain.spaces)))
    new = other[name]
    if isinstance(new, int) or (isinstance(new, np.ndarray) and new.shape != instance[name].shape):
        return None
    step = domain.spaces[name].between(instance[name], new, float(rng.choice([0.5, 0.1, 0.01])))
    changed = {**instance, name: step}
    return changed if domain.contains(changed) else None


def _size(instance: Instance) -> int:
    """Return how long an instance is to write down."""
    return sum(len(str(x)) for value in instance.values() for x in np.ravel(np.array(value, dtype=object)))
