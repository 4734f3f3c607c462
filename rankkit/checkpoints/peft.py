"""Hugging Face PEFT: LoRA with its rsLoRA, DoRA, embedding and convolution forms."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from rankkit.checkpoints.layers import Adapter, Layer, Skipped
from rankkit.checkpoints.scaling import scale_of
from rankkit.checkpoints.tensors import TensorInfo, Tensors
from rankkit.factors import Array
from rankkit.rules import Linear

__all__ = ["from_model", "read"]

_KEY = re.compile(
    r"(?P<module>.+)\.lora_(?P<part>A|B|embedding_A|embedding_B|magnitude_vector)"
    r"(?:\.(?!weight$|bias$)(?P<adapter>[^.]+))?(?P<leaf>\.weight|\.bias)?"
)
_HALF = {"A": "A", "embedding_A": "A", "B": "B", "embedding_B": "B"}
_FLOATS = ("F64", "F32", "F16", "BF16")

# config fields that make the update something else than scale * B A, and what they are
_REFUSED = {
    "use_sinelora": "a sine-activated update",
    "use_qalora": "QA-LoRA's pooled input",
    "megatron_core_sharded": "a sharded tensor-parallel layout",
}


def from_model(model: Any) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return (state dict, config) of a live PEFT model's active adapter, keyed as a saved file."""
    from peft import get_peft_model_state_dict

    active = model.active_adapter
    name = active if isinstance(active, str) else active[0]
    state = get_peft_model_state_dict(model, adapter_name=name, save_embedding_layers=False)
    return state, model.peft_config[name].to_dict()


def read(tensors: Tensors, config: Mapping[str, Any] | None) -> Adapter:
    """Return the adapter's layers, exactly one per module, and every other tensor with its reason.

    Raises
    ------
    ValueError
        If the configuration names another method than LoRA, or no module is found.
    """
    _check_method(config, tensors.source)
    modules: dict[tuple[str, str], dict[str, str]] = {}
    skipped: list[Skipped] = []
    magnitudes: set[tuple[str, str]] = set()
    for key, info in tensors.info.items():
        match = _KEY.fullmatch(key)
        if match is None or match["leaf"] == ".bias":
            skipped.append(Skipped(key, info.shape, _other(key)))
            continue
        module = (match["module"].removeprefix("base_model.model."), match["adapter"] or "")
        if match["part"] == "magnitude_vector":
            magnitudes.add(module)
            skipped.append(Skipped(key, info.shape, "DoRA's magnitude: its update needs the base weight"))
        elif _HALF[match["part"]] in (halves := modules.setdefault(module, {})):
            skipped.append(Skipped(key, info.shape, f"a second {match['part']} of module {module[0]}"))
        else:
            halves[_HALF[match["part"]]] = key
    if not modules:
        some = ", ".join(list(tensors.info)[:3]) or "nothing"
        raise ValueError(f"{tensors.source} holds no LoRA module: {len(tensors.info)} tensors such as {some}.")
    several = len({adapter for _, adapter in modules}) > 1
    layers = []
    for (module, adapter), keys in modules.items():
        layer = _layer(module, keys, tensors, config)
        if (module, adapter) in magnitudes or (config or {}).get("use_dora"):
            layer = replace(layer, notes=(*layer.notes, "DoRA: direction part only, without the base weight"))
        layers.append(replace(layer, name=f"{module}[{adapter}]") if several else layer)
    return Adapter(tensors.source, "peft", tuple(layers), tuple(skipped))


def _check_method(config: Mapping[str, Any] | None, source: str) -> None:
    if config is None:
        return
    method = config.get("peft_type", "LORA")
    method = str(getattr(method, "value", method))
    if method != "LORA":
        raise ValueError(f"{source} is a {method} adapter by its config; of PEFT's methods only LORA is read yet.")
    for field, what in _REFUSED.items():
        if config.get(field):
            raise ValueError(f"{source} sets {field} in its config ({what}), which is not read yet.")


def _other(key: str) -> str:
    if ".lora_" in key and key.endswith(".bias"):
        return "bias of the adapter, no matrix"
    if ".lora_" in key:
        return "not a tensor of plain LoRA"
    return "no adapter tensor: a head, modules_to_save or base weight"


def _layer(module: str, keys: dict[str, str], tensors: Tensors, config: Mapping[str, Any] | None) -> Layer:
    def header_only(status: str, note: str, **sizes: int | None) -> Layer:
        size = {"m": None, "n": None, "r": None} | sizes
        return Layer(
            module, size["m"], size["n"], size["r"], _dtypes(info), Linear(), float("nan"), _unreadable, status, (note,)
        )

    info = {part: tensors.info[keys[part]] for part in ("B", "A") if part in keys}
    if len(info) < 2:
        present = next(iter(info))
        missing = "B" if present == "A" else "A"
        return header_only("unpaired", f"lora_{missing} is missing")
    shapes = _matrix_shapes(info["B"].shape, info["A"].shape)
    if shapes is None:
        return header_only("unsupported", f"B {info['B'].shape} and A {info['A'].shape} are no (m, r) and (r, n)")
    (m, r), (_, n) = shapes
    if min(m, n, r) == 0:
        return header_only("zero", "a tensor of size zero", m=m, n=n, r=r)
    if any(dtype not in _FLOATS for dtype, _ in info.values()):
        return header_only("unsupported", f"dtype {_dtypes(info)} is not read", m=m, n=n, r=r)
    try:
        scale, notes = scale_of(config, module, r)
    except ValueError as error:
        return header_only("unsupported", str(error), m=m, n=n, r=r)
    read_pair = partial(_read_pair, tensors, keys["B"], keys["A"], shapes)
    return Layer(module, m, n, r, _dtypes(info), Linear(scale=scale), scale, read_pair, "ok", notes)


def _matrix_shapes(B: tuple[int, ...], A: tuple[int, ...]) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """Return the shapes of B and A as matrices; a convolution's A keeps its kernel, its B is 1 x 1."""
    if len(B) != len(A) or len(B) < 2 or any(size != 1 for size in B[2:]):
        return None
    n = 1
    for size in A[1:]:
        n *= size
    return ((B[0], B[1]), (A[0], n)) if B[1] == A[0] else None


def _read_pair(
    tensors: Tensors, B: str, A: str, shapes: tuple[tuple[int, int], tuple[int, int]]
) -> tuple[Array, Array]:
    return tensors.read(B).reshape(shapes[0]), tensors.read(A).reshape(shapes[1])


def _unreadable() -> tuple[Array, Array]:
    raise AssertionError("a layer whose status is not ok has no factors")


def _dtypes(info: Mapping[str, TensorInfo]) -> str:
    return "/".join(dict.fromkeys(entry.dtype for entry in info.values()))
