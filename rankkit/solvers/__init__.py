"""Solvers: singular values of an update, each with the error it is known to."""

from __future__ import annotations

from rankkit.solvers.base import Solution
from rankkit.solvers.dense import dense
from rankkit.solvers.factored import factored
from rankkit.solvers.krylov import leading

__all__ = ["Solution", "dense", "factored", "leading"]
