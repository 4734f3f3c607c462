"""What is measured of an adapter: on the way, where on its curve each module stands; at the end, its spectra."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from experiments.grid.kept import Row
from experiments.text.glosses import Glosses

__all__ = ["frequencies", "measured_at_end", "omega_by_module", "trajectory"]

ADAPTER = "default"
METRICS = (
    "frobenius_norm", "spectral_norm", "stable_rank", "plain_stable_rank", "effective_rank", "energy_rank_90",
    "numerical_rank", "omega_std", "regime", "status",
)  # fmt: skip
PLACES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384)  # of the spectra that the tables keep
PHI_POINTS = 25  # of a learned phi on the grid that its basis covers
TOKENS_LOOKED_AT = 32  # glosses whose tokens AdaSine's frequencies are taken of
PROBED = 4  # glosses at which an update that depends on the input is measured
QUANTILES = (0.05, 0.5, 0.95)


def trajectory(model: Any, step: int) -> list[Row]:
    """Return one row a module: the size of B A, its phase, and what of the update is a constant, a line, neither.

    The shares are of the update's squared Frobenius norm: those of the constant c 1 1^T, of the multiple of B A and of
    the rest in the least-squares fit of the update's entries by the entries of B A and a constant.
    """
    return [_row(name, layer, step) for name, layer in _layers(model) if _has_factors(layer)]


def measured_at_end(model: Any, glosses: Glosses, step: int) -> tuple[dict[str, list[Row]], dict[str, Any]]:
    """Return the tables and arrays of a trained adapter: modules, spectra, learned functions, frequencies.

    Parameters
    ----------
    model : peft.PeftModel
        In evaluation mode.
    glosses : Glosses
        Inputs for a method whose update depends on them.
    """
    from peft import get_peft_model_state_dict

    import rankkit as rk

    found = frequencies(model, glosses, step)
    inputs = next(glosses.taken(slice(PROBED)).batches(PROBED))[0] if found else None
    audited = rk.audit(model, inputs=inputs, progress=False)
    table, centred = audited.table, _centred(model)
    modules = [
        {"module": row["module"], "layer": _layer(row["module"]), "kind": row["module"].rpartition(".")[2]}
        | {name: row[name] for name in METRICS}
        | {"centred_stable_rank": centred.get(row["module"], math.nan)}
        for row in table.to_dict("records")
    ]
    spectra = [audited.spectra[str(row["module"])] for row in modules if row["status"] == "ok"]
    tables = {"modules": modules, "spectra": _spectra(spectra), "phi": _phi(model), "frequencies": found}
    arrays: dict[str, Any] = {
        f"adapter/{name}": value.numpy() for name, value in get_peft_model_state_dict(model).items()
    }
    arrays |= {"spectra": np.stack(spectra).astype(np.float32)} if spectra else {}
    return tables, arrays


def _layers(model: Any) -> Iterator[tuple[str, Any]]:
    """Yield (name, layer) of every adapted module."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    for name, module in model.base_model.model.named_modules():
        if isinstance(module, BaseTunerLayer) and hasattr(module, "base_layer"):
            yield name, module


def _layer(name: str) -> int:
    """Return the number of the encoder's layer that a module belongs to."""
    return next(int(part) for part in name.split(".") if part.isdigit())


def _has_factors(layer: Any) -> bool:
    """Return whether a layer keeps B and A as LoRA does; VeRA, RandLoRA, LoHa and AdaLoRA do not."""
    held = getattr(layer, "lora_B", None)
    return held is not None and ADAPTER in held and hasattr(held[ADAPTER], "weight")


def _row(name: str, layer: Any, step: int) -> Row:
    import torch

    row: Row = {"step": step, "module": name, "layer": _layer(name)}
    with torch.no_grad():
        B, A = (pair[ADAPTER].weight.double() for pair in (layer.lora_B, layer.lora_A))
        z = (B @ A).flatten()
        omega = getattr(layer, "frequency", lambda _: math.nan)(ADAPTER)
        size = float(z.square().mean().sqrt())
        row |= {
            "b_norm": float(B.norm()), "rms_z": size, "largest_z": float(z.abs().max()), "rms_phase": omega * size,
        }  # fmt: skip
        return row | _shares(layer, z)


def _is_function_of_product(layer: Any) -> bool:
    """Return whether a layer's update is a function of the entries of B A alone."""
    from rankkit.adapters.layer import NonlinearLayer

    return (
        isinstance(layer, NonlinearLayer)
        and not hasattr(layer, "lora_frequency")
        and not hasattr(layer, "lora_magnitude")
    )


def _centred(model: Any) -> dict[str, float]:
    """Return the stable rank of each update without its mean entry: without what a phi that is not 0 at 0 adds."""
    import torch

    found: dict[str, float] = {}
    for name, layer in _layers(model):
        if _is_function_of_product(layer):
            update = layer.get_delta_weight(ADAPTER).double()
            rest = update - update.mean()
            largest = float(torch.linalg.matrix_norm(rest, ord=2))
            found[name] = float(rest.square().sum()) / largest**2 if largest > 0 else math.nan
    return found


def _shares(layer: Any, z: Any) -> Row:
    """Return the shares of constant, line and rest in the update, for a method whose update is a function of B A."""
    names = ("constant_share", "line_share", "rest_share")
    if not _is_function_of_product(layer):
        return dict.fromkeys(names, math.nan)
    update = layer.get_delta_weight(ADAPTER).double().flatten()
    whole, mean, spread = float(update.square().sum()), update.mean(), z - z.mean()
    if whole == 0.0:
        return dict.fromkeys(names, math.nan)
    constant = float(mean.square()) * len(update)
    norm = float(spread.square().sum())
    line = float((update * spread).sum()) ** 2 / norm if norm > 0 else 0.0
    return dict(zip(names, (constant / whole, line / whole, max(0.0, 1 - (constant + line) / whole)), strict=True))


def _spectra(spectra: list[Any]) -> list[Row]:
    """Return the mean over the modules of sigma_i / sigma_1, and the least and the largest, at a few i."""
    shapes = [values / values[0] for values in spectra if values[0] > 0]
    places = [place for place in PLACES if shapes and place <= min(map(len, shapes))]
    rows: list[Row] = []
    for place in places:
        at = np.array([values[place - 1] for values in shapes])
        rows.append({"index": place, "mean": at.mean(), "least": at.min(), "largest": at.max()})
    return rows


def _phi(model: Any) -> list[Row]:
    """Return samples of every learned phi on the interval of its grid: of sinc, Gaussian and B-spline bases."""
    import torch

    from rankkit.rules.kernels import KERNELS

    rows: list[Row] = []
    for name, layer in _layers(model):
        if not hasattr(layer, "lora_amplitude"):
            continue
        config = layer.configs[ADAPTER]
        x = torch.linspace(-config.interval, config.interval, PHI_POINTS, dtype=torch.float64)
        with torch.no_grad():
            alpha, omega, places = layer.parts(ADAPTER)
            values = KERNELS[config.basis](omega * (x[:, None] - places)) @ alpha
        rows += [
            {"module": name, "layer": _layer(name), "x": float(a), "phi": float(b)}
            for a, b in zip(x, values, strict=True)
        ]
    return rows


def frequencies(model: Any, glosses: Glosses, step: int) -> list[Row]:
    """Return AdaSine's omega(x) over the tokens that reach each module: mean, spread and quantiles; else no rows."""
    rows: list[Row] = []
    for name, omega in omega_by_module(model, glosses.taken(slice(TOKENS_LOOKED_AT))).items():
        quantiles = dict(zip(("q05", "q50", "q95"), map(float, np.quantile(omega, QUANTILES)), strict=True))
        rows.append(
            {"step": step, "module": name, "layer": _layer(name), "mean": omega.mean(), "std": omega.std()} | quantiles
        )
    return rows


def omega_by_module(model: Any, glosses: Glosses) -> dict[str, Any]:
    """Return module -> AdaSine's omega(x) of every token of some glosses, padding left out; {} of another method.

    Parameters
    ----------
    model : peft.PeftModel
    glosses : Glosses
        They are read as one batch.
    """
    import torch

    found: dict[str, Any] = {}
    layers = [(name, layer) for name, layer in _layers(model) if hasattr(layer, "lora_frequency")]

    def noting(name: str) -> Any:
        def note(layer: Any, args: tuple[Any, ...]) -> None:
            logits = args[0] @ layer.lora_frequency[ADAPTER][0]
            found[name] = layer.configs[ADAPTER].omega0 * torch.sigmoid(logits)

        return note

    hooks = [layer.register_forward_pre_hook(noting(name)) for name, layer in layers]
    try:
        if layers:
            inputs = next(glosses.batches(len(glosses)))[0]
            with torch.no_grad():
                model(**inputs)
            real = inputs["attention_mask"].bool()
            found = {name: omega[real].double().numpy() for name, omega in found.items()}
    finally:
        for hook in hooks:
            hook.remove()
    return found
