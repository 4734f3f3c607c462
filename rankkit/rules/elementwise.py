"""Elementwise rules: delta_ij = phi((B A)_ij) for a fixed one-dimensional phi."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from rankkit.checks import finite
from rankkit.factors import Array, Factors
from rankkit.rules.rule import UNIT_ROUNDOFF, Pointwise, Rule, check_dtype
from rankkit.rules.sine_function import sin

__all__ = ["Elementwise", "Linear", "Sine", "Sinter"]

CASTS_AND_SCALE = 3  # roundings of an entry of the product: a cast of either factor, and the scale


@final
@dataclass(frozen=True)
class Linear(Rule):
    """Plain LoRA: delta = scale * B A, returned as Factors.

    Parameters
    ----------
    scale : float
        For LoRA alpha / r.

    Examples
    --------
    >>> import numpy as np
    >>> Linear(scale=2.0)(Factors(np.ones((3, 1)), np.ones((1, 2)))).product().tolist()
    [[2.0, 2.0], [2.0, 2.0], [2.0, 2.0]]
    """

    scale: float = 1.0

    def __post_init__(self) -> None:
        finite("scale", self.scale)

    @property
    def linear(self) -> bool:
        """Always True: the update is scale times B A."""
        return True

    def __call__(self, factors: Factors, *, dtype: str = "float64") -> Factors:
        """Return Factors of scale * B A; in float64 the stored factors are kept, since no cast changes their values."""
        wide = factors if check_dtype(dtype) == "float64" else factors.to(dtype=dtype)
        return wide if self.scale == 1 else wide.scaled(self.scale).to(dtype=None if dtype == "float64" else dtype)

    def forming_error(self, factors: Factors, *, dtype: str = "float64") -> Any:
        """Return an upper bound, shape (*batch,), on what casting and scaling the factors did to B A.

        The bound is zero in float64. There the only rounding is one relative error per entry of one factor, which the
        relative error that the factored solver states already covers.
        """
        if check_dtype(dtype) == "float64":
            return np.zeros(factors.batch_shape)
        return CASTS_AND_SCALE * UNIT_ROUNDOFF[dtype] * abs(self.scale) * factors.norm_product()


@final
@dataclass(frozen=True)
class Sine(Pointwise):
    """Sine-LoRA: delta = sin(omega B A) / gain (sine-LoRA paper, eq. 3).

    Parameters
    ----------
    omega : float
        Angular frequency, >= 0, in radians per unit of B A.
    gain : float, optional
        Divisor, > 0; None: sqrt(m), the square root of the number of rows.

    Examples
    --------
    >>> import numpy as np
    >>> update = Sine(omega=np.pi / 2)(Factors(np.ones((4, 1)), np.ones((1, 4))))
    >>> float(update[0, 0])
    0.5
    """

    omega: float
    gain: float | None = None

    def __post_init__(self) -> None:
        finite("omega", self.omega, least=0)
        if self.gain is not None:
            finite("gain", self.gain, least=0, strict=True)

    @property
    def angular_frequency(self) -> float:
        """The parameter omega."""
        return float(self.omega)

    @property
    def oscillates(self) -> bool:
        """Always True: phi oscillates with omega."""
        return True

    def _phi(self, x: Array, *, rows: int) -> Array:
        """Return sin(omega x) / gain."""
        return sin(x, float(self.omega), self._gain(rows))

    def _slope(self, peak: Any, *, rows: int) -> float:
        """Return omega / gain."""
        return float(self.omega) / self._gain(rows)

    def _gain(self, rows: int) -> float:
        return math.sqrt(rows) if self.gain is None else float(self.gain)


@final
@dataclass(frozen=True)
class Sinter(Pointwise):
    """LoRAN's Sinter: delta = scale (x + amplitude x sin(omega x)) at x = B A (LoRAN paper).

    Parameters
    ----------
    amplitude : float
        Of the sine, relative to x; the paper's default.
    omega : float
        Angular frequency, >= 0, in radians per unit of B A; the paper's default.
    scale : float
        For LoRAN alpha / r.
    """

    amplitude: float = 5e-5
    omega: float = 1e4
    scale: float = 1.0

    def __post_init__(self) -> None:
        finite("scale", self.scale)
        finite("amplitude", self.amplitude)
        finite("omega", self.omega, least=0)

    @property
    def angular_frequency(self) -> float:
        """The parameter omega."""
        return float(self.omega)

    @property
    def oscillates(self) -> bool:
        """Always True: phi oscillates with omega."""
        return True

    def _phi(self, x: Array, *, rows: int) -> Array:
        """Return scale (x + amplitude x sin(omega x))."""
        return (x + float(self.amplitude) * x * sin(x, float(self.omega))) * float(self.scale)

    def _slope(self, peak: Any, *, rows: int) -> Any:
        """Return |scale| (1 + |amplitude| (1 + omega peak)): phi is not Lipschitz on the whole line."""
        return abs(self.scale) * (1 + abs(self.amplitude) * (1 + self.omega * peak))


@final
@dataclass(frozen=True)
class Elementwise(Pointwise):
    """A function of the user's own: delta = fn(B A).

    Parameters
    ----------
    fn : callable
        Maps an array to an array of the same shape, entry by entry.
    lipschitz : float
        A Lipschitz constant of fn, >= 0, on the entries of B A. The noise floor of the update rests on it.

    Raises
    ------
    TypeError
        If fn is not callable.
    ValueError
        If lipschitz is not a finite number >= 0. A call raises it if fn returns another shape.

    Examples
    --------
    >>> import numpy as np
    >>> Elementwise(np.arctan, lipschitz=1.0)(Factors(np.zeros((2, 1)), np.ones((1, 2)))).tolist()
    [[0.0, 0.0], [0.0, 0.0]]
    """

    fn: Callable[[Array], Array]
    lipschitz: float

    def __post_init__(self) -> None:
        if not callable(self.fn):
            raise TypeError(f"fn must be callable, got {type(self.fn).__name__}; pass a function of an array.")
        finite("lipschitz", self.lipschitz, least=0)

    def _phi(self, x: Array, *, rows: int) -> Array:
        y = self.fn(x)
        if getattr(y, "shape", None) != x.shape:
            raise ValueError(
                f"fn must return an array of its input's shape {tuple(x.shape)}, got {getattr(y, 'shape', y)!r}."
            )
        return y

    def _slope(self, peak: Any, *, rows: int) -> float:
        return float(self.lipschitz)

    def _at_zero(self) -> float:
        return float(abs(self.fn(np.zeros((1, 1)))[0, 0]))
