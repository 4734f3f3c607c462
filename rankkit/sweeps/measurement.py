"""Measurement: the chunks of a plan become rows. No row is measured twice, nor with more work than it needs."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np

from rankkit import execution
from rankkit.factors import Array, Factors, host
from rankkit.metrics import METRICS, numerical_rank_bounds
from rankkit.solvers import count_above
from rankkit.solvers.tolerance import Bounds
from rankkit.spectrum import Spectrum, spectrum_of
from rankkit.store import Store
from rankkit.sweeps.plan import Chunk, Plan

__all__ = ["SETTING", "collect", "gather", "measure"]

SETTING = ("d", "n", "r", "omega", "c", "omega_std", "seed", "dtype", "rtol")

COPIES = 12  # float64 matrices of the update's size that are alive at once, for every update of a batch (measured)
PROBED = {"rule": "omegas"}  # a plan describes its rule by what it does at its frequencies
HEAVY = 1e12  # of Plan.work: half a minute on two cores, beside which the start of processes takes no time
LARGEST_TOL = 1e-6  # of sigma_1 where it is the only value needed: float32's vectors suffice for it
COUNTED = "numerical_rank"  # the metric that has bounds, and that needs no singular values

Columns = dict[str, Any]


def collect(
    plan: Plan,
    folder: str | os.PathLike[str] | None,
    *,
    platform: dict[str, str],
    n_jobs: int | None,
    progress: bool | None,
) -> Columns:
    """Return the columns of a plan.

    Parameters
    ----------
    plan : Plan
        What to measure.
    folder : path or None
        The folder of a store. Its finished pieces are used, and new ones are kept there. None: nothing is kept.
    platform : dict
        The versions and the machine at hand.
    n_jobs : int or None
        How many workers; None: all cores, or one for a torch device.
    progress : bool or None
        Show a bar on stderr; None: only where stderr is a terminal.

    Returns
    -------
    dict of str to array

    Raises
    ------
    ValueError
        If the folder holds the store of another computation.
    KeyboardInterrupt
        If the user stops it. With a store the message says how to go on.
    """
    store = None if folder is None else Store.begin(folder, plan.describe(), platform, follows=PROBED)
    pieces = [] if store is None else [columns for _, columns in store.pieces()]
    chunks = plan.chunks(_finished(pieces, plan))
    left = len(chunks)
    try:
        for chunk, columns in execution.run(
            partial(measure, plan),
            chunks,
            n_jobs=1 if n_jobs is None and plan.device is not None else n_jobs,
            processes=plan.device is None and plan.work * sum(chunk.stop - chunk.start for chunk in chunks) > HEAVY,
            progress=progress,
            label=f"sweep d={plan.d} r={plan.r}",
        ):
            if store is not None:
                store.write(f"seed{chunk.seed}-omega{chunk.start}-{chunk.stop - 1}", columns)
            pieces.append(columns)
            left -= 1
    except KeyboardInterrupt:
        if store is None:
            raise
        raise KeyboardInterrupt(
            f"{left} of {len(chunks)} chunks are left; the same call with the store {store.folder} goes on, "
            "and Sweep.load reads what is there"
        ) from None
    return _assemble(pieces, plan.describe())


def _finished(pieces: Iterable[Columns], plan: Plan) -> dict[int, set[int]]:
    """Return for every seed the places in omegas that some piece holds."""
    place = {omega: i for i, omega in enumerate(plan.omegas)}
    finished: dict[int, set[int]] = {}
    for columns in pieces:
        for seed, omega in zip(columns["seed"], columns["omega"], strict=True):
            finished.setdefault(int(seed), set()).add(place[float(omega)])
    return finished


def gather(store: Store) -> Columns:
    """Return the columns of what a store holds so far.

    Parameters
    ----------
    store : Store

    Returns
    -------
    dict of str to array

    Raises
    ------
    ValueError
        If no piece is finished.
    """
    pieces = [columns for _, columns in store.pieces()]
    if not pieces:
        raise ValueError(f"{store.folder} holds no finished chunk yet; run the sweep with this store first.")
    return _assemble(pieces, store.arguments)


def _assemble(pieces: Sequence[Columns], arguments: dict[str, Any]) -> Columns:
    """Return the rows of all pieces as columns, each (seed, omega) once, in the order of the arguments."""
    joined = {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}
    seeds, omegas = ({value: i for i, value in enumerate(arguments[name])} for name in ("seeds", "omegas"))
    places = [
        seeds[seed] * len(omegas) + omegas[omega]
        for seed, omega in zip(joined["seed"].tolist(), joined["omega"].tolist(), strict=True)
    ]
    order = np.unique(places, return_index=True)[1]
    rows = {name: values[order] for name, values in joined.items()}
    constant = {name: np.full(len(order), arguments[name]) for name in ("d", "n", "r", "rtol")}
    constant["dtype"] = np.full(len(order), arguments["dtype"], dtype=object)
    return {name: (rows | constant)[name] for name in SETTING} | rows


def measure(plan: Plan, chunk: Chunk) -> Columns:
    """Return the columns of one chunk: omega, seed, c, omega_std and those of the metrics.

    On numpy one update is measured after another, which keeps each in cache. A torch device takes as many at once as
    its memory holds. Where it runs out of memory, the batch is halved and tried again.

    Parameters
    ----------
    plan : Plan
    chunk : Chunk

    Returns
    -------
    dict of str to array
    """
    factors = plan.factors(chunk.seed)
    omegas = plan.omegas[chunk.start : chunk.stop]
    batches = execution.Batches(1 if plan.device is None else _batch_size(plan))
    parts = list(batches.run(partial(_rows, plan, factors), omegas))
    omega = np.asarray(omegas, dtype=np.float64)
    setting = {
        "omega": omega,
        "seed": np.full(omega.size, chunk.seed),
        "c": omega * math.prod(plan.initializer.scales(plan.d, plan.n, plan.r)),
        "omega_std": omega * float(host(factors.entry_std())),
    }
    return setting | {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _batch_size(plan: Plan) -> int:
    """Return how many updates fit in the memory that they may use."""
    memory = execution.device_memory(str(plan.device)) if plan.memory is None else plan.memory
    return max(1, memory // (np.dtype(np.float64).itemsize * COPIES * plan.d * plan.n))


def _rows(plan: Plan, factors: Factors, omegas: Sequence[float]) -> Columns:
    """Return the metrics' columns for a batch of frequencies."""
    rules = [plan.rule(omega) for omega in omegas]
    errors = np.array([float(host(rule.forming_error(factors, dtype=plan.dtype))) for rule in rules])
    updates: list[Array] = [rule(factors, dtype=plan.dtype) for rule in rules]
    if len(updates) == 1 or any(isinstance(update, Factors) for update in updates):
        single = [_metrics(plan, update, error) for update, error in zip(updates, errors, strict=True)]
        return {name: np.array([row[name] for row in single]) for name in single[0]}
    import torch

    return {name: np.atleast_1d(value) for name, value in _metrics(plan, torch.stack(updates), errors).items()}


def _metrics(plan: Plan, update: Factors | Array, error: Array) -> dict[str, Any]:
    """Return the metrics of one update or of a batch; all singular values are computed only if something needs them."""
    others = [name for name in plan.metrics if name != COUNTED]
    whole = isinstance(update, Factors) or any(METRICS[name].needs_tail for name in others)
    spectrum: Spectrum | None = None
    if whole:
        spectrum = spectrum_of(update, forming_error=error)
    elif others:
        spectrum = spectrum_of(update, top=1, forming_error=error, tol=LARGEST_TOL)
    row: dict[str, Any] = {}
    for name in plan.metrics:
        if name != COUNTED:
            assert spectrum is not None
            row[name] = METRICS[name].of(spectrum)
        elif whole:
            assert spectrum is not None
            row |= _counted(numerical_rank_bounds(spectrum, rtol=plan.rtol))
        else:
            count = count_above(update, rtol=plan.rtol, forming_error=error)
            row |= _counted(Bounds(count.lower, count.upper))
    return row


def _counted(bounds: Bounds) -> dict[str, Any]:
    """Return the numerical rank and its bounds."""
    return {COUNTED: bounds.known, f"{COUNTED}_lower": bounds.lower, f"{COUNTED}_upper": bounds.upper}
