"""Rule: the one abstract step of the spine, Factors -> update."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from rankkit.factors import Array, Factors

__all__ = ["UNIT_ROUNDOFF", "Rule"]

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
