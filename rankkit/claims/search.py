"""Look for the instance that comes nearest to violating a claim, and make it simple.

The corners of the domain come first, then random draws, then the edges of the hypotheses. Then Hypothesis steers
towards small margins; it can keep what it found for the next run. Then the search follows the margin's gradient, and
takes random steps from the best instance. A violation is made as simple as it can be while it still violates.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np

from rankkit.claims.ascent import ascend
from rankkit.claims.claim import Claim
from rankkit.claims.deadline import NEVER, Deadline, TimeIsUp
from rankkit.claims.domain import Domain, Instance
from rankkit.claims.margins import float_margin
from rankkit.claims.nearest import Found, Nearest

__all__ = ["least", "simplest"]

STEPS = 60  # of descent
EDGES = 20  # corners, and draws, from which the domain's edge is sought
HALVINGS = 30
ROUNDS = 40  # changes that make a violation simpler
CLEARLY = 10  # errors of the float margin: a simpler instance must violate by more


def least(
    claim: Claim,
    *,
    instances: int = 1000,
    seed: int = 0,
    deadline: Deadline = NEVER,
    database: Path | None = None,
) -> Found | None:
    """Return the least margin found among at least so many instances, or as many as the time allows.

    Parameters
    ----------
    claim : Claim
        With a domain and a margin.
    instances : int
        Random draws and steered ones, half each, beside the corners.
    seed : int
        The same seed finds the same, apart from what a database adds.
    deadline : Deadline
        No margin, and no condition of the domain, is computed after it.
    database : Path, optional
        A folder where Hypothesis keeps the instances nearest to violation, and starts from those of earlier runs.

    Returns
    -------
    Found or None
        None where the time was up before the first instance.

    Raises
    ------
    ValueError
        If a margin is NaN, or the domain is empty.
    """
    timed = claim.until(deadline)
    assert timed.domain is not None
    nearest, every, cut_short = Nearest(timed), None, False
    try:
        every = timed.domain.every()
        _look_until_violated(nearest, (tried for tried in claim.tries if timed.domain.contains(tried)))
        if nearest.violated:
            pass
        elif every:
            _look_until_violated(nearest, every)
        else:
            _look_until_violated(nearest, _candidates(timed.domain, instances // 2, seed))
            cut_short = _refine(nearest, instances - instances // 2, seed, deadline, database)
    except TimeIsUp:
        cut_short = True
    if nearest.instance is None and not cut_short:
        raise ValueError(f"{claim.id}: its domain has no instance.")
    if nearest.instance is None:
        return None
    whole = bool(every) and nearest.looked_at == len(every or ())
    return Found(nearest.instance, nearest.margin, nearest.looked_at, whole, cut_short)


def simplest(claim: Claim, found: Found, *, deadline: Deadline = NEVER) -> Found:
    """Return a simpler instance that still violates the claim clearly, reached by one change at a time.

    Parameters
    ----------
    claim : Claim
        With a domain and a margin.
    found : Found
        An instance that violates it.
    deadline : Deadline
        At which the simplest instance so far is returned.
    """
    timed = claim.until(deadline)
    with suppress(TimeIsUp):
        for _ in range(ROUNDS):
            simpler = _simpler(timed, found)
            if simpler is None:
                break
            found = simpler
    return found


def _simpler(claim: Claim, found: Found) -> Found | None:
    """Return the first simpler instance that violates the claim clearly; None where there is none."""
    assert claim.domain is not None
    here = _size(found.instance)
    for instance in claim.domain.simpler(found.instance):
        if _size(instance) < here and (margin := float_margin(claim, instance)) < -CLEARLY * claim.error:
            return found._replace(instance=instance, margin=margin)
    return None


def _look_until_violated(nearest: Nearest, candidates: Iterable[Instance]) -> None:
    """Look at the candidates, up to the first one that violates the claim."""
    for instance in candidates:
        nearest.look(instance)
        if nearest.violated:
            return


def _refine(nearest: Nearest, count: int, seed: int, deadline: Deadline, database: Path | None) -> bool:
    """Go on from what was found, unless it violates the claim; return whether time was too short for a library."""
    if nearest.violated:
        return False
    steers = deadline.affords("hypothesis")
    if steers:
        from rankkit.claims.strategies import steer  # loads Hypothesis

        steer(nearest, count, seed=seed, database=database)
    if nearest.instance is None or nearest.violated:
        return not steers
    descends = deadline.affords("torch")
    if descends:
        for instance in ascend(nearest.claim, nearest.instance):
            nearest.look(instance)
    _step_around(nearest, np.random.default_rng(seed))
    return not (steers and descends)


def _step_around(nearest: Nearest, rng: np.random.Generator) -> None:
    """Look at random steps from the best instance."""
    domain = nearest.claim.domain
    assert domain is not None
    for _ in range(STEPS):
        assert nearest.instance is not None
        changed = _nudged(domain, nearest.instance, rng)
        if changed is not None:
            nearest.look(changed)
        else:
            nearest.looked_at += 1  # a step that leaves the domain counts as a look, as in the committed ledger


def _candidates(domain: Domain, count: int, seed: int) -> Iterator[Instance]:
    """Yield the domain's corners, random draws, and the edges of its hypotheses seen from some of both."""
    corners = list(domain.corners())
    yield from corners
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield domain.draw(rng)
    if domain.where is not None:  # statements are tight where their hypotheses end
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


def _nudged(domain: Domain, instance: Instance, rng: np.random.Generator) -> Instance | None:
    """Return the instance with one variable drawn anew or moved a little; None where that leaves the domain."""
    other = domain.draw(rng)
    name = str(rng.choice(list(domain.spaces)))
    new = other[name]
    if isinstance(new, int) or np.shape(new) != np.shape(instance[name]):
        return None
    step = domain.spaces[name].between(instance[name], new, float(rng.choice([0.5, 0.1, 0.01])))
    changed = {**instance, name: step}
    return changed if domain.contains(changed) else None


def _size(instance: Instance) -> int:
    """Return how long an instance is to write down."""
    return sum(len(str(x)) for value in instance.values() for x in np.ravel(np.array(value, dtype=object)))
