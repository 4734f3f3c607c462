"""Quantised tensors: numbers that mean nothing without a scale, or a code book, that lies beside them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from rankkit.checkpoints.files.float8 import FLOAT8
from rankkit.checkpoints.files.tensors import INTEGERS, TensorInfo

__all__ = ["kind_of_quantised", "scales"]

CODES = (*INTEGERS, *FLOAT8)  # the dtypes that codes are stored in
# what stands behind the key of a quantised tensor, or behind it without ".weight", where its scale is stored
_SCALES = re.compile(
    r"(?P<stem>.+?)(?:\.weight)?[._]{1,2}(?:(?:weight_|q|input_)?scales?(?:_inv|_weight|_2|_and_zp)?|scale_weight|SCB"
    r"|absmax|zeros?|zero_points?|qzeros|quant_map|nested_absmax|nested_quant_map|quant_state\.\w+|meta)"
)
# how the base's tensors show what quantised them: the end of a key -> the name of the format
_KINDS = {
    "quant_state.bitsandbytes__nf4": "bitsandbytes' 4-bit nf4", "absmax": "bitsandbytes' 4-bit",
    "SCB": "bitsandbytes' 8-bit", "qweight": "GPTQ's or AWQ's packed integers", "W_q": "HQQ's packed integers",
    "weight_packed": "compressed-tensors' packed integers", "weight_scale_inv": "8-bit floats with a scale",
    "weight_scale": "8-bit codes with a scale", "scale_weight": "8-bit floats with a scale",
    "_data": "quanto's or torchao's codes",
}  # fmt: skip


def scales(info: Mapping[str, TensorInfo]) -> dict[str, str]:
    """Return the key of every scale, code book or zero point -> the key of the quantised tensor it belongs to.

    Parameters
    ----------
    info : mapping of str to TensorInfo
        All tensors of a file.

    Examples
    --------
    >>> codes, scale = TensorInfo("I8", (4, 8)), TensorInfo("F32", (4, 1))
    >>> scales({"q.lora_A.weight": codes, "q.lora_A.scale": scale})
    {'q.lora_A.scale': 'q.lora_A.weight'}
    """
    if not any(entry.dtype in CODES for entry in info.values()):
        return {}
    found: dict[str, str] = {}
    for key in info:
        match = _SCALES.fullmatch(key)
        for owner in (f"{match['stem']}.weight", match["stem"]) if match else ():
            if owner in info and info[owner].dtype in CODES:
                found[key] = owner
                break
    return found


def kind_of_quantised(info: Mapping[str, TensorInfo], module: str) -> str:
    """Return what quantised a base's weight, as the end of a sentence about it; "" where nothing did.

    Parameters
    ----------
    info : mapping of str to TensorInfo
        All tensors of the base.
    module : str
        The module's path in the base.
    """
    for end, kind in _KINDS.items():
        for between in (".weight.", ".weight", ".weight._", "."):
            if f"{module}{between}{end}" in info:
                return f"is quantised ({kind}): pass the model before it was quantised, in 16 or 32 bits"
    return ""
