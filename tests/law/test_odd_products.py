"""Sums over products of one value a column: against a list of all products, and columns that are alike against each other."""

import itertools

import numpy as np
import pytest

import rankkit as rk
from rankkit.law import EntryLaw
from rankkit.law.finite.odd_products import apart, odd_sums

NORMAL = EntryLaw.named("normal")


@pytest.mark.parametrize("angle", [1.0, 2.5, np.pi - 0.2])
@pytest.mark.parametrize("top", [-2.0, 6.0, 20.0, 32.0])
@pytest.mark.parametrize("other", [False, True])
def test_the_sums_are_those_over_a_list(angle, top, other):
    """Of three coordinates, two of which are alike; with phases as weights of rows give them."""
    rng = np.random.default_rng(0)
    even, odd = np.arange(0, 30, 2), np.arange(1, 30, 2)
    columns = [(-even * fall + 0.3j * rng.random(15), -odd * fall + 0.3j * rng.random(15)) for fall in (0.9, 1.4)]
    found = odd_sums(columns, [1, 2], top - 1j * angle, other=other)
    values = [(x, parity) for column in columns for parity, side in enumerate(column) for x in side]
    first, second = values[:30], values[30:]
    used, logs, shares = np.zeros(60, complex), 0j, 0j
    for one, (i, two), (j, three) in itertools.product(enumerate(first), enumerate(second), enumerate(second)):
        if (one[1][1] + two[1] + three[1]) % 2:
            x = one[1][0] + two[0] + three[0] + top - 1j * angle
            f = 1 / (1 + np.exp(-x))
            used[[one[0], 30 + i]] += f
            used[30 + j] += f
            logs, shares = logs + np.log1p(np.exp(x)), shares + f**2
    assert found.share == pytest.approx(np.sum(used[:30]), rel=1e-3, abs=0.05)
    assert found.logs == pytest.approx(logs, rel=1e-3, abs=0.05)
    assert found.shares == pytest.approx(shares, rel=1e-3, abs=0.05)
    assert np.concatenate(found.used) == pytest.approx(used, rel=1e-2, abs=0.05)


@pytest.mark.parametrize("other", [False, True])
def test_products_that_are_faint_but_many_do_not_come_back_as_large_ones(other):
    """Eight columns with 80 values each have 10^15 products: shifted by the period of the integral, they were counted."""
    fall, columns, scale = 0.1, 8, -11.0 - 1j * (np.pi - 0.2)
    side = np.ones(80)
    products = np.ones(1)
    for _ in range(columns):
        products = np.convolve(products, side)
    degree = np.arange(products.size)
    odd = degree % 2 == 1
    x = scale - fall * degree[odd]
    each = np.exp(x)
    logs = np.where(abs(each) < 1e-5, each - each**2 / 2, np.log1p(each))
    even = -fall * np.arange(0, 80, 2) + 0j
    found = odd_sums([(even, even - fall)] * columns, [1] * columns, scale, other=other)
    assert found.share == pytest.approx(np.sum(products[odd] / (1 + np.exp(-x))), rel=1e-6)
    assert found.logs == pytest.approx(np.sum(products[odd] * logs), rel=1e-6)


@pytest.mark.parametrize("beyond", [0.1, 0.5, 2.0])
def test_two_lines_differ_where_a_phase_is_beyond_the_negative_axis(beyond):
    """One value turned beyond -pi makes the integrals diverge; one just short of it does not."""

    def off(turned):
        columns = [(np.array([0.0, -2.0]) - 1j * turned, np.array([-1.0, -3.0]) + 0j) for _ in range(2)]
        scale = 6.0 - 1j * (np.pi - 0.2)
        first, second = (odd_sums(columns, [1, 1], scale, other=other) for other in (False, True))
        return apart(first, second, [1, 1])

    assert off(0.0) < 1e-3
    assert off(0.2 + beyond) > 0.5


def test_a_cut_list_says_how_far_it_may_be_off(monkeypatch):
    """Where the integrals do not converge, the list counts more than there are, and the stated error says so."""
    asked = {
        "d": 640,
        "r": 4,
        "rtol": 1e-3,
        "entries": NORMAL,
        "covariance": (np.diag([1.002, 1.001, 0.999, 0.998]), np.eye(4)),
    }
    integral = rk.predict_rank(2.5, **asked)
    monkeypatch.setattr("rankkit.law.finite.mixed.apart", lambda *_: np.nan)
    listed = rk.predict_rank(2.5, **asked)
    assert listed.value != integral.value
    assert listed.error > integral.error
    assert abs(listed.value - integral.value) < listed.error


def test_columns_that_differ_by_nothing_count_as_alike_ones():
    """A list of products once ended too early where no two columns are alike: it counted 640 here."""
    alike = rk.predict_rank(2.5, d=640, r=4, rtol=1e-3, entries=NORMAL)
    apart = np.diag([1.002, 1.001, 0.999, 0.998])
    covariance = (apart, np.eye(4))
    found = rk.predict_rank(2.5, d=640, r=4, rtol=1e-3, entries=NORMAL, covariance=covariance)
    assert found.value == pytest.approx(alike.value, abs=0.5)
    assert found.value < 620
