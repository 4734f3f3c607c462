"""Squares whose weighted sum is a polynomial, searched for as positive definite Gram matrices.

p = sum_b g_b(x) m_b(x)^T S_b m_b(x) is linear in the entries of the S_b. Where no positive definite S_b solve it
because p touches zero, the kernel that they must have is read off in floats, made rational, and divided out (facial
reduction; Peyrl and Parrilo 2008). Whether what is returned adds up to p is for the caller to see.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from rankkit.claims.deadline import Deadline
from rankkit.claims.proofs.terms import Monomial, product

__all__ = ["Block", "Square", "squares_of"]

FACES = 4  # reductions
UNKNOWNS = 260  # of the linear system's solutions
SHARPER = 0.15  # by which the barrier's weight falls
ROUNDS = 14
NEWTON = 12
KERNEL = 1e-3  # eigenvalues below this share of the largest belong to the kernel
DENOMINATOR = 2000  # of a kernel's entries
GRAIN = 2**24  # of the solution's rational coordinates
Polynomial = Mapping[Monomial, Fraction]
Rows = list[list[Fraction]]


class Block(NamedTuple):
    """A factor that is not negative, and the monomials of the squares that it multiplies."""

    factor: Polynomial
    basis: list[Monomial]


class Square(NamedTuple):
    """weight * factor * root^2."""

    factor: Polynomial
    weight: Fraction
    root: Polynomial


def squares_of(p: Polynomial, blocks: Sequence[Block], limit: Deadline) -> list[Square] | None:
    """Return weighted squares that add up to a polynomial; None where none were found.

    Parameters
    ----------
    p : mapping
        Monomial -> coefficient.
    blocks : sequence of Block
        What may be multiplied by which squares.
    limit : Deadline
        At which the search is given up.
    """
    spans = [_identity(len(block.basis)) for block in blocks]  # rows: the polynomials whose squares are weighed
    for _ in range(FACES):
        found = _solutions(p, blocks, spans)
        if found is None or limit.passed:
            return None
        start, ways = found
        if len(ways) > UNKNOWNS:
            return None
        sizes = [len(span) for span in spans]
        y, least = _centre(_floats(start, sizes), [_floats(way, sizes) for way in ways], limit)
        if least > 0:
            exact = list(start)
            for value, way in zip(y, ways, strict=True):
                share = Fraction(round(value * GRAIN), GRAIN)
                exact = [x + share * w for x, w in zip(exact, way, strict=True)]
            weighed = [_weights(S) for S in _matrices(exact, sizes)]
            if None not in weighed:
                return [
                    Square(block.factor, d, _combined(block.basis, span, row))
                    for block, span, pairs in zip(blocks, spans, weighed, strict=True)
                    for d, row in pairs or ()
                    if d
                ]
        spans = [_without(span, S) for span, S in zip(spans, _point(start, ways, y, sizes), strict=True)]
        if [len(span) for span in spans] == sizes:
            return None
    return None


def _identity(size: int) -> Rows:
    return [[Fraction(i == j) for j in range(size)] for i in range(size)]


def _solutions(p: Polynomial, blocks: Sequence[Block], spans: list[Rows]) -> tuple[list[Fraction], Rows] | None:
    """Return a solution of the linear equations for the entries (i <= j) of all S_b, and a basis of the differences."""
    columns: list[dict[Monomial, Fraction]] = []
    for block, span in zip(blocks, spans, strict=True):
        roots = [dict(zip(block.basis, row, strict=True)) for row in span]
        for i in range(len(roots)):
            for j in range(i, len(roots)):
                both = _times(_times(roots[i], roots[j]), block.factor)
                columns.append({m: c * (1 + (i != j)) for m, c in both.items() if c})
    monomials = sorted({m for column in columns for m in column} | set(p))
    rows = [[column.get(m, Fraction(0)) for column in columns] + [p.get(m, Fraction(0))] for m in monomials]
    return _solved(rows, len(columns))


def _times(p: Polynomial, q: Polynomial) -> dict[Monomial, Fraction]:
    out: dict[Monomial, Fraction] = {}
    for m, c in p.items():
        for n, d in q.items():
            if c and d:
                out[product(m, n)] = out.get(product(m, n), Fraction(0)) + c * d
    return out


def _solved(rows: Rows, unknowns: int) -> tuple[list[Fraction], Rows] | None:
    """Return a solution of rational linear equations, and a basis of the homogeneous ones; None where there is none."""
    import flint

    matrix = flint.fmpq_mat([[flint.fmpq(x.numerator, x.denominator) for x in row] for row in rows])
    reduced, rank = matrix.rref()
    exact = [[Fraction(int(reduced[i, j].p), int(reduced[i, j].q)) for j in range(unknowns + 1)] for i in range(rank)]
    leads = [next(j for j, x in enumerate(row) if x) for row in exact]
    if unknowns in leads:
        return None
    start = [Fraction(0)] * unknowns
    for lead, row in zip(leads, exact, strict=True):
        start[lead] = row[unknowns]
    ways: Rows = []
    for free in (j for j in range(unknowns) if j not in leads):
        way = [Fraction(0)] * unknowns
        way[free] = Fraction(1)
        for lead, row in zip(leads, exact, strict=True):
            way[lead] = -row[free]
        ways.append(way)
    return start, ways


def _matrices(entries: Sequence[Any], sizes: list[int]) -> list[list[list[Any]]]:
    """Return symmetric matrices of the entries i <= j, block after block."""
    out: list[list[list[Any]]] = []
    left = iter(entries)
    for size in sizes:
        S: list[list[Any]] = [[None] * size for _ in range(size)]
        for i in range(size):
            for j in range(i, size):
                S[i][j] = S[j][i] = next(left)
        out.append(S)
    return out


def _floats(entries: Sequence[Fraction], sizes: list[int]) -> Any:
    """Return the matrices as one block diagonal array."""
    out, at = np.zeros((sum(sizes),) * 2), 0
    for S in _matrices(entries, sizes):
        out[at : at + len(S), at : at + len(S)] = np.array(S, dtype=float).reshape(len(S), len(S))
        at += len(S)
    return out


def _centre(start: Any, ways: list[Any], limit: Deadline) -> tuple[Any, float]:
    """Return coordinates at which the least eigenvalue is about as large as it can be (at most 2), and the eigenvalue.

    Minimises t / mu - log det(S + t I) - log(2 + t) for ever smaller mu, by Newton's method.
    """
    size = len(start)
    flat = _stacked([*ways, np.eye(size)])
    z = _stacked([np.zeros((1, len(ways) + 1))])[0]
    z[-1] = max(0.0, 1 - float(np.linalg.eigvalsh(start)[0]))

    def at(z: Any) -> Any:
        return start + (z @ flat).reshape(size, size)

    mu = 1.0
    for _ in range(ROUNDS):
        for _ in range(NEWTON):
            if limit.passed:
                return z[:-1], -1.0
            step, gain = _step(flat, at(z), z[-1], mu)
            length = 1.0
            while length > 1e-8 and (z[-1] + length * step[-1] <= -2 or _indefinite(at(z + length * step))):
                length *= 0.5
            z = z + 0.9 * length * step if length < 1 else z + step
            if gain < 1e-6:
                break
        mu *= SHARPER
    z[-1] = 0.0
    return z[:-1], float(np.linalg.eigvalsh(at(z))[0])


def _stacked(matrices: list[Any]) -> Any:
    """Return matrices as the rows of one array."""
    return np.array([matrix.ravel() for matrix in matrices])


def _step(flat: Any, S: Any, t: Any, mu: float) -> tuple[Any, float]:
    """Return Newton's step at S, for the coordinates along the rows of `flat` and t, and how much it gains."""
    size, count = len(S), len(flat)
    inverse: Any = np.linalg.inv
    turned = (inverse(S) @ flat.reshape(-1, size, size)).reshape(count, -1)
    across = turned.reshape(-1, size, size).transpose(0, 2, 1).reshape(count, -1)
    slope = -turned[:, :: size + 1].sum(axis=1)
    slope[-1] += 1 / mu - 1 / (2 + t)
    curve = turned @ across.T + 1e-10 * np.eye(count)
    curve[-1, -1] += 1 / (2 + t) ** 2
    solve: Any = np.linalg.lstsq
    step = -solve(curve, slope, rcond=None)[0]
    return step, abs(float(slope @ step))


def _indefinite(S: Any) -> bool:
    try:
        np.linalg.cholesky(S)
    except np.linalg.LinAlgError:
        return True
    return False


def _point(start: list[Fraction], ways: Rows, y: Any, sizes: list[int]) -> list[Any]:
    """Return the matrices at the coordinates y, block by block, in floats."""
    entries = np.array(start, dtype=float) + (np.array(ways, dtype=float).T @ y if ways else 0)
    return [np.array(S, dtype=float).reshape(len(S), len(S)) for S in _matrices(list(entries), sizes)]


def _without(span: Rows, S: Any) -> Rows:
    """Return the combinations of a span that are orthogonal to the kernel of S, which is read off in floats."""
    if not len(S):
        return span
    values, vectors = np.linalg.eigh(S)
    kernel = vectors[:, values < KERNEL * max(1.0, values[-1])].T
    if not len(kernel):
        return span
    exact = _rational(kernel)
    solved = _solved([[*row, Fraction(0)] for row in exact], len(span))
    assert solved is not None
    return [
        [sum((c * row[j] for c, row in zip(way, span, strict=True)), Fraction(0)) for j in range(len(span[0]))]
        for way in solved[1]
    ]


def _rational(kernel: Any) -> Rows:
    """Return the rows' span in echelon form, with rational entries near the floats."""
    rows = kernel.copy()
    for lead in range(len(rows)):
        i, j = np.unravel_index(np.argmax(np.abs(rows[lead:])), rows[lead:].shape)
        rows[[lead, lead + i]] = rows[[lead + i, lead]]
        rows[lead] /= rows[lead, j]
        for other in range(len(rows)):
            if other != lead:
                rows[other] -= rows[other, j] * rows[lead]
    return [[Fraction(float(x)).limit_denominator(DENOMINATOR) for x in row] for row in rows]


def _weights(S: list[list[Fraction]]) -> list[tuple[Fraction, list[Fraction]]] | None:
    """Return d and rows l with S = sum d l l^T, all d >= 0; None where S is not positive semidefinite."""
    left, out = [list(row) for row in S], list[tuple[Fraction, list[Fraction]]]()
    for k in range(len(S)):
        pivot = left[k][k]
        if pivot < 0 or (pivot == 0 and any(left[k][j] for j in range(k, len(S)))):
            return None
        if pivot == 0:
            continue
        row = [Fraction(0)] * k + [x / pivot for x in left[k][k:]]
        out.append((pivot, row))
        for i in range(k, len(S)):
            for j in range(k, len(S)):
                left[i][j] -= pivot * row[i] * row[j]
    return out


def _combined(basis: list[Monomial], span: Rows, row: list[Fraction]) -> dict[Monomial, Fraction]:
    out: dict[Monomial, Fraction] = {}
    for weight, roots in zip(row, span, strict=True):
        for m, c in zip(basis, roots, strict=True):
            out[m] = out.get(m, Fraction(0)) + weight * c
    return {m: c for m, c in out.items() if c}
