"""audit: how much of its rank an adapter uses, module by module."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from rankkit import execution
from rankkit.audits.batches import apply_in_batches
from rankkit.audits.chosen import Chosen
from rankkit.audits.record import Audit
from rankkit.audits.row import row_of
from rankkit.audits.several import labelled, together
from rankkit.audits.update import Applied, apply
from rankkit.audits.weights import Base
from rankkit.checkpoints import Adapter, Layer, dora, is_model, open_adapter
from rankkit.checkpoints.folders import named_under
from rankkit.checkpoints.module_names import by_depth
from rankkit.checkpoints.readers.full import difference
from rankkit.checks import finite, integer, torch_device
from rankkit.columns import gathered
from rankkit.rules import Rule

__all__ = ["audit", "audit_full"]


def audit(
    source: Any,
    *,
    config: Mapping[str, Any] | None = None,
    family: str | None = None,
    adapter: str | Sequence[str] | None = None,
    each: bool = False,
    modules: str | Sequence[str] | None = None,
    inputs: Any = None,
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
    source : path, str, mapping or live PEFT model
        An adapter folder or file of one of `rankkit.checkpoints.READERS` (.safetensors, .bin, .pt, .npz, .gguf, or a
        .zip of these), its name on the Hugging Face Hub ("org/name"), a state dict, or a model in memory with adapters
        of any method of PEFT, whose rows are the updates that it applies now. The model is not changed.
    config : mapping, optional
        The adapter's configuration where there is none beside the file: lora_alpha, r, use_rslora, rank_pattern,
        alpha_pattern.
    family : str, optional
        The format to read it as, one of `rankkit.checkpoints.READERS`; None: the one that its keys, shapes and
        configuration tell.
    adapter : str or sequence of str, optional
        Of a live model: which of its adapters; of several, their sum as the model would apply it. None: the active
        ones. Of a folder: the adapter in this subfolder, such as "checkpoint-500"; of several, each.
    each : bool
        Measure several adapters into one table, whose column adapter says which: each active adapter of a live model
        besides their sum, or every adapter in a folder and its subfolders.
    modules : str or sequence of str, optional
        Measure these modules alone: a regular expression for whole paths, or ends of paths, as PEFT's target_modules;
        None: all. The tensors of the others are not read.
    inputs : mapping, tuple or tensor, optional
        Of a live model: what it is called with, once. A layer that is not linear in its input (AdaSine, Lily, X-LoRA,
        Poly) has no one update; it is measured by the Jacobian of its adapter's part at what reaches it, mean over
        the tokens, with the spread in the note.
    rtol : float, optional
        Tolerance of numerical_rank relative to sigma_1; None: max(m, n) * eps(float32).
    rule : Rule, optional
        Audit the updates that the factors would make under this rule, for instance `Sine(200.0)`. It replaces every
        module's own, scale included. (Sweeps and predictions take a function that makes a rule from omega instead.)
    exact : bool
        Make a full SVD of every non-linear update. Otherwise the singular values of large ones (over 2^20 entries) come
        from their Gram matrix, several times faster: the leading ones to about 1e-9, none worse than 1e-4 sigma_1, and
        every number with the error that follows.
    base : path, mapping or torch.nn.Module, optional
        The model that the adapter was trained on (folder, file, index of shards, state dict, model in memory). It
        adds the columns weight_spectral_norm, weight_frobenius_norm, relative_spectral and relative_frobenius (norm of
        the update over that of the weight) and base_note (why a row has none), makes DoRA's update the one that
        the adapter really applies, and measures the methods of PEFT whose update is made from the base's weights
        (extra `train`).
    intruders : int, optional
        With base: count, among so many leading left singular vectors of the adapted weight, those that have no
        cosine of 0.5 with any of the base's (arXiv 2410.21228). This takes two full SVDs for each module. None: no
        count.
    device : str, optional
        Torch device for the non-linear updates, such as "cuda", where modules of one shape and rule are computed
        together; None: numpy.
    memory : int, optional
        Bytes it may use on the device; None: most of what is free there.
    progress : bool, optional
        Show a bar on stderr; None: where stderr is a terminal.

    Raises
    ------
    TypeError
        If the source is nothing that an adapter can be read from.
    ValueError
        If an argument is out of its range, the source is damaged, of an unknown family, or holds no adapter module, or
        the base has the weight of none of the modules.
        Trouble with one module is the status of its row instead.

    Examples
    --------
    >>> import numpy as np
    >>> state = {"layers.0.mlp.up.lora_A.weight": np.eye(2, 4), "layers.0.mlp.up.lora_B.weight": np.eye(3, 2)}
    >>> audit(state, config={"lora_alpha": 4}).table["stable_rank"].round(12).tolist()
    [2.0]
    """
    chosen = None if modules is None else Chosen(modules)
    _check_types(rule, config)
    if intruders is not None:
        integer("intruders", intruders, advice="it is the number of singular vectors to look at")
        if base is None:
            raise ValueError("intruders needs base, the model the adapter was trained on; pass base=MODEL.")
    if memory is not None and device is None:
        raise ValueError("memory needs device, the torch device it is a limit for; pass device, for instance 'cuda'.")
    if device is not None:
        torch_device("device", device)
    if inputs is not None and not is_model(source):
        raise ValueError("inputs needs a model in memory as the source, which is called with them; leave inputs out.")
    if not is_model(source) and (each or adapter is not None):
        each_of = partial(
            audit, config=config, family=family, modules=modules, rtol=rtol, rule=rule, exact=exact, base=base,
            intruders=intruders, device=device, memory=memory, progress=progress,
        )  # fmt: skip
        return _of_folder(source, adapter, each_of)
    weights = None if base is None else Base(base)
    opened = open_adapter(source, config=config, family=family, adapter=adapter, each=each, base=weights, inputs=inputs)
    if chosen is not None:
        opened = replace(opened, layers=chosen.of(opened.layers))
    if weights is not None:
        weights.check_fits(opened.layers)
    apply_all = partial(_one_by_one, rule=rule, exact=exact)
    if device is not None:
        apply_all = partial(apply_in_batches, rule=rule, device=device, memory=memory, exact=exact)
    # under another rule no weight is turned: what is measured is the product, so the row says that it is only that
    prepared = dora.with_weight if weights is None else weights.adapted
    prepared = prepared if rule is None else dora.with_range
    against = None if weights is None else _Against(weights, intruders)
    report = _measure(opened, prepared, apply_all, against, rtol=rtol, progress=progress)
    return labelled(report) if each else report


def _of_folder(source: Any, adapter: str | Sequence[str] | None, one: Callable[[Path], Audit]) -> Audit:
    """Return the audit of one adapter under a folder, or of several as one table."""
    places = named_under(source, adapter)
    if isinstance(adapter, str):
        return one(places[adapter])
    reports: dict[str, Audit | ValueError] = {}
    for name, place in places.items():
        try:
            reports[name] = replace(one(place), beside=())
        except ValueError as error:
            reports[name] = error
    return together(str(source), reports)


def audit_full(
    tuned: Any, base: Any, *, rtol: float | None = None, exact: bool = False, progress: bool | None = None
) -> Audit:
    """Return the audit of a full fine-tune: W_tuned - W of every matrix that two checkpoints share.

    Parameters
    ----------
    tuned, base : path, mapping or torch.nn.Module
        Each is a model's folder, a tensor file, the index of its shards, a state dict, or a model in memory.
    rtol, exact, progress
        As for `audit`.

    Raises
    ------
    ValueError
        If one is damaged, or they share no matrix. Tensors that only one of them has are in `.skipped`.
    """
    apply_all = partial(_one_by_one, rule=None, exact=exact)
    return _measure(
        difference(tuned, base), dora.with_range, apply_all, _Against(Base(base), None), rtol=rtol, progress=progress
    )


@dataclass(frozen=True)
class _Against:
    """The weights that updates are compared with, and how many singular vectors to search for intruders, if any."""

    weights: Base
    intruders: int | None


def _measure(
    adapter: Adapter,
    prepared: Callable[[Layer], Layer],
    apply_all: Callable[[Iterable[Layer]], Iterator[tuple[Layer, Applied]]],
    against: _Against | None,
    *,
    rtol: float | None,
    progress: bool | None,
) -> Audit:
    """Return the audit of an opened adapter; its modules are read as apply_all asks for them."""
    if rtol is not None:
        rtol = finite("rtol", rtol, least=0, below=1, advice="leave it out for max(m, n) * eps(float32)")
    execution.keep_freed_memory()
    stored = {layer.name: layer for layer in adapter.layers}
    depths = dict(by_depth(stored))
    tracked = execution.track(depths, total=len(depths), progress=progress, label="audit")
    layers = (prepared(stored[name]) for name in tracked)
    rows: dict[str, dict[str, Any]] = {}
    spectra: dict[str, Any] = {}
    used: set[str] = set()  # keys of magnitudes that became part of an update
    for layer, applied in apply_all(layers):
        rows[layer.name] = row_of(layer, depths[layer.name], applied, rtol)
        if against is not None:
            rows[layer.name] |= against.weights.columns(layer, applied, against.intruders)
        if applied.spectrum is not None:
            spectra[layer.name] = applied.spectrum.values
        if (magnitude := stored[layer.name].magnitude) and not layer.magnitude:
            used.add(magnitude.key)
    return Audit(
        adapter.source,
        gathered(rows[name] for name in depths),
        {name: spectra[name] for name in depths if name in spectra},
        tuple(entry for entry in adapter.skipped if entry.key not in used),
        use_rslora=adapter.use_rslora,
        beside=adapter.beside,
    )


def _check_types(rule: object, config: object) -> None:
    """Raise unless each is of its type, or None."""
    if rule is not None and not isinstance(rule, Rule):
        raise TypeError(f"rule must be a Rule such as rankkit.rules.Sine(100), got {rule!r}; make one with its omega.")
    if config is not None and not isinstance(config, Mapping):
        raise TypeError(f"config must be a mapping, got {type(config).__name__}; read the JSON file first.")


def _one_by_one(layers: Iterable[Layer], rule: Rule | None, *, exact: bool) -> Iterator[tuple[Layer, Applied]]:
    """Return an iterator over what became of each module, one in memory at a time."""
    return ((layer, apply(layer, rule, exact=exact)) for layer in layers)
