"""Experts: a module whose factors are those of many weights, one for each expert, and the layer of each of them.

PEFT's target_parameters adapts a parameter of E weights. With rank r it stores A (E r, in), the expert's number
slowest, and B (out, E r), the expert's number *fastest*: expert e has A[e r : (e + 1) r] and B[:, e :: E]. (See peft's
ParamWrapper. It tells by the model which axis of the parameter is `in`; the singular values do not depend on it.) Until
September 2026 unsloth packed B expert by expert, B[:, e r : (e + 1) r]; newer files of unsloth have `lora_B_layout`.

Other trainers store A (E, r, in) and B (E, out, r), where 1 in the place of E means that all experts share it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

from rankkit.checkpoints.assumptions import ORDER
from rankkit.checkpoints.forms import LORA, Form, Shape, Sizes
from rankkit.checkpoints.module_names import unwrapped
from rankkit.checkpoints.scaling import matched
from rankkit.checkpoints.untrusted import Config, is_list, mapping
from rankkit.factors import Array, Factors, namespace

__all__ = ["Stack", "stack_of"]

MOST = 4096  # experts of one parameter; the largest models have some hundreds
BY_RANK, BY_EXPERT = (
    "rank_major",
    "grouped_by_expert",
)  # values of lora_B_layout: the expert's number fastest, or slowest
ORDER_ASSUMED = "the order of the experts in B is not stored: PEFT's assumed"
NESTING_ASSUMED = "which of the parameters it adapts is not stored: the order in which models define them assumed"
_INNER = re.compile(r"(?:\.base_layer)*$")
_DOWN = re.compile(r"down|w2|fc2|output|out_proj|linear_2", re.I)  # the second matrix of a feed-forward block
_EXPERTS = re.compile(r"(?:^|\.)experts$")


class Stack(NamedTuple):
    """The experts of one module.

    Attributes
    ----------
    path : str
        Of the parameter in the base model.
    experts : int
        How many there are.
    r : int
        The rank of each.
    notes : tuple of str
        What had to be assumed.
    layout : str
        How B is packed; "" where the factors have an axis for the experts.
    """

    path: str
    experts: int
    r: int
    notes: tuple[str, ...] = ()
    layout: str = ""

    @property
    def unknown(self) -> tuple[str, ...]:
        """What the rows rest on that is not known."""
        return (ORDER,) if self.notes else ()

    def form(self, expert: int) -> Form:
        """Return the form of one expert: what its update takes of the factors of all."""
        if not self.layout:
            return Form(("B", "A"), _one_of_three_axes, partial(_taken, expert))
        return Form(("B", "A"), partial(_flat_sizes, self.experts), partial(_cut, self, expert))


def stack_of(name: str, B: Shape, A: Shape, config: Config, others: Mapping[str, tuple[Shape, Shape]]) -> Stack | None:
    """Return the experts that a module's factors hold; None where it is one weight.

    Parameters
    ----------
    name : str
        The module's path, with PEFT's steps into what it wraps.
    B, A : tuple of int
        Shapes of its factors.
    config : mapping or None
    others : mapping of str to (shape, shape)
        Path -> shapes of B and A of every module of the file.

    Raises
    ------
    ValueError
        If it holds experts that cannot be told apart: the reason, for the row.
    """
    path = unwrapped(name)
    if len(B) == len(A) == 3:
        apart = _one_of_three_axes(B, A)
        alike = LORA.sizes(B, A) is None and 0 not in (*B, *A) and (B[0] == A[0] or 1 in (B[0], A[0]))
        return Stack(path, _few(max(B[0], A[0])), apart.r) if apart and alike else None
    if len(B) != 2 or len(A) != 2 or B[1] != A[0] or not B[1]:
        return None
    parameters = _parameters(config, path)
    if not parameters and not (_EXPERTS.search(path) and not _is_target(config, path)):
        return None
    notes: list[str] = []
    parameter = _which(name, parameters, others, notes)
    full = f"{path}.{parameter}" if parameter else path
    r = _rank(config, full)
    if r is None:
        raise ValueError(
            "holds the factors of all experts: pass a config with r and target_parameters to tell them apart"
        )
    if B[1] == r:
        return None  # a parameter that is one matrix
    if B[1] % r:
        raise ValueError(f"holds factors of rank {B[1]} for experts of rank {r} each, which is no multiple of it")
    layout = (config or {}).get("lora_B_layout")
    if layout not in (None, BY_RANK, BY_EXPERT):
        raise ValueError(
            f"packs its experts in a layout that is not known: lora_B_layout must be {BY_RANK} or {BY_EXPERT}"
        )
    if layout is None:
        notes.append(ORDER_ASSUMED)
    return Stack(full, _few(B[1] // r), r, tuple(notes), layout or BY_RANK)


def _few(count: int) -> int:
    if count > MOST:
        raise ValueError(f"claims {count} experts, more than {MOST}")
    return count


def _parameters(config: Config, path: str) -> list[str]:
    """Return the names of the parameters of a module that the config's target_parameters names, each once."""
    found: dict[str, None] = {}
    for target in _names(config, "target_parameters"):
        module, dot, parameter = target.rpartition(".")
        if f".{path}".endswith(f".{module}") if dot else not _is_target(config, path):
            found[parameter] = None
    return list(found)


def _names(config: Config, field: str) -> list[str]:
    """Return the names that a field of a configuration lists, in their order; a live one may have a set."""
    named: object = (config or {}).get(field)
    if isinstance(named, (set, frozenset)):
        return sorted(map(str, named))  # pyright: ignore[reportUnknownArgumentType]
    return [name for name in named if isinstance(name, str)] if is_list(named) else []


def _is_target(config: Config, path: str) -> bool:
    """Return whether the config's target_modules names a module, so that its factors are those of one weight."""
    named: object = (config or {}).get("target_modules")
    if isinstance(named, str):
        return named != "all-linear" and _fits(named, path)
    return any(f".{path}".endswith(f".{target}") for target in _names(config, "target_modules"))


def _fits(pattern: str, path: str) -> bool:
    try:
        return matched({pattern: True}, path) is True
    except ValueError:  # a stranger's pattern that cannot be matched names nothing
        return False


def _rank(config: Config, path: str) -> int | None:
    asked = matched(mapping(config or {}, "rank_pattern"), path)
    asked = (config or {}).get("r") if asked is None else asked
    return asked if type(asked) is int and asked > 0 else None


def _which(name: str, parameters: list[str], others: Mapping[str, tuple[Shape, Shape]], notes: list[str]) -> str:
    """Return the parameter that a module adapts, of those of its path; PEFT wraps the later ones around the earlier.

    Models define what maps into a feed-forward block before what maps out of it, so that the last one is outermost.
    """
    if len(parameters) < 2:
        return parameters[0] if parameters else ""
    ordered = sorted(parameters, key=lambda parameter: bool(_DOWN.search(parameter)))
    outer = _INNER.sub("", name)
    depths = sorted(_depth(other) for other in others if _INNER.sub("", other) == outer)  # 0: outermost
    at = depths.index(_depth(name))
    if len(parameters) == 2 == len(depths):
        one, two = (others[outer + ".base_layer" * depth] for depth in depths)
        outermost, inner = _is_half(one, two), _is_half(two, one)
        if outermost != inner:  # of a fused gate_up_proj and a down_proj the shapes tell which is which
            return ordered[-1] if (at == 0) == outermost else ordered[0]
    notes.append(NESTING_ASSUMED)
    return ordered[-1 - at] if at < len(ordered) else ""


def _depth(name: str) -> int:
    return name.count(".base_layer", len(_INNER.sub("", name)))


def _is_half(one: tuple[Shape, Shape], two: tuple[Shape, Shape]) -> bool:
    """Return whether a module maps between H and I, and another one between H and 2 I."""
    (a, b), (c, d) = ((B[0], A[-1]) for B, A in (one, two))
    return (a == c and d == 2 * b) or (a == d and c == 2 * b) or (b == c and d == 2 * a) or (b == d and c == 2 * a)


def _one_of_three_axes(B: Shape, A: Shape) -> Sizes | None:
    if len(B) != 3 or len(A) != 3:
        return None
    return LORA.sizes(B[1:], A[1:]) or LORA.sizes(B[:0:-1], A[:0:-1])


def _taken(expert: int, B: Array, A: Array) -> Factors:
    xp = namespace(B)
    b, a = (x[expert if x.shape[0] > 1 else 0] for x in (B, A))
    return Factors(b, a) if b.shape[1] == a.shape[0] else Factors(xp.matrix_transpose(b), xp.matrix_transpose(a))


def _flat_sizes(count: int, B: Shape, A: Shape) -> Sizes | None:
    whole = LORA.sizes(B, A)
    return whole and Sizes(whole.m, whole.n, whole.r // count)


def _cut(stack: Stack, expert: int, B: Array, A: Array) -> Factors:
    rows: Any = slice(expert * stack.r, (expert + 1) * stack.r)
    return Factors(B[:, rows] if stack.layout == BY_EXPERT else B[:, expert :: stack.experts], A[rows])
