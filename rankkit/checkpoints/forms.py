"""How the tensors an adapter stores for one module become the product its rule acts on.

B is (m, r) and A (r, n) throughout; a convolution's kernel axes are columns of A, in (input, height, width) order.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from rankkit.factors import Array, Factors, host, namespace
from rankkit.products import Kronecker, hadamard
from rankkit.rules import AdaSine, Rule

__all__ = [
    "ADALORA", "CP", "EPS", "FULL", "HADAMARD", "HADAMARD_CP", "LORA", "MIXED", "NO_UPDATE", "TRANSPOSED", "TURNED",
    "UNSTORED", "Dense", "Form", "Product", "Shape", "Sizes", "flat", "formed", "kronecker_form", "whole_sizes",
]  # fmt: skip

Shape = tuple[int, ...]

NO_UPDATE = "its frequency depends on the input, so that there is no one weight update"
EPS = 2.0**-52  # relative error of a few float64 operations


class Dense(NamedTuple):
    """An update that is known entry by entry, and a bound on the Frobenius norm of what rounding did to it.

    The notes say what has to be known about how it was measured.
    """

    matrix: Array
    error: float
    notes: tuple[str, ...] = ()


Product = Factors | Kronecker | Dense


class Sizes(NamedTuple):
    """A product's outputs, inputs, and the most rank it can have."""

    m: int
    n: int
    r: int


class Form(NamedTuple):
    """One way to store an update.

    Attributes
    ----------
    parts : tuple of str
        The tensors it takes.
    sizes : callable
        Their shapes, in that order -> Sizes; None where the shapes do not fit together.
    combine : callable
        The tensors, in that order -> Factors or Kronecker, or Dense where the update is no product.
    expands : bool
        Whether the product takes (m + n) r numbers, however few are stored.
    """

    parts: tuple[str, ...]
    sizes: Callable[..., Sizes | None]
    combine: Callable[..., Product]
    expands: bool = True


def formed(product: Product, rule: Rule) -> Dense:
    """Return the update that a rule makes of a product as one float64 matrix (m, n), with what rounding did to it.

    A ValueError says why the rule makes none.
    """
    if isinstance(product, Dense):
        return product
    if isinstance(rule, AdaSine):
        raise ValueError(NO_UPDATE)
    if not rule.linear and not isinstance(product, Factors):
        raise ValueError(f"{rule.label} needs B and A, which this update has not")
    update: Any = rule(product)  # type: ignore[arg-type]
    if isinstance(update, Kronecker):
        one, two = (host(part.product()) for part in (update.first, update.second))
        terms = update.first.r + update.second.r + 1
        return Dense(np.kron(one, two), EPS * terms * float(update.norm_product()))
    if isinstance(update, Factors):
        return Dense(host(update.product()), EPS * update.r * float(update.norm_product()))
    return Dense(host(update), float(rule.forming_error(product)))  # type: ignore[arg-type]


def flat(x: Array) -> Array:
    """Return x with all axes behind the first as columns."""
    return namespace(x).reshape(x, (x.shape[0], math.prod(x.shape[1:])))


def _wide(x: Array) -> Array:
    xp = namespace(x)
    return xp.astype(x, xp.float64)


def _lora_sizes(B: Shape, A: Shape) -> Sizes | None:
    # LyCORIS's DyLoRA writes a convolution's B as a matrix, and other tools a matrix as a convolution of one place
    fits = min(len(A), len(B)) >= 2 and math.prod(B[2:]) == 1 and B[1] == A[0]
    return Sizes(B[0], math.prod(A[1:]), B[1]) if fits else None


def _lora(B: Array, A: Array) -> Factors:
    return Factors(flat(B), flat(A))


def _transposed_sizes(b: Shape, a: Shape) -> Sizes | None:
    return _lora_sizes(b[::-1], a[::-1]) if len(b) == len(a) == 2 else None


def _transposed(b: Array, a: Array) -> Factors:
    xp = namespace(b)
    return Factors(xp.matrix_transpose(b), xp.matrix_transpose(a))


def _adalora_sizes(B: Shape, E: Shape, A: Shape) -> Sizes | None:
    return _lora_sizes(B, A) if len(A) == 2 and (A[0], 1) == E else None


def _adalora(B: Array, E: Array, A: Array) -> Factors:
    return Factors(flat(B), _wide(E) * _wide(A))


def _cp_sizes(B: Shape, M: Shape, A: Shape) -> Sizes | None:
    fits = len(B) == len(M) == len(A) == 4 and B[2:] == A[2:] == (1, 1) and M[:2] == (B[1], A[0])
    return Sizes(B[0], A[1] * math.prod(M[2:]), B[1]) if fits else None


def _cp(B: Array, M: Array, A: Array) -> Factors:
    return Factors(flat(B), _core(M, _wide(flat(A))))


def _core(M: Array, A: Array) -> Array:
    """Return sum_j M_ijkl A_jc as a matrix with rows i and columns (c, k, l), in float64."""
    xp, (r, s, *kernel) = namespace(M), M.shape
    inner = xp.reshape(xp.permute_dims(_wide(M), (0, 2, 3, 1)), (r * math.prod(kernel), s)) @ A
    columns = xp.reshape(inner, (r, math.prod(kernel), A.shape[1]))
    return xp.reshape(xp.matrix_transpose(columns), (r, A.shape[1] * math.prod(kernel)))


def _hadamard_sizes(B1: Shape, A1: Shape, B2: Shape, A2: Shape) -> Sizes | None:
    return _entrywise(_lora_sizes(B1, A1), _lora_sizes(B2, A2)) if len(B1) == len(B2) == 2 else None


def _entrywise(one: Sizes | None, two: Sizes | None) -> Sizes | None:
    """Return the sizes of an entrywise product."""
    return Sizes(one.m, one.n, one.r * two.r) if one and two and one[:2] == two[:2] else None


def _hadamard(B1: Array, A1: Array, B2: Array, A2: Array) -> Factors:
    return hadamard(_lora(B1, A1), _lora(B2, A2))


def _hadamard_cp_sizes(T1: Shape, B1: Shape, A1: Shape, T2: Shape, B2: Shape, A2: Shape) -> Sizes | None:
    return _entrywise(_tucker_sizes(T1, B1, A1), _tucker_sizes(T2, B2, A2))


def _hadamard_cp(T1: Array, B1: Array, A1: Array, T2: Array, B2: Array, A2: Array) -> Factors:
    return hadamard(_tucker(T1, B1, A1), _tucker(T2, B2, A2))


def _tucker_sizes(T: Shape, B: Shape, A: Shape) -> Sizes | None:
    """Sizes of sum_ij T_ijkl B_io A_jc, LyCORIS's convolution: B (r, m) is stored transposed."""
    fits = len(T) == 4 and len(B) == len(A) == 2 and T[:2] == (B[0], A[0])
    return Sizes(B[1], A[1] * math.prod(T[2:]), B[0]) if fits else None


def _tucker(T: Array, B: Array, A: Array) -> Factors:
    return Factors(namespace(B).matrix_transpose(B), _core(T, _wide(A)))


def _mixed_sizes(B: Shape, M: Shape, A: Shape) -> Sizes | None:
    return _lora_sizes(B, A) if len(A) == 2 and (A[0], A[0]) == M else None


def _mixed(B: Array, M: Array, A: Array) -> Factors:
    return Factors(flat(B), _wide(M) @ _wide(A))


LORA = Form(("B", "A"), _lora_sizes, _lora)
TURNED = Form(("B", "A"), _transposed_sizes, _transposed)
MIXED = Form(("B", "mixer", "A"), _mixed_sizes, _mixed)
TRANSPOSED = Form(("b", "a"), _transposed_sizes, _transposed)
ADALORA = Form(("B", "E", "A"), _adalora_sizes, _adalora)
CP = Form(("B", "M", "A"), _cp_sizes, _cp)
HADAMARD = Form(("w1_a", "w1_b", "w2_a", "w2_b"), _hadamard_sizes, _hadamard)
HADAMARD_CP = Form(("t1", "w1_a", "w1_b", "t2", "w2_a", "w2_b"), _hadamard_cp_sizes, _hadamard_cp)


def _no_sizes() -> None:
    """No tensors make the update, so that none tell its sizes."""


def _no_product() -> Product:
    raise ValueError("no tensors make this update: it is measured by the code that applies it")


UNSTORED = Form((), _no_sizes, _no_product, expands=False)


def kronecker_form(first: tuple[str, ...], second: tuple[str, ...]) -> Form:
    """Return the form of a Kronecker product whose parts are stored whole, factored, or as Tucker (t, a, b).

    Parameters
    ----------
    first, second : tuple of str
        The tensors of each part: one, two or three.
    """

    def sizes(*shapes: Shape) -> Sizes | None:
        one, two = _part_sizes(shapes[: len(first)]), _part_sizes(shapes[len(first) :])
        if one is None or two is None:
            return None
        return Sizes(one.m * two.m, one.n * two.n, min(one) * min(two))

    def combine(*tensors: Array) -> Kronecker:
        return Kronecker(_part(tensors[: len(first)]), _part(tensors[len(first) :]))

    return Form((*first, *second), sizes, combine, expands=False)


def whole_sizes(W: Shape) -> Sizes | None:
    """Return the sizes of a matrix stored whole, its axes behind the first as columns; None where it is no matrix."""
    if len(W) < 2:
        return None
    m, n = W[0], math.prod(W[1:])
    return Sizes(m, n, min(m, n))


def _whole(W: Array) -> Dense:
    return Dense(_wide(host(flat(W))), 0.0)


def _part_sizes(shapes: tuple[Shape, ...]) -> Sizes | None:
    if len(shapes) == 1:
        return whole_sizes(shapes[0])
    return _lora_sizes(*shapes) if len(shapes) == 2 else _tucker_sizes(*shapes)


def _part(tensors: tuple[Array, ...]) -> Factors:
    if len(tensors) == 3:
        return _tucker(*tensors)
    if len(tensors) == 2:
        return _lora(*tensors)
    w = flat(tensors[0])
    one = namespace(w).eye(min(w.shape), dtype=w.dtype)
    return Factors(one, w) if w.shape[0] <= w.shape[1] else Factors(w, one)


FULL = Form(("diff",), whole_sizes, _whole, expands=False)
