"""AdaSine-LoRA: a frequency that depends on the input, so that the update is a function and no matrix.

x -> sin(omega(x) s B A x) / g with omega(x) = omega0 sigmoid(w x) (AdaSine-LoRA paper, eqs. 4 and 8).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NoReturn, final

from array_api_compat import device

from rankkit.factors import Array, Factors, host, namespace
from rankkit.rules.base import Rule, check_finite
from rankkit.rules.elementwise import Sine

__all__ = ["AdaSine"]

_NO_UPDATE = (
    "AdaSine has no weight update, since its frequency depends on the input; use response(factors, X), "
    "jacobian(factors, x), or at(x) for the matrix-centric rule at one input."
)


@final
@dataclass(frozen=True, eq=False)
class AdaSine(Rule):
    """The input-dependent sine: it has a response and a Jacobian at an input, but no weight update.

    Parameters
    ----------
    omega0 : float
        Largest frequency, > 0.
    W : array, shape (n,) or (1, n)
        The learned row that sets an input's frequency.
    gain : float, optional
        Divisor g. None: sqrt(m), the root of the number of outputs.
    scale_inside : bool
        Put 1 / sqrt(n) inside the sine, as the paper's experiments do (appendix, extended setup).

    Examples
    --------
    >>> import numpy as np
    >>> rule = AdaSine(omega0=2.0, W=np.zeros(3))
    >>> float(rule.frequency(np.ones(3)))
    1.0
    """

    omega0: float
    W: Any
    gain: float | None = None
    scale_inside: bool = False

    def __post_init__(self) -> None:
        check_finite("omega0", self.omega0, least=0, strict=True)
        if self.gain is not None:
            check_finite("gain", self.gain, least=0, strict=True)
        row = host(self.W)
        row = row[0] if row.ndim == 2 and row.shape[0] == 1 else row
        if row.ndim != 1 or row.size < 1 or not all(map(math.isfinite, row)):
            raise ValueError(f"W must be one finite row of length n, got shape {row.shape}; one frequency an input.")
        object.__setattr__(self, "W", row)

    def __call__(self, factors: Factors, *, dtype: str = "float64") -> NoReturn:
        """Raise: there is no weight update to return."""
        raise TypeError(_NO_UPDATE)

    def forming_error(self, factors: Factors, *, dtype: str = "float64") -> NoReturn:
        """Raise: there is no weight update to form."""
        raise TypeError(_NO_UPDATE)

    def frequency(self, X: Array) -> Array:
        """Return omega(x) = omega0 sigmoid(W x), shape (*batch,), for inputs X (*batch, n)."""
        xp = namespace(X)
        X = self._input(X)
        return self.omega0 * 0.5 * (1 + xp.tanh(0.5 * (X @ xp.asarray(self.W, device=device(X)))))

    def response(self, factors: Factors, X: Array) -> Array:
        """Return sin(omega(x) s B A x) / g, shape (*batch, m), for inputs X (*batch, n); s is 1 or 1 / sqrt(n)."""
        xp = namespace(X)
        wide, X = factors.to(dtype="float64"), self._input(X)
        self._check(factors)
        inner = (X @ xp.matrix_transpose(wide.A)) @ xp.matrix_transpose(wide.B)
        return xp.sin(self.frequency(X)[..., None] * self._inside() * inner) / self._gain(factors)

    def jacobian(self, factors: Factors, x: Array) -> Factors:
        """Return the derivative of the response at one input x (n,), as Factors of an (m, n) matrix.

        J = diag(cos(u)) B (omega(x) A + A x grad omega^T) s / g with u = omega(x) s B A x and
        grad omega = omega (1 - omega / omega0) W: its rank is at most r, since A x enters through B too.
        `spectrum_of` gives its singular values, `numerical_rank` its rank.
        """
        xp = namespace(x)
        wide, x = factors.to(dtype="float64"), self._input(x)
        self._check(factors)
        if x.ndim != 1:
            raise ValueError(f"x must be one input of shape (n,), got {tuple(x.shape)}; call jacobian for each.")
        omega = self.frequency(x)
        gradient = omega * (1 - omega / self.omega0) * xp.asarray(self.W, device=device(x))
        low = wide.A @ x
        cosine = xp.cos(omega * self._inside() * (wide.B @ low))
        left = cosine[:, None] * wide.B * (self._inside() / self._gain(factors))
        return Factors(left, omega * wide.A + low[:, None] * gradient[None, :])

    def at(self, x: Array | float) -> Sine:
        """Return the matrix-centric rule sin(omega B A) / g at one input x (n,), or at a frequency omega.

        With scale_inside its frequency is omega(x) / sqrt(n).
        """
        omega = float(x) if isinstance(x, (int, float)) else float(self.frequency(x))
        return Sine(omega * self._inside(), gain=self.gain)

    def _inside(self) -> float:
        return 1 / math.sqrt(self.W.size) if self.scale_inside else 1.0

    def _gain(self, factors: Factors) -> float:
        return math.sqrt(factors.m) if self.gain is None else float(self.gain)

    def _input(self, X: Array) -> Array:
        xp = namespace(X)
        if X.ndim < 1 or X.shape[-1] != self.W.size:
            raise ValueError(f"inputs must have shape (*batch, {self.W.size}) as W has, got {tuple(X.shape)}.")
        return xp.astype(X, xp.float64)

    def _check(self, factors: Factors) -> None:
        if factors.n != self.W.size or factors.batch_shape:
            raise ValueError(f"factors must be one pair with n = {self.W.size} columns as W has, got {factors!r}.")
