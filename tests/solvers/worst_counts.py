"""Counts with the worst rounding at the edge: a Gram matrix moved by all its error, along the value at the threshold.

Run: python -m tests.solvers.worst_counts --cases 10000 [--seed 0]
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from typing import Any, NamedTuple
from unittest import mock

import numpy as np

import rankkit as rk
from rankkit import testing as laws
from rankkit.solvers import lapack
from rankkit.solvers.gram import gram_error

NEARLY = 0.99  # of the error that is allowed, so that the perturbation's own rounding does not count
SIZES = (96, 112)
OWN = 64 * 2.0**-52  # by which the singular values of a matrix that is made from them are off, at most


class Case(NamedTuple):
    """A matrix of known singular values, the eigenvectors of its Gram matrix, a threshold, and the value next to it."""

    S: np.ndarray
    sigma: np.ndarray
    rows: np.ndarray
    rtol: float
    place: int

    @property
    def sure(self) -> bool:
        """Whether the matrix at hand has the count that its singular values were chosen to have."""
        return abs(self.sigma[self.place] / (self.rtol * self.sigma[0]) - 1) * self.sigma[self.place] > OWN

    @property
    def truth(self) -> int:
        """How many singular values exceed the threshold."""
        return int(np.sum(self.sigma > self.rtol * self.sigma[0]))


BASES = {p: (laws.orthogonal(p, p), laws.orthogonal(p + 1, p)) for p in SIZES}


def case_of(rng: np.random.Generator) -> Case:
    """Return a matrix with one singular value as near to the threshold as the error of its Gram matrix, or nearer."""
    p = int(rng.choice(SIZES))
    U, rows = BASES[p]
    place = int(rng.integers(1, p))
    small = 10 ** rng.uniform(-6, -0.5)
    sigma = np.r_[np.linspace(1, min(1.0, 3 * small), place), small, small * np.linspace(0.5, 1e-3, p - place - 1)]
    reach = gram_error(U[None], np.sum(sigma**2)) / (2 * small**2)  # relative: so far the error of G moves this value
    gap = float(rng.choice([-1, 1]) * rng.uniform(0.05, 3) * min(float(reach), 0.1))
    return Case((U * sigma) @ rows, sigma, U.T, small * (1 + gap), place)


def counted(case: Case, side: int, *, share: float = NEARLY) -> Any:
    """Return the count where the product that forms G is wrong by a share of what it may be, upwards or downwards."""
    v = case.rows[case.place]
    size = share * float(gram_error(case.S[None], np.sum(case.sigma**2)))
    product = lapack.product

    def wrong(S: np.ndarray) -> np.ndarray:
        if S.shape != case.S.shape:  # F of a low-rank copy, whose product has an error of its own
            return product(S)
        return product(S) + np.tril(side * size * np.outer(v, v))

    with mock.patch.object(lapack, "product", wrong):
        return rk.count_above(case.S, rtol=case.rtol)


def main() -> None:
    """Print how many counts were wrong, and which routes decided."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng, wrong, tried, routes = np.random.default_rng(options.seed), 0, 0, Counter()
    while tried < options.cases:
        case = case_of(rng)
        if not case.sure:
            continue
        found, tried = counted(case, int(rng.choice([-1, 1]))), tried + 1
        wrong += not found.lower <= case.truth <= found.upper
        routes[f"{found.route}{'' if found.lower == found.upper else ', open'}"] += 1
    print(f"{tried} cases: {wrong} wrong; {dict(routes)}")
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
