"""audit: how much of its rank an adapter uses, module by module."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from rankkit import execution
from rankkit.audits.batches import apply_in_batches
from rankkit.audits.record import Audit
from rankkit.audits.row import row_of
from rankkit.audits.update import Applied, apply
from rankkit.audits.weights import Base
from rankkit.checkpoints import Adapter, Layer, dora, open_adapter
from rankkit.checkpoints.module_names import by_depth
from rankkit.checkpoints.readers.full import difference
from rankkit.rules import Rule

__all__ = ["audit", "audit_full"]


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
        apply_all = partial(apply_in_batches, rule=rule, device=device, memory=memory, exact=exact)
    # under another rule no weight is turned: what is measured is the product, so the row says that it is only that
    prepared = dora.with_range if weights is None or rule is not None else weights.adapted
    return _measure(adapter, prepared, apply_all, weights, intruders, rtol, progress)


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
    return _measure(difference(tuned, base), dora.with_range, apply_all, Base(base), None, rtol, progress)


def _measure(
    adapter: Adapter,
    prepared: Callable[[Layer], Layer],
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
    layers = (prepared(by_name[name]) for name in tracked)
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
