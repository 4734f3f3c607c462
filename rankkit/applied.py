"""One module of an adapter: the update it really applies, and its row of numbers."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from rankkit.checkpoints import Layer
from rankkit.checkpoints.layers import Dense
from rankkit.checkpoints.naming import kind_of
from rankkit.checkpoints.tensors import legible
from rankkit.factors import Array, Factors, host
from rankkit.metrics import METRICS, default_rtol, numerical_rank_bounds
from rankkit.products import Kronecker
from rankkit.regime import regime_of
from rankkit.rules import Activation, Linear, Rule, Sine, Sinter
from rankkit.spectrum import Spectrum, spectrum_of
from rankkit.uncertainty import ERRORS, energy_rank_bounds

__all__ = [
    "Applied",
    "Prepared",
    "apply",
    "finished",
    "not_finite",
    "prepare",
    "regime",
    "row_of",
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
    parts: dict[str, Any]
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
    if not isinstance(rule, Linear) and (layer.m or 0) * (layer.n or 0) > MOST:
        return Applied("unsupported", (*notes, f"an update of {layer.m} x {layer.n} is too large to form"), rule)
    try:
        parts = layer.read()
    except ValueError as error:  # damage inside one tensor
        return Applied("unsupported", (*notes, legible(str(error))), rule)
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            product = layer.combine(*parts.values())
    except ValueError:  # shapes were checked by the reader: what is left is NaN or infinity
        return Applied("nonfinite", (*notes, "NaN or infinite entries"), rule)
    if not isinstance(product, Factors) and not isinstance(rule, Linear):
        return Applied("unsupported", (*notes, f"{rule.label} needs B and A, which this update has not"), rule)
    return Prepared(notes, rule, parts, product)


def finished(ready: Prepared, spectrum: Spectrum, plain: Spectrum | None) -> Applied:
    """Return what became of a module whose spectrum is known."""
    notes, rule, parts, product = ready
    status, note = _judged(spectrum, parts)
    if status != "ok":
        return Applied(status, (*notes, note), rule)
    omega = rule.omega if isinstance(rule, (Sine, Sinter, Activation)) else math.nan
    spread = omega * float(host(product.entry_std())) if isinstance(product, Factors) else math.nan
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


def _judged(spectrum: Spectrum, parts: dict[str, Any]) -> tuple[str, str]:
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


def regime(applied: Applied) -> str:
    """Return where on the frequency curve an update sits, as `regime.regime_of` says; "" where nothing oscillates."""
    if applied.spectrum is None or applied.plain is None or not isinstance(applied.rule, (Linear, Sine, Sinter)):
        return ""
    stable, plain = (float(METRICS["stable_rank"].of(s)) for s in (applied.spectrum, applied.plain))
    return regime_of(stable, plain, applied.spectrum.shape, saturates=isinstance(applied.rule, Sine))


_MEASURED = (
    "spectral_norm", "frobenius_norm", "stable_rank", "numerical_rank", "effective_rank", "effective_rank_energy",
    "participation_ratio", "energy_rank_90", "energy_rank_95", "energy_rank_99",
)  # fmt: skip
_BARS = ("spectral_norm", "stable_rank", "effective_rank", "effective_rank_energy")


def row_of(layer: Layer, depth: int | None, applied: Applied, rtol: float | None) -> dict[str, Any]:
    """Return the columns of one module's row; metrics are NaN unless the status is ok."""
    spectrum, known = applied.spectrum, layer.m is not None and layer.n is not None
    relative = rtol if rtol is not None else default_rtol((layer.m, layer.n)) if known else math.nan  # type: ignore[arg-type]
    row: dict[str, Any] = {
        "module": layer.name, "layer": depth, "kind": kind_of(layer.name), "m": layer.m, "n": layer.n, "r": layer.r,
        "dtype": layer.dtype, "scale": layer.scale, "rule": applied.rule.label, "omega_std": applied.omega_std,
    }  # fmt: skip
    bounds = numerical_rank_bounds(spectrum, rtol=relative) if spectrum else (math.nan, math.nan)
    for name in _MEASURED:
        row[name] = float(METRICS[name].of(spectrum)) if spectrum else math.nan
        if name == "numerical_rank":
            row |= {name: _known(bounds), "rtol": relative}
    if spectrum:
        row |= {f"energy_rank_{share}": _known(energy_rank_bounds(spectrum, share / 100)) for share in (90, 95, 99)}
    row["utilization"] = row["stable_rank"] / layer.r if layer.r else math.nan
    row |= {"status": applied.status, "note": "; ".join(applied.notes)}
    row["regime"] = regime(applied)
    row["plain_stable_rank"] = float(METRICS["stable_rank"].of(applied.plain)) if applied.plain else math.nan
    row |= {"numerical_rank_lower": float(bounds[0]), "numerical_rank_upper": float(bounds[1])}
    return row | {f"{name}_error": float(ERRORS[name](spectrum)) if spectrum else math.nan for name in _BARS}


def _known(bounds: tuple[Any, Any]) -> float:
    return float(bounds[0]) if bounds[0] == bounds[1] else math.nan
