"""How the tensors an adapter stores for one module become the product its rule acts on.

B is (m, r) and A (r, n) throughout; a convolution's kernel axes are columns of A, in (input, height, width) order.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from rankkit.factors import Array, Factors, namespace
from rankkit.products import Kronecker, hadamard

__all__ = [
    "ADALORA", "CP", "HADAMARD", "HADAMARD_CP", "LORA", "TRANSPOSED", "Dense", "Form", "Product", "kronecker_form",
    "merged_form",
]  # fmt: skip

Shape = tuple[int, ...]


class Dense(NamedTuple):
    """An update that is known entry by entry, and a bound on the Frobenius norm of what rounding did to it."""

    matrix: Array
    error: float


Product = Factors | Kronecker | Dense


class Form(NamedTuple):
    """One way to store an update.

    Attributes
    ----------
    parts : tuple of str
        The tensors it takes.
    sizes : callable
        Their shapes, in that order -> (m, n, r), r the most rank the product can have; None where they do not fit.
    combine : callable
        The tensors, in that order -> Factors or Kronecker, or Dense where the update is no product.
    expands : bool
        Whether the product takes (m + n) r numbers, however few are stored.
    """

    parts: tuple[str, ...]
    sizes: Callable[..., tuple[int, int, int] | None]
    combine: Callable[..., Product]
    expands: bool = True


def _matrix(x: Array) -> Array:
    """Return x with all axes behind the first as columns."""
    return namespace(x).reshape(x, (x.shape[0], math.prod(x.shape[1:])))


def _wide(x: Array) -> Array:
    xp = namespace(x)
    return xp.astype(x, xp.float64)


def _lora_sizes(B: Shape, A: Shape) -> tuple[int, int, int] | None:
    fits = len(B) == len(A) >= 2 and math.prod(B[2:]) == 1 and B[1] == A[0]
    return (B[0], math.prod(A[1:]), B[1]) if fits else None


def _lora(B: Array, A: Array) -> Factors:
    return Factors(_matrix(B), _matrix(A))


def _transposed_sizes(b: Shape, a: Shape) -> tuple[int, int, int] | None:
    return _lora_sizes(b[::-1], a[::-1]) if len(b) == len(a) == 2 else None


def _transposed(b: Array, a: Array) -> Factors:
    xp = namespace(b)
    return Factors(xp.matrix_transpose(b), xp.matrix_transpose(a))


def _adalora_sizes(B: Shape, E: Shape, A: Shape) -> tuple[int, int, int] | None:
    return _lora_sizes(B, A) if len(A) == 2 and (A[0], 1) == E else None


def _adalora(B: Array, E: Array, A: Array) -> Factors:
    return Factors(B, _wide(E) * _wide(A))


def _cp_sizes(B: Shape, M: Shape, A: Shape) -> tuple[int, int, int] | None:
    fits = len(B) == len(M) == len(A) == 4 and B[2:] == A[2:] == (1, 1) and M[:2] == (B[1], A[0])
    return (B[0], A[1] * math.prod(M[2:]), B[1]) if fits else None


def _cp(B: Array, M: Array, A: Array) -> Factors:
    return Factors(_matrix(B), _core(M, _wide(_matrix(A))))


def _core(M: Array, A: Array) -> Array:
    """Return sum_j M_ijkl A_jc as a matrix with rows i and columns (c, k, l), in float64."""
    xp, (r, s, *kernel) = namespace(M), M.shape
    inner = xp.reshape(xp.permute_dims(_wide(M), (0, 2, 3, 1)), (r * math.prod(kernel), s)) @ A
    columns = xp.reshape(inner, (r, math.prod(kernel), A.shape[1]))
    return xp.reshape(xp.matrix_transpose(columns), (r, A.shape[1] * math.prod(kernel)))


def _hadamard_sizes(B1: Shape, A1: Shape, B2: Shape, A2: Shape) -> tuple[int, int, int] | None:
    one, two = _lora_sizes(B1, A1), _lora_sizes(B2, A2)
    fits = one is not None and two is not None and len(B1) == len(B2) == 2 and one[:2] == two[:2]
    return (*one[:2], one[2] * two[2]) if fits else None  # type: ignore[index]


def _hadamard(B1: Array, A1: Array, B2: Array, A2: Array) -> Factors:
    return hadamard(_lora(B1, A1), _lora(B2, A2))


def _hadamard_cp_sizes(T1: Shape, B1: Shape, A1: Shape, T2: Shape, B2: Shape, A2: Shape) -> Any:
    one, two = _tucker_sizes(T1, B1, A1), _tucker_sizes(T2, B2, A2)
    return (*one[:2], one[2] * two[2]) if one and two and one[:2] == two[:2] else None


def _hadamard_cp(T1: Array, B1: Array, A1: Array, T2: Array, B2: Array, A2: Array) -> Factors:
    return hadamard(_tucker(T1, B1, A1), _tucker(T2, B2, A2))


def _tucker_sizes(T: Shape, B: Shape, A: Shape) -> tuple[int, int, int] | None:
    """Sizes of sum_ij T_ijkl B_io A_jc, LyCORIS's convolution: B (r, m) is stored transposed."""
    fits = len(T) == 4 and len(B) == len(A) == 2 and T[:2] == (B[0], A[0])
    return (B[1], A[1] * math.prod(T[2:]), B[0]) if fits else None


def _tucker(T: Array, B: Array, A: Array) -> Factors:
    return Factors(namespace(B).matrix_transpose(B), _core(T, _wide(A)))


LORA = Form(("B", "A"), _lora_sizes, _lora)
TRANSPOSED = Form(("b", "a"), _transposed_sizes, _transposed)
ADALORA = Form(("B", "E", "A"), _adalora_sizes, _adalora)
CP = Form(("B", "M", "A"), _cp_sizes, _cp)
HADAMARD = Form(("w1_a", "w1_b", "w2_a", "w2_b"), _hadamard_sizes, _hadamard)
HADAMARD_CP = Form(("t1", "w1_a", "w1_b", "t2", "w2_a", "w2_b"), _hadamard_cp_sizes, _hadamard_cp)


def merged_form(enabled: tuple[bool, ...]) -> Form:
    """Return the form of a fused projection with an update for each of its enabled groups: B_g A_g under one another.

    Of G enabled groups A holds the A_g one under the other, (G r, n), and B the B_g, (G rows, r). The update has `rows`
    rows for every group, zero for those that are not enabled: a block B with one column of blocks a group, times A.
    """
    groups = sum(enabled)

    def sizes(B: Shape, A: Shape) -> tuple[int, int, int] | None:
        flat = B[:2] if len(B) == 2 or (len(B) == 3 and B[2] == 1) else None
        fits = flat and len(A) == 2 and A[0] == groups * flat[1] and flat[0] % groups == 0
        return (flat[0] // groups * len(enabled), A[1], A[0]) if fits and flat else None

    def combine(B: Array, A: Array) -> Factors:
        xp, rows = namespace(B), B.shape[0] // groups
        B = _matrix(B)
        r = B.shape[1]
        blocks = xp.zeros((rows * len(enabled), A.shape[0]), dtype=B.dtype)
        for g, place in enumerate(place for place, on in enumerate(enabled) if on):
            blocks[place * rows : (place + 1) * rows, g * r : (g + 1) * r] = B[g * rows : (g + 1) * rows, :]
        return Factors(blocks, A)

    return Form(("B", "A"), sizes, combine)


def kronecker_form(first: tuple[str, ...], second: tuple[str, ...]) -> Form:
    """Return the form of a Kronecker product whose parts are stored whole, factored, or as Tucker (t, a, b)."""

    def sizes(*shapes: Shape) -> tuple[int, int, int] | None:
        one, two = _part_sizes(shapes[: len(first)]), _part_sizes(shapes[len(first) :])
        if one is None or two is None:
            return None
        return one[0] * two[0], one[1] * two[1], min(one) * min(two)

    def combine(*tensors: Array) -> Kronecker:
        return Kronecker(_part(tensors[: len(first)]), _part(tensors[len(first) :]))

    return Form((*first, *second), sizes, combine, expands=False)


def _part_sizes(shapes: tuple[Shape, ...]) -> tuple[int, int, int] | None:
    if len(shapes) == 1:
        (w,) = shapes
        return (w[0], math.prod(w[1:]), min(w[0], math.prod(w[1:]))) if len(w) >= 2 else None
    return _lora_sizes(*shapes) if len(shapes) == 2 else _tucker_sizes(*shapes)


def _part(tensors: tuple[Array, ...]) -> Factors:
    if len(tensors) == 3:
        return _tucker(*tensors)
    if len(tensors) == 2:
        return _lora(*tensors)
    w = _matrix(tensors[0])
    one = namespace(w).eye(min(w.shape), dtype=w.dtype)
    return Factors(one, w) if w.shape[0] <= w.shape[1] else Factors(w, one)
