"""The regimes' limits against matrices, and the words at their boundaries."""

import numpy as np
import pytest

import rankkit as rk
from rankkit.regime import NEAR, random_matrix_stable_rank, regime_of


@pytest.mark.parametrize(("m", "n"), [(400, 400), (200, 700)])
def test_a_random_matrix_has_the_limits_stable_rank(m, n):
    drawn = rk.spectrum_of(np.random.default_rng(0).choice([-1.0, 1.0], (m, n)))
    assert rk.metrics.stable_rank(drawn) == pytest.approx(random_matrix_stable_rank(m, n), rel=0.05)
    assert random_matrix_stable_rank(m, n) == random_matrix_stable_rank(n, m)


def test_each_word_begins_where_it_should():
    assert NEAR == 0.1  # as docstrings and columns say
    most, plain = random_matrix_stable_rank(300, 280), 4.0
    for stable, word in (
        (plain, "linear"), (plain * (1 + 0.99 * NEAR), "linear"), (plain * (1 - 0.99 * NEAR), "linear"),
        (plain * (1 + 1.01 * NEAR), "growing"), (plain * (1 - 1.01 * NEAR), "growing"), (most / 2, "growing"),
        (most * (1 - 1.01 * NEAR), "growing"), (most * (1 - 0.99 * NEAR), "saturated"), (2 * most, "saturated"),
    ):  # fmt: skip
        assert regime_of(stable, plain, (300, 280)) == word
    assert regime_of(most, plain, (300, 280), saturates=False) == "growing"
    assert regime_of(most, most, (300, 280)) == "linear"


def test_a_limit_is_within_its_regime():
    assert regime_of(11.0, 10.0, (512, 512)) == regime_of(9.0, 10.0, (512, 512)) == "linear"
    assert random_matrix_stable_rank(100, 900) == 100 * 900 / 1600
    limit = (1 - NEAR) * random_matrix_stable_rank(100, 900)
    assert regime_of(limit, 2.0, (100, 900)) == "saturated"
    assert regime_of(float(np.nextafter(limit, 0)), 2.0, (100, 900)) == "growing"
