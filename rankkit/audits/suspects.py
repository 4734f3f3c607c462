"""What a wrong merge looks like: strengths with a known cause, and updates that stand in another's place."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from rankkit.audits.strength import Entries, Interval, inner
from rankkit.audits.update_rows import UpdateRows, is_thin, update_rows
from rankkit.checkpoints import Layer
from rankkit.checkpoints.forms import Product

__all__ = ["known_strength", "resembles"]

WIDEST = 0.1  # of its middle: in a wider interval a known strength may stand by chance
CLOSE = 0.7  # cosine from which V - W counts as another update, with rounding in it
MOST_OTHERS = 64  # modules of one shape that are tried, nearest in the file first
SMALL = 1 << 22  # entries of an update that is formed for a guess


def known_strength(interval: Interval, layer: Layer) -> str:
    """Return what may have led to a strength, such as the scale alpha / sqrt(r); "" where nothing known does.

    Parameters
    ----------
    interval : Interval
        The strengths that the weights allow.
    layer : Layer
        The module.
    """
    if interval.upper - interval.lower > WIDEST * abs(interval.upper + interval.lower) / 2:
        return ""
    root, scale = math.sqrt(layer.r or 1), layer.scale
    known = [
        (0.5, "half of it"), (2.0, "merged twice"), (-1.0, "subtracted"),
        (root, "alpha / sqrt(r) in place of alpha / r"), (1 / root, "alpha / r in place of alpha / sqrt(r)"),
    ]  # fmt: skip
    if math.isfinite(scale) and scale != 0:
        known.append((1 / scale, "B A without its scale"))
    causes = [cause for strength, cause in known if strength != 1 and strength in interval]
    return f"possible cause: {', or '.join(causes)}" if causes else ""


def resembles(entries: Entries, layer: Layer, product: Product | None, others: Mapping[str, Layer]) -> str:
    """Return which update V - W looks like, where it is not the module's own; "" where it looks like none.

    Parameters
    ----------
    entries : Entries
        The module's.
    layer : Layer
        The module.
    product : Product or None
        Of its own update.
    others : mapping of str to Layer
        All modules of the adapter.
    """
    guesses = _guesses(layer, product, others)
    products, sizes = np.zeros(len(guesses)), np.zeros(len(guesses))
    change, first = 0.0, 0
    for X, _, _ in entries.blocks():
        end = first + len(X)
        change += inner(X, X)
        for i, update in enumerate(guesses.values()):
            D = update.read(first, end)
            products[i] += inner(X, D)
            sizes[i] += inner(D, D)
        first = end
    norms = np.sqrt(sizes * change)
    cosines = np.divide(products, norms, out=np.zeros(len(guesses)), where=norms > 0)
    if not guesses or np.max(cosines) < CLOSE:
        return ""
    best = int(np.argmax(cosines))
    return f"it looks like {list(guesses)[best]} (cosine {cosines[best]:.2f})"


def _guesses(layer: Layer, product: Product | None, others: Mapping[str, Layer]) -> dict[str, UpdateRows]:
    """Return the updates that may have been added in place of a module's own, by what they are called."""
    guesses: dict[str, UpdateRows] = {}
    if product is not None:
        own = update_rows(layer, product)
        if layer.m == layer.n:
            guesses["the transpose of its update"] = own._replace(read=own.turned, turned=own.read)
        guesses["its update, with something else added"] = own
    alike = [
        other for other in others.values()
        if other.name != layer.name and other.status == "ok" and (other.m, other.n) == (layer.m, layer.n)
    ]  # fmt: skip
    names = list(others)
    place = names.index(layer.name)
    alike.sort(key=lambda other: abs(names.index(other.name) - place))
    for other in alike[:MOST_OTHERS]:
        small = (other.m or 0) * (other.n or 0) <= SMALL
        try:
            theirs = other.product()
            if is_thin(other, theirs) or small:
                guesses[f"the update of {other.name}"] = update_rows(other, theirs)
        except ValueError:
            continue
    return guesses
