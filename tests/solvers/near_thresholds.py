"""Matrices of the papers' kind with thresholds next to singular values; and a command that counts many of them.

Run: python -m tests.solvers.near_thresholds --cases 5000 [--seed 0]
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from typing import NamedTuple

import numpy as np

import rankkit as rk
from rankkit.initializers import KaimingUniform, Normal, Uniform, XavierUniform

LAWS = (KaimingUniform(), KaimingUniform(a=5**0.5), XavierUniform(), Uniform(4), Normal(1.0, 1.0))
EPS = 2.0**-52


class Case(NamedTuple):
    """A matrix, its singular values by an SVD, the tolerance to count with, and the threshold that it means."""

    S: np.ndarray
    sigma: np.ndarray
    tolerance: dict[str, float]
    tau: float

    def judged(self, lower, upper):
        """Return whether bounds on the count agree with the SVD, and whether they are as close as an SVD's own error allows."""
        near = np.min(np.abs(self.sigma - self.tau)) <= 2 * max(self.S.shape) * EPS * self.sigma[0]
        truth = np.sum(self.sigma > self.tau)
        right = lower <= truth + near and upper >= truth - near
        return bool(right), bool(near or lower == upper)


def random_case(rng):
    """Return a case of any size and tolerance; every fourth has its threshold beside a singular value."""
    d, r = int(rng.integers(8, 301)), int(rng.integers(1, 9))
    n = d if rng.random() < 0.6 else int(rng.integers(8, 301))
    S, sigma = _sine(rng, d, n, r, 10 ** rng.uniform(-1, 4))
    planted = sigma[rng.integers(sigma.size)] / sigma[0] * (1 + rng.uniform(-1e-9, 1e-9))
    if rng.random() < 0.25 and 1e-9 < planted < 0.5:
        return Case(S, sigma, {"rtol": float(planted)}, float(planted * sigma[0]))
    if rng.random() < 0.2:
        atol = float(10 ** rng.uniform(-8, 1))
        return Case(S, sigma, {"atol": atol}, atol)
    rtol = float(10 ** rng.uniform(-9, -2))
    return Case(S, sigma, {"rtol": rtol}, rtol * sigma[0])


def hard_case(rng):
    """Return a case for which a Gram matrix can tell something, its threshold 1e-11 to 1e-2 from a singular value."""
    d, r = int(rng.integers(96, 260)), int(rng.integers(1, 6))
    while True:
        S, sigma = _sine(rng, d, d, r, 10 ** rng.uniform(0.5, 3.5))
        places = np.flatnonzero(sigma > 1e-6 * sigma[0])[1:]
        if places.size:
            break
    gap = float(rng.choice([-1, 1]) * 10 ** rng.uniform(-11, -2))
    # the planted value is one of the smallest ten or any: both a nearly full matrix and the middle of a spectrum
    place = places[-int(rng.integers(1, min(10, places.size) + 1))] if rng.random() < 0.5 else rng.choice(places)
    tau = float(sigma[place] * (1 + gap))
    if rng.random() < 0.3:
        return Case(S, sigma, {"atol": tau}, tau)
    return Case(S, sigma, {"rtol": tau / float(sigma[0])}, tau)


def _sine(rng, m, n, r, omega):
    f = LAWS[rng.integers(len(LAWS))](m, n, r, seed=int(rng.integers(1 << 30)))
    S = np.sin(omega * (f.B @ f.A))
    return S, np.linalg.svd(S, compute_uv=False)


def main() -> None:
    """Print how many counts were wrong or left open, and which routes decided."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng, wrong, left, routes = np.random.default_rng(options.seed), 0, 0, Counter()
    for i in range(options.cases):
        case = hard_case(rng) if i % 2 else random_case(rng)
        found = rk.count_above(case.S, **case.tolerance)
        right, close = case.judged(found.lower, found.upper)
        wrong, left = wrong + (not right), left + (not close)
        routes[str(found.route)] += 1
    print(f"{options.cases} cases: {wrong} wrong, {left} left open without need; {dict(routes)}")
    sys.exit(wrong + left > 0)


if __name__ == "__main__":
    main()
