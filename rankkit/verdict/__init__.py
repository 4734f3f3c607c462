"""What is known of statements: one word each, what it rests on, and ledgers of them."""

from __future__ import annotations

from rankkit.verdict.declared import declared
from rankkit.verdict.ledger import VerdictLedger, escaped, table_row, tally
from rankkit.verdict.word import WORDS, Verdict

__all__ = ["WORDS", "Verdict", "VerdictLedger", "declared", "escaped", "table_row", "tally"]
