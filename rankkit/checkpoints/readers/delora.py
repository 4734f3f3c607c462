"""PEFT's DeLoRA (arXiv 2503.18225): directions of B and A with one trained strength, and the base's column norms.

delta = B diag(lambda / (r ||B_i|| ||A_i||)) A diag(w), with w the norms of the base weight's columns, from the file.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Any

import numpy as np

from rankkit.checkpoints.forms import Form, Shape, Sizes
from rankkit.checkpoints.methods import method_of
from rankkit.checkpoints.readers.build import adapter_of
from rankkit.checkpoints.readers.family import Family, Module, parser, says
from rankkit.checkpoints.scaling import Scaled
from rankkit.checkpoints.untrusted import Config
from rankkit.factors import Array, Factors, host

__all__ = ["read", "recognises"]

SMALLEST = 1e-4  # norm that PEFT divides by at least
_KEY = re.compile(r"(?P<module>.+)\.delora_(?P<part>A|B|lambda|w_norm)(?:\.(?!weight$)[^.]+)?(?:\.weight)?")


def recognises(keys: list[str], config: Config) -> bool:
    """Return whether these are DeLoRA's keys or configuration."""
    if config is not None and "peft_type" in config:
        return method_of(config) == "DELORA"
    return any(".delora_lambda" in key for key in keys)


def _sizes(B: Shape, A: Shape, strength: Shape, w: Shape) -> Sizes | None:
    fits = len(B) == len(A) == 2 and B[1] == A[0] and strength in ((), (1,)) and w == (A[1],)
    return Sizes(B[0], A[1], B[1]) if fits else None


def _combine(B: Array, A: Array, strength: Array, w: Array) -> Factors:
    b, a, norms = (np.asarray(host(x), dtype=np.float64) for x in (B, A, w))
    lengths: Any = np.maximum(np.linalg.norm(b, axis=0), SMALLEST) * np.maximum(np.linalg.norm(a, axis=1), SMALLEST)
    return Factors(b * (float(host(strength).reshape(())) / b.shape[1] / lengths), a * norms)


def _form(module: Module) -> Form:
    return FORM


def _scaled(module: Module, form: Form, sizes: Sizes) -> Scaled:
    return Scaled.linear(1.0)


FORM = Form(("B", "A", "lambda", "w_norm"), _sizes, _combine)
SPELLED = {part: f"delora_{part}" for part in FORM.parts}
FAMILY = Family(
    "delora", "DeLoRA module", parser(_KEY, "no adapter tensor"), _scaled, form=_form, spelled=SPELLED, says=says,
    beside=frozenset(),
)  # fmt: skip
read = partial(adapter_of, FAMILY)
