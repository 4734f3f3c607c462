"""PEFT's methods: which are supported, and for every other one why it is not.

Names are PEFT's own (`peft_type` in adapter_config.json), with those of the papers' own code.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["READ", "REFUSED", "method_of", "refuse"]

_PROMPT = "it learns virtual tokens or cached states, not a weight update"
_ROTATION = "it rotates the base weight, (R - I) W, which needs the base"
_SEEDED = "its projections are drawn from a seed or an index and are not in the file"
_BASE = "its update is made from the base weight, which is not in the file"
_INPUT = "it depends on the input: there is no one weight update"
_VECTOR = "it scales or shifts activations: a vector, not a matrix"
_SPARSE = "its update is sparse entries of the base matrix, not a low-rank product; audit the merged model instead"
_LATER = "its update is another product of factors, which is not supported yet"

PEFT_METHODS = ("LORA", "ADALORA", "LOHA", "LOKR", "VERA", "RANDLORA")
OURS = ("SINELORA", "SINEDORA", "LORAN", "ADASINELORA", "LRLORA")  # of rankkit.adapters
READ = (*PEFT_METHODS, "SINLORA", "MLORA", "DORA", *OURS)  # the three are of the papers' own code
REFUSED: dict[str, str] = {
    "PROMPT_TUNING": _PROMPT, "MULTITASK_PROMPT_TUNING": _PROMPT, "P_TUNING": _PROMPT, "PREFIX_TUNING": _PROMPT,
    "ADAPTION_PROMPT": _PROMPT, "CPT": _PROMPT, "CARTRIDGE": _PROMPT,
    "IA3": _VECTOR, "LN_TUNING": _VECTOR, "BEFT": _VECTOR,
    "TRAINABLE_TOKENS": "it retrains single rows of the embedding, not a low-rank update",
    "OFT": _ROTATION, "BOFT": _ROTATION, "HRA": _ROTATION, "ROAD": _ROTATION, "PSOFT": _ROTATION,
    "HIRA": _BASE, "GLORA": _BASE, "DELORA": _BASE, "DEFT": _BASE, "OSF": _BASE, "ADAMSS": _BASE, "TINYLORA": _BASE,
    "FROD": _BASE, "PEANUT": _BASE,
    "UNILORA": _SEEDED, "FOURIERFT": _SEEDED, "WAVEFT": _SEEDED,
    "SHIRA": _SPARSE, "SUPERTUNING": _SPARSE,
    "POLY": _INPUT, "XLORA": _INPUT, "LILY": _INPUT, "SHADOW": _INPUT,
    "VBLORA": _LATER, "PVERA": _LATER, "MISS": _LATER, "BONE": _LATER, "C3A": _LATER, "GRALORA": _LATER,
    # not PEFT's: the papers' code
    "SINDORA": "sine-DoRA's forward acts on activations and the base weight: no weight update exists",
    "ADASINE": f"AdaSine's frequency {_INPUT.removeprefix('it ')}", "AURORA": _INPUT,
}  # fmt: skip


def method_of(config: Mapping[str, Any]) -> str:
    """Return the method a configuration names, in capitals; PEFT's default is LORA."""
    method = config.get("peft_type", "LORA")
    return str(getattr(method, "value", method)).upper()


def refuse(method: str, source: str) -> ValueError:
    """Return the error for a method that is not supported: what it is, why, and what to do.

    Parameters
    ----------
    method : str
        As `method_of` tells it.
    source : str
        What the message calls the adapter.
    """
    reason = REFUSED.get(method, "rankkit does not know that method")
    return ValueError(
        f"{source} is a {method} adapter by its config: {reason}. "
        f"Of PEFT's methods rankkit supports {', '.join(PEFT_METHODS)}."
    )
