"""How far nearly equal values split: exact cases, two ways to the same leverage, and sigma_1 of draws."""

from __future__ import annotations

import numpy as np
import pytest

import rankkit as rk
from rankkit.law.equations import leverage_of
from rankkit.law.finite.edge import largest
from rankkit.law.finite.sine_parts import sine_radial
from rankkit.law.finite.splitting import gaussian_leverage, product_leverage, radial_leverage
from rankkit.law.limit.coordinate import gaussian_nodes, one_coordinate_problem, uniform_nodes
from rankkit.law.limit.entries import entries_of, law_of
from rankkit.law.limit.staircase import Staircase
from rankkit.law.measures import Frequency


@pytest.mark.parametrize("r", [1, 2, 5, 16])
def test_linear_features_split_as_the_fourth_moments_of_their_entries_say(r):
    c = 1e-5  # sin x = x: the features are the entries, with E x^4 / (E x^2)^2 = 9 / 5 or 3
    uniform = product_leverage(one_coordinate_problem(*uniform_nodes(c), c, floor=1e-15), r, 1.2 * 3.0**-2 * c**2)
    gaussian = gaussian_leverage(c, r, 1.2 * c**2)
    assert uniform is not None
    assert gaussian is not None
    assert uniform.splitting == pytest.approx(((r + 0.8) / (r + 2)) ** 0.5, rel=1e-3)
    assert gaussian.splitting == pytest.approx(1.0, rel=1e-3)


@pytest.mark.parametrize(
    ("c", "r", "above"), [(0.3, 1, 1.3), (1.5, 1, 1.1), (0.7, 2, 1.2), (2.0, 2, 1.15), (0.5, 3, 1.3)]
)
def test_mehlers_formula_products_and_radial_parts_give_the_same_leverage(c, r, above):
    q = 2 * c / (1 + (1 + 4 * c * c) ** 0.5)
    t = above * (1 - q * q) ** r * q * q  # lambda_1 = mu_0^(r - 1) mu_1
    closed = gaussian_leverage(c, r, t)
    product = product_leverage(one_coordinate_problem(*gaussian_nodes(80), c, floor=1e-15), r, t)
    radial = sine_radial(c, r, m=4000, n=4000, least=1e-8 * t)
    parts = radial_leverage(((part.multiplicity, part.U, part.x) for part in radial.parts), radial.p, t)
    assert closed is not None
    assert product is not None
    for other in (product, parts):
        assert other.total == pytest.approx(closed.total, rel=2e-3)
        assert other.squares == pytest.approx(closed.squares, rel=2e-3)
        assert other.variance == pytest.approx(closed.variance, rel=1e-2)


def test_nothing_is_known_below_the_largest_value_and_of_independent_features():
    entries = entries_of(64, 2, 64, rk.initializers.Normal(1.0, 1.0))
    assert gaussian_leverage(0.5, 2, 1e-9) is None
    assert leverage_of(entries, 1e6, 1.0) is None


@pytest.mark.parametrize(("gaussian", "r", "c"), [(False, 1, 20.0), (False, 8, 0.05), (True, 3, 0.7)])
def test_sigma_1_of_draws_is_met_where_independent_features_would_miss_it(gaussian, r, c):
    size = 160
    law = rk.initializers.Normal(1.0, 1.0) if gaussian else rk.initializers.Uniform(1.0)
    entries = entries_of(size, r, size, law)
    omega = c / entries.unit
    rule = rk.rules.Sine(omega, gain=1.0)
    drawn = [np.linalg.norm(rule(law(size, size, r, seed=seed)), 2) / size for seed in range(200)]
    mean, noise = np.mean(drawn), np.std(drawn) / 200**0.5
    law_here = law_of(entries, omega)
    found = largest(law_here, size, size, lambda t: leverage_of(entries, omega, t), r=r).value
    assert abs(found / mean - 1) < 0.01 + 2 * noise / mean
    assert largest(law_here, size, size).value > max(mean + noise, found)


@pytest.mark.parametrize(("gaussian", "c"), [(False, 41.0), (True, 20.0)])
def test_rows_that_lie_close_together_lift_sigma_1(gaussian, c):
    size, r = 512, 2
    law = rk.initializers.Normal(1.0, 1.0) if gaussian else rk.initializers.Uniform(1.0)
    entries = entries_of(size, r, size, law)
    rule = rk.rules.Sine(c / entries.unit, gain=1.0)
    drawn = [np.linalg.norm(rule(law(size, size, r, seed=seed)), 2) / size for seed in range(12)]
    mean, noise = np.mean(drawn), np.std(drawn) / 12**0.5

    def found(crossing):
        return largest(law_of(entries, c), size, size, lambda t: leverage_of(entries, c, t), r=crossing).value

    assert abs(found(r) / mean - 1) < 0.01 + 2 * noise / mean
    assert found(None) < 0.98 * (mean - noise)


def test_a_lone_function_has_its_own_mean_and_crosses_nothing():
    # E |b|^2 |a|^2 of one Gaussian feature of 100 rows and of 100 columns
    alone = Staircase(np.ones(1), np.ones(1), 1, 1.0, 0.0)
    assert largest(alone, 100, 100).value ** 2 == pytest.approx(1.0, abs=3e-3)
    assert largest(alone, 100, 100, r=1).value == largest(alone, 100, 100).value


def test_a_stable_rank_is_the_mean_of_the_ratio():
    factors = [rk.initializers.Uniform(1.0)(60, 60, 4, seed=seed) for seed in range(600)]
    values = [np.linalg.svd(one.B @ one.A, compute_uv=False) for one in factors]
    ratios = [np.sum(one**2) / one[0] ** 2 for one in values]
    noise = np.std(ratios) / 600**0.5
    predicted = rk.predict_stable_rank(1e-3, d=60, r=4, initializer=rk.initializers.Uniform(1.0)).value
    assert abs(predicted - np.mean(ratios)) < 2 * noise


@pytest.mark.parametrize(
    ("gaussian", "r", "c"), [(False, 1, 20.0), (False, 4, 0.5), (False, 4, 3.0), (True, 2, 0.3), (True, 3, 1.5)]
)
def test_the_scatter_of_sigma_1_and_of_the_stable_rank_between_draws_is_met(gaussian, r, c):
    m, n = 160, 120
    law = rk.initializers.Normal(1.0, 1.0) if gaussian else rk.initializers.Uniform(1.0)
    rule = rk.rules.Sine(c, gain=1.0)
    S = np.stack([rule(law(m, n, r, seed=seed))[:, :] for seed in range(400)])
    tops = np.linalg.eigvalsh(S.mT @ S)[:, -1]
    energies = np.sum(S * S, axis=(1, 2))
    found = Frequency(entries_of(m, r, n, law), c).largest
    # the standard deviation of 400 draws is itself known to 4 %
    for variance, drawn in ((found.alone + found.shared, tops), (found.energy, energies)):
        assert variance**0.5 == pytest.approx(np.std(drawn) / np.mean(drawn), rel=0.15, abs=2e-3)
    assert found.scatter == pytest.approx(np.std(energies / tops) / np.mean(energies / tops), rel=0.15)


def test_the_ratio_of_one_value_to_itself_does_not_scatter():
    assert Frequency(entries_of(100, 1, 100, rk.initializers.Normal(1.0, 1.0)), 1e-4).largest.scatter < 1e-4
