"""What is known of statements: one word each and what it rests on; and which files declare statements."""

from __future__ import annotations

from rankkit.verdict.declarations import declared
from rankkit.verdict.word import UPHELD, WORDS, Verdict, agree

__all__ = ["UPHELD", "WORDS", "Verdict", "agree", "declared"]
