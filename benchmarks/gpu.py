"""What a GPU does of rankkit's work: the papers' protocol, stable ranks, an audit with a 70B model's shapes, training.

Run: python benchmarks/gpu.py [--device cuda] [--quick] [-o benchmarks/gpu.json] [--only PART]
     python benchmarks/gpu.py --table benchmarks/gpu.json

The first command measures on the device at hand and writes what it found after every part, so that a run that is cut
off keeps what it has. The second prints the tables of benchmarks/README.md from such a file. Each piece of work is done
three times in one run: by rankkit on the device, by rankkit on all cores of the same machine, and by a plain loop of
torch's own functions on the device (`torch.linalg.matrix_rank` of a float32 update, `svdvals` of a float64 one). The
ranks on the device are compared with those of the processor, integer by integer. --quick takes small sizes, and
--device cpu runs the same lines on torch's processor: both are for trying the command, not for figures.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import joblib
import numpy as np
import torch

import rankkit as rk
from rankkit.version import __version__

Found = dict[str, Any]
HERE = Path(__file__).parent


def seconds(work: Callable[[], Any], device: str) -> float:
    """Return how long work takes, with all that it has started on the device."""
    settle(device)
    start = time.perf_counter()
    work()
    settle(device)
    return time.perf_counter() - start


def settle(device: str) -> None:
    """Wait for the device."""
    if device != "cpu":
        torch.cuda.synchronize()


def factors(d: int, r: int, seed: int, dtype: torch.dtype, device: str) -> tuple[Any, Any]:
    """Return the sweep's factors on the device."""
    drawn = rk.initializers.KaimingUniform()(d, d, r, seed=seed)
    return torch.as_tensor(drawn.B).to(device, dtype), torch.as_tensor(drawn.A).to(device, dtype)


def rank_loop(d: int, r: int, omegas: list[float], seeds: int, device: str) -> None:
    """Compute ranks the obvious way."""
    for seed in range(seeds):
        B, A = factors(d, r, seed, torch.float32, device)
        for omega in omegas:
            torch.linalg.matrix_rank(torch.sin(omega * (B @ A)))


def stable_rank_loop(d: int, r: int, omegas: list[float], seeds: int, device: str) -> None:
    """Compute stable ranks the obvious way."""
    for seed in range(seeds):
        B, A = factors(d, r, seed, torch.float64, device)
        for omega in omegas:
            sigma = torch.linalg.svdvals(torch.sin(omega * (B @ A)))
            _ = torch.sum(sigma**2) / sigma[0] ** 2


def sweeps(device: str, *, quick: bool) -> list[Found]:
    """Return the rows of the sweeps, milliseconds for one update."""
    sizes = {"numerical_rank": [(512, 2), (1024, 4)], "stable_rank": [(1024, 4)]}
    if quick:
        sizes = {"numerical_rank": [(128, 2)], "stable_rank": [(128, 2)]}
    omegas, seeds, rounds = [float(w) for w in range(1, 1001, 40)], 2 if quick else 4, 1 if quick else 3
    rows: list[Found] = []
    for metric, shapes in sizes.items():
        loop = rank_loop if metric == "numerical_rank" else stable_rank_loop
        for d, r in shapes:

            def sweep(where: str | None, d: int = d, r: int = r, metric: str = metric) -> Any:
                with joblib.parallel_config(backend="loky"):  # processes, as long sweeps take them by default
                    return rk.sweep_frequency(
                        d,
                        r,
                        omegas=omegas,
                        seeds=seeds,
                        metrics=[metric],
                        device=where,
                        chunk=5 if where is None else None,
                        progress=False,
                    )

            there, here = sweep(device).table[metric], sweep(None).table[metric]  # also what warms both up
            ways: dict[str, Callable[[], Any]] = {
                "rankkit": lambda sweep=sweep: sweep(device),
                "cpu": lambda sweep=sweep: sweep(None),
            }
            taken = {name: [seconds(way, device) for _ in range(rounds)] for name, way in ways.items()}
            # the loop takes long: a quarter of the updates, the same frequencies
            taken["loop"] = [seconds(lambda: loop(d, r, omegas, 1, device), device) * seeds]  # noqa: B023
            each = {name: 1e3 * median(times) / len(omegas) / seeds for name, times in taken.items()}
            same = int(np.sum(there == here)) if metric == "numerical_rank" else None
            apart = None if same is not None else float(np.max(np.abs(there / here - 1)))
            rows.append({"metric": metric, "d": d, "r": r, "updates": len(there), "milliseconds": each,
                         "same": same, "apart": apart})  # fmt: skip
    return rows


SHAPES = {  # a layer of Llama 3 70B
    "q_proj": (8192, 8192), "k_proj": (1024, 8192), "v_proj": (1024, 8192), "o_proj": (8192, 8192),
    "gate_proj": (28672, 8192), "up_proj": (28672, 8192), "down_proj": (8192, 28672),
}  # fmt: skip
COMPARED = {"k_proj"}  # what a processor and the plain loop take in a minute


def audits(device: str, *, quick: bool) -> list[Found]:
    """Return the rows of the audit of one layer: every module by rankkit, some by the others."""
    shapes = {name: (m // 64, n // 64) for name, (m, n) in SHAPES.items()} if quick else SHAPES
    r, omega = (4, 1000.0) if quick else (64, 1000.0)
    config = {"peft_type": "LORA", "r": r, "lora_alpha": r}
    rows: list[Found] = []
    rk.audit(adapter({"q": (256, 256)}, r), config=config, rule=rk.rules.Sine(omega), device=device, progress=False)
    for name, (m, n) in shapes.items():
        state = adapter({name: (m, n)}, r)
        made: dict[str, Any] = {}

        def audit(where: str | None, state: Any = state, made: Any = made) -> None:
            made[str(where)] = rk.audit(state, config=config, rule=rk.rules.Sine(omega), device=where, progress=False)

        row: Found = {"module": name, "m": m, "n": n, "r": r,
                      "seconds": {"rankkit": seconds(lambda audit=audit: audit(device), device)}}  # fmt: skip
        table = made[device].table
        row |= {key: float(table[key][0]) for key in ("stable_rank", "numerical_rank", "effective_rank")}
        if name in COMPARED:
            row["seconds"]["cpu"] = seconds(lambda audit=audit: audit(None), device)
            B, A = (torch.as_tensor(state[f"base_model.model.{name}.lora_{x}.weight"]).to(device) for x in "BA")
            row["seconds"]["loop"] = seconds(lambda B=B, A=A: torch.linalg.svdvals(torch.sin(omega * (B @ A))), device)
            here = made["None"].table
            row["same"] = bool(here["numerical_rank"][0] == table["numerical_rank"][0])
            row["apart"] = float(abs(here["stable_rank"][0] / table["stable_rank"][0] - 1))
        rows.append(row)
    return rows


def adapter(shapes: dict[str, tuple[int, int]], r: int) -> dict[str, Any]:
    """Return a state dict of random factors, as alive as a trained one's."""
    rng = np.random.default_rng(0)
    state: dict[str, Any] = {}
    for name, (m, n) in shapes.items():
        state[f"base_model.model.{name}.lora_A.weight"] = (0.02 * rng.standard_normal((r, n))).astype(np.float32)
        state[f"base_model.model.{name}.lora_B.weight"] = (0.01 * rng.standard_normal((m, r))).astype(np.float32)
    return state


def training(device: str, *, quick: bool) -> list[Found]:
    """Return the rows of the adapters' training steps, on the device and for LoRA on the processor too."""
    from adapters import measured  # pyright: ignore[reportMissingImports]  # the script beside this one

    kinds = [("float32", 1536, 384, 4), ("float32", 4096, 4096, 16), ("bfloat16", 4096, 4096, 16)]
    rows: list[Found] = []
    for dtype, m, n, r in [("float32", 96, 64, 4)] if quick else kinds:
        more = {"tokens": 64 if quick else 2048, "dtype": getattr(torch, dtype)}
        for name, one in measured(m, n, r, rounds=2 if quick else 7, device=device, **more).items():
            rows.append({"dtype": dtype, "m": m, "n": n, "r": r, "adapter": name, "milliseconds": 1e3 * one.seconds,
                         "forward": median(one.forward), "step": median(one.step),
                         "range": [min(one.step), max(one.step)], "MiB": one.memory})  # fmt: skip
    return rows


PARTS: dict[str, Callable[..., list[Found]]] = {"sweeps": sweeps, "audits": audits, "training": training}


def machine(device: str) -> Found:
    """Return what the figures were measured on."""
    name = torch.cuda.get_device_name() if device != "cpu" else "torch on the processor"
    return {"device": name, "cores": os.cpu_count(), "python": platform.python_version(), "torch": torch.__version__,
            "numpy": np.__version__, "rankkit": __version__, "date": time.strftime("%Y-%m-%d")}  # fmt: skip


def markdown(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a table, its first column to the left."""
    return [
        f"| {' | '.join(heads)} |",
        "|:--|" + "--:|" * (len(heads) - 1),
        *(f"| {' | '.join(row)} |" for row in rows),
    ]


def sweeps_table(rows: list[Found]) -> list[str]:
    """Return the sweeps' rows as Markdown."""
    heads = ("milliseconds for one update", "rankkit, GPU", "torch's loop, GPU", "ratio", "rankkit, all cores", "ratio",
             "as on the processor")  # fmt: skip

    def line(row: Found) -> Iterator[str]:
        here, loop, cpu = (row["milliseconds"][way] for way in ("rankkit", "loop", "cpu"))
        yield f"{row['metric'].replace('_', ' ')}, ({row['d']}, {row['r']})"
        yield from (f"{here:.2f}", f"{loop:.1f}", f"{loop / here:.1f}", f"{cpu:.2f}", f"{cpu / here:.1f}")
        yield f"{row['same']} of {row['updates']}" if row["apart"] is None else f"to {row['apart']:.0e}"

    return markdown(heads, [tuple(line(row)) for row in rows])


def audits_table(rows: list[Found]) -> list[str]:
    """Return the audits' rows as Markdown."""
    heads = ("sine update of one module, whole row, seconds", "rankkit, GPU", "svdvals, GPU", "rankkit, one core",
             "numerical rank", "stable rank")  # fmt: skip

    def line(row: Found) -> Iterator[str]:
        yield f"{row['module']}, {row['m']} x {row['n']}, r = {row['r']}"
        yield from (f"{row['seconds'][way]:.2f}" if way in row["seconds"] else "" for way in ("rankkit", "loop", "cpu"))
        yield from (f"{row['numerical_rank']:.0f}", f"{row['stable_rank']:.1f}")

    return markdown(heads, [tuple(line(row)) for row in rows])


def training_table(rows: list[Found]) -> list[str]:
    """Return the training steps' rows as Markdown, a table for each kind of layer."""
    lines: list[str] = []
    for kind in dict.fromkeys((row["dtype"], row["m"], row["n"], row["r"]) for row in rows):
        dtype, m, n, r = kind
        part = [row for row in rows if (row["dtype"], row["m"], row["n"], row["r"]) == kind]
        took = f"{part[0]['milliseconds']:.2f} ms"
        lines += ["", f"{m} x {n}, r = {r}, base and input in {dtype}; LoRA's step takes {took}.", ""]
        lines += markdown(
            ("adapter", "forward", "step, times LoRA's (range)", "peak MiB"),
            [(row["adapter"], f"{row['forward']:.2f}", f"{row['step']:.2f} ({row['range'][0]:.2f} to "
              f"{row['range'][1]:.2f})", f"{row['MiB']:.0f}") for row in part],
        )  # fmt: skip
    return lines


TABLES: dict[str, Callable[[list[Found]], list[str]]] = {
    "sweeps": sweeps_table, "audits": audits_table, "training": training_table,
}  # fmt: skip


def tables(found: Found) -> str:
    """Return all figures as Markdown."""
    about = found["machine"]
    lines = [f"{about['device']}, {about['cores']} processor cores, torch {about['torch']}, numpy {about['numpy']}, "
             f"Python {about['python']}, {about['date']}."]  # fmt: skip
    for name, table in TABLES.items():
        if name in found:
            lines += ["", *table(found[name])]
    return "\n".join(lines)


def main() -> None:
    """Measure and write, or print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", choices=PARTS, action="append")
    parser.add_argument("-o", "--output", type=Path, default=HERE / "gpu.json")
    parser.add_argument("--table", type=Path, metavar="FILE", help="print the tables of a finished run")
    options = parser.parse_args()
    if options.table is not None:
        print(tables(json.loads(options.table.read_text())))
        return
    if options.device != "cpu" and not torch.cuda.is_available():
        parser.exit(2, "gpu.py: no CUDA device is at hand; --device cpu --quick tries the same lines.\n")
    found: Found = {"machine": machine(options.device)}
    for name in options.only or PARTS:
        start = time.perf_counter()
        found[name] = PARTS[name](options.device, quick=options.quick)
        options.output.write_text(json.dumps(found, indent=1) + "\n")
        print(f"{name}: {time.perf_counter() - start:.0f} s", flush=True)
    print(tables(found))


if __name__ == "__main__":
    main()
