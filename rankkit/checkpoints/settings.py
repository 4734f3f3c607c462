"""Rank, alpha and scale as other trainers' configurations call them, in the words of PEFT's.

=======================  ============================  ==========================================
file beside the tensors  who writes it                 where the numbers stand
=======================  ============================  ==========================================
adapter_config.json      PEFT; MLX, AdapterHub         r, lora_alpha; lora_parameters; config
lora_config.json         PaddleNLP                     r, lora_alpha, rslora
params.json              mistral-finetune; Meta Llama  lora.scaling; lora_args.scale
config.json              OpenDelta; Phi-4-multimodal   lora_r, lora_alpha; speech_lora.r, ...
hyperparameters.yaml     LitGPT                        lora_r, lora_alpha
model_config.yaml        NeMo                          peft: lora_tuning: adapter_dim, alpha
run_config.yaml          Megatron Bridge               peft: dim, alpha
config.yaml              ai-toolkit                    ... network: linear, linear_alpha
=======================  ============================  ==========================================

A configuration of none of these is searched for the same words: bare beside each other, or inside an entry whose name
has "lora" or "adapter" in it; one in YAML also in what lies inside of its entries.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from rankkit.checkpoints.untrusted import Config, is_mapping

__all__ = ["BESIDE", "FILE", "SCALING", "for_module", "is_peft", "says_scale", "settled", "yaml_fields"]

BESIDE = (
    "lora_config.json", "params.json", "config.json", "lora_hyperparameters.json", "hyperparameters.yaml",
    "model_config.yaml", "run_config.yaml", "config.yaml",
)  # fmt: skip
SCALING = "scaling"  # the field that is the whole factor in front of B A
LONGEST_LINE = 1000  # characters; a stranger wrote it
DEEP = 4  # entries of a YAML file inside one another that are looked into
FILE = "__file__"  # the field that names the file, where it is none that belongs to the adapter alone
ADAPTERS = "adapters"  # the field that has the configuration of each of several adapters

# PEFT's field -> what others call it, where the surroundings say that it is about LoRA
_WORDS = {
    "r": ("r", "rank", "lora_r", "lora_rank", "lora_dim", "network_dim", "adapter_dim", "dim", "linear"),
    "lora_alpha": ("lora_alpha", "alpha", "network_alpha", "linear_alpha"),
    "use_rslora": ("use_rslora", "rslora", "use_rs_lora", "rs_lora"),
    "use_dora": ("use_dora", "dora_wd", "weight_decompose"),
    SCALING: (SCALING, "scale", "lora_scaling", "lora_scale"),
}
_SURE = re.compile(r"lora_\w+|network_\w+")  # words that say by themselves what they are about
_ABOUT = re.compile(r"lora|adapter|^config$|^peft(?:_config)?$|^network$", re.I)
_LINE = re.compile(r"(?P<indent> *(?:- +)*)(?P<name>[\w\-]+):(?:[ \t]+(?P<value>[^#\n]*?))?[ \t]*(?:#.*)?")


def settled(config: Config, *, deep: bool = False) -> Config:
    """Return a configuration with PEFT's words beside those that say the same; as it is where there are none.

    Parameters
    ----------
    config : mapping or None
        Anybody's; PEFT's own comes back as it is.
    deep : bool
        Search what lies inside of its entries' entries, too.

    Examples
    --------
    >>> settled({"dim": 16, "lora_args": {"rank": 4, "scale": 2.0}})["scaling"]
    2.0
    >>> settled({"hidden_size": 16})
    {'hidden_size': 16}
    """
    if config is None or "peft_type" in config:
        return config
    found = _words(config, sure=not _alike(config))
    inner = _inner(config, DEEP if deep else 0)
    if len(inner) > 1:
        found = {ADAPTERS: {name.removesuffix("_lora"): words for name, words in inner.items()}} | found
    elif inner:
        found = next(iter(inner.values())) | found
    return {**found, **config}


def _inner(config: Mapping[Any, Any], deep: int) -> dict[str, dict[str, Any]]:
    """Return the name of every entry that is about LoRA -> PEFT's fields that it tells."""
    found: dict[str, dict[str, Any]] = {}
    for name, value in config.items():
        if not is_mapping(value):
            continue
        words = _words(value, sure=False) if _ABOUT.search(str(name)) else {}
        found |= {str(name): words} if words else _inner(value, deep - 1) if deep else {}
    return found


def is_peft(config: Config) -> bool:
    """Return whether a configuration belongs to an adapter as PEFT writes it, so that PEFT's defaults hold."""
    return config is not None and FILE not in config and ADAPTERS not in config


def says_scale(config: Mapping[str, Any]) -> bool:
    """Return whether a configuration, as `settled` returns it, has an alpha or a scale."""
    return any(config.get(name) is not None for name in ("lora_alpha", SCALING, ADAPTERS))


def for_module(config: Mapping[str, Any], adapter: str) -> Mapping[str, Any]:
    """Return the configuration of one adapter of several; the whole one where it makes no difference.

    Parameters
    ----------
    config : mapping
        As `settled` returns it.
    adapter : str
        What the tensors' names call the adapter; "" where they do not.
    """
    several: object = config.get(ADAPTERS)
    own: object = several.get(adapter) if is_mapping(several) else None
    return own if is_mapping(own) else config


def yaml_fields(text: str) -> dict[str, Any]:
    r"""Return the numbers, flags and words of a YAML file in block style, and the mappings of them inside one another.

    Of entries with the same name in one place, such as those of a list of mappings, the first counts.

    Examples
    --------
    >>> yaml_fields("lora_r: 4\nlora_query: true\ndata:\n  seed: 1\n")
    {'lora_r': 4, 'lora_query': True, 'data': {'seed': 1}}
    """
    found: dict[str, Any] = {}
    places = [(-1, found)]  # how far its entries are indented at least, and the mapping that they belong to
    for line in text.splitlines():
        match = _LINE.fullmatch(line) if len(line) <= LONGEST_LINE else None
        if match is None:
            continue
        indent = len(match["indent"])
        while places[-1][0] >= indent:
            places.pop()
        here = places[-1][1]
        if match["value"]:
            here.setdefault(match["name"], _value(match["value"]))
        else:
            places.append((indent, {}))
            here.setdefault(match["name"], places[-1][1])
    return found


def _value(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text.strip("'\"")


def _alike(config: Mapping[Any, Any]) -> bool:
    """Return whether a configuration is one of LoRA: it has a rank beside an alpha or a scale."""
    return _first(config, "r", sure=False) is not None and any(
        _first(config, name, sure=False) is not None for name in ("lora_alpha", SCALING)
    )


def _words(config: Mapping[Any, Any], *, sure: bool) -> dict[str, Any]:
    """Return PEFT's fields of a configuration that calls them otherwise, if it has an alpha or a scale among them."""
    found = {name: value for name in _WORDS if (value := _first(config, name, sure=sure)) is not None}
    return found if found.keys() & {"lora_alpha", SCALING} else {}


def _first(config: Mapping[Any, Any], name: str, *, sure: bool) -> Any:
    words = [word for word in _WORDS[name] if not sure or _SURE.fullmatch(word)]
    values = (config.get(word) for word in words)
    return next((value for value in values if isinstance(value, (int, float))), None)
