"""audit: how much of its rank an adapter uses, module by module."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rankkit import execution, store
from rankkit.applied import Applied, apply, row_of
from rankkit.base import Base, difference
from rankkit.checkpoints import Adapter, Layer, Skipped, open_adapter
from rankkit.checkpoints.naming import by_depth
from rankkit.rules import Rule

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["STATUSES", "Audit", "audit", "audit_full"]

STATUSES = ("ok", "zero", "nonfinite", "unpaired", "unsupported")


@dataclass(frozen=True, eq=False)
class Audit:
    """What an adapter's update looks like, one row per module.

    Attributes
    ----------
    source : str
        What was audited.
    columns : dict of str to list
        module, layer (depth, None where the path has no number), kind (attention, mlp, other), m (outputs),
        n (inputs), r (stored rank), dtype (as stored), scale, rule, omega_std (omega times the standard deviation of
        B A; NaN for linear updates), spectral_norm, frobenius_norm (scale applied), stable_rank, numerical_rank
        (values above rtol * sigma_1), rtol, effective_rank, effective_rank_energy, participation_ratio,
        energy_rank_90, _95, _99, utilization (stable_rank / r), status, note, regime (where the update is on
        the frequency curve: linear, growing, saturated; see `applied.regime`), plain_stable_rank (of B A alone),
        numerical_rank_lower and _upper (a rank that the values' errors leave open is NaN, with these beside it),
        spectral_norm_error, stable_rank_error, effective_rank_error, effective_rank_energy_error (bounds on how far
        they may be off). Metrics are NaN for all but ok.
    spectra : dict of str to array
        Singular values of every module whose status is ok, descending.
    skipped : tuple of Skipped
        (key, shape, reason) of every tensor that belongs to no row.
    """

    source: str
    columns: dict[str, list[Any]]
    spectra: dict[str, Any]
    skipped: tuple[Skipped, ...]

    @property
    def table(self) -> pd.DataFrame:
        """One row per adapter module."""
        import pandas as pd

        return pd.DataFrame(self.columns).astype(dict.fromkeys(("layer", "m", "n", "r"), "Int64"))

    @property
    def coverage(self) -> str:
        """One sentence: how many modules were analysed, and what was not."""
        status = self.columns["status"]
        sentence = f"{status.count('ok')} of {len(status)} modules measured"
        trouble = [f"{status.count(name)} {name}" for name in STATUSES[1:] if status.count(name)]
        sentence += f" ({', '.join(trouble)})" if trouble else ""
        if self.skipped:
            names = ", ".join(entry.key for entry in self.skipped[:3]) + (", ..." if len(self.skipped) > 3 else "")
            reasons = "; ".join(dict.fromkeys(entry.reason for entry in self.skipped))
            count = f"{len(self.skipped)} tensor{'s' if len(self.skipped) > 1 else ''}"
            sentence += f"; {count} not analysed: {names} ({reasons})"
        return sentence + "."

    def summary_columns(self) -> dict[str, list[Any]]:
        """Return `summary`'s columns as plain lists."""
        rows: dict[str, list[Any]] = {}
        kinds = [*dict.fromkeys(sorted(self.columns["kind"])), "all"]
        for kind in kinds:
            members = [i for i, k in enumerate(self.columns["kind"]) if kind in (k, "all")]
            alive = [i for i in members if self.columns["status"][i] == "ok"]
            row: dict[str, Any] = {"kind": kind, "modules": len(members), "ok": len(alive)}
            row["dead"] = sum(self.columns["status"][i] == "zero" for i in members)
            for name in ("r", "stable_rank", "effective_rank", "energy_rank_90", "utilization"):
                values = [self.columns[name][i] for i in alive]
                row[f"{name}_median"] = float(np.median(values)) if values else math.nan
            for name in ("utilization", "frobenius_norm"):
                values = [self.columns[name][i] for i in alive]
                row[f"{name}_min"], row[f"{name}_max"] = (min(values), max(values)) if values else (math.nan, math.nan)
            for name, value in row.items():
                rows.setdefault(name, []).append(value)
        return rows

    def summary(self) -> pd.DataFrame:
        """Return medians and extremes by kind of module, and over all; dead modules counted, not averaged."""
        import pandas as pd

        return pd.DataFrame(self.summary_columns())

    def plot(self, axes: Any = None) -> Any:
        """Draw stable rank against depth by module type, and the normalised spectra; returns the two axes."""
        from rankkit.plots import audit_overview

        return audit_overview(self.table, self.spectra, axes=axes)

    def save(self, file: str | os.PathLike[str]) -> Path:
        """Write the table to .csv; with skipped tensors and the summary to .json, .md or .html; the spectra to .npz."""
        writers: dict[str, Callable[[Any], object]] = {
            ".csv": lambda out: out.write(self.table.to_csv(index=False, lineterminator="\n").encode()),
            ".json": lambda out: out.write(json.dumps(self.record(), indent=2, allow_nan=False).encode()),
            ".md": lambda out: out.write(f"{self.to_markdown()}\n".encode()),
            ".html": lambda out: out.write(self.to_html().encode()),
            ".npz": lambda out: store.write_npz(out, self.spectra),
        }
        suffix = Path(file).suffix
        if suffix not in writers:
            raise ValueError(f"file must end in {', '.join(writers)}, got {str(file)!r}; choose one of these.")
        return store.write_atomically(file, writers[suffix])

    def to_markdown(self) -> str:
        """Return a section for a model card: coverage, medians, what the words mean, and the modules, folded."""
        from rankkit.card import card

        return card(self)

    def to_html(self) -> str:
        """Return one self-contained page: summary, figures, a sortable table, definitions, provenance."""
        from rankkit.page import page

        return page(self)

    def record(self) -> dict[str, Any]:
        """Return everything but the spectra as JSON-ready values; NaN becomes None."""
        names = list(self.columns)
        rows = [dict(zip(names, map(_plain, row), strict=True)) for row in zip(*self.columns.values(), strict=True)]
        summary = self.summary_columns()
        return {
            "format": 1,
            "source": self.source,
            "coverage": self.coverage,
            "modules": rows,
            "summary": [
                dict(zip(summary, map(_plain, row), strict=True)) for row in zip(*summary.values(), strict=True)
            ],
            "skipped": [{"key": s.key, "shape": list(s.shape), "reason": s.reason} for s in self.skipped],
        }


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value


def audit(
    source: Any,
    *,
    config: Mapping[str, Any] | None = None,
    family: str | None = None,
    rtol: float | None = None,
    rule: Rule | None = None,
    exact: bool = False,
    base: Any = None,
    intruders: int | None = None,
    device: str | None = None,
    memory: int | None = None,
    progress: bool | None = None,
) -> Audit:
    """Return the audit of an adapter: the update each module really adds, scale included.

    Parameters
    ----------
    source : path, mapping or live PEFT model
        An adapter folder or file (PEFT, kohya, LyCORIS, diffusers, cloneofsimo, loralib, MLX, sine-LoRA, LoRAN, bare
        pairs; .safetensors, .bin, .pt, .npz), a state dict, or a model with adapters.
    config : mapping, optional
        The adapter's configuration where it does not lie beside the file: lora_alpha, r, use_rslora,
        rank_pattern, alpha_pattern.
    family : str, optional
        The format to read it as, one of `rankkit.checkpoints.READERS`; None: what its keys, shapes and config tell.
    rtol : float, optional
        Tolerance of numerical_rank relative to sigma_1; None: max(m, n) * eps(float32).
    rule : Rule, optional
        What would this adapter be under another rule? It replaces every module's own, scale included.
    exact : bool
        A full SVD of every non-linear update. Otherwise the singular values of large ones (over 2^20 entries) come
        from their Gram matrix, several times faster: the leading ones to about 1e-9, none worse than 1e-4 sigma_1, and
        every number with the error that follows.
    base : path or mapping, optional
        The model it was trained on (folder, file, index of shards, state dict), read tensor by tensor. Adds the columns
        weight_spectral_norm, weight_frobenius_norm, relative_spectral and relative_frobenius (norm of the update over
        that of the weight) and base_note (why a row has none), and makes DoRA's update the one it really applies.
    intruders : int, optional
        With base: count, among so many leading left singular vectors of the adapted weight, those that have no
        cosine of 0.5 with any of the base's (arXiv 2410.21228). Two full SVDs a module; None: not counted.
    device : str, optional
        Torch device for the non-linear updates, such as "cuda", where modules of one shape and rule are computed
        together; None: numpy.
    memory : int, optional
        Bytes that may take on the device; None: most of what is free there.
    progress : bool, optional
        Bar on stderr; None: where stderr is a terminal.

    Raises
    ------
    ValueError
        If the source is damaged, of an unknown family, or holds no adapter module. Trouble with one
        module is a row's status instead.

    Examples
    --------
    >>> state = {"layers.0.mlp.up.lora_A.weight": np.eye(2, 4), "layers.0.mlp.up.lora_B.weight": np.eye(3, 2)}
    >>> audit(state, config={"lora_alpha": 4}).table["stable_rank"].round(12).tolist()
    [2.0]
    """
    if rtol is not None and not (math.isfinite(rtol) and rtol >= 0):
        raise ValueError(f"rtol must be finite and >= 0, got {rtol!r}; None means max(m, n) * eps(float32).")
    if intruders is not None and (base is None or intruders < 1):
        raise ValueError(f"intruders must be at least 1 and needs base, got {intruders!r}; pass base=MODEL.")
    adapter, weights = open_adapter(source, config=config, family=family), None if base is None else Base(base)
    apply_all = partial(_one_by_one, rule=rule, exact=exact)
    if device is not None:
        from rankkit.batches import apply_in_batches

        apply_all = partial(apply_in_batches, rule=rule, device=device, memory=memory, exact=exact)
    return _measure(adapter, apply_all, weights, intruders, rtol, progress)


def audit_full(
    tuned: Any, base: Any, *, rtol: float | None = None, exact: bool = False, progress: bool | None = None
) -> Audit:
    """Return the audit of a full fine-tune: W_tuned - W of every matrix two checkpoints share.

    Parameters
    ----------
    tuned, base : path or mapping
        Each a model's folder, a tensor file, the index of its shards, or a state dict, read tensor by tensor.
    rtol, exact, progress
        As for `audit`.

    Raises
    ------
    ValueError
        If one is damaged, or they share no matrix. What only one has is in `.skipped`.
    """
    apply_all = partial(_one_by_one, rule=None, exact=exact)
    return _measure(difference(tuned, base), apply_all, Base(base), None, rtol, progress)


def _measure(
    adapter: Adapter,
    apply_all: Callable[[Iterable[Layer]], Iterator[tuple[Layer, Applied]]],
    base: Base | None,
    intruders: int | None,
    rtol: float | None,
    progress: bool | None,
) -> Audit:
    """Return the audit of an opened adapter; its modules are read as apply_all asks for them."""
    execution.keep_freed_memory()
    depths = dict(by_depth(layer.name for layer in adapter.layers))
    by_name = {layer.name: layer for layer in adapter.layers}
    tracked = execution.track(depths, total=len(depths), progress=progress, label="audit")
    layers = (by_name[name] if base is None else base.adapted(by_name[name]) for name in tracked)
    rows: dict[str, dict[str, Any]] = {}
    spectra: dict[str, Any] = {}
    used: set[str] = set()
    for layer, applied in apply_all(layers):
        rows[layer.name] = row_of(layer, depths[layer.name], applied, rtol)
        if applied.spectrum is not None:
            spectra[layer.name] = applied.spectrum.values
        if base is not None:
            rows[layer.name] |= base.columns(layer, applied, intruders)
        if (magnitude := by_name[layer.name].magnitude) and not layer.magnitude:
            used.add(magnitude.key)
    columns = {column: [rows[name][column] for name in depths] for column in next(iter(rows.values()))}
    skipped = tuple(entry for entry in adapter.skipped if entry.key not in used)
    return Audit(adapter.source, columns, {name: spectra[name] for name in depths if name in spectra}, skipped)


def _one_by_one(layers: Iterable[Layer], rule: Rule | None, *, exact: bool) -> Iterator[tuple[Layer, Applied]]:
    """Return an iterator over what became of each module, one in memory at a time."""
    return ((layer, apply(layer, rule, exact=exact)) for layer in layers)
