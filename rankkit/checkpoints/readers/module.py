"""One adapter module as its keys tell it: where each key belongs, and what a reader may ask of the module."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from rankkit.checkpoints.files.tensors import Tensors
from rankkit.checkpoints.forms import Shape
from rankkit.checkpoints.untrusted import Config

__all__ = ["ALPHA", "LORA_NAMES", "MAGNITUDE", "Module", "Parse", "Place", "parser"]

ALPHA = "alpha"  # the part that is a number beside the factors
MAGNITUDE = "magnitude"  # the part that is DoRA's

LORA_NAMES = {"A": "lora_A", "B": "lora_B", "E": "lora_E"}  # what most families call their factors


class Place(NamedTuple):
    """Where a key belongs: the module's path as the key has it, and which part of the module its tensor is."""

    module: str
    part: str


Parse = Callable[[str], Place | str]


class Module(NamedTuple):
    """One adapter module, as its keys and headers tell it.

    Attributes
    ----------
    name : str
        Its path in the base model.
    keys : mapping of str to str
        Part -> key of its tensor.
    tensors : Tensors
    config : mapping or None
        The adapter's, or the one that the file's header holds for the module.
    path : str
        What patterns of the configuration are matched against: the name without an adapter's, and without the component
        of the pipeline that the header's configuration is of.
    codes : mapping of str to str
        Key of a quantised tensor of the file -> that of its scale.
    """

    name: str
    keys: Mapping[str, str]
    tensors: Tensors
    config: Config
    path: str
    codes: Mapping[str, str]

    def shape(self, part: str) -> Shape:
        """Return the shape of one of its tensors; () where it has none."""
        return self.tensors.info[self.keys[part]].shape if part in self.keys else ()


def parser(key: re.Pattern[str], otherwise: str, parts: Mapping[str, str] | None = None) -> Parse:
    """Return a parser of keys that match a pattern with the groups "module" and "part".

    Parameters
    ----------
    key : pattern
    otherwise : str
        The reason why any other key is no factor.
    parts : mapping of str to str, optional
        What a file writes -> the part it is; None: the same.
    """

    def parse(name: str) -> Place | str:
        match = key.fullmatch(name)
        return Place(match["module"], (parts or {}).get(match["part"], match["part"])) if match else otherwise

    return parse
