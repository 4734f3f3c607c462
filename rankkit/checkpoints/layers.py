"""What every reader yields: layers that carry an update, and the tensors that carry none."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import NamedTuple

from rankkit.checkpoints.forms import Form
from rankkit.checkpoints.tensors import DAMAGED, FLOATS, Tensors, legible
from rankkit.factors import Array, Factors
from rankkit.products import Kronecker
from rankkit.rules import Linear, Rule

__all__ = ["Adapter", "Dense", "Layer", "Magnitude", "Scaled", "Skipped", "grouped", "layer_of", "nothing_found"]

LONGEST = 2000  # characters of a tensor's name
MAX_EXPANSION = 8  # numbers of a product's factors for each that is stored, where there are many
MANY = 1 << 25  # numbers, 256 MB


class Skipped(NamedTuple):
    """A tensor that was not analysed: its key, shape, and why."""

    key: str
    shape: tuple[int, ...]
    reason: str


class Dense(NamedTuple):
    """An update that is known entry by entry, and a bound on the Frobenius norm of what rounding did to it."""

    matrix: Array
    error: float


class Magnitude(NamedTuple):
    """DoRA's length of every row of the adapted weight: its key, and how to read it."""

    key: str
    read: Callable[[], Array]


class Scaled(NamedTuple):
    """The rule a module's product goes through, the factor in front of it, and what had to be assumed."""

    scale: float
    rule: Rule
    notes: tuple[str, ...] = ()

    @classmethod
    def linear(cls, scale: float, notes: tuple[str, ...] = ()) -> Scaled:
        """Return scale * B A."""
        return cls(scale, Linear(scale=scale), notes)


@dataclass(frozen=True, eq=False)
class Layer:
    """One adapter module, known by its header; its tensors are read on demand.

    Attributes
    ----------
    name : str
        Module path in the base model.
    m, n, r : int or None
        Outputs, inputs and the most rank the product can have; None where unknown.
    dtype : str
        Stored dtypes, each once.
    rule : Rule
        How the product becomes the update, scale included.
    scale : float
        The factor in front of it.
    read : callable
        Returns the stored tensors.
    combine : callable
        Makes them the product, Factors or Kronecker, or the whole update where it is no product.
    status : str
        "ok" as far as the header tells, or "unpaired", "unsupported", "zero".
    notes : tuple of str
        What had to be assumed, or why the status is not ok.
    keys : mapping of str to str
        Part -> key of its tensor.
    magnitude : Magnitude or None
        Where the product is only the direction of a DoRA update, which takes the base's weight to know.
    """

    name: str
    m: int | None
    n: int | None
    r: int | None
    dtype: str
    rule: Rule
    scale: float
    read: Callable[[], dict[str, Array]]
    combine: Callable[..., Factors | Kronecker | Dense]
    status: str = "ok"
    notes: tuple[str, ...] = ()
    keys: Mapping[str, str] = field(default_factory=dict)
    magnitude: Magnitude | None = None


@dataclass(frozen=True, eq=False)
class Adapter:
    """An opened adapter.

    Attributes
    ----------
    source : str
        Where it came from.
    family : str
        Format it was read as.
    layers : tuple of Layer
        Exactly one per adapter module, in the order of the file.
    skipped : tuple of Skipped
        Every other tensor.
    """

    source: str
    family: str
    layers: tuple[Layer, ...]
    skipped: tuple[Skipped, ...]

    def noted(self, note: str) -> Adapter:
        """Return the same adapter with one more note on every layer."""
        return replace(self, layers=tuple(replace(layer, notes=(*layer.notes, note)) for layer in self.layers))


def grouped(
    tensors: Tensors, parse: Callable[[str], tuple[str, str] | str]
) -> tuple[dict[str, dict[str, str]], list[Skipped]]:
    """Return module -> part -> key, and every tensor that is no part of one.

    Parameters
    ----------
    tensors : Tensors
    parse : callable
        Maps a key to (module, part), or to the reason why it is neither.
    """
    modules: dict[str, dict[str, str]] = {}
    skipped: list[Skipped] = []
    for key, info in tensors.info.items():
        found = parse(key) if legible(key, LONGEST) == key else "its name is no printable text"
        if isinstance(found, str):
            skipped.append(Skipped(legible(key), info.shape, found))
        elif found[1] in (parts := modules.setdefault(found[0], {})):
            skipped.append(Skipped(key, info.shape, f"a second {found[1]} of module {found[0]}"))
        else:
            parts[found[1]] = key
    return modules, skipped


def layer_of(
    name: str,
    keys: Mapping[str, str],
    tensors: Tensors,
    form: Form,
    scaled: Callable[[int, int, int], Scaled],
    *,
    spelled: str = "{}",
    notes: Iterable[str] = (),
) -> Layer:
    """Return a module's layer from its header alone; trouble becomes a status.

    Parameters
    ----------
    name : str
    keys : mapping
        Part -> key of its tensor.
    tensors : Tensors
    form : Form
        How its parts make the product.
    scaled : callable
        (m, n, r) -> Scaled, or ValueError with the reason why it cannot be told.
    spelled : str
        How the family writes a part's name, for messages.
    """
    info = {part: tensors.info[keys[part]] for part in form.parts if part in keys}
    dtypes = "/".join(dict.fromkeys(entry.dtype for entry in info.values()))

    def trouble(status: str, note: str, m: int | None = None, n: int | None = None, r: int | None = None) -> Layer:
        return Layer(name, m, n, r, dtypes, Linear(), math.nan, dict, form.combine, status, (*notes, note))

    if missing := [part for part in form.parts if part not in info]:
        return trouble("unpaired", f"{' and '.join(spelled.format(part) for part in missing)} is missing")
    if damaged := [keys[part] for part, entry in info.items() if entry.dtype == DAMAGED]:
        return trouble("unsupported", f"{' and '.join(damaged)} is damaged, or not stored number by number")
    shapes = [info[part].shape for part in form.parts]
    sizes = form.sizes(*shapes)
    if sizes is None:
        stored = ", ".join(f"{spelled.format(part)} {shape}" for part, shape in zip(form.parts, shapes, strict=True))
        return trouble("unsupported", f"shapes do not fit together: {stored}")
    if min(sizes) == 0:
        return trouble("zero", "a tensor of size zero", *sizes)
    stored, formed = sum(math.prod(shape) for shape in shapes), (sizes[0] + sizes[1]) * sizes[2]
    if form.expands and formed > MANY and formed > MAX_EXPANSION * stored:
        return trouble("unsupported", f"its {stored} numbers stand for factors of {formed}: not formed", *sizes)
    if any(entry.dtype not in FLOATS for entry in info.values()):
        return trouble("unsupported", f"dtype {dtypes} is not read", *sizes)
    try:
        scale, rule, assumed = scaled(*sizes)
    except ValueError as error:
        return trouble("unsupported", str(error), *sizes)
    read = partial(_read, tensors, {part: keys[part] for part in form.parts})
    return Layer(name, *sizes, dtypes, rule, scale, read, form.combine, "ok", (*notes, *assumed), dict(keys))


def _read(tensors: Tensors, keys: Mapping[str, str]) -> dict[str, Array]:
    return {part: tensors.read(key) for part, key in keys.items()}


def nothing_found(tensors: Tensors, what: str) -> ValueError:
    """Return the error for a source without a single module."""
    some = ", ".join(list(tensors.info)[:3]) or "nothing"
    return ValueError(f"{tensors.source} holds no {what}: {len(tensors.info)} tensors such as {some}.")
