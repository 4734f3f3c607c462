"""compare: how alike the updates of several adapters are, module by module, and what they make when they are added."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from rankkit import execution
from rankkit.audits.addition import Addition
from rankkit.audits.alike import MEASURED, Spaces, alike
from rankkit.audits.comparison import Comparison
from rankkit.audits.coordinates import PLAIN, Placed, placed
from rankkit.audits.grid import Grid
from rankkit.audits.weights import Base
from rankkit.checkpoints import Adapter, Layer, dora, open_adapter
from rankkit.checkpoints.assumptions import joined
from rankkit.checkpoints.module_names import by_depth, kind_of
from rankkit.checks import finite
from rankkit.columns import gathered

__all__ = ["compare"]


def compare(
    *sources: Any,
    labels: Sequence[str] | None = None,
    strengths: Sequence[float] | None = None,
    pairs: str = "consecutive",
    base: Any = None,
    config: Mapping[str, Any] | None = None,
    family: str | None = None,
    rtol: float = 1e-6,
    progress: bool | None = None,
) -> Comparison:
    """Return how alike the updates of two or more adapters are, and with strengths what their sum is.

    Parameters
    ----------
    *sources : path, mapping or live PEFT model
        As for `audit`; for training checkpoints in the order of time.
    labels : sequence of str, optional
        What to call them; None: the parts of their paths in which they differ.
    strengths : sequence of float, optional
        Numbers other than 0 by which the updates are multiplied, one for each adapter, as where several are loaded
        together; the sum is then measured as well. None: each counts once, and the sum is not measured.
    pairs : {"consecutive", "all"}
        Which pairs the table has: each with the next one, or each with every later one.
    base : path or mapping, optional
        The model they were trained on, from which the updates of DoRA and other methods are known.
    config, family, progress
        As for `audit`.
    rtol : float
        Singular directions below rtol * sigma_1 do not count among an update's row and column space.

    Raises
    ------
    ValueError
        If fewer than two adapters are given, no two of them share a module, or one cannot be read.

    Notes
    -----
    B of all adapters side by side has a QR with one small R, A's transposes likewise. In these coordinates each update
    is a small matrix with the same singular values, inner products and angles, to rounding of eps ||B||_F ||A||_F. So
    no result depends on how factors are scaled or rotated. Updates that are no such products, as a sine or LoKr makes
    them, are formed where they have at most 2^20 entries. Of larger ones B A is compared, which the note says.

    Examples
    --------
    >>> import numpy as np
    >>> one = {"up.lora_A.weight": np.eye(2, 4), "up.lora_B.weight": np.eye(3, 2)}
    >>> two = {"up.lora_A.weight": np.eye(2, 4), "up.lora_B.weight": -np.eye(3, 2)}
    >>> compare(one, two, config={"lora_alpha": 2}).table[["cosine", "row_overlap"]].round(12).to_numpy().tolist()
    [[-1.0, 1.0]]
    """
    if len(sources) < 2:
        raise ValueError(
            f"compare needs at least two adapters, got {len(sources)}; pass them one by one, as in compare(a, b)."
        )
    if pairs not in _PAIRS:
        raise ValueError(f"pairs must be one of {', '.join(_PAIRS)}, got {pairs!r}.")
    finite("rtol", rtol, least=0, below=1, advice="leave it out for 1e-6")
    factors = _strengths(strengths, len(sources))
    execution.keep_freed_memory()
    weights = None if base is None else Base(base)
    adapters = [open_adapter(source, config=config, family=family, base=weights) for source in sources]
    names = _labels(adapters) if labels is None else list(labels)
    if len(names) != len(adapters) or len(set(names)) != len(names):
        raise ValueError(f"labels must be {len(adapters)} different names, got {names!r}.")
    prepared = dora.with_weight if weights is None else weights.adapted
    modules = _modules(adapters)
    shared = [module for module, layers in modules.items() if sum(layer is not None for layer in layers) > 1]
    if not shared:
        raise ValueError(f"{' and '.join(a.source for a in adapters[:2])} share no module; are they of one model?")
    work = _Work(tuple(names), factors, tuple(_PAIRS[pairs](len(names))), rtol)
    depths = dict(by_depth(modules))
    rows: list[dict[str, Any]] = []
    grids: dict[str, Grid] = {}
    for module in execution.track(depths, total=len(depths), progress=progress, label="compare"):
        layers = modules[module] = [layer and prepared(layer) for layer in modules[module]]
        grids[module], of_module = work.measured(layers, depths[module])
        rows += of_module
    unshared = tuple(
        (name, module)
        for place, name in enumerate(names)
        for module, layers in modules.items()
        if layers[place] is not None and None in layers
    )
    in_order = {name: modules[name] for name in depths}
    found = None if strengths is None else Addition(work.labels, factors).audit(in_order, depths)
    return Comparison(
        tuple(adapter.source for adapter in adapters), gathered(rows), unshared, work.labels, factors, grids, found
    )


def _strengths(strengths: Sequence[float] | None, count: int) -> tuple[float, ...]:
    """Return one strength for each adapter."""
    if strengths is None:
        return (1.0,) * count
    checked = tuple(finite("strengths", s, advice="give one number for each adapter") for s in strengths)
    if len(checked) != count or 0 in checked:
        raise ValueError(f"strengths must be {count} numbers other than 0, one for each adapter, got {strengths!r}.")
    return checked


def _modules(adapters: Sequence[Adapter]) -> dict[str, list[Layer | None]]:
    """Return one layer of each adapter for every module that one of them has, in the order of their files."""
    layers = [{layer.name: layer for layer in adapter.layers} for adapter in adapters]
    return {name: [of_one.get(name) for of_one in layers] for name in dict.fromkeys(itertools.chain(*layers))}


def _consecutive(count: int) -> Iterable[tuple[int, int]]:
    return zip(range(count - 1), range(1, count), strict=True)


def _all(count: int) -> Iterable[tuple[int, int]]:
    return itertools.combinations(range(count), 2)


_PAIRS: dict[str, Callable[[int], Iterable[tuple[int, int]]]] = {"consecutive": _consecutive, "all": _all}


def _labels(adapters: Sequence[Adapter]) -> list[str]:
    """Return the parts in which the sources' paths differ; the sources' numbers where two paths are the same."""
    paths = [Path(adapter.source).parts for adapter in adapters]
    if len(set(paths)) < len(paths):
        return [str(place + 1) for place in range(len(paths))]
    begin, end = _count_shared(paths), _count_shared([path[::-1] for path in paths])
    labels = ["/".join(path[begin : len(path) - end]) for path in paths]
    return labels if all(labels) and len(set(labels)) == len(labels) else ["/".join(path) for path in paths]


def _count_shared(paths: Sequence[tuple[str, ...]]) -> int:
    """Return how many parts all paths begin with."""
    return sum(1 for _ in itertools.takewhile(lambda parts: len(set(parts)) == 1, zip(*paths, strict=False)))


@dataclass(frozen=True)
class _Work:
    """What is measured of every module: the adapters' labels and strengths, the pairs of the table, the tolerance."""

    labels: tuple[str, ...]
    strengths: tuple[float, ...]
    pairs: tuple[tuple[int, int], ...]
    rtol: float

    def measured(self, layers: Sequence[Layer | None], depth: int | None) -> tuple[Grid, list[dict[str, Any]]]:
        """Return one module's grid and its rows; trouble with one adapter costs its own pairs only."""
        updates = placed(layers, self.strengths)
        spaces = [Spaces.of(update, self.rtol) if not update.trouble else None for update in updates]
        rows = [row for i, j in self.pairs if (row := self._row(layers, updates, spaces, i, j, depth))]
        return Grid.of(updates, spaces), rows

    def _row(
        self, layers: Sequence[Layer | None], updates: Sequence[Placed], spaces: Sequence[Spaces | None], i: int,
        j: int, depth: int | None,
    ) -> dict[str, Any] | None:  # fmt: skip
        """Return the row of one pair; None where one of them does not have the module."""
        one, two = layers[i], layers[j]
        if one is None or two is None:
            return None
        row: dict[str, Any] = {
            "module": one.name, "layer": depth, "kind": kind_of(one.name), "first": self.labels[i],
            "second": self.labels[j], "m": one.m, "n": one.n, "r_first": one.r, "r_second": two.r,
        }  # fmt: skip
        first, second = spaces[i], spaces[j]
        if first is None or second is None:
            reasons = [f"{self.labels[k]}: {updates[k].trouble}" for k in (i, j) if updates[k].trouble]
            return row | dict.fromkeys(MEASURED, math.nan) | _Told("unsupported", "; ".join(reasons))._asdict()
        told = _Told.of(*((self.labels[k], layer, updates[k]) for k, layer in ((i, one), (j, two))))
        return row | alike(first, second) | told._asdict()


class _Told(NamedTuple):
    """What a row says beside its numbers."""

    status: str
    note: str
    assumed: str = ""

    @classmethod
    def of(cls, *pair: tuple[str, Layer, Placed]) -> _Told:
        """Return what is to be said of two modules that were compared, each under its adapter's label."""
        notes = [f"{label}: {'; '.join(layer.notes)}" for label, layer, _ in pair if layer.notes]
        curved = sorted({layer.rule.label for _, layer, update in pair if update.plain})
        notes += [f"{label}: {PLAIN}" for label in curved]
        unknown = [name for _, layer, _ in pair for name in layer.assumed]
        return cls("assumed" if unknown else "ok", "; ".join(notes), joined(unknown))
