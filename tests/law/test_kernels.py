"""One coordinate's singular values: against 60 digits, against a quadrature's SVD, and their sum of squares."""

import math

import mpmath
import numpy as np
import pytest

from rankkit.law.limit.kernels import LARGEST_C, gaussian_values, prolate_values


def exact(c, count):
    """mu_n in 60 digits: the singular values of exp(i c x y) / 2 in Legendre polynomials, from spherical Bessel functions."""
    values = []
    with mpmath.workdps(60):
        c = mpmath.mpf(c)
        nodes = count + 24
        for parity in (0, 1):
            # entries (2k+1)^(1/2) (2l+1)^(1/2) int int P_k P_l exp(i c x y) / 4 by the tridiagonal operator's eigenvectors
            size = nodes // 2 + int(c)
            T = mpmath.zeros(size)
            for i in range(size):
                k = mpmath.mpf(parity + 2 * i)
                T[i, i] = k * (k + 1) + (2 * k * (k + 1) - 1) / ((2 * k + 3) * (2 * k - 1)) * c**2
                if i + 1 < size:
                    beside = (k + 2) * (k + 1) / ((2 * k + 3) * mpmath.sqrt((2 * k + 1) * (2 * k + 5))) * c**2
                    T[i, i + 1] = T[i + 1, i] = beside
            _, V = mpmath.eigsy(T)
            # evaluated at x = 1, where every normalised Legendre polynomial is sqrt(k + 1/2): another formula than ours
            for j in range((count + 1) // 2):
                ks = [parity + 2 * i for i in range(size)]
                at_one = mpmath.fsum(mpmath.sqrt(k + mpmath.mpf(1) / 2) * V[i, j] for i, k in enumerate(ks))
                image = mpmath.fsum(
                    2 * (-1) ** (i % 2) * mpmath.sqrt(k + mpmath.mpf(1) / 2)
                    * mpmath.sqrt(mpmath.pi / (2 * c)) * mpmath.besselj(k + mpmath.mpf(1) / 2, c) * V[i, j]
                    for i, k in enumerate(ks)
                )  # fmt: skip
                values.append(abs(image / at_one) / 2)
    return sorted(values, reverse=True)[:count]


@pytest.mark.parametrize("c", [0.01, 1.0, 6.6])
def test_prolate_values_are_right_to_twelve_digits_however_small(c):
    mu = prolate_values(c, floor=1e-25)
    known = exact(c, mu.size)
    assert mu[-1] < 1e-20 * mu[0]
    assert max(abs(float(a / b) - 1) for a, b in zip(mu, known, strict=True)) < 1e-12


def by_svd(nodes, weights, c):
    root = np.sqrt(weights)
    return np.linalg.svd(np.outer(root, root) * np.exp(1j * c * np.outer(nodes, nodes)), compute_uv=False)


@pytest.mark.parametrize("c", [0.3, 5.0, 40.0])
def test_large_values_are_those_of_the_discretised_operator(c):
    nodes, weights = np.polynomial.legendre.leggauss(150)
    known = by_svd(nodes, weights / 2, c)
    mu = prolate_values(c, floor=1e-6)
    assert mu == pytest.approx(known[: mu.size], rel=1e-8)
    nodes, weights = np.polynomial.hermite_e.hermegauss(120)
    if c < 1:
        mu = gaussian_values(c, floor=1e-6)
        assert mu == pytest.approx(by_svd(nodes, weights / math.sqrt(2 * math.pi), c)[: mu.size], rel=1e-8)


@pytest.mark.parametrize("c", [1e-6, 1e-2, 1.0, 30.0, 300.0, LARGEST_C, 2 * LARGEST_C, 1e6])
def test_energy_is_one(c):
    assert math.fsum(prolate_values(c, floor=1e-17) ** 2) == pytest.approx(1, abs=1e-9)
    if c < 1e3:
        assert math.fsum(gaussian_values(c, floor=1e-17) ** 2) == pytest.approx(1, abs=1e-12)


def test_small_c_gives_one_and_then_a_third_of_c():
    mu = prolate_values(1e-8, floor=1e-30)
    assert mu[:2] == pytest.approx([1, 1e-8 / 3], rel=1e-12)
    assert gaussian_values(1e-8, floor=1e-30)[:2] == pytest.approx([1, 1e-8], rel=1e-12)


def test_the_asymptotic_form_continues_the_exact_one():
    exactly, beyond = prolate_values(LARGEST_C, floor=1e-13), prolate_values(LARGEST_C * (1 + 1e-9), floor=1e-13)
    assert beyond.size == pytest.approx(exactly.size, abs=1)
    both = min(beyond.size, exactly.size)
    assert beyond[:both] == pytest.approx(exactly[:both], rel=0.04)


def test_half_of_the_plateau_lies_at_landau_and_widoms_count():
    c = 200.0
    mu = prolate_values(c, floor=1e-10)
    assert np.sum(mu**2 > math.pi / (4 * c)) == pytest.approx(2 * c / math.pi, abs=1)
