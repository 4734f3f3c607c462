"""What every reader builds with: a family's keys become modules, and each module a layer from its header alone."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache, partial
from typing import NamedTuple

from rankkit.checkpoints import dora, quantised
from rankkit.checkpoints.assumptions import METHOD, ORIENTATION
from rankkit.checkpoints.fields import Said
from rankkit.checkpoints.files.tensors import DTYPE_NAMES, Tensors, few_of, legible
from rankkit.checkpoints.forms import Form, Shape, Sizes
from rankkit.checkpoints.headers import Header, header_of
from rankkit.checkpoints.layer import Adapter, Layer, Magnitude, Skipped
from rankkit.checkpoints.methods import ROUTED, named_in
from rankkit.checkpoints.missing import ZERO_3, check_gathered
from rankkit.checkpoints.module_names import bare, comparable, in_base_model, split_adapter, with_adapter
from rankkit.checkpoints.readers.experts import stack_of
from rankkit.checkpoints.readers.family import ALPHA, MAGNITUDE, Family, Module, Place
from rankkit.checkpoints.readers.leftovers import doubts, is_router, stems_of
from rankkit.checkpoints.readers.orientation import NOT_BY_NAME, UNSURE, Readings, Turn, is_doubtful, turn_of
from rankkit.checkpoints.scaling import Scaled, rank_of
from rankkit.checkpoints.untrusted import Config
from rankkit.factors import Array
from rankkit.rules import Linear

__all__ = ["adapter_of", "only_adapter_unnamed"]

FEW, FEW_LETTERS = 3, 80  # tensors that a note names, and characters of each
NAMES = {short: name for name, short in DTYPE_NAMES.items()}  # as people know them
DEQUANTISES = "it belongs to a quantised tensor"
LONGEST = 2000  # characters of a tensor's name
MAX_EXPANSION = 8  # numbers of a product's factors for each that is stored, where there are many
MANY = 1 << 25  # numbers, 256 MB

_ALPHA = re.compile(r"(?P<module>.+)\.(?:lora_|network_)?alpha")


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
    shared, scales = shared or {}, quantised.scales(tensors.info)  # scales: key of a scale -> key of what it scales
    modules, stems, skipped = _grouped(family, tensors, taken={*shared.values(), *scales})
    skipped += [Skipped(legible(key), tensors.info[key].shape, DEQUANTISES) for key in scales]
    _adopt(family, modules)
    alone = [key for parts in modules.values() if not parts.keys() - {ALPHA, MAGNITUDE} for key in parts.values()]
    understood = (entry.key for entry in skipped if entry.reason != DEQUANTISES)
    doubtful = doubts(stems, map(bare, [*understood, *alone]))
    header, codes = header_of(tensors.metadata) if config is None else Header(), {key: s for s, key in scales.items()}
    opened = {name: _module(name, {**keys, **shared}, tensors, config, header, codes) for name, keys in modules.items()}
    turn, pairs = _turn(family, opened.values()), {name: (m.shape("B"), m.shape("A")) for name, m in opened.items()}
    layers: list[Layer] = []
    for name, keys in modules.items():
        if not keys.keys() - family.beside - {MAGNITUDE}:
            reasons = {key: f"the {part} of {name}, which has no factors" for part, key in keys.items()}
            skipped += [Skipped(key, tensors.info[key].shape, reason) for key, reason in reasons.items()]
            continue
        magnitude = dora.magnitude_of(tensors, keys.pop(MAGNITUDE)) if MAGNITUDE in keys else None
        module = opened[name]._replace(keys={**keys, **shared})
        found = list(_layers(family, module, magnitude, turn, pairs))
        unused = _left_over(family, found[0], tensors)
        doubted = [*doubtful.get(name, ()), *(key for key in unused if key in keys.values())]
        used = {part: key for part, key in found[0].keys.items() if key not in unused}
        layers += [_doubted(replace(layer, keys=used), doubted) for layer in found]
        skipped += [Skipped(key, tensors.info[key].shape, reason) for key, reason in unused.items()]
    if not layers:
        reason = named_in(map(bare, tensors.info)) or few_of(tensors)
        raise ValueError(f"{tensors.source} holds no {family.holds}: {reason}.")
    check_gathered(tensors.source, [tensors.info[key] for layer in layers for key in layer.keys.values()])
    return Adapter(tensors.source, family.name, tuple(layers), tuple(skipped))


def only_adapter_unnamed(adapter: Adapter) -> Adapter:
    """Return an adapter whose modules need not name it where it is the only one."""
    if len({split_adapter(layer.name)[1] for layer in adapter.layers}) > 1:
        return adapter
    return replace(adapter, layers=tuple(replace(layer, name=split_adapter(layer.name)[0]) for layer in adapter.layers))


def _grouped(
    family: Family, tensors: Tensors, taken: set[str]
) -> tuple[dict[str, dict[str, str]], dict[str, list[str]], list[Skipped]]:
    """Return module -> part -> key, stem -> modules, and every tensor that is no part of one and not taken already."""
    modules: dict[str, dict[str, str]] = {}
    paths: dict[str, str] = {}
    skipped: list[Skipped] = []
    for key, info in tensors.info.items():
        if key in taken:
            continue
        found = _parsed(family, key)
        if isinstance(found, str):
            skipped.append(Skipped(legible(key), info.shape, found))
            continue
        module, part = in_base_model(found.module), found.part
        paths[module] = split_adapter(found.module)[0]
        if part in (parts := modules.setdefault(module, {})):
            skipped.append(Skipped(key, info.shape, f"a second {part} of module {module}"))
        else:
            parts[part] = key
    stems: dict[str, list[str]] = {}
    for module, parts in modules.items():
        if not parts.keys() - {ALPHA, MAGNITUDE}:
            continue
        for stem in stems_of(paths[module], map(bare, parts.values())):
            stems.setdefault(stem, []).append(module)
    return modules, stems, skipped


def _adopt(family: Family, modules: dict[str, dict[str, str]]) -> None:
    """Give an alpha or a magnitude without factors to the one module whose name differs from its own in dots alone."""
    alone = [name for name, parts in modules.items() if parts.keys() <= {ALPHA, MAGNITUDE}]
    if not alone:
        return
    whole = {name for name, parts in modules.items() if parts.keys() - family.beside - {MAGNITUDE}}
    homes: dict[str, list[str]] = {}
    for name in whole:
        homes.setdefault(comparable(name), []).append(name)
    for name in alone:
        found = homes.get(comparable(name), [])
        if len(found) == 1 and not modules[found[0]].keys() & modules[name].keys():
            modules[found[0]] |= modules.pop(name)


def _parsed(family: Family, key: str) -> Place | str:
    """Return where any key belongs, or the reason why it is part of no module."""
    if legible(key, LONGEST) != key:
        return "its name is no printable text"
    key = bare(key)
    found = family.parse(key)
    if isinstance(found, str) and (module := dora.owner(key, family.name)) is not None:
        return Place(module, MAGNITUDE)
    if isinstance(found, str) and (match := _ALPHA.fullmatch(key)) is not None:
        return Place(match["module"], ALPHA)
    return found


def _left_over(family: Family, layer: Layer, tensors: Tensors) -> dict[str, str]:
    """Return the tensors of a module that its product has no place for, each with the reason."""
    unused = [key for part, key in layer.keys.items() if part not in layer.form.parts and part not in family.beside]
    reasons = dict.fromkeys(unused, f"module {layer.name} is made of its other tensors")
    if layer.magnitude is not None:
        reasons[layer.magnitude.key] = dora.UNUSED
    return reasons


def _doubted(layer: Layer, keys: list[str]) -> Layer:
    """Return a layer of which these tensors are not understood: they may change its update."""
    if any(map(is_router, keys)):
        return replace(layer, status="unsupported", notes=(*layer.notes, ROUTED))
    if not keys or layer.status != "ok":
        return layer
    names = ", ".join(legible(key.rpartition(layer.name)[2].lstrip("."), FEW_LETTERS) for key in keys[:FEW])
    note = f"{names} {'is' if len(keys) == 1 else 'are'} not understood: measured without"
    return replace(layer, notes=(*layer.notes, note), assumed=(*layer.assumed, METHOD))


def _readings(family: Family, module: Module) -> Readings | None:
    """Return what a module would be as its names say, and transposed; None where its family leaves nothing open."""
    form = family.form(module)
    if (
        family.turned is None
        or set(form.parts) != set(family.turned.parts)
        or not set(form.parts) <= module.keys.keys()
    ):
        return None
    named, turned = (one.sizes(*map(module.shape, one.parts)) for one in (form, family.turned))
    return Readings(named, turned, rank_of(module.config, module.called))


def _turn(family: Family, modules: Iterable[Module]) -> Turn:
    return turn_of(found for module in modules if (found := _readings(family, module)) is not None)


def _oriented(family: Family, module: Module, turn: Turn) -> tuple[Form, Said]:
    """Return how a module's parts make its product, and what is to be said of it."""
    form, readings = family.form(module), _readings(family, module)
    if readings is None or family.turned is None:
        return form, Said()
    against = readings.turned is not None and (turn.turned or readings.named is None)
    said = Said((NOT_BY_NAME,)) if against else Said()
    if is_doubtful(readings, turn):
        said = Said((NOT_BY_NAME if against else UNSURE,), (ORIENTATION,))
    return family.turned if against else form, said


def _module(
    name: str, keys: Mapping[str, str], tensors: Tensors, config: Config, header: Header, codes: Mapping[str, str]
) -> Module:
    """Return a module with the configuration that is its own: the adapter's, or what the header holds for it."""
    path, adapter = split_adapter(name)
    component = header.component_of(path)
    called = with_adapter(path.removeprefix(f"{component}."), adapter) if component else ""
    return Module(name, keys, tensors, header.config_of(path) if config is None else config, called, codes)


def _layers(
    family: Family, module: Module, magnitude: Magnitude | None, turn: Turn, pairs: Mapping[str, tuple[Shape, Shape]]
) -> Iterator[Layer]:
    """Return an iterator over the layers of a module: one, or one for each of its experts."""
    name, adapter = split_adapter(module.name)
    try:
        stack = stack_of(name, *pairs[module.name], module.config, pairs) if family.experts else None
    except ValueError as error:
        yield replace(
            _layer(family, module, magnitude, turn), status="unsupported", notes=(str(error),), scale=math.nan
        )
        return
    if stack is None:
        yield _layer(family, module, magnitude, turn)
        return
    read = lru_cache(maxsize=1)(partial(_read, module.tensors, dict(module.keys)))  # once for all experts
    for expert in range(stack.experts):
        one = module._replace(
            name=with_adapter(f"{stack.path}[{expert}]", adapter), path=with_adapter(stack.path, adapter)
        )
        layer = _layer(family, one, magnitude, turn, (stack.form(expert), Said(stack.notes, stack.unknown)))
        yield replace(layer, read=read if layer.status == "ok" else layer.read)


def _layer(
    family: Family, module: Module, magnitude: Magnitude | None, turn: Turn, made: tuple[Form, Said] | None = None
) -> Layer:
    """Return a module's layer from its header alone, in a form that is known or the family's; trouble is a status."""
    form, oriented = made or _oriented(family, module, turn)
    header = _header(family, module, form)
    m, n, r = header.sizes or (None, None, None)
    turned, said = dora.told(magnitude, module.config), family.says(module)
    used = {part: module.keys[part] for part in form.parts if part in module.keys}
    dtypes = dict.fromkeys(module.tensors.info[key].dtype for key in used.values())
    return Layer(
        name=module.name, m=m, n=n, r=r, dtype="/".join(dtypes), rule=header.scaled.rule, scale=header.scaled.scale,
        form=form, read=partial(_read, module.tensors, used if header.status == "ok" else {}), keys=dict(module.keys),
        status=header.status,
        notes=(*family.notes, *oriented.notes, *header.scaled.notes, *said.notes, *turned.notes), magnitude=magnitude,
        assumed=(*family.unknown, *oriented.unknown, *header.scaled.unknown, *said.unknown, *turned.unknown),
        transposed=family.transposed(module), start=said.start,
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
    if coded := [module.codes[key] for key in module.keys.values() if key in module.codes]:
        kinds = "/".join(dict.fromkeys(NAMES.get(entry.dtype, entry.dtype) for entry in info.values()))
        said = f"its factors are quantised codes ({kinds}), which {coded[0]} turns into numbers: save 16 or 32 bits"
        return trouble("unsupported", said, sizes)
    if wrong := [f"{module.keys[part]} {entry.trouble}" for part, entry in info.items() if entry.trouble]:
        return trouble("unsupported", "; ".join(wrong), sizes)
    if empty := [module.keys[part] for part, entry in info.items() if entry.shape == (0,)]:
        return trouble("unsupported", f"{empty[0]} {ZERO_3}")
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
