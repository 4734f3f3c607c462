"""One module's row of an audit: every metric of its update, how far each may be off, and where it stands."""

from __future__ import annotations

import math
from typing import Any

from rankkit.audits.update import Applied
from rankkit.checkpoints import Layer
from rankkit.checkpoints.assumptions import joined
from rankkit.checkpoints.module_names import kind_of
from rankkit.metrics import METRICS, default_rtol, numerical_rank_bounds
from rankkit.regime import regime_of
from rankkit.rules import Sine
from rankkit.uncertainty import ERRORS, energy_rank_bounds

__all__ = ["regime", "row_of"]


def regime(applied: Applied) -> str:
    """Return where on the frequency curve an update is, as `regime_of` says; "" where nothing oscillates.

    Parameters
    ----------
    applied : Applied
        One module's update and the product that it was made from.
    """
    if applied.spectrum is None or applied.plain is None or not (applied.rule.linear or applied.rule.oscillates):
        return ""
    stable, plain = (float(METRICS["stable_rank"].of(s)) for s in (applied.spectrum, applied.plain))
    return regime_of(stable, plain, applied.spectrum.shape, saturates=isinstance(applied.rule, Sine))


_ORDER = (
    "spectral_norm", "frobenius_norm", "stable_rank", "numerical_rank", "rtol", "effective_rank",
    "effective_rank_energy", "participation_ratio", "energy_rank_90", "energy_rank_95", "energy_rank_99",
)  # fmt: skip
_MEASURED = (
    "spectral_norm", "frobenius_norm", "stable_rank", "effective_rank", "effective_rank_energy", "participation_ratio",
)  # fmt: skip
_SHARES = (90, 95, 99)  # per cent of the energy, of the energy ranks
_BARS = ("spectral_norm", "stable_rank", "effective_rank", "effective_rank_energy")  # metrics with an error column


def row_of(layer: Layer, depth: int | None, applied: Applied, rtol: float | None) -> dict[str, Any]:
    """Return the columns of one module's row; metrics are NaN unless the status is ok or assumed.

    Parameters
    ----------
    layer : Layer
        The module.
    depth : int or None
        How deep in the network it stands.
    applied : Applied
        What became of it.
    rtol : float or None
        Tolerance of numerical_rank relative to sigma_1; None: max(m, n) * eps(float32).
    """
    spectrum, relative = applied.spectrum, math.nan if rtol is None else rtol
    if rtol is None and layer.m is not None and layer.n is not None:
        relative = default_rtol((layer.m, layer.n))
    row: dict[str, Any] = {
        "module": layer.name, "layer": depth, "kind": kind_of(layer.name), "m": layer.m, "n": layer.n, "r": layer.r,
        "dtype": layer.dtype, "scale": layer.scale, "rule": applied.rule.label, "omega_std": applied.omega_std,
    }  # fmt: skip
    row |= dict.fromkeys(_ORDER, math.nan) | {"rtol": relative}
    bounds = numerical_rank_bounds(spectrum, rtol=relative) if spectrum else (math.nan, math.nan)
    if spectrum:
        row |= {name: float(METRICS[name].of(spectrum)) for name in _MEASURED} | {"numerical_rank": _known(bounds)}
        row |= {f"energy_rank_{share}": _known(energy_rank_bounds(spectrum, share / 100)) for share in _SHARES}
    row["utilization"] = row["stable_rank"] / layer.r if layer.r else math.nan
    row |= {"status": applied.status, "note": "; ".join(applied.notes)}
    row["assumed"] = joined(applied.assumed)
    row["regime"] = regime(applied)
    row["plain_stable_rank"] = float(METRICS["stable_rank"].of(applied.plain)) if applied.plain else math.nan
    row |= {"numerical_rank_lower": float(bounds[0]), "numerical_rank_upper": float(bounds[1])}
    return row | {f"{name}_error": float(ERRORS[name](spectrum)) if spectrum else math.nan for name in _BARS}


def _known(bounds: tuple[Any, Any]) -> float:
    """Return a count that is known to lie between two bounds; NaN where they leave it open."""
    return float(bounds[0]) if bounds[0] == bounds[1] else math.nan
