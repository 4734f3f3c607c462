"""Faults made from the source by rule: a comparison turned, a term or a factor dropped, a bound swapped, a number doubled.

The rules are those whose faults would be silent here. Which modules they are applied to stands in `parts.py`.
"""

from __future__ import annotations

import ast
import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import partial
from itertools import chain, zip_longest
from pathlib import Path

from tests.mutants.parts import PARTS, SHOWN
from tests.mutants.planted import Mutant

__all__ = ["drawn", "made"]

TURNED = {ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "=="}
SWAPPED = {"minimum": "maximum", "maximum": "minimum", "min": "max", "max": "min", "any": "all", "all": "any"}
SMALL = 12  # mutants: a file with fewer has no turn of its own
JOINED = {ast.And: "or", ast.Or: "and"}


def made(root: Path) -> list[Mutant]:
    """Return all faults that the rules make of the parts, in the order of the source."""
    return [mutant for file, tests in PARTS.items() for mutant in _of_file(file, (root / file).read_text(), tests)]


def drawn(mutants: list[Mutant], count: int, seed: int) -> list[Mutant]:
    """Return so many of the mutants, drawn at random and from all files evenly; the small files of a folder count as one.

    The order is that of hashes, so that an edit changes what is drawn of its own lines and of no others. So is that of
    the files, so that a draw of fewer mutants than there are files leaves out some that the seed chooses.
    """
    sizes = Counter(mutant.file for mutant in mutants)
    groups: dict[str, list[Mutant]] = defaultdict(list)
    for mutant in mutants:
        small = sizes[mutant.file] < SMALL
        groups[str(Path(mutant.file).parent) if small else mutant.file].append(mutant)
    order = sorted(groups, key=lambda name: hashlib.sha256(f"{seed} {name}".encode()).digest())
    shuffled = [sorted(groups[name], key=partial(_place_in_draw, seed)) for name in order]
    turns = chain.from_iterable(zip_longest(*shuffled))
    return [mutant for mutant in turns if mutant is not None][:count]


def _place_in_draw(seed: int, mutant: Mutant) -> bytes:
    return hashlib.sha256(f"{seed} {mutant.file} {mutant.old} {mutant.new}".encode()).digest()


def _of_file(file: str, text: str, tests: str) -> Iterator[Mutant]:
    for node, new in _changed(ast.parse(text)):
        start, end = _place(text, node)
        fault = text[:start] + new + text[end:]
        # a change is named by whole lines, with as many before them as make it the only one
        first = text.rfind("\n", 0, start) + 1
        last = text.find("\n", end)
        while text.count(text[first:last]) > 1 and first:
            first = text.rfind("\n", 0, first - 1) + 1
        more = len(fault) - len(text)
        what = f"{ast.unparse(node)} -> {new}"
        yield Mutant(" ".join(what.split())[:110], file, text[first:last], fault[first : last + more], tests)


def _place(text: str, node: ast.expr) -> tuple[int, int]:
    """Return where an expression begins and ends in a text."""
    lines = text.splitlines(keepends=True)

    def at(line: int, byte: int) -> int:
        return sum(map(len, lines[: line - 1])) + len(lines[line - 1].encode()[:byte].decode())

    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    return at(node.lineno, node.col_offset), at(node.end_lineno, node.end_col_offset)


def _changed(node: ast.AST) -> Iterator[tuple[ast.expr, str]]:
    """Yield expressions within a node and what the rules make of them; not of what only shows a result."""
    if isinstance(node, ast.FunctionDef) and node.name in SHOWN:
        return
    if isinstance(node, ast.expr):
        yield from ((node, new) for new in _changes(node))
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "type_params", "bases") or isinstance(node, ast.Raise):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not isinstance(child, (ast.JoinedStr, ast.Assert)):
                yield from _changed(child)


def _changes(node: ast.expr) -> Iterator[str]:
    """Yield what the rules make of one expression, as source."""
    match node:
        case ast.Compare(ops=[op]) if type(op) in TURNED:
            yield f"{ast.unparse(node.left)} {TURNED[type(op)]} {ast.unparse(node.comparators[0])}"
        case ast.BinOp(op=ast.Add() | ast.Sub()):
            yield f"({ast.unparse(node.left)})"
            if isinstance(node.op, ast.Add):
                yield f"({ast.unparse(node.right)})"
        case ast.BinOp(op=ast.Mult()):
            yield f"({ast.unparse(node.left)})"
            yield f"({ast.unparse(node.right)})"
        case ast.BoolOp():
            yield "(" + f" {JOINED[type(node.op)]} ".join(f"({ast.unparse(value)})" for value in node.values) + ")"
        case ast.UnaryOp(op=ast.Not() | ast.USub()) if not isinstance(node.operand, ast.Constant):
            yield f"({ast.unparse(node.operand)})"
        case ast.Attribute(attr=name) if name in SWAPPED:
            yield f"{ast.unparse(node.value)}.{SWAPPED[name]}"
        case ast.Name(id=name) if name in SWAPPED:
            yield SWAPPED[name]
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool) and number not in (0, 1):
            yield repr(2 * number)
        case _:
            return
