"""`rankkit audit` of an adapter with Llama-3-8B's shapes, beside `import torch` and two other auditors.

Run: python benchmarks/audit_8b.py [--rounds 5] [--competitors FOLDER]

The adapter (q, k, v, o, gate, up, down; 32 layers; r = 16; bfloat16; 84 MB) is made in a temporary
folder. Every command is a fresh process with one thread, the commands take turns, and what is printed
are medians. With --competitors, gradience and AdapterSentry are installed from PyPI into
environments of their own under FOLDER, kept for the next run.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LAYERS, R = 32, 16
SHAPES = {  # outputs, inputs
    "self_attn.q_proj": (4096, 4096),
    "self_attn.k_proj": (1024, 4096),
    "self_attn.v_proj": (1024, 4096),
    "self_attn.o_proj": (4096, 4096),
    "mlp.gate_proj": (14336, 4096),
    "mlp.up_proj": (14336, 4096),
    "mlp.down_proj": (4096, 14336),
}
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
COMPETITORS = {"gradience": "gradience==0.11.0", "adaptersentry": "adaptersentry==2.0.2"}


def make_adapter(folder: Path) -> None:
    """Write the adapter: random factors, as alive as a trained one's."""
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(0)
    state = {}
    for layer in range(LAYERS):
        for module, (m, n) in SHAPES.items():
            key = f"base_model.model.model.layers.{layer}.{module}"
            state[f"{key}.lora_A.weight"] = (0.02 * torch.randn(R, n)).bfloat16()
            state[f"{key}.lora_B.weight"] = (0.01 * torch.randn(m, R)).bfloat16()
    save_file(state, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    targets = sorted({module.split(".")[1] for module in SHAPES})
    config = {
        "peft_type": "LORA", "task_type": "CAUSAL_LM", "base_model_name_or_path": "meta-llama/Meta-Llama-3-8B", "r": R,
        "lora_alpha": 2 * R, "lora_dropout": 0.0, "bias": "none", "target_modules": targets, "fan_in_fan_out": False,
        "use_rslora": False, "use_dora": False, "rank_pattern": {}, "alpha_pattern": {}, "modules_to_save": None,
    }  # fmt: skip
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=2))


def install(name: str, folder: Path) -> Path:
    """Return the folder of a competitor's programs, in an environment of its own."""
    home = folder / name
    if not (home / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
        pip = [home / "bin" / "python", "-m", "pip", "install", "--quiet"]
        # pinned first: left to itself a dependency on torch may bring gigabytes of GPU libraries
        subprocess.run([*pip, "torch==2.13.0"], check=True)
        subprocess.run([*pip, COMPETITORS[name]], check=True)
        (home / "ready").touch()
    return home / "bin"


def measure(command: list[str | Path]) -> tuple[float, float, int]:
    """Return (seconds, peak resident MB, exit status) of one fresh process."""
    start = time.perf_counter()
    child = subprocess.Popen(
        [str(part) for part in command],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ | ONE_THREAD,
    )  # fmt: skip
    _, status, usage = os.wait4(child.pid, 0)
    return time.perf_counter() - start, usage.ru_maxrss / 1024, os.waitstatus_to_exitcode(status)


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--competitors", type=Path, metavar="FOLDER")
    parser.add_argument("--make", type=Path, metavar="FOLDER", help="only write the adapter there")
    options = parser.parse_args()
    if options.make:
        make_adapter(options.make)
        return
    adapter = Path(tempfile.mkdtemp(prefix="rankkit-8b-"))
    try:
        # in a process of its own: a child's peak memory begins at what its parent held
        subprocess.run([sys.executable, __file__, "--make", adapter], check=True)
        commands: dict[str, list[str | Path]] = {
            "import torch": [sys.executable, "-c", "import torch"],
            "rankkit audit": [Path(sys.executable).parent / "rankkit", "audit", adapter],
        }
        if options.competitors:
            commands["gradience audit"] = [
                install("gradience", options.competitors) / "gradience", "audit", "--peft-dir", adapter,
            ]  # fmt: skip
            file = adapter / "adapter_model.safetensors"
            commands["adaptersentry scan"] = [
                install("adaptersentry", options.competitors) / "adaptersentry", "scan", file,
            ]  # fmt: skip
        else:
            print("(gradience and AdapterSentry left out: give --competitors FOLDER)", file=sys.stderr)
        for command in commands.values():
            measure(command)  # fills the file cache and the byte-code caches
        rounds = [{name: measure(command) for name, command in commands.items()} for _ in range(options.rounds)]
    finally:
        shutil.rmtree(adapter)
    base = statistics.median(turn["import torch"][0] for turn in rounds)
    ours = statistics.median(turn["rankkit audit"][0] for turn in rounds)
    print("| command | seconds, median (range) | against import torch | against rankkit | peak MB | exit |")
    print("|:--|--:|--:|--:|--:|--:|")
    for name in commands:
        seconds = sorted(turn[name][0] for turn in rounds)
        median, peak = statistics.median(seconds), max(turn[name][1] for turn in rounds)
        span = f"{median:.2f} ({seconds[0]:.2f} to {seconds[-1]:.2f})"
        print(f"| {name} | {span} | {median / base:.2f} | {median / ours:.1f} | {peak:.0f} | {rounds[0][name][2]} |")


if __name__ == "__main__":
    main()
