"""Spectrum: the singular values of an update, and how far each can be trusted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from rankkit.checks import finite, integer
from rankkit.factors import Array, Factors, float_matrix, namespace
from rankkit.products import Kronecker
from rankkit.report.inline import html_summary, text_summary
from rankkit.solvers.dense import dense
from rankkit.solvers.economical import economical
from rankkit.solvers.kronecker import structured
from rankkit.solvers.leading import leading
from rankkit.solvers.solution import Solution, error_of, formed_error
from rankkit.solvers.solution import energy as squared_norm

__all__ = ["Spectrum", "checked", "spectrum_of"]

KRYLOV_SHARE = 1 / 16  # of min(m, n): so few leading values are cheaper by a Krylov method than by a full SVD
KRYLOV_TOL = 1e-9  # relative to sigma_1: how accurate a Krylov method is where tol asks for no less
LOOSEST = 1e-3  # largest tol: beyond it an error would show in tables of four digits


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Singular values of an update, or of a batch of updates, as float64 numpy arrays.

    Attributes
    ----------
    values : array, shape (*batch, k)
        Descending.
    shape : tuple of int
        (m, n) of the update.
    complete : bool
        True: every singular value that is not listed is exactly zero. False: the listed ones are the largest, and the
        others are unknown.
    energy : array, shape (*batch,)
        Squared Frobenius norm, which is known for a truncated spectrum too.
    noise_floor : array, shape (*batch,) or (*batch, k)
        Absolute error bound of decomposing and forming the update together: one for all values, or one for each.
    relative_error : array, shape (*batch,)
        Relative error bound where one is known (factored updates), else inf. The smaller bound holds.

    Raises
    ------
    ValueError
        If values are negative or not in descending order.

    Examples
    --------
    >>> some = Spectrum([3.0, 1.0], shape=(4, 4), complete=True, energy=10.0, noise_floor=1e-15)
    >>> some.error.tolist()
    [1e-15, 1e-15]
    >>> some
    Spectrum of a 4 x 4 update: 2 singular values, all others are zero.
      sigma_1 = 3, noise floor 1e-15
      rankkit.metrics.stable_rank(spectrum) and its neighbours give one number per update
    i  sigma_i  error
    1        3  1e-15
    2        1  1e-15
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
        """Shape of the leading axes; () for a single update."""
        return self.values.shape[:-1]

    @property
    def error(self) -> Array:
        """Bound on |computed - true| of every value, shape (*batch, k)."""
        return error_of(self.values, self.noise_floor, self.relative_error)

    def __repr__(self) -> str:
        return text_summary(*self._summary())

    def _repr_html_(self) -> str:
        return html_summary(*self._summary())

    def _summary(self) -> tuple[str, list[str], dict[str, Any]]:
        """Return a title, the lines below it, and the first values, or the largest value of every update."""
        (m, n), batch, count = self.shape, self.batch_shape, self.values.shape[-1]
        extent = self._extent(count, min(m, n))
        title = f"Spectrum of a {m} x {n} update: {extent}."
        if batch:
            title = f"Spectra of {math.prod(batch):,} updates of {m} x {n}, batch {batch}: {extent} in each."
        go_on = "rankkit.metrics.stable_rank(spectrum) and its neighbours give one number per update"
        if count == 0 or self.values.size == 0:
            return title, [go_on], {}
        if batch:
            top, floor = self.values[..., 0], self._first_floor()
            spread = f"sigma_1 from {np.min(top):.4g} to {np.max(top):.4g}, noise floor up to {np.max(floor):.2g}"
            numbers = {"update": range(top.size), "sigma_1": top.ravel(), "noise floor": floor.ravel()}
            return title, [spread, go_on], numbers
        sizes = f"sigma_1 = {self.values[0]:.4g}, noise floor {np.max(self.noise_floor):.2g}"
        relative = f", relative error {self.relative_error:.2g}" if np.isfinite(self.relative_error) else ""
        numbers = {"i": range(1, count + 1), "sigma_i": self.values, "error": self.error}
        return title, [sizes + relative, go_on], numbers

    def _extent(self, count: int, most: int) -> str:
        """Return which of the `most` singular values are known."""
        values = f"{count} singular value{'' if count == 1 else 's'}"
        if count == most:
            return f"all {values}"
        return f"{values}, all others are zero" if self.complete else f"the {count} largest of {most} singular values"

    def _first_floor(self) -> Array:
        """Return the absolute error bound of every largest value, shape (*batch,)."""
        each = self.noise_floor.ndim == self.values.ndim
        return np.broadcast_to(self.noise_floor[..., 0] if each else self.noise_floor, self.batch_shape)


def checked(spectrum: Spectrum) -> Spectrum:
    """Return the argument of a metric, once it is found to be a Spectrum.

    Parameters
    ----------
    spectrum : Spectrum
        What the user gave.

    Raises
    ------
    TypeError
        If it is something else, such as the matrix itself.
    """
    if not isinstance(spectrum, Spectrum):  # pyright: ignore[reportUnnecessaryIsInstance]
        got = type(spectrum).__name__
        raise TypeError(f"spectrum must be a rankkit.Spectrum, got {got}; pass rankkit.spectrum_of(matrix).")
    return spectrum


def spectrum_of(
    update: Factors | Kronecker | Array, *, top: int | None = None, forming_error: Any = 0.0, tol: float = 0.0
) -> Spectrum:
    """Return the singular values of an update, by the route that its type allows.

    Factors and their Kronecker products take the exact r x r route. An array takes the dense SVD in float64. With
    `top`, the leading values of an array come from a Krylov method where that is cheaper.

    Parameters
    ----------
    update : Factors, Kronecker or array, shape (*batch, m, n)
        What a rule returned, or any matrix of finite real floats.
    top : int, optional
        Return the `top` largest values only: the spectrum is then truncated. None: return all of them.
    forming_error : float or array, shape (*batch,)
        `rule.forming_error(factors)`: what rounding did to the update before it came here. It joins the noise floor.
    tol : float
        Largest error of a value that is acceptable, relative to sigma_1; at most 1e-3. With tol > 0 a large array is
        not decomposed where its Gram matrix, or with `top` fewer Krylov steps, are accurate enough. That is several
        times faster, and the result states the error of every value.

    Returns
    -------
    Spectrum

    Raises
    ------
    TypeError
        If update is not an array of real floats.
    ValueError
        If update has no rows and columns or is not finite, top is not in 1..min(m, n), forming_error is negative, or
        tol is not within [0, 1e-3].

    Examples
    --------
    >>> import numpy as np
    >>> spectrum_of(np.diag([3.0, 2.0])).values.round(12).tolist()
    [3.0, 2.0]
    """
    kept = isinstance(update, (Factors, Kronecker))
    m, n = update.shape[-2:] if kept else float_matrix("update", update).shape[-2:]
    few = None if top is None else _top(top, m, n)
    if not 0 <= finite("tol", tol, advice="0 asks for all that float64 can tell") <= LOOSEST:
        raise ValueError(f"tol must lie in [0, {LOOSEST:g}], got {tol!r}; 0 asks for all that float64 can tell.")
    formed = formed_error(forming_error)
    batch = update.batch_shape if kept else tuple(update.shape[:-2])
    if formed.shape not in ((), batch):
        raise ValueError(
            f"forming_error must be one number or have shape {batch}, one number for each update, got shape "
            f"{formed.shape}; pass rule.forming_error(factors)."
        )
    if kept:
        solution = structured(update)
        energy = np.sum(solution.values**2, axis=-1)
    else:
        xp = namespace(update)
        solution = _decomposed(update, few, tol)
        energy = squared_norm(xp.astype(update, xp.float64, copy=False))
    whole = solution.values.shape[-1] if kept else min(m, n)
    keep = whole if few is None else min(few, whole)
    floor, relative = solution.noise_floor, np.where(formed > 0, np.inf, solution.relative_error)
    if floor.ndim == solution.values.ndim:
        floor, formed = floor[..., :keep], formed[..., None]
    return Spectrum(solution.values[..., :keep], (m, n), keep == whole, energy, floor + formed, relative)


def _top(top: int, m: int, n: int) -> int:
    most = min(m, n)
    return integer("top", top, most=most, advice=f"a {m} x {n} update has {most} singular values")


def _decomposed(update: Array, top: int | None, tol: float) -> Solution:
    """Return the singular values of an array, at least the `top` largest, by the cheapest accurate route."""
    if top is not None and top <= KRYLOV_SHARE * min(update.shape[-2:]):
        return leading(update, top, tol=max(tol, KRYLOV_TOL))
    return economical(update, tol) if tol else dense(update)
