"""AdaSine-LoRA: the frequency depends on the input, so that the update is a function and not a matrix.

The function is x -> sin(omega(x) s B A x) / g with omega(x) = omega0 sigmoid(W x) (AdaSine-LoRA paper, eqs. 4 and 8).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NoReturn, final

from rankkit.checks import finite
from rankkit.factors import Array, Factors, device_of, host, namespace
from rankkit.rules.elementwise import Sine
from rankkit.rules.rule import Rule

__all__ = ["AdaSine"]

_NO_UPDATE = (
    "AdaSine has no weight update, since its frequency depends on the input; use response(factors, X), "
    "jacobian(factors, x), or at(x) for the matrix-centric rule at one input."
)


@final
@dataclass(frozen=True, eq=False)
class AdaSine(Rule):
    """The sine whose frequency depends on the input. It has a response and a Jacobian, but no weight update.

    Such a rule has no `angular_frequency`; `frequency(X)` gives the frequency of each input.

    Parameters
    ----------
    omega0 : float
        Upper bound on the frequency, > 0, in radians per unit of B A x.
    W : array, shape (n,) or (1, n)
        The learned row that sets the frequency of an input.
    gain : float, optional
        Divisor g, > 0; None: sqrt(m), the square root of the number of outputs.
    scale_inside : bool
        Whether s = 1 / sqrt(n) stands inside the sine, as in the paper's experiments (appendix, extended setup);
        otherwise s = 1.

    Raises
    ------
    ValueError
        If omega0 or gain is not a positive finite number, or W is not one finite row.

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
        finite("omega0", self.omega0, least=0, strict=True)
        if self.gain is not None:
            finite("gain", self.gain, least=0, strict=True)
        row = host(self.W)
        row = row[0] if row.ndim == 2 and row.shape[0] == 1 else row
        if row.ndim != 1 or row.size < 1 or not all(map(math.isfinite, row)):
            raise ValueError(
                f"W must be one finite row of length n, got shape {row.shape}; each input has one frequency."
            )
        object.__setattr__(self, "W", row)

    def __call__(self, factors: Factors, *, dtype: str = "float64") -> NoReturn:
        """Raise TypeError, since there is no weight update to return."""
        raise TypeError(_NO_UPDATE)

    def forming_error(self, factors: Factors, *, dtype: str = "float64") -> NoReturn:
        """Raise TypeError, since there is no weight update to form."""
        raise TypeError(_NO_UPDATE)

    def frequency(self, X: Array) -> Array:
        """Return the frequency omega(x) = omega0 sigmoid(W x) of every input, between 0 and omega0.

        Parameters
        ----------
        X : array, shape (*batch, n)
            Inputs, one per row.

        Returns
        -------
        array, shape (*batch,)
            In radians per unit of B A x. `scale_inside` does not enter here.

        Raises
        ------
        ValueError
            If the last axis of X is not as long as W.
        """
        xp, inputs = namespace(X), self._inputs(X)
        return self.omega0 * 0.5 * (1 + xp.tanh(0.5 * (inputs @ xp.asarray(self.W, device=device_of(inputs)))))

    def response(self, factors: Factors, X: Array) -> Array:
        """Return the output sin(omega(x) s B A x) / g for every input.

        Parameters
        ----------
        factors : Factors
            One pair without batch axes.
        X : array, shape (*batch, n)
            Inputs, one per row.

        Returns
        -------
        array, shape (*batch, m)

        Raises
        ------
        ValueError
            If factors is a batch, or factors or X do not have as many columns as W.
        """
        xp = namespace(X)
        wide, inputs = factors.to(dtype="float64"), self._inputs(X)
        self._check(factors)
        inner = (inputs @ xp.matrix_transpose(wide.A)) @ xp.matrix_transpose(wide.B)
        return xp.sin(self.frequency(inputs)[..., None] * self._inside() * inner) / self._gain(factors)

    def jacobian(self, factors: Factors, x: Array) -> Factors:
        """Return the derivative of the response at one input, as Factors of an (m, n) matrix.

        J = diag(cos(u)) B (omega(x) A + A x grad omega^T) s / g with u = omega(x) s B A x and
        grad omega = omega (1 - omega / omega0) W. Its rank is at most r, since A x enters through B as well.
        `spectrum_of` gives its singular values, and `numerical_rank` its rank.

        Parameters
        ----------
        factors : Factors
            One pair without batch axes.
        x : array, shape (n,)
            One input.

        Returns
        -------
        Factors
            B is (m, r) and A is (r, n).

        Raises
        ------
        ValueError
            If factors is a batch, x is not one input, or their columns are not as many as those of W.
        """
        xp = namespace(x)
        wide, point = factors.to(dtype="float64"), self._inputs(x)
        self._check(factors)
        if point.ndim != 1:
            raise ValueError(f"x must be one input of shape (n,), got {tuple(point.shape)}; call jacobian for each.")
        omega = self.frequency(point)
        gradient = omega * (1 - omega / self.omega0) * xp.asarray(self.W, device=device_of(point))
        low = wide.A @ point
        cosine = xp.cos(omega * self._inside() * (wide.B @ low))
        left = cosine[:, None] * wide.B * (self._inside() / self._gain(factors))
        return Factors(left, omega * wide.A + low[:, None] * gradient[None, :])

    def at(self, x: Array | float) -> Sine:
        """Return the matrix-centric rule sin(omega s B A) / g at one input, or at a frequency.

        Parameters
        ----------
        x : array, shape (n,), or float
            One input, whose frequency is taken; or the frequency omega itself, >= 0.

        Returns
        -------
        Sine
            Its `omega` is omega(x) s, so it includes 1 / sqrt(n) where scale_inside is set.

        Raises
        ------
        ValueError
            If the input does not have as many entries as W, or the frequency is negative or not finite.
        """
        omega = float(x) if isinstance(x, (int, float)) else float(self.frequency(x))
        return Sine(omega * self._inside(), gain=self.gain)

    def _inside(self) -> float:
        return 1 / math.sqrt(self.W.size) if self.scale_inside else 1.0

    def _gain(self, factors: Factors) -> float:
        return math.sqrt(factors.m) if self.gain is None else float(self.gain)

    def _inputs(self, X: Array) -> Array:
        """Return inputs in float64, if they have as many entries as W."""
        xp = namespace(X)
        if X.ndim < 1 or X.shape[-1] != self.W.size:
            raise ValueError(f"inputs must have shape (*batch, {self.W.size}) as W has, got {tuple(X.shape)}.")
        return xp.astype(X, xp.float64)

    def _check(self, factors: Factors) -> None:
        if factors.n != self.W.size or factors.batch_shape:
            raise ValueError(f"factors must be one pair with n = {self.W.size} columns as W has, got {factors}.")
