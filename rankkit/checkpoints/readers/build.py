"""What every reader builds with: a family's keys become modules, and each module a layer from its header alone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
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
from rankkit.checkpoints.module_names import bare, split_adapter, with_adapter
from rankkit.checkpoints.readers.experts import readings_of, stack_of
from rankkit.checkpoints.readers.family import MAGNITUDE, Family, Module
from rankkit.checkpoints.readers.grouping import NUMBERS, grouped
from rankkit.checkpoints.readers.leftovers import doubts, is_router
from rankkit.checkpoints.readers.orientation import NOT_BY_NAME, UNSURE, Readings, Turn, is_doubtful, turn_of
from rankkit.checkpoints.scaling import Scaled, multiplied, rank_of
from rankkit.checkpoints.untrusted import Config
from rankkit.factors import Array
from rankkit.rules import Linear

__all__ = ["NoModuleError", "adapter_of"]

FEW, FEW_LETTERS = 3, 80  # tensors that a note names, and characters of each
NAMES = {short: name for name, short in DTYPE_NAMES.items()}  # as people know them
DEQUANTISES = "it belongs to a quantised tensor"
MAX_EXPANSION = 8  # numbers of a product's factors for each that is stored, where there are many
MANY = 1 << 25  # numbers, 256 MB


class NoModuleError(ValueError):
    """A file has no module of the family that it was read as."""


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
    NoModuleError
        If no module is found.
    ValueError
        If none of its factors has a number.
    """
    shared, scales = shared or {}, quantised.scales(tensors.info)  # scales: key of a scale -> key of what it scales
    modules, stems, skipped = grouped(family, tensors.info, taken={*shared.values(), *scales})
    skipped += [Skipped(legible(key), tensors.info[key].shape, DEQUANTISES) for key in scales]
    alone = [key for parts in modules.values() if parts.keys() <= NUMBERS for key in parts.values()]
    understood = (entry.key for entry in skipped if entry.reason != DEQUANTISES)
    doubtful = doubts(stems, map(bare, [*understood, *alone]))
    header, codes = header_of(tensors.metadata) if config is None else Header(), {key: s for s, key in scales.items()}
    opened = {name: _module(name, {**keys, **shared}, tensors, config, header, codes) for name, keys in modules.items()}
    turns = _turns(family, list(opened.values()))
    pairs = {name: (m.shape("B"), m.shape("A")) for name, m in opened.items()}
    layers: list[Layer] = []
    for name, keys in modules.items():
        if not keys.keys() - family.beside - NUMBERS:
            reasons = {key: f"the {part} of {name}, which has no factors" for part, key in keys.items()}
            skipped += [Skipped(key, tensors.info[key].shape, reason) for key, reason in reasons.items()]
            continue
        magnitude = dora.magnitude_of(tensors, keys.pop(MAGNITUDE)) if MAGNITUDE in keys else None
        module = opened[name]._replace(keys={**keys, **shared})
        found = list(_layers(family, module, magnitude, turns, pairs))
        unused = _left_over(family, found[0], tensors)
        doubted = [*doubtful.get(name, ()), *(key for key in unused if key in keys.values())]
        used = {part: key for part, key in found[0].keys.items() if key not in unused}
        layers += [_doubted(replace(layer, keys=used), doubted) for layer in found]
        skipped += [Skipped(key, tensors.info[key].shape, reason) for key, reason in unused.items()]
    if not layers:
        reason = named_in(map(bare, tensors.info)) or few_of(tensors)
        raise NoModuleError(f"{tensors.source} holds no {family.holds}: {reason}.")
    check_gathered(tensors.source, [tensors.info[key] for layer in layers for key in layer.keys.values()])
    return Adapter(tensors.source, family.name, _unnamed(layers), tuple(skipped))


def _unnamed(layers: list[Layer]) -> tuple[Layer, ...]:
    """Return layers that need not name their adapter where it is the only one."""
    if len({split_adapter(layer.name)[1] for layer in layers}) > 1:
        return tuple(layers)
    return tuple(replace(layer, name=split_adapter(layer.name)[0]) for layer in layers)


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


class _Turns(NamedTuple):
    """How a file's factors are to be read, and its factors with an axis for experts."""

    plain: Turn
    experts: Turn


def _turns(family: Family, modules: Sequence[Module]) -> _Turns:
    plain = (_readings(family, module) for module in modules)
    stacked = (
        readings_of(
            module.shape("B"), module.shape("A"), rank_of(module.config, module.called), folds=family.folds
        )
        for module in modules
    )  # fmt: skip
    return _Turns(*(turn_of(one for one in found if one is not None) for found in (plain, stacked)))


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
    family: Family, module: Module, magnitude: Magnitude | None, turns: _Turns, pairs: Mapping[str, tuple[Shape, Shape]]
) -> Iterator[Layer]:
    """Return an iterator over the layers of a module: one, or one for each of its experts."""
    name, adapter = split_adapter(module.name)
    one_by_one = partial(stack_of, name, *pairs[module.name], module.config, pairs, turns.experts, folds=family.folds)
    try:
        stack = one_by_one() if family.experts else None
    except ValueError as error:
        yield replace(
            _layer(family, module, magnitude, turns.plain), status="unsupported", notes=(str(error),), scale=math.nan
        )
        return
    if stack is None:
        yield _layer(family, module, magnitude, turns.plain)
        return
    read = lru_cache(maxsize=1)(partial(_read, module.tensors, dict(module.keys)))  # once for all experts
    for expert in range(stack.experts):
        one = module._replace(name=with_adapter(stack.called(expert), adapter), path=with_adapter(stack.path, adapter))
        made = None if stack.alone else (stack.form(expert), Said())
        layer = _layer(family, one, magnitude, turns.plain, made)
        layer = replace(layer, notes=(*layer.notes, *stack.notes), assumed=(*layer.assumed, *stack.unknown))
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
        plain = family.scaled(module, form, sizes)
        return _Header("ok", multiplied(plain, module.tensors, module.keys), sizes)
    except ValueError as error:
        return trouble("unsupported", str(error), sizes)


def _read(tensors: Tensors, keys: Mapping[str, str]) -> dict[str, Array]:
    return {part: tensors.read(key) for part, key in keys.items()}
