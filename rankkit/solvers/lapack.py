"""LAPACK and BLAS kernels that work in place, on leading blocks, and without the interpreter's lock.

scipy's own wrappers copy arrays that are not contiguous and hold the lock, so that threads would wait for one another.
ctypes calls the same routines, which scipy exports for Cython. To them an array by rows is the transpose of one by
columns, so that its lower triangle is an "upper" one there. Both are taken as they are. The routines are quickest for
lower triangles by columns: dsyrk by a tenth, dpotrf by a sixth (OpenBLAS 0.3, 512 and 1024 rows).
"""

from __future__ import annotations

import ctypes
import importlib.util
from functools import cache
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

import numpy as np

from rankkit.factors import Array

__all__ = [
    "cholesky",
    "outer_subtracted",
    "product",
    "solve",
    "subtract_outer",
    "symmetric_factored",
    "symmetric_product",
    "symmetric_solve",
    "symmetric_times",
    "wrappers",
]

PANEL = 64  # columns that LAPACK works at once, for which it needs room


@cache
def wrappers() -> Any:
    """Return scipy's wrappers of LAPACK: what `scipy.linalg.lapack` exports.

    They are one extension module, which loads in a few milliseconds. The package around it takes as long as half an
    audit, and is imported only where that module is not found in its place.
    """
    package = importlib.util.find_spec("scipy")
    for place in (package.submodule_search_locations or []) if package else []:
        found = PathFinder.find_spec("scipy.linalg._flapack", [str(Path(place, "linalg"))])
        if found is None or found.loader is None:
            continue
        try:
            module = importlib.util.module_from_spec(found)
            found.loader.exec_module(module)
        except ImportError:  # on a system whose libraries the package itself has to find
            continue
        return module
    from scipy.linalg import lapack

    return lapack


def product(S: Array) -> Array:
    """Return the smaller Gram matrix of S in its lower triangle, with zeros above.

    Parameters
    ----------
    S : numpy array, float64, shape (m, n)

    Returns
    -------
    numpy array, float64, shape (p, p), by columns
        S^T S for m > n, else S S^T, with p = min(m, n). The latter is quicker for a square matrix.
    """
    rows = np.ascontiguousarray(S)
    m, n = rows.shape
    G = np.zeros((min(m, n), min(m, n)), order="F")
    if m > n:
        _blas("dsyrk", b"L", b"N", n, m, 1.0, rows, n, 0.0, G, n)
    else:
        _blas("dsyrk", b"L", b"T", m, n, 1.0, rows, n, 0.0, G, m)
    return G


def cholesky(C: Array, k: int) -> int:
    """Replace the lower triangle of C[:k, :k] by L with L L^T = C[:k, :k].

    Parameters
    ----------
    C : numpy array, float64 or float32, shape (p, p)
        Only its lower triangle is read or written.
    k : int
        1 <= k <= p.

    Returns
    -------
    int
        How many leading rows are positive definite: k where it ran through, else fewer; the triangle is then lost.
    """
    info = np.zeros(1, dtype=np.int64)
    _lapack("spotrf" if C.dtype == np.float32 else "dpotrf", *_triangle(C, k), info)
    return int(info[0]) - 1 if info[0] > 0 else k


def solve(L: Array, k: int, rows: Array, *, transposed: bool = False) -> None:
    """Replace every row b of `rows` by L^{-1} b, or by L^{-T} b.

    Parameters
    ----------
    L : numpy array, float64
        Only the lower triangle of L[:k, :k] is read.
    k : int
    rows : numpy array, float64, shape (count, k)
        Its rows may be parts of longer rows.
    transposed : bool
        Solve with L^T.
    """
    uplo, _, _, stride = _triangle(L, k)
    if rows.shape[0] == 1:
        operation = b"T" if transposed == _by_columns(L) else b"N"
        _blas("dtrsv", uplo, operation, b"N", k, L, stride, rows, rows.strides[1] // rows.itemsize)
        return
    count, beside = rows.shape[0], _by_columns(rows)
    side, shape = (b"R", (count, k)) if beside else (b"L", (k, count))
    operation = b"T" if (transposed + beside + (not _by_columns(L))) % 2 else b"N"
    _blas("dtrsm", side, uplo, operation, b"N", *shape, 1.0, L, stride, rows, _stride(rows))


def symmetric_factored(T: Array) -> Array:
    """Replace a symmetric matrix by its factors L and D with T = P L D L^T P^T, by Bunch and Kaufman's pivoting.

    Parameters
    ----------
    T : numpy array, float64, shape (q, q)
        Only its lower triangle is read or written. Its rows may be parts of longer rows.

    Returns
    -------
    numpy array of int32, shape (q,)
        The interchanges, as `symmetric_solve` wants them: negative numbers in pairs for blocks of order 2.
    """
    q = T.shape[0]
    pivots, work, info = np.zeros(q, dtype=np.int32), np.empty(PANEL * q), np.zeros(1, dtype=np.int64)
    _lapack("dsytrf", *_triangle(T, q), pivots, work, work.size, info)
    return pivots


def symmetric_solve(T: Array, pivots: Array, rows: Array) -> None:
    """Replace every row b of `rows`, shape (count, q), C order, by the solution x of P L D L^T P^T x = b.

    T and pivots are those of `symmetric_factored`, and T lies in memory as it did there.
    """
    info, (uplo, q, _, stride) = np.zeros(1, dtype=np.int64), _triangle(T, T.shape[0])
    _lapack("dsytrs", uplo, q, rows.shape[0], T, stride, pivots, rows, q, info)


def symmetric_times(G: Array, x: Array, factor: float = 1.0, add: tuple[float, Array] | None = None) -> Array:
    """Return factor G x for a symmetric matrix that stands in its lower triangle.

    Parameters
    ----------
    G : numpy array, float64, shape (p, p)
    x : numpy array, float64, shape (p,), contiguous
    factor : float
    add : (float, numpy array of shape (p,)), optional
        A multiple of another vector that is added.

    Returns
    -------
    numpy array, shape (p,)
    """
    share, image = (0.0, np.empty_like(x)) if add is None else (add[0], add[1].copy())
    uplo, p, _, stride = _triangle(G, x.size)
    _blas("dsymv", uplo, p, factor, G, stride, x, 1, share, image, 1)
    return image


def symmetric_product(G: Array, columns: Array) -> Array:
    """Return G times columns for a symmetric matrix that stands in its lower triangle.

    Parameters
    ----------
    G : numpy array, float64, shape (p, p)
    columns : numpy array, float64, shape (p, k), C order

    Returns
    -------
    numpy array, shape (p, k)
    """
    image = np.empty_like(columns)
    p, k = columns.shape
    _blas("dsymm", b"R", _triangle(G, p)[0], k, p, 1.0, G, _stride(G), columns, k, 0.0, image, k)
    return image


def outer_subtracted(G: Array, F: Array) -> Array:
    """Return G - F F^T in its lower triangle, for a symmetric matrix that stands in its lower triangle.

    Parameters
    ----------
    G : numpy array, float64, shape (p, p)
    F : numpy array, float64, shape (p, k), C order

    Returns
    -------
    numpy array, shape (p, p)
        Above the diagonal as in G.
    """
    rest = G.copy(order="K")
    subtract_outer(rest, F)
    return rest


def subtract_outer(T: Array, F: Array) -> None:
    """Replace a symmetric matrix in its lower triangle by T - F F^T. Both may be parts of larger arrays."""
    uplo, p, _, stride = _triangle(T, F.shape[0])
    operation = b"N" if _by_columns(F) else b"T"
    _blas("dsyrk", uplo, operation, p, F.shape[1], -1.0, F, _stride(F), 1.0, T, stride)


def _triangle(T: Array, k: int) -> tuple[bytes, int, Array, int]:
    """Return how the leading k rows and columns of a lower triangle are handed to LAPACK: uplo, n, A and lda."""
    return b"L" if _by_columns(T) else b"U", k, T, _stride(T)


def _by_columns(A: Array) -> bool:
    """Return whether the entries of a column lie next to one another in memory, and not those of a row."""
    return A.strides[0] == A.itemsize


def _stride(A: Array) -> int:
    """Return how far one column, or one row, lies from the next, in entries; of a single one this means nothing."""
    across = 1 if _by_columns(A) else 0
    return A.strides[across] // A.itemsize if A.shape[across] > 1 else A.shape[1 - across]


def _blas(name: str, *arguments: Array | bytes | int | float) -> None:
    _call(_routine("cython_blas", name), arguments)


def _lapack(name: str, *arguments: Array | bytes | int | float) -> None:
    _call(_routine("cython_lapack", name), arguments)


@cache
def _routine(library: str, name: str) -> Any:
    """Return a routine that scipy exports for Cython."""
    from scipy.linalg import cython_blas, cython_lapack

    exports = vars({"cython_blas": cython_blas, "cython_lapack": cython_lapack}[library])
    capsule = exports["__pyx_capi__"][name]
    signature = ctypes.pythonapi.PyCapsule_GetName
    signature.restype, signature.argtypes = ctypes.c_char_p, [ctypes.py_object]
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return ctypes.CFUNCTYPE(None)(pointer(capsule, signature(capsule)))


def _call(function: Any, arguments: tuple[Any, ...]) -> None:
    """Call a Fortran routine: every argument by reference, arrays by the address of their first entry."""
    references: list[Any] = []
    for value in arguments:
        if isinstance(value, np.ndarray):
            references.append(ctypes.c_void_p(value.ctypes.data))
        elif isinstance(value, bytes):
            references.append(ctypes.c_char_p(value))
        else:
            # on a little-endian machine the first half of a 64-bit integer is the same number in 32 bits
            references.append(ctypes.byref(ctypes.c_int64(value) if isinstance(value, int) else ctypes.c_double(value)))
    function(*references)
