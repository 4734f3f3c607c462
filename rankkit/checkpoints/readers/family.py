"""What is particular to a family of formats: how its keys become modules, and what is made of each."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from rankkit.checkpoints.fields import Said, said
from rankkit.checkpoints.files.tensors import Tensors
from rankkit.checkpoints.forms import LORA, Form, Shape, Sizes
from rankkit.checkpoints.scaling import ALPHA, FACTOR, MULTIPLIER, RANK, Scaled
from rankkit.checkpoints.untrusted import Config

__all__ = ["ALPHA", "BESIDE", "LORA_NAMES", "MAGNITUDE", "Family", "Module", "Place", "parser", "says"]

BESIDE = frozenset({ALPHA, FACTOR, MULTIPLIER, RANK})  # the parts that are numbers beside the factors
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
        What the configuration calls it where that is not its name: without the component of a pipeline that the
        header's configuration is of, or the parameter of an expert. "" elsewhere.
    codes : mapping of str to str
        Key of a quantised tensor of the file -> that of its scale.
    """

    name: str
    keys: Mapping[str, str]
    tensors: Tensors
    config: Config
    path: str = ""
    codes: Mapping[str, str] = MappingProxyType({})

    @property
    def called(self) -> str:
        """What the patterns of its configuration are matched against."""
        return self.path or self.name

    def shape(self, part: str) -> Shape:
        """Return the shape of one of its tensors; () where it has none."""
        return self.tensors.info[self.keys[part]].shape if part in self.keys else ()


def _lora(module: Module) -> Form:
    return LORA


def _nothing(module: Module) -> Said:
    return Said()


def says(module: Module) -> Said:
    """Return what a module's configuration says that is no number, for families of PEFT's methods."""
    return said(module.config)


def _never(module: Module) -> bool:
    return False


@dataclass(frozen=True)
class Family:
    """What is particular to a family of formats.

    Attributes
    ----------
    name : str
        What `Adapter.family` says.
    holds : str
        What a file of it must hold, for the message that it does not.
    parse : callable
        A key -> Place, or the reason why it is no factor. The part "alpha" is the module's own alpha; DoRA's
        magnitudes and other numbers beside the factors are recognised without it.
    scaled : callable
        (Module, Form, Sizes) -> Scaled, or ValueError with the reason why it cannot be told.
    form : callable
        Module -> Form: how its parts make the product.
    spelled : mapping of str to str
        How the family writes a part, for messages, where it is not the part's own name.
    notes : tuple of str
        What holds for each of its modules.
    unknown : tuple of str
        What is not known of each of its modules, as `rankkit.checkpoints.assumptions.UNKNOWN` calls it.
    turned : Form or None
        How two factors make the product where a file stores them transposed, which the shapes of all modules tell.
    transposed : callable
        Module -> whether the base stores its weight as (n, m).
    says : callable
        Module -> what its configuration says that is no number.
    beside : set of str
        Parts that are no factors, and that `scaled` may use.
    experts : bool
        Whether the parts A and B of a module may be the factors of many experts.
    folds : bool
        Whether a B of three axes is that of experts in any case, beside an A that is folded at any rank.
    """

    name: str
    holds: str
    parse: Parse
    scaled: Callable[[Module, Form, Sizes], Scaled]
    form: Callable[[Module], Form] = _lora
    spelled: Mapping[str, str] = field(default_factory=dict[str, str])
    notes: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    turned: Form | None = None
    transposed: Callable[[Module], bool] = _never
    says: Callable[[Module], Said] = _nothing
    beside: frozenset[str] = BESIDE
    experts: bool = False
    folds: bool = False


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
