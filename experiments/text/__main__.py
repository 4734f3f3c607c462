"""Run: python -m experiments.text [--plan smoke|small|whole|frequency|FILE]. The plans say what is trained."""

from __future__ import annotations

import sys

from experiments.grid.command import command
from experiments.text.experiment import TEXT
from experiments.text.summary import summarise

if __name__ == "__main__":
    about = "Every method on one task: WordNet's glosses, MiniLM-L6 with an adapter."
    sys.exit(command(TEXT, about, None, summarise=summarise))
