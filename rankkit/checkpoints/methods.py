"""PEFT's methods: which are supported, and for every other one why it is not.

Names are PEFT's own (`peft_type` in adapter_config.json), with those of the papers' own code.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["READ", "REFUSED", "ROUTED", "method_of", "named_in", "refuse"]

_PROMPT = "it learns virtual tokens or cached states, not a weight update"
_ROTATION = "it rotates the base weight, (R - I) W, which needs the base"
_SEEDED = "its projections are drawn from a seed or an index and are not in the file"
_BASE = "its update is made from the base weight, which is not in the file"
_INPUT = "it depends on the input: there is no one weight update"
_VECTOR = "it scales or shifts activations: a vector, not a matrix"
_SPARSE = "its update is sparse entries of the base matrix, not a low-rank product; audit the merged model instead"
_LATER = "its update is another product of factors, which is not supported yet"

PEFT_METHODS = ("LORA", "ADALORA", "LOHA", "LOKR", "VERA", "RANDLORA", "DELORA")
OURS = ("SINELORA", "SINEDORA", "LORAN", "ADASINELORA", "LRLORA")  # of rankkit.adapters
READ = (*PEFT_METHODS, "SINLORA", "MLORA", "DORA", *OURS)  # the three are of the papers' own code
REFUSED: dict[str, str] = {
    "PROMPT_TUNING": _PROMPT, "MULTITASK_PROMPT_TUNING": _PROMPT, "P_TUNING": _PROMPT, "PREFIX_TUNING": _PROMPT,
    "ADAPTION_PROMPT": _PROMPT, "CPT": _PROMPT, "CARTRIDGE": _PROMPT,
    "IA3": _VECTOR, "LN_TUNING": _VECTOR, "BEFT": _VECTOR,
    "TRAINABLE_TOKENS": "it retrains single rows of the embedding, not a low-rank update",
    "OFT": _ROTATION, "BOFT": _ROTATION, "HRA": _ROTATION, "ROAD": _ROTATION, "PSOFT": _ROTATION,
    "HIRA": _BASE, "GLORA": _BASE, "DEFT": _BASE, "OSF": _BASE, "ADAMSS": _BASE, "TINYLORA": _BASE,
    "FROD": _BASE, "PEANUT": _BASE,
    "UNILORA": _SEEDED, "FOURIERFT": _SEEDED, "WAVEFT": _SEEDED,
    "SHIRA": _SPARSE, "SUPERTUNING": _SPARSE,
    "POLY": _INPUT, "XLORA": _INPUT, "LILY": _INPUT, "SHADOW": _INPUT,
    "VBLORA": _LATER, "PVERA": _LATER, "MISS": _LATER, "BONE": _LATER, "C3A": _LATER, "GRALORA": _LATER,
    # not PEFT's: the papers' code
    "SINDORA": "sine-DoRA's forward acts on activations and the base weight: no weight update exists",
    "ADASINE": f"AdaSine's frequency {_INPUT.removeprefix('it ')}", "AURORA": _INPUT,
}  # fmt: skip

ROUTED = "a router mixes its factors by the input: there is no one weight update"

# what tensors of a method are called, whoever wrote them -> what it is called, and why it is refused
_TENSORS = {
    r"lora_route\w*|lora_rout\w+|lora_gat(?:e|ing)\w*|moe_gate|lora_[AB]\d+": ("routed LoRA", ROUTED),
    r"oft_(?:blocks|diag|r)|boft_\w+|hra_\w+": ("OFT or another rotation", _ROTATION),
    r"[ab][12]|glora_[ab][12]": ("GLoRA", _BASE),
    r"on_input|ia3_l": ("IA3", _VECTOR),
    r"[wb]_norm": ("weights of normalisation layers", "each is a vector, not a matrix"),
    r"prompt_embeddings|prompt_encoder|prefix_encoder": ("prompt tuning", _PROMPT),
}


def named_in(keys: Iterable[str]) -> str:
    """Return which refused method a file's tensors are of by their names, with the reason; "" where they tell none.

    Parameters
    ----------
    keys : iterable of str
        Names of tensors, of which no reader made a module.

    Examples
    --------
    >>> named_in(["lycoris_q.oft_blocks", "lycoris_q.alpha"])
    'OFT or another rotation: it rotates the base weight, (R - I) W, which needs the base'
    """
    parts = {part for key in keys for part in key.split(".")}
    for pattern, (name, reason) in _TENSORS.items():
        if any(re.fullmatch(pattern, part, re.IGNORECASE) for part in parts):
            return f"{name}: {reason}"
    return ""


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
