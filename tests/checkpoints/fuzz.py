"""Mutated adapter files: every one must give rows or one sentence, quickly, in little memory, and run nothing.

Run: python -m tests.checkpoints.fuzz [--count 10000] [--seed 0] [--keep FOLDER] [--only NAME ...]

Takes small sound files of every kind and damages them: flipped, inserted, removed and repeated bytes, truncation,
lies in headers, swapped and renamed tensors, hostile words in a file's metadata, hostile numbers in the configuration.
"""

from __future__ import annotations

import argparse
import json
import resource
import struct
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_torch

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
             "y.lora_down.weight": normal(2, 3, 3, 3), "y.lora_up.weight": normal(4, 2, 1, 1), "y.alpha": np.float32(1),
             "y.dora_scale": normal(4, 1, 1, 1)}  # fmt: skip
    mlx: dict[str, Any] = {"l.0.q.lora_a": normal(6, 2), "l.0.q.lora_b": normal(2, 5), "l.0.q.m": normal(5)}
    tensors = {key: torch.as_tensor(value) for key, value in peft.items()}
    save_file(peft, folder / "peft.safetensors")
    save_file({key: np.atleast_1d(value) for key, value in kohya.items()}, folder / "kohya.safetensors")
    np.savez(folder / "mlx.npz", **mlx)
    np.savez_compressed(folder / "packed.npz", **mlx)
    recent(folder, normal)
    torch.save(tensors, folder / "peft.bin")
    torch.save(list(tensors.values()), folder / "list.pt")
    torch.save(tensors, folder / "old.pt", _use_new_zipfile_serialization=False)
    return sorted(folder.iterdir())


def recent(folder: Path, normal: Callable[..., np.ndarray]) -> None:
    """Write a file of every kind that has its scale in the header, factors of eight bits, experts, or another container."""
    pair = {"transformer.q.lora_A.weight": normal(2, 6), "transformer.q.lora_B.weight": normal(5, 2)}
    about = {"transformer.r": 2, "transformer.lora_alpha": 4, "transformer.alpha_pattern": {"q": 3}}
    save_file(pair, folder / "diffusers.safetensors", metadata={"lora_adapter_metadata": json.dumps(about)})
    kohya = {"c.lora_down.weight": normal(2, 3, 3, 3), "c.lora_up.weight": normal(4, 2, 1, 1), "d.diff": normal(3, 4),
             "d.diff_b": normal(3)}  # fmt: skip
    args = json.dumps({"conv_dim": "2", "conv_alpha": "1", "rs_lora": "True"})
    words = {"ss_network_alpha": "4", "ss_network_dim": "2", "ss_network_args": args, "x": '{"lora": {"alpha": 3}}'}
    save_file(kohya, folder / "style.safetensors", metadata=words)
    kinds = (torch.float8_e4m3fn, torch.float8_e5m2)
    small = {f"m.q.lora_{x}.weight": torch.as_tensor(normal(*s)).to(kind)
             for x, s, kind in zip("AB", ((2, 6), (5, 2)), kinds, strict=True)}  # fmt: skip
    codes = {"m.v.lora_A.weight": torch.ones(2, 6, dtype=torch.int8), "m.v.lora_A.scale": torch.ones(2),
             "m.v.lora_B.weight": torch.ones(5, 2)}  # fmt: skip
    save_torch(small | codes, folder / "float8.safetensors")
    experts = {"base_model.model.l.0.experts.lora_A.weight": normal(6, 4), "base_model.model.l.0.experts.lora_B.weight": normal(5, 6),
               "base_model.model.l.0.experts.base_layer.lora_A.weight": normal(6, 5), "l.1.w.lora_A.weight": normal(3, 2, 4),
               "base_model.model.l.0.experts.base_layer.lora_B.weight": normal(8, 6), "l.1.w.lora_B.weight": normal(1, 5, 2)}  # fmt: skip
    save_file(experts, folder / "experts.safetensors")
    split = {f"s.lora_{way}.{i}.weight": normal(*s) for i in range(2) for way, s in (("down", (2, 6)), ("up", (5, 2)))}
    beside = {f"s.{name}": normal(1) for name in ("lora_alpha", "lora_rank", "scalar", "alpha_scale")}
    flat = {"u_q_lora_down_weight": normal(2, 6), "u_q_lora_up_weight": normal(5, 2), "u_q_alpha": normal(1)}
    save_file(split | beside | flat, folder / "split.safetensors")
    (folder / "lora.gguf").write_bytes(gguf(normal))
    with zipfile.ZipFile(folder / "packed.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(folder / "experts.safetensors", "x/adapter_model.safetensors")
        archive.writestr("x/adapter_config.json", '{"peft_type": "LORA", "r": 2, "target_parameters": ["experts.up"]}')


def gguf(normal: Callable[..., np.ndarray]) -> bytes:
    """Return a small GGUF adapter: floats of two sizes, quantised blocks, experts, and values of several types."""

    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value)) + value.encode()

    entries = [
        text("general.type") + struct.pack("<I", 8) + text("adapter"),
        text("adapter.lora.alpha") + struct.pack("<If", 6, 4.0),
        text("words") + struct.pack("<IIQ", 9, 8, 2) + text("a") + text("bc"),
        text("numbers") + struct.pack("<IIQ3i", 9, 5, 3, 1, 2, 3),
    ]
    tensors: list[tuple[str, int, tuple[int, ...], bytes]] = [
        ("blk.0.q.weight.lora_a", 0, (2, 6), normal(2, 6).tobytes()),
        ("blk.0.q.weight.lora_b", 1, (5, 2), normal(5, 2).astype(np.float16).tobytes()),
        ("blk.0.v.weight.lora_a", 8, (2, 32), b"".join(struct.pack("<e32b", 0.5, *range(32)) for _ in range(2))),
        ("blk.0.v.weight.lora_b", 0, (5, 2), normal(5, 2).tobytes()),
        ("blk.0.e.weight.lora_a", 0, (3, 2, 4), normal(3, 2, 4).tobytes()),
        ("blk.0.e.weight.lora_b", 0, (3, 5, 2), normal(3, 5, 2).tobytes()),
    ]
    header, data = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(entries)) + b"".join(entries), b""
    for name, kind, shape, content in tensors:
        header += text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape[::-1], kind, len(data))
        data += content + bytes(-len(content) % 32)
    return header + bytes(-len(header) % 32) + data


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
    kind = rng.integers(9)
    if kind > 5 and isinstance(about := header.get("__metadata__"), dict):
        name = str(rng.choice([*about, "lora_adapter_metadata", "ss_network_args", "alpha", "rank", "lora_config"]))
        value = VALUES[rng.integers(len(VALUES))]
        packed = {
            str(
                rng.choice(
                    ["transformer.lora_alpha", "r", "lora_alpha", "conv_alpha", "alpha_pattern", "peft_type", ".", ""]
                )
            ): value
        }
        about[name] = rng.choice(
            np.array([value, json.dumps(packed), "[" * 50_000, "9" * 400, '{"a": ' * 900], dtype=object)
        )
    elif kind == 0:
        entry["shape"] = [int(rng.choice([0, 1, 2**31, 2**62, -1, 7])) for _ in range(rng.integers(0, 5))]
    elif kind == 1:
        entry["data_offsets"] = [int(rng.integers(-5, 200)), int(rng.choice([0, 8, 2**40, 2**63, -1]))]
    elif kind == 2:
        entry["dtype"] = str(
            rng.choice(["F64", "F16", "BF16", "I64", "I8", "F8_E4M3", "F8_E5M2", "F8_E4M3FNUZ", "X", ""])
        )
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
             "use_sinelora", "sinelora_frequency", "sinelora_scaling", "init_r", "lora_parameters", "target_parameters", "target_modules", "use_dora", "config", "lora_B_layout")  # fmt: skip
    config: dict[str, object] = {"peft_type": "LORA", "r": 2, "lora_alpha": 4}
    if rng.random() < 0.3:
        config |= {
            "target_parameters": ["experts.up", "experts.down", "w"],
            "target_modules": str(rng.choice(["", "(a+)+$", "q"])),
        }
    for _ in range(rng.integers(1, 4)):
        config[str(rng.choice(names))] = VALUES[rng.integers(len(VALUES))]
    if rng.random() < 0.2:
        config["alpha_pattern"] = {str(rng.choice(["(a+)+$", "(", "q", "a" * 5000, "(.*.*)*x"])): 3}
    return json.dumps(config)


def in_blocks(rng: np.random.Generator) -> str:
    """Return a configuration in YAML with hostile values and indents."""
    names = (
        "peft",
        "lora_tuning",
        "adapter_dim",
        "alpha",
        "r",
        "network",
        "- config",
        "lora_alpha",
        "scale",
        "",
        "a" * 2000,
    )
    lines = [
        f"{' ' * int(rng.integers(0, 9))}{rng.choice(names)}:{rng.choice(['', ' '])}{str(VALUES[rng.integers(len(VALUES))])[:900]}"
        for _ in range(rng.integers(1, 30))
    ]
    return str(rng.choice(["\n", "\r\n", "\n\n"])).join(lines) * int(rng.choice([1, 1, 500]))


def cases(folder: Path, count: int, seed: int, only: Collection[str] = ()) -> Iterator[Path]:
    """Return an iterator over `count` damaged adapters, of all kinds or those named, each in place of the one before."""
    rng = np.random.default_rng(seed)
    originals = [(path.name, path.read_bytes()) for path in sound(folder) if not only or path.stem in only]
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
        elif rng.random() < 0.3:
            (place / "config.yaml").write_text(in_blocks(rng))
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
    parser.add_argument("--only", nargs="*", default=[], help="names of sound files, without their endings")
    parser.add_argument("--keep", type=Path, help="copy what went wrong there")
    options = parser.parse_args()
    ends: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for path in cases(Path(folder), options.count, options.seed, options.only):
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
