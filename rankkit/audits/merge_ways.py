"""Ways in which a tool may have merged, from the tightest to the loosest, and the first that explains the weights."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from rankkit.audits.rounding import PRECISIONS, narrower, rounded, unit_roundoff
from rankkit.audits.strength import Entries, Fit, Interval, fit
from rankkit.audits.update_rows import UpdateRows, is_thin, update_rows
from rankkit.audits.weights import Base
from rankkit.checkpoints import Layer
from rankkit.checkpoints.forms import Dense, Product
from rankkit.factors import Array, host

__all__ = ["Tried", "tried_ways"]

TURNED = 8  # half gaps, where a weight was computed anew in the stored dtype: a sum, a length, a quotient, a product
LARGER = 2  # times the least-squares strength, beyond which no strength that explains a module is expected
ONCE = "rounded once"
TWICE = 2  # roundings of an update in the stored dtype: of the product, and of its multiple by the scale


class Tried(NamedTuple):
    """The tightest arithmetic that explains a module, at strength 1 if any does."""

    interval: Interval
    fit: Fit
    arithmetic: str


def tried_ways(layer: Layer, product: Product | None, entries: Entries, before: Base) -> Tried | None:
    """Return the tightest arithmetic that explains a module at strength 1, else at any; None: entries not finite."""
    explained: Tried | None = None
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
            tried = Tried(interval, found, ", ".join(filter(None, (name, how))) or ONCE)
            if 1 in interval or math.isnan(found.least_squares):
                return tried
            explained = explained or tried
    assert first is not None
    if explained is None and abs(first.least_squares) > 1:  # what float32 does to s D grows with s
        found = fit(replace(entries, error=LARGER * abs(first.least_squares) * entries.error))
        explained = None if found.interval.empty else Tried(found.interval, found, ONCE)
    return explained or Tried(Interval(math.inf, -math.inf), first, "")


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
        yield f"factors in {entries.dtype}", replace(entries, update=update.read, peak=update.peak)
    dtypes = [entries.dtype, *narrower(entries.dtype)]
    for dtype in dtypes[1:]:  # a model merged in fewer bits than it is stored with
        if _fits(entries, dtype):
            yield f"stored as {dtype}", replace(entries, dtype=dtype)
    if PRECISIONS.get(before.dtype(layer), PRECISIONS["F64"]).bits > PRECISIONS[entries.dtype].bits:
        yield f"base in {entries.dtype}", replace(entries, weights=_base_rounded(entries))


def _of_rounded_factors(layer: Layer, dtype: str) -> UpdateRows | None:
    """Return the update that is made from stored tensors rounded to a format; None where there are none."""
    if layer.measured is not None:
        return None
    try:
        with np.errstate(over="ignore", invalid="ignore"):  # factors may not fit a format of few bits
            stored = {part: _rounded(x, dtype) for part, x in layer.read().items()}
            return update_rows(layer, layer.product(stored))
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
