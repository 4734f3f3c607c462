"""Bare research files: tensors called a and b somehow (w_a_000, w_b_000; w_As.3, w_Bs.3), paired by name and shape."""

from __future__ import annotations

import re
from functools import partial

from rankkit.checkpoints.forms import LORA, Form, Sizes
from rankkit.checkpoints.readers.build import Family, adapter_of
from rankkit.checkpoints.readers.module import Module, Place
from rankkit.checkpoints.scaling import Scaled, found_scale
from rankkit.checkpoints.untrusted import Config

__all__ = ["read", "recognises"]

# a letter a or b of its own, perhaps with a plural s: w_a_000, w_Bs.3, lora_A_q
_KEY = re.compile(r"(?P<before>(?:.*[._\-])?)(?P<letter>[aAbB])(?P<plural>s?)(?P<after>(?:[._\-].*)?)")

SWAPPED = Form(("A", "B"), LORA.sizes, LORA.combine)


def recognises(keys: list[str], config: Config) -> bool:
    """Return whether some key has a partner under the other letter."""
    found = {place for place in map(_parse, keys) if isinstance(place, Place)}
    return any(Place(module, "A") in found and Place(module, "B") in found for module, _ in found)


def _parse(key: str) -> Place | str:
    match = _KEY.fullmatch(key)
    if match is None:
        return "no tensor of a pair"
    around = f"{match['before']}{match['after'].lstrip('._-')}".strip("._-")
    return Place(around or key, match["letter"].upper())


def _form(module: Module) -> Form:
    """Return B A, or A B where only that multiplies to a product of low rank."""
    B, A = module.shape("B"), module.shape("A")
    return SWAPPED if LORA.sizes(B, A) is None and LORA.sizes(A, B) is not None else LORA


def _scaled(module: Module, form: Form, sizes: Sizes) -> Scaled:
    return found_scale(module.tensors, None, module.config, module.path, sizes.r, "a bare pair")


FAMILY = Family("pairs", "pair of factors", _parse, _scaled, form=_form)
read = partial(adapter_of, FAMILY)
