"""leading_spectrum: the dense SVD's values within its own errors, for r = 1, 2, 3; the law's limit as d grows."""

import numpy as np
import pytest

import rankkit as rk
from rankkit.law.entries import entries_of, law_of

pytest.importorskip("finufft")
KAIMING = rk.initializers.KaimingUniform()


# a transform in r dimensions costs like omega^r: the largest frequency is smaller where r = 3
@pytest.mark.parametrize(("r", "omega"), [(r, w) for r in (1, 2, 3) for w in (1.0, 30.0, 100.0 if r == 3 else 300.0)])
@pytest.mark.parametrize(("m", "n"), [(300, 200), (150, 400)])
def test_values_lie_within_their_errors_of_the_dense_ones(m, n, r, omega):
    factors = KAIMING(m, n, r, seed=3)
    got = rk.leading_spectrum(factors, omega, top=6)
    S = rk.rules.Sine(omega)(factors)
    sigma = np.linalg.svd(S, compute_uv=False)
    assert np.all(np.abs(got.values - sigma[:6]) <= got.errors + 1e-15 * sigma[0])
    assert np.all(got.errors < 1e-8 * sigma[0])
    assert got.frobenius_norm == pytest.approx(np.linalg.norm(S), rel=1e-10)
    assert got.stable_rank == pytest.approx(np.sum(sigma**2) / sigma[0] ** 2, rel=1e-9)


def test_it_approaches_the_staircase_like_one_over_the_root_of_d():
    def off(d):
        entries = entries_of(d, 2, None, None)
        law = law_of(entries, 7.0 / entries.unit)  # c = 7
        limits = np.repeat(law.values, law.counts.astype(int))[:8]
        draws = [
            rk.leading_spectrum(KAIMING(d, d, 2, seed=s), 7.0 / entries.unit, top=8, gain=float(d)).values
            for s in (0, 1, 2)
        ]
        return np.sqrt(np.mean((np.mean(draws, axis=0) / limits - 1) ** 2))

    small, large = off(500), off(8000)
    assert 0.12 < large / small < 0.5  # 1/4 of it, but for chance
    assert large < 0.03


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: rk.leading_spectrum(KAIMING(20, 20, 4), 1.0), "needs r <= 3, got r = 4"),
        (lambda: rk.leading_spectrum(KAIMING(20, 20, 1), 0.0), "omega must be"),
        (lambda: rk.leading_spectrum(KAIMING(20, 20, 1), 1.0, top=20), "top must be"),
        (lambda: rk.leading_spectrum(KAIMING(20, 20, 1, seed=[0, 1]), 1.0), "one pair"),
    ],
)
def test_bad_input_is_one_sentence(call, said):
    with pytest.raises(ValueError, match=said):
        call()
