"""What sampling makes of a staircase: the deterministic equivalent of Phi Lambda Psi^T at finite m and n.

S / sqrt(m n) is taken for Phi Lambda Psi^T / sqrt(m n) with independent features of unit variance in Phi (m rows) and
Psi (n rows). With N(y) = sum lambda^2 / (lambda^2 + y) its singular values s satisfy, as m, n grow,

    z = y (1 - N(y) / m) (1 - N(y) / n),    sum s^2 / (s^2 + z) = N(y),

two fixed-point equations of Silverstein's type made explicit in the parameter y: sampling rows alone has
z = y (1 - N / m) (Silverstein and Choi 1995), sampling columns does the same to the result. y is the scale at which
the staircase is seen, z the one at which the matrix is.

Where it holds: exactly for independent features. Those of S are functions of the same r variables, so that rows
whose b lie close together carry nearly the same features: far below sigma_1 the leverage of a row is no longer near
its mean d but spread around it. `above` takes it as d times a gamma variable whose spread grows with the depth of the
threshold and falls as the matrix saturates; its four constants are fitted, not derived.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from rankkit.law.staircase import Staircase

__all__ = ["FiniteSize", "finite_size"]

BIN = 0.1  # in log lambda^2; below it N(y) cannot tell values apart
GRAIN = 1e-6  # of the energy a row; a staircase all below it is as good as noise
EXACT = 64  # leading steps that are never merged
BLUR = 1e-5  # imaginary part of z, relative to its size
LEVERAGES = 24
# spread = a r^b log10(START / q)^p / sqrt(1 + (k K / min(m, n))^2) at a threshold of q sigma_1 above which K values of
# the staircase lie; (a, b, p, k) by least squares from counts of 27 uniform and 13 Gaussian settings (d = 256 to 1024,
# r = 1 to 8, 5 thresholds, 2 draws each); benchmarks/law.py measures what is left on other draws
UNIFORM_SPREAD = (1.53, -0.35, 0.97, 0.50)
GAUSSIAN_SPREAD = (3.29, 0.39, 2.21, 0.56)
# by least squares from sigma_1^2 of thirteen uniform settings (d = 256 to 512, r = 1 to 6, 4 draws each)
CROWDING = (0.272, 1.12, 0.914, 0.458, 0.144)
START = 0.3
MOST_SPREAD = 12.0  # the largest that the fit tried
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
    r : int
        Coordinates.
    gaussian : bool
        Whether their law is Gaussian rather than uniform.
    """

    x: Any
    w: Any
    tail: float
    m: int
    n: int
    r: int
    gaussian: bool

    def top(self) -> float:
        """Return E sigma_1 / sqrt(m n): that of independent features, raised by how unevenly the points lie.

        Where the staircase has about as many values as the matrix, chance crowds more points into one cell of its
        resolution than independent features would show. The factor on sigma_1^2 is fitted, not derived: at most 1.11.
        It is for sigma_1 itself and the stable rank; `above` counts relative to `independent_top`.
        """
        if self.gaussian:
            return self.independent_top()
        energy, first = float(np.sum(self.w * self.x)) + self.tail, float(self.x[0])
        squares = first * float(np.sum(self.w * (self.x / first) ** 2))  # sum lambda^4 / lambda_1^2: no underflow
        crowd = math.exp(min(math.log(energy / squares) + math.log(energy / first), 100.0)) / min(self.m, self.n)
        a, start, end, power, steeper = CROWDING
        fade = (power + steeper * (self.r - 1)) * math.log1p(crowd / end)
        rise = a * crowd / (crowd + start) * math.exp(-fade)
        return self.independent_top() * math.sqrt(1 + rise)

    def independent_top(self) -> float:
        """Return E sigma_1 / sqrt(m n) of independent features: the upper edge, less the largest value's distance.

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
        count = self._count(squares, leverages(self._spread(np.sqrt(squares) / self.independent_top())))
        return count.reshape(np.shape(threshold))[()]

    def above_equal_leverages(self, threshold: Any) -> Any:
        """Return what `above` does, of independent features: the deterministic equivalent with nothing fitted."""
        squares = np.atleast_1d(np.asarray(threshold, dtype=np.float64)) ** 2
        return self._count(squares, np.ones((1, squares.size))).reshape(np.shape(threshold))[()]

    def _spread(self, relative: Any) -> Any:
        """Return the variance of the leverages' gamma law at thresholds relative to sigma_1."""
        a, b, power, k = GAUSSIAN_SPREAD if self.gaussian else UNIFORM_SPREAD
        steps = np.sum(self.w[:, None] * (self.x[:, None] > relative**2 * self.x[0]), axis=0)
        depth = np.maximum(np.log10(START / relative), 0.0)
        return np.minimum(a * self.r**b * depth**power / np.hypot(1.0, k * steps / min(self.m, self.n)), MOST_SPREAD)

    def _count(self, squares: Any, g: Any) -> Any:
        """Return the count of s^2 > squares (k,), from F = log det(1 + S S^T / z) just above the real axis.

        Every value s^2 > tau^2 adds -i pi to F(-tau^2 + 0 i), every other nothing.
        """
        d, e, y = self._solve(squares, g)
        F = np.sum(self.w[:, None] * np.log1p(self.x[:, None] / y), axis=0) + self.tail / y
        for size, at in ((self.m, d), (self.n, e)):
            F = F + size * np.mean(np.log1p(g * at) - g * at / (1 + g * at), axis=0)
        return np.clip(-F.imag / math.pi, 0.0, min(self.m, self.n))

    def _N(self, y: Any) -> tuple[Any, Any]:
        """Return N(y) and dN/dy, shape (k,)."""
        part = 1.0 / (self.x[:, None] + y)
        weighted = (self.w * self.x)[:, None] * part
        return np.sum(weighted, axis=0) + self.tail / y, -np.sum(weighted * part, axis=0) - self.tail / y**2

    def _solve(self, squares: Any, g: Any) -> tuple[Any, Any, Any]:
        """Return (d, e, y), each (k,), at z = -squares + 0 i, by Newton's method from far above the real axis.

        m U(d) = n U(e) = N(y), U(d) = mean of g d / (1 + g d), and y = z / (alpha(d) alpha(e)), alpha = U(d) / d; equal
        leverages g = 1 give d = U / (1 - U) and z = y (1 - N / m) (1 - N / n).
        """
        energy = float(np.sum(self.w * self.x)) + self.tail
        far = 30 * (float(self.x[0]) + energy * (1 / self.m + 1 / self.n)) + squares
        eta, last = far.copy(), BLUR * squares
        d = energy / self.m / (-squares + 1j * eta)
        e = d * self.m / self.n
        while True:
            z = -squares + 1j * eta
            final = bool(np.all(eta <= last))
            for _ in range(60):
                (U, dU, alpha, dalpha), (V, dV, beta, dbeta) = _averages(d, g), _averages(e, g)
                y = z / (alpha * beta)
                N, dN = self._N(y)
                along_d, along_e = -dN * y * dalpha / alpha, -dN * y * dbeta / beta
                f1, f2 = self.m * U - N, self.n * V - N
                a11, a22 = self.m * dU - along_d, self.n * dV - along_e
                det = a11 * a22 - along_d * along_e
                step_d, step_e = (f1 * a22 + f2 * along_e) / det, (f2 * a11 + f1 * along_d) / det
                # d and e stay in the lower half plane: beyond it lies another branch
                while np.any(out := ((d - step_d).imag >= 0) | ((e - step_e).imag >= 0)):
                    step_d, step_e = np.where(out, 0.5 * step_d, step_d), np.where(out, 0.5 * step_e, step_e)
                d, e = d - step_d, e - step_e
                if np.all(np.abs(step_d) <= (1e-7 if final else 1e-2) * np.abs(d)):
                    break
            if final:
                return d, e, z / (_averages(d, g)[2] * _averages(e, g)[2])
            eta = np.maximum(0.2 * eta, last)

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


def leverages(spread: Any) -> Any:
    """Return equally likely leverages of mean one and variance about `spread` (k,): gamma quantiles, (LEVERAGES, k)."""
    from scipy.special import gammaincinv

    shape = 1 / np.maximum(np.atleast_1d(spread), 1e-3)
    g = gammaincinv(shape, (np.arange(LEVERAGES)[:, None] + 0.5) / LEVERAGES)
    return g / np.mean(g, axis=0)


def _averages(d: Any, g: Any) -> tuple[Any, Any, Any, Any]:
    """Return U = mean of g d / (1 + g d), alpha = mean of g / (1 + g d), each followed by its derivative."""
    part = g / (1 + g * d)
    alpha, dalpha = np.mean(part, axis=0), -np.mean(part * part, axis=0)
    return d * alpha, alpha + d * dalpha, alpha, dalpha


def _few(crowd: float) -> float:
    """Return how much further below the edge than Tracy and Widom's mean the largest of `crowd` near values lies.

    Of Gaussian symmetric matrices: exact for one, where the mean is the centre, and within 0.03 of what 1e5 draws of
    orders 2 to 20 give (1.464, 1.387, 1.337, 1.288, 1.231, 1.166 for 2, 3, 4, 6, 10, 20).
    """
    return 1.0 + 0.658 * max(crowd, 1.0) ** -0.5


def finite_size(law: Staircase, *, m: int, n: int, r: int, gaussian: bool, least: float = 0.0) -> FiniteSize:
    """Return the equivalent of a staircase sampled at m rows and n columns.

    Parameters
    ----------
    law : Staircase
    m, n, r : int
        Rows, columns, coordinates.
    gaussian : bool
        Whether entries are Gaussian rather than uniform.
    least : float
        The smallest threshold that will be asked for, as a share of lambda_1; values far below it are merged into
        their energy.
    """
    x, w = law.values**2, law.counts
    energy = float(np.sum(w * x)) + law.tail
    if x[0] < (grain := GRAIN * energy / max(m, n)):  # far on the plateau only the energy matters, and x may underflow
        one = np.ones(1)
        return FiniteSize(grain * one, energy / grain * one, 0.0, m, n, r, gaussian)
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
    return FiniteSize(x, w, tail, m, n, r, gaussian)
