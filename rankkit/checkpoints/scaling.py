"""The factor in front of B A that a PEFT configuration asks for, module by module."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Mapping
from typing import Any

from rankkit.checkpoints.layer import Scaled
from rankkit.rules import Sine

__all__ = ["matched", "number", "scale_of", "sine_of"]

MAX_PATTERN = 1000  # characters; patterns come from untrusted files
MATCH_SECONDS = 0.1  # a module name, and a pattern; an honest pattern takes microseconds

_PLAIN = re.compile(r"[\w.\-]*\Z")


def matched(patterns: Mapping[str, Any], module: str) -> Any:
    r"""Return the value of the first pattern that matches the end of a module's path, else None.

    PEFT's rule: key K matches if ^(.*\.)?(K)$ does, as a regular expression.

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


@functools.lru_cache(maxsize=1000)
def _pattern(key: str) -> _Pattern:
    return _Pattern(key)


class _Pattern:
    """A pattern from a stranger's file. One that runs away is given its time once, not once a module."""

    def __init__(self, key: str) -> None:
        import regex

        self.key, self.trouble = key, ""
        try:
            self.compiled = regex.compile(rf"(.*\.)?({key})$")
        except (regex.error, RecursionError) as error:
            self.trouble = f"the pattern {key[:60]!r} is not a regular expression: {error}."

    def matches(self, module: str) -> bool:
        """Return whether it matches a module's path."""
        if not self.trouble:
            try:
                return self.compiled.match(module, timeout=MATCH_SECONDS) is not None
            except TimeoutError:
                self.trouble = f"the pattern {self.key[:60]!r} takes too long to match; simplify it."
        raise ValueError(self.trouble)


def scale_of(config: Mapping[str, Any] | None, module: str, r: int) -> tuple[float, tuple[str, ...]]:
    """Return (scale, notes) for a module of stored rank r >= 1: alpha / r, or alpha / sqrt(r) for rsLoRA.

    The stored rank counts, since the layer was trained with it; a configuration that names another one
    is noted.
    """
    if config is None:
        return 1.0, ("no adapter_config.json: scale 1 assumed",)
    notes: tuple[str, ...] = ()
    alpha = matched(_mapping(config, "alpha_pattern"), module)
    alpha = config.get("lora_alpha") if alpha is None else alpha
    if alpha is None:
        alpha, notes = 8, ("no lora_alpha in the config: PEFT's default 8 assumed",)
    asked = matched(_mapping(config, "rank_pattern"), module)
    asked = config.get("r") if asked is None else asked
    alpha = number("lora_alpha", alpha)
    if asked is not None and asked != r:
        notes += (f"config says r = {asked!r}, the tensors say {r}: the tensors count",)
    return alpha / (math.sqrt(r) if config.get("use_rslora") else r), notes


def sine_of(config: Mapping[str, Any], names: tuple[str, str], factor: float, m: int, notes: tuple[str, ...]) -> Scaled:
    """Return the rule factor * sin(omega B A) / gain, with omega and gain under these names in the configuration.

    Raises
    ------
    ValueError
        If one of them is missing, or the sine has no finite frequency and positive gain.
    """
    omega = number(names[0], config.get(names[0]))
    stored = config.get(names[1])
    gain = math.sqrt(m) if stored is None else number(names[1], stored)
    if stored is None:
        notes += (f"no {names[1]} in the config: sqrt(rows) assumed",)
    if omega < 0 or not factor * gain > 0:
        asked = f"got {omega:g}, {gain:g} and {factor:g}"
        raise ValueError(f"a sine needs {names[0]} >= 0 and {names[1]} times the scale > 0, {asked}; mend the config.")
    return Scaled(factor / gain, Sine(omega, gain=gain / factor), notes)


def number(name: str, value: Any) -> float:
    """Return a finite number from an untrusted configuration.

    Raises
    ------
    ValueError
        If it is none.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < 1e300:
        raise ValueError(f"{name} must be a finite number, got {str(value)[:60]!r}; mend the config.")
    return float(value)


def _mapping(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = config.get(name) or {}
    if not isinstance(value, Mapping):
        raise ValueError(f"{name} must be a mapping of patterns, got {type(value).__name__}; mend the config.")
    return value
