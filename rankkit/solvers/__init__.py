"""Solvers: singular values of an update, each with the error it is known to."""

from __future__ import annotations

from rankkit.solvers.base import Solution
from rankkit.solvers.counting import Count, count_above
from rankkit.solvers.dense import dense
from rankkit.solvers.economical import economical
from rankkit.solvers.factored import factored
from rankkit.solvers.kronecker import kronecker, structured
from rankkit.solvers.krylov import leading

__all__ = [
    "Count",
    "Solution",
    "count_above",
    "dense",
    "economical",
    "factored",
    "kronecker",
    "leading",
    "structured",
]
