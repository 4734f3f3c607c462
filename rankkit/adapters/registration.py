"""The seam to PEFT: all of its private machinery that the adapters rest on, in one module.

PEFT looks a method up by a member of its enum `PeftType`. A string in its place works in PEFT alone, but not in
transformers' `load_adapter` nor in a saved configuration, so that the methods become real members.
"""

# torch's and PEFT's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING
from peft.tuners.lora.config import LoraConfig
from peft.tuners.lora.layer import Linear as LoraLinear
from peft.tuners.lora.layer import LoraLayer
from peft.tuners.lora.model import LoraModel
from peft.tuners.tuners_utils import BaseTuner, BaseTunerLayer
from peft.utils.peft_types import PeftType, register_peft_method

__all__ = ["PREFIX", "SUPPORTED", "member", "moved", "register"]

SUPPORTED = ("0.21", "0.22")  # the first minor release of PEFT that works, and the first that was not tried
PREFIX = "lora_"  # of every trained tensor of a module, as PEFT's LoRA layers name them

# what of PEFT the adapters call or replace; none of it is promised to stay
_RESTED_ON: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (PeftType, ("_member_map_", "_member_names_", "_value2member_map_")),
    (
        LoraModel,
        (
            "_create_and_replace", "_create_new_module", "_check_new_adapter_config", "_check_merge_allowed",
            "_prepare_model", "_get_adapter_state_dict", "add_weighted_adapter", "tuner_layer_cls",
        ),
    ),
    (BaseTuner, ("_remap_adapter_state_dict_for_load", "_remove_adapter_name_from_key")),
    (
        LoraLayer,
        (
            "update_layer", "reset_lora_parameters", "_mixed_batch_forward", "_check_forward_args",
            "adapter_layer_names", "other_param_names", "set_scale",
        ),
    ),
    (LoraLinear, ("merge", "unmerge", "get_delta_weight", "forward")),
    (BaseTunerLayer, ("_move_adapter_to_device_of_base_layer", "get_base_layer", "set_adapter")),
    (LoraConfig, ("__post_init__", "to_dict")),
)  # fmt: skip


def moved() -> list[str]:
    """Return the names that the adapters rest on and that the installed PEFT does not have; none is as it should be."""
    return [f"{owner.__name__}.{name}" for owner, names in _RESTED_ON for name in names if not hasattr(owner, name)]


def member(name: str) -> PeftType:
    """Return the member of PEFT's enum of this name, which becomes one if it is none yet.

    Examples
    --------
    >>> member("SINELORA") is member("SINELORA")
    True
    """
    known: dict[str, Any] = PeftType._member_map_  # pyright: ignore[reportPrivateUsage, reportAssignmentType]
    if name not in known:
        new = str.__new__(PeftType, name)
        new._name_, new._value_ = name, name  # pyright: ignore[reportAttributeAccessIssue]
        type.__setattr__(PeftType, name, new)
        known[name] = new
        PeftType._member_names_.append(name)  # pyright: ignore[reportPrivateUsage]
        PeftType._value2member_map_[name] = new  # pyright: ignore[reportPrivateUsage]
    return known[name]


def register(name: str, config: type, model: type) -> None:
    """Make a method known to PEFT under this name, once.

    Raises
    ------
    ImportError
        If the installed PEFT lacks something that the adapters rest on.
    """
    if gone := moved():
        raise ImportError(
            f"rankkit.adapters works with peft >= {SUPPORTED[0]}, < {SUPPORTED[1]}; the installed {version('peft')} "
            f"has no {', '.join(gone)}: install a supported one."
        )
    kind = member(name)
    if PEFT_TYPE_TO_CONFIG_MAPPING.get(kind) is not config:
        register_peft_method(name=name.lower(), config_cls=config, model_cls=model, prefix=PREFIX)
