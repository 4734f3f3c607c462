"""One margin, two arithmetics: floats to search with, balls to prove with.

A claim's margin is written once, on numpy arrays. They hold float64 in one arithmetic and flint's balls, which are
numbers that carry a rigorous bound on their error, in the other. `+ - * @` are the arrays' own. Everything else is
asked of the arithmetic, squares too, because a ball around zero to the power of 2 is no number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import numpy as np

from rankkit.extras import how_to_install

__all__ = ["Balls", "Floats"]


class Floats:
    """The arithmetic of float64: fast, and off by rounding.

    It is the second argument of a margin while the search looks for violations. Functions of x take a number or an
    array of any shape and work entry by entry. Functions of X take a matrix, shape (m, n), and return its min(m, n)
    singular values or one number.

    Examples
    --------
    >>> a = Floats()
    >>> a.rank(np.ones((2, 2))), a.least(3.0, 2.0)
    (1.0, 2.0)
    """

    pi = math.pi

    def of(self, value: Any) -> Any:
        """Return a rational, or an array of them, as float64."""
        return np.asarray(value, dtype=np.float64) if isinstance(value, np.ndarray) else float(value)

    def sin(self, x: Any) -> Any:
        """Return sin(x), entry by entry."""
        return np.sin(x)

    def cos(self, x: Any) -> Any:
        """Return cos(x), entry by entry."""
        return np.cos(x)

    def exp(self, x: Any) -> Any:
        """Return exp(x), entry by entry."""
        return np.exp(x)

    def sinc(self, x: Any) -> Any:
        """Return sin(pi x) / (pi x), and 1 at 0, entry by entry."""
        return np.sinc(x)

    def sqrt(self, x: Any) -> Any:
        """Return the root of x >= 0, entry by entry."""
        return np.sqrt(np.maximum(x, 0))

    def absolute(self, x: Any) -> Any:
        """Return |x|, entry by entry."""
        return np.abs(x)

    def square(self, x: Any) -> Any:
        """Return x x, entry by entry."""
        return x * x

    def singular_values(self, X: Any) -> Any:
        """Return the singular values, descending."""
        return np.linalg.svd(X, compute_uv=False)

    def spectral_norm(self, X: Any) -> Any:
        """Return sigma_1."""
        return self.singular_values(X)[0]

    def least(self, x: Any, y: Any) -> Any:
        """Return the smaller of two numbers."""
        return min(x, y)

    def most(self, x: Any, y: Any) -> Any:
        """Return the larger of two numbers."""
        return max(x, y)

    def rank(self, X: Any) -> Any:
        """Return the numerical rank at 1e-12 sigma_1."""
        return float(np.linalg.matrix_rank(X, rtol=1e-12))

    def count_above(self, X: Any, threshold: Any) -> Any:
        """Return how many singular values exceed a threshold."""
        return float(np.sum(self.singular_values(X) > threshold))


class Balls:
    """Ball arithmetic: every result contains the true value (flint; Johansson 2017).

    It is the second argument of a margin while a violation is proved, and has the same functions as `Floats`. The
    precision is that of the surrounding ``with Balls.at(bits)``.

    Raises
    ------
    ImportError
        If python-flint is missing.

    Examples
    --------
    >>> with Balls.at(64) as a:
    ...     print(a.sin(a.of(1)), a.sin(a.of(1)) < 0.8415)
    [0.841470984807896507 +/- 4.45e-19] True
    """

    def __init__(self) -> None:
        try:
            import flint
        except ImportError:
            raise ImportError(f"certificates need python-flint; {how_to_install('verify')}.") from None
        self._flint = flint

    @classmethod
    @contextmanager
    def at(cls, bits: int) -> Generator[Balls]:
        """Return the arithmetic with so many bits, for the length of a with block.

        Parameters
        ----------
        bits : int
            Of the balls' midpoints; a float has 53.
        """
        balls = cls()
        before = balls._flint.ctx.prec
        balls._flint.ctx.prec = bits
        try:
            yield balls
        finally:
            balls._flint.ctx.prec = before

    @property
    def pi(self) -> Any:
        """A ball around pi."""
        return self._flint.arb.pi()

    def of(self, value: Any) -> Any:
        """Return a rational, or an array of them, as balls of radius zero or of the last bit."""
        if isinstance(value, np.ndarray):
            return _each(self.of)(value)
        exact = Fraction(value)
        return self._flint.arb(self._flint.fmpq(exact.numerator, exact.denominator))

    def read(self, name: str, text: str) -> Any:
        """Return the ball that flint printed as a text; `name` says in the message what the text is."""
        try:
            return self._flint.arb(text)
        except ValueError:
            raise ValueError(f"{name} must be a ball such as '[-1.25 +/- 3e-18]', got {text!r}.") from None

    def between(self, low: float, high: float) -> Any:
        """Return a ball that contains [low, high]."""
        return self._flint.arb(low).union(self._flint.arb(high))

    def sin(self, x: Any) -> Any:
        """Return sin(x), entry by entry."""
        return _each(lambda t: t.sin())(x)

    def cos(self, x: Any) -> Any:
        """Return cos(x), entry by entry."""
        return _each(lambda t: t.cos())(x)

    def exp(self, x: Any) -> Any:
        """Return exp(x), entry by entry."""
        return _each(lambda t: t.exp())(x)

    def sinc(self, x: Any) -> Any:
        """Return sin(pi x) / (pi x), and 1 at 0, entry by entry."""
        return _each(lambda t: t.sinc_pi())(x)

    def sqrt(self, x: Any) -> Any:
        """Return the root of x >= 0, entry by entry; what a ball around zero holds below zero counts as zero."""
        zero = self._flint.arb(0)
        return _each(lambda t: t.sqrt() if t > 0 else t.abs_upper().sqrt().union(zero))(x)

    def absolute(self, x: Any) -> Any:
        """Return |x|, entry by entry."""
        return _each(abs)(x)

    def square(self, x: Any) -> Any:
        """Return x x, entry by entry."""
        return x * x

    def singular_values(self, X: Any) -> Any:
        """Return balls around the singular values, descending, from the eigenvalues of the smaller Gram matrix."""
        G = X.T @ X if X.shape[0] >= X.shape[1] else X @ X.T
        matrix = self._flint.acb_mat([[self._flint.acb(t) for t in row] for row in G])
        values = [value.real for value in matrix.eig(multiple=True)]
        return self.sqrt(np.array(sorted(values, key=lambda t: -float(t.mid())), dtype=object))

    def spectral_norm(self, X: Any) -> Any:
        """Return a ball around sigma_1."""
        if 1 in X.shape:
            return self.sqrt((X * X).sum())
        return self.singular_values(X)[0]

    def least(self, x: Any, y: Any) -> Any:
        """Return the smaller of two numbers."""
        return x.min(y)

    def most(self, x: Any, y: Any) -> Any:
        """Return the larger of two numbers."""
        return x.max(y)

    def rank(self, X: Any) -> Any:
        """Return a ball around all that the rank may be: at least the pivots that are surely not zero.

        Gaussian elimination with the largest entry as pivot; the rank is that many plus the rank of what is left.
        """
        left, pivots = X.copy(), 0
        while left.size:
            sure = [(float(abs(left[place]).mid()), place) for place in np.ndindex(*left.shape) if left[place] != 0]
            if not sure:
                break
            i, j = max(sure)[1]
            step = np.outer(left[:, j], left[i]) / left[i, j]
            left = np.delete(np.delete(left - step, i, axis=0), j, axis=1)
            pivots += 1
        more = 0 if all(x == 0 for x in left.ravel()) else min(left.shape)
        return self._flint.arb(pivots).union(self._flint.arb(pivots + more))

    def count_above(self, X: Any, threshold: Any) -> Any:
        """Return a ball around how many singular values exceed a threshold: surely, and possibly."""
        sigma = self.singular_values(X)
        surely, not_possibly = sum(s > threshold for s in sigma), sum(s <= threshold for s in sigma)
        return self._flint.arb(surely).union(self._flint.arb(len(sigma) - not_possibly))


def _each(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return the function applied to every entry of an array, or to a number."""
    entrywise: Callable[[Any], Any] = np.frompyfunc(function, 1, 1)

    def applied(x: Any) -> Any:
        values: Any = x
        return entrywise(values) if isinstance(x, np.ndarray) else function(values)

    return applied
