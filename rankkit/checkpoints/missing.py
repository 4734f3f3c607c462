"""What is not there: files and tensors that stand for weights that lie elsewhere, and what to do about it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from pathlib import Path

from rankkit.checkpoints.files.tensors import TensorInfo

__all__ = ["DCP", "ZERO_3", "check_gathered", "check_whole", "is_sharded_state", "reason_for_file", "reason_for_folder"]

POINTER = b"version https://git-lfs.github.com/spec/"
LONGEST_START = 100  # bytes of a file that are looked at
GGLA = b"algg"  # "ggla", as that program wrote it
ARCHIVES = (".tar", ".tar.gz", ".tgz", ".nemo", ".7z", ".rar")
FLAT = "flat_param"
MOST_ENTRIES = 10_000  # of a folder that are looked at
ZERO_3 = "has no numbers, as DeepSpeed ZeRO-3 leaves what was not gathered before it was saved"

_SHARD = re.compile(r".*\.distcp|.*zero_pp_rank_\d+.*\.pt|.*_optim_states\.pt|mp_rank_\d+.*\.pt|model_optim_rng\.pt")
_SHARDS_IN = re.compile(
    r"pytorch_model_fsdp_\d+|fsdp_model_\d+|global_step\d+|iter_\d{7}|mp_rank_\d+(_\d+)?|.*\.distcp|zero_pp_rank_.*"
)
_SHARDED_CLASS = re.compile(r"torch\.distributed\S* \S+|\S*(DTensor|ShardedTensor|ShardMetadata)\S*")
DCP = (
    "a sharded state that torch's distributed checkpoint (FSDP, Megatron) writes: gather it with "
    "python -m torch.distributed.checkpoint.format_utils dcp_to_torch FOLDER FILE, and pass the FILE"
)
ZERO = "a sharded state that DeepSpeed writes: run the zero_to_fp32.py beside it, and pass the file that it makes"
MSGPACK = (
    "Flax's msgpack, which rankkit does not read: restore it with flax.serialization.msgpack_restore, and save the "
    "arrays with safetensors.numpy.save_file or numpy.savez"
)


def reason_for_file(path: Path) -> str:
    """Return why a file holds no tensors though its name promises them, as the end of a sentence; "" where it may."""
    with path.open("rb") as file:
        start = file.read(LONGEST_START)
    if not start:
        return "empty: it was not downloaded or saved to its end"
    if start.startswith(POINTER):
        return "a pointer of Git LFS, not the file itself: run git lfs pull where it lies, or download the file again"
    if start.lstrip().lower().startswith((b"<!doctype", b"<html")):
        return "a web page, not the file itself: download the file again, from the address of the file"
    if start.startswith(GGLA):
        return "an adapter of llama.cpp before GGUF: convert the original adapter with convert_lora_to_gguf.py"
    if _SHARD.fullmatch(path.name):
        return _of_shards(path.name)
    if path.name.endswith(ARCHIVES):
        return "an archive: unpack it, and pass the folder"
    return MSGPACK if path.suffix == ".msgpack" else ""


def reason_for_folder(folder: Path) -> str:
    """Return why a folder without a tensor file holds no adapter, as the end of a sentence; "" where nothing tells."""
    for number, entry in enumerate(sorted(folder.iterdir())):
        if number == MOST_ENTRIES:
            break
        if _SHARD.fullmatch(entry.name) or _SHARDS_IN.fullmatch(entry.name):
            return _of_shards(entry.name)
        if entry.suffix == ".msgpack":
            return MSGPACK
        if entry.name.endswith((*ARCHIVES, ".zip")):
            return f"a folder around an archive: pass {entry.name} if it is a zip, or unpack it and pass the folder"
    return ""


def _of_shards(name: str) -> str:
    return ZERO if re.match(r"global_step|.*zero_pp_rank|.*_optim_states|mp_rank_\d+_model_states", name) else DCP


def is_sharded_state(name: str) -> bool:
    """Return whether a class that a pickle refers to, as "module name", is that of a tensor spread over devices."""
    return _SHARDED_CLASS.fullmatch(name) is not None


def check_whole(source: str, names: Iterable[str]) -> None:
    """Raise if a file has the flat parameters into which FSDP packs the tensors of many modules.

    Parameters
    ----------
    source : str
        What the message calls the adapter.
    names : iterable of str
        Of all its tensors.

    Raises
    ------
    ValueError
        If it has.
    """
    if any(name.rpartition(".")[2].lstrip("_").startswith(FLAT) for name in names):
        raise ValueError(
            f"{source} holds FSDP's flat parameters, in which the modules cannot be told apart: save it again with "
            "the state dict type FULL_STATE_DICT."
        )


def check_gathered(source: str, infos: Iterable[TensorInfo]) -> None:
    """Raise if no tensor has a single number: what DeepSpeed's ZeRO stage 3 leaves of tensors that were not gathered.

    Parameters
    ----------
    source : str
        What the message calls the adapter.
    infos : iterable of TensorInfo
        Of all its factors.

    Raises
    ------
    ValueError
        If there is no number in any of them.
    """
    shapes = [entry.shape for entry in infos]
    if shapes and not any(map(math.prod, shapes)):
        raise ValueError(
            f"{source} holds tensors of no numbers, as DeepSpeed ZeRO-3 leaves those that were not gathered before "
            "they were saved; set stage3_gather_16bit_weights_on_model_save and save again, or run zero_to_fp32.py."
        )
