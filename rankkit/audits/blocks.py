"""The blocks of a U-Net as kohya's trainer counts them, which gives each block one rank.

The counting is that of `get_block_index` in networks/lora.py of kohya-ss/sd-scripts: 25 blocks of Stable Diffusion 1
and 2 (12 down, 1 in the middle, 12 up), 23 of SDXL (embeddings, 9 in, 3 in the middle, 9 out, the last layer). Its
convolutions of 3 x 3 have lists of their own, conv_block_dims and conv_block_alphas, and no adapter without them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["BLOCKS", "TEXT_ENCODER", "block_of", "is_convolution", "layout_of"]

BLOCKS = {"sd": 25, "sdxl": 23}  # how many entries block_dims has
TEXT_ENCODER = -1  # in place of a block: its modules get network_dim
HALF = 12  # blocks on either side of the middle one, of Stable Diffusion 1 and 2

_SD = re.compile(r"(up|down)_blocks_(\d+)_(resnets|upsamplers|downsamplers|attentions)_(\d+)_")
_SDXL = re.compile(r"(input_blocks|middle_block|output_blocks)_(\d+)")
_FIRST_OF_SDXL = {"input_blocks": 1, "middle_block": 10, "output_blocks": 13}
_DEEP = re.compile(r"(up|down)_blocks_\d+_attentions_\d+_transformer_blocks_[1-9]")  # which only SDXL has
# the convolutions of 3 x 3: of residual blocks, under diffusers' and SDXL's own names, and between resolutions
_WIDE = re.compile(
    r"_(conv[12]|in_layers_2|out_layers_3|(up|down)samplers_\d+_conv|(in|out)put_blocks_\d+_\d+_(op|conv))_$"
)
_TEXT = re.compile(r"(^|_)(te[12]?|text_encoder(_2)?|text_model)_")


def layout_of(modules: Sequence[str]) -> str:
    """Return which U-Net the modules are of: "sd" or "sdxl".

    Parameters
    ----------
    modules : sequence of str
        Their paths.

    Raises
    ------
    ValueError
        If they are of neither, or of SDXL under names that kohya's trainer does not have.
    """
    names = [_flat(name) for name in modules]
    if any(_DEEP.search(name) for name in names):
        raise ValueError(
            "these are SDXL's modules under diffusers' names, whose blocks kohya's trainer counts otherwise; "
            "use the adapter as kohya's trainer saved it, or PEFT's configuration."
        )
    if any(_SDXL.search(name) for name in names):
        return "sdxl"
    if any(_SD.search(name) or "mid_block_" in name for name in names):
        return "sd"
    raise ValueError(
        f"no module is in a block of a U-Net, got for instance {modules[0] if modules else 'none'!r}; "
        "kohya's ranks by block are for Stable Diffusion 1, 2 and XL."
    )


def block_of(module: str, layout: str) -> int:
    """Return the number of a module's block; `TEXT_ENCODER` for a text encoder's module.

    Parameters
    ----------
    module : str
        Its path.
    layout : {"sd", "sdxl"}

    Raises
    ------
    ValueError
        If the module is in no block.

    Examples
    --------
    >>> block_of("lora_unet_down_blocks_1_attentions_0_proj_in", "sd"), block_of("lora_te_text_model_0_fc1", "sd")
    (4, -1)
    """
    name = _flat(module)
    if layout == "sdxl":
        if found := _SDXL.search(name):
            return _FIRST_OF_SDXL[found[1]] + int(found[2])
    elif found := _SD.search(name):
        at = 3 * int(found[2]) + (2 if found[3].endswith("samplers") else int(found[4]))
        return 1 + at + (HALF if found[1] == "up" else 0)
    elif "mid_block_" in name:
        return HALF
    if _TEXT.search(name):
        return TEXT_ENCODER
    raise ValueError(f"{module} is in no block of the U-Net; kohya's trainer would not give it a rank by block.")


def is_convolution(module: str) -> bool:
    """Return whether kohya's trainer takes a module's rank from conv_block_dims: a convolution of 3 x 3.

    Parameters
    ----------
    module : str
        Its path.

    Examples
    --------
    >>> is_convolution("lora_unet_down_blocks_0_resnets_0_conv1")
    True
    >>> is_convolution("lora_unet_down_blocks_1_resnets_0_conv_shortcut")
    False
    """
    return _WIDE.search(_flat(module)) is not None


def _flat(module: str) -> str:
    return f"{module.replace('.', '_')}_"
