"""audit_merged: whether a merged model holds what an adapter says, module by module, and at which strength."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from rankkit import execution
from rankkit.audits.merge_record import Merged
from rankkit.audits.rounding import PRECISIONS, narrower, rounded, unit_roundoff
from rankkit.audits.strength import Entries, Fit, Interval, fit, unexplained
from rankkit.audits.suspects import known_strength, resembles
from rankkit.audits.update_rows import is_thin, update_rows
from rankkit.audits.weights import Base
from rankkit.checkpoints import Layer, is_model, open_adapter
from rankkit.checkpoints.files.tensors import legible
from rankkit.checkpoints.forms import Dense, Product
from rankkit.checkpoints.module_names import by_depth, kind_of
from rankkit.columns import gathered
from rankkit.factors import Array, host

__all__ = ["audit_merged"]

TURNED = 8  # half gaps, where a weight was computed anew in the stored dtype: a sum, a length, a quotient, a product
TWICE = 2  # roundings of an update in the stored dtype: of the product, and of its multiple by the scale


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
    progress: bool | None = None,
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
    progress : bool, optional
        Show a bar on stderr; None: where stderr is a terminal.

    Raises
    ------
    TypeError
        If a source is nothing that can be read.
    ValueError
        If one is damaged, or the adapter holds no module. Trouble with one module is its verdict instead.

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
    before, after = (Base(_tensors(source)) for source in (base, merged))
    opened = open_adapter(adapter, config=config, family=family, base=before)
    layers = {layer.name: layer for layer in opened.layers}
    depths = dict(by_depth(layers))
    rows: list[dict[str, Any]] = []
    for name in execution.track(depths, total=len(depths), progress=progress, label="audit --merged"):
        layer = before.adapted(layers[name])
        found = _checked(layer, before, after, layers)
        rows.append(
            {"module": name, "layer": depths[name], "kind": kind_of(name), "m": layer.m, "n": layer.n}
            | _row(found, after, layer)
        )
    return Merged(after.tensors.source, before.tensors.source, opened.source, gathered(rows), opened.skipped)


def _tensors(source: Any) -> Any:
    """Return what holds a model's weights: the state dict of one in memory, or the source itself."""
    return source.state_dict() if is_model(source) else source


def _row(found: _Outcome, after: Base, layer: Layer) -> dict[str, Any]:
    """Return what a row says behind the module's name and sizes."""
    inside = found.interval.nearest(found.least_squares)
    try:
        dtype = after.dtype(layer)
    except ValueError:
        dtype = ""
    return {
        "dtype": dtype,
        "verdict": found.verdict,
        "strength": found.least_squares if found.interval.empty else inside,
        "strength_lower": found.interval.lower,
        "strength_upper": found.interval.upper,
        "unexplained": found.unexplained,
        "arithmetic": found.arithmetic,
        "note": "; ".join(filter(None, (*layer.notes, *found.notes, after.apart(layer)))),
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
    tried = _tried(layer, product, entries, before)
    if tried is None:
        return _Outcome("could not check", notes=("a weight or the update has NaN or infinite entries",))
    if tried.interval.empty:
        estimate = tried.fit.least_squares
        share = unexplained(entries, estimate if math.isfinite(estimate) else 0.0)
        hint = resembles(entries, layer, product, others)
        verdict = "applied to something else"
        return _Outcome(verdict, Interval(math.nan, math.nan), estimate, share, notes=(hint,) if hint else ())
    return _judged(tried, layer)


class _Tried(NamedTuple):
    """The tightest arithmetic that explains a module, at strength 1 if any does."""

    interval: Interval
    fit: Fit
    arithmetic: str


def _judged(tried: _Tried, layer: Layer) -> _Outcome:
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


def _tried(layer: Layer, product: Product | None, entries: Entries, before: Base) -> _Tried | None:
    """Return the tightest arithmetic that explains a module at strength 1, else at any; None: entries not finite."""
    explained: _Tried | None = None
    first: Fit | None = None
    for name, variant in _variants(layer, product, entries, before):
        found = fit(variant)
        if not found.finite:
            return None
        first = first or found
        u = unit_roundoff(variant.dtype)
        for times, how in ((0, ""), (1, "update rounded"), (TWICE, "update rounded twice")):
            interval = found.interval.with_rounded_update(times * u)
            if interval.empty:
                continue
            tried = _Tried(interval, found, ", ".join(filter(None, (name, how))) or "rounded once")
            if 1 in interval or math.isnan(found.least_squares):
                return tried
            explained = explained or tried
    assert first is not None
    return explained or _Tried(Interval(math.inf, -math.inf), first, "")


def _variants(
    layer: Layer, product: Product | None, entries: Entries, before: Base
) -> Iterator[tuple[str, Entries]]:  # fmt: skip
    """Return an iterator over ways to merge, as the entries that they make, from the tightest to the loosest."""
    yield "", entries
    if product is None:
        return
    if not is_thin(layer, product):
        loose = entries.error
        if not isinstance(product, Dense):
            loose = max(loose, float(layer.rule.forming_error(product, dtype="float32")))  # type: ignore[arg-type]
        yield f"computed in {entries.dtype}", replace(entries, gaps=float(TURNED), error=loose)
    if (update := _of_rounded_factors(layer, entries.dtype)) is not None:
        yield f"factors in {entries.dtype}", replace(entries, update=update)
    dtypes = [entries.dtype, *narrower(entries.dtype)]
    for dtype in dtypes[1:]:  # a model merged in fewer bits than it is stored with
        if _fits(entries, dtype):
            yield f"stored as {dtype}", replace(entries, dtype=dtype)
    if PRECISIONS.get(before.dtype(layer), PRECISIONS["F64"]).bits > PRECISIONS[entries.dtype].bits:
        yield f"base in {entries.dtype}", replace(entries, weights=_base_rounded(entries))


def _of_rounded_factors(layer: Layer, dtype: str) -> Callable[[int, int], Array] | None:
    """Return what makes the rows of the update from stored tensors rounded to a format; None where there are none."""
    if layer.measured is not None:
        return None
    try:
        with np.errstate(over="ignore", invalid="ignore"):  # factors may not fit a format of few bits
            stored = {part: _rounded(x, dtype) for part, x in layer.read().items()}
            return update_rows(layer, layer.product(stored)).read
    except ValueError:
        return None


def _rounded(x: Array, dtype: str) -> Array:
    return rounded(np.asarray(host(x), dtype=np.float64), dtype)


def _base_rounded(entries: Entries) -> Any:
    """Return what reads the weights with those of the base rounded to the merged model's format."""

    def read(first: int, end: int) -> tuple[Array, Array]:
        W, V = entries.weights(first, end)
        return rounded(W, entries.dtype), V

    return read


def _fits(entries: Entries, dtype: str) -> bool:
    """Return whether a format holds all merged weights exactly."""
    rows = max(1, (1 << 20) // entries.n)
    for first in range(0, entries.m, rows):
        _, V = entries.weights(first, min(first + rows, entries.m))
        with np.errstate(over="ignore"):
            if not np.array_equal(rounded(V, dtype), V):
                return False
    return True


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
        return Entries(layer.m, layer.n, dtype, weights, partial(_nothing, layer.n, wide), 0.0)
    update = update_rows(layer, product, wide)
    return Entries(layer.m, layer.n, dtype, weights, update.read, update.error)


def _nothing(n: int, dtype: Any, first: int, end: int) -> Array:
    """Return rows of an update that is zero."""
    return np.zeros((end - first, n), dtype)
