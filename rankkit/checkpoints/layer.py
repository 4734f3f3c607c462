"""What every reader yields: layers that carry an update, and the tensors that carry none."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from rankkit.checkpoints.forms import UNSTORED, Form, Product, Sizes
from rankkit.factors import Array
from rankkit.rules import Linear, Rule

__all__ = ["MEASURED", "STATUSES", "Adapter", "Layer", "Magnitude", "Skipped", "measured_layer"]

# status -> what it means
STATUSES: dict[str, str] = {
    "ok": "The update was measured.",
    "assumed": "The update was measured, but its numbers rest on something that is not known: the note says what.",
    "zero": "The update is zero: a factor was never trained, has an empty axis, or the product vanishes in float64.",
    "nonfinite": "The update has NaN or infinite entries, or overflows float64.",
    "unpaired": "A tensor that belongs to the module is missing.",
    "unsupported": "The tensors do not fit together, cannot be read, or make an update that rankkit cannot measure.",
}
MEASURED = ("ok", "assumed")  # the statuses with metrics


class Skipped(NamedTuple):
    """A tensor that was not analysed: its key, shape, and why."""

    key: str
    shape: tuple[int, ...]
    reason: str


class Magnitude(NamedTuple):
    """DoRA's lengths of the rows, or columns, of an adapted weight; `rankkit.checkpoints.dora` says what they do.

    Attributes
    ----------
    key : str
        Of its tensor.
    shape : tuple of int
        As stored: with the key it tells which axis of the weight it belongs to.
    read : callable
        Returns the tensor.
    """

    key: str
    shape: tuple[int, ...]
    read: Callable[[], Array]


@dataclass(frozen=True, eq=False, kw_only=True)
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
    form : Form
        Which tensors it takes, and how they become its product.
    read : callable
        Returns the stored tensors by part.
    keys : mapping of str to str
        Part -> key of its tensor.
    status : str
        One of `STATUSES`: "ok" as far as the header tells, or "unpaired", "unsupported", "zero". What had to be assumed
        is in `assumed` until the update is measured.
    notes : tuple of str
        What had to be assumed, or why the status is not ok.
    magnitude : Magnitude or None
        Where the product is only the direction of a DoRA update, which takes the base's weight to know.
    assumed : tuple of str
        What the update rests on that is not known, as `rankkit.checkpoints.assumptions.UNKNOWN` calls it.
    start : str
        How the factors began, where they began as a part of the base weight: PEFT's init_lora_weights.
    transposed : bool
        Whether the base stores the module's weight as (n, m), as GPT-2's projections and embeddings do.
    measured : callable or None
        Returns the product or the update itself, where code that applies it knows it and no stored tensors make it.
    weight : callable or None
        Returns the base's weight (m, n) in float64, where the source has it: a live model.
    copied : str
        Path of the module in the base that this one is a copy of; "" where it is none.
    """

    name: str
    m: int | None
    n: int | None
    r: int | None
    dtype: str
    rule: Rule
    scale: float
    form: Form
    read: Callable[[], Mapping[str, Array]]
    keys: Mapping[str, str]
    status: str = "ok"
    notes: tuple[str, ...] = ()
    magnitude: Magnitude | None = None
    assumed: tuple[str, ...] = ()
    start: str = ""
    transposed: bool = False
    measured: Callable[[], Product] | None = None
    weight: Callable[[], Array] | None = None
    copied: str = ""

    @property
    def placed(self) -> str:
        """Its path in the base: that of the module it is a copy of, or its own."""
        return self.copied or self.name

    def product(self, stored: Mapping[str, Array] | None = None) -> Product:
        """Return the product its rule acts on, or the whole update where it is no product.

        Parameters
        ----------
        stored : mapping of str to array, optional
            The tensors by part, where they have been read already; None: they are read now.

        Raises
        ------
        ValueError
            If a tensor cannot be read, or has entries that are not finite.
        """
        if self.measured is not None:
            return self.measured()
        stored = self.read() if stored is None else stored
        return self.form.combine(*(stored[part] for part in self.form.parts))


def measured_layer(
    name: str, sizes: Sizes | None, measured: Callable[[], Product] | None = None, *, dtype: str = "",
    status: str = "ok", notes: tuple[str, ...] = (), transposed: bool = False,
    weight: Callable[[], Array] | None = None,
) -> Layer:  # fmt: skip
    """Return a layer whose update is measured by code that applies it, scale included; or one that cannot be.

    Parameters
    ----------
    name : str
        Module path in the base model.
    sizes : Sizes or None
        Outputs, inputs, and the most rank the update can have; None where unknown.
    measured : callable, optional
        Returns the update; a ValueError of it is the reason why there is none.
    dtype, status, notes, transposed, weight
        As for `Layer`.
    """
    m, n, r = sizes or (None, None, None)
    scale = 1.0 if status == "ok" else math.nan
    return Layer(
        name=name, m=m, n=n, r=r, dtype=dtype, rule=Linear(), scale=scale, form=UNSTORED, read=dict, keys={},
        status=status, notes=notes, transposed=transposed, measured=measured, weight=weight,
    )  # fmt: skip


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
        Every tensor that is part of no layer.
    use_rslora : bool
        Whether its configuration says so: scales are alpha / sqrt(r) in place of alpha / r.
    beside : tuple of str
        Other adapters in subfolders of its folder.
    """

    source: str
    family: str
    layers: tuple[Layer, ...]
    skipped: tuple[Skipped, ...]
    use_rslora: bool = False
    beside: tuple[str, ...] = ()
