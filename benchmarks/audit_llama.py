"""`rankkit audit` of an adapter with Llama-3's shapes, beside `import torch` and two other auditors.

Run: python benchmarks/audit_llama.py [--model 8b|70b] [--rounds 5] [--competitors FOLDER]

The adapter (q, k, v, o, gate, up, down; bfloat16; 8b: 32 layers, r = 16, 84 MB; 70b: 80 layers, r = 64, 1.7 GB) is
made in a temporary folder. Every command is a fresh process with one BLAS thread, and the commands take turns.
Printed are median wall seconds with their range, the ratios of the medians, and the largest peak resident memory of
any run. With --competitors, gradience and AdapterSentry are installed from PyPI into environments of
their own under FOLDER, kept for the next run; without it their rows are missing. Files and byte code
are warm: every command runs once uncounted.

Below the table stands whether rankkit keeps its floor: at most 0.6 of `import torch`'s wall time and
150 MB at 8b, 25 s and 300 MB at 70b. The exit status is 1 if it does not, or if any measured run failed.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple


class Model(NamedTuple):
    """The sizes of a model and its adapter, and what rankkit may take for it."""

    layers: int
    r: int
    hidden: int
    key_value: int
    inner: int
    ratio: float | None  # of import torch's time
    seconds: float | None
    megabytes: float

    @property
    def shapes(self) -> dict[str, tuple[int, int]]:
        """Outputs and inputs of every adapted projection."""
        hidden, narrow, inner = self.hidden, self.key_value, self.inner
        return {
            "self_attn.q_proj": (hidden, hidden), "self_attn.k_proj": (narrow, hidden),
            "self_attn.v_proj": (narrow, hidden), "self_attn.o_proj": (hidden, hidden),
            "mlp.gate_proj": (inner, hidden), "mlp.up_proj": (inner, hidden), "mlp.down_proj": (hidden, inner),
        }  # fmt: skip


MODELS = {
    "8b": Model(32, 16, 4096, 1024, 14336, ratio=0.6, seconds=None, megabytes=150),
    "70b": Model(80, 64, 8192, 1024, 28672, ratio=None, seconds=25, megabytes=300),
}
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
COMPETITORS = {"gradience": "0.11.0", "adaptersentry": "2.0.2"}
TORCH = "2.13.0"


def make_adapter(model: Model, folder: Path) -> None:
    """Write the adapter: random factors, as alive as a trained one's."""
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(0)
    state = {}
    for layer in range(model.layers):
        for module, (m, n) in model.shapes.items():
            key = f"base_model.model.model.layers.{layer}.{module}"
            state[f"{key}.lora_A.weight"] = (0.02 * torch.randn(model.r, n)).bfloat16()
            state[f"{key}.lora_B.weight"] = (0.01 * torch.randn(m, model.r)).bfloat16()
    folder.mkdir(parents=True, exist_ok=True)
    save_file(state, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    targets = sorted({module.split(".")[1] for module in model.shapes})
    config = {  # the fields that PEFT itself writes for such an adapter
        "alpha_pattern": {}, "auto_mapping": None, "base_model_name_or_path": "meta-llama/Meta-Llama-3-8B",
        "bias": "none", "corda_config": None, "eva_config": None, "exclude_modules": None, "fan_in_fan_out": False,
        "inference_mode": True, "init_lora_weights": True, "layer_replication": None, "layers_pattern": None,
        "layers_to_transform": None, "loftq_config": {}, "lora_alpha": 2 * model.r, "lora_bias": False,
        "lora_dropout": 0.05,
        "megatron_config": None, "megatron_core": "megatron.core", "modules_to_save": None, "peft_type": "LORA",
        "r": model.r, "rank_pattern": {}, "revision": None, "target_modules": targets, "target_parameters": None,
        "task_type": "CAUSAL_LM", "trainable_token_indices": None, "use_dora": False, "use_rslora": False,
    }  # fmt: skip
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=2))


def install(name: str, folder: Path) -> Path:
    """Return the folder of a competitor's programs, in an environment of its own."""
    home = folder / f"{name}-{COMPETITORS[name]}"
    if not (home / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
        pip = [home / "bin" / "python", "-m", "pip", "install", "--quiet"]
        # pinned first: left to itself a dependency on torch may bring gigabytes of GPU libraries
        subprocess.run([*pip, f"torch=={TORCH}"], check=True)
        subprocess.run([*pip, f"{name}=={COMPETITORS[name]}"], check=True)
        (home / "ready").touch()
    return home / "bin"


def measure(command: list[str | Path], byte_code: Path) -> tuple[float, float]:
    """Return (seconds, peak resident MB) of one fresh process; exit if it fails."""
    # byte code in a place of its own, for all alike: an editable install may lack what pip compiled for the others
    env = os.environ | ONE_THREAD | {"PYTHONPYCACHEPREFIX": str(byte_code)}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    words = [str(part) for part in command]
    start = time.perf_counter()
    child = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env)
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"{' '.join(words)} ended with status {child.returncode}: its time would mean nothing.")
    return seconds, usage.ru_maxrss / 1024


def commands_for(adapter: Path, competitors: Path | None) -> dict[str, list[str | Path]]:
    """Return the commands to measure, by the name of their row."""
    commands: dict[str, list[str | Path]] = {
        "import torch": [sys.executable, "-c", "import torch"],
        "rankkit audit": [Path(sys.executable).parent / "rankkit", "audit", adapter],
    }
    if competitors:
        programs = {name: install(name, competitors.resolve()) / name for name in COMPETITORS}
        label = {name: f"{name} {version}" for name, version in COMPETITORS.items()}
        commands[f"{label['gradience']} audit"] = [programs["gradience"], "audit", "--peft-dir", adapter]
        # it takes the file, not the folder, and finds the configuration beside it
        file = adapter / "adapter_model.safetensors"
        commands[f"{label['adaptersentry']} scan"] = [programs["adaptersentry"], "scan", file]
    return commands


def report(model: Model, rounds: list[dict[str, tuple[float, float]]]) -> bool:
    """Print the table and the floor; return whether it is kept."""
    median = {name: statistics.median(turn[name][0] for turn in rounds) for name in rounds[0]}
    peak = {name: max(turn[name][1] for turn in rounds) for name in rounds[0]}
    torch, ours = median["import torch"], median["rankkit audit"]
    print("| command | seconds, median (range) | against import torch | against rankkit | peak MB |")
    print("|:--|--:|--:|--:|--:|")
    for name, middle in median.items():
        seconds = [turn[name][0] for turn in rounds]
        span = f"{middle:.2f} ({min(seconds):.2f} to {max(seconds):.2f})"
        print(f"| {name} | {span} | {middle / torch:.2f} | {middle / ours:.1f} | {peak[name]:.0f} |")
    ratio, worst = ours / torch, max(turn["rankkit audit"][0] / turn["import torch"][0] for turn in rounds)
    quick = ratio <= model.ratio if model.ratio else ours <= (model.seconds or 0)
    kept = quick and peak["rankkit audit"] <= model.megabytes
    allowed = f"{model.ratio} of import torch" if model.ratio else f"{model.seconds} s"
    print(
        f"\nFloor {'kept' if kept else 'MISSED'}: rankkit takes {ratio:.2f} of import torch (worst round {worst:.2f}), "
        f"{ours:.2f} s (at most {allowed}) and {peak['rankkit audit']:.0f} MB (at most {model.megabytes:.0f})."
    )
    return kept


def main() -> None:
    """Print a Markdown table, and whether the floor is kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=MODELS, default="8b")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--competitors", type=Path, metavar="FOLDER")
    parser.add_argument("--make", type=Path, metavar="FOLDER", help="only write the adapter there")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    if options.make:
        make_adapter(MODELS[options.model], options.make)
        return
    with tempfile.TemporaryDirectory(prefix="rankkit-llama-") as folder:
        adapter, byte_code = Path(folder, "adapter"), Path(folder, "byte_code")
        adapter.mkdir()
        # in a process of its own: a child's peak memory begins at what its parent held
        subprocess.run([sys.executable, __file__, "--model", options.model, "--make", adapter], check=True)
        commands = commands_for(adapter, options.competitors)
        for command in commands.values():
            measure(command, byte_code)  # fills the file cache and the byte-code cache
        before = os.getloadavg()[0]
        rounds = [{name: measure(c, byte_code) for name, c in commands.items()} for _ in range(options.rounds)]
    packages = ("rankkit", "numpy", "scipy", "torch")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    print(f"{options.rounds} rounds, load {before:.1f} before; Python {platform.python_version()}, {versions}\n")
    kept = report(MODELS[options.model], rounds)
    if not options.competitors:
        print("gradience and AdapterSentry were left out: give --competitors FOLDER to measure them too.")
    sys.exit(not kept)


if __name__ == "__main__":
    main()
