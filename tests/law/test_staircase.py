"""The multiset of products: against listing every one of them; the equivalent of their sampling: against matrices."""

import itertools
import math

import numpy as np
import pytest

from rankkit.law.finite.edge import _few, largest
from rankkit.law.finite.independent import Independent
from rankkit.law.finite.self_consistent import Follower
from rankkit.law.limit.kernels import gaussian_values, prolate_values
from rankkit.law.limit.listing import listed_products
from rankkit.law.limit.staircase import gaussian_staircase, odd_power_sum, staircase


def every_product(mu, r):
    return np.sort([math.prod(mu[n] for n in which) for which in itertools.product(range(len(mu)), repeat=r)
                    if sum(which) % 2])[::-1]  # fmt: skip


@pytest.mark.parametrize(("c", "r"), [(0.5, 1), (3.0, 3), (6.6, 2), (1.0, 4), (0.01, 4)])
def test_counts_are_those_of_listing_every_product(c, r):
    law = staircase(prolate_values(c, floor=1e-17 * min(1, c / 6)), r)
    known = every_product(prolate_values(c, floor=1e-14), r)
    for relative in (0.3, 1e-1, 1e-2, 1e-4, 1e-7, 1e-10):
        if c > 0.1 or relative > 1e-9:
            assert law.above(relative * law.values[0]) == np.sum(known > relative * known[0])
    assert law.values[0] == pytest.approx(known[0], rel=1e-13)


@pytest.mark.parametrize(("c", "r"), [(0.01, 3), (0.5, 1), (2.0, 2), (3.0, 4)])
def test_gaussian_values_have_a_closed_form(c, r):
    closed, listed = gaussian_staircase(c, r), staircase(gaussian_values(c, floor=1e-17 * min(1, c)), r)
    assert closed.energy == pytest.approx(listed.energy, rel=1e-12)
    for relative in (0.5, 0.1, 1e-2, 1e-4):
        assert closed.above(relative * closed.values[0]) == pytest.approx(listed.above(relative * listed.values[0]))
    whole = math.fsum(closed.counts * closed.values**2) + closed.tail
    assert whole == pytest.approx((1 - (1 + 4 * c * c) ** (-r / 2)) / 2, rel=1e-10)


def test_steps_that_are_close_are_put_together():
    steps = gaussian_staircase(1e6, 2)
    assert steps.values.size < 10_000
    assert math.fsum(steps.counts * steps.values**2) == pytest.approx(0.5, rel=1e-3)


@pytest.mark.parametrize(("r", "reach"), [(1, 3.0), (2, 4.0), (5, 2.5)])
def test_products_are_listed_once_each(r, reach):
    logs, parity = -np.array([0.0, 0.4, 1.1, 1.2, 3.0]), np.array([0, 1, 0, 1, 1])
    found = listed_products(logs, parity, r, reach)
    known = [
        np.bincount(which, minlength=5) for which in itertools.combinations_with_replacement(range(5), r)
        if sum(parity[list(which)]) % 2 and -sum(logs[list(which)]) <= reach + 0.4
    ]  # fmt: skip
    assert sorted(map(tuple, found.counts)) == sorted(map(tuple, np.array(known, dtype=float)))
    for counts, many in zip(found.counts, found.many, strict=True):
        assert many == math.factorial(r) / math.prod(math.factorial(int(k)) for k in counts)


def test_a_missing_parity_would_be_noticed():
    mu = prolate_values(3.0, floor=1e-14)
    law = staircase(mu, 3)
    even = [math.prod(mu[list(w)]) for w in itertools.product(range(6), repeat=3) if sum(w) % 2 == 0]
    assert law.above(0.1 * max(even)) != np.sum(np.array(even) > 0.1 * max(even))


@pytest.mark.parametrize(("c", "r"), [(20.0, 3), (94.0, 4), (2.0, 16), (0.5, 64), (10.0, 16), (265.0, 1)])
def test_energy_is_whole_however_many_products_there_are(c, r):
    mu = prolate_values(c, floor=1e-18)
    law = staircase(mu, r)
    # E sin^2 = (1 - (Si(2 c) / 2 c)^r) / 2
    from scipy.special import sici

    assert law.energy == pytest.approx((1 - (sici(2 * c)[0] / (2 * c)) ** r) / 2, rel=1e-9)
    assert math.fsum(law.counts * law.values**2) == pytest.approx(law.energy, rel=1e-3)


def test_odd_power_sum_has_no_cancellation():
    mu = gaussian_values(1e-7, floor=1e-30)
    assert odd_power_sum(mu, 3, 4) == pytest.approx(3 * 1e-28, rel=1e-9)


@pytest.mark.parametrize("c", [0.3, 3.0, 60.0])
@pytest.mark.parametrize("r", [1, 2, 3, 8, 200])
@pytest.mark.parametrize("power", [2, 4])
def test_odd_power_sum_is_its_binomial_sum(c, r, power):
    mu = prolate_values(c, floor=1e-17)
    even, odd = (math.fsum(mu[parity::2] ** power) for parity in (0, 1))
    known = math.fsum(math.comb(r, k) * even ** (r - k) * odd**k for k in range(1, r + 1, 2))
    assert odd_power_sum(mu, r, power) == pytest.approx(known, rel=1e-12)


def surrogate(law, m, n, seed):
    """Singular values of Phi Lambda Psi^T / sqrt(m n) with Gaussian features, Lambda the staircase one by one."""
    values = np.repeat(law.values, np.round(law.counts).astype(int))[: 6 * max(m, n)]
    rng = np.random.default_rng(seed)
    Phi, Psi = rng.standard_normal((m, values.size)), rng.standard_normal((n, values.size))
    return np.linalg.svd((Phi * values) @ Psi.T, compute_uv=False) / math.sqrt(m * n)


MANY = 60  # coordinates in which no two rows are close: features are independent


@pytest.mark.parametrize(("c", "r", "m", "n"), [(6.0, 2, 200, 200), (4.0, 3, 150, 260), (8.0, 2, 80, 240)])
def test_equal_weights_are_what_independent_features_give(c, r, m, n):
    law = staircase(prolate_values(c, floor=1e-17), r)
    drawn = [surrogate(law, m, n, seed) for seed in range(24)]
    top = largest(law, m, n).value
    assert top == pytest.approx(np.mean([values[0] for values in drawn]), rel=0.025)
    follower = Follower(Independent.of(law, m, n, MANY))
    for relative in (0.5, 0.2, 0.05, 1e-2, 1e-3):
        threshold = relative * top
        measured = np.mean([np.sum(values > threshold) for values in drawn])
        assert follower.count(threshold**2).value == pytest.approx(measured, abs=0.01 * min(m, n) + 1)


def test_far_above_their_number_rows_change_nothing():
    law = staircase(prolate_values(3.0, floor=1e-17), 2)
    assert largest(law, 10**7, 10**7).value == pytest.approx(law.values[0], rel=2e-3)
    follower = Follower(Independent.of(law, 10**7, 10**7, MANY))
    for between in range(1, 20, 4):
        gap = math.sqrt(law.values[between] * law.values[between + 1])
        if law.values[between] > 3 * law.values[between + 1]:
            assert follower.count(gap**2).value == pytest.approx(law.above(gap), abs=0.05)


@pytest.mark.parametrize("order", [1, 2, 4, 8])
def test_the_largest_of_a_few_near_values_is_that_of_gaussian_symmetric_matrices(order):
    """How far below the edge it lies, in units of what Tracy and Widom say of large orders."""
    A = np.random.default_rng(0).standard_normal((20_000, order, order))
    largest = np.linalg.eigvalsh((A + np.swapaxes(A, -1, -2)) / math.sqrt(2))[:, -1]
    below = (2 * math.sqrt(order) - largest.mean()) * order ** (1 / 6) / 1.2065335745820
    assert _few(order) == pytest.approx(below, abs=0.05)
