"""What sampling makes of a staircase: the deterministic equivalent of Phi Lambda Psi^T at finite m and n.

S / sqrt(m n) is taken for Phi Lambda Psi^T / sqrt(m n) with independent features of unit variance in Phi (m rows) and
Psi (n rows). With N(y) = sum lambda^2 / (lambda^2 + y) its singular values s satisfy, as m, n grow,

    z = y (1 - N(y) / m) (1 - N(y) / n),    sum s^2 / (s^2 + z) = N(y),

two coupled fixed-point equations of Silverstein's type made explicit in the parameter y: sampling rows alone has
z = y (1 - N / m) (Silverstein and Choi 1995), sampling columns does the same to the result. y is the scale at which the staircase is
seen, z the one at which the matrix is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from rankkit.law.staircase import Staircase

__all__ = ["FiniteSize", "finite_size"]

BIN = 0.1  # in log lambda^2; below it N(y) cannot tell values apart
EXACT = 64  # leading steps that are never merged
BLUR = 1e-5  # imaginary part of z, relative to its size
TRACY_WIDOM_COUNT = 2 / (3 * math.pi) * 1.2065335745820**1.5  # values that the edge law puts above that mean


@dataclass(frozen=True, eq=False)
class FiniteSize:
    """The staircase lambda^2 = x with multiplicities w, and the sizes it is sampled at.

    Attributes
    ----------
    x, w : float arrays, shape (steps,)
        Squared values, descending, and their multiplicities.
    tail : float
        sum lambda^2 of values far below all that is asked for.
    m, n : int
        Rows and columns.
    """

    x: Any
    w: Any
    tail: float
    m: int
    n: int

    def top(self) -> float:
        """Return E sigma_1 / sqrt(m n): the upper edge, less the mean distance of the largest value from it.

        -z(y) on y = -t below -lambda_1^2 has its least value at the edge of the spectrum. The largest of k
        nearly equal values lies below it by a known share of what the Tracy-Widom law says for large k.
        """
        t = self._edge()
        square, _, bend = self._outside(t)
        M = self._M(t)
        slope = float(np.sum(self.w * self.x / (t - self.x) ** 2)) + self.tail / t**2
        # values above square - u: (2 / 3 pi) (slope / square) sqrt(2 / bend) u^(3/2)
        density = 2 / (3 * math.pi) * slope / square * math.sqrt(2 / bend)
        below = (TRACY_WIDOM_COUNT / density) ** (2 / 3)
        crowd = M * M * (1 / self.m + 1 / self.n)
        return math.sqrt(max(square - below * _few(crowd), 0.0))

    def above(self, threshold: Any) -> Any:
        """Return the mean number of s > threshold (k,), a smooth function of thresholds > 0, at most min(m, n)."""
        squares = np.atleast_1d(np.asarray(threshold, dtype=np.float64)) ** 2
        y = self._solve(squares)
        N = self._N(y)[0]
        u, v = N / self.m, N / self.n
        F = np.sum(self.w[:, None] * np.log1p(self.x[:, None] / y), axis=0) + self.tail / y
        F = F - self.m * (np.log(1 - u) + u) - self.n * (np.log(1 - v) + v)
        count = np.clip(-F.imag / math.pi, 0.0, min(self.m, self.n))
        return count.reshape(np.shape(threshold))[()]

    def _N(self, y: Any) -> tuple[Any, Any]:
        """Return N(y) and dN/dy, shape (k,)."""
        part = 1.0 / (self.x[:, None] + y)
        weighted = (self.w * self.x)[:, None] * part
        return np.sum(weighted, axis=0) + self.tail / y, -np.sum(weighted * part, axis=0) - self.tail / y**2

    def _solve(self, squares: Any) -> Any:
        """Return y with z(y) = -squares + 0 i, shape (k,), by Newton's method from far above the real axis."""
        far = 4 * (self.x[0] + float(np.sum(self.w * self.x) + self.tail) * (1 / self.m + 1 / self.n)) + squares
        eta, last = far.copy(), BLUR * squares
        y = -squares + 1j * eta + float(np.sum(self.w * self.x)) * (1 / self.m + 1 / self.n)
        while True:
            for _ in range(40):
                N, dN = self._N(y)
                p, q = 1 - N / self.m, 1 - N / self.n
                miss = y * p * q + squares - 1j * eta
                slope = p * q - y * dN * (q / self.m + p / self.n)
                step = miss / slope
                # a step out of the upper half plane would change the branch
                y_new = y - step
                while np.any(low := y_new.imag <= 0):
                    step = np.where(low, 0.5 * step, step)
                    y_new = y - step
                y = y_new
                if np.all(np.abs(step) <= 1e-6 * np.abs(y)):
                    break
            if np.all(eta <= last):
                return y
            eta = np.maximum(0.3 * eta, last)

    def _M(self, t: float) -> float:
        return float(np.sum(self.w * self.x / (t - self.x))) + self.tail / t

    def _outside(self, t: float) -> tuple[float, float, float]:
        """Return g(t) = -z(-t) = t (1 + M / m) (1 + M / n) and its first two derivatives, for t > lambda_1^2."""
        gap = t - self.x
        wx = self.w * self.x
        M = float(np.sum(wx / gap)) + self.tail / t
        dM = -float(np.sum(wx / gap**2)) - self.tail / t**2
        ddM = 2 * float(np.sum(wx / gap**3)) + 2 * self.tail / t**3
        a, b = 1 / self.m, 1 / self.n
        P = (1 + a * M) * (1 + b * M)
        dP = a + b + 2 * a * b * M
        first = P + t * dP * dM
        second = 2 * dP * dM + t * (2 * a * b * dM**2 + dP * ddM)
        return t * P, first, second

    def _edge(self) -> float:
        """Return the t > lambda_1^2 at which g is least (g is large at both ends and has one minimum)."""
        base = float(self.x[0])
        low, high = math.log(1e-9), math.log(4 * (1 + float(np.sum(self.w * self.x) / base) + 1.0))
        for _ in range(60):
            middle = 0.5 * (low + high)
            if self._outside(base * (1 + math.exp(middle)))[1] < 0:
                low = middle
            else:
                high = middle
        return base * (1 + math.exp(0.5 * (low + high)))


def _few(crowd: float) -> float:
    """Return how much further below the edge than Tracy and Widom's mean the largest of `crowd` near values lies.

    Of Gaussian symmetric matrices: exact for one, where the mean is the centre, and within 0.03 of what 1e5 draws of
    orders 2 to 20 give (1.464, 1.387, 1.337, 1.288, 1.231, 1.166 for 2, 3, 4, 6, 10, 20).
    """
    return 1.0 + 0.658 * max(crowd, 1.0) ** -0.5


def finite_size(law: Staircase, m: int, n: int, *, least: float = 0.0) -> FiniteSize:
    """Return the equivalent of a staircase sampled at m rows and n columns.

    Parameters
    ----------
    law : Staircase
    m, n : int
        Rows and columns.
    least : float
        The smallest threshold that will be asked for, as a share of lambda_1; values far below it are merged into
        their energy.
    """
    x, w = law.values**2, law.counts
    floor = x[0] * (1e-4 * least) ** 2
    keep = x >= floor
    tail = law.tail + float(np.sum((w * x)[~keep]))
    x, w = x[keep], w[keep]
    exact = min(EXACT, law.listed, x.size)
    place = np.floor(np.log(x[0] / x[exact:]) / BIN).astype(np.int64)
    starts = np.flatnonzero(np.diff(place, prepend=-1) > 0)
    if starts.size:
        weight = np.add.reduceat(w[exact:], starts)
        energy = np.add.reduceat((w * x)[exact:], starts)
        x, w = np.concatenate([x[:exact], energy / weight]), np.concatenate([w[:exact], weight])
    return FiniteSize(x, w, tail, m, n)
