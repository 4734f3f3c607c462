"""Fields of a LoRA configuration that change the update: what a row says of them, and which ones nobody here knows.

A field that is listed in `KNOWN` leaves the update scale * B A as it is, or is read elsewhere. Any other field whose
name speaks of another update, and that is switched on, makes every row an assumption.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import NamedTuple

from rankkit.checkpoints.assumptions import METHOD, START
from rankkit.checkpoints.settings import BESIDE, FILE
from rankkit.checkpoints.untrusted import Config, is_mapping, quoted

__all__ = ["KEPT_APART", "Said", "said", "start_of"]

# initialisations after which B A holds a part of the base weight; PEFT takes it off the base when it loads the adapter
KEPT_APART = ("pissa", "olora", "corda", "lora_ga")
# those after which B A starts at zero, or without any part of the base being taken off
_PLAIN_STARTS = (
    "true", "false", "gaussian", "eva", "loftq", "orthogonal", "mica", "kaiming", "xavier", "normal", "uniform",
    "default", "none", "zero", "zeros", "lora",
)  # fmt: skip

# fields of PEFT's, old and new, and of its forks, that leave scale * B A as it is or are read elsewhere
KNOWN = frozenset({
    "rank_dropout_scale", "scale_inside", "sinelora_scaling",
    "decompose_both", "decompose_factor", "sparse", "use_effective_conv2d", "very_sparse",
    "init_lora_A", "init_lora_B", "init_lora_weights", "init_method", "init_r", "init_weights", "use_4bit",
    "use_8bit", "use_auth_token", "use_bdlora", "use_bf16", "use_cache", "use_corda", "use_dora",
    "use_fast_tokenizer", "use_flash_attention", "use_flash_attn", "use_fp16", "use_gradient_checkpointing",
    "use_lora", "use_lora_ga", "use_merge", "use_olora", "use_peft", "use_pissa", "use_qalora", "use_quantization",
    "use_quick_lora", "use_reentrant", "use_rslora", "use_rslora_scale", "use_safetensors", "use_sinelora",
    "use_unsloth",
})  # fmt: skip
# what names of fields speak of that change the update; PEFT's own configurations inside a field among them
_SPEAKS = re.compile(
    r"^use_\w+|^init\w*|(?:^|_)(?:mix\w*|rout\w*|gat(?:e|ing)\w*|moe\w*|mora\w*|expert\w*|nonlinear\w*|activation\w*"
    r"|rotat\w*|hydra\w*|shift\w*|hadamard\w*|kronecker\w*|block_?diag\w*|mask\w*|sparse\w*|decompos\w*|monteclora\w*|lora_nums?)(?:_|$)",
    re.I,
)
# what speaks of another factor or another matrix in a configuration of PEFT's own, which has no field of such a name
_FOREIGN = re.compile(
    r"(?:^|_)(?:scal(?:e|er|ing|ings)|multiplier|rslora|rank_stabili[sz]ed|structure|intermediate\w*)(?:_|$)", re.I
)
# what names a kind of adapter, in a configuration that says by PEFT's own field that it is LoRA
_KIND = re.compile(r"(?:lora_|adapter_)?(?:type|method|variant|algo(?:rithm)?)", re.I)
_PLAIN_KINDS = ("lora", "default", "standard", "vanilla", "linear")
_OFF = (None, False, 0, "", "none", "None", "false")
ALORA = (
    "aLoRA: the update is added only from the invocation tokens on (alora_invocation_tokens); before them the base "
    "model is applied as it is"
)
LOFTQ = "LoftQ: added to the quantised base, whose error B A began with"


class Said(NamedTuple):
    """What every row of an adapter says of its configuration, what that leaves unknown, and how its factors began."""

    notes: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    start: str = ""


def start_of(config: Config) -> str:
    """Return the initialisation that a configuration names, in lower case; "" for one that nothing follows from.

    Examples
    --------
    >>> start_of({"init_lora_weights": "pissa_niter_16"}), start_of({"init_lora_weights": True})
    ('pissa_niter_16', '')
    """
    config = config or {}
    if flagged := [name for name in KEPT_APART if config.get(name) is True or config.get(f"use_{name}") is True]:
        return flagged[0]
    named = str(config.get("init_lora_weights", True)).lower()
    return "" if named in _PLAIN_STARTS else named


def said(config: Config, *, mixed: bool = False) -> Said:
    """Return what a configuration says that is no number: how B A began, when it is added, and what nobody here knows.

    Parameters
    ----------
    config : mapping or None
    mixed : bool
        Whether the file has the tensor that a mixer field speaks of.

    Examples
    --------
    >>> said({"r": 4, "use_mora": True}).unknown, said({"r": 4, "use_rslora": True}).unknown
    (('method',), ())
    """
    config = config or {}
    if config.get(FILE) not in (None, BESIDE[0]):  # a model's configuration: what it switches on is the model's
        return Said()
    notes: list[str] = []
    unknown: list[str] = []
    if config.get("alora_invocation_tokens"):
        notes.append(ALORA)
    start = start_of(config)
    if start.startswith(KEPT_APART):
        notes.append(f"initialised as {quoted(start)}: B A holds a part of the base, and the update is B A less that")
        unknown.append(START)
    elif start:
        notes.append(f"initialised as {quoted(start)}, which is not known: B A is taken as the update")
        unknown.append(START)
    elif str(config.get("init_lora_weights")).lower() == "loftq":
        notes.append(LOFTQ)
    if names := [name for name in _not_known(config) if not (mixed and "mix" in name)]:
        listed = ", ".join(f"{name[:60]} = {quoted(config[name])}" for name in names[:3])
        notes.append(f"the config sets {listed}, which may change the update: measured without")
        unknown.append(METHOD)
    return Said(tuple(notes), tuple(unknown), start)


def _not_known(config: Mapping[str, object]) -> list[str]:
    """Return the names of the fields that are switched on and speak of another update."""
    switched = {name: value for name, value in config.items() if name not in KNOWN and not _is_off(value)}
    own = "peft_type" in config
    return [
        name
        for name, value in switched.items()
        if _speaks(name) or (own and ((value != 1 and _is_foreign(name)) or _is_other_kind(name, value)))
    ]


def _is_other_kind(name: str, value: object) -> bool:
    """Return whether a field names a kind of adapter that is not plain LoRA."""
    return _KIND.fullmatch(name) is not None and str(value).lower() not in _PLAIN_KINDS


@functools.lru_cache(maxsize=1000)
def _is_foreign(name: str) -> bool:
    """Return whether a field's name speaks of another factor or matrix than PEFT's fields do."""
    return _FOREIGN.search(name) is not None


@functools.lru_cache(maxsize=1000)
def _speaks(name: str) -> bool:
    """Return whether a field's name speaks of another update; asked once a module, answered once a name."""
    return _SPEAKS.search(name) is not None


def _is_off(value: object) -> bool:
    return value in _OFF if isinstance(value, (str, int, float, type(None))) else is_mapping(value) and not value
