"""What every reader builds with: a family's keys become modules, and each module a layer from its header alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from typing import NamedTuple

from rankkit.checkpoints import dora, quantised
from rankkit.checkpoints.files.tensors import Tensors, few_of, legible
from rankkit.checkpoints.forms import LORA, Form, Shape, Sizes
from rankkit.checkpoints.headers import Header, header_of
from rankkit.checkpoints.layer import Adapter, Layer, Magnitude, Skipped
from rankkit.checkpoints.missing import ZERO_3, check_gathered
from rankkit.checkpoints.module_names import in_base_model, split_adapter, with_adapter
from rankkit.checkpoints.readers.experts import Stack, stack_of
from rankkit.checkpoints.readers.module import ALPHA, MAGNITUDE, Module, Parse, Place
from rankkit.checkpoints.scaling import Scaled
from rankkit.checkpoints.untrusted import Config
from rankkit.factors import Array
from rankkit.rules import Linear

__all__ = ["Family", "adapter_of", "only_adapter_unnamed"]

LONGEST = 2000  # characters of a tensor's name
MAX_EXPANSION = 8  # numbers of a product's factors for each that is stored, where there are many
MANY = 1 << 25  # numbers, 256 MB


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
    experts : bool
        Whether the parts A and B of a module may be the factors of many experts.
    """

    name: str
    holds: str
    parse: Parse
    scaled: Callable[[Module, Form, Sizes], Scaled]
    form: Callable[[Module], Form] = lambda module: LORA
    spelled: Mapping[str, str] = field(default_factory=dict[str, str])
    notes: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    transposed: Callable[[Module], bool] = lambda module: False
    beside: frozenset[str] = frozenset({ALPHA})
    experts: bool = False


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
    shared, header, codes = shared or {}, header_of(tensors.metadata), quantised.scales(tensors.info)
    modules, skipped = _grouped(family, tensors, set(shared.values()), codes)
    codes = {key: scale for scale, key in codes.items()}
    opened: list[tuple[Module, Magnitude | None]] = []
    for name, keys in modules.items():
        if not keys.keys() - family.beside - {MAGNITUDE}:
            reasons = {key: f"the {part} of {name}, which has no factors" for part, key in keys.items()}
            skipped += [Skipped(key, tensors.info[key].shape, reason) for key, reason in reasons.items()]
            continue
        magnitude = dora.magnitude_of(tensors, keys.pop(MAGNITUDE)) if MAGNITUDE in keys else None
        module = Module(name, {**keys, **shared}, tensors, config, split_adapter(name)[0], codes)
        opened.append((module if config is not None else _headed(module, header), magnitude))
    pairs = {module.name: (module.shape("B"), module.shape("A")) for module, _ in opened}
    layers: list[Layer] = []
    for module, magnitude in opened:
        found = list(_layers(family, module, magnitude, pairs))
        layers += found
        skipped += _left_over(family, found[0], tensors)
    if not layers:
        raise ValueError(f"{tensors.source} holds no {family.holds}: {few_of(tensors)}.")
    check_gathered(tensors.source, [tensors.info[key] for layer in layers for key in layer.keys.values()])
    return Adapter(tensors.source, family.name, tuple(layers), tuple(skipped))


def only_adapter_unnamed(adapter: Adapter) -> Adapter:
    """Return an adapter whose modules need not name it where it is the only one."""
    if len({split_adapter(layer.name)[1] for layer in adapter.layers}) > 1:
        return adapter
    return replace(adapter, layers=tuple(replace(layer, name=split_adapter(layer.name)[0]) for layer in adapter.layers))


def _headed(module: Module, header: Header) -> Module:
    """Return a module with the configuration that the file's header holds for it."""
    component = header.component_of(module.path)
    path = module.path.removeprefix(f"{component}.") if component else module.path
    return module._replace(config=header.config_of(module.path), path=path)


def _layers(
    family: Family, module: Module, magnitude: Magnitude | None, pairs: Mapping[str, tuple[Shape, Shape]]
) -> Iterator[Layer]:
    """Return an iterator over the layers of a module: one, or one for each of its experts."""
    name, adapter = split_adapter(module.name)
    try:
        stack = stack_of(name, *pairs[module.name], module.config, pairs) if family.experts else None
    except ValueError as error:
        yield replace(_layer(family, module, magnitude), status="unsupported", notes=(str(error),), scale=math.nan)
        return
    if stack is None:
        yield _layer(family, module, magnitude)
        return
    read = lru_cache(maxsize=1)(partial(_read, module.tensors, dict(module.keys)))  # once for all experts
    named = module._replace(path=stack.path.removeprefix(name.removesuffix(module.path)))
    for expert in range(stack.experts):
        one = named._replace(name=with_adapter(f"{stack.path}[{expert}]", adapter))
        layer = _layer(family, one, magnitude, stack, expert)
        yield replace(layer, read=read if layer.status == "ok" else layer.read)


def _grouped(
    family: Family, tensors: Tensors, taken: set[str], codes: Mapping[str, str]
) -> tuple[dict[str, dict[str, str]], list[Skipped]]:
    """Return module -> part -> key, and every tensor that is no part of one and not taken already."""
    modules: dict[str, dict[str, str]] = {}
    skipped: list[Skipped] = []
    for key, info in tensors.info.items():
        if key in taken:
            continue
        if key in codes:
            skipped.append(Skipped(legible(key), info.shape, f"what dequantises {legible(codes[key])}"))
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


def _layer(
    family: Family, module: Module, magnitude: Magnitude | None, stack: Stack | None = None, expert: int = 0
) -> Layer:
    """Return a module's layer, or that of one of its experts, from its header alone; trouble becomes a status."""
    form = family.form(module) if stack is None else stack.form(expert)
    header = _header(family, module, form)
    m, n, r = header.sizes or (None, None, None)
    turned = dora.told(magnitude, module.config)
    used = {part: module.keys[part] for part in form.parts if part in module.keys}
    dtypes = dict.fromkeys(module.tensors.info[key].dtype for key in used.values())
    return Layer(
        name=module.name, m=m, n=n, r=r, dtype="/".join(dtypes), rule=header.scaled.rule, scale=header.scaled.scale,
        form=form, read=partial(_read, module.tensors, used if header.status == "ok" else {}), keys=dict(module.keys),
        status=header.status,
        notes=(*family.notes, *header.scaled.notes, *(stack.notes if stack else ()), *turned.notes),
        magnitude=magnitude, transposed=family.transposed(module),
        assumed=(*family.unknown, *header.scaled.unknown, *(stack.unknown if stack else ()), *turned.unknown),
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
        said = f"its factors are quantised codes, which {coded[0]} turns into numbers: save them in 16 or 32 bits"
        return trouble("unsupported", said, sizes)
    if wrong := [f"{module.keys[part]} {entry.trouble}" for part, entry in info.items() if entry.trouble]:
        return trouble("unsupported", "; ".join(wrong), sizes)
    if bare := [module.keys[part] for part, entry in info.items() if entry.shape == (0,)]:
        return trouble("unsupported", f"{bare[0]} {ZERO_3}")
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
