"""One module's updates by several adapters in common coordinates, where all that is measured of them stays as it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from rankkit.audits.update import DECOMPOSED, OPEN
from rankkit.checkpoints import Layer
from rankkit.checkpoints.forms import Product, formed
from rankkit.factors import Array, Factors, host
from rankkit.rules import AdaSine

__all__ = ["Placed", "placed"]

PLAIN = "B A is compared, not the update"
NOT_HELD = "not in this adapter"


@dataclass(frozen=True, eq=False)
class Placed:
    """One adapter's update of a module, at its strength, or why there is none to compare.

    Attributes
    ----------
    left, right : array, shape (k, r) and (l, r), or None
        The update in orthonormal coordinates of all adapters' columns and rows is left right^T; None: there is none.
    trouble : str
        Why there is none.
    zero : bool
        Whether that is because it is zero, or because the adapter leaves the module as it is.
    plain : bool
        Whether it is B A in place of the update, which a rule that is not linear makes of it.
    """

    left: Array = None
    right: Array = None
    trouble: str = ""
    zero: bool = False
    plain: bool = False

    @property
    def matrix(self) -> Array:
        """The update in common coordinates: a small matrix with its singular values, inner products and angles."""
        return self.left @ self.right.T


class _Stored(NamedTuple):
    """What an adapter stores for a module, or what stands in its place."""

    layer: Layer
    product: Product


def placed(layers: Sequence[Layer | None], strengths: Sequence[float]) -> list[Placed]:
    """Return a module's updates in common coordinates, each times its strength; trouble stays with its adapter.

    All B side by side are Q_B R_B, and all A^T side by side Q_A R_A. An update scale B A is then Q_B M Q_A^T with
    M = scale R_b R_a^T, where R_b and R_a are its own columns of R_B and R_A. Updates that are not all products of two
    factors are formed where that is cheap, and their coordinates are their rows and columns. The others of such a
    module are compared by their B A, which `Placed.plain` tells.

    Parameters
    ----------
    layers : sequence of Layer or None
        One for each adapter; None: it leaves the module as it is.
    strengths : sequence of float
        One for each adapter.
    """
    stored = [_stored(layer) for layer in layers]
    known = [one for one in stored if isinstance(one, _Stored)]
    if len({(one.layer.m, one.layer.n) for one in known}) > 1:
        return [Placed(trouble="adapters of different shapes")] * len(layers)
    if all(_is_thin(one) for one in known):
        return _by_factors(stored, strengths)
    if any(_size(one.layer) > DECOMPOSED or isinstance(one.layer.rule, AdaSine) for one in known):
        return _by_factors([_with_factors(one) for one in stored], strengths)
    return [one if isinstance(one, Placed) else _formed(one, s) for one, s in zip(stored, strengths, strict=True)]


def _stored(layer: Layer | None) -> _Stored | Placed:
    """Return what an adapter stores for a module, or why there is nothing to compare."""
    if layer is None:
        return Placed(trouble=NOT_HELD, zero=True)
    if layer.status != "ok":
        return Placed(trouble="; ".join((layer.status, *layer.notes)), zero=layer.status == "zero")
    try:
        product = layer.product()
    except ValueError as error:
        return Placed(trouble=str(error))
    if isinstance(product, Factors) and not float(host(product.norm_product())) > 0:
        return Placed(trouble="zero: never trained", zero=True)
    return _Stored(layer, product)


def _is_thin(one: _Stored) -> bool:
    return isinstance(one.product, Factors) and one.layer.rule.linear


def _size(layer: Layer) -> int:
    return (layer.m or 0) * (layer.n or 0)


def _with_factors(one: _Stored | Placed) -> _Stored | Placed:
    """Return what can be compared by its factors, or the reason why it cannot."""
    if isinstance(one, Placed) or isinstance(one.product, Factors):
        return one
    return Placed(trouble=f"no product of two factors, and {one.layer.m} x {one.layer.n} is too large to decompose")


def _by_factors(stored: Sequence[_Stored | Placed], strengths: Sequence[float]) -> list[Placed]:
    """Return the updates that have factors in coordinates of all of them."""
    products = [one.product for one in stored if isinstance(one, _Stored)]
    factors = [product for product in products if isinstance(product, Factors)]
    if not factors:
        return [one for one in stored if isinstance(one, Placed)]
    left: Array = np.linalg.qr(np.concatenate([host(p.B) for p in factors], axis=1), mode="r")
    right: Array = np.linalg.qr(np.concatenate([host(p.A).T for p in factors], axis=1), mode="r")
    found: list[Placed] = []
    end = 0
    for one, strength in zip(stored, strengths, strict=True):
        if isinstance(one, Placed):
            found.append(one)
            continue
        assert isinstance(one.product, Factors)
        own = slice(end, end + one.product.r)
        end = own.stop
        plain = not one.layer.rule.linear
        found.append(Placed(strength * one.layer.scale * left[:, own], right[:, own], plain=plain))
    return found


def _formed(one: _Stored, strength: float) -> Placed:
    """Return an update entry by entry, where rounding leaves it known."""
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            update = formed(one.product, one.layer.rule)
    except ValueError as error:
        return Placed(trouble=str(error))
    D = np.asarray(host(update.matrix))
    norm = float(np.linalg.norm(D))
    if not np.isfinite(norm):
        return Placed(trouble="NaN or infinite entries")
    if norm == 0:
        return Placed(trouble="zero: never trained", zero=True)
    if update.error > norm / 2:
        return Placed(trouble=OPEN)
    return Placed(strength * D, np.eye(D.shape[1]))
