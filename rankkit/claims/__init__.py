"""Claims: statements as records, searched for violations, decided with certificates."""

from __future__ import annotations

from rankkit.claims.arithmetic import Balls, Floats
from rankkit.claims.certificates import Certificate, certify
from rankkit.claims.claim import Claim, Measured
from rankkit.claims.decide import Checked, check
from rankkit.claims.domain import Domain
from rankkit.claims.ledger import Ledger, collect, verify
from rankkit.claims.matrices import Matrix
from rankkit.claims.rank_bounds import certified_rank_bounds
from rankkit.claims.spaces import Integer, Real

__all__ = [
    "Balls",
    "Certificate",
    "Checked",
    "Claim",
    "Domain",
    "Floats",
    "Integer",
    "Ledger",
    "Matrix",
    "Measured",
    "Real",
    "certified_rank_bounds",
    "certify",
    "check",
    "collect",
    "verify",
]
