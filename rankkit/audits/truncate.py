"""truncate: a PEFT LoRA adapter with the ranks it needs, written only after it was found to be what it should be."""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rankkit import execution
from rankkit.audits.audit import audit
from rankkit.audits.compare import compare
from rankkit.audits.ranked import Ranks
from rankkit.audits.ranks import Choice
from rankkit.checkpoints import Layer, open_adapter, read_config, tensor_file
from rankkit.checkpoints.fields import start_of
from rankkit.checkpoints.files.torch_pickle import torch_file
from rankkit.checkpoints.forms import LORA
from rankkit.factors import Factors, host

__all__ = ["truncate"]

ROUNDOFF = {"F64": 2.0**-53, "F32": 2.0**-24, "F16": 2.0**-11, "BF16": 2.0**-8}  # unit roundoff by stored dtype
ROUNDINGS = 4  # times sqrt(rank) roundoffs: what storing both factors does to the product at most


def truncate(
    source: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    keep: float = 0.95,
    norm: str = "frobenius",
    rank: int | None = None,
    budget: int | None = None,
    progress: bool | None = None,
) -> Ranks:
    """Write a PEFT LoRA adapter with smaller ranks, checked after writing, and return what each module kept.

    Parameters
    ----------
    source : path
        A PEFT LoRA adapter: a folder, or its tensor file with adapter_config.json beside it.
    out : path
        Folder to write, new or empty.
    keep, norm, rank, budget
        As for `suggest_ranks`.
    progress : bool, optional
        Show a bar on stderr; None: where stderr is a terminal.

    Raises
    ------
    ValueError
        If the source is no plain PEFT LoRA, or one whose factors began as a part of the base weight, an argument is out
        of its range, or out holds something.
    ArithmeticError
        If what would be written is further from the adapter than truncation and rounding explain.

    Notes
    -----
    The kept part U S V^T of B A is stored as B = U sqrt(S), A = sqrt(S) V^T in the dtype it had; scales stay as they
    are, through alpha_pattern. Modules that are not plain linear products, and all other tensors, are copied.
    """
    choice, folder, config = Choice(keep, norm, rank, budget), Path(out), read_config(source)
    if config is None or str(config.get("peft_type", "LORA")).upper() != "LORA" or config.get("use_dora"):
        raise ValueError(
            f"{source} is {_what(config)}; truncate writes plain PEFT LoRA alone: use --dry-run (in Python "
            "suggest_ranks) to see the ranks."
        )
    if start := start_of(config):
        raise ValueError(
            f"{source} was initialised as {start}: its factors hold a part of the base weight, which PEFT finds anew "
            "by the rank when it loads the adapter; convert it to a plain LoRA first "
            "(save_pretrained with path_initial_model_for_weight_conversion)."
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"{folder} is there and not empty; name a new folder.")
    layers = {layer.name: layer for layer in open_adapter(source).layers if _plain(layer)}
    if not layers:
        raise ValueError(f"{source} holds no plain linear LoRA module that can be made smaller.")
    report = audit(source, progress=False)
    ranks = choice.ranks(report, {name: sigma for name, sigma in report.spectra.items() if name in layers})
    state, chosen = _state(tensor_file(source)), ranks.rank_pattern
    for name in execution.track(chosen, total=len(chosen), progress=progress, label="truncate"):
        if chosen[name] < (layers[name].r or 0):
            _shrink(state, layers[name], chosen[name])
    return _write(source, folder, state, _config(config, ranks), ranks)


def _what(config: Mapping[str, Any] | None) -> str:
    """Return what a source is that is no plain PEFT LoRA."""
    if config is None:
        return "no PEFT adapter, because it has no adapter_config.json"
    kind = str(config.get("peft_type", "LORA")).upper()
    return "a DoRA adapter" if kind == "LORA" else f"a {kind} adapter"


def _plain(layer: Layer) -> bool:
    """Return whether a layer adds scale * B A to a linear map, stored as two matrices; DoRA adds something else."""
    two = {"A", "B"} <= layer.keys.keys() and "embedding" not in layer.keys["A"]
    plain = layer.status == "ok" and layer.rule.linear and layer.magnitude is None and not layer.assumed
    return plain and layer.form is LORA and two


def _state(file: Path) -> dict[str, Any]:
    """Return all of a file's tensors as torch tensors, whatever they are."""
    if file.suffix == ".json":
        raise ValueError(f"{file} is an index of shards, which truncate does not write; merge them into one file.")
    if file.suffix == ".safetensors":
        from safetensors.torch import load_file  # pyright: ignore[reportUnknownVariableType]

        return load_file(file)
    return dict(torch_file(file).state)


def _shrink(state: dict[str, Any], layer: Layer, k: int) -> None:
    """Replace a module's two tensors by those of its best approximation of rank k."""
    import torch

    product = layer.product()
    assert isinstance(product, Factors)
    B, A = host(product.B), host(product.A)
    Q_B, R_B = np.linalg.qr(B)
    Q_A, R_A = np.linalg.qr(A.T)
    U, s, Vt = np.linalg.svd(R_B @ R_A.T)
    root = np.sqrt(s[:k])
    new = {"B": (Q_B @ U[:, :k]) * root, "A": root[:, None] * (Vt[:k] @ Q_A.T)}
    for part, matrix in new.items():
        old = state[layer.keys[part]]
        state[layer.keys[part]] = torch.as_tensor(np.ascontiguousarray(matrix)).to(old.dtype)


def _config(config: Mapping[str, Any], ranks: Ranks) -> dict[str, Any]:
    """Return the configuration with the new ranks, and with alphas that keep the scales."""
    patterns = {"rank_pattern": ranks.rank_pattern, "alpha_pattern": ranks.alpha_pattern()}
    return {**config, **{name: _merged(config.get(name), values) for name, values in patterns.items()}}


def _merged(old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> dict[str, Any]:
    """Return a pattern of the configuration in which the new entries are found before the old ones.

    PEFT takes the first key that matches the end of a module's path, so longer paths stand first.
    """
    first = {module: new[module] for module in sorted(new, key=len, reverse=True)}
    return first | {key: value for key, value in (old or {}).items() if key not in first}


def _write(
    source: str | os.PathLike[str], folder: Path, state: Mapping[str, Any], config: Mapping[str, Any], ranks: Ranks
) -> Ranks:
    """Write an adapter's two files once they hold what they should; return the ranks with the errors of the files."""
    from safetensors.torch import save_file  # pyright: ignore[reportUnknownVariableType]

    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as place:
        made = Path(place) / "adapter"
        made.mkdir()
        save_file({key: tensor.contiguous() for key, tensor in state.items()}, made / "adapter_model.safetensors")
        (made / "adapter_config.json").write_text(json.dumps(config, indent=2))
        verified = _verified(source, made, ranks)
        if folder.exists():
            folder.rmdir()
        made.rename(folder)
    return verified


def _verified(source: str | os.PathLike[str], made: Path, ranks: Ranks) -> Ranks:
    """Return the ranks with the error of what was written; raise if one is worse than truncation and rounding."""
    found = compare(source, made, labels=("before", "after"), progress=False).columns
    distances = dict(zip(found["module"], found["relative_distance"], strict=True))
    dtypes = {layer.name: layer.dtype for layer in open_adapter(made).layers}
    stated = dict(zip(ranks.columns["module"], ranks.columns["frobenius_error"], strict=True))
    for module, rank in ranks.rank_pattern.items():
        roundoff = max(ROUNDOFF[dtype] for dtype in dtypes[module].split("/"))
        if not distances[module] <= stated[module] + ROUNDINGS * math.sqrt(rank) * roundoff:
            raise ArithmeticError(
                f"{module} would be off by {distances[module]:.3g}, not {stated[module]:.3g}: nothing was written."
            )
    written = [distances[module] for module in ranks.columns["module"]]
    return Ranks({**ranks.columns, "written_error": written}, ranks.use_rslora, ranks.most_kept)
