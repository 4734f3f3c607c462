"""leading_spectrum: the dense SVD's values within its own errors, for r = 1, 2, 3; the law's limit as d grows."""

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import rankkit as rk
from rankkit.law.limit.entries import entries_of, law_of

pytest.importorskip("finufft")
KAIMING = rk.initializers.KaimingUniform()


@pytest.fixture(autouse=True)
def _one_thread():
    """Threads that wait for each other on a busy machine take longer than the work."""
    with threadpool_limits(1):
        yield


# three coordinates at a high frequency take a grid of billions of points
@pytest.mark.parametrize(
    ("r", "omega"), [(1, 1.0), (1, 30.0), (1, 300.0), (2, 1.0), (2, 30.0), (2, 300.0), (3, 1.0), (3, 30.0)]
)
@pytest.mark.parametrize(("m", "n"), [(200, 150), (100, 250)])
def test_values_lie_within_their_errors_of_the_dense_ones(m, n, r, omega):
    factors = KAIMING(m, n, r, seed=3)
    got = rk.leading_spectrum(factors, omega, top=6)
    S = rk.rules.Sine(omega)(factors)
    sigma = np.linalg.svd(S, compute_uv=False)
    assert np.all(np.abs(got.values - sigma[:6]) <= got.errors + 1e-15 * sigma[0])
    assert np.all(got.errors < 1e-8 * sigma[0])
    assert got.frobenius_norm == pytest.approx(np.linalg.norm(S), rel=1e-10)
    assert got.stable_rank == pytest.approx(np.sum(sigma**2) / sigma[0] ** 2, rel=1e-9)


@pytest.mark.parametrize("omega", [1e-5, 1e-4, 1e-2])
def test_a_stable_rank_lost_in_the_transform_says_so(omega):
    factors = KAIMING(300, 200, 2, seed=1)
    found = rk.leading_spectrum(factors, omega, top=2)
    sigma = np.linalg.svd(np.sin(omega * factors.product()), compute_uv=False)
    assert abs(found.stable_rank - np.sum(sigma**2) / sigma[0] ** 2) <= found.stable_rank_error
    assert (found.stable_rank_error > 0.01 * found.stable_rank) == (omega < 1e-3)


def test_a_large_spectrum_shows_itself():
    found = rk.leading_spectrum(KAIMING(60, 50, 1, seed=1), 30.0, top=10)
    assert repr(found).startswith("LargeSpectrum: the 10 largest singular values")
    assert len(repr(found).splitlines()) <= 15
    assert found._repr_html_().count("<tr>") == 9


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
    ("call", "error", "said"),
    [
        (lambda: rk.leading_spectrum(KAIMING(20, 20, 4), 1.0), ValueError, "needs r <= 3, got r = 4"),
        (lambda: rk.leading_spectrum(KAIMING(20, 20, 1), 0.0), ValueError, "omega must be"),
        (lambda: rk.leading_spectrum(KAIMING(20, 20, 1), 1.0, top=20), ValueError, "top must be below"),
        (lambda: rk.leading_spectrum(KAIMING(20, 20, 1), 1.0, top=1.5), ValueError, "top must be an integer >= 1"),  # pyright: ignore[reportArgumentType]
        (lambda: rk.leading_spectrum(KAIMING(20, 20, 1), 1.0, top=3, gain=0.0), ValueError, "gain must be"),
        (lambda: rk.leading_spectrum(KAIMING(20, 20, 1, seed=[0, 1]), 1.0), TypeError, "one pair"),
    ],
)
def test_bad_input_is_one_sentence(call, error, said):
    with pytest.raises(error, match=said):
        call()
