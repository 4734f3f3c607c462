"""Spectrum: the singular values of an update, and how far each can be trusted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from rankkit import solvers
from rankkit.factors import Array, Factors, float_matrix, host, namespace
from rankkit.products import Kronecker
from rankkit.solvers.base import energy as squared_norm
from rankkit.solvers.base import error_of

__all__ = ["Spectrum", "spectrum_of"]

# below this share of min(m, n) the leading values alone are cheaper by Krylov than by a full SVD
_KRYLOV_SHARE = 1 / 16
KRYLOV_TOL = 1e-9  # relative to sigma_1, where tol asks for no less
LOOSEST = 1e-3


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Singular values of an update (or of a batch), as float64 numpy arrays.

    Attributes
    ----------
    values : array, shape (*batch, k)
        Descending.
    shape : tuple of int
        (m, n) of the update.
    complete : bool
        True: every singular value that is not listed is exactly zero. False: the listed ones are
        the largest, the others are unknown.
    energy : array, shape (*batch,)
        Squared Frobenius norm, known also where the spectrum is truncated.
    noise_floor : array, shape (*batch,) or (*batch, k)
        Absolute error bound, one for every value or one for each: decomposing plus forming.
    relative_error : array, shape (*batch,)
        Relative bound where one is known (factored updates), else inf: the smaller bound counts.

    Examples
    --------
    >>> Spectrum([3.0, 1.0], shape=(4, 4), complete=True, energy=10.0, noise_floor=1e-15).error.tolist()
    [1e-15, 1e-15]
    """

    values: Any
    shape: tuple[int, int]
    complete: bool
    energy: Any
    noise_floor: Any
    relative_error: Any = math.inf

    def __post_init__(self) -> None:
        for name in ("values", "energy", "noise_floor", "relative_error"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=np.float64))
        if self.values.ndim < 1 or np.any(np.diff(self.values, axis=-1) > 0) or np.any(self.values < 0):
            raise ValueError("values must be singular values in descending order along the last axis; sort them.")

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """Leading axes; () for a single update."""
        return self.values.shape[:-1]

    @property
    def error(self) -> Any:
        """Bound on |computed - true| of every value, shape (*batch, k)."""
        return error_of(self.values, self.noise_floor, self.relative_error)


def spectrum_of(
    update: Factors | Kronecker | Array, *, top: int | None = None, forming_error: Any = 0.0, tol: float = 0.0
) -> Spectrum:
    """Return the singular values of an update, by the route its type allows.

    Factors and their Kronecker products take the exact r x r route, an array the dense SVD in float64; with `top`
    an array's leading values come from a Krylov method where that is cheaper.

    Parameters
    ----------
    update : Factors, Kronecker or array, shape (*batch, m, n)
        What a rule returned, or any matrix of finite real floats.
    top : int, optional
        Only the `top` largest values; the result is then truncated.
    forming_error : float or array, shape (*batch,)
        `rule.forming_error(factors)`: what rounding did to the update before it came here. It joins
        the noise floor.
    tol : float
        Largest error of a value, relative to sigma_1, that will do. Above 0 a large array is not decomposed where its
        Gram matrix, or with `top` fewer Krylov steps, are accurate enough: several times faster, every value's error
        in the result. At most 1e-3.

    Raises
    ------
    TypeError, ValueError
        If update is not a finite float matrix, top is not in 1..min(m, n), forming_error is negative, or tol is not
        within [0, 1e-3].

    Examples
    --------
    >>> import numpy as np
    >>> spectrum_of(np.diag([3.0, 2.0])).values.round(12).tolist()
    [3.0, 2.0]
    """
    structured = isinstance(update, (Factors, Kronecker))
    m, n = update.shape[-2:] if structured else float_matrix("update", update).shape[-2:]
    if top is not None and not (isinstance(top, (int, np.integer)) and 1 <= top <= min(m, n)):
        raise ValueError(f"top must be an integer in 1..min(m, n) = 1..{min(m, n)}, got {top!r}.")
    if not 0 <= tol <= LOOSEST:
        raise ValueError(f"tol must lie in [0, {LOOSEST:g}], got {tol!r}; 0 asks for all that float64 can tell.")
    formed = np.asarray(host(forming_error) if hasattr(forming_error, "shape") else forming_error, dtype=np.float64)
    if not np.all(formed >= 0):
        raise ValueError(f"forming_error must be >= 0, got {forming_error!r}; pass rule.forming_error(factors).")

    if structured:
        solution = solvers.structured(update)
        whole = solution.values.shape[-1]
        energy = np.sum(solution.values**2, axis=-1)
    else:
        xp, whole = namespace(update), min(m, n)
        few = top is not None and top <= _KRYLOV_SHARE * whole
        if few and top:
            solution = solvers.leading(update, int(top), tol=max(tol, KRYLOV_TOL))
        else:
            solution = solvers.economical(update, tol) if tol else solvers.dense(update)
        energy = squared_norm(xp.astype(update, xp.float64, copy=False))
    keep = whole if top is None else min(int(top), whole)
    floor, relative = solution.noise_floor, np.where(formed > 0, np.inf, solution.relative_error)
    if floor.ndim == solution.values.ndim:
        floor, formed = floor[..., :keep], formed[..., None]
    return Spectrum(solution.values[..., :keep], (m, n), keep == whole, energy, floor + formed, relative)
