"""Factors(B, A): the pair of matrices whose product makes a low-rank update.

A pair of factors is checked for shape, type and finiteness here and nowhere else. All later code relies on
these checks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from array_api_compat import (
    array_namespace,
    device,  # pyright: ignore[reportUnknownVariableType] - its type names libraries that are not installed
    is_numpy_array,
    is_torch_array,
)

from rankkit.checks import torch_device, unreadable
from rankkit.report.inline import html_summary, text_summary

Array = Any  # a numpy array or a torch tensor

__all__ = ["Array", "Factors", "device_of", "float_matrix", "host", "namespace"]


def namespace(x: Array) -> Any:
    """Return the array API namespace of x: numpy for a numpy array, a compatible torch for a tensor."""
    return np if isinstance(x, np.ndarray) else array_namespace(x)


def device_of(x: Array) -> Any:
    """Return the device of x as its own library names it."""
    return device(x)


def float_matrix(name: str, x: Array) -> Array:
    """Return x unchanged if it is an array of finite real floats with at least two axes.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    x : array, shape (*batch, rows, columns)
        A numpy array or a torch tensor.

    Raises
    ------
    TypeError
        If x is neither a numpy array nor a torch tensor, or does not hold real floating-point numbers.
    ValueError
        If x has fewer than two axes, an empty axis, or a NaN or infinite entry.
    """
    if not (is_numpy_array(x) or is_torch_array(x)):
        raise TypeError(f"{name} must be a numpy array or a torch tensor, got {type(x).__name__}; convert it first.")
    if reason := unreadable(x):
        raise TypeError(f"{name} must be an array with a number in every place, got {reason}.")
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
    """Return x as a float64 numpy array on the host. This is for small results, which leave their device."""
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
        Both are numpy arrays, or both are torch tensors on one device; their dtypes may differ. Any r >= 1 is
        allowed, also r above min(m, n): real attention heads can be smaller than the adapter's rank.

    Raises
    ------
    TypeError
        If B and A are not real floating-point arrays of one library.
    ValueError
        If the shapes do not match, or an entry is NaN or infinite.

    Examples
    --------
    >>> import numpy as np
    >>> factors = Factors(np.ones((4, 2)), np.ones((2, 3)))
    >>> factors
    Factors of one update B A: m=4, n=3, r=2.
      B is float64, A is float64, numpy
      rankkit.spectrum_of(factors) gives the singular values of B A
      rankkit.rules.Sine(omega=30.0)(factors) gives the update under a rule
    """

    B: Array
    A: Array

    def __post_init__(self) -> None:
        left, right = float_matrix("B", self.B), float_matrix("A", self.A)
        if is_numpy_array(left) != is_numpy_array(right):
            raise TypeError("B and A must come from one library, got numpy and torch; convert one of them.")
        if device_of(left) != device_of(right):
            raise ValueError(
                f"B and A must be on one device, got {device_of(left)} and {device_of(right)}; move one of them."
            )
        if left.shape[-1] != right.shape[-2]:
            raise ValueError(
                f"B and A must share the rank: B is (*batch, m, r) and A is (*batch, r, n), got "
                f"{tuple(left.shape)} and {tuple(right.shape)}; is one of them transposed?"
            )
        if left.shape[:-2] != right.shape[:-2]:
            raise ValueError(
                f"B and A must share their batch axes, got {tuple(left.shape[:-2])} and {tuple(right.shape[:-2])}; "
                "broadcast them first."
            )

    @property
    def m(self) -> int:
        """Number of rows of the product."""
        return self.B.shape[-2]

    @property
    def n(self) -> int:
        """Number of columns of the product."""
        return self.A.shape[-1]

    @property
    def r(self) -> int:
        """Number of columns of B and rows of A: no product has a higher rank."""
        return self.B.shape[-1]

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """Shape of the leading axes; () for a single pair."""
        return tuple(self.B.shape[:-2])

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape (*batch, m, n) of the product."""
        return (*self.batch_shape, self.m, self.n)

    @property
    def namespace(self) -> Any:
        """The array API namespace of both factors."""
        return namespace(self.B)

    @property
    def T(self) -> Factors:
        """The factors of the transposed product."""
        xp = self.namespace
        return self._derived(xp.matrix_transpose(self.A), xp.matrix_transpose(self.B))

    def to(self, *, dtype: str | None = None, device: str | None = None) -> Factors:
        """Return the same factors in another dtype, or as torch tensors on a device.

        Parameters
        ----------
        dtype : {"float64", "float32"}, optional
            None: the dtype of each factor stays as it is.
        device : str, optional
            A torch device such as "cuda" or "cpu"; None: the factors stay in their library and on their device.

        Raises
        ------
        ValueError
            If torch cannot use the device, or an entry is too large for the dtype.
        """
        pair = (self.B, self.A)
        if device is not None:
            import torch

            torch_device("device", device)
            pair = torch.as_tensor(self.B, device=device), torch.as_tensor(self.A, device=device)
        if dtype is not None:
            xp = namespace(pair[0])
            pair = tuple(xp.astype(x, getattr(xp, dtype), copy=False) for x in pair)
        # only a cast to less range can make an entry infinite
        return self._derived(*pair) if dtype in (None, "float64") else Factors(*pair)

    def scaled(self, scale: float) -> Factors:
        """Return factors of scale * B A. The smaller factor takes the scale, in float64; the other stays as stored.

        Parameters
        ----------
        scale : float
            Any finite number.

        Raises
        ------
        ValueError
            If a scaled entry is NaN or infinite.
        """
        xp = self.namespace
        if self.m <= self.n:
            return self._derived(float_matrix("scale * B", xp.astype(self.B, xp.float64) * scale), self.A)
        return self._derived(self.B, float_matrix("scale * A", xp.astype(self.A, xp.float64) * scale))

    @classmethod
    def _derived(cls, B: Array, A: Array) -> Factors:
        """Return factors without checking them: they come from checked ones by a step that keeps them sound."""
        factors = object.__new__(cls)
        object.__setattr__(factors, "B", B)
        object.__setattr__(factors, "A", A)
        return factors

    def product(self, *, dtype: str = "float64") -> Array:
        """Return the product B A.

        Both factors are promoted to dtype first and multiplied afterwards. Multiplying in a narrow dtype and casting
        up afterwards turns a product of low rank into one of full numerical rank.

        Parameters
        ----------
        dtype : {"float64", "float32"}
            The working precision.

        Returns
        -------
        array, shape (*batch, m, n)
        """
        wide = self.to(dtype=dtype)
        return wide.B @ wide.A

    def entry_std(self) -> Any:
        """Return the standard deviation of the m n entries of B A, without forming the product.

        Returns
        -------
        array, shape (*batch,)
        """
        xp, wide = self.namespace, self.to(dtype="float64")
        count = self.m * self.n
        mean = xp.sum(xp.sum(wide.B, axis=-2) * xp.sum(wide.A, axis=-1), axis=-1) / count
        # the sum of all squared entries is the trace of (B^T B)(A A^T), two r x r matrices
        columns, rows = xp.matrix_transpose(wide.B) @ wide.B, wide.A @ xp.matrix_transpose(wide.A)
        square = xp.sum(columns * rows, axis=(-2, -1)) / count
        return xp.sqrt(xp.maximum(square - mean**2, xp.zeros_like(square)))

    def norm_product(self) -> Any:
        """Return ||B||_F ||A||_F in float64, an upper bound on ||  |B| |A|  ||_F.

        Returns
        -------
        array, shape (*batch,)
        """
        xp, wide = self.namespace, self.to(dtype="float64")
        return xp.linalg.matrix_norm(wide.B) * xp.linalg.matrix_norm(wide.A)

    def peak(self) -> Any:
        """Return an upper bound on the largest |entry| of B A: the longest row of B times the longest column of A.

        Returns
        -------
        array, shape (*batch,)
        """
        xp, wide = self.namespace, self.to(dtype="float64")
        rows = xp.linalg.vector_norm(wide.B, axis=-1)
        columns = xp.linalg.vector_norm(wide.A, axis=-2)
        return xp.max(rows, axis=-1) * xp.max(columns, axis=-1)

    def __str__(self) -> str:
        batch = f", batch={self.batch_shape}" if self.batch_shape else ""
        return f"Factors(m={self.m}, n={self.n}, r={self.r}{batch}, {self.B.dtype}, {self._home()})"

    def __repr__(self) -> str:
        return text_summary(*self._summary())

    def _repr_html_(self) -> str:
        return html_summary(*self._summary())

    def _home(self) -> str:
        """Return the library of the factors, with the device of torch tensors."""
        return "numpy" if is_numpy_array(self.B) else f"torch, {device_of(self.B)}"

    def _summary(self) -> tuple[str, list[str]]:
        """Return a title and the lines below it; nothing is computed from the entries."""
        batch = self.batch_shape
        what = f"{math.prod(batch):,} updates B A, batch {batch}" if batch else "one update B A"
        return f"Factors of {what}: m={self.m}, n={self.n}, r={self.r}.", [
            f"B is {self.B.dtype}, A is {self.A.dtype}, {self._home()}",
            "rankkit.spectrum_of(factors) gives the singular values of B A",
            "rankkit.rules.Sine(omega=30.0)(factors) gives the update under a rule",
        ]
