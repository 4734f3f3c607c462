"""compare: how alike the updates of several adapters are, module by module: over training, or over a sweep of ranks."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rankkit import execution
from rankkit.audits.comparison import Comparison
from rankkit.checkpoints import Adapter, Layer, open_adapter
from rankkit.checkpoints.assumptions import joined
from rankkit.checkpoints.module_names import by_depth, kind_of
from rankkit.checks import finite
from rankkit.columns import gathered
from rankkit.factors import Array, Factors, host

__all__ = ["compare"]

EPS = 2.0**-52  # float64's
MEASURED = (
    "cosine", "relative_distance", "norm_ratio", "column_overlap", "row_overlap", "column_angle", "row_angle",
    "stable_rank_first", "stable_rank_second",
)  # fmt: skip


def compare(
    *sources: Any,
    labels: Sequence[str] | None = None,
    pairs: str = "consecutive",
    config: Mapping[str, Any] | None = None,
    family: str | None = None,
    rtol: float = 1e-6,
    progress: bool | None = None,
) -> Comparison:
    """Return how alike the updates of two or more adapters are, through their factors: nothing is formed.

    Parameters
    ----------
    *sources : path, mapping or live PEFT model
        As for `audit`; for training checkpoints in the order of time.
    labels : sequence of str, optional
        What to call them; None: the parts of their paths in which they differ.
    pairs : {"consecutive", "all"}
        Compare each with the next one, or each with every later one.
    config, family, progress
        As for `audit`.
    rtol : float
        Singular directions below rtol * sigma_1 do not count among an update's row and column space.

    Raises
    ------
    ValueError
        If fewer than two adapters are given, they share no module, or one cannot be read.

    Notes
    -----
    B of all adapters side by side has a QR with one small R, A's transposes likewise. In these coordinates each update
    is a small matrix with the same singular values, inner products and angles, to rounding of eps ||B||_F ||A||_F.

    Examples
    --------
    >>> one = {"up.lora_A.weight": np.eye(2, 4), "up.lora_B.weight": np.eye(3, 2)}
    >>> two = {"up.lora_A.weight": np.eye(2, 4), "up.lora_B.weight": -np.eye(3, 2)}
    >>> compare(one, two, config={"lora_alpha": 2}).table[["cosine", "row_overlap"]].round(12).to_numpy().tolist()
    [[-1.0, 1.0]]
    """
    if len(sources) < 2:
        raise ValueError(f"compare needs at least two adapters, got {len(sources)}; name another one.")
    if pairs not in _PAIRS:
        raise ValueError(f"pairs must be one of {', '.join(_PAIRS)}, got {pairs!r}.")
    if finite("rtol", rtol, least=0, advice="leave it out for 1e-6") >= 1:
        raise ValueError(f"rtol must be below 1, or no direction counts, got {rtol!r}; leave it out for 1e-6.")
    execution.keep_freed_memory()
    adapters = [open_adapter(source, config=config, family=family) for source in sources]
    names = _labels(adapters) if labels is None else list(labels)
    if len(names) != len(adapters) or len(set(names)) != len(names):
        raise ValueError(f"labels must be {len(adapters)} different names, got {names!r}.")
    layers = [{layer.name: layer for layer in adapter.layers} for adapter in adapters]
    shared = [module for module in layers[0] if all(module in of_one for of_one in layers)]
    if not shared:
        raise ValueError(f"{' and '.join(a.source for a in adapters[:2])} share no module; are they of one model?")
    tracked = execution.track(by_depth(shared), total=len(shared), progress=progress, label="compare")
    rows = (
        row
        for module, depth in tracked
        for row in _rows([of_one[module] for of_one in layers], names, depth, _PAIRS[pairs](len(names)), rtol)
    )
    unshared = tuple(
        (label, module)
        for label, of_one in zip(names, layers, strict=True)
        for module in of_one
        if module not in shared
    )
    return Comparison(tuple(adapter.source for adapter in adapters), gathered(rows), unshared)


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


@dataclass(frozen=True, eq=False)
class _Update:
    """One adapter's update of a module, or why there is none to compare.

    `matrix` is the update in orthonormal coordinates of all adapters' columns and rows: a small matrix with the same
    singular values, inner products and angles.
    """

    product: Factors | None = None
    trouble: str = ""
    matrix: Array = None


def _rows(
    layers: Sequence[Layer], labels: Sequence[str], depth: int | None, pairs: Iterable[tuple[int, int]], rtol: float
) -> Iterator[dict[str, Any]]:
    """Return an iterator over one module's rows, one a pair; trouble with one adapter costs its own pairs only."""
    updates = _in_common_coordinates([_update(layer) for layer in layers], [layer.scale for layer in layers])
    for i, j in pairs:
        one, two = layers[i], layers[j]
        row: dict[str, Any] = {
            "module": one.name, "layer": depth, "kind": kind_of(one.name), "first": labels[i], "second": labels[j],
            "m": one.m, "n": one.n, "r_first": one.r, "r_second": two.r,
        }  # fmt: skip
        reasons = [f"{labels[k]}: {updates[k].trouble}" for k in (i, j) if updates[k].trouble]
        if reasons:
            yield row | dict.fromkeys(MEASURED, math.nan) | _Told("unsupported", "; ".join(reasons))._asdict()
            continue
        told = _Told.of((labels[i], one), (labels[j], two))
        yield row | _alike(updates[i].matrix, updates[j].matrix, rtol) | told._asdict()


class _Told(NamedTuple):
    """What a row says beside its numbers."""

    status: str
    note: str
    assumed: str = ""

    @classmethod
    def of(cls, *pair: tuple[str, Layer]) -> _Told:
        """Return what is to be said of two modules that were compared, each under its adapter's label."""
        notes = [f"{label}: {'; '.join(layer.notes)}" for label, layer in pair if layer.notes]
        curved = sorted({layer.rule.label for _, layer in pair if not layer.rule.linear})
        notes += [f"{label}: B A is compared, not the update" for label in curved]
        unknown = [name for _, layer in pair for name in layer.assumed]
        return cls("assumed" if unknown else "ok", "; ".join(notes), joined(unknown))


def _update(layer: Layer) -> _Update:
    """Return a module's B A, or why there is none to compare."""
    if layer.status != "ok":
        return _Update(trouble="; ".join((layer.status, *layer.notes)))
    try:
        product = layer.product()
    except ValueError as error:
        return _Update(trouble=str(error))
    if not isinstance(product, Factors):
        return _Update(trouble="no product of two factors")
    if not float(host(product.norm_product())) > 0:
        return _Update(trouble="zero: never trained")
    return _Update(product)


def _in_common_coordinates(updates: Sequence[_Update], scales: Sequence[float]) -> list[_Update]:
    """Return the updates with their matrices, all in the same coordinates.

    All B side by side are Q_B R_B, and all A^T side by side Q_A R_A. An update scale B A is then Q_B M Q_A^T with
    M = scale R_b R_a^T, where R_b and R_a are its own columns of R_B and R_A.
    """
    products = [update.product for update in updates if update.product is not None]
    if len({product.shape for product in products}) > 1:
        return [_Update(trouble="adapters of different shapes")] * len(updates)
    if not products:
        return list(updates)
    left: Array = np.linalg.qr(np.concatenate([host(p.B) for p in products], axis=1), mode="r")
    right: Array = np.linalg.qr(np.concatenate([host(p.A).T for p in products], axis=1), mode="r")
    placed: list[_Update] = []
    end = 0
    for update, scale in zip(updates, scales, strict=True):
        if update.product is not None:
            own = slice(end, end + update.product.r)
            end = own.stop
            update = _Update(update.product, matrix=scale * (left[:, own] @ right[:, own].T))
        placed.append(update)
    return placed


def _alike(one: Array, two: Array, rtol: float) -> dict[str, float]:
    """Return the measures of two updates in common coordinates; their names are `MEASURED`."""
    sizes = np.linalg.norm(one), np.linalg.norm(two)
    first, second = _Spaces.of(one, rtol), _Spaces.of(two, rtol)
    return {
        "cosine": float(np.sum((one / sizes[0]) * (two / sizes[1]))),
        "relative_distance": float(np.linalg.norm(two - one) / sizes[0]),
        "norm_ratio": float(sizes[1] / sizes[0]),
        "column_overlap": _overlap(first.columns, second.columns),
        "row_overlap": _overlap(first.rows, second.rows),
        "column_angle": _largest_angle(first.columns, second.columns),
        "row_angle": _largest_angle(first.rows, second.rows),
        "stable_rank_first": first.stable_rank,
        "stable_rank_second": second.stable_rank,
    }


@dataclass(frozen=True, eq=False)
class _Spaces:
    """An update's column and row space, as orthonormal bases of the directions that count, and its stable rank."""

    columns: Array
    rows: Array
    stable_rank: float

    @classmethod
    def of(cls, matrix: Array, rtol: float) -> _Spaces:
        """Return the spaces of the singular directions above rtol * sigma_1, and above rounding."""
        U, sigma, Vt = np.linalg.svd(matrix)
        kept = int(np.sum(sigma > max(rtol, matrix.shape[0] * EPS) * sigma[0]))
        return cls(U[:, :kept], Vt[:kept].T, float(np.sum((sigma / sigma[0]) ** 2)))


def _overlap(first: Array, second: Array) -> float:
    """Return the mean squared cosine of the principal angles between two spaces, given by orthonormal bases."""
    cosines = np.linalg.svd(first.T @ second, compute_uv=False)
    return float(np.mean(np.minimum(cosines, 1) ** 2))


def _largest_angle(first: Array, second: Array) -> float:
    """Return the largest principal angle in degrees; its sine resolves small angles (Bjorck and Golub 1973)."""
    small, large = sorted((first, second), key=lambda basis: basis.shape[1])
    cosine = np.linalg.svd(large.T @ small, compute_uv=False)[-1]
    sine = np.linalg.svd(small - large @ (large.T @ small), compute_uv=False)[0]
    return float(np.degrees(np.arctan2(sine, cosine)))
