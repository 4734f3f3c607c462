"""Experts: a module whose factors are those of many weights, one for each expert, and the layer of each of them.

PEFT's target_parameters adapts a parameter of E weights. With rank r it stores A (E r, in), the expert's number
slowest, and B (out, E r), the expert's number *fastest*: expert e has A[e r : (e + 1) r] and B[:, e :: E]. (See peft's
ParamWrapper. It tells by the model which axis of the parameter is `in`; the singular values do not depend on it.) Until
September 2026 unsloth packed B expert by expert, B[:, e r : (e + 1) r]; newer files of unsloth have `lora_B_layout`.

Other trainers store A (E, r, in) and B (E, out, r), where 1 in the place of E means that all experts share it, or both
transposed, which the shapes of all such modules tell; MLX writes such a B beside A (E r, in), and no B of three axes
for anything else. Elsewhere a B (E, out, 1) beside A (E, in) may be a convolution's or a group's, and is read as that.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

from rankkit.checkpoints.assumptions import ORDER, ORIENTATION
from rankkit.checkpoints.forms import LORA, Form, Shape, Sizes
from rankkit.checkpoints.module_names import unwrapped
from rankkit.checkpoints.readers.orientation import UNSURE, Readings, Turn, is_doubtful
from rankkit.checkpoints.scaling import matched
from rankkit.checkpoints.untrusted import Config, is_list, mapping
from rankkit.factors import Array, Factors, namespace

__all__ = ["BY_RANK", "Stack", "readings_of", "stack_of"]

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
    unknown : tuple of str
        What the rows rest on that is not known.
    turned : bool
        Whether the factors with an axis for the experts are stored transposed, (E, in, r) and (E, r, out).
    folds : bool
        Whether factors of rank 1 may be folded too, as those of MLX.
    """

    path: str
    experts: int
    r: int
    notes: tuple[str, ...] = ()
    layout: str = ""
    unknown: tuple[str, ...] = ()
    turned: bool = False
    folds: bool = False

    @property
    def alone(self) -> bool:
        """Whether the factors are those of one matrix, so that no number need tell it from others."""
        return self.experts == 1 and bool(self.layout)

    def called(self, expert: int) -> str:
        """Return the path of one expert."""
        return self.path if self.alone else f"{self.path}[{expert}]"

    def form(self, expert: int) -> Form:
        """Return the form of one expert: what its update takes of the factors of all."""
        if not self.layout:
            sizes, taken = partial(_one_of_three_axes, self), partial(_taken, self, expert)
            return Form(("B", "A"), sizes, taken)
        return Form(("B", "A"), partial(_flat_sizes, self.experts), partial(_cut, self, expert))


def readings_of(B: Shape, A: Shape, r: int | None, *, folds: bool = False) -> Readings | None:
    """Return what one expert would be if factors with an axis for the experts are stored as B and A, and transposed.

    Parameters
    ----------
    B, A : tuple of int
        Shapes of a module's factors.
    r : int or None
        The rank that the configuration names for it.
    folds : bool
        Whether a B of three axes is that of experts in any case, and an A of two may be folded at rank 1 too.
    """
    whole = _unfolded(B, A, folds)
    if len(B) != 3 or len(whole) != 3 or 0 in (*B, *whole) or (LORA.sizes(B, whole) is not None and not folds):
        return None
    if B[0] != whole[0] and 1 not in (B[0], whole[0]):
        return None
    turned = None if whole != A else LORA.sizes(B[:0:-1], whole[:0:-1])
    found = Readings(LORA.sizes(B[1:], whole[1:]), turned, r)
    return found if found.named or found.turned else None


def stack_of(
    name: str, B: Shape, A: Shape, config: Config, others: Mapping[str, tuple[Shape, Shape]], turn: Turn,
    *, folds: bool = False,
) -> Stack | None:  # fmt: skip
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
    turn : Turn
        How the file's factors with an axis for the experts are to be read.
    folds : bool
        As for `readings_of`.

    Raises
    ------
    ValueError
        If it holds experts that cannot be told apart: the reason, for the row.
    """
    path = unwrapped(name)
    if (readings := readings_of(B, A, _rank(config, path), folds=folds)) is not None:
        turned = readings.turned is not None and (turn.turned or readings.named is None)
        doubt = is_doubtful(readings, turn)
        apart = readings.turned if turned else readings.named
        assert apart is not None
        count = _few(max(B[0], _unfolded(B, A, folds)[0]))
        return Stack(
            path, count, apart.r, (UNSURE,) if doubt else (), unknown=(ORIENTATION,) if doubt else (), turned=turned,
            folds=folds,
        )  # fmt: skip
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
        return Stack(full, 1, r, tuple(notes), BY_RANK, (ORDER,) if notes else ())
    if B[1] % r:
        raise ValueError(f"holds factors of rank {B[1]} for experts of rank {r} each, which is no multiple of it")
    layout = (config or {}).get("lora_B_layout")
    if layout not in (None, BY_RANK, BY_EXPERT):
        raise ValueError(
            f"packs its experts in a layout that is not known: lora_B_layout must be {BY_RANK} or {BY_EXPERT}"
        )
    if layout is None:
        notes.append(ORDER_ASSUMED)
    return Stack(full, _few(B[1] // r), r, tuple(notes), layout or BY_RANK, (ORDER,) if notes else ())


def _few(count: int) -> int:
    if count > MOST:
        raise ValueError(f"claims {count} experts, more than {MOST}")
    return count


def _parameters(config: Config, path: str) -> list[str]:
    """Return the names of the parameters of a module that the config's target_parameters names, each once."""
    found: dict[str, None] = {}
    for target in _names(config, "target_parameters"):
        module, dot, parameter = target.rpartition(".")  # of a live layer's own, ".up_proj", the module is ""
        if f".{path}".endswith(f".{module}" if module else "") if dot else not _is_target(config, path):
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


def _unfolded(B: Shape, A: Shape, folds: bool) -> Shape:
    """Return the shape of A with an axis for the experts, where B alone has one."""
    folded = len(B) == 3 and len(A) == 2 and (B[2] > 1 or folds) and A[0] == B[0] * B[2]
    return (B[0], B[2], A[1]) if folded else A


def _one_of_three_axes(stack: Stack, B: Shape, A: Shape) -> Sizes | None:
    whole = _unfolded(B, A, stack.folds)
    if len(B) != 3 or len(whole) != 3:
        return None
    return LORA.sizes(B[:0:-1], whole[:0:-1]) if stack.turned else LORA.sizes(B[1:], whole[1:])


def _taken(stack: Stack, expert: int, B: Array, A: Array) -> Factors:
    xp = namespace(B)
    whole = xp.reshape(A, _unfolded(B.shape, A.shape, stack.folds))
    b, a = (x[expert if x.shape[0] > 1 else 0] for x in (B, whole))
    return Factors(xp.matrix_transpose(b), xp.matrix_transpose(a)) if stack.turned else Factors(b, a)


def _flat_sizes(count: int, B: Shape, A: Shape) -> Sizes | None:
    whole = LORA.sizes(B, A)
    return whole and Sizes(whole.m, whole.n, whole.r // count)


def _cut(stack: Stack, expert: int, B: Array, A: Array) -> Factors:
    rows: Any = slice(expert * stack.r, (expert + 1) * stack.r)
    return Factors(B[:, rows] if stack.layout == BY_EXPERT else B[:, expert :: stack.experts], A[rows])
