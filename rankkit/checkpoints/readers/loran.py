"""LoRAN as its authors' code stores it (`peft_type: MLORA`): alpha / r f(B A) with f(x) = x + a x sin(omega x).

The configuration's r is [rank, hidden size].
"""

from __future__ import annotations

import re
from typing import Any

from rankkit.checkpoints.assumptions import FREQUENCY
from rankkit.checkpoints.files.tensors import Tensors
from rankkit.checkpoints.forms import Form, Sizes
from rankkit.checkpoints.layer import Adapter
from rankkit.checkpoints.methods import method_of
from rankkit.checkpoints.readers.build import adapter_of
from rankkit.checkpoints.readers.family import LORA_NAMES, Family, Module, parser
from rankkit.checkpoints.scaling import Scaled, scale_of
from rankkit.checkpoints.untrusted import Config, is_list, number, quoted
from rankkit.rules import Sinter

__all__ = ["read", "recognises"]

AMPLITUDE, OMEGA = 5e-5, 1e4  # mlora_af_sin_A and mlora_af_sin_omega where the config does not say: the code's own

_KEY = re.compile(r"(?P<module>.+)\.m?lora_(?P<part>A|B)(?:\.(?!weight$)[^.]+)?(?:\.weight)?")


def recognises(keys: list[str], config: Config) -> bool:
    """Return whether the configuration or the keys are those of the LoRAN authors' code."""
    if config is not None and "peft_type" in config:
        return method_of(config) == "MLORA"
    return any(".mlora_A" in key for key in keys)


def read(tensors: Tensors, config: Config) -> Adapter:
    """Return the adapter's layers, each with its Sinter, and every other tensor with its reason.

    Raises
    ------
    ValueError
        If no module is found.
    """
    return adapter_of(FAMILY, tensors, config or {})


def _scaled(module: Module, form: Form, sizes: Sizes) -> Scaled:
    config = module.config or {}
    plain = scale_of({"lora_alpha": config.get("mlora_alpha"), "r": _rank(config.get("r"))}, module.name, sizes.r)
    if str(config.get("mlora_af", "Sin")).lower() != "sin":
        raise ValueError(
            f"mlora_af must be 'Sin', got {quoted(config['mlora_af'])}: other activations are unsupported."
        )
    amplitude = number("mlora_af_sin_A", config.get("mlora_af_sin_A", AMPLITUDE))
    omega = number("mlora_af_sin_omega", config.get("mlora_af_sin_omega", OMEGA))
    if omega < 0:
        raise ValueError(f"mlora_af_sin_omega must be >= 0, got {omega:g}; mend the config.")
    if absent := [name for name in ("mlora_af_sin_A", "mlora_af_sin_omega") if name not in config]:
        note = f"no {' and '.join(absent)} in the config: the authors' code's own assumed"
        plain = plain._replace(notes=(*plain.notes, note), unknown=(*plain.unknown, FREQUENCY))
    return plain._replace(rule=Sinter(amplitude, omega, scale=plain.scale))


def _rank(stored: Any) -> Any:
    """Return the rank of [rank, hidden size]; what is no such list as it is."""
    return stored[0] if is_list(stored) and stored else stored


REST = "no factor: a head, a projection P, a bias or base weight"
FAMILY = Family("loran", "loran module", parser(_KEY, REST), _scaled, spelled=LORA_NAMES, beside=frozenset())
