"""Weights of a base that are stored as codes: which tensors beside one tell that it is quantised, and by what."""

from __future__ import annotations

from collections.abc import Container

__all__ = ["PACKED", "packed_by"]

ADVICE = "name the model in 16 or 32 bits that it was made from"

# what stands behind the weight's own key, or behind the module's path -> who writes it
PACKED: dict[str, str] = {
    "weight.quant_state.bitsandbytes__nf4": "bitsandbytes in 4 bits (NF4)",
    "weight.quant_state.bitsandbytes__fp4": "bitsandbytes in 4 bits (FP4)",
    "weight.absmax": "bitsandbytes in 4 bits",
    "weight.SCB": "bitsandbytes in 8 bits",
    "SCB": "bitsandbytes in 8 bits",
    "qweight": "GPTQ or AWQ",
    "W_q": "HQQ",
    "weight_packed": "compressed-tensors",
    "weight_blocks": "MXFP4",
    "weight_scale_inv": "blocks of 8 bits with a scale each",
    "weight_scale": "a scale beside its codes",
    "scales": "a scale beside its codes",
    "weight_codes": "AQLM",
    "codes": "AQLM",
}  # fmt: skip


def packed_by(keys: Container[str], key: str) -> str:
    """Return the reason why a module's weight cannot be read as numbers; "" where no tensor beside it says so.

    Parameters
    ----------
    keys : container of str
        All of the base's.
    key : str
        Of the weight, or the path of its module.

    Examples
    --------
    >>> packed_by({"q.weight", "q.weight.absmax"}, "q.weight")
    'the base is quantised by bitsandbytes in 4 bits; name the model in 16 or 32 bits that it was made from'
    >>> packed_by({"q.weight", "k.weight.absmax"}, "q.weight")
    ''
    """
    path = key.removesuffix(".weight")
    found = next((name for ending, name in PACKED.items() if f"{path}.{ending}" in keys), "")
    return f"the base is quantised by {found}; {ADVICE}" if found else ""
