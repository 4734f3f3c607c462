"""What every reader builds with: keys grouped by module, and a module's layer from its header alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from rankkit.checkpoints.files.tensors import DAMAGED, FLOATS, Tensors, legible
from rankkit.checkpoints.forms import Form
from rankkit.checkpoints.layer import Layer, Scaled, Skipped
from rankkit.factors import Array
from rankkit.rules import Linear

__all__ = ["grouped", "layer_of", "nothing_found"]

LONGEST = 2000  # characters of a tensor's name
MAX_EXPANSION = 8  # numbers of a product's factors for each that is stored, where there are many
MANY = 1 << 25  # numbers, 256 MB


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
        return Layer(
            name, m=m, n=n, r=r, dtype=dtypes, rule=Linear(), scale=math.nan, form=form, read=dict, status=status,
            notes=(*notes, note),
        )  # fmt: skip

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
    m, n, r = sizes
    return Layer(
        name, m=m, n=n, r=r, dtype=dtypes, rule=rule, scale=scale, form=form, read=read, notes=(*notes, *assumed),
        keys=dict(keys),
    )  # fmt: skip


def _read(tensors: Tensors, keys: Mapping[str, str]) -> dict[str, Array]:
    return {part: tensors.read(key) for part, key in keys.items()}


def nothing_found(tensors: Tensors, what: str) -> ValueError:
    """Return the error for a source without a single module."""
    some = ", ".join(list(tensors.info)[:3]) or "nothing"
    return ValueError(f"{tensors.source} holds no {what}: {len(tensors.info)} tensors such as {some}.")
