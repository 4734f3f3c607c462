"""Measures of phi(B A) for given factors, where no law of entries is known: by the spine, with their errors."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import NamedTuple

import numpy as np

from rankkit.checks import shown, tolerance
from rankkit.factors import Array, Factors, host
from rankkit.law.any_phi import elementwise
from rankkit.metrics import default_rtol, stable_rank
from rankkit.regime import regime_of
from rankkit.rules import Rule, Sine
from rankkit.rules.rule import Pointwise
from rankkit.solvers import count_above
from rankkit.spectrum import Spectrum, spectrum_of
from rankkit.uncertainty import ERRORS

__all__ = ["Given", "Measured", "one_pair"]

ROWS = 1024  # rows that stand for all of them in a participation ratio
TOL = 1e-6  # of sigma_1, for a stable rank: far closer than a frequency has to be known


class Measured(NamedTuple):
    """A measure and how far it may be off.

    Attributes
    ----------
    value, error : float
    """

    value: float
    error: float


def one_pair(factors: object, *, largest: float = sys.float_info.max) -> Factors:
    """Return factors if they are one pair whose product is no larger anywhere."""
    if not isinstance(factors, Factors):
        raise TypeError(f"factors must be one pair of Factors, got {shown(factors)}; make it, rankkit.Factors(B, A).")
    if factors.batch_shape:
        raise TypeError(
            "factors must be one pair of Factors without batch axes, got a batch of shape "
            f"{tuple(factors.batch_shape)}; take one pair of it, Factors(B[i], A[i])."
        )
    with np.errstate(over="ignore"):
        peak = float(host(factors.peak()))
    if not peak <= largest:
        raise ValueError(
            f"factors must have a product whose entries are below {largest:.3g}, got {peak:.3g}; scale them down."
        )
    return factors


@dataclass(frozen=True, eq=False)
class Given:
    """One pair of factors, and what their singular values have to exceed.

    Attributes
    ----------
    factors : Factors
        Numpy arrays.
    rtol, atol : float
        One is zero.
    made : callable
        omega -> Rule, an elementwise one.
    """

    factors: Factors
    rtol: float
    atol: float
    made: Callable[[float], Pointwise]

    @classmethod
    def of(
        cls, factors: Factors, *, rtol: float | None, atol: float | None, gain: float | None,
        rule: Callable[[float], Rule] | None = None,
    ) -> Given:  # fmt: skip
        """Return the checked arguments; `rule` makes another rule than sin(omega B A) / gain from a frequency."""
        factors = one_pair(factors)
        if rule is None:
            made = partial(Sine, gain=gain)
            made(1.0)  # its own check
        else:
            made = partial(elementwise, rule)
        relative, absolute = tolerance(rtol, atol, default=default_rtol((factors.m, factors.n)))
        return cls(Factors(host(factors.B), host(factors.A)), relative, absolute, made)

    def measure(self, name: str, omega: float) -> Measured:
        """Return one measure of the update at one frequency.

        numerical_rank counts without singular values where it can; its value is the least that is sure. stable_rank
        takes the largest singular value, to TOL. participation_ratio takes sums over pairs of rows.
        """
        rule = self.made(omega)
        if name == "participation_ratio":
            return _participation(self._wide, rule)
        if name == "stable_rank":
            spectrum = self._leading(rule)
            return Measured(float(stable_rank(spectrum)), float(ERRORS[name](spectrum)))
        count = count_above(
            rule(self.factors), rtol=None if self.atol else self.rtol, atol=self.atol or None,
            forming_error=rule.forming_error(self.factors),
        )  # fmt: skip
        return Measured(float(count.lower), float(count.upper - count.lower))

    def regime(self, omega: float) -> str:
        """Return where on the frequency curve the update is; a rule that does not oscillate has no plateau."""
        plain, shape = float(stable_rank(spectrum_of(self.factors))), (self.factors.m, self.factors.n)
        return regime_of(self.measure("stable_rank", omega).value, plain, shape, saturates=self.made(omega).oscillates)

    @cached_property
    def _wide(self) -> Factors:
        """The factors, or those of the transpose: no more rows than columns."""
        return self.factors if self.factors.m <= self.factors.n else self.factors.T

    def _leading(self, rule: Pointwise) -> Spectrum:
        return spectrum_of(rule(self.factors), top=1, forming_error=rule.forming_error(self.factors), tol=TOL)


def _participation(factors: Factors, rule: Pointwise) -> Measured:
    """Return ||S||_F^4 / ||S S^T||_F^2 of an update with no more rows than columns.

    Where there are more than ROWS rows, its sums are taken over so many evenly spaced ones, and the error is estimated
    from two halves of them. Otherwise both norms (Schatten's, p = 2 and 4) are known to the error of forming S.
    """
    m = factors.m
    rows = np.unique(np.linspace(0, m - 1, min(m, ROWS)).round().astype(int))
    some = Factors(factors.B[rows], factors.A)
    S = rule(some)
    gram = S @ S.T
    value = _ratio(gram, m)
    if rows.size < m:
        return Measured(value, abs(_ratio(gram[::2, ::2], m) - _ratio(gram[1::2, 1::2], m)) / 2)
    second = float(np.sqrt(np.trace(gram)))
    fourth = float(np.sqrt(np.linalg.norm(gram)))
    formed = float(rule.forming_error(some))
    if formed >= fourth:
        return Measured(value, float("inf"))
    return Measured(value, ((second + formed) / (fourth - formed)) ** 4 - value)


def _ratio(gram: Array, m: int) -> float:
    """Return the ratio from the Gram matrix of some of m rows.

    The sum over a row with itself and that over two different rows are scaled apart.
    """
    norms = np.diag(gram)
    q = norms.size
    pairs = float(np.sum(gram * gram) - np.sum(norms**2)) * (m * (m - 1) / (q * (q - 1)) if q > 1 else 0.0)
    return (float(np.sum(norms)) * m / q) ** 2 / (pairs + float(np.sum(norms**2)) * m / q)
