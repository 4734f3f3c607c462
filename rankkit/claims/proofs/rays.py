"""Power series along a ray in ball arithmetic: a margin at x + t d, with its derivatives by t enclosed.

It is the fourth arithmetic of a margin. With balls for x and d that cover a box and its directions, the coefficient of
t^k encloses the k-th derivative over k! at every point of the box. A comparison that is not certain on the whole box
raises `UndecidedError`, so that no branch is taken that holds for a part of the box alone.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import numpy as np

from rankkit.claims.arithmetic import Balls
from rankkit.claims.proofs.terms import UndecidedError

__all__ = ["Ray", "Rays"]

SLOPES = 2  # coefficients of a mean value form: the value and the slope, which may be that of |x| at 0


class Rays:
    """The arithmetic of power series with so many coefficients, each a ball.

    Parameters
    ----------
    balls : Balls
        At the precision of the surrounding block.
    order : int
        How many coefficients are kept: 1 for a value, 2 for a mean value form.
    replay : list of bool, optional
        Answers to the comparisons, from an evaluation on a box that contains what is evaluated now.
    """

    def __init__(self, balls: Balls, order: int, replay: list[bool] | None = None) -> None:
        self.balls, self.order = balls, order
        self.answers: list[bool] = [] if replay is None else replay
        self._next = None if replay is None else iter(replay)

    @classmethod
    @contextmanager
    def at(cls, bits: int, order: int, replay: list[bool] | None = None) -> Generator[Rays]:
        """Return the arithmetic at a precision, for the length of a with block.

        Parameters
        ----------
        bits : int
            Of the balls' midpoints.
        order, replay
            As for the class.
        """
        import flint

        before = flint.ctx.cap
        flint.ctx.cap = order
        try:
            with Balls.at(bits) as balls:
                yield cls(balls, order, replay)
        finally:
            flint.ctx.cap = before

    def ray(self, value: Any, slope: Any = 0) -> Ray:
        """Return value + slope t."""
        import flint

        return Ray(flint.arb_series([value, slope][: self.order]), self)

    def certain(self, yes: Callable[[], bool], no: Callable[[], bool]) -> bool:
        """Return the answer to a comparison that is certain for every point of the box."""
        if self._next is not None:
            return next(self._next)
        answer = True if yes() else False if no() else None
        if answer is None:
            raise UndecidedError("a comparison is not certain on a box")
        self.answers.append(answer)
        return answer

    @property
    def pi(self) -> Ray:
        """A ball around pi."""
        return self.ray(self.balls.pi)

    def of(self, value: Any) -> Any:
        """Return a rational, a series, or an array of them, as series."""
        return _each(lambda x: x if isinstance(x, Ray) else self.ray(self.balls.of(x)), value)

    def sin(self, x: Any) -> Any:
        """Return sin(x), entry by entry."""
        return _each(lambda t: self.of(t).through("sin"), x)

    def cos(self, x: Any) -> Any:
        """Return cos(x), entry by entry."""
        return _each(lambda t: self.of(t).through("cos"), x)

    def exp(self, x: Any) -> Any:
        """Return exp(x), entry by entry."""
        return _each(lambda t: self.of(t).through("exp"), x)

    def sinc(self, x: Any) -> Any:
        """Return sin(pi x) / (pi x), and 1 at 0, entry by entry."""
        return _each(lambda t: self._sinc(self.of(t)), x)

    def sqrt(self, x: Any) -> Any:
        """Return the root of x >= 0, entry by entry; it has no slope where x may be zero."""
        return _each(lambda t: self._sqrt(self.of(t)), x)

    def absolute(self, x: Any) -> Any:
        """Return |x|, entry by entry."""
        return _each(lambda t: abs(self.of(t)), x)

    def square(self, x: Any) -> Any:
        """Return x x, entry by entry, which is not negative."""
        return _each(lambda t: self.of(t).squared(), x)

    def least(self, x: Any, y: Any) -> Any:
        """Return the smaller of two numbers."""
        return self._either(self.of(x), self.of(y), True)

    def most(self, x: Any, y: Any) -> Any:
        """Return the larger of two numbers."""
        return self._either(self.of(x), self.of(y), False)

    def singular_values(self, X: Any) -> Any:
        """Return the singular values of a matrix that has at most two rows or columns, descending."""
        return np.array([self._sigma(X, place) for place in range(min(X.shape))], dtype=object)

    def spectral_norm(self, X: Any) -> Any:
        """Return sigma_1."""
        return self._sigma(X, 0)

    def _sigma(self, X: Any, place: int) -> Any:
        if min(X.shape) > 2:
            raise UndecidedError("its margin has singular values of a matrix with more than two rows and columns")
        if min(X.shape) == 1:
            return self.sqrt(self.square(X).sum())
        Y = X if X.shape[0] == 2 else X.T
        one, two = self.square(Y[0]).sum(), self.square(Y[1]).sum()
        apart = self.sqrt(self.square(one - two) + 4 * self.square((Y[0] * Y[1]).sum()))
        return self.sqrt((one + two + (-1) ** place * apart) / 2)

    def count_above(self, X: Any, threshold: Any) -> int:
        """Return how many singular values exceed a threshold."""
        return sum(bool(value > threshold) for value in self.singular_values(X))

    def rank(self, X: Any) -> Any:
        """Raise `UndecidedError`: a rank is not certain on a box."""
        raise UndecidedError("its margin has a rank, which is not certain on a box")

    def _sqrt(self, t: Ray) -> Ray:
        if t[0] > 0:
            return t.through("sqrt")
        if self.order > 1:
            raise UndecidedError("a root has no slope where its argument may be zero")
        return self.ray(self.balls.sqrt(t[0]))

    def _sinc(self, t: Ray) -> Ray:
        if self.order > SLOPES:
            raise UndecidedError("sinc is not expanded beyond its slope")
        value, x = self.balls.sinc(t[0]), t[0]
        if self.order == 1:
            return self.ray(value)
        pi = self.balls.pi
        if x > 0 or x < 0:
            slope = ((pi * x).cos() - value) / x
        else:  # |sinc'(x)| <= pi^2 |x| / 3
            slope = (pi * pi * abs(x).abs_upper() / 3) * self.balls.between(-1, 1)
        return self.ray(value, slope * t[1])

    def _either(self, x: Ray, y: Ray, smaller: bool) -> Ray:
        if self.order == 1:
            return self.ray(x[0].min(y[0]) if smaller else x[0].max(y[0]))
        if self.order == SLOPES and self._next is None and not (x[0] <= y[0] or x[0] >= y[0]):
            return self.ray(x[0].min(y[0]) if smaller else x[0].max(y[0]), x[1].union(y[1]))
        return x if bool(x <= y) == smaller else y


class Ray:
    """A power series in t whose coefficients are balls.

    Parameters
    ----------
    series : flint.arb_series
        Its coefficients.
    a : Rays
        The arithmetic that it belongs to.
    """

    def __init__(self, series: Any, a: Rays) -> None:
        self.series, self.a = series, a

    def __getitem__(self, place: int) -> Any:
        return self.series[place]

    def through(self, name: str) -> Ray:
        """Return a function of flint's, of the series."""
        return Ray(getattr(self.series, name)(), self.a)

    def squared(self) -> Ray:
        """Return the square, whose value is not negative."""
        if self.a.order == 1:
            return self.a.ray(self[0] ** 2 if not self[0].contains(0) else self[0].abs_upper() ** 2 * _UNIT(self.a))
        return self * self

    def _made(self, other: Any, work: Callable[[Any, Any], Any]) -> Any:
        if isinstance(other, np.ndarray):
            return NotImplemented
        there = other.series if isinstance(other, Ray) else self.a.of(_number(other)).series
        return Ray(work(self.series, there), self.a)

    def __add__(self, other: Any) -> Any:
        return self._made(other, lambda x, y: x + y)

    def __mul__(self, other: Any) -> Any:
        return self._made(other, lambda x, y: x * y)

    def __sub__(self, other: Any) -> Any:
        return self._made(other, lambda x, y: x - y)

    def __rsub__(self, other: Any) -> Any:
        return self._made(other, lambda x, y: y - x)

    def __truediv__(self, other: Any) -> Any:
        return self._made(other, lambda x, y: x / y)

    def __rtruediv__(self, other: Any) -> Any:
        return self._made(other, lambda x, y: y / x)

    __radd__, __rmul__ = __add__, __mul__

    def __neg__(self) -> Ray:
        return Ray(-self.series, self.a)

    def __pow__(self, exponent: int) -> Ray:
        out = self.a.ray(1)
        for _ in range(abs(exponent)):
            out = out * self
        return out if exponent >= 0 else 1 / out

    def __abs__(self) -> Ray:
        if self.a.order == 1:
            return self.a.ray(abs(self[0]))
        if self.a.order == SLOPES and not (self[0] >= 0 or self[0] <= 0):
            return self.a.ray(abs(self[0]), self[1] * self.a.balls.between(-1, 1))
        return self if self >= 0 else -self

    def _compared(self, other: Any, yes: Callable[[Any, Any], bool], no: Callable[[Any, Any], bool]) -> bool:
        x, y = self[0], self.a.of(_number(other))[0]
        return self.a.certain(lambda: yes(x, y), lambda: no(x, y))

    def __lt__(self, other: Any) -> bool:
        return self._compared(other, lambda x, y: x < y, lambda x, y: x >= y)

    def __gt__(self, other: Any) -> bool:
        return self._compared(other, lambda x, y: x > y, lambda x, y: x <= y)

    def __le__(self, other: Any) -> bool:
        return self._compared(other, lambda x, y: x <= y, lambda x, y: x > y)

    def __ge__(self, other: Any) -> bool:
        return self._compared(other, lambda x, y: x >= y, lambda x, y: x < y)

    def __eq__(self, other: Any) -> bool:
        return self._compared(other, lambda x, y: x == y, lambda x, y: x != y)

    def __ne__(self, other: Any) -> bool:
        return self._compared(other, lambda x, y: x != y, lambda x, y: x == y)

    __hash__ = None  # pyright: ignore[reportAssignmentType] - equality is a question here, not a fact

    def __bool__(self) -> bool:
        return self != 0

    def __float__(self) -> float:
        raise UndecidedError("its margin asks for a ball as a float")


def _UNIT(a: Rays) -> Any:
    """Return the ball [0, 1]."""
    return a.balls.between(0, 1)


def _number(value: Any) -> Any:
    """Return a number of numpy's, or a float, as one that can be made exact."""
    return value if isinstance(value, Ray | Fraction | int) else Fraction(float(value))


def _each(function: Callable[[Any], Any], x: Any) -> Any:
    if not isinstance(x, np.ndarray):
        return function(x)
    given: Any = np.asarray(x, dtype=object)
    out = np.empty(given.shape, dtype=object)
    for place in np.ndindex(*given.shape):
        out[place] = function(given[place])
    return out
