"""One module of an adapter: the update it really applies, as a spectrum, or as a status that says why there is none."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from rankkit.checkpoints import Layer
from rankkit.checkpoints.assumptions import OF_THE_RULE
from rankkit.checkpoints.files.tensors import legible
from rankkit.checkpoints.forms import NO_UPDATE, Dense, Product
from rankkit.factors import Array, Factors, host
from rankkit.metrics import stable_rank
from rankkit.products import Kronecker
from rankkit.rules import AdaSine, Rule
from rankkit.spectrum import Spectrum, spectrum_of

__all__ = [
    "Applied",
    "Opened",
    "Prepared",
    "apply",
    "decomposed",
    "finished",
    "not_finite",
    "opened",
    "prepare",
    "tolerance",
]

SQUARABLE = 1e150  # the square of a singular value up to it, and down to its inverse, is a float64 (up to 1.8e308)
DECOMPOSED = 1 << 20  # entries: a full SVD takes under a second at 1024 x 1024, and eight times that at twice the side
FORMED = 1 << 28  # entries: 2 GB of float64, the largest update that is formed at all
GRAM_ERROR = 1e-4  # of sigma_1, for a larger update: what its Gram matrix gives to every value, and far more to most
LEADING_ERROR = 1e-7  # of sigma_1, where the leading values alone are wanted
NOT_FINITE = "NaN or infinite entries"
TO_SEE_IT = "name a rule to see its factors under it, or pass inputs= with the model in memory"
OPEN = "rounding of B A leaves the update open: its entries are too large"


class Applied(NamedTuple):
    """What became of one module.

    Attributes
    ----------
    status : str
        One of `rankkit.checkpoints.layer.STATUSES`.
    notes : tuple of str
        What had to be assumed, or why the status is not ok.
    rule : Rule
        What its product went through.
    spectrum, plain : Spectrum or None
        Of the update, and of the product B A alone; None unless the status is ok or assumed.
    omega_std : float
        The rule's frequency times the standard deviation of B A, in radians; NaN without one.
    assumed : tuple of str
        What the spectrum rests on that is not known, as `rankkit.checkpoints.assumptions.UNKNOWN` calls it; where there
        is something, the status is "assumed".
    """

    status: str
    notes: tuple[str, ...]
    rule: Rule
    spectrum: Spectrum | None = None
    plain: Spectrum | None = None
    omega_std: float = math.nan
    assumed: tuple[str, ...] = ()

    def __repr__(self) -> str:
        known = "" if self.spectrum is None else f", stable rank {float(stable_rank(self.spectrum)):.4g}"
        return f"<Applied: {self.status}, rule {self.rule.label}{known}>"


@dataclass(frozen=True, eq=False)
class Opened:
    """A module whose tensors are in memory, with their product, or with the status that stands in its place.

    Attributes
    ----------
    layer : Layer
        The module.
    parts : mapping of str to array
        Its stored tensors.
    product : Product or None
        What a rule acts on; None unless the status is ok.
    status : str
        One of `rankkit.checkpoints.layer.STATUSES`.
    notes : tuple of str
        Why there is no product.
    """

    layer: Layer
    parts: Mapping[str, Array] = field(default_factory=dict[str, Array])
    product: Product | None = None
    status: str = "ok"
    notes: tuple[str, ...] = ()

    @cached_property
    def plain(self) -> Spectrum | None:
        """Spectrum of the product alone, computed once; None where the update is no product."""
        return spectrum_of(self.product) if isinstance(self.product, (Factors, Kronecker)) else None


class Prepared(NamedTuple):
    """A module, the rule that is to make its update, and what that will rest on that is not known."""

    notes: tuple[str, ...]
    rule: Rule
    opened: Opened
    assumed: tuple[str, ...] = ()


def apply(layer: Layer, rule: Rule | None = None, *, exact: bool = False, top: int | None = None) -> Applied:
    """Return the spectrum of the update a module applies, or would apply under another rule; trouble is a status.

    Parameters
    ----------
    layer : Layer
        The module; its tensors are read.
    rule : Rule, optional
        In place of its own, scale included.
    exact : bool
        Make a full SVD also where the update is large.
    top : int, optional
        Compute only so many leading values.
    """
    ready = prepare(opened(layer), rule)
    return ready if isinstance(ready, Applied) else decomposed(ready, exact=exact, top=top)


def opened(layer: Layer) -> Opened:
    """Return a module with its tensors in memory, each read once; trouble is a status.

    Parameters
    ----------
    layer : Layer
        The module, known by its header.
    """
    if layer.status != "ok":
        return Opened(layer, status=layer.status)
    try:
        parts = layer.read()
        product = None if layer.measured is None else layer.measured()
    except ValueError as error:  # damage inside one tensor, or an update that cannot be measured
        return Opened(layer, status="unsupported", notes=(legible(str(error)),))
    if product is not None:
        return Opened(layer, {"update": product.matrix} if isinstance(product, Dense) else parts, product)
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            return Opened(layer, parts, layer.product(parts))
    except ValueError:  # shapes were checked by the reader: what is left is NaN or infinity
        return Opened(layer, parts, status="nonfinite", notes=(NOT_FINITE,))


def prepare(module: Opened, rule: Rule | None = None) -> Prepared | Applied:
    """Return a module and the rule that makes its update, or what became of the module where it can make none.

    Parameters
    ----------
    module : Opened
        The module.
    rule : Rule, optional
        In place of its own, scale included.
    """
    layer = module.layer
    notes = (
        layer.notes
        if rule is None
        else (*layer.notes, f"measured under the rule {rule.label} in place of its own rule and scale")
    )
    assumed = layer.assumed if rule is None else tuple(name for name in layer.assumed if name not in OF_THE_RULE)
    rule = layer.rule if rule is None else rule
    if module.status != "ok":
        return Applied(module.status, (*notes, *module.notes), rule)
    if isinstance(module.product, Dense):
        notes = (*notes, *module.product.notes)
    if isinstance(rule, AdaSine):
        return Applied("unsupported", (*notes, f"{NO_UPDATE}; {TO_SEE_IT}"), rule)
    if not rule.linear and (layer.m or 0) * (layer.n or 0) > FORMED:
        return Applied("unsupported", (*notes, f"an update of {layer.m} x {layer.n} is too large to form"), rule)
    if not rule.linear and not isinstance(module.product, Factors):
        return Applied("unsupported", (*notes, f"{rule.label} needs B and A, which this update has not"), rule)
    return Prepared(notes, rule, module, assumed)


def decomposed(ready: Prepared, *, exact: bool = False, top: int | None = None) -> Applied:
    """Return what became of a module once its update has been formed and decomposed.

    Parameters
    ----------
    ready : Prepared
        The module and its rule.
    exact, top
        As for `apply`.
    """
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            update, error = _formed(ready)
            if isinstance(update, (Factors, Kronecker)):  # B A has the same spectrum up to scale
                spectrum = plain = spectrum_of(update, forming_error=error)
            else:
                tol = tolerance(update, exact=exact, top=top)
                spectrum, plain = spectrum_of(update, top=top, forming_error=error, tol=tol), ready.opened.plain
    except ValueError:
        return not_finite(ready)
    return finished(ready, spectrum, plain)


def _formed(ready: Prepared) -> tuple[Factors | Kronecker | Array, Any]:
    """Return a module's update and the bound on what rounding did to it."""
    product: Any = ready.opened.product  # a linear rule takes a Kronecker product as it takes Factors
    if isinstance(product, Dense):
        return product.matrix, product.error
    return ready.rule(product), ready.rule.forming_error(product)


def finished(ready: Prepared, spectrum: Spectrum, plain: Spectrum | None) -> Applied:
    """Return what became of a module whose spectrum is known.

    Parameters
    ----------
    ready : Prepared
        The module and its rule.
    spectrum, plain : Spectrum
        Of the update, and of B A alone.
    """
    status, reason = _judged(spectrum, ready.opened.parts)
    if status != "ok":
        return Applied(status, (*ready.notes, reason), ready.rule)
    product = ready.opened.product
    spread = float(host(product.entry_std())) if isinstance(product, Factors) else math.nan
    omega_std = ready.rule.angular_frequency * spread
    status = "assumed" if ready.assumed else "ok"
    return Applied(status, ready.notes, ready.rule, spectrum, plain, omega_std, ready.assumed)


def not_finite(ready: Prepared) -> Applied:
    """Return what became of a module whose update has entries that are no numbers.

    Parameters
    ----------
    ready : Prepared
        The module and its rule.
    """
    return Applied("nonfinite", (*ready.notes, NOT_FINITE), ready.rule)


def tolerance(update: Array, *, exact: bool = False, top: int | None = None) -> float:
    """Return the error of a singular value, relative to sigma_1, that is small enough for an update of this size.

    Parameters
    ----------
    update : array, shape (*batch, m, n)
        The update.
    exact, top
        As for `apply`.
    """
    if exact or update.shape[-2] * update.shape[-1] <= DECOMPOSED:
        return 0.0
    return GRAM_ERROR if top is None else LEADING_ERROR


def _judged(spectrum: Spectrum, parts: Mapping[str, Array]) -> tuple[str, str]:
    """Return the status of a module whose spectrum could be computed, and the reason where it is not ok."""
    top = spectrum.values[0]
    if not top < SQUARABLE:
        return "nonfinite", "the update overflows float64"
    if not top > 0:
        dead = " and ".join(name for name, part in parts.items() if not part.any())
        return "zero", f"{dead} is zero: never trained" if dead else "the product is zero"
    if spectrum.error[0] > top / 2:
        return "unsupported", OPEN
    if top < 1 / SQUARABLE:
        return "zero", f"the update vanishes: sigma_1 = {top:.1e}"
    return "ok", ""
