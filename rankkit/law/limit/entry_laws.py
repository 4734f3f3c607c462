"""EntryLaw: any symmetric law of one entry, given by its quantile function or by samples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from rankkit.checks import shown
from rankkit.factors import Array

__all__ = ["EntryLaw", "real_numbers"]

CHECKED = np.linspace(0.501, 0.999, 64)  # probabilities at which a quantile function is looked at
UNEVEN = 1e-6  # of the largest quantile there: how far from symmetric rounding may make it
FAR = 0.999  # share of the entries by which the farthest are judged
MOST = 0.6827  # share of the entries that are within a standard deviation of normal ones
ACCURATE = 400  # nodes of a standard deviation
FEWEST = 8  # samples
LAST = 1 - 2.0**-52  # probability below one, at which unbounded laws are finite
EVEN = (np.arange(512) + 0.5) / 512  # probabilities at which values of their own are looked for
ATOM = 0.04  # probability of such a value; less, as from rounding, makes few rows of two or more entries equal


def _normal(u: Array) -> Array:
    from scipy.special import ndtri

    return np.asarray(ndtri(u), dtype=np.float64)


# of standard deviation 1
QUANTILES: dict[str, Callable[[Array], Array]] = {
    "uniform": lambda u: np.sqrt(3.0) * (2 * u - 1),
    "normal": _normal,
    "laplace": lambda u: np.sign(u - 0.5) * -np.log(2 * np.minimum(u, 1 - u)) / np.sqrt(2.0),
}
interpolated: Callable[..., Array] = np.quantile  # its overloads leave the type open


@dataclass(frozen=True, eq=False)
class EntryLaw:
    """A symmetric law of the entries of a factor, all of which are independent.

    Attributes
    ----------
    size : callable
        Quantile function of |x|: probabilities in (0, 1) -> values >= 0, both float arrays of one shape.
    label : str
        Its name in a prediction.

    Examples
    --------
    >>> import rankkit as rk
    >>> laplace = EntryLaw.of_quantile(lambda u: np.sign(u - 0.5) * -np.log(2 * np.minimum(u, 1 - u)), "Laplace")
    >>> round(rk.law.predict_rank(2.0, d=256, r=2, rtol=1e-2, entries=laplace).value)
    99
    """

    size: Callable[[Array], Array]
    label: str = "entries"

    def __post_init__(self) -> None:
        _check_function("size", self.size)

    @classmethod
    def named(cls, name: str) -> EntryLaw:
        """Return a law of standard deviation 1.

        Parameters
        ----------
        name : {"uniform", "normal", "laplace"}

        Raises
        ------
        ValueError
            If there is no law of that name.

        Examples
        --------
        >>> round(EntryLaw.named("laplace").std, 6)
        1.0
        """
        if not isinstance(name, str) or name not in QUANTILES:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ValueError(
                f"name must be one of {', '.join(QUANTILES)}, got {shown(name)}; EntryLaw.of_quantile makes others."
            )
        return cls.of_quantile(QUANTILES[name], "Gaussian entries" if name == "normal" else f"{name} entries")

    @classmethod
    def of_quantile(cls, quantile: Callable[[Array], Array], label: str = "entries of a quantile function") -> EntryLaw:
        """Return the law with a quantile function.

        Parameters
        ----------
        quantile : callable
            Probabilities in (0, 1) -> values, both float arrays of one shape; symmetric: Q(1 - u) = -Q(u).
        label : str
            Its name in a prediction.

        Raises
        ------
        TypeError
            If it is no function, or its values are no real numbers.
        ValueError
            If it is not finite, falls, is zero or is not symmetric at 64 probabilities.
        """
        _check_function("quantile", quantile)
        upper, lower = (_floats("quantile", quantile(u)) for u in (CHECKED, 1 - CHECKED))
        if upper.shape != CHECKED.shape or not np.all(np.isfinite(upper)) or np.any(np.diff(upper) < 0):
            raise ValueError(
                "quantile must map an array of probabilities to as many finite values that do not fall; mend it, or "
                "pass samples to EntryLaw.of_samples."
            )
        if upper[-1] <= 0 or float(np.max(np.abs(upper + lower))) > UNEVEN * float(upper[-1]):
            raise ValueError(
                "quantile must be that of a symmetric law that is not zero, Q(1 - u) = -Q(u); other laws have no "
                "prediction here."
            )
        return cls(lambda t: np.asarray(quantile(0.5 + 0.5 * t), dtype=np.float64), label)

    @classmethod
    def of_samples(cls, samples: Array, label: str = "sampled entries") -> EntryLaw:
        """Return the empirical law of samples and of their negatives, between which it is linear.

        Parameters
        ----------
        samples : float array
            At least 8, not all zero, of any shape.
        label : str
            Its name in a prediction.

        Raises
        ------
        TypeError
            If they are no real numbers.
        ValueError
            If they are fewer, or not finite, or all zero.
        """
        sizes = np.abs(_floats("samples", samples)).ravel()
        if sizes.size < FEWEST or not np.all(np.isfinite(sizes)) or not np.any(sizes):
            got = f"{sizes.size} numbers" if np.all(np.isfinite(sizes)) else "NaN or infinite ones"
            raise ValueError(
                f"samples must be at least {FEWEST} finite numbers that are not all zero, got {got}; pass the entries "
                "of a factor."
            )
        sizes.sort()
        return cls(lambda t: interpolated(sizes, t), label)

    def nodes(self, count: int) -> tuple[Array, Array]:
        """Return nodes and probabilities of |x|, (count,) each: Gauss's in the cube root of the upper tail."""
        s, weight = _gauss(count)
        return self.size(np.minimum(1 - (1 - s) ** 3, LAST)), 3 * weight * (1 - s) ** 2

    @cached_property
    def std(self) -> float:
        """Standard deviation."""
        x, p = self.nodes(ACCURATE)
        return float(np.sqrt(np.sum(p * x**2)))

    @cached_property
    def few_values(self) -> bool:
        """Whether some values have a probability of their own, so that rows are equal by chance."""
        x = self.size(EVEN)
        flat = np.diff(np.flatnonzero(np.diff(x, prepend=-1.0, append=np.inf) > 0))
        return bool(np.max(flat) > ATOM * EVEN.size)

    @cached_property
    def tail(self) -> float:
        """How many times the size of most entries (68 %) one entry of a thousand exceeds; 3.3 for normal entries."""
        most = float(self.size(np.array([MOST]))[0])
        return self.far / most if most > 0 else float("inf")

    @cached_property
    def far(self) -> float:
        """The size that one entry of a thousand exceeds."""
        return float(self.size(np.array([FAR]))[0])


def _check_function(name: str, given: object) -> None:
    if not callable(given):
        raise TypeError(
            f"{name} must be a function of an array of probabilities, got {shown(given)}; EntryLaw.named has laws by "
            "name."
        )


def _floats(name: str, values: object) -> Array:
    found = real_numbers(values)
    if found is None:
        raise TypeError(f"{name} must give an array of real numbers, got {shown(values)}; pass one row of floats.")
    return found


@lru_cache(maxsize=64)
def _gauss(count: int) -> tuple[Array, Array]:
    s, weight = np.polynomial.legendre.leggauss(count)
    return (1 + s) / 2, weight / 2


def real_numbers(values: object) -> Array | None:
    """Return values as a float64 array, or None where they are no real numbers."""
    try:
        found = np.asarray(values)
        return None if np.iscomplexobj(found) else found.astype(np.float64)
    except (TypeError, ValueError):
        return None
