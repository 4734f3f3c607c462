"""The table of readers: one family of formats each, asked in this order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from rankkit.checkpoints.files.tensors import Some, Tensors, few_of
from rankkit.checkpoints.headers import header_of
from rankkit.checkpoints.layer import Adapter, Layer, Skipped
from rankkit.checkpoints.methods import READ, method_of, named_in, refuse
from rankkit.checkpoints.missing import check_whole
from rankkit.checkpoints.module_names import bare
from rankkit.checkpoints.readers import (
    adapters,
    cloneofsimo,
    delora,
    diffusers,
    gguf,
    kohya,
    loralib,
    loran,
    megatron,
    mlx,
    pairs,
    peft,
    sine_lora,
    torchtune,
    vera,
)
from rankkit.checkpoints.readers.build import NoModuleError
from rankkit.checkpoints.untrusted import Config

__all__ = ["READERS", "Reader", "read"]

NO_ADAPTER = "no adapter tensor"  # begins every family's reason for a tensor whose name tells it nothing
PLAIN = "LORA"  # the one method of PEFT's whose factors other trainers call otherwise under its configuration
SHARING = ("vera", "randlora")  # what is left of theirs are the matrices that all modules share


class Reader(NamedTuple):
    """One family of formats.

    Attributes
    ----------
    recognises : callable
        (keys, config) -> whether this is one of them; never by the file's name.
    read : callable
        (tensors, config) -> Adapter.
    """

    recognises: Callable[[list[str], Config], bool]
    read: Callable[[Tensors, Config], Adapter]


READERS: dict[str, Reader] = {
    "sine": Reader(sine_lora.recognises, sine_lora.read),
    "loran": Reader(loran.recognises, loran.read),
    "adapters": Reader(adapters.recognises, adapters.read),
    "vera": Reader(vera.recognises_vera, vera.read_vera),
    "randlora": Reader(vera.recognises_randlora, vera.read_randlora),
    "delora": Reader(delora.recognises, delora.read),
    "kohya": Reader(kohya.recognises, kohya.read),
    "diffusers": Reader(diffusers.recognises, diffusers.read),
    "cloneofsimo": Reader(cloneofsimo.recognises, cloneofsimo.read),
    "gguf": Reader(gguf.recognises, gguf.read),
    "torchtune": Reader(torchtune.recognises, torchtune.read),
    "megatron": Reader(megatron.recognises, megatron.read),
    "mlx": Reader(mlx.recognises, mlx.read),
    "loralib": Reader(loralib.recognises, loralib.read),
    "peft": Reader(peft.recognises, peft.read),
    "pairs": Reader(pairs.recognises, pairs.read),
}


def read(tensors: Tensors, config: Config, family: str | None = None) -> Adapter:
    """Return the adapter, read as the named family or as the first that recognises it.

    Parameters
    ----------
    tensors : Tensors
    config : mapping or None
    family : str, optional
        One of `READERS`; None: the first that recognises keys and configuration.

    Raises
    ------
    ValueError
        If the method is one that is refused, no family recognises the source, or it is damaged.
    """
    if family is not None:
        if not isinstance(family, str) or family not in READERS:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ValueError(f"family must be one of {', '.join(READERS)}, got {family!r}; or leave it out.")
        return READERS[family].read(tensors, config)
    for said in [config] if config is not None else header_of(tensors.metadata).configs.values():
        if "peft_type" in said and (method := method_of(said)) not in READ:
            raise refuse(method, tensors.source)
    check_whole(tensors.source, tensors.info)
    keys = list(map(bare, tensors.info))
    if not keys:
        raise ValueError(f"{tensors.source} is empty; pass an adapter's folder, file or state dict.")
    trouble: NoModuleError | None = None
    other = config is not None and "peft_type" in config and method_of(config) != PLAIN
    for name, reader in READERS.items():
        if reader.recognises(keys, config):
            try:
                adapter = reader.read(tensors, config)
            except NoModuleError as error:  # a family may be recognised by the configuration alone, or by one name
                if other:  # what the configuration says is believed
                    raise
                trouble = trouble or error
                continue
            return _with_other_families(adapter, tensors, config, name)
    if trouble is not None:
        raise trouble
    if reason := named_in(keys):
        raise ValueError(f"{tensors.source} holds {reason}.")
    if _looks_whole(keys):
        raise ValueError(
            f"{tensors.source} looks like a whole model, not an adapter: {few_of(tensors)}; pass the adapter's folder, "
            "or measure a full fine-tune with --full TUNED --base MODEL (audit_full), or check a merge with "
            "ADAPTER --merged MERGED --base MODEL (audit_merged)."
        )
    advice = f"name its --family ({', '.join(READERS)})"
    raise ValueError(f"{tensors.source} holds no LoRA module that any reader knows: {few_of(tensors)}; {advice}.")


def _looks_whole(keys: list[str]) -> bool:
    """Return whether most tensors are called as a model's own, and none as an adapter's."""
    named = any(word in key.lower() for key in keys for word in ("lora", "adapter"))
    return not named and 2 * sum(key.endswith((".weight", ".bias")) for key in keys) > len(keys)


def _with_other_families(adapter: Adapter, tensors: Tensors, config: Config, own: str) -> Adapter:
    """Return an adapter with the modules that its file holds in other families' formats, as mixed trainings write."""
    left: list[str] = (
        [] if own in SHARING else [entry.key for entry in adapter.skipped if entry.reason.startswith(NO_ADAPTER)]
    )
    for name, reader in READERS.items():
        if not left:
            break
        if name == own or not reader.recognises(list(map(bare, left)), config):
            continue
        try:
            more = reader.read(Some(tensors, left), config)
        except ValueError:  # what is left only looks like this family
            continue
        known = {layer.name for layer in adapter.layers}
        new = tuple(layer for layer in more.layers if layer.name not in known)
        if all(layer.status == "unpaired" for layer in new):  # half a pair may be anything
            continue
        taken = {key for layer in new for key in _keys(layer)}
        still: dict[str, Skipped] = {entry.key: entry for entry in more.skipped} | {
            key: Skipped(key, tensors.info[key].shape, f"a second update of module {layer.name}, in another format")
            for layer in more.layers for key in _keys(layer) if key not in taken
        }  # fmt: skip
        adapter = replace(
            adapter,
            layers=(*adapter.layers, *new),
            skipped=tuple(still.get(e.key, e) for e in adapter.skipped if e.key not in left or e.key in still),
        )
        left = [key for key in left if key in still]
    return adapter


def _keys(layer: Layer) -> list[str]:
    """Return the keys of all tensors that a layer is made of."""
    return [*layer.keys.values(), *([layer.magnitude.key] if layer.magnitude else [])]
