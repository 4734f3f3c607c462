"""Faults made from the source by rule: a comparison turned, a summand dropped, a bound swapped, a number doubled."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.mutants.planted import Mutant

__all__ = ["PARTS", "made"]

# the modules whose errors would be silent, and the tests that are theirs
PARTS = {
    "rankkit/solvers/dense.py": "tests/solvers/test_worst_rounding.py tests/solvers/test_solvers.py",
    "rankkit/solvers/factored.py": "tests/solvers/test_worst_rounding.py tests/solvers/test_solvers.py",
    "rankkit/solvers/gram.py": "tests/solvers/test_worst_rounding.py tests/solvers/test_gram_bounds.py",
    "rankkit/solvers/leading.py": "tests/solvers/test_worst_rounding.py tests/solvers/test_solvers.py",
    "rankkit/solvers/sampled.py": "tests/solvers/test_worst_rounding.py tests/solvers/test_counting.py",
    "rankkit/solvers/solution.py": "tests/solvers tests/test_spectrum.py",
    "rankkit/solvers/tolerance.py": "tests/solvers/test_worst_rounding.py tests/test_metrics.py",
    "rankkit/uncertainty.py": "tests/test_uncertainty.py tests/audits/test_update.py",
    "rankkit/metrics.py": "tests/test_metrics.py",
    "rankkit/spectrum.py": "tests/test_spectrum.py tests/solvers/test_worst_rounding.py",
    "rankkit/regime.py": "tests/test_regime.py",
}
TURNED = {ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "=="}
SWAPPED = {"minimum": "maximum", "maximum": "minimum", "min": "max", "max": "min"}


def made(root: Path) -> list[Mutant]:
    """Return all faults that the rules make of the parts, in the order of the source."""
    return [mutant for file, tests in PARTS.items() for mutant in _of_file(file, (root / file).read_text(), tests)]


def _of_file(file: str, text: str, tests: str) -> Iterator[Mutant]:
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        # a change is named by its whole line, so that it is unique; what spans lines or repeats is left out
        if getattr(node, "end_lineno", None) != getattr(node, "lineno", -1):
            continue
        line = lines[node.lineno - 1]  # pyright: ignore[reportAttributeAccessIssue]
        if text.count(line) != 1:
            continue
        for what, new in _changes(node):
            start, end = (len(line.encode()[:place].decode()) for place in (node.col_offset, node.end_col_offset))  # pyright: ignore[reportAttributeAccessIssue]
            yield Mutant(f"{what}: {ast.unparse(node)}"[:90], file, line, line[:start] + new + line[end:], tests)


def _changes(node: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield what the rules make of one expression: in words, and as source."""
    match node:
        case ast.Compare(ops=[op]) if type(op) in TURNED:
            yield "turned", f"{ast.unparse(node.left)} {TURNED[type(op)]} {ast.unparse(node.comparators[0])}"
        case ast.BinOp(op=ast.Add() | ast.Sub()):
            yield "without its second term", f"({ast.unparse(node.left)})"
            if isinstance(node.op, ast.Add):
                yield "without its first term", f"({ast.unparse(node.right)})"
        case ast.Attribute(attr=name) if name in SWAPPED:
            yield "swapped", f"{ast.unparse(node.value)}.{SWAPPED[name]}"
        case ast.Name(id=name) if name in SWAPPED:
            yield "swapped", SWAPPED[name]
        case ast.Constant(value=int() | float() as number) if number > 1:
            yield "doubled", repr(2 * number)
        case _:
            return
