"""What every reader yields: layers that carry an update, and the tensors that carry none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from rankkit.checkpoints.forms import Form, Product
from rankkit.factors import Array
from rankkit.rules import Linear, Rule

__all__ = ["STATUSES", "Adapter", "Layer", "Magnitude", "Scaled", "Skipped"]

STATUSES = ("ok", "zero", "nonfinite", "unpaired", "unsupported")


class Skipped(NamedTuple):
    """A tensor that was not analysed: its key, shape, and why."""

    key: str
    shape: tuple[int, ...]
    reason: str


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
    form : Form
        Which tensors it takes, and how they become its product.
    read : callable
        Returns the stored tensors by part.
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
    form: Form
    read: Callable[[], Mapping[str, Array]]
    status: str = "ok"
    notes: tuple[str, ...] = ()
    keys: Mapping[str, str] = field(default_factory=dict)
    magnitude: Magnitude | None = None

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
        stored = self.read() if stored is None else stored
        return self.form.combine(*(stored[part] for part in self.form.parts))


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
    use_rslora : bool
        Whether its configuration says so: scales are alpha / sqrt(r) in place of alpha / r.
    """

    source: str
    family: str
    layers: tuple[Layer, ...]
    skipped: tuple[Skipped, ...]
    use_rslora: bool = False

    def noted(self, note: str) -> Adapter:
        """Return the same adapter with one more note on every layer."""
        return replace(self, layers=tuple(replace(layer, notes=(*layer.notes, note)) for layer in self.layers))
