"""Ranks as what the next training takes: PEFT's LoraConfig, or kohya's network_args."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from rankkit.audits.blocks import BLOCKS, TEXT_ENCODER, block_of, is_convolution, layout_of

__all__ = ["FORMS", "PROMISE", "as_json", "as_kohya", "as_python", "kohya_arguments", "lora_arguments"]

PROMISE = "These ranks keep so much of this adapter; a new training may need others."


def lora_arguments(
    ranks: Mapping[str, int], alphas: Mapping[str, float], *, use_rslora: bool = False
) -> dict[str, Any]:
    """Return the arguments of a `peft.LoraConfig` that gives every module its rank, and the scale that it has now.

    Parameters
    ----------
    ranks : mapping of str to int
        Module -> rank.
    alphas : mapping of str to float
        Module -> alpha, as `Ranks.alpha_pattern` has them.
    use_rslora : bool
        What the configuration is to say.

    Notes
    -----
    PEFT takes the first key of a pattern that matches the end of a module's path, so longer paths stand first. The
    patterns leave out modules with the most common rank or alpha, which is r or lora_alpha.
    """
    r, alpha = (Counter(values).most_common(1)[0][0] for values in (ranks.values(), alphas.values()))
    ordered = sorted(ranks, key=len, reverse=True)
    # a module whose path is the end of another's has to be named, or the other's pattern would not be the only one
    ends = {name for name in ordered if any(other.endswith(f".{name}") for other in ordered)}
    named = [name for name in ordered if name in ends or any(name.endswith(f".{end}") for end in ends)]
    return {
        "r": r, "lora_alpha": _whole(alpha), "target_modules": list(ranks),
        "rank_pattern": {name: ranks[name] for name in ordered if ranks[name] != r or name in named},
        "alpha_pattern": {name: _whole(alphas[name]) for name in ordered if alphas[name] != alpha or name in named},
        "use_rslora": use_rslora,
    }  # fmt: skip


def kohya_arguments(ranks: Mapping[str, int], alphas: Mapping[str, float]) -> dict[str, Any]:
    """Return network_dim, network_alpha and network_args of kohya's trainer, which gives each block one rank.

    Parameters
    ----------
    ranks : mapping of str to int
        Module -> rank. Where the modules of a block differ, the block gets the largest, convolutions of 3 x 3 apart.
    alphas : mapping of str to float
        Module -> alpha.

    Raises
    ------
    ValueError
        If the modules are no U-Net's, or those of one block have different scales.
    """
    layout = layout_of(list(ranks))
    names = sorted(ranks, key=is_convolution)
    lists: dict[str, _ByBlock] = {}
    for kind, part in groupby(names, key=is_convolution):
        lists["conv_" if kind else ""] = _by_block({name: ranks[name] for name in part}, alphas, layout)
    text: dict[str, str] = {}
    for kind, part in lists.items():
        blocks = range(BLOCKS[layout])
        text[f"{kind}block_dims"] = ",".join(str(part.dims.get(block, 0)) for block in blocks)
        text[f"{kind}block_alphas"] = ",".join(str(part.alpha(block)) for block in blocks)
    if "" not in lists:  # without block_dims the trainer gives every other module network_dim
        text["block_dims"] = ",".join("0" * BLOCKS[layout])
    part = lists.get("", lists.get("conv_"))
    assert part is not None
    outside = TEXT_ENCODER if TEXT_ENCODER in part.dims else max(part.dims, key=lambda block: part.dims[block])
    return {
        "network_dim": part.dims[outside],
        "network_alpha": part.alpha(outside),
        "network_args": [f"{name}={values}" for name, values in text.items()],
    }


@dataclass(frozen=True)
class _ByBlock:
    """One rank and one scale for each block."""

    dims: dict[int, int]
    scales: dict[int, float]

    def alpha(self, block: int) -> float:
        """Return a block's alpha; 1 where it has no rank."""
        return _whole(self.dims[block] * self.scales[block]) if block in self.dims else 1


def _by_block(ranks: Mapping[str, int], alphas: Mapping[str, float], layout: str) -> _ByBlock:
    """Return the largest rank of each block, and its one scale."""
    found = _ByBlock({}, {})
    for module, rank in ranks.items():
        block, scale = block_of(module, layout), alphas[module] / rank
        found.dims[block] = max(rank, found.dims.get(block, 0))
        if abs(found.scales.setdefault(block, scale) - scale) > 1e-9 * abs(scale):
            raise ValueError(
                f"the modules of block {block} have scales {found.scales[block]:g} and {scale:g}, "
                "kohya's trainer gives a block one alpha; use PEFT's configuration."
            )
    return found


def as_json(arguments: Mapping[str, Any], kept: str) -> str:
    """Return the arguments of a LoraConfig as JSON.

    Parameters
    ----------
    arguments : mapping
        Made by `lora_arguments`.
    kept : str
        What the ranks keep, in one sentence.
    """
    return json.dumps(dict(arguments), indent=2)


def as_python(arguments: Mapping[str, Any], kept: str) -> str:
    """Return a LoraConfig as Python, with what the ranks keep as a comment.

    Parameters
    ----------
    arguments : mapping
        Made by `lora_arguments`.
    kept : str
        What the ranks keep, in one sentence.
    """
    lines = [f"# {kept}", f"# {PROMISE}", "from peft import LoraConfig", "", "config = LoraConfig("]
    for name, value in arguments.items():
        lines += _entry(name, value)
    return "\n".join([*lines, ")"])


def as_kohya(arguments: Mapping[str, Any], kept: str) -> str:
    """Return kohya's arguments as lines of its configuration file (TOML).

    Parameters
    ----------
    arguments : mapping
        Made by `kohya_arguments`.
    kept : str
        What the ranks keep, in one sentence.
    """
    entries = [f"{name} = {json.dumps(value)}" for name, value in arguments.items()]
    return "\n".join([f"# {kept}", f"# {PROMISE}", 'network_module = "networks.lora"', *entries])


FORMS = {"json": as_json, "python": as_python, "kohya": as_kohya}


def _entry(name: str, value: Any) -> Sequence[str]:
    """Return the lines of one argument."""
    if isinstance(value, Mapping) and value:
        inside = [f"        {key!r}: {entry!r}," for key, entry in value.items()]  # pyright: ignore[reportUnknownVariableType]
        return [f"    {name}={{", *inside, "    },"]
    if isinstance(value, list) and value:
        inside = [f"        {entry!r}," for entry in value]  # pyright: ignore[reportUnknownVariableType]
        return [f"    {name}=[", *inside, "    ],"]
    return [f"    {name}={value!r},"]


def _whole(value: float) -> float:
    """Return a number as an int where it is one."""
    return int(value) if value == int(value) else value
