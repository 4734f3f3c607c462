"""compare: how alike the updates of several adapters are, module by module: over training, or over a sweep of ranks."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rankkit import execution, store
from rankkit.checkpoints import Adapter, Layer, open_adapter
from rankkit.checkpoints.naming import by_depth, kind_of
from rankkit.factors import Factors, host
from rankkit.rules import Linear

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Comparison", "compare"]

EPS = 2.0**-52


@dataclass(frozen=True, eq=False)
class Comparison:
    """How alike adapters are, one row a module and pair.

    Attributes
    ----------
    sources : tuple of str
        What was compared, in the order given.
    columns : dict of str to list
        module, layer, kind, first, second (which adapters, as labels), m, n, r_first, r_second, cosine (of the two
        updates as vectors of entries), relative_distance (||second - first||_F / ||first||_F), norm_ratio
        (||second||_F / ||first||_F), column_overlap and row_overlap (mean squared cosine of the principal angles
        between the column and row spaces: 1 the same, about r / m for random ones), column_angle and row_angle
        (largest principal angle, degrees), stable_rank_first, stable_rank_second, status, note.
    unshared : tuple of (str, str)
        (label, module) of every module that not all adapters have.
    """

    sources: tuple[str, ...]
    columns: dict[str, list[Any]]
    unshared: tuple[tuple[str, str], ...]

    @property
    def table(self) -> pd.DataFrame:
        """One row a module and pair."""
        import pandas as pd

        return pd.DataFrame(self.columns).astype(dict.fromkeys(("layer", "m", "n", "r_first", "r_second"), "Int64"))

    @property
    def coverage(self) -> str:
        """One sentence: what was compared and what was not."""
        status = self.columns["status"]
        sentence = f"{status.count('ok')} of {len(status)} pairs of modules compared"
        if self.unshared:
            names = ", ".join(f"{module} ({label})" for label, module in self.unshared[:3])
            more = ", ..." if len(self.unshared) > 3 else ""
            sentence += f"; {len(self.unshared)} modules are not in every adapter: {names}{more}"
        return sentence + "."

    def summary_columns(self) -> dict[str, list[Any]]:
        """Return `summary`'s columns as plain lists."""
        rows: dict[str, list[Any]] = {}
        keys = list(zip(self.columns["first"], self.columns["second"], strict=True))
        for first, second in dict.fromkeys(keys):
            members = [i for i, key in enumerate(keys) if key == (first, second) and self.columns["status"][i] == "ok"]
            row: dict[str, Any] = {"first": first, "second": second, "modules": len(members)}
            for name in ("cosine", "relative_distance", "norm_ratio", "column_overlap", "row_overlap"):
                values = [self.columns[name][i] for i in members]
                row[f"{name}_median"] = float(np.median(values)) if values else math.nan
            values = [self.columns["cosine"][i] for i in members]
            row["cosine_min"] = min(values, default=math.nan)
            for name, value in row.items():
                rows.setdefault(name, []).append(value)
        return rows

    def summary(self) -> pd.DataFrame:
        """Return medians over the modules, one row a pair."""
        import pandas as pd

        return pd.DataFrame(self.summary_columns())

    def plot(self, axes: Any = None) -> Any:
        """Draw cosine and the overlap of the spaces against depth, a pair a colour; returns the two axes."""
        from rankkit.plots import comparison

        return comparison(self.table, axes=axes)

    def save(self, file: str | os.PathLike[str]) -> Path:
        """Write the table to a .csv file."""
        return store.write_csv(file, self.table)


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
        What to call them; None: the shortest distinct ends of their paths.
    pairs : {"consecutive", "all"}
        Each with the next, or each with every later one.
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
    execution.keep_freed_memory()
    adapters = [open_adapter(source, config=config, family=family) for source in sources]
    names = _labels(adapters) if labels is None else list(labels)
    if len(names) != len(adapters) or len(set(names)) != len(names):
        raise ValueError(f"labels must be {len(adapters)} different names, got {names!r}.")
    by_name = [{layer.name: layer for layer in adapter.layers} for adapter in adapters]
    shared = [name for name in by_name[0] if all(name in layers for layers in by_name)]
    if not shared:
        raise ValueError(f"{' and '.join(a.source for a in adapters[:2])} share no module; are they of one model?")
    unshared = tuple(
        (label, name) for label, layers in zip(names, by_name, strict=True) for name in layers if name not in shared
    )
    columns: dict[str, list[Any]] = {}
    for name, depth in execution.track(by_depth(shared), total=len(shared), progress=progress, label="compare"):
        for row in _rows([layers[name] for layers in by_name], names, depth, pairs, rtol):
            for column, value in row.items():
                columns.setdefault(column, []).append(value)
    return Comparison(tuple(adapter.source for adapter in adapters), columns, unshared)


_PAIRS = {
    "consecutive": lambda count: zip(range(count - 1), range(1, count), strict=True),
    "all": lambda count: itertools.combinations(range(count), 2),
}


def _labels(adapters: Sequence[Adapter]) -> list[str]:
    """Return what tells the sources' paths apart, without the parts they share at either end; else their places."""
    parts = [Path(adapter.source).parts for adapter in adapters]
    if len(set(parts)) < len(parts):
        return [str(place + 1) for place in range(len(parts))]
    begin, end = (_shared(paths) for paths in (parts, [part[::-1] for part in parts]))
    ends = ["/".join(part[begin : len(part) - end]) for part in parts]
    return ends if all(ends) and len(set(ends)) == len(ends) else ["/".join(part) for part in parts]


def _shared(paths: Sequence[tuple[str, ...]]) -> int:
    """Return how many parts all paths begin with."""
    return sum(1 for _ in itertools.takewhile(lambda parts: len(set(parts)) == 1, zip(*paths, strict=False)))


_MEASURED = ("cosine", "relative_distance", "norm_ratio", "column_overlap", "row_overlap", "column_angle", "row_angle",
             "stable_rank_first", "stable_rank_second")  # fmt: skip


def _rows(
    layers: Sequence[Layer], labels: Sequence[str], depth: int | None, pairs: str, rtol: float
) -> Iterator[dict[str, Any]]:
    """Return an iterator over one module's rows, a pair each; trouble with one adapter costs its own pairs."""
    products = [_product(layer) for layer in layers]
    sound = [i for i, product in enumerate(products) if isinstance(product, Factors)]
    if len({products[i].shape for i in sound}) > 1:  # type: ignore[union-attr]
        products, sound = ["adapters of different shapes"] * len(layers), []
    small = dict(zip(sound, _coordinates([products[i] for i in sound], [layers[i] for i in sound]), strict=True))  # type: ignore[misc]
    for i, j in _PAIRS[pairs](len(layers)):
        one, two = layers[i], layers[j]
        row: dict[str, Any] = {
            "module": one.name, "layer": depth, "kind": kind_of(one.name), "first": labels[i], "second": labels[j],
            "m": one.m, "n": one.n, "r_first": one.r, "r_second": two.r,
        }  # fmt: skip
        row |= dict.fromkeys(_MEASURED, math.nan)
        reasons = [f"{labels[k]}: {products[k]}" for k in (i, j) if k not in small]
        curved = sorted({layer.rule.label for layer in (one, two) if not isinstance(layer.rule, Linear)})
        note = "; ".join(reasons or [f"{label}: B A is compared, not the update" for label in curved])
        if not reasons:
            row |= _alike(small[i], small[j], rtol)
        yield row | {"status": "unsupported" if reasons else "ok", "note": note}


def _product(layer: Layer) -> Factors | str:
    """Return a module's B A, or why there is none to compare."""
    if layer.status != "ok":
        return "; ".join((layer.status, *layer.notes))
    try:
        product = layer.combine(*layer.read().values())
    except ValueError as error:
        return str(error)
    if not isinstance(product, Factors):
        return "no product of two factors"
    return product if np.all(host(product.norm_product()) > 0) else "zero: never trained"


def _coordinates(products: Sequence[Factors], layers: Sequence[Layer]) -> list[Any]:
    """Return each scaled update in common orthonormal coordinates of all columns and all rows: a small matrix."""
    if not products:
        return []
    left: Any = np.linalg.qr(np.concatenate([host(p.B) for p in products], axis=1), mode="r")
    right: Any = np.linalg.qr(np.concatenate([host(p.A).T for p in products], axis=1), mode="r")
    ends = np.cumsum([p.r for p in products])
    return [
        layer.scale * (left[:, end - p.r : end] @ right[:, end - p.r : end].T)
        for layer, p, end in zip(layers, products, ends, strict=True)
    ]


def _alike(one: Any, two: Any, rtol: float) -> dict[str, float]:
    """Return the measures of two updates in common coordinates."""
    sizes = np.linalg.norm(one), np.linalg.norm(two)
    bases = [np.linalg.svd(x) for x in (one, two)]
    kept = [int(np.sum(s > max(rtol, x.shape[0] * EPS) * s[0])) for x, (_, s, _) in zip((one, two), bases, strict=True)]
    row = {
        "cosine": float(np.sum((one / sizes[0]) * (two / sizes[1]))),
        "relative_distance": float(np.linalg.norm(two - one) / sizes[0]),
        "norm_ratio": float(sizes[1] / sizes[0]),
    }
    for side, spaces in (("column", [U for U, _, _ in bases]), ("row", [Vt.T for _, _, Vt in bases])):
        first, second = (space[:, :k] for space, k in zip(spaces, kept, strict=True))
        cosines = np.linalg.svd(first.T @ second, compute_uv=False)
        row[f"{side}_overlap"] = float(np.mean(np.minimum(cosines, 1) ** 2))
        row[f"{side}_angle"] = _largest_angle(first, second)
    stable = [float(np.sum((s / s[0]) ** 2)) for _, s, _ in bases]
    return row | {"stable_rank_first": stable[0], "stable_rank_second": stable[1]}


def _largest_angle(first: Any, second: Any) -> float:
    """Return the largest principal angle in degrees; its sine tells small ones (Bjorck and Golub 1973)."""
    small, large = sorted((first, second), key=lambda basis: basis.shape[1])
    cosine = np.linalg.svd(large.T @ small, compute_uv=False)[-1]
    sine = np.linalg.svd(small - large @ (large.T @ small), compute_uv=False)[0]
    return float(np.degrees(np.arctan2(sine, cosine)))
