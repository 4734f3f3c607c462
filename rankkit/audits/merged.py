"""audit_merged: whether a merged model holds what an adapter says, module by module, and at which strength."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from rankkit import execution
from rankkit.audits.merge_record import Merged
from rankkit.audits.merge_ways import Tried, tried_ways
from rankkit.audits.rounding import PRECISIONS
from rankkit.audits.strength import Entries, Interval, unexplained
from rankkit.audits.suspects import known_strength, resembles
from rankkit.audits.update_rows import is_thin, update_rows
from rankkit.audits.weights import Base
from rankkit.checkpoints import Layer, open_adapter
from rankkit.checkpoints.files.tensors import legible
from rankkit.checkpoints.forms import Product
from rankkit.checkpoints.module_names import by_depth, kind_of
from rankkit.columns import gathered
from rankkit.factors import Array

__all__ = ["audit_merged"]

WRAPPED = ".base_layer."  # in the name of a weight that PEFT's layer stands around
BESIDE = "the model has PEFT's layer around it: what that adds is not merged into the weight"
WORKERS = 2  # modules at once: reading and numpy's work leave the interpreter's lock free, and more hardly gain


class _Outcome(NamedTuple):
    """What a row says of its module."""

    verdict: str
    interval: Interval = Interval(math.nan, math.nan)
    least_squares: float = math.nan
    unexplained: float = math.nan
    arithmetic: str = ""
    notes: tuple[str, ...] = ()


def audit_merged(
    merged: Any, *, base: Any, adapter: Any, config: Mapping[str, Any] | None = None, family: str | None = None,
    n_jobs: int = WORKERS, progress: bool | None = None,
) -> Merged:  # fmt: skip
    """Return whether a merged model holds an adapter's updates: the verdict and the strength for each module.

    Parameters
    ----------
    merged : path, mapping or torch.nn.Module
        The model after merging: a folder, a tensor file, the index of its shards, a state dict, or a model in memory,
        also one whose PEFT layers are merged in place.
    base : path, mapping or torch.nn.Module
        The model before merging.
    adapter : path, mapping or live PEFT model
        The adapter, as `audit` takes it.
    config, family
        As for `audit`.
    n_jobs : int
        How many modules are checked at once, in threads. The result is the same whatever it is.
    progress : bool, optional
        Show a bar on stderr; None: where stderr is a terminal.

    Raises
    ------
    TypeError
        If a source is nothing that can be read.
    ValueError
        If one is damaged, the adapter holds no module, or the base has no weight for any of them. Trouble with one
        module is its verdict instead.

    Notes
    -----
    A strength s explains a module if every entry of the merged weight is W + s D up to half the gap between stored
    numbers and the arithmetic of merging, tried from tight to loose. These s are an interval, and a module is applied
    if 1 is in it. The interval is rigorous for weights rounded to the nearest number. A product of two factors is
    never formed as a whole, and its weights are read by rows.

    Examples
    --------
    >>> base = {"up.weight": np.ones((3, 4))}
    >>> adapter = {"up.lora_A.weight": np.eye(2, 4), "up.lora_B.weight": np.eye(3, 2)}
    >>> half = {"up.weight": np.ones((3, 4)) + np.eye(3, 2) @ np.eye(2, 4) / 2}
    >>> audit_merged(half, base=base, adapter=adapter, config={"lora_alpha": 2}).table["strength"].round(6).tolist()
    [0.5]
    """
    execution.keep_freed_memory()
    before, after = Base(base), Base(merged)
    opened = open_adapter(adapter, config=config, family=family, base=before)
    before.check_fits(opened.layers)
    layers = {layer.name: layer for layer in opened.layers}
    depths = dict(by_depth(layers))

    def row(name: str) -> dict[str, Any]:
        layer = before.adapted(layers[name])
        found = _checked(layer, before, after, layers)
        sizes = {"module": name, "layer": depths[name], "kind": kind_of(name), "m": layer.m, "n": layer.n}
        return sizes | _row(found, after, layer)

    done = execution.run(row, list(depths), n_jobs=n_jobs, progress=progress, label="audit --merged")
    rows = dict(done)
    columns = gathered(rows[name] for name in depths)
    return Merged(after.tensors.source, before.tensors.source, opened.source, columns, opened.skipped)


def _row(found: _Outcome, after: Base, layer: Layer) -> dict[str, Any]:
    """Return what a row says behind the module's name and sizes."""
    inside = found.interval.nearest(found.least_squares)
    try:
        dtype, wrapped = after.dtype(layer), WRAPPED in after.key(layer.name)
    except ValueError:
        dtype, wrapped = "", False
    beside = BESIDE if wrapped and found.verdict == "not applied" else ""
    return {
        "dtype": dtype,
        "verdict": found.verdict,
        "strength": found.least_squares if found.interval.empty else inside,
        "strength_lower": found.interval.lower,
        "strength_upper": found.interval.upper,
        "unexplained": found.unexplained,
        "arithmetic": found.arithmetic,
        "note": "; ".join(filter(None, (*layer.notes, *found.notes, beside, after.apart(layer)))),
    }


def _checked(layer: Layer, before: Base, after: Base, others: Mapping[str, Layer]) -> _Outcome:
    """Return what became of one module in the merged model."""
    if layer.status not in ("ok", "zero"):
        return _Outcome("could not check", notes=(f"its update is {layer.status}",))
    try:
        product = layer.product() if layer.status == "ok" else None
        entries = _entries(layer, product, before, after)
    except ValueError as error:
        return _Outcome("could not check", notes=(legible(str(error)),))
    tried = tried_ways(layer, product, entries, before)
    if tried is None:
        return _Outcome("could not check", notes=("a weight or the update has NaN or infinite entries",))
    if tried.interval.empty:
        estimate = tried.fit.least_squares
        share = unexplained(entries, estimate if math.isfinite(estimate) else 0.0)
        hint = resembles(entries, layer, product, others)
        verdict = "applied to something else"
        return _Outcome(verdict, Interval(math.nan, math.nan), estimate, share, notes=(hint,) if hint else ())
    return _judged(tried, layer)


def _judged(tried: Tried, layer: Layer) -> _Outcome:
    """Return the verdict on a module that some strengths explain."""
    interval, estimate = tried.interval, tried.fit.least_squares
    outcome = partial(_Outcome, interval=interval, least_squares=estimate, unexplained=0.0, arithmetic=tried.arithmetic)
    if math.isnan(estimate):
        return outcome("applied", interval=Interval(math.nan, math.nan), notes=("its update is zero",))
    if 0 in interval and 1 in interval:
        return outcome("could not check", notes=("rounding hides the update: the weights allow 0 and 1",))
    if 1 in interval:
        return outcome("applied")
    if 0 in interval:
        return outcome("not applied")
    if layer.assumed:
        strength = interval.nearest(estimate)
        unknown = f"its {', '.join(layer.assumed)} is not known; the weights hold {strength:.4g} times what was assumed"
        return outcome("could not check", notes=(unknown,))
    suspect = known_strength(interval, layer)
    return outcome("applied at another strength", notes=(suspect,) if suspect else ())


def _entries(layer: Layer, product: Product | None, before: Base, after: Base) -> Entries:
    """Return a module's entries, read by rows where the files allow it.

    Raises
    ------
    ValueError
        If a weight cannot be found or read: the reason, for the row.
    """
    assert layer.m is not None
    assert layer.n is not None
    try:
        dtype = after.dtype(layer)
        if dtype not in PRECISIONS:
            raise ValueError(f"the base's weight has dtype {dtype}, whose rounding is not known")
        read_after = after.by_rows(layer)
        whole_after = None if read_after else after.weight(layer)
    except ValueError as error:
        raise ValueError(str(error).replace("the base", "the merged model", 1)) from None
    wide = np.float64 if "F64" in (dtype, before.dtype(layer)) or not is_thin(layer, product) else np.float32
    read_before = before.by_rows(layer) if read_after else None
    if read_before and read_after:
        old, new = read_before, read_after

        def weights(first: int, end: int) -> tuple[Array, Array]:
            return old(first, end).astype(wide, copy=False), new(first, end).astype(wide, copy=False)
    else:
        W = before.weight(layer)
        V = after.weight(layer) if whole_after is None else whole_after

        def weights(first: int, end: int) -> tuple[Array, Array]:
            return W[first:end].astype(wide, order="C"), V[first:end].astype(wide, order="C")

    if product is None:
        return Entries(layer.m, layer.n, dtype, weights, partial(_nothing, layer.n, wide), 0.0, 0.0)
    update = update_rows(layer, product, wide)
    return Entries(layer.m, layer.n, dtype, weights, update.read, update.error, update.peak)


def _nothing(n: int, dtype: Any, first: int, end: int) -> Array:
    """Return rows of an update that is zero."""
    return np.zeros((end - first, n), dtype)
