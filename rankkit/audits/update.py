"""One module of an adapter: the update it really applies, as a spectrum or a status that says why there is none."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from rankkit.checkpoints import Layer
from rankkit.checkpoints.files.tensors import legible
from rankkit.checkpoints.forms import Dense
from rankkit.factors import Array, Factors, host
from rankkit.products import Kronecker
from rankkit.rules import Rule
from rankkit.spectrum import Spectrum, spectrum_of

__all__ = [
    "Applied",
    "Prepared",
    "apply",
    "finished",
    "not_finite",
    "prepare",
    "tolerance",
]

LARGEST = 1e150  # beyond it, and below its inverse, squares of singular values leave float64
LARGE = 1 << 20  # entries of an update from which a full SVD is only made when asked for
MOST = 1 << 28  # entries of an update that are formed at all: 2 GB
TOL = 1e-4  # of sigma_1, for a large update: what its Gram matrix gives to every value, and far more to most
TOP_TOL = 1e-7  # of sigma_1, where the leading values alone are wanted


class Applied(NamedTuple):
    """What became of one module.

    Attributes
    ----------
    status : str
        One of `audit.STATUSES`.
    notes : tuple of str
    rule : Rule
        What its product went through.
    spectrum, plain : Spectrum or None
        Of the update, and of the product B A alone; None unless the status is ok.
    omega_std : float
        The rule's frequency times the standard deviation of B A; NaN without one.
    """

    status: str
    notes: tuple[str, ...]
    rule: Rule
    spectrum: Spectrum | None = None
    plain: Spectrum | None = None
    omega_std: float = math.nan


class Prepared(NamedTuple):
    """A module whose product is read, on its way to a spectrum."""

    notes: tuple[str, ...]
    rule: Rule
    parts: Mapping[str, Any]
    product: Factors | Kronecker | Dense


def apply(layer: Layer, rule: Rule | None = None, *, exact: bool = False, top: int | None = None) -> Applied:
    """Return the spectrum of the update a module applies, or would under another rule; trouble becomes a status.

    Parameters
    ----------
    layer : Layer
    rule : Rule, optional
        In place of its own, scale included.
    exact : bool
        A full SVD also where the update is large.
    top : int, optional
        Only so many leading values.
    """
    ready = prepare(layer, rule)
    if isinstance(ready, Applied):
        return ready
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            spectrum, plain = _spectra(ready.product, ready.rule, exact=exact, top=top)
    except ValueError:
        return not_finite(ready)
    return finished(ready, spectrum, plain)


def prepare(layer: Layer, rule: Rule | None = None) -> Prepared | Applied:
    """Return a module's product, read, or what became of the module without one."""
    notes = layer.notes if rule is None else (*layer.notes, f"under {rule.label} in place of its own rule and scale")
    rule = layer.rule if rule is None else rule
    if layer.status != "ok":
        return Applied(layer.status, notes, rule)
    if not rule.linear and (layer.m or 0) * (layer.n or 0) > MOST:
        return Applied("unsupported", (*notes, f"an update of {layer.m} x {layer.n} is too large to form"), rule)
    try:
        parts = layer.read()
    except ValueError as error:  # damage inside one tensor
        return Applied("unsupported", (*notes, legible(str(error))), rule)
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            product = layer.product(parts)
    except ValueError:  # shapes were checked by the reader: what is left is NaN or infinity
        return Applied("nonfinite", (*notes, "NaN or infinite entries"), rule)
    if not isinstance(product, Factors) and not rule.linear:
        return Applied("unsupported", (*notes, f"{rule.label} needs B and A, which this update has not"), rule)
    return Prepared(notes, rule, parts, product)


def finished(ready: Prepared, spectrum: Spectrum, plain: Spectrum | None) -> Applied:
    """Return what became of a module whose spectrum is known."""
    notes, rule, parts, product = ready
    status, note = _judged(spectrum, parts)
    if status != "ok":
        return Applied(status, (*notes, note), rule)
    spread = rule.angular_frequency * float(host(product.entry_std())) if isinstance(product, Factors) else math.nan
    return Applied("ok", notes, rule, spectrum, plain, spread)


def not_finite(ready: Prepared) -> Applied:
    """Return what became of a module whose update has entries that are no numbers."""
    return Applied("nonfinite", (*ready.notes, "NaN or infinite entries"), ready.rule)


def _spectra(
    product: Factors | Kronecker | Dense, rule: Rule, *, exact: bool, top: int | None
) -> tuple[Spectrum, Spectrum | None]:
    """Return the spectra of the update and of B A alone, which are one up to scale where the update is linear."""
    update, formed = product if isinstance(product, Dense) else (rule(product), rule.forming_error(product))  # type: ignore[arg-type]
    if isinstance(update, (Factors, Kronecker)):
        spectrum = spectrum_of(update, forming_error=formed)
        return spectrum, spectrum
    spectrum = spectrum_of(update, top=top, forming_error=formed, tol=tolerance(update, exact=exact, top=top))
    return spectrum, None if isinstance(product, Dense) else spectrum_of(product)


def tolerance(update: Array, *, exact: bool = False, top: int | None = None) -> float:
    """Return the error of a singular value, relative to sigma_1, that will do for an update of this size."""
    if exact or update.shape[-2] * update.shape[-1] <= LARGE:
        return 0.0
    return TOL if top is None else TOP_TOL


def _judged(spectrum: Spectrum, parts: Mapping[str, Any]) -> tuple[str, str]:
    """Return (status, why) of a spectrum that could be computed."""
    top = spectrum.values[0]
    if not top < LARGEST:
        return "nonfinite", "the update overflows float64"
    if not top > 0:
        dead = " and ".join(name for name, part in parts.items() if not part.any())
        return "zero", f"{dead} is zero: never trained" if dead else "the product is zero"
    if spectrum.error[0] > top / 2:
        return "unsupported", "rounding of B A leaves the update open: its entries are too large"
    if top < 1 / LARGEST:
        return "zero", f"the update vanishes: sigma_1 = {top:.1e}"
    return "ok", ""
