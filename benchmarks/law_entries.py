"""The law for other entries, and for trained factors, against measurements; `python benchmarks/law.py` runs it.

`--only laws` draws settings at random: entries of six laws, the same for B and A or different ones, and correlated
Gaussian columns. `--only factors` compares predictions from trained factors with exact measurements of them: the
packaged adapter, and with `--adapters FOLDER` every pair of LoRA factors in the safetensors files there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import rankkit as rk
from rankkit.data import sample_adapter
from rankkit.law import EntryLaw, Prediction
from rankkit.metrics import default_rtol

QUANTILES: dict[str, Callable[[Any], Any]] = {
    "uniform": lambda u: 2 * u - 1,
    "normal": lambda u: _scipy().norm.ppf(u),
    "Laplace": lambda u: _scipy().laplace.ppf(u),
    "Student, 5 degrees": lambda u: _scipy().t(5).ppf(u),
    "arcsine": lambda u: -np.cos(np.pi * u),
    "triangular": lambda u: np.sign(u - 0.5) * (1 - np.sqrt(2 * np.minimum(u, 1 - u))),
}
DEVIATIONS = (0.3, 1.0, 2.0, 3.0, 5.0, 7.0, 10.0, 14.0, 20.0, 30.0)  # of omega B A, radians
LARGEST = 3_000_000  # entries of an update that is measured
A_FILE = 2  # pairs of one file, at most
LABELS = (("1e-1", 1e-1), ("1e-2", 1e-2), ("1e-3", 1e-3), ("default", None))


def _scipy() -> Any:
    from scipy import stats

    return stats


Row = tuple[float, bool, float]  # the miss, whether the stated error held it, and that error


def laws(settings: int, seeds: int, first: int) -> None:
    """Print misses for entries of other laws and for correlated columns, on random settings."""
    rng = np.random.default_rng(first)
    rows: dict[str, list[Row]] = {}
    for _ in range(settings):
        d, n, r = int(rng.integers(150, 320)), int(rng.integers(150, 320)), int(rng.choice([1, 2, 3, 4, 6, 8]))
        title, how, draw = _correlated(rng, r) if rng.random() < 0.25 else _of_laws(rng, r)
        std = float(np.std(draw(2000, 2000)))
        omega = float(np.exp(rng.uniform(np.log(0.15), np.log(12)))) / std
        drawn = [np.linalg.svd(np.sin(omega * draw(d, n)), compute_uv=False) for _ in range(seeds)]
        for label, rtol in LABELS:
            at = default_rtol((d, n)) if rtol is None else rtol
            found = rk.predict_rank(omega, d=d, n=n, r=r, rtol=at, **how)
            measured = float(np.mean([np.sum(values > at * values[0]) for values in drawn]))
            rows.setdefault(f"{title}: rank at {label}, % of d", []).append(_row(found, measured, seeds, min(d, n)))
        found = rk.predict_stable_rank(omega, d=d, n=n, r=r, **how)
        measured = float(np.mean([np.sum(values**2) / values[0] ** 2 for values in drawn]))
        rows.setdefault(f"{title}: stable rank, relative %", []).append(_row(found, measured, seeds, measured))
    _table(rows)


def _of_laws(rng: np.random.Generator, r: int) -> tuple[str, dict[str, Any], Callable[[int, int], Any]]:
    """Return a title, arguments of a prediction, and what draws B A."""
    names = list(QUANTILES)
    one = names[int(rng.integers(len(names)))]
    other = names[int(rng.integers(len(names)))] if rng.random() < 0.4 else one
    entries = tuple(EntryLaw.of_quantile(QUANTILES[name], name) for name in (one, other))
    title = "one law" if one == other else "two laws"
    return (
        title,
        {"entries": entries},
        lambda m, n: QUANTILES[one](rng.random((m, r))) @ QUANTILES[other](rng.random((r, n))),
    )


def _correlated(rng: np.random.Generator, r: int) -> tuple[str, dict[str, Any], Callable[[int, int], Any]]:
    roots = [rng.standard_normal((r, r)) / r**0.5 for _ in range(2)]
    covariance = tuple(root @ root.T for root in roots)

    def draw(m: int, n: int) -> Any:
        return rng.standard_normal((m, r)) @ roots[0].T @ roots[1] @ rng.standard_normal((r, n))

    return "correlated Gaussian columns", {"covariance": covariance}, draw


def factors(folder: str | None) -> None:
    """Print misses of predictions from trained factors, by the standard deviation of omega B A."""
    pairs = list(_pairs(sample_adapter(), None))
    where = "the packaged adapter" if folder is None else folder
    if folder is not None:
        files = sorted({file.parent for file in Path(folder).rglob("*.safetensors")})
        pairs = [pair for file in files for pair in _pairs(file, A_FILE)]
    print(f"\n{len(pairs)} updates of {where}")
    rows: dict[str, list[Row]] = {}
    for pair in pairs:
        std = float(pair.entry_std())
        for deviations in DEVIATIONS:
            values = np.linalg.svd(np.sin(deviations / std * pair.product()), compute_uv=False)
            _measure(pair, deviations, deviations / std, values, rows)
    _table(dict(sorted(rows.items(), key=lambda row: not row[0].endswith("all"))))


def _measure(pair: rk.Factors, deviations: float, omega: float, values: Any, rows: dict[str, list[Row]]) -> None:
    measured = float(np.sum(values**2) / values[0] ** 2)
    found = rk.predict_stable_rank(omega, factors=pair)
    row = _row(found, measured, 1, measured)
    for title in (f"stable rank, relative %, {deviations:g} radians", "stable rank, relative %, all"):
        rows.setdefault(title, []).append(row)
    for label, rtol in LABELS:
        at = default_rtol((pair.m, pair.n)) if rtol is None else rtol
        count = rk.predict_rank(omega, factors=pair, rtol=at)
        row = _row(count, float(np.sum(values > at * values[0])), 1, min(pair.m, pair.n))
        rows.setdefault(f"rank at {label}, % of d, all", []).append(row)


def _pairs(folder: Path, most: int | None) -> Iterator[rk.Factors]:
    """Yield LoRA factors of the files in a folder, evenly chosen where there are more than `most` in one."""
    from safetensors.numpy import load_file

    for file in sorted(folder.glob("*.safetensors")):
        state = load_file(file)
        names = sorted(name for name in state if "lora_A" in name or "lora.down" in name)
        for name in names[:: 1 if most is None else max(1, len(names) // most)]:
            A = state[name].astype(np.float64)
            B = state[name.replace("lora_A", "lora_B").replace("lora.down", "lora.up")].astype(np.float64)
            if A.ndim == 2 and min(B.shape[0], A.shape[1]) >= 320 and B.shape[0] * A.shape[1] < LARGEST and B.any():
                yield rk.Factors(B, A)


def _row(found: Prediction, measured: float, draws: int, whole: float) -> Row:
    off, error = abs(found.value - measured), found.error_of(draws)
    return 100 * off / whole, off <= error, 100 * error / whole


def _table(rows: dict[str, list[Row]]) -> None:
    print(
        "\n| of what | values | median | 90 % within | 95 % within | largest | held, % | mean error stated |\n"
        "|:--|--:|--:|--:|--:|--:|--:|--:|"
    )
    for title, found in rows.items():
        off = np.array([row[0] for row in found])
        held, error = np.mean([row[1] for row in found]), np.mean([row[2] for row in found])
        print(
            f"| {title} | {off.size} | {np.median(off):.2f} | {np.quantile(off, 0.9):.2f} | "
            f"{np.quantile(off, 0.95):.2f} | {off.max():.2f} | {100 * held:.1f} | {error:.2f} |", flush=True,
        )  # fmt: skip
