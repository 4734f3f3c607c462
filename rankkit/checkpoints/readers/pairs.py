"""Bare research files: tensors called a and b somehow (w_a_000, w_b_000; w_As.3, w_Bs.3), paired by name and shape."""

from __future__ import annotations

import re
from functools import partial

from rankkit.checkpoints.assumptions import SCALE
from rankkit.checkpoints.forms import TURNED, Form, Sizes
from rankkit.checkpoints.readers.build import adapter_of
from rankkit.checkpoints.readers.family import BESIDE, Family, Module, Place
from rankkit.checkpoints.scaling import Scaled, searched
from rankkit.checkpoints.untrusted import Config

__all__ = ["read", "recognises"]

# two factors that public code calls otherwise: the first is applied first
_NAMED = re.compile(
    r"(?P<module>.+)\.adaptor\.(?P<llama>[AB])\.weight"  # Meta's quantised Llama
    r"|(?P<attention>.+)\.lora_(?P<projection>\w+)_l(?P<adapter>[12])\.weight"  # LLaMA-Adapter
    r"|(?P<fsdp>.+)\.lora(?:_AB)?\.(?P<place>[01])\.weight"  # fsdp_qlora
    r"|(?P<chat>.+)\.lora_(?P<side>right|left)_weight"  # DeepSpeed-Chat: x times right (n, r) times left (r, m)
    r"|(?P<control>.+)\.(?P<way>down|up)(?:\.weight)?"  # Stability's control-LoRA
    r"|(?P<between>.+)\.lora_(?P<end>in|out|first|second|[12]|right|left|[rl]|[vu]|[VU]|encoder|decoder|enc|dec|reduce"
    r"|expand|down_proj|up_proj|proj_down|proj_up|w[12])(?:\.weight)?"
)
_ENDS = ("in", "first", "1", "right", "r", "v", "V", "encoder", "enc", "reduce", "down_proj", "proj_down", "w1")
_FIRST = {
    ("llama", "A"), ("adapter", "1"), ("place", "0"), ("side", "right"), ("way", "down"),
    *(("end", end) for end in _ENDS),
}  # fmt: skip
# a letter a or b of its own, perhaps with a plural s: w_a_000, w_Bs.3, lora_A_q
_KEY = re.compile(r"(?P<before>(?:.*[._\-])?)(?P<letter>[aAbB])(?P<plural>s?)(?P<after>(?:[._\-].*)?)")
_PLAIN = re.compile(r"(?:\.default)?(?:\.weight)?\Z")  # ends of names that tell no module from another
_WORD = re.compile(r"(?:(?<=[._\-])|^)lora(?:[._\-]|$)")


def recognises(keys: list[str], config: Config) -> bool:
    """Return whether some key has a partner under the other letter."""
    found = {place for place in map(_parse, keys) if isinstance(place, Place)}
    return any(Place(module, "A") in found and Place(module, "B") in found for module, _ in found)


def _parse(key: str) -> Place | str:
    if named := _NAMED.fullmatch(key):
        *path, which = ((name, text) for name, text in named.groupdict().items() if text is not None)
        return Place(".".join(text for _, text in path), "A" if which in _FIRST else "B")
    match = _KEY.fullmatch(key)
    if match is None:
        return "no tensor of a pair"
    around = f"{match['before']}{_PLAIN.sub('', match['after']).lstrip('._-')}".strip("._-")
    return Place(_WORD.sub("", around).strip("._-") or around or key, match["letter"].upper())


def _scaled(module: Module, form: Form, sizes: Sizes) -> Scaled:
    config = module.config
    found = searched(module.tensors, module.keys, config, module.name, sizes.r, why="a bare pair")
    if not BESIDE & module.keys.keys() and config is not None and {"alpha", "rank"} <= config.keys():
        return found._replace(notes=(*found.notes, BY_VERSION), unknown=(*found.unknown, SCALE))
    return found


BY_VERSION = "alpha / rank assumed: mlx-vlm's older versions multiply by alpha alone"
FAMILY = Family("pairs", "pair of factors", _parse, _scaled, turned=TURNED, experts=True)
read = partial(adapter_of, FAMILY)
