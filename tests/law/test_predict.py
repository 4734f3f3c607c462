"""Predictions against measured matrices, exact moments against draws, targets against fresh draws, bounds against SVDs."""

import math

import numpy as np
import pytest

import rankkit as rk
from rankkit.law import moments, predict
from rankkit.law.bounds import polynomial_cap, sine_tail
from rankkit.law.entries import entries_of
from rankkit.law.other_rules import TAYLOR, rank_cap, staircase_exponents

KAIMING, NORMAL = rk.initializers.KaimingUniform(), rk.initializers.Normal(0.3, 0.2)


def spectra(omega, m, n, r, law, seeds=6):
    return [
        np.linalg.svd(np.sin(omega * law(m, n, r, seed=s).product()), compute_uv=False) for s in range(100, 100 + seeds)
    ]


CASES = [
    (5.0, 300, 300, 2, KAIMING), (60.0, 300, 300, 2, KAIMING), (140.0, 300, 300, 2, KAIMING), (400.0, 300, 300, 2, KAIMING),
    (20.0, 200, 350, 3, KAIMING), (80.0, 200, 350, 3, KAIMING), (300.0, 400, 400, 1, KAIMING), (15.0, 250, 250, 6, KAIMING),
    (10.0, 200, 200, 3, NORMAL), (60.0, 200, 200, 3, NORMAL),
]  # fmt: skip


@pytest.mark.parametrize(("omega", "m", "n", "r", "law"), CASES)
def test_predictions_are_what_draws_measure(omega, m, n, r, law):
    drawn = spectra(omega, m, n, r, law)
    setting = {"d": m, "n": n, "r": r, "initializer": law}
    for rtol, share in ((0.1, 0.03), (1e-2, 0.06), (1e-3, 0.08)):
        measured = np.mean([np.sum(values > rtol * values[0]) for values in drawn])
        wide = 0.12 if law is NORMAL else share
        assert rk.predict_rank(omega, rtol=rtol, **setting).value == pytest.approx(measured, abs=wide * min(m, n) + 1)
    stable = np.mean([np.sum(values**2) / values[0] ** 2 for values in drawn])
    assert rk.predict_stable_rank(omega, **setting).value == pytest.approx(stable, rel=0.15 if law is NORMAL else 0.1)
    spread = np.mean([np.sum(values**2) ** 2 / np.sum(values**4) for values in drawn])
    assert predict.measure_at(entries_of(m, r, n, law), omega, "participation_ratio") == pytest.approx(spread, rel=0.05)
    values = rk.predict_spectrum(omega, gain=1.0, **setting)
    assert values.shape == (min(m, n),)
    assert np.all(np.diff(values) <= 0)
    assert np.sum(values**2) == pytest.approx(np.mean([np.sum(v**2) for v in drawn]), rel=0.12)


def test_a_wrong_frequency_is_told_from_the_right_one():
    drawn = spectra(60.0, 300, 300, 2, KAIMING)
    measured = np.mean([np.sum(values > 0.1 * values[0]) for values in drawn])
    assert abs(rk.predict_rank(90.0, d=300, r=2, rtol=0.1).value - measured) > 0.03 * 300 + 1


@pytest.mark.parametrize(("rtol", "count"), [(1e-1, 18), (1e-2, 30), (1e-3, 38), (1e-4, 48), (1e-6, 70)])
def test_the_staircase_at_c_6_6(rtol, count):
    """d so large that sampling is invisible."""
    d = 10**6
    omega = 6.6 / math.prod(KAIMING.scales(d, d, 2))
    assert rk.predict_rank(omega, d=d, r=2, rtol=rtol).value == pytest.approx(count, abs=0.6)


def test_without_bound_the_entries_are_independent():
    for m, n in ((512, 512), (300, 900)):
        limit = m * n / (math.sqrt(m) + math.sqrt(n)) ** 2
        assert rk.predict_stable_rank(1e9, d=m, n=n, r=6).value == pytest.approx(limit, rel=0.02)
        assert rk.predict_stable_rank(1e9, d=m, n=n, r=6).regime == "plateau"


def test_without_frequency_only_the_product_is_left():
    assert rk.predict_rank(1e-4, d=400, r=3, rtol=1e-3).value == pytest.approx(3, abs=0.01)
    drawn = spectra(1e-4, 400, 400, 3, KAIMING, seeds=20)
    measured = np.mean([np.sum(values**2) / values[0] ** 2 for values in drawn])
    assert rk.predict_stable_rank(1e-4, d=400, r=3).value == pytest.approx(measured, rel=0.03)


@pytest.mark.parametrize("law", [KAIMING, rk.initializers.Normal(1.0, 0.2)])
@pytest.mark.parametrize("omega", [1e-3, 3.0, 30.0])
def test_moments_are_the_means_of_draws(law, omega):
    m, n, r = 12, 9, 3
    entries = entries_of(m, r, n, law)
    drawn = np.sin(omega * law(m, n, r, seed=range(3000)).product())
    energy = np.mean(drawn**2, axis=(1, 2))
    fourth = np.sum((drawn @ drawn.swapaxes(1, 2)) ** 2, axis=(1, 2)) / (m * n) ** 2
    for exact, draws in ((moments.mean_energy(entries, omega), energy), (moments.mean_fourth(entries, omega), fourth)):
        error = np.std(draws) / math.sqrt(draws.size)
        assert abs(np.mean(draws) - exact) < 5 * error
        assert abs(np.mean(draws) - 1.5 * exact) > 5 * error


@pytest.mark.parametrize("gaussian", [True, False])
def test_moments_join_their_linear_limit(gaussian):
    law = rk.initializers.Normal(1, 1) if gaussian else rk.initializers.Uniform(1.0)
    entries = entries_of(20, 3, 30, law)
    omega = moments.LINEAR / entries.std
    below, above = (moments.mean_fourth(entries, omega * (1 + e)) / (1 + 4 * e) for e in (-1e-9, 1e-9))
    assert below == pytest.approx(above, rel=1e-6)


@pytest.mark.parametrize("measure", ["stable_rank", "numerical_rank", "participation_ratio"])
@pytest.mark.parametrize(("target", "d", "n", "r"), [(30, 300, 300, 2), (20, 200, 400, 4)])
def test_a_target_is_hit_on_fresh_draws(measure, target, d, n, r):
    omega = rk.frequency_for_rank(
        target, d=d, n=n, r=r, measure=measure, rtol=1e-2 if measure == "numerical_rank" else None
    )
    drawn = spectra(float(omega), d, n, r, KAIMING)
    metric = {
        "stable_rank": lambda v: np.sum(v**2) / v[0] ** 2, "numerical_rank": lambda v: np.sum(v > 1e-2 * v[0]),
        "participation_ratio": lambda v: np.sum(v**2) ** 2 / np.sum(v**4),
    }[measure]  # fmt: skip
    assert np.mean([metric(values) for values in drawn]) == pytest.approx(target, rel=0.1)


@pytest.mark.parametrize("measure", ["stable_rank", "numerical_rank", "participation_ratio"])
def test_given_factors_are_measured_as_they_are(measure):
    rng = np.random.default_rng(3)
    factors = rk.Factors(rng.laplace(size=(150, 3)), rng.laplace(size=(3, 200)))
    omega = rk.frequency_for_rank(40, factors=factors, measure=measure)
    spectrum = rk.spectrum_of(rk.rules.Sine(float(omega))(factors))
    assert getattr(rk.metrics, measure)(spectrum) == pytest.approx(40, abs=1 if measure == "numerical_rank" else 0.5)


def test_a_target_out_of_reach_names_the_interval():
    with pytest.raises(ValueError, match=r"target must lie in \[1\.\d+, 1\d\d(\.\d+)?\].*got 4000"):
        rk.frequency_for_rank(4000, d=512, r=2)
    with pytest.raises(ValueError, match="target must lie in"):
        rk.frequency_for_rank(0.5, d=128, r=2)


@pytest.mark.parametrize(("call", "says"), [
    (lambda: rk.predict_rank(0.0, d=8, r=1), "omega must be a finite number > 0"),
    (lambda: rk.predict_rank(1.0, d=8.5, r=1), "d must be an integer"),
    (lambda: rk.predict_rank(1.0, d=8, r=1, rtol=1e-3, atol=1.0), "rtol or atol, not both"),
    (lambda: rk.predict_rank(1.0, d=8, r=1, rtol=1e-17), "at least 1e-14"),
    (lambda: rk.predict_rank(1.0, d=8, r=1, atol=-1.0), "atol must be"),
    (lambda: rk.predict_curve([], d=8, r=1), "at least one frequency"),
    (lambda: rk.predict_curve([1.0], d=8, r=1, measures=["rank"]), "measures must be"),
    (lambda: rk.frequency_for_rank(3, d=8, r=1, measure="rank"), "measure must be one of"),
    (lambda: rk.frequency_for_rank(3), "d and r must be given"),
    (lambda: rk.frequency_for_rank(3, d=8, factors=KAIMING(8, 8, 1)), "not both"),
    (lambda: rk.rank_bounds(KAIMING(8, 8, 1), rk.rules.Sine(1.0), 0.0), "eps must be"),
])  # fmt: skip
def test_bad_input_is_refused_in_one_sentence(call, says):
    with pytest.raises(ValueError, match=says):
        call()


def test_an_unknown_law_of_entries_names_the_known_ones():
    with pytest.raises(TypeError, match=r"KaimingUniform, XavierUniform, Uniform, Normal.*factors="):
        rk.predict_rank(1.0, d=8, r=2, initializer=rk.initializers.PrescribedSpectrum((1.0, 0.5)))


def test_an_absolute_threshold_is_the_relative_one_times_sigma_1():
    top = rk.predict_spectrum(60.0, d=300, r=2)[0]
    one, other = rk.predict_rank(60.0, d=300, r=2, atol=0.01 * top), rk.predict_rank(60.0, d=300, r=2, rtol=0.01)
    assert one.value == pytest.approx(other.value, rel=1e-6)
    assert one.regime == other.regime


def test_a_curve_is_its_points():
    curve = rk.predict_curve([2.0, 50.0], d=100, r=2, n=150, measures=["stable_rank", "effective_rank"])
    assert list(curve.table["stable_rank"]) == [rk.predict_stable_rank(w, d=100, n=150, r=2).value for w in (2.0, 50.0)]
    assert curve.table["omega_std"].tolist() == pytest.approx(
        [w * math.prod(KAIMING.scales(100, 150, 2)) * math.sqrt(2) / 3 for w in (2.0, 50.0)]
    )


def near_thresholds(count):
    rng = np.random.default_rng(11)
    for seed in range(count):
        m, n, r = (int(size) for size in (rng.integers(2, 40), rng.integers(2, 40), rng.integers(1, 4)))
        factors = rk.initializers.Normal()(m, n, r, seed=seed) if seed % 2 else KAIMING(m, n, r, seed=seed)
        omega = 10 ** rng.uniform(-3, 2.5)
        rule = [rk.rules.Sine(omega), rk.rules.Sinter(0.5, omega), rk.rules.Sine(omega, gain=2.0),
                rk.rules.Activation("tanh", omega), rk.rules.PolynomialBasis([1.0, -0.3], [omega, 0.2])][seed % 5]  # fmt: skip
        update = rule(factors)
        values = np.linalg.svd(update, compute_uv=False)
        eps = values[rng.integers(values.size)] * (1 + rng.choice([-1e-12, 1e-12, -0.2, 0.2]))
        if eps > 0:
            yield factors, rule, update, float(eps)


def test_bounds_are_never_violated():
    narrow, tried = 0, 0
    for factors, rule, update, eps in near_thresholds(300):
        found = rk.rank_bounds(factors, rule, eps)
        count = rk.count_above(update, atol=eps, forming_error=rule.forming_error(factors))
        assert 0 <= found.lower <= count.upper
        assert count.lower <= found.upper <= min(factors.m, factors.n)
        narrow += found.upper < min(factors.m, factors.n)
        tried += 1
    assert tried > 250
    assert narrow > 60


def test_bounds_that_are_one_too_tight_would_be_caught():
    caught = [0, 0]
    for factors, rule, update, eps in near_thresholds(300):
        found = rk.rank_bounds(factors, rule, eps)
        count = rk.count_above(update, atol=eps, forming_error=rule.forming_error(factors))
        caught[0] += found.lower + 1 > count.upper
        caught[1] += count.lower > found.upper - 1
    assert min(caught) > 5


def test_a_product_has_its_factors_rank():
    factors = KAIMING(30, 40, 3)
    assert rk.rank_bounds(factors, rk.rules.Linear(), 1e-9).upper == 3
    assert rk.rank_bounds(factors, rk.rules.Sine(1e-3), 1e-6).upper == 3
    assert rk.rank_bounds(rk.Factors(np.zeros((3, 1)), np.ones((1, 4))), rk.rules.Sine(1.0), 1e-9).upper == 0


@pytest.mark.parametrize("family", ["chebyshev", "legendre"])
@pytest.mark.parametrize("T", [1e-3, 0.7, 5.0, 40.0])
def test_tails_bound_what_is_cut_off(T, family):
    t = np.linspace(-1, 1, 401)
    import mpmath

    for K in (0, 1, 2, 5, 25):
        bound = sine_tail(T, K, family=family)
        with mpmath.workdps(40):
            if family == "chebyshev":
                known = mpmath.fsum(2 * abs(mpmath.besselj(2 * q + 1, T)) for q in range(K, K + 40))
            else:
                known = mpmath.fsum((4 * q + 3) * mpmath.sqrt(mpmath.pi / (2 * T)) * abs(mpmath.besselj(2 * q + 1.5, T))
                                    for q in range(K, K + 40))  # fmt: skip
        if math.isfinite(bound) and float(known) > 1e-250:
            assert float(known) <= bound
            assert bound <= 40 * float(known)
        elif K == 0:
            assert T >= 1
    assert np.max(np.abs(np.sin(T * t))) <= sine_tail(T, 0, family=family)


def test_monomials_are_counted():
    assert polynomial_cap(3, [1, 3]) == 3 + 10
    factors = rk.initializers.Normal()(60, 60, 2, seed=1)
    phi = rk.rules.PolynomialBasis([1.0], [0.7])
    assert np.linalg.matrix_rank(phi(factors)) == rank_cap(phi.coefficients, 2) == 10


@pytest.mark.parametrize("name", sorted(TAYLOR))
@pytest.mark.parametrize("r", [1, 2])
def test_exponents_are_those_of_singular_values_in_high_precision(name, r):
    """The ratio of each singular value at two small scales is their ratio to the power stated, in 80 digits."""
    import mpmath

    phi = {
        "linear": lambda x: x, "sine": mpmath.sin, "cosine": mpmath.cos, "sinc": mpmath.sinc,
        "gaussian": lambda x: mpmath.exp(-(x**2)), "sinter": lambda x: x + x * mpmath.sin(x),
    }[name]  # fmt: skip
    rng = np.random.default_rng(r)
    count = 6
    exponents = staircase_exponents(name, r, count=count)
    B, A = rng.uniform(-1, 1, (8, r)), rng.uniform(-1, 1, (r, 8))
    with mpmath.workdps(120):
        scales, logs = (mpmath.mpf(10) ** -4, mpmath.mpf(10) ** -6), []
        for scale in scales:
            S = mpmath.matrix(8, 8)
            for i in range(8):
                for j in range(8):
                    S[i, j] = phi(
                        scale * mpmath.fsum(mpmath.mpf(b) * mpmath.mpf(a) for b, a in zip(B[i], A[:, j], strict=True))
                    )
            values = mpmath.svd_r(S, compute_uv=False)
            logs.append(
                [
                    float(mpmath.log10(values[k])) if values[k] > mpmath.mpf(10) ** -110 else -math.inf
                    for k in range(count)
                ]
            )
    for first, second, exponent in zip(*logs, exponents, strict=True):
        if math.isinf(exponent):
            assert first == second == -math.inf
        else:
            assert (first - second) / 2 == pytest.approx(exponent, abs=0.02)


@pytest.mark.parametrize(("d", "r", "omega"), [(768, 250, 1e6), (512, 60, 1e6), (4096, 32, 1e5), (64, 1000, 1e3)])
def test_far_on_the_plateau_it_is_a_random_matrix(d, r, omega):
    assert float(rk.predict_stable_rank(omega, d=d, r=r)) == pytest.approx(
        d / 4, rel=0.08
    )  # small d: sigma_1 lies below the edge
    assert float(rk.predict_rank(omega, d=d, r=r, rtol=1e-8)) == pytest.approx(d, abs=0.5)
