"""Activation: a standard nonlinearity at every entry of B A, for comparison with the sine."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, final

import numpy as np
from array_api_compat import is_torch_array

from rankkit.checks import finite
from rankkit.factors import Array, namespace
from rankkit.rules.rule import Pointwise

__all__ = ["Activation"]


class _Function(NamedTuple):
    """A nonlinearity act(x, parameter), its largest slope, and |act(0)|."""

    of: Callable[[Array, float], Array]
    slope: float
    at_zero: float


def _positive(x: Array) -> Array:
    return 0.5 * (x + namespace(x).abs(x))


def _relu(x: Array, _: float) -> Array:
    return _positive(x)


def _leaky_relu(x: Array, slope: float) -> Array:
    return _positive(x) - slope * _positive(-x)


def _sigmoid(x: Array, _: float = 0.0) -> Array:
    return 0.5 * (1 + namespace(x).tanh(0.5 * x))


def _tanh(x: Array, _: float) -> Array:
    return namespace(x).tanh(x)


def _swish(x: Array, beta: float) -> Array:
    return x * _sigmoid(beta * x)


def _gelu(x: Array, _: float) -> Array:
    return 0.5 * x * (1 + _erf(x * math.sqrt(0.5)))


def _erf(x: Array) -> Array:
    if is_torch_array(x):
        return x.erf()
    from scipy.special import erf

    return erf(np.asarray(x))


# the largest slopes of swish, x sigmoid(x), and of gelu, x Phi(x), are 1.0998 and 1.1289: rounded up here
_ACTIVATIONS = {
    "relu": _Function(_relu, 1.0, 0.0),
    "leaky_relu": _Function(_leaky_relu, 1.0, 0.0),
    "sigmoid": _Function(_sigmoid, 0.25, 0.5),
    "tanh": _Function(_tanh, 1.0, 0.0),
    "swish": _Function(_swish, 1.1, 0.0),
    "gelu": _Function(_gelu, 1.13, 0.0),
}


@final
@dataclass(frozen=True)
class Activation(Pointwise):
    """A standard nonlinearity: delta = scale act(omega B A), for comparison with the sine.

    Parameters
    ----------
    name : {"relu", "leaky_relu", "sigmoid", "tanh", "swish", "gelu"}
        gelu is the exact one, with erf.
    omega : float
        Factor of B A inside the nonlinearity, >= 0.
    beta : float
        Used by swish alone, which is x sigmoid(beta x); >= 0.
    slope : float
        Used by leaky_relu alone: its slope for x < 0, within [-1, 1].
    scale : float
        The factor in front.

    Raises
    ------
    ValueError
        If name is none of these, or a parameter is out of its range.
    """

    name: str
    omega: float = 1.0
    beta: float = 1.0
    slope: float = 0.01
    scale: float = 1.0

    def __post_init__(self) -> None:
        if self.name not in _ACTIVATIONS:
            raise ValueError(f"name must be one of {', '.join(_ACTIVATIONS)}, got {self.name!r}.")
        finite("omega", self.omega, least=0)
        finite("beta", self.beta, least=0)
        finite("slope", self.slope)
        finite("scale", self.scale)
        if abs(self.slope) > 1:
            raise ValueError(f"slope must lie in [-1, 1], got {self.slope!r}; leaky_relu's usual value is 0.01.")

    @property
    def angular_frequency(self) -> float:
        """The parameter omega."""
        return float(self.omega)

    def _phi(self, x: Array, *, rows: int) -> Array:
        """Return scale act(omega x)."""
        parameter = self.slope if self.name == "leaky_relu" else self.beta
        return float(self.scale) * _ACTIVATIONS[self.name].of(float(self.omega) * x, parameter)

    def _slope(self, peak: Any, *, rows: int) -> float:
        """Return |scale| omega times the activation's largest slope."""
        return abs(float(self.scale)) * float(self.omega) * _ACTIVATIONS[self.name].slope

    def _at_zero(self) -> float:
        """Return |scale act(0)|."""
        return abs(float(self.scale)) * _ACTIVATIONS[self.name].at_zero
