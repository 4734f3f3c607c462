"""Measurement: a plan's chunks become rows, with no more work than their metrics need and none done twice."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from rankkit import execution
from rankkit.factors import Array, Factors, host
from rankkit.metrics import METRICS, numerical_rank_bounds
from rankkit.plan import Chunk, Plan
from rankkit.solvers import count_above
from rankkit.spectrum import spectrum_of
from rankkit.store import Store

__all__ = ["SETTING", "collect", "gather", "measure"]

SETTING = ("d", "n", "r", "omega", "c", "omega_std", "seed", "dtype", "rtol")

COPIES = 12  # float64 matrices of the update's size that are alive at once, for every update in a batch
HEAVY = 1e12  # of plan.work: half a minute on two cores, beside which starting processes is nothing


def collect(
    plan: Plan,
    folder: str | os.PathLike[str] | None,
    *,
    platform: dict[str, str],
    n_jobs: int | None,
    progress: bool | None,
) -> dict[str, Any]:
    """Return the columns of a plan, going on from what the store in the folder holds and keeping there what is new."""
    store = None if folder is None else Store.begin(folder, plan.describe(), platform)
    pieces = [] if store is None else [columns for _, columns in store.pieces()]
    place = {omega: i for i, omega in enumerate(plan.omegas)}
    done: dict[int, set[int]] = {}
    for columns in pieces:
        for seed, omega in zip(columns["seed"], columns["omega"], strict=True):
            done.setdefault(int(seed), set()).add(place[float(omega)])
    chunks = plan.chunks(done)
    jobs = 1 if n_jobs is None and plan.device is not None else n_jobs
    label, left = f"sweep d={plan.d} r={plan.r}", len(chunks)
    heavy = plan.device is None and plan.work * sum(chunk.stop - chunk.start for chunk in chunks) > HEAVY
    try:
        for chunk, columns in execution.run(
            partial(measure, plan), chunks, n_jobs=jobs, processes=heavy, progress=progress, label=label
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


def gather(store: Store) -> dict[str, Any]:
    """Return the columns of what a store holds so far.

    Raises
    ------
    ValueError
        If nothing in it is finished.
    """
    pieces = [columns for _, columns in store.pieces()]
    if not pieces:
        raise ValueError(f"{store.folder} holds no finished chunk yet; run the sweep with this store first.")
    return _assemble(pieces, store.arguments)


def _assemble(pieces: Sequence[dict[str, Any]], arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the pieces' rows as columns, each (seed, omega) once, in the order of the arguments."""
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


def measure(plan: Plan, chunk: Chunk) -> dict[str, Any]:
    """Return the columns of one chunk's rows: omega, seed, c, omega_std and the metrics'.

    On numpy one update after another, which keeps each in cache. On a torch device as many at once as the memory
    holds; the batch is halved and tried again where the device runs out of it.
    """
    factors = plan.factors(chunk.seed)
    omegas = plan.omegas[chunk.start : chunk.stop]
    batch = 1 if plan.device is None else _batch_size(plan)
    parts, at = [], 0
    while at < len(omegas):
        try:
            parts.append(_rows(plan, factors, omegas[at : at + batch]))
        except RuntimeError as error:
            if batch == 1 or type(error).__name__ != "OutOfMemoryError":
                raise
            batch = max(1, batch // 2)
            continue
        at += batch
    omega = np.asarray(omegas, dtype=np.float64)
    setting = {
        "omega": omega,
        "seed": np.full(omega.size, chunk.seed),
        "c": omega * math.prod(plan.initializer.scales(plan.d, plan.n, plan.r)),
        "omega_std": omega * float(host(factors.entry_std())),
    }
    return setting | {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _batch_size(plan: Plan) -> int:
    memory = execution.device_memory(str(plan.device)) if plan.memory is None else plan.memory
    return max(1, memory // (8 * COPIES * plan.d * plan.n))


def _rows(plan: Plan, factors: Factors, omegas: tuple[float, ...]) -> dict[str, Any]:
    """Return the metrics' columns for a batch of frequencies."""
    rules = [plan.rule(omega) for omega in omegas]
    errors = np.array([float(host(rule.forming_error(factors, dtype=plan.dtype))) for rule in rules])
    updates = [rule(factors, dtype=plan.dtype) for rule in rules]
    if len(updates) == 1 or any(isinstance(update, Factors) for update in updates):
        single = [_metrics(plan, update, error) for update, error in zip(updates, errors, strict=True)]
        return {name: np.array([row[name] for row in single]) for name in single[0]}
    import torch

    stacked: Array = torch.stack(updates)  # type: ignore[arg-type]
    return {name: np.atleast_1d(value) for name, value in _metrics(plan, stacked, errors).items()}


def _metrics(plan: Plan, update: Factors | Array, error: Any) -> dict[str, Any]:
    """Return the metrics of one update or a batch of them: all singular values only if something needs them."""
    others = [name for name in plan.metrics if name != "numerical_rank"]
    whole = isinstance(update, Factors) or any(METRICS[name].needs_tail for name in others)
    spectrum = spectrum_of(update, top=None if whole else 1, forming_error=error) if whole or others else None
    row: dict[str, Any] = {}
    for name in plan.metrics:
        if name != "numerical_rank":
            assert spectrum is not None
            row[name] = METRICS[name].of(spectrum)
            continue
        if whole:
            assert spectrum is not None
            lower, upper = numerical_rank_bounds(spectrum, rtol=plan.rtol)
        else:
            lower, upper, _ = count_above(update, rtol=plan.rtol, forming_error=error)
        row[name] = np.where(lower == upper, np.asarray(lower, dtype=np.float64), np.nan)[()]
        row |= {f"{name}_lower": lower, f"{name}_upper": upper}
    return row
