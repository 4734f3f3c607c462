"""Keys become modules: which tensors belong to which, and why every other tensor belongs to none."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import NamedTuple

from rankkit.checkpoints import dora
from rankkit.checkpoints.files.tensors import TensorInfo, legible
from rankkit.checkpoints.layer import Skipped
from rankkit.checkpoints.module_names import bare, comparable, in_base_model, split_adapter, with_adapter
from rankkit.checkpoints.readers.family import ALPHA, BESIDE, MAGNITUDE, Family, Place
from rankkit.checkpoints.readers.leftovers import stems_of
from rankkit.checkpoints.scaling import FACTOR, MULTIPLIER, RANK

__all__ = ["Grouped", "grouped"]

LONGEST = 2000  # characters of a tensor's name
NUMBERS = {*BESIDE, MAGNITUDE}  # the parts that make no update by themselves

# numbers that any trainer may store beside the factors; LyCORIS multiplies by `scalar`
_BESIDE = re.compile(
    r"(?P<module>.+)\.(?:(?P<alpha>(?:lora_|network_)?alpha)|(?P<factor>(?:lora_)?scaling|lora_scale|alpha_scale)"
    r"|(?P<scalar>scalar)|(?P<rank>(?:lora_|network_)?(?:rank|dim)))(?:\.weight|\.(?P<adapter>[^.]+))?"
)


class Grouped(NamedTuple):
    """A file's tensors by module.

    Attributes
    ----------
    modules : dict of str to dict
        Module -> part -> key.
    stems : dict of str to list of str
        What the keys of a module's tensors begin with -> the modules.
    skipped : list of Skipped
        Every tensor that is part of no module.
    """

    modules: dict[str, dict[str, str]]
    stems: dict[str, list[str]]
    skipped: list[Skipped]


def grouped(family: Family, info: Mapping[str, TensorInfo], taken: set[str]) -> Grouped:
    """Return a family's modules with the tensors of each.

    Parameters
    ----------
    family : Family
    info : mapping of str to TensorInfo
        All tensors of the file.
    taken : set of str
        Keys that belong to no module.
    """
    modules: dict[str, dict[str, str]] = {}
    paths: dict[str, str] = {}
    skipped: list[Skipped] = []
    for key, entry in info.items():
        if key in taken:
            continue
        found = _parsed(family, key, entry)
        if isinstance(found, str):
            skipped.append(Skipped(legible(key), entry.shape, found))
            continue
        module, part = in_base_model(found.module), found.part
        paths[module] = split_adapter(found.module)[0]
        if part in (parts := modules.setdefault(module, {})):
            skipped.append(Skipped(key, entry.shape, f"a second {part} of module {module}"))
        else:
            parts[part] = key
    stems: dict[str, list[str]] = {}
    for module, parts in modules.items():
        if parts.keys() <= NUMBERS:
            continue
        for stem in stems_of(paths[module], map(bare, parts.values())):
            stems.setdefault(stem, []).append(module)
    _adopt(family, modules, stems)
    return Grouped(modules, stems, skipped)


def _parsed(family: Family, key: str, entry: TensorInfo) -> Place | str:
    """Return where any key belongs, or the reason why it is part of no module."""
    if legible(key, LONGEST) != key:
        return "its name is no printable text"
    key = bare(key)
    found = family.parse(key)
    if isinstance(found, str) and (module := dora.owner(key, family.name)) is not None:
        return Place(module, MAGNITUDE)
    if isinstance(found, str) and (match := _BESIDE.fullmatch(key)) is not None:
        part = next(name for name in (ALPHA, FACTOR, MULTIPLIER, RANK) if match[name])
        if part == ALPHA or math.prod(entry.shape) == 1:  # what is no one number may be anything
            return Place(with_adapter(match["module"], match["adapter"]), part)
    return found


def _adopt(family: Family, modules: dict[str, dict[str, str]], stems: Mapping[str, list[str]]) -> None:
    """Give numbers without factors to the one module that they lie under, by other dots or without its adapter too."""
    alone = [name for name, parts in modules.items() if parts.keys() <= NUMBERS]
    if not alone:
        return
    whole = {name for name, parts in modules.items() if parts.keys() - family.beside - NUMBERS}
    homes: dict[str, set[str]] = {}
    for name in whole:
        for called in (name, split_adapter(name)[0]):
            homes.setdefault(comparable(called), set()).add(name)
    for stem, names in stems.items():
        homes.setdefault(comparable(stem), set()).update(whole.intersection(names))
    for name in alone:
        found = homes.get(comparable(name)) or homes.get(comparable(split_adapter(name)[0]), set())
        if len(found) == 1 and not modules[home := next(iter(found))].keys() & modules[name].keys():
            modules[home] |= modules.pop(name)
