"""sigma_1 between two bounds, from a Gram matrix G whose largest eigenvalue is sigma_1^2.

A threshold relative to sigma_1 is only as sharp as these bounds. `row_sum_top` is a pass over G and off by a factor of
2 or 3. `lanczos_low` and `proved_top` cost a third of the Gram matrix each, and are off by a part in a thousand.
"""

from __future__ import annotations

import numpy as np
from array_api_compat import is_numpy_array

from rankkit.factors import Array, device_of, host, namespace
from rankkit.solvers import lapack
from rankkit.solvers.gram import ROOM, Gram, shift_diagonal, torch_linalg
from rankkit.solvers.solution import EPS, ROUNDOFF

__all__ = ["ROUGHLY", "ROUGH_STEPS", "lanczos_low", "proved_top", "row_sum_top", "sharp_bounds"]

STEPS = 32  # of the Lanczos process, at most: mostly a relative 1e-5 from sigma_1, also at a random matrix's edge
MANY = 64  # where more is wanted: mostly 1e-9
LOOK = 4  # steps between two looks at what is left of the Ritz pair
ENOUGH = (1e-3, 3e-4)  # relative to its value, which is then mostly 1e-6 off; and 1e-8 where more is wanted
NEAR = 1 + 1e-6  # times the Lanczos value of so many steps: nearly always above sigma_1
ABOVE = (1.001, 1.06)  # times the Lanczos value: nearly always above sigma_1; and where the first is not
ROUGH_STEPS = 8  # of the Lanczos process: mostly a hundredth from sigma_1
ROUGHLY = (1.03,)  # times the Lanczos value of so few steps: nearly always above sigma_1
SINGLE = 2.0**-24  # the unit roundoff of float32


def row_sum_top(G: Gram) -> Array:
    """Return an upper bound on sigma_1, shape (batch,), from the largest row sum of |G|. It is cheap and crude."""
    xp, size, p = namespace(G.matrix), namespace(G.matrix).abs(G.matrix), G.matrix.shape[-1]
    if is_numpy_array(size):
        largest = np.array([np.max(lapack.symmetric_times(one, np.ones(p))) for one in size])
    else:
        rows = xp.sum(size, axis=-1) + xp.sum(size, axis=-2) - xp.linalg.diagonal(size)
        largest = host(xp.max(rows, axis=-1))
    # the row sum's own rounding is a part p u of itself
    return np.sqrt(largest * (1 + EPS * p) + G.error)


def lanczos_low(G: Gram, steps: int = STEPS, enough: float = ENOUGH[0]) -> Array:
    """Return a lower bound on sigma_1, shape (batch,): ||S x|| for the Ritz vector x of a few Lanczos steps.

    Whatever x is, ||S x|| / ||x|| <= sigma_1. The quality of x costs sharpness and never truth. On the host the process
    ends early where G x is as near to a multiple of x as `enough` says.
    """
    xp = namespace(G.tall)
    scale = np.where(G.energy > 0, G.energy, 1.0)
    if is_numpy_array(G.tall):
        parts = [_lanczos(*one, steps, enough) for one in zip(G.matrix, G.tall[:, 0, :], scale, strict=True)]
        x = np.stack(parts)
    else:
        T, vectors = _lanczos_on_device(G, scale, steps)
        x = (xp.asarray(_top_vector(T)[:, None, :], device=device_of(G.tall)) @ vectors)[:, 0, :]
    # what rounds: S x by at most p u ||S||_F, the lengths of x and of S x
    rounding = EPS * sum(G.tall.shape[-2:]) * np.sqrt(G.energy)
    return np.maximum(host(xp.linalg.vector_norm(G.tall @ _unit(x)[..., None], axis=(-2, -1))) - rounding, 0.0)


def _top_vector(T: Array) -> Array:
    """Return the eigenvector of the largest eigenvalue of symmetric matrices that stand in their lower triangles."""
    return np.linalg.eigh(T)[1][..., -1]


def _lanczos(G: Array, start: Array, scale: float, steps: int, enough: float) -> Array:
    """Return the Ritz vector of the largest eigenvalue of G / scale after a few Lanczos steps, shape (p,)."""
    T, vectors = np.zeros((steps, steps)), np.zeros((steps, start.size))  # T stands in its lower triangle
    image, length = start.copy(), float(np.sqrt(start @ start))
    for j in range(steps):
        if length == 0:
            break
        vector = vectors[j]
        np.divide(image, length, out=vector)
        before = (-length, vectors[j - 1]) if j else None
        image = lapack.symmetric_times(G, vector, 1 / scale, before)
        T[j, j] = along = float(image @ vector)
        image -= along * vector
        length = float(np.sqrt(image @ image))
        if j + 1 < steps:
            T[j + 1, j] = length
        if (j + 1) % LOOK == 0 and j + 1 < steps:
            ritz, weights = np.linalg.eigh(T[: j + 1, : j + 1])
            if length * abs(weights[-1, -1]) <= enough * ritz[-1]:
                return weights[:, -1] @ vectors[: j + 1]
    return _top_vector(T) @ vectors


def _lanczos_on_device(G: Gram, scale: Array, steps: int) -> tuple[Array, Array]:
    """Return the same for all matrices of a stack at once: T on the host, the vectors on the device."""
    xp = namespace(G.tall)
    by = xp.asarray(scale, device=device_of(G.tall))[:, None]
    vector = _unit(G.tall[:, 0, :] + 0.0)
    before, coupling, vectors = vector * 0.0, 0.0, [vector]
    diagonal: list[Array] = []
    beside: list[Array] = []
    for _ in range(steps):
        image = _times(G, vector) / by - before * coupling
        along = xp.sum(image * vector, axis=-1, keepdims=True)
        image = image - along * vector
        coupling = xp.linalg.vector_norm(image, axis=-1, keepdims=True)
        before, vector = vector, _unit(image)
        vectors.append(vector)
        diagonal.append(along)
        beside.append(coupling)
    main, off = (host(xp.concat(parts, axis=-1)) for parts in (diagonal, beside))
    places = np.arange(steps)
    T = np.zeros((main.shape[0], steps, steps))
    T[:, places, places] = main
    T[:, places[1:], places[:-1]] = off[:, :-1]
    return T, xp.stack(vectors[:-1], axis=-2)


def proved_top(G: Gram, low: Array, crude: Array, above: tuple[float, ...] = ABOVE) -> Array:
    """Return an upper bound on sigma_1, shape (batch,).

    With a guess g > sigma_1 the matrix I - G / g^2 is positive definite. A Cholesky factorisation R^T R of it proves
    that: where it runs through, it is that of a matrix at most (p + 1) u |R|^T |R| away (Higham 2002, theorem 10.3;
    Rump 2006 for its use as a proof), and || |R|^T |R| ||_2 is at most the largest row sum of |R| times the largest
    column sum. float32 does, since a relative error of a thousandth is small enough.

    Parameters
    ----------
    G : Gram
    low : numpy array, shape (batch,)
        A lower bound on sigma_1, from `lanczos_low`.
    crude : numpy array, shape (batch,)
        An upper bound, from `row_sum_top`.
    above : tuple of float
        The guesses relative to `low`, of which each is tried where the one before it is not proved.

    Returns
    -------
    numpy array, shape (batch,)
        The crude bound where no guess is proved.
    """
    close = np.full(low.shape, np.inf)
    for factor in above:
        if np.any(np.isinf(close)):
            close = np.where(np.isinf(close), _proved(G, factor * low), close)
    return np.minimum(close, crude)


def sharp_bounds(G: Gram, low: Array, high: Array) -> tuple[Array, Array]:
    """Return bounds on sigma_1, each of shape (batch,), that are mostly a millionth apart.

    They take a float64 Cholesky factorisation, and are for thresholds next to a singular value.

    Parameters
    ----------
    G : Gram
    low, high : numpy array, shape (batch,)
        The bounds so far.

    Returns
    -------
    low, high : numpy array, shape (batch,)
    """
    low = np.maximum(low, lanczos_low(G, min(MANY, G.matrix.shape[-1] - 1), ENOUGH[1]))
    return low, np.minimum(high, _proved(G, NEAR * low, single=False))


def _proved(G: Gram, guess: Array, *, single: bool = True) -> Array:
    """Return an upper bound on sigma_1 a little above each guess, or inf where the guess is not proved."""
    xp, p = namespace(G.matrix), G.matrix.shape[-1]
    square = np.where(guess > 0, guess, 1.0) ** 2
    negative = _scaled(G.matrix, -1 / square, single=single)
    shift_diagonal(negative, np.ones(square.shape))
    if is_numpy_array(negative):
        factor, definite = negative, np.array([lapack.cholesky(matrix, p) == p for matrix in negative])
    else:
        factor, info = torch_linalg("cholesky_ex")(negative)
        definite = host(info) == 0
    size = xp.abs(factor)
    rows, columns = (host(xp.max(sums, axis=-1)).astype(np.float64) for sums in _sums(size))
    # beside the p + 1 of Cholesky: the division, the cast, the subtraction from 1, and the sums of |R| (p each)
    unit = SINGLE if single else ROUNDOFF
    rounding = unit * (p + ROOM) * rows * columns * (1 + 2 * unit * p) ** 2
    with np.errstate(invalid="ignore"):
        top = np.sqrt(square * (1 + rounding) + G.error)
    return np.where(definite & (guess > 0) & np.isfinite(top), top, np.inf)


def _sums(size: Array) -> tuple[Array, Array]:
    """Return the sums of rows and of columns, each of shape (batch, p), as products with ones."""
    xp = namespace(size)
    ones = xp.ones(size.shape[-1], dtype=size.dtype, device=device_of(size))
    return size @ ones, xp.matrix_transpose(size) @ ones


def _scaled(G: Array, factors: Array, *, single: bool) -> Array:
    """Return every matrix times its factor, in float32 or in float64."""
    xp = namespace(G)
    by = xp.asarray(factors, device=device_of(G))[:, None, None]
    if not single:
        return G * by
    if is_numpy_array(G):
        out = np.empty_like(G, dtype=np.float32)
        return np.multiply(G, by, dtype=np.float64, out=out, casting="same_kind")
    return xp.astype(G * by, xp.float32)


def _unit(x: Array) -> Array:
    xp = namespace(x)
    length = xp.linalg.vector_norm(x, axis=-1, keepdims=True)
    return x / xp.where(length > 0, length, xp.ones_like(length))


def _times(G: Gram, x: Array) -> Array:
    """Return G x for every matrix on a device and its vector, shape (batch, p)."""
    return (namespace(x).matrix_transpose(G.tall) @ (G.tall @ x[..., None]))[..., 0]
