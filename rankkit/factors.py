"""Factors(B, A): the pair whose product a low-rank update is made of.

Every check of shape, type and finiteness of a pair of factors lives here; what
stands behind it may rely on them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device, is_numpy_array, is_torch_array

Array = Any  # a numpy array or a torch tensor

__all__ = ["Array", "Factors", "float_matrix", "host", "namespace"]


def namespace(x: Array) -> Any:
    """Return the array API namespace of x: numpy itself for its arrays, a compatible torch for tensors."""
    return np if isinstance(x, np.ndarray) else array_namespace(x)


def float_matrix(name: str, x: Array) -> Array:
    """Return x if it is a (*batch, rows, columns) array of finite real floats; say what is wrong otherwise.

    Parameters
    ----------
    name : str
        What the caller calls this argument; the message begins with it.
    x : array
        numpy array or torch tensor.

    Raises
    ------
    TypeError
        If x is no numpy array or torch tensor, or does not hold real floating-point numbers.
    ValueError
        If x has fewer than two axes, an empty axis, or a NaN or infinite entry.
    """
    if not (is_numpy_array(x) or is_torch_array(x)):
        raise TypeError(f"{name} must be a numpy array or a torch tensor, got {type(x).__name__}; convert it first.")
    xp = namespace(x)
    if not xp.isdtype(x.dtype, "real floating"):
        raise TypeError(f"{name} must hold real floating-point numbers, got {x.dtype}; cast it to float64.")
    if x.ndim < 2 or min(x.shape) < 1:
        raise ValueError(
            f"{name} must have shape (*batch, rows, columns) with no empty axis, got {tuple(x.shape)}; reshape it."
        )
    if not bool(xp.all(xp.isfinite(x))):
        raise ValueError(f"{name} must be finite, got NaN or infinite entries; look for a diverged run.")
    return x


def host(x: Array) -> Any:
    """Return x as a float64 numpy array on the host (a small result leaving its device)."""
    if is_torch_array(x):
        return x.detach().double().cpu().numpy()
    return np.asarray(x, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Factors:
    """The low-rank pair (B, A) with product B A.

    Parameters
    ----------
    B : array, shape (*batch, m, r)
    A : array, shape (*batch, r, n)
        numpy arrays or torch tensors of one library and device; dtypes may differ. Any r >= 1 is
        legal, also r above min(m, n): real attention heads can be smaller than the adapter's rank.

    Raises
    ------
    TypeError
        If B and A are not real floating-point arrays of one library.
    ValueError
        If the shapes do not match, or an entry is NaN or infinite.

    Examples
    --------
    >>> import numpy as np
    >>> Factors(np.ones((4, 2)), np.ones((2, 3))).shape
    (4, 3)
    """

    B: Array
    A: Array

    def __post_init__(self) -> None:
        B, A = float_matrix("B", self.B), float_matrix("A", self.A)
        if is_numpy_array(B) != is_numpy_array(A):
            raise TypeError("B and A must come from one library, got numpy and torch; convert one of them.")
        if device(B) != device(A):
            raise ValueError(f"B and A must be on one device, got {device(B)} and {device(A)}; move one of them.")
        if B.shape[-1] != A.shape[-2]:
            raise ValueError(
                f"B and A must share the rank: B is (*batch, m, r) and A is (*batch, r, n), got "
                f"{tuple(B.shape)} and {tuple(A.shape)}; is one of them transposed?"
            )
        if B.shape[:-2] != A.shape[:-2]:
            raise ValueError(
                f"B and A must share their batch axes, got {tuple(B.shape[:-2])} and {tuple(A.shape[:-2])}; "
                "broadcast them first."
            )

    @property
    def m(self) -> int:
        """Rows of the product."""
        return self.B.shape[-2]

    @property
    def n(self) -> int:
        """Columns of the product."""
        return self.A.shape[-1]

    @property
    def r(self) -> int:
        """Columns of B, rows of A: the most rank the product can have."""
        return self.B.shape[-1]

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """Leading axes; () for a single pair."""
        return tuple(self.B.shape[:-2])

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape (*batch, m, n) of the product."""
        return (*self.batch_shape, self.m, self.n)

    @property
    def namespace(self) -> Any:
        """The array API namespace both factors live in."""
        return namespace(self.B)

    @property
    def T(self) -> Factors:
        """The factors of the transposed product."""
        xp = self.namespace
        return self._derived(xp.matrix_transpose(self.A), xp.matrix_transpose(self.B))

    def to(self, *, dtype: str | None = None, device: str | None = None) -> Factors:
        """Return the same factors in another dtype ("float64", "float32") or as torch tensors on a device."""
        B, A = self.B, self.A
        if device is not None:
            import torch

            try:
                B, A = (torch.as_tensor(x, device=device) for x in (B, A))
            except (RuntimeError, AssertionError) as error:
                reason = str(error).splitlines()[0]
                raise ValueError(f"device must be one that torch can use here, got {device!r}: {reason}") from None
        if dtype is not None:
            xp = namespace(B)
            B, A = (xp.astype(x, getattr(xp, dtype), copy=False) for x in (B, A))
        # only a cast to less range can make an entry infinite
        return self._derived(B, A) if dtype in (None, "float64") else Factors(B, A)

    def scaled(self, scale: float) -> Factors:
        """Return factors of scale * B A: the smaller factor takes the scale, in float64, the other stays as stored."""
        xp = self.namespace
        if self.m <= self.n:
            return self._derived(float_matrix("scale * B", xp.astype(self.B, xp.float64) * scale), self.A)
        return self._derived(self.B, float_matrix("scale * A", xp.astype(self.A, xp.float64) * scale))

    @classmethod
    def _derived(cls, B: Array, A: Array) -> Factors:
        """Return factors made from checked ones by a step that keeps them sound."""
        factors = object.__new__(cls)
        object.__setattr__(factors, "B", B)
        object.__setattr__(factors, "A", A)
        return factors

    def product(self, *, dtype: str = "float64") -> Array:
        """Return B A, shape (*batch, m, n): the factors are promoted to dtype first, then multiplied.

        Multiplying in a narrow dtype and casting up afterwards turns an exactly low-rank product into
        a numerically full-rank one.
        """
        wide = self.to(dtype=dtype)
        return wide.B @ wide.A

    def entry_std(self) -> Any:
        """Return the standard deviation of the product's m n entries, shape (*batch,), without forming it."""
        xp, wide = self.namespace, self.to(dtype="float64")
        B, A = wide.B, wide.A
        count = self.m * self.n
        mean = xp.sum(xp.sum(B, axis=-2) * xp.sum(A, axis=-1), axis=-1) / count
        square = xp.sum((xp.matrix_transpose(B) @ B) * (A @ xp.matrix_transpose(A)), axis=(-2, -1)) / count
        return xp.sqrt(xp.maximum(square - mean**2, xp.zeros_like(square)))

    def norm_product(self) -> Any:
        """Return ||B||_F ||A||_F in float64, shape (*batch,): a bound on ||  |B| |A|  ||_F."""
        xp, wide = self.namespace, self.to(dtype="float64")
        return xp.linalg.matrix_norm(wide.B) * xp.linalg.matrix_norm(wide.A)

    def peak(self) -> Any:
        """Return a bound on the largest entry of |B A|, shape (*batch,): largest row norm times column norm."""
        xp, wide = self.namespace, self.to(dtype="float64")
        rows = xp.linalg.vector_norm(wide.B, axis=-1)
        columns = xp.linalg.vector_norm(wide.A, axis=-2)
        return xp.max(rows, axis=-1) * xp.max(columns, axis=-1)

    def __repr__(self) -> str:
        kind = "numpy" if is_numpy_array(self.B) else f"torch, {device(self.B)}"
        batch = f", batch={self.batch_shape}" if math.prod(self.batch_shape) > 1 or self.batch_shape else ""
        return f"Factors(m={self.m}, n={self.n}, r={self.r}{batch}, {self.B.dtype}, {kind})"
