"""Exact expectations of the norms against the means of thousands of draws."""

import math

import numpy as np
import pytest

import rankkit as rk
from rankkit.law import schatten_norms
from rankkit.law.limit.entries import entries_of
from tests.law.conftest import KAIMING


@pytest.mark.parametrize("law", [KAIMING, rk.initializers.Normal(1.0, 0.2)])
@pytest.mark.parametrize("omega", [1e-3, 3.0, 30.0])
def test_moments_are_the_means_of_draws(law, omega):
    m, n, r = 12, 9, 3
    entries = entries_of(m, r, n, law)
    drawn = np.sin(omega * law(m, n, r, seed=range(3000)).product())
    energy = np.mean(drawn**2, axis=(1, 2))
    fourth = np.sum((drawn @ drawn.swapaxes(1, 2)) ** 2, axis=(1, 2)) / (m * n) ** 2
    for exact, draws in (
        (schatten_norms.mean_energy(entries, omega), energy),
        (schatten_norms.mean_fourth(entries, omega), fourth),
    ):
        error = np.std(draws) / math.sqrt(draws.size)
        assert abs(np.mean(draws) - exact) < 5 * error
        assert abs(np.mean(draws) - 1.5 * exact) > 5 * error


@pytest.mark.parametrize("gaussian", [True, False])
def test_moments_join_their_linear_limit(gaussian):
    law = rk.initializers.Normal(1, 1) if gaussian else rk.initializers.Uniform(1.0)
    entries = entries_of(20, 3, 30, law)
    omega = schatten_norms.LINEAR / entries.std
    below, above = (schatten_norms.mean_fourth(entries, omega * (1 + e)) / (1 + 4 * e) for e in (-1e-9, 1e-9))
    assert below == pytest.approx(above, rel=1e-6)
