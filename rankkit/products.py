"""Products of two low-rank updates that keep their structure: entrywise (LoHa) and Kronecker (LoKr)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rankkit.factors import Factors

__all__ = ["Kronecker", "hadamard"]


def hadamard(first: Factors, second: Factors) -> Factors:
    """Return factors of the entrywise product (B1 A1) * (B2 A2), with r = r1 r2.

    Row i of the new B holds all products of an entry of row i of B1 with an entry of row i of B2. Column j of the new
    A holds the same products of columns j of A1 and A2. This is the identity
    (sum_p B1_ip A1_pj)(sum_q B2_iq A2_qj) = sum_pq (B1_ip B2_iq)(A1_pj A2_qj). Both factors are formed in float64,
    with one rounding per entry.

    Parameters
    ----------
    first, second : Factors
        Two pairs with products of one shape (*batch, m, n).

    Returns
    -------
    Factors

    Raises
    ------
    ValueError
        If the two updates have different shapes.

    Examples
    --------
    >>> import numpy as np
    >>> two = Factors(np.full((2, 1), 2.0), np.ones((1, 2)))
    >>> hadamard(two, two).product().tolist()
    [[4.0, 4.0], [4.0, 4.0]]
    """
    if first.shape != second.shape:
        raise ValueError(f"both updates must have one shape, got {first.shape} and {second.shape}; is one transposed?")
    xp, batch = first.namespace, first.batch_shape
    one, two = first.to(dtype="float64"), second.to(dtype="float64")
    B = one.B[..., :, :, None] * two.B[..., :, None, :]
    A = one.A[..., :, None, :] * two.A[..., None, :, :]
    r = first.r * second.r
    return Factors(xp.reshape(B, (*batch, first.m, r)), xp.reshape(A, (*batch, r, first.n)))


@dataclass(frozen=True, eq=False)
class Kronecker:
    """The Kronecker product (B1 A1) x (B2 A2) of two low-rank products, kept as its two parts.

    The product is never formed. Its singular values are all products of a singular value of the first part and one of
    the second.

    Parameters
    ----------
    first, second : Factors
        The two parts, without batch axes.
    """

    first: Factors
    second: Factors

    @property
    def m(self) -> int:
        """Number of rows of the product."""
        return self.first.m * self.second.m

    @property
    def n(self) -> int:
        """Number of columns of the product."""
        return self.first.n * self.second.n

    @property
    def r(self) -> int:
        """An upper bound on the rank of the product."""
        return min(self.first.m, self.first.n, self.first.r) * min(self.second.m, self.second.n, self.second.r)

    @property
    def shape(self) -> tuple[int, int]:
        """Shape (m, n) of the product."""
        return (self.m, self.n)

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """Always (): a Kronecker product has no batch axes."""
        return ()

    def to(self, *, dtype: str | None = None, device: str | None = None) -> Kronecker:
        """Return the same product in another dtype, or as torch tensors on a device; arguments as for `Factors.to`."""
        return Kronecker(self.first.to(dtype=dtype, device=device), self.second.to(dtype=dtype, device=device))

    def scaled(self, scale: float) -> Kronecker:
        """Return scale times the product. The second part takes the scale."""
        return Kronecker(self.first, self.second.scaled(scale))

    def norm_product(self) -> Any:
        """Return the product of the four factors' Frobenius norms."""
        return self.first.norm_product() * self.second.norm_product()

    def __repr__(self) -> str:
        return f"Kronecker(m={self.m}, n={self.n}, {self.first}, {self.second})"
