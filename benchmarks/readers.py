"""What rankkit and three other auditors make of the same adapter files, against numbers known beforehand.

Run: python benchmarks/readers.py --competitors FOLDER

Small adapters with three modules are made in every format and with every trouble that real files have; each tool runs
as a process of its own. A module counts as right if the tool's largest singular value is that of the applied update,
scale included, to 1e-4. The last rows hold the worst relative error over all eight singular values of factors whose
product spans so many decades. gradience, AdapterSentry and weightwatcher are installed under FOLDER, kept for the next
run.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from audit_llama import COMPETITORS, install
from safetensors.numpy import save_file

M, N, R, ALPHA = 96, 64, 8, 16.0
MODULES = ("q_proj", "k_proj", "v_proj")
COMPETITORS |= {"weightwatcher": "0.7.7"}
Spectra = dict[str, list[float]]


class Case(NamedTuple):
    """One adapter: what makes it, and the singular values of its update, None where it has none worth the name."""

    make: Callable[[Path], Path]
    truth: dict[str, Any]


def pair(seed: int, decades: float = 1.0) -> tuple[Any, Any]:
    """Return (B, A) whose product's singular values span so many decades."""
    rng = np.random.default_rng(seed)
    B, A = (np.linalg.qr(rng.standard_normal((size, R)))[0] for size in (M, N))
    return (B * 10.0 ** -np.linspace(0, decades, R)).astype(np.float32), A.T.astype(np.float32)


def values(B: Any, A: Any, scale: float) -> Any:
    """Return the singular values of scale * B A, by 40 digits for the steep ones."""
    import mpmath

    with mpmath.workdps(40):
        core = (mpmath.matrix(B.astype(float).tolist()).T * mpmath.matrix(B.astype(float).tolist())) * (
            mpmath.matrix(A.astype(float).tolist()) * mpmath.matrix(A.astype(float).tolist()).T
        )
        found = mpmath.eig(core, left=False, right=False)
        return np.sort([float(abs(scale) * mpmath.sqrt(mpmath.re(x))) for x in found])[::-1]


def peft(config: dict[str, Any] | None = None, *, file: str = "adapter_model.safetensors", scale: float = ALPHA / R,
         change: Callable[[dict[str, Any]], None] = lambda state: None, decades: float = 1.0,
         dead: tuple[str, ...] = ()) -> Case:  # fmt: skip
    """Return a case in PEFT's own form."""
    pairs = {name: pair(i, decades) for i, name in enumerate(MODULES)}
    key = "base_model.model.model.layers.0.self_attn.{}.lora_{}.weight"
    state = {key.format(name, x): {"B": B, "A": A}[x] for name, (B, A) in pairs.items() for x in "AB"}
    change(state)

    def make(folder: Path) -> Path:
        asked = {"peft_type": "LORA", "r": R, "lora_alpha": ALPHA, "target_modules": list(MODULES)} | (config or {})
        (folder / "adapter_config.json").write_text(json.dumps(asked))
        return write(folder / file, state)

    return Case(make, {name: None if name in dead else values(B, A, scale) for name, (B, A) in pairs.items()})


def foreign(file: str, spell: Callable[[str, Any, Any], dict[str, Any]], *, scale: float = 1.0) -> Case:
    """Return a case in another format's keys."""
    pairs = {name: pair(i) for i, name in enumerate(MODULES)}
    state: dict[str, Any] = {}
    for name, (B, A) in pairs.items():
        state |= spell(name, B, A)
    return Case(lambda folder: write(folder / file, state), {n: values(B, A, scale) for n, (B, A) in pairs.items()})


def write(path: Path, state: dict[str, Any]) -> Path:
    """Write tensors in the form that the file's name asks for."""
    if path.suffix == ".safetensors":
        save_file({key: np.ascontiguousarray(value) for key, value in state.items()}, path)
    elif path.suffix == ".npz":
        np.savez(path, **state)
    else:
        torch.save({key: torch.as_tensor(value) for key, value in state.items()}, path)
    return path


def _sine() -> Case:
    case = peft({"peft_type": "SINLORA", "freq": 100.0})
    truth = {}
    for i, name in enumerate(MODULES):
        B, A = pair(i)
        update = ALPHA / R * np.sin(100.0 * B.astype(float) @ A.astype(float)) / math.sqrt(N)
        truth[name] = np.linalg.svd(update, compute_uv=False)
    return Case(case.make, truth)


def _zero(state: dict[str, Any]) -> None:
    next(value for key, value in state.items() if "k_proj.lora_B" in key)[:] = 0


def _nan(state: dict[str, Any]) -> None:
    next(value for key, value in state.items() if "k_proj.lora_A" in key)[0, 0] = np.nan


LAYER = "model.layers.0.self_attn."
CASES = {
    "PEFT safetensors": peft(),
    "PEFT .bin": peft(file="adapter_model.bin"),
    "rsLoRA": peft({"use_rslora": True}, scale=ALPHA / math.sqrt(R)),
    "alpha_pattern": peft({"lora_alpha": 99, "alpha_pattern": {r"self_attn\.[qkv]_proj": ALPHA}}),
    "kohya": foreign(
        "a.safetensors",
        lambda n, B, A: {f"lora_unet_{n}.lora_up.weight": B, f"lora_unet_{n}.lora_down.weight": A,
                         f"lora_unet_{n}.alpha": np.array([4], dtype=np.float32)},
        scale=0.5,
    ),
    "diffusers": foreign(
        "pytorch_lora_weights.safetensors",
        lambda n, B, A: {f"unet.{n}.processor.{n}_lora.up.weight": B, f"unet.{n}.processor.{n}_lora.down.weight": A},
    ),
    "MLX .npz": foreign("adapters.npz", lambda n, B, A: {f"{LAYER}{n}.lora_b": B.T, f"{LAYER}{n}.lora_a": A.T}),
    "loralib": foreign("a.bin", lambda n, B, A: {f"{LAYER}{n}.lora_B": B, f"{LAYER}{n}.lora_A": A}),
    "bare pairs": foreign("a.safetensors", lambda n, B, A: {f"w_b_{n}": B, f"w_a_{n}": A}),
    "sine-LoRA": _sine(),
    "one untrained module": peft(change=_zero, dead=("k_proj",)),
    "one module with NaN": peft(change=_nan, dead=("k_proj",)),
    "4 decades": peft(decades=4),
    "6 decades": peft(decades=6),
    "8 decades": peft(decades=8),
}  # fmt: skip


def rankkit(path: Path, programs: Path) -> Spectra:
    """Return what `rankkit audit` says."""
    spectra = path.parent / "spectra.npz"
    run([Path(sys.executable).parent / "rankkit", "audit", path, "--spectra", spectra])
    with np.load(spectra) as file:
        return {name: file[name].tolist() for name in file.files}


def gradience(path: Path, programs: Path) -> Spectra:
    """Return what `gradience audit` says."""
    said = run([programs / "gradience", "audit", "--peft-dir", path.parent, "--weights", path, "--json", "--layers",
                "--top-singular-values", str(R)])  # fmt: skip
    found = json.loads(said)["layer_data"]["layer_rows"]
    return {row["name"]: [row["scale"] * sigma for sigma in row["top_singular_values"]] for row in found}


def adaptersentry(path: Path, programs: Path) -> Spectra:
    """Return what `adaptersentry scan` says: the largest value only."""
    said = run([programs / "adaptersentry", "scan", path, "--format", "full-json"])
    rows = json.loads(said)["modules"] or []
    logs = {row["module"]: row["features"]["log_sigma1"] for row in rows if row["status"] == "ok"}
    return {name: [math.exp(log)] for name, log in logs.items() if log is not None}


WEIGHTWATCHER = """
import contextlib, io, json, sys, weightwatcher
with contextlib.redirect_stdout(io.StringIO()):
    found = weightwatcher.WeightWatcher().analyze(model=sys.argv[1], peft=True, min_evals=1)
print(json.dumps({row["name"]: [float(row["spectral_norm"]) ** 0.5] for row in found.to_dict("records")}))
"""


def weightwatcher(path: Path, programs: Path) -> Spectra:
    """Return what weightwatcher's analysis of a PEFT folder says: the largest value only (its norms are of W^T W)."""
    return json.loads(run([programs / "python", "-c", WEIGHTWATCHER, path.parent]).splitlines()[-1])


def run(command: list[Any]) -> str:
    """Return what a command prints."""
    words = [str(word) for word in command]
    return subprocess.run(words, capture_output=True, text=True, timeout=300, check=True).stdout


def verdict(said: Spectra, truth: dict[str, Any], *, decades: bool) -> str:
    """Return a cell: how many modules are right, or the worst relative error of all their values."""
    matched = {name: next((s for key, s in said.items() if name in key), None) for name in truth}
    if decades:
        known = [(matched[name], exact) for name, exact in truth.items()]
        if any(s is None or len(s) < R for s, _ in known):
            return "largest value only" if any(s for s, _ in known) else "no module"
        return f"{max(np.max(np.abs(np.array(s[:R]) / exact - 1)) for s, exact in known):.0e}"  # type: ignore[index]
    alive = {name: exact for name, exact in truth.items() if exact is not None}
    largest = {name: found[0] for name, found in matched.items() if found}
    found = len(largest.keys() & alive.keys())
    right = sum(
        name in largest and math.isclose(largest[name], exact[0], rel_tol=1e-4) for name, exact in alive.items()
    )
    if not found:
        return "none, exit 0"
    return f"{right} of {len(alive)}" + (f", {found - right} wrong" if found > right else "")


def cell(tool: Callable[[Path, Path], Spectra], case: Case, name: str, programs: Path) -> str:
    """Return what a tool makes of a case, in a few words."""
    with tempfile.TemporaryDirectory() as folder:
        path = case.make(Path(folder))
        try:
            return verdict(tool(path, programs), case.truth, decades="decades" in name)
        except subprocess.CalledProcessError as error:
            return "crashed" if "Traceback" in error.stderr else f"none, exit {error.returncode}"
        except (subprocess.TimeoutExpired, KeyError, TypeError, IndexError, ValueError) as error:
            return f"no result ({type(error).__name__})"


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--competitors", type=Path, required=True, metavar="FOLDER")
    options = parser.parse_args()
    tools: dict[str, tuple[Callable[[Path, Path], Spectra], Path]] = {"rankkit": (rankkit, Path())}
    for tool in (gradience, adaptersentry, weightwatcher):
        name = tool.__name__
        tools[f"{name} {COMPETITORS[name]}"] = (tool, install(name, options.competitors.resolve()))
    print(f"| adapter | {' | '.join(tools)} |\n|:--|{':--|' * len(tools)}")
    for name, case in CASES.items():
        cells = [cell(tool, case, name, programs) for tool, programs in tools.values()]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
