"""Elementwise rules: delta_ij = phi((B A)_ij) for a fixed one-dimensional phi."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from array_api_compat import is_torch_array

from rankkit.factors import Array, Factors, namespace
from rankkit.rules.base import UNIT_ROUNDOFF, Pointwise, Rule, check_dtype, check_finite
from rankkit.rules.sine_function import sin

__all__ = ["Activation", "Elementwise", "Linear", "Sine", "Sinter"]


@final
@dataclass(frozen=True)
class Linear(Rule):
    """Plain LoRA: delta = scale * B A, returned as Factors.

    Examples
    --------
    >>> import numpy as np
    >>> Linear(scale=2.0)(Factors(np.ones((3, 1)), np.ones((1, 2)))).product().tolist()
    [[2.0, 2.0], [2.0, 2.0], [2.0, 2.0]]
    """

    scale: float = 1.0

    def __post_init__(self) -> None:
        check_finite("scale", self.scale)

    def __call__(self, factors: Factors, *, dtype: str = "float64") -> Factors:
        """Return Factors of scale * B A. In float64 stored factors are kept as they are: no cast changes them."""
        wide = factors if check_dtype(dtype) == "float64" else factors.to(dtype=dtype)
        return wide if self.scale == 1 else wide.scaled(self.scale).to(dtype=None if dtype == "float64" else dtype)

    def forming_error(self, factors: Factors, *, dtype: str = "float64") -> Any:
        """Return a bound, shape (*batch,), on what casting and scaling the factors did to B A.

        Zero in float64: there the only rounding is one relative error an entry of one factor, of the same kind as,
        and contained in, the relative error that the factored solver states.
        """
        if check_dtype(dtype) == "float64":
            return np.zeros(factors.batch_shape)
        return 3 * UNIT_ROUNDOFF[dtype] * abs(self.scale) * factors.norm_product()


@final
@dataclass(frozen=True)
class Sine(Pointwise):
    """Sine-LoRA: delta = sin(omega B A) / gain (sine-LoRA paper, eq. 3).

    Parameters
    ----------
    omega : float
        Frequency, >= 0, in radians per unit of B A.
    gain : float, optional
        Divisor. None: sqrt(m), the root of the number of rows.

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
        check_finite("omega", self.omega, least=0)
        if self.gain is not None:
            check_finite("gain", self.gain, least=0, strict=True)

    def _phi(self, x: Array, *, rows: int) -> Array:
        """Return sin(omega x) / gain."""
        return sin(x * float(self.omega)) / self._gain(rows)

    def _slope(self, peak: Any, *, rows: int) -> float:
        """Return omega / gain."""
        return float(self.omega) / self._gain(rows)

    def _gain(self, rows: int) -> float:
        return math.sqrt(rows) if self.gain is None else float(self.gain)


@final
@dataclass(frozen=True)
class Sinter(Pointwise):
    """LoRAN's Sinter: delta = scale (x + amplitude x sin(omega x)) at x = B A (LoRAN paper; scale: alpha / r)."""

    amplitude: float = 5e-5
    omega: float = 1e4
    scale: float = 1.0

    def __post_init__(self) -> None:
        check_finite("scale", self.scale)
        check_finite("amplitude", self.amplitude)
        check_finite("omega", self.omega, least=0)

    def _phi(self, x: Array, *, rows: int) -> Array:
        """Return scale (x + amplitude x sin(omega x))."""
        return (x + float(self.amplitude) * x * sin(x * float(self.omega))) * float(self.scale)

    def _slope(self, peak: Any, *, rows: int) -> Any:
        """Return |scale| (1 + |amplitude| (1 + omega peak)): phi is not Lipschitz on the whole line."""
        return abs(self.scale) * (1 + abs(self.amplitude) * (1 + self.omega * peak))


def _sigmoid(x: Array) -> Array:
    return 0.5 * (1 + namespace(x).tanh(0.5 * x))


def _erf(x: Array) -> Array:
    if is_torch_array(x):
        return x.erf()
    from scipy.special import erf

    return erf(x)


def _positive(x: Array) -> Array:
    return 0.5 * (x + namespace(x).abs(x))


# name -> (phi(x, parameter), Lipschitz constant, |phi(0)|); the constants of swish and gelu are the
# largest slopes of x sigmoid(x) and x Phi(x), rounded up
_ACTIVATIONS: dict[str, tuple[Callable[[Array, float], Array], float, float]] = {
    "relu": (lambda x, _: _positive(x), 1.0, 0.0),
    "leaky_relu": (lambda x, slope: _positive(x) - slope * _positive(-x), 1.0, 0.0),
    "sigmoid": (lambda x, _: _sigmoid(x), 0.25, 0.5),
    "tanh": (lambda x, _: namespace(x).tanh(x), 1.0, 0.0),
    "swish": (lambda x, beta: x * _sigmoid(beta * x), 1.1, 0.0),
    "gelu": (lambda x, _: 0.5 * x * (1 + _erf(x * math.sqrt(0.5))), 1.13, 0.0),
}


@final
@dataclass(frozen=True)
class Activation(Pointwise):
    """A standard nonlinearity: delta = act(omega B A), for comparison with the sine.

    Parameters
    ----------
    name : str
        "relu", "leaky_relu", "sigmoid", "tanh", "swish" or "gelu" (the exact one, with erf).
    omega : float
        Factor inside, >= 0.
    beta : float
        swish is x sigmoid(beta x).
    slope : float
        leaky_relu's slope for x < 0, within [-1, 1].
    """

    name: str
    omega: float = 1.0
    beta: float = 1.0
    slope: float = 0.01

    def __post_init__(self) -> None:
        if self.name not in _ACTIVATIONS:
            raise ValueError(f"name must be one of {', '.join(_ACTIVATIONS)}, got {self.name!r}.")
        check_finite("omega", self.omega, least=0)
        check_finite("beta", self.beta, least=0)
        check_finite("slope", self.slope)
        if abs(self.slope) > 1:
            raise ValueError(f"slope must lie in [-1, 1], got {self.slope!r}; leaky_relu's usual value is 0.01.")

    def _phi(self, x: Array, *, rows: int) -> Array:
        """Return act(omega x)."""
        parameter = self.slope if self.name == "leaky_relu" else self.beta
        return _ACTIVATIONS[self.name][0](float(self.omega) * x, parameter)

    def _slope(self, peak: Any, *, rows: int) -> float:
        """Return omega times the activation's largest slope."""
        return float(self.omega) * _ACTIVATIONS[self.name][1]

    def _at_zero(self) -> float:
        """Return |act(0)|."""
        return _ACTIVATIONS[self.name][2]


@final
@dataclass(frozen=True)
class Elementwise(Pointwise):
    """A user's own phi: delta = fn(B A).

    Parameters
    ----------
    fn : callable
        Maps an array to an array of the same shape, entry by entry.
    lipschitz : float
        A Lipschitz constant of fn on the entries it will meet; the update's noise floor rests on it.

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
        check_finite("lipschitz", self.lipschitz, least=0)

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
