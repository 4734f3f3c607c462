"""GGUF adapters of llama.cpp: blk.0.attn_q.weight.lora_a (r, n), .lora_b (m, r), and adapter.lora.alpha in the header.

The scale is alpha / r, or 1 where alpha is 0, as llama.cpp applies it. The token embedding's A is (vocabulary, r).
Experts have an axis in front, (E, r, n) and (E, m, r).
"""

from __future__ import annotations

import re

from rankkit.checkpoints.files.tensors import Tensors
from rankkit.checkpoints.forms import LORA, Form, Shape, Sizes
from rankkit.checkpoints.headers import GGUF_ALPHA
from rankkit.checkpoints.layer import Adapter
from rankkit.checkpoints.readers.build import adapter_of
from rankkit.checkpoints.readers.family import Family, Module, parser
from rankkit.checkpoints.scaling import Scaled, scale_of
from rankkit.checkpoints.untrusted import Config
from rankkit.factors import Array, Factors, namespace

__all__ = ["read", "recognises"]

_KEY = re.compile(r"(?P<module>.+?)(?:\.weight)?\.lora_(?P<part>a|b)")
PARTS = {"a": "A", "b": "B"}
EMBEDDING = "token_embd"
KIND = "adapter.type"


def recognises(keys: list[str], config: Config) -> bool:
    """Return whether there are the keys of an adapter of llama.cpp."""
    return any(key.endswith((".weight.lora_a", ".weight.lora_b")) for key in keys)


def read(tensors: Tensors, config: Config) -> Adapter:
    """Return the adapter's layers, and every other tensor with its reason.

    Raises
    ------
    ValueError
        If the header says that it is no LoRA, or no module is found.
    """
    kind = tensors.metadata.get(KIND, "lora")
    if kind != "lora":
        raise ValueError(
            f"{tensors.source} is an adapter of type {str(kind)[:60]!r}; of GGUF adapters rankkit reads lora."
        )
    return adapter_of(FAMILY, tensors, config)


def _embedding_sizes(B: Shape, A: Shape) -> Sizes | None:
    return LORA.sizes(B, A[::-1]) if len(B) == len(A) == 2 else None


def _embedding(B: Array, A: Array) -> Factors:
    return Factors(B, namespace(A).matrix_transpose(A))


def _form(module: Module) -> Form:
    if module.called.endswith(EMBEDDING):
        return Form(("B", "A"), _embedding_sizes, _embedding)
    return LORA


def _scaled(module: Module, form: Form, sizes: Sizes) -> Scaled:
    if module.config is None:
        return Scaled.assumed(f"no {GGUF_ALPHA} in the header")
    if module.config.get("lora_alpha") == 0:
        return Scaled.linear(1.0)
    return scale_of(module.config, module.called, sizes.r)


def _transposed(module: Module) -> bool:
    return module.called.endswith(EMBEDDING)


FAMILY = Family(
    "gguf", "adapter of llama.cpp", parser(_KEY, "no adapter tensor", PARTS), _scaled, form=_form,
    spelled={"A": "lora_a", "B": "lora_b"}, transposed=_transposed, experts=True, beside=frozenset(),
)  # fmt: skip
