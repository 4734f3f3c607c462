"""Proofs that a claim holds on its whole domain: engines with one contract, (claim, deadline) -> Proof or a reason."""

from __future__ import annotations

from rankkit.claims.proofs.engines import ENGINES, prove, recheck
from rankkit.claims.proofs.proof import Attempt, Proof

__all__ = ["ENGINES", "Attempt", "Proof", "prove", "recheck"]
