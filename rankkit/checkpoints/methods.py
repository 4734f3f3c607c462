"""PEFT's methods: which are supported, and for every other one why it is not.

Names are PEFT's own (`peft_type` in adapter_config.json), with those of the papers' own code.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = [
    "ALONE", "AT_AN_INPUT", "LIVE_ONLY", "OURS", "PEFT_METHODS", "READ", "REFUSED", "ROUTED", "WITH_BASE", "method_of",
    "named_in", "refuse",
]  # fmt: skip

_PROMPT = "it learns virtual tokens or cached states, not a weight update"
_ROTATION = "it rotates the base weight, (R - I) W, which needs the base"
_SEEDED = "its projections are drawn from a seed or an index and are not in the file"
_BASE = "its update is made from the base weight, which is not in the file"
_INPUT = "it depends on the input: there is no one weight update"
_VECTOR = "it scales or shifts activations: a vector, not a matrix"
_CODE = "its update is made by PEFT's own code"

PEFT_METHODS = ("LORA", "ADALORA", "LOHA", "LOKR", "VERA", "RANDLORA", "DELORA")
OURS = ("SINELORA", "SINEDORA", "LORAN", "ADASINELORA", "LRLORA")  # of rankkit.adapters
READ = (*PEFT_METHODS, "SINLORA", "MLORA", "DORA", *OURS)  # the three are of the papers' own code
# measured from the file by PEFT's own layers: without the base's weights, or around them
ALONE = ("C3A", "GRALORA", "SHIRA", "VBLORA")
WITH_BASE = (
    *ALONE, "BOFT", "DEFT", "FOURIERFT", "GLORA", "HIRA", "HRA", "IA3", "MISS", "OFT", "OSF", "PEANUT",
    "PSOFT", "PVERA", "RANDLORA", "ROAD", "SUPERTUNING", "TRAINABLE_TOKENS", "UNILORA", "VERA", "WAVEFT",
)  # fmt: skip
# what their modules share depends on all of the model, or on its modules' order; AdaMSS's start is not in the file
LIVE_ONLY = ("ADAMSS", "FROD", "TINYLORA")
AT_AN_INPUT = ("LILY", "POLY", "SHADOW", "XLORA")
REFUSED: dict[str, str] = {
    "PROMPT_TUNING": _PROMPT, "MULTITASK_PROMPT_TUNING": _PROMPT, "P_TUNING": _PROMPT, "PREFIX_TUNING": _PROMPT,
    "ADAPTION_PROMPT": _PROMPT, "CPT": _PROMPT, "CARTRIDGE": _PROMPT,
    "LN_TUNING": _VECTOR, "BEFT": _VECTOR, "IA3": f"{_VECTOR}, which turns into an update of the base weight",
    "TRAINABLE_TOKENS": "it retrains rows of the embedding, which the base holds",
    "OFT": _ROTATION, "BOFT": _ROTATION, "HRA": _ROTATION, "ROAD": _ROTATION, "PSOFT": _ROTATION,
    "HIRA": _BASE, "GLORA": _BASE, "DEFT": _BASE, "OSF": _BASE, "ADAMSS": _BASE, "PEANUT": _BASE,
    "SUPERTUNING": _BASE, "TINYLORA": _BASE, "FROD": _BASE,
    "UNILORA": _SEEDED, "FOURIERFT": _SEEDED, "WAVEFT": _SEEDED, "PVERA": _SEEDED,
    "SHIRA": "its update is single entries of the base matrix",
    "POLY": _INPUT, "XLORA": _INPUT, "LILY": _INPUT, "SHADOW": _INPUT,
    "VBLORA": _CODE, "C3A": _CODE, "GRALORA": _CODE,
    "MISS": "its update is as wide as the base weight, and that width is not in the file",
    "BONE": "PEFT replaced it by MiSS; convert it with PEFT's scripts/convert-bone-to-miss.py",
    # not PEFT's: the papers' code
    "SINDORA": "sine-DoRA's forward acts on activations and the base weight: no weight update exists",
    "ADASINE": f"AdaSine's frequency {_INPUT.removeprefix('it ')}", "AURORA": _INPUT,
}  # fmt: skip

ROUTED = "a router mixes its factors by the input: there is no one weight update"

# what tensors of a method are called, whoever wrote them -> what it is called, and why it is refused
_TENSORS = {
    r"lora_route\w*|lora_rout\w+|lora_gat(?:e|ing)(?!\w*_[ab])\w*|moe_gate|lora_[AB]\d+": ("routed LoRA", ROUTED),
    r"oft_(?:blocks|diag|r)|boft_\w+|hra_\w+": ("OFT or another rotation", _ROTATION),
    r"[ab][12]|glora_[ab][12]": ("GLoRA", _BASE),
    r"on_input|ia3_l": ("IA3", _VECTOR),
    r"set_weight": (
        "weights that replace the base's",
        "as ComfyUI stores them, and the change takes the base's weight",
    ),
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
    return str(getattr(method, "value", method)).upper().removeprefix("PEFTTYPE.")  # what str() makes of PEFT's enum


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
    if method in WITH_BASE:
        todo = "Name the model that it was trained on with base= or --base."
    elif method in (*LIVE_ONLY, *AT_AN_INPUT):
        inputs = " with inputs=" if method in AT_AN_INPUT else ""
        todo = f"Load it with PEFT and audit the model in memory{inputs}."
    else:
        todo = f"From a file alone rankkit reads {', '.join((*PEFT_METHODS, *ALONE))}."
    return ValueError(f"{source} is a {method} adapter by its config: {reason}. {todo}")
