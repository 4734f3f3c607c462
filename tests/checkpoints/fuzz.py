"""Mutated adapter files: every one must give rows or one sentence, quickly, in little memory, and run nothing.

Run: python -m tests.checkpoints.fuzz [--count 10000] [--seed 0] [--keep FOLDER]

Takes small sound files of every kind and damages them: flipped, inserted, removed and repeated bytes, truncation,
lies in headers, swapped and renamed tensors, hostile numbers in the configuration.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import save_file

import rankkit as rk

SECONDS, MEGABYTES = 5.0, 500.0
VALUES = (0, -1, 1e400, -(10**400), "x", None, [], {}, True, "9" * 5000, 1e308, float("nan"), [[[]]], "(a+)+$", "\x00")


def sound(folder: Path) -> list[Path]:
    """Write one small sound file of every kind into a folder and return their paths."""
    rng = np.random.default_rng(0)

    def normal(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape).astype(np.float32)

    peft = {
        f"base_model.model.l.{i}.q.lora_{x}.weight": normal(*s)
        for i in range(2)
        for x, s in (("A", (2, 6)), ("B", (5, 2)))
    }
    kohya = {"x.lokr_w1": normal(2, 3), "x.lokr_w2_a": normal(3, 2), "x.lokr_w2_b": normal(2, 4), "x.alpha": np.float32(2),
             "y.lora_down.weight": normal(2, 3, 3, 3), "y.lora_up.weight": normal(4, 2, 1, 1), "y.alpha": np.float32(1)}  # fmt: skip
    mlx: dict[str, Any] = {"l.0.q.lora_a": normal(6, 2), "l.0.q.lora_b": normal(2, 5)}
    tensors = {key: torch.as_tensor(value) for key, value in peft.items()}
    save_file(peft, folder / "peft.safetensors")
    save_file({key: np.atleast_1d(value) for key, value in kohya.items()}, folder / "kohya.safetensors")
    np.savez(folder / "mlx.npz", **mlx)
    np.savez_compressed(folder / "packed.npz", **mlx)
    torch.save(tensors, folder / "peft.bin")
    torch.save(list(tensors.values()), folder / "list.pt")
    torch.save(tensors, folder / "old.pt", _use_new_zipfile_serialization=False)
    return sorted(folder.iterdir())


def damaged(data: bytes, rng: np.random.Generator) -> bytes:
    """Return the bytes of a file with one to four kinds of damage."""
    out = bytearray(data)
    for _ in range(rng.integers(1, 5)):
        if not out:
            break
        # headers are where it hurts: half of the damage goes into the first part of the file
        at = int(rng.integers(len(out) if rng.random() < 0.5 else min(len(out), 400)))
        size = int(rng.integers(1, 9))
        kind = rng.integers(7)
        if kind == 0:
            out[at] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            out[at : at + size] = rng.bytes(size)
        elif kind == 2:
            del out[at : at + size]
        elif kind == 3:
            del out[at:]
        elif kind == 4:
            out[at:at] = rng.bytes(size)
        elif kind == 5:
            out[at:at] = out[at : at + 64 * size]
        else:
            out[at : at + 1] = rng.choice([b"\xff", b"\x00", b"9", b"-", b'"', b"{", b"]", b"e"])
    return bytes(out)


def rewritten(data: bytes, rng: np.random.Generator) -> bytes:
    """Return a safetensors file whose header lies but parses."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    names = [name for name in header if name != "__metadata__"]
    entry = header[names[rng.integers(len(names))]]
    kind = rng.integers(6)
    if kind == 0:
        entry["shape"] = [int(rng.choice([0, 1, 2**31, 2**62, -1, 7])) for _ in range(rng.integers(0, 5))]
    elif kind == 1:
        entry["data_offsets"] = [int(rng.integers(-5, 200)), int(rng.choice([0, 8, 2**40, 2**63, -1]))]
    elif kind == 2:
        entry["dtype"] = str(rng.choice(["F64", "F16", "BF16", "I64", "F8_E4M3", "X", ""]))
    elif kind == 3:
        header[str(rng.choice(["x.lora_A", "w_a", "", "0", "base_model.model..lora_B.weight", "é" * 300]))] = (
            header.pop(names[0])
        )
    elif kind == 4:
        header[names[0]], header[names[-1]] = header[names[-1]], header[names[0]]
    else:
        header[names[0]] = VALUES[rng.integers(len(VALUES))]
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data[8 + length :]


def configured(rng: np.random.Generator) -> str:
    """Return a configuration with hostile values, or no JSON at all."""
    if rng.random() < 0.1:
        return str(rng.choice(["{", "[" * 100_000, "null", '"x"', "", "\ufeff{}", '{"r": 1, "r": 2}']))
    names = ("r", "lora_alpha", "alpha", "rank_pattern", "alpha_pattern", "use_rslora", "peft_type", "enable_lora", "freq", "s",
             "use_sinelora", "sinelora_frequency", "sinelora_scaling", "init_r", "lora_parameters", "target_parameters", "use_dora")  # fmt: skip
    config: dict[str, object] = {"peft_type": "LORA", "r": 2, "lora_alpha": 4}
    for _ in range(rng.integers(1, 4)):
        config[str(rng.choice(names))] = VALUES[rng.integers(len(VALUES))]
    if rng.random() < 0.2:
        config["alpha_pattern"] = {str(rng.choice(["(a+)+$", "(", "q", "a" * 5000, "(.*.*)*x"])): 3}
    return json.dumps(config)


def cases(folder: Path, count: int, seed: int) -> Iterator[Path]:
    """Return an iterator over `count` damaged adapters, each in place of the one before."""
    rng = np.random.default_rng(seed)
    originals = [(path.name, path.read_bytes()) for path in sound(folder)]
    place = folder / "case"
    place.mkdir()
    for _ in range(count):
        for old in place.iterdir():
            old.unlink()
        name, data = originals[rng.integers(len(originals))]
        kind = rng.random()
        if kind < 0.25 and name.endswith("safetensors"):
            data = rewritten(data, rng)
        elif kind < 0.85:
            data = damaged(data, rng)
        (place / name).write_bytes(data)
        if rng.random() < 0.4:
            (place / "adapter_config.json").write_text(configured(rng))
        yield place / name


def judge(path: Path) -> tuple[str, str]:
    """Return (how it ended, in detail): "rows", "refused", or what is wrong with the way it ended."""
    start = time.perf_counter()
    try:
        report = rk.audit(path, progress=False)
        detail = report.coverage
        report.record()
        ended = "rows"
    except (ValueError, OSError) as error:
        detail = str(error)
        ended = "refused" if detail and "\n" not in detail else "NOT ONE SENTENCE"
    except BaseException as error:
        detail, ended = repr(error), f"CRASHED: {type(error).__name__}"
    taken = time.perf_counter() - start
    return (ended, detail) if taken < SECONDS else (f"HUNG for {taken:.1f} s", detail)


def peak() -> float:
    """Return this process's largest resident memory in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> int:
    """Print how the cases ended; 1 if any ended as none may."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="copy what went wrong there")
    options = parser.parse_args()
    ends: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for path in cases(Path(folder), options.count, options.seed):
            ended, detail = judge(path)
            ends[ended] += 1
            if ended not in ("rows", "refused"):
                print(f"{ended}: {path.name}: {detail[:300]}")
                if options.keep:
                    options.keep.mkdir(exist_ok=True)
                    (options.keep / f"{sum(ends.values())}-{path.name}").write_bytes(path.read_bytes())
    print(f"{dict(ends)}, largest resident memory {peak():.0f} MB")
    return int(bool(set(ends) - {"rows", "refused"}) or peak() > MEGABYTES)


if __name__ == "__main__":
    raise SystemExit(main())
