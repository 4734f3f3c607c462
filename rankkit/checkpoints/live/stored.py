"""A saved adapter of a method whose update takes PEFT's own code: one layer at a time, around that layer's weight.

PEFT builds the layer around the base's weight of that one module, the module's tensors are loaded into it, and it is
measured as a layer of a model in memory is. Where the update does not depend on the weight, zeros stand in its place.
"""

# torch's and PEFT's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple, Protocol

import numpy as np

from rankkit.checkpoints.files.tensors import INTEGERS, Tensors, few_of, legible
from rankkit.checkpoints.forms import Dense, Shape, whole_sizes
from rankkit.checkpoints.layer import Adapter, Layer, Skipped, measured_layer
from rankkit.checkpoints.live import host, seam
from rankkit.checkpoints.live.copies import undisturbed
from rankkit.checkpoints.live.merging import applied
from rankkit.checkpoints.live.wrapped import Wrapped, turned
from rankkit.checkpoints.methods import ALONE, READ, WITH_BASE, method_of
from rankkit.checkpoints.module_names import PEFT_PREFIX, in_base_model
from rankkit.factors import Array
from rankkit.factors import host as on_host

__all__ = ["Weights", "of_file", "takes_peft"]

MOST_RANK, SMALL_RANK = 4, 4096  # a rank above so many longer sides of its weight, and above this, is no rank

VARIANTS = ("kasa_config", "monteclora_config", "use_bdlora", "use_qalora")  # of LoRA, whose update is no plain B A
# what a file of a method must hold beside what is trained: PEFT would draw it anew, or draws it by the modules' order
NEEDED = {
    "SHIRA": ("shira_indices",),
    "UNILORA": ("unilora_indices_A", "unilora_indices_B", "unilora_scales_A", "unilora_scales_B"),
}  # fmt: skip


class Weights(Protocol):
    """The base that an adapter was trained on, tensor by tensor."""

    @property
    def tensors(self) -> Tensors:
        """All of it."""
        ...

    def key(self, module: str) -> str:
        """Return the key of a module's weight; a ValueError is the reason why there is none."""
        ...


class _Parts(NamedTuple):
    """One module's tensors: the name behind its path -> key."""

    path: str
    keys: Mapping[str, str]


def _c3a(shapes: Mapping[str, Shape]) -> Shape:
    rows, columns, block = shapes["c3a_kernel"]
    return rows * block, columns * block


def _gralora(shapes: Mapping[str, Shape]) -> Shape:
    blocks, columns, _ = shapes["gralora_A"]
    return shapes["gralora_B"][2] * blocks, columns * blocks


def _vblora(shapes: Mapping[str, Shape]) -> Shape:
    length = shapes["vblora_vector_bank"][1]
    return shapes["vblora_logits_B"][0] * length, shapes["vblora_logits_A"][1] * length


# of methods whose update does not depend on the weight: the shape that their tensors tell
_SHAPES: dict[str, Callable[[Mapping[str, Shape]], Shape]] = {
    "C3A": _c3a, "GRALORA": _gralora, "VBLORA": _vblora,
}  # fmt: skip


def takes_peft(config: Mapping[str, Any] | None, base: Weights | None, keys: Iterable[str]) -> bool:
    """Return whether an adapter of this configuration is measured by PEFT's own layers.

    Parameters
    ----------
    config : mapping or None
        The adapter's.
    base : Weights, optional
        What it was trained on.
    keys : iterable of str
        Names of the adapter's tensors: what is drawn from a seed may have been saved.
    """
    if config is None or "peft_type" not in config:
        return False
    method = method_of(config)
    if method == "LORA":
        return base is not None and any(config.get(name) for name in VARIANTS)
    if method in READ and any(f".{method.lower()}_A" in key for key in keys):
        return False  # its projections are in the file, and its reader cuts them to the base's width
    return method in ALONE or (base is not None and method in WITH_BASE)


def of_file(tensors: Tensors, config: Mapping[str, Any], base: Weights | None) -> Adapter:
    """Return the layers of a saved adapter, each measured by PEFT's own layer.

    Parameters
    ----------
    tensors : Tensors
        The adapter's.
    config : mapping
        Its configuration, which names one of the methods that `takes_peft` knows.
    base : Weights, optional
        What it was trained on.

    Raises
    ------
    ValueError
        If PEFT is missing, or the adapter has no module of its method.
    """
    method = method_of(config)
    if method != "SHIRA" or base is not None:
        seam.require(f"a saved {method} adapter")
    modules, shared, skipped = _grouped(tensors, seam.root(method))
    if not modules:
        raise ValueError(f"{tensors.source} holds no {method} module: {few_of(tensors)}.")
    one = _Method(method, config, tensors, base, shared, [parts.path for parts in modules])
    layers = tuple([one.layer(parts) for parts in modules])
    return Adapter(tensors.source, method.lower(), layers, tuple(skipped))


def _grouped(tensors: Tensors, root: str) -> tuple[list[_Parts], dict[str, str], list[Skipped]]:
    """Return the modules, what they share, and the other tensors of an adapter whose tensors are named root...."""
    pattern = re.compile(rf"(?:(?P<module>.+?)\.)?(?P<rest>{root}.+)")
    modules: dict[str, dict[str, str]] = {}
    shared: dict[str, str] = {}
    skipped: list[Skipped] = []
    for key, info in tensors.info.items():
        match = pattern.fullmatch(key) if legible(key) == key else None
        if match is None:
            skipped.append(
                Skipped(legible(key), info.shape, "no adapter tensor: a head, modules_to_save or base weight")
            )
        elif match["module"] in (None, PEFT_PREFIX.split(".")[0]):
            shared[match["rest"]] = key
        else:
            modules.setdefault(in_base_model(match["module"]), {})[match["rest"]] = key
    return [_Parts(path, keys) for path, keys in modules.items()], shared, skipped


class _Method:
    """One adapter of one method: what its layers have in common."""

    def __init__(
        self, method: str, config: Mapping[str, Any], tensors: Tensors, base: Weights | None,
        shared: Mapping[str, str], paths: list[str],
    ) -> None:  # fmt: skip
        self.method = method
        self.config = config
        self.tensors = tensors
        self.base = base
        self.shared = shared
        self.paths = paths

    def layer(self, parts: _Parts) -> Layer:
        """Return one module's layer; trouble is a status."""
        keys = {**parts.keys, **self.shared}
        dtypes = dict.fromkeys(self.tensors.info[key].dtype for key in parts.keys.values())
        try:
            if self.method == "SHIRA" and self.base is None:
                return self._sparse(parts, "/".join(dtypes))
            shape = self.shape(parts.path, keys)
            transposed = host.kind(shape, self.config, parts.keys) in ("Conv1D", "Embedding")
            sizes = whole_sizes(shape[::-1] if transposed else shape)
            if sizes is None:
                raise ValueError(f"the base's weight has shape {shape}, which is no matrix")
        except ValueError as error:
            return measured_layer(parts.path, None, status="unsupported", notes=(str(error),))
        rank = self.config.get("r")
        if seam.ranked(self.method) and isinstance(rank, int):
            sizes = sizes._replace(r=min(sizes.r, rank))
        return measured_layer(
            parts.path, sizes, partial(self.measured, parts, shape, transposed), dtype="/".join(dtypes),
            transposed=transposed, weight=None if self.base is None else partial(self._turned, parts.path, transposed),
        )  # fmt: skip

    def shape(self, path: str, keys: Mapping[str, str]) -> Shape:
        """Return the shape of a module's weight as the base stores it, or as the module's own tensors tell it."""
        if missing := [name for name in NEEDED.get(self.method, ()) if name not in keys]:
            raise ValueError(f"{' and '.join(missing)} of it {'is' if len(missing) == 1 else 'are'} not in the file")
        if self.base is not None:
            return self.base.tensors.info[self.base.key(path)].shape
        try:
            return _SHAPES[self.method]({name: self.tensors.info[key].shape for name, key in keys.items()})
        except (KeyError, IndexError, ValueError):
            raise ValueError("its tensors do not tell the shape of its weight; name the base model") from None

    def weight(self, path: str, shape: Shape) -> Array:
        """Return a module's weight as the base stores it, or zeros where it does not matter."""
        if self.base is None:
            return np.zeros(shape, dtype=np.float32)
        key = self.base.key(path)
        if trouble := self.base.tensors.info[key].trouble:
            raise ValueError(f"the base's {key} {trouble}")
        W = on_host(self.base.tensors.read(key))  # PEFT computes in float32 on a processor, unless the weight is wider
        return W if self.base.tensors.info[key].dtype == "F64" else W.astype(np.float32)

    def _turned(self, path: str, transposed: bool) -> Array:
        assert self.base is not None
        return turned(np.asarray(self.weight(path, ()), dtype=np.float64), transposed)

    def measured(self, parts: _Parts, shape: Shape, transposed: bool) -> Dense:
        """Return a module's update by PEFT's layer around its weight."""
        path = parts.path
        rank = self.config.get("r")
        if isinstance(rank, int) and rank > max(SMALL_RANK, MOST_RANK * max(shape)):
            raise ValueError(f"its configuration says r = {rank}, far above the sides of its weight")
        if math.prod(shape) > host.FORMED:
            raise ValueError(f"an update of {shape} is too large to form")
        W = self.weight(path, shape)
        own, shared = self._read(parts.keys), self._read(self.shared)
        with undisturbed(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            widest = self._widest() if self.method in host.SHARED_WIDTH else None
            model = host.hosted(path, W, self.config, own, shared, widest=widest)
        layers = tuple([layer for at, layer in seam.tuner_layers(model) if in_base_model(at) == path])
        return applied(
            Wrapped(path, layers), [host.ADAPTER], transposed=transposed, origin=np.asarray(W, dtype=np.float64)
        )

    def _read(self, keys: Mapping[str, str]) -> dict[str, Array]:
        """Return tensors by name; besides numbers there may be indices."""
        info = self.tensors.info
        for key in keys.values():
            if info[key].trouble and info[key].dtype not in INTEGERS:
                raise ValueError(f"{key} {info[key].trouble}")
        return {name: self.tensors.read(key) for name, key in keys.items()}

    def _widest(self) -> Shape:
        """Return the most rows and columns of all adapted modules, which the shared projections are drawn for."""
        shapes: list[Shape] = []
        for path in self.paths:
            try:
                shapes.append(self.shape(path, {}))
            except ValueError:
                raise ValueError(
                    f"its projections are as wide as the widest module, and the base has no weight for {path}"
                ) from None
        return max(shape[0] for shape in shapes), max(math.prod(shape[1:]) for shape in shapes)

    def _sparse(self, parts: _Parts, dtype: str) -> Layer:
        """Return the layer of single entries of a weight, whose shape they do not tell."""
        at, values = (parts.keys.get(name) for name in ("shira_indices", "shira_weight"))
        if at is None or values is None:
            return measured_layer(
                parts.path, None, status="unpaired", notes=("shira_indices or shira_weight is missing",)
            )
        where = on_host(self.tensors.read(at)).astype(np.int64)
        shape = self.tensors.info[at].shape
        if len(shape) != 2 or shape[0] != 2 or self.tensors.info[values].shape != shape[1:] or where.min(initial=0) < 0:
            raise ValueError("shira_indices and shira_weight do not fit together")
        m, n = (int(side) + 1 for side in where.max(axis=1, initial=0))
        sizes = whole_sizes((m, n))
        if m * n > host.FORMED:
            raise ValueError(f"its entries span {m} x {n}, which is too large to form")

        def entries() -> Dense:
            matrix = np.zeros((m, n))
            matrix[where[0], where[1]] = on_host(self.tensors.read(values)).astype(np.float64)
            return Dense(matrix, 0.0)

        said = "rows and columns behind its last entry are not in the file and change no singular value"
        return measured_layer(parts.path, sizes, entries, dtype=dtype, notes=(said,))
