"""Hypothesis strategies and assertions: for tests of low-rank updates, ours and anyone's (extra `verify`)."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from rankkit.extras import how_to_install

try:
    from hypothesis import strategies as st
except ImportError:
    raise ImportError(f"rankkit.testing needs hypothesis; {how_to_install('verify')}.") from None

from rankkit.factors import Array, Factors
from rankkit.spectrum import Spectrum

__all__ = [
    "Known", "assert_values_within_errors", "factors", "frequencies", "low_rank", "matrices", "orthogonal", "seeds",
    "thresholds",
]  # fmt: skip

seeds = st.integers(0, 2**32 - 1)


class Known(NamedTuple):
    """A matrix whose singular values are known.

    Attributes
    ----------
    matrix : array, shape (m, n)
        The matrix.
    values : array, shape (min(m, n),)
        Its singular values, descending, known to rounding of the largest.
    """

    matrix: Array
    values: Array


def orthogonal(seed: int, size: int) -> Array:
    """Return a random orthogonal matrix, shape (size, size).

    Parameters
    ----------
    seed : int
        The same seed gives the same matrix.
    size : int
        Rows and columns.

    Examples
    --------
    >>> Q = orthogonal(0, 3)
    >>> bool(np.allclose(Q.T @ Q, np.eye(3)))
    True
    """
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((size, size)))[0]


@st.composite
def factors(draw: st.DrawFn, max_size: int = 12, max_rank: int = 5) -> Factors:
    """Return a strategy for small Factors of any shape, with columns of uneven lengths.

    The rank r of the factors may exceed min(m, n).

    Parameters
    ----------
    max_size : int
        The most rows and columns, at least 1.
    max_rank : int
        The most columns of B, at least 1.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(factors(), lambda f: f.r > f.m).r > 1
    True
    """
    m, n, r = draw(st.integers(1, max_size)), draw(st.integers(1, max_size)), draw(st.integers(1, max_rank))
    rng = np.random.default_rng(draw(seeds))
    spread = draw(st.sampled_from([0.0, 1.0, 3.0]))
    lengths: Array = 10 ** rng.uniform(-spread, spread, r)
    return Factors(rng.standard_normal((m, r)) * lengths, rng.standard_normal((r, n)))


@st.composite
def matrices(draw: st.DrawFn, max_size: int = 12) -> Array:
    """Return a strategy for dense matrices, well and badly conditioned.

    Parameters
    ----------
    max_size : int
        The most rows and columns, at least 1.
    """
    m, n = draw(st.integers(1, max_size)), draw(st.integers(1, max_size))
    rng = np.random.default_rng(draw(seeds))
    decades = draw(st.sampled_from([0, 2, 8]))
    scales: Array = 10.0 ** -np.linspace(0, decades, n)
    return rng.standard_normal((m, n)) * scales


@st.composite
def low_rank(draw: st.DrawFn, max_size: int = 12, decades: float = 6.0) -> Known:
    """Return a strategy for matrices with chosen singular values, some of them equal or zero.

    Parameters
    ----------
    max_size : int
        The most rows and columns, at least 1.
    decades : float
        The values that are not zero lie between 10^-decades and 1.
    """
    m, n = draw(st.integers(1, max_size)), draw(st.integers(1, max_size))
    size = st.floats(-decades, 0).map(lambda exponent: 10.0**exponent)
    few = draw(st.lists(size, min_size=1, max_size=min(m, n)))
    values = np.zeros(min(m, n))
    values[: len(few)] = np.sort([draw(st.sampled_from(few)) for _ in few])[::-1]
    left, right = orthogonal(draw(seeds), m), orthogonal(draw(seeds), n)
    return Known((left[:, : values.size] * values) @ right[: values.size], values)


def frequencies(low: float = 1e-2, high: float = 1e4) -> st.SearchStrategy[float]:
    """Return a strategy for frequencies, even on a log axis, with zero and multiples of pi among them.

    Parameters
    ----------
    low, high : float
        The bounds of those that are not zero, above 0.
    """
    corners = [0.0, *(k * math.pi for k in (0.5, 1, 2) if low <= k * math.pi <= high), low, high]
    return st.one_of(st.sampled_from(corners), st.floats(math.log(low), math.log(high)).map(math.exp))


def thresholds(low: float = 1e-9, high: float = 1e-1) -> st.SearchStrategy[float]:
    """Return a strategy for tolerances relative to sigma_1, even on a log axis.

    Parameters
    ----------
    low, high : float
        The bounds, above 0.
    """
    return st.floats(math.log(low), math.log(high)).map(math.exp)


def assert_values_within_errors(spectrum: Spectrum, values: Any, *, slack: float = 0.0) -> None:
    """Check that every singular value lies within its stated error of the known one.

    Parameters
    ----------
    spectrum : Spectrum
        With the values and their errors.
    values : array, shape (k,)
        The known singular values, descending; zeros may be left out.
    slack : float
        What the known ones themselves may be off by, absolutely.

    Raises
    ------
    AssertionError
        If a value is farther off than its stated error and the slack.

    Examples
    --------
    >>> assert_values_within_errors(Spectrum([3.0], (1, 1), complete=True, energy=9.0, noise_floor=1e-9), [3.0])
    """
    known = np.zeros_like(spectrum.values)
    count = min(known.size, np.size(values))
    known[:count] = np.asarray(values)[:count]
    off, allowed = np.abs(spectrum.values - known), spectrum.error + slack
    worst = int(np.argmax(off - allowed))
    assert np.all(off <= allowed), (
        f"singular value {worst + 1} is {spectrum.values[worst]:.6g}, known {known[worst]:.6g}: "
        f"off by {off[worst]:.3g}, stated error {allowed[worst]:.3g}."
    )
