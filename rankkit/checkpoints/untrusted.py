"""Values from a stranger's file or configuration: each is checked where it is taken out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

__all__ = ["LARGEST", "Config", "is_list", "is_mapping", "mapping", "number", "quoted"]

Config = Mapping[str, Any] | None  # a parsed adapter_config.json; None where there is none

LONGEST_QUOTED = 60  # characters
LARGEST = 1e300  # a quotient of two such numbers by any rank is still a finite float64


def is_mapping(value: object) -> TypeGuard[Mapping[Any, Any]]:
    """Return whether a value is a mapping, of what to what is not known."""
    return isinstance(value, Mapping)


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Return whether a value is a list, of what is not known."""
    return isinstance(value, list)


def number(name: str, value: object) -> float:
    """Return a finite number from an untrusted configuration.

    Parameters
    ----------
    name : str
        The value's name, for the message.
    value : object
        What the configuration holds. A bool is refused.

    Raises
    ------
    ValueError
        If it is no finite number.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < LARGEST:
        raise ValueError(f"{name} must be a finite number, got {quoted(value)}; mend the config.")
    return float(value)


def quoted(value: object) -> str:
    """Return a value as it may stand in a message: in quotation marks, and not endless."""
    return repr(str(value)[:LONGEST_QUOTED])


def mapping(config: Mapping[str, Any], name: str) -> Mapping[Any, Any]:
    """Return a mapping that a configuration holds under a name; an empty one where it holds nothing there.

    Raises
    ------
    ValueError
        If it holds something else.
    """
    value: object = config.get(name) or {}
    if not is_mapping(value):
        raise ValueError(f"{name} must be a mapping of patterns, got {type(value).__name__}; mend the config.")
    return value
