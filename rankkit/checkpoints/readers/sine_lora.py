"""Updates that are no multiple of B A: sine-LoRA and LoRAN as their authors' code stores them.

sine-LoRA (`peft_type: SINLORA`): alpha / r sin(freq B A) / g. The code overwrites the configured s by
g = sqrt(in_features), which is therefore what its adapters apply.
LoRAN (`peft_type: MLORA`): alpha / r f(B A) with f(x) = x + a x sin(omega x); the config's r is [rank, hidden size].
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from rankkit.checkpoints.files.tensors import Tensors
from rankkit.checkpoints.forms import LORA
from rankkit.checkpoints.layer import Adapter, Scaled
from rankkit.checkpoints.methods import method_of
from rankkit.checkpoints.readers.build import grouped, layer_of, nothing_found
from rankkit.checkpoints.scaling import number, scale_of, sine_of
from rankkit.rules import Sinter

__all__ = ["read_loran", "read_sine", "recognises_loran", "recognises_sine"]

_KEY = re.compile(r"(?P<module>.+)\.m?lora_(?P<part>A|B)(?:\.(?!weight$)[^.]+)?(?:\.weight)?")


def recognises_sine(keys: list[str], config: Mapping[str, Any] | None) -> bool:
    """Return whether the configuration is that of the sine-LoRA authors' code."""
    return config is not None and method_of(config) == "SINLORA"


def recognises_loran(keys: list[str], config: Mapping[str, Any] | None) -> bool:
    """Return whether the configuration or the keys are those of the LoRAN authors' code."""
    named = config is not None and "peft_type" in config
    return method_of(config) == "MLORA" if named and config else any(".mlora_A" in key for key in keys)


def read_sine(tensors: Tensors, config: Mapping[str, Any] | None) -> Adapter:
    """Return the adapter's layers, each with its sine, and every other tensor with its reason.

    Raises
    ------
    ValueError
        If no module is found.
    """
    return _read(tensors, config or {}, "sine", _sine)


def read_loran(tensors: Tensors, config: Mapping[str, Any] | None) -> Adapter:
    """Return the adapter's layers, each with its Sinter, and every other tensor with its reason.

    Raises
    ------
    ValueError
        If no module is found.
    """
    return _read(tensors, config or {}, "loran", _loran)


def _read(tensors: Tensors, config: Mapping[str, Any], family: str, scaled: Any) -> Adapter:
    modules, skipped = grouped(tensors, _parse)
    if not modules:
        raise nothing_found(tensors, f"{family} module")
    layers = [
        layer_of(module, keys, tensors, LORA, partial(scaled, config, module), spelled="lora_{}")
        for module, keys in modules.items()
    ]
    return Adapter(tensors.source, family, tuple(layers), tuple(skipped))


def _parse(key: str) -> tuple[str, str] | str:
    match = _KEY.fullmatch(key)
    if match is None:
        return "no factor: a head, a projection P, a bias or base weight"
    return match["module"].removeprefix("base_model.model."), match["part"]


def _sine(config: Mapping[str, Any], module: str, m: int, n: int, r: int) -> Scaled:
    scale, notes = scale_of(config, module, r)
    applied, stored = math.sqrt(n), config.get("s")
    if stored is not None and number("s", stored) != applied:
        notes += (f"config says s = {stored:g}; the authors' code divides by sqrt(in_features) = {applied:g}",)
    return sine_of(dict(config) | {"gain": applied}, ("freq", "gain"), scale, m, notes)


def _loran(config: Mapping[str, Any], module: str, m: int, n: int, r: int) -> Scaled:
    rank = config.get("r")
    rank = rank[0] if isinstance(rank, list) and rank else rank
    scale, notes = scale_of({"lora_alpha": config.get("mlora_alpha"), "r": rank}, module, r)
    if str(config.get("mlora_af", "Sin")).lower() != "sin":
        raise ValueError(
            f"mlora_af must be 'Sin', got {str(config['mlora_af'])[:60]!r}: other activations are not read."
        )
    amplitude = number("mlora_af_sin_A", config.get("mlora_af_sin_A", 5e-5))
    omega = number("mlora_af_sin_omega", config.get("mlora_af_sin_omega", 1e4))
    if omega < 0:
        raise ValueError(f"mlora_af_sin_omega must be >= 0, got {omega:g}; mend the config.")
    return Scaled(scale, Sinter(amplitude, omega, scale=scale), notes)
