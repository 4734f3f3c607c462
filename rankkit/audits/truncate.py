"""Smaller adapters: the least rank a module needs for a given accuracy, and a PEFT adapter that has it."""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rankkit import execution
from rankkit.audits.audit import audit
from rankkit.audits.compare import compare
from rankkit.audits.record import Audit
from rankkit.checkpoints import Layer, open_adapter, read_config, tensor_file
from rankkit.checkpoints.files.torch_pickle import torch_file
from rankkit.checkpoints.forms import LORA
from rankkit.factors import Factors, host

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Ranks", "suggest_ranks", "truncate"]

NORMS = ("frobenius", "spectral")
ROUNDOFF = {"F64": 2.0**-53, "F32": 2.0**-24, "F16": 2.0**-11, "BF16": 2.0**-8}


@dataclass(frozen=True, eq=False)
class Ranks:
    """The least rank of every module for a given accuracy.

    Attributes
    ----------
    columns : dict of str to list
        module, r (stored), rank (that suffices), kept_energy (||best of that rank||_F^2 / ||update||_F^2),
        frobenius_error and spectral_error (relative to the update's own norms), scale, parameters (m + n times rank),
        note. With `truncate` also written_error, the relative Frobenius distance of what the written file holds.
    use_rslora : bool
        Whether the adapter's scale is alpha / sqrt(rank) instead of alpha / rank.
    """

    columns: dict[str, list[Any]]
    use_rslora: bool = False

    @property
    def table(self) -> pd.DataFrame:
        """One row a module."""
        import pandas as pd

        return pd.DataFrame(self.columns).astype(dict.fromkeys(("r", "rank", "parameters"), "Int64"))

    @property
    def rank_pattern(self) -> dict[str, int]:
        """What PEFT's configuration calls so: module -> rank."""
        return dict(zip(self.columns["module"], self.columns["rank"], strict=True))

    def alpha_pattern(self) -> dict[str, float]:
        """Return PEFT's alpha_pattern that keeps every module's scale at its new rank."""
        rows = zip(self.columns["module"], self.columns["scale"], self.columns["rank"], strict=True)
        return {module: scale * (math.sqrt(rank) if self.use_rslora else rank) for module, scale, rank in rows}

    @property
    def summary(self) -> str:
        """One sentence: how much smaller."""
        stored = sum(
            r * p // k for r, p, k in zip(*(self.columns[c] for c in ("r", "parameters", "rank")), strict=True)
        )
        kept = sum(self.columns["parameters"])
        worst = max(self.columns["frobenius_error"])
        share = f"{kept:,} of {stored:,} parameters ({100 * kept / stored:.1f} %)"
        return f"{share}; largest relative Frobenius error {worst:.3g}."


def suggest_ranks(report: Audit, *, keep: float = 0.95, norm: str = "frobenius", rank: int | None = None) -> Ranks:
    """Return the smallest rank of every module that keeps its update up to a stated error (Eckart and Young 1936).

    Parameters
    ----------
    report : Audit
        Rows whose status is not ok are left out.
    keep : float
        "frobenius": share of the energy sum sigma^2 that the kept values hold at least; "spectral": the first value
        left out is at most (1 - keep) sigma_1. In (0, 1].
    norm : {"frobenius", "spectral"}
    rank : int, optional
        Instead: this rank for every module that has a larger one.

    Examples
    --------
    >>> state = {"up.lora_A.weight": np.diag([3.0, 1.0, 0.1]), "up.lora_B.weight": np.eye(3)}
    >>> suggest_ranks(audit(state, config={"lora_alpha": 3}), keep=0.95).rank_pattern
    {'up': 2}
    """
    _check(keep, norm, rank)
    return _ranks(report, {name: _chosen(sigma, keep, norm, rank) for name, sigma in report.spectra.items()})


def truncate(
    source: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    keep: float = 0.95,
    norm: str = "frobenius",
    rank: int | None = None,
    progress: bool | None = None,
) -> Ranks:
    """Write a PEFT LoRA adapter with smaller ranks, checked after writing, and return what each module kept.

    Parameters
    ----------
    source : path
        A PEFT LoRA adapter: a folder, or its tensor file with adapter_config.json beside it.
    out : path
        Folder to write, new or empty.
    keep, norm
        As for `suggest_ranks`.
    rank : int, optional
        Instead: this rank for every module that has a larger one.
    progress : bool, optional
        Bar on stderr; None: where stderr is a terminal.

    Raises
    ------
    ValueError
        If the source is no plain PEFT LoRA, or out holds something.

    Notes
    -----
    The kept part U S V^T of B A is stored as B = U sqrt(S), A = sqrt(S) V^T in the dtype it had; scales stay as they
    are, through alpha_pattern. Modules that are not plain linear products, and all other tensors, are copied.
    """
    _check(keep, norm, rank)
    folder, config = Path(out), read_config(source)
    if config is None or str(config.get("peft_type", "LORA")).upper() != "LORA" or config.get("use_dora"):
        raise ValueError(f"{source} must be a PEFT LoRA adapter with its adapter_config.json, and no DoRA.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"{folder} is there and not empty; name a new folder.")
    adapter, report = open_adapter(source), audit(source, progress=False)
    layers = {layer.name: layer for layer in adapter.layers if _plain(layer)}
    if not layers:
        raise ValueError(f"{source} holds no plain linear LoRA module that can be made smaller.")
    spectra = {name: report.spectra[name] for name in layers if name in report.spectra}
    chosen = {name: _chosen(sigma, keep, norm, rank) for name, sigma in spectra.items()}
    ranks = _ranks(report, chosen)
    state = _state(tensor_file(source))
    for name in execution.track(chosen, total=len(chosen), progress=progress, label="truncate"):
        if chosen[name] < (layers[name].r or 0):
            _shrink(state, layers[name], chosen[name])
    return _write(source, folder, state, _config(config, ranks), ranks)


def _check(keep: float, norm: str, rank: int | None) -> None:
    if rank is not None and rank < 1:
        raise ValueError(f"rank must be at least 1, got {rank!r}.")
    if not 0 < keep <= 1 or norm not in NORMS:
        raise ValueError(f"keep must lie in (0, 1] and norm be one of {', '.join(NORMS)}, got {keep!r} and {norm!r}.")


def _plain(layer: Layer) -> bool:
    """Return whether a layer is a linear map's scale * B A, stored as two matrices."""
    two = {"A", "B"} <= layer.keys.keys() and "embedding" not in layer.keys["A"]
    return layer.status == "ok" and layer.rule.linear and layer.form is LORA and two


def _chosen(sigma: Any, keep: float, norm: str, rank: int | None) -> int:
    """Return the rank for one module's singular values: the one asked for, as far as it has that, or the least."""
    return _least(sigma, keep, norm) if rank is None else min(rank, sigma.size)


def _least(sigma: Any, keep: float, norm: str) -> int:
    """Return the smallest k that keeps enough."""
    if norm == "spectral":
        return max(1, int(np.sum(sigma > (1 - keep) * sigma[0])))
    behind = np.append(np.cumsum(sigma[::-1] ** 2)[::-1], 0.0)
    return max(1, int(np.argmax(behind <= (1 - keep) * behind[0])))


def _ranks(report: Audit, chosen: Mapping[str, int]) -> Ranks:
    columns: dict[str, list[Any]] = {}
    for i, name in enumerate(report.columns["module"]):
        if name not in chosen:
            continue
        sigma, k = report.spectra[name], chosen[name]
        # from the small end, so that a small error keeps its digits
        left, whole = float(np.sum(sigma[k:][::-1] ** 2)), float(np.sum(sigma[::-1] ** 2))
        row = {
            "module": name, "r": report.columns["r"][i], "rank": k, "kept_energy": 1 - left / whole,
            "frobenius_error": math.sqrt(left / whole),
            "spectral_error": float(sigma[k] / sigma[0]) if k < sigma.size else 0.0,
            "scale": report.columns["scale"][i],
            "parameters": k * (report.columns["m"][i] + report.columns["n"][i]), "note": report.columns["note"][i],
        }  # fmt: skip
        for column, value in row.items():
            columns.setdefault(column, []).append(value)
    if not columns:
        raise ValueError(f"{report.source} has no module that could be measured; nothing to make smaller.")
    return Ranks(columns, _rslora(report.source))


def _rslora(source: str) -> bool:
    """Return whether an adapter's configuration, where it has one, says that its scale is alpha / sqrt(rank)."""
    return Path(source).exists() and bool((read_config(source) or {}).get("use_rslora"))


def _state(file: Path) -> dict[str, Any]:
    """Return all of a file's tensors as torch tensors, whatever they are."""
    if file.suffix == ".json":
        raise ValueError(f"{file} is an index of shards, which truncate does not write; merge them into one file.")
    if file.suffix == ".safetensors":
        from safetensors.torch import load_file

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
        state[layer.keys[part]] = torch.from_numpy(np.ascontiguousarray(matrix)).to(old.dtype)


def _config(config: Mapping[str, Any], ranks: Ranks) -> dict[str, Any]:
    """Return the configuration with the new ranks, and alphas that keep the scales."""
    alphas = ranks.alpha_pattern()
    # PEFT takes the first pattern that matches the end of a module's path: longer paths first, and before the old ones
    ordered = sorted(ranks.rank_pattern, key=len, reverse=True)
    new = {"rank_pattern": ranks.rank_pattern, "alpha_pattern": alphas}
    patterns = {
        name: {module: values[module] for module in ordered} | _others(config.get(name), ordered)
        for name, values in new.items()
    }
    return {**config, **patterns}


def _others(patterns: Any, named: list[str]) -> dict[str, Any]:
    return {key: value for key, value in dict(patterns or {}).items() if key not in named}


def _write(source: Any, folder: Path, state: Mapping[str, Any], config: Mapping[str, Any], ranks: Ranks) -> Ranks:
    """Write an adapter's two files once they are found to hold what they should; return the ranks with what they do."""
    from safetensors.torch import save_file

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


def _verified(source: Any, made: Path, ranks: Ranks) -> Ranks:
    """Return the ranks with the error of what was written; raise if one is worse than truncation and rounding."""
    found = compare(source, made, labels=("before", "after"), progress=False).columns
    written = dict(zip(found["module"], found["relative_distance"], strict=True))
    dtypes = {layer.name: layer.dtype for layer in open_adapter(made).layers}
    errors = [written[name] for name in ranks.columns["module"]]
    for name, stated, k, error in zip(
        *(ranks.columns[column] for column in ("module", "frobenius_error", "rank")), errors, strict=True
    ):
        rounding = 4 * math.sqrt(k) * max(ROUNDOFF[dtype] for dtype in dtypes[name].split("/"))
        if not error <= stated + rounding:
            raise ArithmeticError(f"{name} would be off by {error:.3g}, not {stated:.3g}: nothing was written.")
    return Ranks({**ranks.columns, "written_error": errors}, ranks.use_rslora)
