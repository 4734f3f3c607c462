"""What every reader builds with: a family's keys become modules, and each module a layer from its header alone."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from rankkit.checkpoints import dora
from rankkit.checkpoints.files.tensors import Tensors, few_of, legible
from rankkit.checkpoints.forms import LORA, Form, Shape, Sizes
from rankkit.checkpoints.layer import Adapter, Layer, Magnitude, Skipped
from rankkit.checkpoints.module_names import in_base_model
from rankkit.checkpoints.scaling import Scaled
from rankkit.checkpoints.untrusted import Config
from rankkit.factors import Array
from rankkit.rules import Linear

__all__ = ["ALPHA", "LORA_NAMES", "Family", "Module", "Place", "adapter_of", "parser"]

LONGEST = 2000  # characters of a tensor's name
MAX_EXPANSION = 8  # numbers of a product's factors for each that is stored, where there are many
MANY = 1 << 25  # numbers, 256 MB

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
    """

    name: str
    keys: Mapping[str, str]
    tensors: Tensors
    config: Config

    def shape(self, part: str) -> Shape:
        """Return the shape of one of its tensors; () where it has none."""
        return self.tensors.info[self.keys[part]].shape if part in self.keys else ()


def _lora(module: Module) -> Form:
    return LORA


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
        magnitudes are recognised without it.
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
    transposed : callable
        Module -> whether the base stores its weight as (n, m).
    beside : set of str
        Parts that are no factors, and that `scaled` may use.
    """

    name: str
    holds: str
    parse: Parse
    scaled: Callable[[Module, Form, Sizes], Scaled]
    form: Callable[[Module], Form] = _lora
    spelled: Mapping[str, str] = field(default_factory=dict[str, str])
    notes: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    transposed: Callable[[Module], bool] = _never
    beside: frozenset[str] = frozenset({ALPHA})


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


def adapter_of(family: Family, tensors: Tensors, config: Config, shared: Mapping[str, str] | None = None) -> Adapter:
    """Return a family's adapter: a layer per module, and every other tensor with the reason why it is in none.

    Parameters
    ----------
    family : Family
    tensors : Tensors
    config : mapping or None
    shared : mapping of str to str, optional
        Part -> key of the tensors that every module takes.

    Raises
    ------
    ValueError
        If no module is found.
    """
    shared = shared or {}
    modules, skipped = _grouped(family, tensors, taken=set(shared.values()))
    layers: list[Layer] = []
    for name, keys in modules.items():
        if not keys.keys() - family.beside - {MAGNITUDE}:
            reasons = {key: f"the {part} of {name}, which has no factors" for part, key in keys.items()}
            skipped += [Skipped(key, tensors.info[key].shape, reason) for key, reason in reasons.items()]
            continue
        magnitude = dora.magnitude_of(tensors, keys.pop(MAGNITUDE)) if MAGNITUDE in keys else None
        layer = _layer(family, Module(name, {**keys, **shared}, tensors, config), magnitude)
        layers.append(layer)
        skipped += _left_over(family, layer, tensors)
    if not layers:
        raise ValueError(f"{tensors.source} holds no {family.holds}: {few_of(tensors)}.")
    return Adapter(tensors.source, family.name, tuple(layers), tuple(skipped))


def _grouped(family: Family, tensors: Tensors, taken: set[str]) -> tuple[dict[str, dict[str, str]], list[Skipped]]:
    """Return module -> part -> key, and every tensor that is no part of one and not taken already."""
    modules: dict[str, dict[str, str]] = {}
    skipped: list[Skipped] = []
    for key, info in tensors.info.items():
        if key in taken:
            continue
        found = _parsed(family, key)
        if isinstance(found, str):
            skipped.append(Skipped(legible(key), info.shape, found))
            continue
        module, part = in_base_model(found.module), found.part
        if part in (parts := modules.setdefault(module, {})):
            skipped.append(Skipped(key, info.shape, f"a second {part} of module {module}"))
        else:
            parts[part] = key
    return modules, skipped


def _parsed(family: Family, key: str) -> Place | str:
    """Return where any key belongs, or the reason why it is part of no module."""
    if legible(key, LONGEST) != key:
        return "its name is no printable text"
    found = family.parse(key)
    if isinstance(found, str) and (module := dora.owner(key, family.name)) is not None:
        return Place(module, MAGNITUDE)
    return found


def _left_over(family: Family, layer: Layer, tensors: Tensors) -> list[Skipped]:
    """Return the tensors of a module that its product has no place for."""
    unused = [key for part, key in layer.keys.items() if part not in layer.form.parts and part not in family.beside]
    reasons = dict.fromkeys(unused, f"module {layer.name} is made of its other tensors")
    if layer.magnitude is not None:
        reasons[layer.magnitude.key] = dora.UNUSED
    return [Skipped(key, tensors.info[key].shape, reason) for key, reason in reasons.items()]


def _layer(family: Family, module: Module, magnitude: Magnitude | None) -> Layer:
    """Return a module's layer from its header alone; trouble becomes a status."""
    form = family.form(module)
    header = _header(family, module, form)
    m, n, r = header.sizes or (None, None, None)
    turned = dora.told(magnitude, module.config)
    used = {part: module.keys[part] for part in form.parts if part in module.keys}
    dtypes = dict.fromkeys(module.tensors.info[key].dtype for key in used.values())
    return Layer(
        name=module.name, m=m, n=n, r=r, dtype="/".join(dtypes), rule=header.scaled.rule, scale=header.scaled.scale,
        form=form, read=partial(_read, module.tensors, used if header.status == "ok" else {}), keys=dict(module.keys),
        status=header.status,
        notes=(*family.notes, *header.scaled.notes, *turned.notes), magnitude=magnitude,
        assumed=(*family.unknown, *header.scaled.unknown, *turned.unknown), transposed=family.transposed(module),
    )  # fmt: skip


class _Header(NamedTuple):
    """What the header tells of a module; where its status is not ok the scale is NaN, and the note is the reason."""

    status: str
    scaled: Scaled
    sizes: Sizes | None


def _header(family: Family, module: Module, form: Form) -> _Header:
    """Return what the header tells of a module: the one place where it is given a status before it is read."""

    def trouble(status: str, note: str, sizes: Sizes | None = None) -> _Header:
        return _Header(status, Scaled(math.nan, Linear(), (note,)), sizes)

    if missing := [family.spelled.get(part, part) for part in form.parts if part not in module.keys]:
        return trouble("unpaired", f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing")
    info = {part: module.tensors.info[module.keys[part]] for part in form.parts}
    sizes = form.sizes(*(entry.shape for entry in info.values()))
    if wrong := [f"{module.keys[part]} {entry.trouble}" for part, entry in info.items() if entry.trouble]:
        return trouble("unsupported", "; ".join(wrong), sizes)
    if sizes is None:
        shapes = ", ".join(f"{family.spelled.get(part, part)} {entry.shape}" for part, entry in info.items())
        return trouble("unsupported", f"shapes do not fit together: {shapes}")
    if min(sizes) == 0:
        return trouble("zero", "a tensor of size zero", sizes)
    stored = sum(math.prod(entry.shape) for entry in info.values())
    factors = (sizes.m + sizes.n) * sizes.r
    if form.expands and factors > MANY and factors > MAX_EXPANSION * stored:
        return trouble("unsupported", f"its {stored} numbers stand for factors of {factors}: not formed", sizes)
    try:
        return _Header("ok", family.scaled(module, form, sizes), sizes)
    except ValueError as error:
        return trouble("unsupported", str(error), sizes)


def _read(tensors: Tensors, keys: Mapping[str, str]) -> dict[str, Array]:
    return {part: tensors.read(key) for part, key in keys.items()}
