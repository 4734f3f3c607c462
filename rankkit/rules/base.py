"""Rule: the one abstract step of the spine, Factors -> update."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from array_api_compat import is_numpy_array

from rankkit.factors import Array, Factors

__all__ = ["UNIT_ROUNDOFF", "Pointwise", "Rule", "check_dtype", "check_finite"]

BLOCK = 1 << 22  # entries of an update that are formed at once

UNIT_ROUNDOFF = {"float64": 2.0**-53, "float32": 2.0**-24}


class Rule(ABC):
    """How B and A become the update. A rule that stays low rank returns Factors, any other an array.

    Stored factors are exact, whatever their dtype; `dtype` is the working precision, to which they
    are promoted before anything is multiplied.
    """

    @abstractmethod
    def __call__(self, factors: Factors, *, dtype: str = "float64") -> Factors | Array:
        """Return the update of shape (*batch, m, n), or its Factors where it stays low rank."""

    @abstractmethod
    def forming_error(self, factors: Factors, *, dtype: str = "float64") -> Any:
        """Return a bound, shape (*batch,), on the Frobenius norm of what rounding did to the update."""

    @property
    def label(self) -> str:
        """The rule's short name, as tables print it: its class name in lower case."""
        return type(self).__name__.lower()


def check_dtype(dtype: str) -> str:
    """Return dtype if it is a working precision of the spine."""
    if dtype not in UNIT_ROUNDOFF:
        raise ValueError(
            f"dtype must be one of {sorted(UNIT_ROUNDOFF)}, got {dtype!r}; factors of any dtype promote to it."
        )
    return dtype


def check_finite(name: str, value: float, *, least: float = -math.inf, strict: bool = False) -> None:
    """Raise unless value is a finite number at or above (strict: above) least."""
    ok = isinstance(value, (int, float)) or hasattr(value, "__float__")
    ok = ok and math.isfinite(value) and (value > least if strict else value >= least)
    if not ok:
        bound = "finite" if least == -math.inf else f"finite and {'>' if strict else '>='} {least:g}"
        raise ValueError(f"{name} must be a number that is {bound}, got {value!r}; choose another value.")


class Pointwise(Rule):
    """phi applied to every entry of B A, formed in the working dtype."""

    @abstractmethod
    def _phi(self, x: Array, *, rows: int) -> Array:
        """Return phi at every entry of x (..., rows, n)."""

    @abstractmethod
    def _slope(self, peak: Any, *, rows: int) -> Any:
        """Return a Lipschitz constant of phi on [-peak, peak]."""

    def _at_zero(self) -> float:
        """Return |phi(0)|."""
        return 0.0

    def __call__(self, factors: Factors, *, dtype: str = "float64") -> Array:
        """Return phi(B A), shape (*batch, m, n), in the working dtype."""
        check_dtype(dtype)
        step = max(1, BLOCK // factors.n)
        if factors.batch_shape or step >= factors.m or not is_numpy_array(factors.B):
            return self._phi(factors.product(dtype=dtype), rows=factors.m)
        wide = factors.to(dtype=dtype)  # a large update takes its own memory and no more: a few rows at a time
        update = np.empty((factors.m, factors.n), dtype=dtype)
        for rows in (slice(i, i + step) for i in range(0, factors.m, step)):
            update[rows] = self._phi(wide.B[rows] @ wide.A, rows=factors.m)
        return update

    def forming_error(self, factors: Factors, *, dtype: str = "float64") -> Any:
        """Return a bound, shape (*batch,), on the Frobenius norm of the rounding errors in phi(B A).

        Barring underflow. Casting and multiplying: |fl(BA) - BA| <= (r + 3) u |B| |A| entrywise (Higham 2002,
        section 3.5), times phi's Lipschitz constant; then what evaluating phi adds.
        """
        u = UNIT_ROUNDOFF[check_dtype(dtype)]
        slope = self._slope(factors.peak(), rows=factors.m)
        return (factors.r + 3) * u * slope * factors.norm_product() + self._evaluation_error(factors, u)

    def _evaluation_error(self, factors: Factors, u: float) -> Any:
        """Return a bound on evaluating phi: six rounding errors of its size, at most slope * |BA| + |phi(0)|."""
        slope = self._slope(factors.peak(), rows=factors.m)
        spread = math.sqrt(factors.m * factors.n)
        return 6 * u * (slope * factors.norm_product() + self._at_zero() * spread)
