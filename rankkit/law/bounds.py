"""rank_bounds: between which integers Rank_eps of one given update lies, without its singular values.

Above: sin cut off after an odd polynomial of degree 2 K - 1 in b . a has the rank of its monomials, and what is cut off
moves no singular value by more than eps. Below: few values cannot carry ||S||_F^2 when ||S S^T||_F^2 is small.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np

from rankkit.checks import finite, shown
from rankkit.factors import Factors, host
from rankkit.law.given.measured import one_pair
from rankkit.report.inline import html_summary, text_summary
from rankkit.rules import Linear, PolynomialBasis, Rule, Sine, Sinter

__all__ = ["RankBounds", "polynomial_cap", "rank_bounds", "sine_tail"]

OUT = 1 + 1e-9  # what every float is moved outward by; the sums here round less
ROUNDOFF = 2.0**-53
_SOURCES = {
    "chebyshev": "the sine cut off in Chebyshev polynomials",
    "legendre": "the sine cut off in Legendre polynomials",
    "polynomial": "the number of monomials",
    "rank of the factors": "the rank of the factors",
    "size": "the size of the update alone",
}


@dataclass(frozen=True, repr=False)
class RankBounds:
    """lower <= number of singular values above eps <= upper.

    Attributes
    ----------
    lower, upper : int
    upper_by : str
        What gave the upper bound: "chebyshev", "legendre", "polynomial", "rank of the factors" or "size".
    eps : float
        The threshold, in units of the update.
    """

    lower: int
    upper: int
    upper_by: str
    eps: float

    def _said(self) -> tuple[str, list[str]]:
        between = f"{self.lower} to {self.upper}" if self.lower < self.upper else f"exactly {self.lower}"
        title = f"RankBounds: {between} singular values exceed {self.eps:.5g}"
        lines = [f"the upper bound comes from {_SOURCES[self.upper_by]}", "see .lower and .upper; no SVD was made"]
        return title, lines

    def __repr__(self) -> str:
        return text_summary(*self._said())

    def _repr_html_(self) -> str:
        return html_summary(*self._said())


def rank_bounds(factors: Factors, rule: Rule, eps: float) -> RankBounds:
    """Return bounds on the number of singular values of rule(factors) above eps, no SVD.

    Floats are rounded outward: forming and summing errors are counted against the bounds.

    Parameters
    ----------
    factors : Factors
        One pair, no batch.
    rule : Rule
        Sine and Sinter have a non-trivial upper bound at every eps, Linear and PolynomialBasis an exact one; any other
        rule gets min(m, n).
    eps : float
        Absolute threshold, > 0, in units of the update.

    Returns
    -------
    RankBounds
        Integers between 0 and min(m, n), which hold for the exact update.

    Raises
    ------
    TypeError
        If factors is not one pair without batch axes, or rule is no rule.
    ValueError
        If eps is not a finite number above 0, or the update is not finite.

    Notes
    -----
    Upper: sin(T t) = 2 sum (-1)^q J_(2q+1)(T) T_(2q+1)(t) (Jacobi and Anger) and
    sin(T t) = sum (-1)^q (4q+3) j_(2q+1)(T) P_(2q+1)(t), |T_k|, |P_k| <= 1 on [-1, 1]: the terms below K have rank at
    most sum_(q<K) C(r + 2q, 2q + 1), those from K on norm at most sqrt(m n) times their coefficients' sum (Weyl).
    Lower: with k values above eps, ||S||_F^2 <= sqrt(k ||S S^T||_F^2) + (min(m, n) - k) eps^2 (Cauchy and Schwarz).

    Examples
    --------
    >>> from rankkit.initializers import KaimingUniform
    >>> found = rank_bounds(KaimingUniform()(64, 64, 2, seed=0), Sine(omega=3.0, gain=1.0), 1e-3)
    >>> found.lower <= 10 <= found.upper
    True
    """
    factors = one_pair(factors)
    if not isinstance(rule, Rule):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"rule must be a rankkit.rules rule, got {shown(rule)}; for instance Sine(omega=200).")
    eps = finite("eps", eps, least=0, strict=True, advice="it is an absolute threshold")
    upper, by = _upper(factors, rule, eps)
    return RankBounds(min(_lower(factors, rule, eps), upper), upper, by, eps)


def polynomial_cap(r: int, degrees: Any) -> int:
    """Return how many monomials in r variables have one of the total degrees: the most rank phi(B A) can have.

    Examples
    --------
    >>> polynomial_cap(2, range(4))  # C(2 + 3, 3)
    10
    """
    return sum(math.comb(r + degree - 1, degree) for degree in degrees)


def sine_tail(T: float, K: int, *, family: str) -> float:
    """Return a bound on the coefficients' sum over odd degrees p >= 2 K + 1.

    They are 2 |J_p(T)| (family "chebyshev") or (2p + 1) |j_p(T)| ("legendre"). Infinite where 2 K + 1 <= T, before
    the coefficients fall.
    """
    least = 2.0 * K + 1
    if (least if family == "chebyshev" else least + 0.5) <= T:
        return math.inf
    p = least + 2 * np.arange(max(64, int(0.75 * T) + 64))
    nu = p if family == "chebyshev" else p + 0.5
    x = T / nu
    root = np.sqrt((1 - x) * (1 + x))
    # |J_nu(nu x)| <= (x e^root / (1 + root))^nu (Siegel 1953) and (T/2)^nu / Gamma(nu + 1) (DLMF 10.14.4)
    from scipy.special import gammaln

    log_J = np.minimum(nu * (np.log(x) + root - np.log1p(root)), nu * math.log(T / 2) - gammaln(nu + 1))
    factor = 2.0 if family == "chebyshev" else (2 * p + 1) * math.sqrt(math.pi / (2 * T))
    terms = factor * np.exp(log_J + 1e-12 * np.abs(log_J))
    # from p >= 2.5 T on each term is below a tenth of the one before: the rest is less than the last
    return OUT * (math.fsum(terms) + float(terms[-1]))


def _upper(factors: Factors, rule: Rule, eps: float) -> tuple[int, str]:
    m, n, r = factors.m, factors.n, factors.r
    best = (min(m, n), "size")
    if isinstance(rule, Linear):
        return min(best, (r, "rank of the factors"))
    if isinstance(rule, PolynomialBasis):
        return min(best, (polynomial_cap(r, np.flatnonzero(rule.coefficients).tolist()), "polynomial"))
    if not isinstance(rule, (Sine, Sinter)):
        return best
    peak = OUT * (_peak(factors) + (r + 3) * ROUNDOFF * float(host(factors.peak())))
    T = float(rule.omega) * peak * OUT
    if T == 0:  # nothing but Sinter's linear part is left
        return min(best, (0 if isinstance(rule, Sine) else r, "polynomial"))
    spread = OUT * math.sqrt(m * n)
    if isinstance(rule, Sine):
        height = spread / (math.sqrt(m) if rule.gain is None else float(rule.gain))
        shift, rank = 0, 0
    else:  # scale (x + amplitude x sin): each odd term times x, beside the linear one
        height = spread * abs(rule.scale * rule.amplitude) * peak
        shift, rank = 1, r
    for K in count():
        if rank >= best[0]:
            break
        for family in ("chebyshev", "legendre"):
            if height * sine_tail(T, K, family=family) <= eps:
                return rank, family
        rank += math.comb(r + 2 * K + shift, 2 * K + 1 + shift)
    return best


def _lower(factors: Factors, rule: Rule, eps: float) -> int:
    made = rule(factors)
    formed = host(made.product() if isinstance(made, Factors) else made)
    m, n = factors.m, factors.n
    top = float(np.max(np.abs(formed)))
    if not math.isfinite(top):
        raise ValueError(f"rule must give finite numbers for these factors, got NaN or infinite ones of {rule.label}.")
    if eps >= top * math.sqrt(m * n):  # no value exceeds the Frobenius norm
        return 0
    S = formed / top  # squares neither overflow nor vanish
    eps = eps / top
    forming = float(host(rule.forming_error(factors))) / top * OUT
    if isinstance(made, Factors):
        forming += OUT * (factors.r + 3) * ROUNDOFF * float(host(made.norm_product())) / top
    forming += ROUNDOFF * math.sqrt(m * n)
    if forming >= math.sqrt(m * n):  # rounding alone may have made S
        return 0
    square = math.fsum(np.sum(S * S, axis=1))
    gram = S @ S.T if m <= n else S.T @ S
    fourth = math.sqrt(math.fsum(np.sum(gram * gram, axis=1))) + (max(m, n) + 4) * ROUNDOFF * square
    least = max(math.sqrt(square / (OUT + m * n * ROUNDOFF)) - forming, 0.0) ** 2
    # ||S S^T||_F^(1/2) is a norm (Schatten's, p = 4), at most the Frobenius one
    most = (math.sqrt(fourth * OUT) + forming) ** 4
    k = np.arange(min(m, n) + 1)
    possible = least <= OUT * (np.sqrt(k * most) + (min(m, n) - k) * eps**2)
    return int(np.argmax(possible)) if np.any(possible) else min(m, n)


def _peak(factors: Factors) -> float:
    """Return max |B A| as computed, a block of rows at a time."""
    wide = factors.to(dtype="float64")
    step = max(1, (1 << 22) // factors.n)
    B, A = host(wide.B), host(wide.A)
    return max(float(np.max(np.abs(B[i : i + step] @ A))) for i in range(0, factors.m, step))
