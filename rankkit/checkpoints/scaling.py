"""The factor in front of a module's product, and the rule it is part of: from a configuration, a tensor, or assumed."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from rankkit.checkpoints.assumptions import SCALE
from rankkit.checkpoints.files.tensors import Tensors, scalar
from rankkit.checkpoints.module_names import split_adapter
from rankkit.checkpoints.settings import SCALING, for_module
from rankkit.checkpoints.untrusted import Config, mapping, number, quoted
from rankkit.rules import Linear, Rule, Sine

__all__ = [
    "ALIKE", "ALPHA", "FACTOR", "MULTIPLIER", "RANK", "Scaled", "matched", "multiplied", "rank_of", "scale_of",
    "searched", "sine_of",
]  # fmt: skip

# numbers that files store beside the factors of a module: alpha, the whole factor in front of B A, what multiplies
# that factor (LyCORIS), and the rank
ALPHA, FACTOR, MULTIPLIER, RANK = "alpha", "factor", "scalar", "rank"

MAX_PATTERN = 1000  # characters; patterns come from untrusted files
MATCH_SECONDS = 0.1  # per module name and pattern; an honest pattern takes microseconds
MOST_PATTERNS = 1000  # compiled ones that are kept
ALIKE = 1e-2  # relative; a number rounded to bfloat16 is off by up to 0.4 %
PEFT_ALPHA = 8  # lora_alpha where a configuration does not say: LoraConfig's default

_PLAIN = re.compile(r"[\w.\-]*\Z")


class Scaled(NamedTuple):
    """The rule a module's product goes through, the factor in front of it, and what had to be assumed.

    `unknown` names what is not known, as `rankkit.checkpoints.assumptions.UNKNOWN` does; the notes tell it to a reader.
    """

    scale: float
    rule: Rule
    notes: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    @classmethod
    def linear(cls, scale: float, notes: tuple[str, ...] = (), unknown: tuple[str, ...] = ()) -> Scaled:
        """Return scale * B A."""
        return cls(scale, Linear(scale=scale), notes, unknown)

    @classmethod
    def assumed(cls, why: str, advice: str = "") -> Scaled:
        """Return B A itself, noted as an assumption with its reason and what to do about it."""
        return cls.linear(1.0, (f"{why}: scale 1 assumed{advice}",), (SCALE,))


def matched(patterns: Mapping[Any, Any], module: str) -> Any:
    r"""Return the value of the first pattern that matches the end of a module's path, else None.

    PEFT's rule: key K matches if ^(.*\.)?(K)$ does, as a regular expression.

    Parameters
    ----------
    patterns : mapping
        From an untrusted configuration: pattern -> value.
    module : str

    Raises
    ------
    ValueError
        If a pattern is no string, too long, malformed, or takes too long to match.
    """
    for key, value in patterns.items():
        if not isinstance(key, str) or len(key) > MAX_PATTERN:
            raise ValueError(f"a rank or alpha pattern must be a string of at most {MAX_PATTERN} characters.")
        if _matches(key, module):
            return value
    return None


def _matches(key: str, module: str) -> bool:
    if _PLAIN.match(key):  # no repetition in it: Python's own engine cannot run away
        return re.match(rf"(.*\.)?({key})$", module) is not None
    return _pattern(key).matches(module)


@functools.lru_cache(maxsize=MOST_PATTERNS)
def _pattern(key: str) -> _Pattern:
    return _Pattern(key)


class _Pattern:
    """A pattern from a stranger's file. One that runs away is given its time once, not once per module."""

    def __init__(self, key: str) -> None:
        import regex

        self.key, self.trouble = key, ""
        try:
            self.compiled = regex.compile(rf"(.*\.)?({key})$")
        except (regex.error, RecursionError) as error:
            self.trouble = f"the pattern {quoted(key)} is not a regular expression: {error}."

    def matches(self, module: str) -> bool:
        """Return whether it matches a module's path."""
        if not self.trouble:
            try:
                return self.compiled.match(module, timeout=MATCH_SECONDS) is not None
            except TimeoutError:
                self.trouble = f"the pattern {quoted(self.key)} takes too long to match; simplify it."
        raise ValueError(self.trouble)


def scale_of(config: Config, module: str, r: int) -> Scaled:
    """Return alpha / r times B A for a module of stored rank r, or alpha / sqrt(r) times B A for rsLoRA.

    The stored rank counts, since the layer was trained with it; a configuration that names another one
    is noted.

    Parameters
    ----------
    config : mapping or None
        PEFT's fields: lora_alpha, r, use_rslora, alpha_pattern, rank_pattern.
    module : str
        The path that patterns are matched against.
    r : int
        >= 1.

    Raises
    ------
    ValueError
        If the configuration has a value that is no number, or a pattern that cannot be matched.
    """
    if config is None:
        return Scaled.assumed("no adapter_config.json")
    module, adapter = split_adapter(module)
    config = for_module(config, adapter)
    if config.get(SCALING) is not None and "peft_type" not in config:  # PEFT has no such field, and leaves it aside
        return Scaled.linear(number(SCALING, config[SCALING]))
    notes: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    alpha = matched(mapping(config, "alpha_pattern"), module)
    alpha = config.get("lora_alpha") if alpha is None else alpha
    if alpha is None:
        alpha, notes = PEFT_ALPHA, (f"no lora_alpha in the config: PEFT's default {PEFT_ALPHA} assumed",)
        unknown = () if "peft_type" in config else (SCALE,)
    asked = _asked(config, module)
    alpha = number("lora_alpha", alpha)
    if asked is not None and asked != r:
        notes += (f"config says r = {asked!r}, the tensors say {r}: the tensors count",)
        unknown += (SCALE,)
    rooted = config.get("use_rslora")
    if not isinstance(rooted, (bool, int, type(None))):  # PEFT takes the word "false" for true
        raise ValueError(f"use_rslora must be true or false, got {quoted(rooted)}; mend the config.")
    return Scaled.linear(alpha / (math.sqrt(r) if rooted else r), notes, unknown)


def _asked(config: Mapping[str, Any], path: str) -> Any:
    """Return what a configuration says of a module's rank, whatever that is; None where it says nothing."""
    asked = matched(mapping(config, "rank_pattern"), path)
    return config.get("r") if asked is None else asked


def rank_of(config: Config, module: str) -> int | None:
    """Return the rank that a configuration names for a module; None where it names none that could be one."""
    path, adapter = split_adapter(module)
    config = for_module(config or {}, adapter)
    try:
        asked = _asked(config, path)
    except ValueError:  # it is told where the scale is asked for
        return None
    return asked if type(asked) is int and asked > 0 else None


def searched(
    tensors: Tensors, beside: Mapping[str, str], config: Config, module: str, r: int, *, why: str, advice: str = ""
) -> Scaled:
    """Return the scale of a module of any family: the one search for it.

    A factor or an alpha that is stored beside the factors counts first, then what the configuration says under any of
    the names that `rankkit.checkpoints.settings` knows. Without any 1 is assumed.

    Parameters
    ----------
    tensors : Tensors
    beside : mapping of str to str
        Part -> key of the module's tensors, those of `ALPHA`, `FACTOR` and `RANK` among them where they are stored.
    config, module, r
        As for `scale_of`.
    why, advice : str
        What the note says where nothing is found.

    Raises
    ------
    ValueError
        If what is found is not one finite number.
    """
    stored = {part: scalar(tensors, beside[part]) for part in (ALPHA, FACTOR, RANK) if part in beside}
    told = {"alpha / r": stored[ALPHA] / r} if ALPHA in stored else {}
    told |= {"the stored factor": stored[FACTOR]} if FACTOR in stored else {}
    if told:
        scale, other = next(reversed(told.values())), next(iter(told.values()))
        doubts: tuple[str, ...] = ()
        if not math.isclose(scale, other, rel_tol=ALIKE):
            doubts += (f"alpha / r = {other:g} and the factor stored beside it, {scale:g}, differ: the factor counts",)
        if FACTOR not in stored and stored.get(RANK, r) != r:
            doubts += (f"the rank stored beside the factors is {stored[RANK]:g}, theirs {r}: theirs counts",)
        return Scaled.linear(scale, doubts, (SCALE,) if doubts else ())
    said = None if config is None else for_module(config, split_adapter(module)[1])
    if said is None or (said.get("lora_alpha") is None and said.get(SCALING) is None):
        return Scaled.assumed(why, advice)
    return scale_of(config, module, r)


def multiplied(plain: Scaled, tensors: Tensors, beside: Mapping[str, str]) -> Scaled:
    """Return a scale times the module's own multiplier, where one is stored and the update is linear.

    Parameters
    ----------
    plain : Scaled
    tensors, beside
        As for `searched`.

    Raises
    ------
    ValueError
        If it is not one finite number, or the update is not linear.
    """
    if MULTIPLIER not in beside:
        return plain
    if not isinstance(plain.rule, Linear):
        raise ValueError(f"a multiplier ({beside[MULTIPLIER]}) beside an update that is not linear is not understood")
    return Scaled.linear(plain.scale * scalar(tensors, beside[MULTIPLIER]), plain.notes, plain.unknown)


def sine_of(config: Mapping[str, Any], names: tuple[str, str], plain: Scaled, m: int) -> Scaled:
    """Return the rule scale * sin(omega B A) / gain, with omega and gain under these names in the configuration.

    Parameters
    ----------
    config : mapping
    names : (str, str)
        Of omega and of the gain; a gain that is not there is sqrt(m), which is noted.
    plain : Scaled
        The scale, and what had to be assumed for it.
    m : int
        Rows of the update.

    Raises
    ------
    ValueError
        If one of them is missing, or the sine has no finite frequency and positive gain.
    """
    omega, stored = number(names[0], config.get(names[0])), config.get(names[1])
    notes, unknown = plain.notes, plain.unknown
    gain = math.sqrt(m) if stored is None else number(names[1], stored)
    if stored is None:
        notes, unknown = (*notes, f"no {names[1]} in the config: sqrt(rows) assumed"), (*unknown, SCALE)
    if omega < 0 or not plain.scale * gain > 0:
        asked = f"got {omega:g}, {gain:g} and {plain.scale:g}"
        raise ValueError(f"a sine needs {names[0]} >= 0 and {names[1]} times the scale > 0, {asked}; mend the config.")
    return Scaled(plain.scale / gain, Sine(omega, gain=gain / plain.scale), notes, unknown)
