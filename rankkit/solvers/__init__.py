"""Solvers: singular values of an update, each with the error it is known to; and counts without them."""

from __future__ import annotations

from rankkit.solvers.counting import Count, count_above
from rankkit.solvers.solution import Solution

__all__ = ["Count", "Solution", "count_above"]
