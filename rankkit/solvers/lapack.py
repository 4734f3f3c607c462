"""Three LAPACK kernels in place, on leading blocks, and without the interpreter's lock.

scipy's own wrappers copy what is not contiguous and hold the lock, so that threads would wait for one another; ctypes
calls the same routines, which scipy exports for Cython. Row-major arrays are LAPACK's column-major transposes: a lower
triangle here is its "upper" one.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

import numpy as np

__all__ = ["cholesky", "product", "solve"]


def product(S: Any) -> Any:
    """Return G, float64 (p, p), with S^T S or S S^T, whichever is smaller, in its lower triangle, and zeros above."""
    S = np.ascontiguousarray(S)
    m, n = S.shape
    G = np.zeros((min(m, n), min(m, n)))
    if m >= n:
        _blas("dsyrk", b"U", b"N", n, m, 1.0, S, n, 0.0, G, n)
    else:
        _blas("dsyrk", b"U", b"T", m, n, 1.0, S, n, 0.0, G, m)
    return G


def cholesky(C: Any, k: int) -> bool:
    """Replace the lower triangle of C[:k, :k] by L with L L^T = C[:k, :k]; False where there is none.

    Parameters
    ----------
    C : numpy array, float64, shape (p, p), C order
        Only its lower triangle is read or written.
    k : int
    """
    info = np.zeros(1, dtype=np.int64)
    _lapack("dpotrf", b"U", k, C, C.shape[0], info)
    return not info[0]


def solve(L: Any, k: int, rows: Any, *, transposed: bool = False) -> None:
    """Replace every row b of `rows` by L^{-1} b, or L^{-T} b, with L the lower triangle of L[:k, :k].

    Parameters
    ----------
    L : numpy array, float64, C order
    k : int
    rows : numpy array, float64, shape (count, k)
        Its rows may be parts of longer ones.
    """
    stride = rows.strides[0] // rows.itemsize if rows.shape[0] > 1 else k  # a single row's stride may be anything
    _blas("dtrsm", b"L", b"U", b"N" if transposed else b"T", b"N", k, rows.shape[0], 1.0, L, L.shape[1], rows, stride)


def _blas(name: str, *arguments: Any) -> None:
    from scipy.linalg import cython_blas

    _call(_routine(cython_blas, name), arguments)


def _lapack(name: str, *arguments: Any) -> None:
    from scipy.linalg import cython_lapack

    _call(_routine(cython_lapack, name), arguments)


@cache
def _routine(module: Any, name: str) -> Any:
    """Return a routine that scipy exports for Cython."""
    capsule = module.__pyx_capi__[name]
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
            # a little-endian 64-bit integer is read rightly as a 32-bit one too
            references.append(ctypes.byref(ctypes.c_int64(value) if isinstance(value, int) else ctypes.c_double(value)))
    function(*references)
