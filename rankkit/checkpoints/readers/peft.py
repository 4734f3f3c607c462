"""Hugging Face PEFT: LoRA with its rsLoRA, embedding, convolution, merged and sine forms, and AdaLoRA.

What DoRA's authors wrote (`peft_type: DORA`) has the same keys and configuration.
"""

from __future__ import annotations

import math
import re
from typing import Any

from rankkit.checkpoints.assumptions import SCALE
from rankkit.checkpoints.fields import Said, said
from rankkit.checkpoints.files.tensors import Tensors
from rankkit.checkpoints.forms import ADALORA, LORA, MIXED, TURNED, Form, Shape, Sizes
from rankkit.checkpoints.groups import MOST_GROUPS, merged_form
from rankkit.checkpoints.layer import Adapter
from rankkit.checkpoints.methods import method_of
from rankkit.checkpoints.module_names import with_adapter
from rankkit.checkpoints.readers.build import adapter_of
from rankkit.checkpoints.readers.family import ALPHA as ALPHA_PART
from rankkit.checkpoints.readers.family import LORA_NAMES, Family, Module, Place
from rankkit.checkpoints.scaling import FACTOR, Scaled, rank_of, scale_of, searched, sine_of
from rankkit.checkpoints.settings import is_peft
from rankkit.checkpoints.untrusted import Config, is_list, number
from rankkit.factors import host

__all__ = ["read", "recognises"]

_KEY = re.compile(
    r"(?P<module>.+?)(?:\.dora_layer)?\.lora_(?P<part>A|B|E|embedding_A|embedding_B)"
    r"(?:\.(?!weight$|bias$)(?P<adapter>[^.]+))?(?P<leaf>\.weight|\.bias)?"
)
# an r x r matrix between the factors: MoSLoRA's and PaddleNLP's, LoRA-XS's
_MIXER = re.compile(
    r"(?P<module>.+)\.(?:lora_AB|lora_mixer|lora_latent_mapping|(?:(?P<adapter>[^.]+)_)?lora_latent_mapping)"
    r"(?:\.(?!weight$)[^.]+)?(?:\.weight)?"
)
MIXER = "mixer"

INIT_R, ALPHA = 12, 8  # init_r and lora_alpha where a config does not say: the defaults of PEFT's AdaLoraConfig
ADDED = 1e-5  # what PEFT's AdaLoRA adds to init_r before it divides by it

# config fields that make the update something else than scale * B A, and what they are
_REFUSED = {
    "use_qalora": "QA-LoRA's pooled input",
    "use_bdlora": "block-diagonal factors",
    "kasa_config": "KaSA's update of the base's own singular values",
    "arrow_config": "a routed mixture of adapters",
    "megatron_core_sharded": "a sharded tensor-parallel layout",
}


def recognises(keys: list[str], config: Config) -> bool:
    """Return whether these are the keys or the configuration of a PEFT LoRA."""
    if config is not None and "peft_type" in config:
        return method_of(config) in ("LORA", "ADALORA", "DORA")
    return any(".lora_A." in key or ".lora_embedding_A" in key or key.endswith(".lora_E") for key in keys)


def read(tensors: Tensors, config: Config) -> Adapter:
    """Return the adapter's layers, exactly one per module, and every other tensor with its reason.

    Raises
    ------
    ValueError
        If the configuration asks for an update that is unsupported, or no module is found.
    """
    for field, what in _REFUSED.items():
        if config and config.get(field):
            raise ValueError(f"{tensors.source} sets {field} in its config ({what}), which is unsupported.")
    return adapter_of(FAMILY, tensors, config)


def _parse(key: str) -> Place | str:
    match = _KEY.fullmatch(key)
    if match is None and (mixer := _MIXER.fullmatch(key)):
        return Place(mixer["module"], MIXER)
    if match is None or match["leaf"] == ".bias":
        return _other(key)
    return Place(with_adapter(match["module"], match["adapter"]), match["part"].removeprefix("embedding_"))


def _other(key: str) -> str:
    """Return why a tensor is no factor."""
    if ".lora_" in key and key.endswith(".bias"):
        return "bias of the adapter, no matrix"
    if ".lora_" in key or key.endswith("ranknum"):
        return "no adapter tensor of plain LoRA"
    return "no adapter tensor: a head, modules_to_save or base weight"


def _enabled(config: Config) -> tuple[bool, ...]:
    """Return which groups of a fused projection old PEFT's config gives an update; () where it is not fused."""
    enabled: object = (config or {}).get("enable_lora")
    return tuple(map(bool, enabled[:MOST_GROUPS])) if is_list(enabled) else ()


def _form(module: Module) -> Form:
    if "E" in module.keys or (module.config is not None and method_of(module.config) == "ADALORA"):
        return ADALORA
    if MIXER in module.keys:
        return MIXED
    enabled = _enabled(module.config)
    B, A = module.shape("B"), module.shape("A")
    if len(A) > 2 and (groups := _convolved(B, A)) > 1:
        return merged_form((True,) * groups)
    if not any(enabled) or len(enabled) < 2:
        return LORA
    return merged_form(enabled) if len(B) > 1 and len(A) == 2 and A[0] == sum(enabled) * B[1] else LORA


def _convolved(B: Shape, A: Shape) -> int:
    """Return how many groups a convolution has: B is (out, r / groups, 1, ...) beside A (r, in / groups, ...)."""
    fits = len(B) == len(A) and math.prod(B[2:]) == 1 and B[1] > 0 and A[0] % B[1] == 0
    return A[0] // B[1] if fits else 1


def _scaled(module: Module, form: Form, sizes: Sizes) -> Scaled:
    config = module.config
    if form is ADALORA:
        return _adalora(config)
    enabled = _enabled(config)
    merged = max(1, sum(enabled)) if form not in (LORA, MIXED, TURNED) and len(module.shape("A")) == 2 else 1
    plain = _plain(module, form, sizes.r // merged)
    if config and config.get("use_sinelora"):
        return sine_of(config, ("sinelora_frequency", "sinelora_scaling"), plain, sizes.m)
    return plain


def _plain(module: Module, form: Form, r: int) -> Scaled:
    """Return the scale of a module with r columns of B; only PEFT's own configuration has a default."""
    if is_peft(module.config) and not {ALPHA_PART, FACTOR} & module.keys.keys():
        asked = rank_of(module.config, module.called)
        if asked is not None and asked < r and _is_padded(module, form, asked):
            plain = scale_of(module.config, module.called, asked)
            notes = (*plain.notes, f"padded with zeros from rank {asked}, which divides alpha")
            if _is_padded(module, form, asked - 1):  # an adapter of a lower rank was put into this one's place
                notes = (
                    *notes,
                    "its factors are zero from a lower rank on, so that the config may be another adapter's",
                )
                return plain._replace(notes=notes, unknown=(*plain.unknown, SCALE))
            return plain._replace(notes=notes)
        return scale_of(module.config, module.called, r)
    return searched(module.tensors, module.keys, module.config, module.called, r, why="no adapter_config.json")


def _is_padded(module: Module, form: Form, r: int) -> bool:
    """Return whether the factors are zero behind the rank that the configuration names, as for hot swapping."""
    if form not in (LORA, TURNED):
        return False
    try:
        factors: Any = form.combine(*(module.tensors.read(module.keys[part]) for part in "BA"))
    except ValueError:  # entries that are not finite are no padding
        return False
    return not host(factors.A)[r:].any() and not host(factors.B)[:, r:].any()


def _adalora(config: Config) -> Scaled:
    """Return alpha / (init_r + 1e-5), as PEFT applies it to a loaded adapter."""
    if config is None:
        return Scaled.assumed("no adapter_config.json")
    start, alpha = number("init_r", config.get("init_r", INIT_R)), number("lora_alpha", config.get("lora_alpha", ALPHA))
    if not start > 0:
        raise ValueError(f"init_r must be positive, got {start:g}; mend the config.")
    return Scaled.linear((alpha if alpha > 0 else start) / (start + ADDED))


def _transposed(module: Module) -> bool:
    """Return whether the base stores the weight as (n, m): embeddings, and GPT-2's projections by their config."""
    return "embedding_A" in module.keys.get("A", "") or bool((module.config or {}).get("fan_in_fan_out"))


def _says(module: Module) -> Said:
    return said(module.config, mixed=MIXER in module.keys)


FAMILY = Family(
    "peft",
    "LoRA module",
    _parse,
    _scaled,
    form=_form,
    spelled=LORA_NAMES,
    turned=TURNED,
    transposed=_transposed,
    says=_says,
    experts=True,
)
