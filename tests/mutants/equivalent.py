"""Faults that no test can notice, because no stated result becomes wrong: each with its reason."""

from __future__ import annotations

from tests.mutants.planted import Mutant

__all__ = ["EQUIVALENT", "reason_of"]

COST = "it decides how long a computation takes, and no result"

# (file under rankkit/, what the description or the line must contain) -> the reason
EQUIVALENT: dict[tuple[str, str], str] = {
    ("solvers/sampled.py", "MOST * size"): COST, ("solvers/sampled.py", "SHARE * size"): COST, ("solvers/sampled.py", "CORNER"): COST,
    ("solvers/sampled.py", "SPARE"): COST, ("solvers/sampled.py", "BELOW"): COST, ("solvers/sampled.py", "_many("): COST,
    ("solvers/economical.py", "SMALL"): COST, ("solvers/counting.py", "SMALL"): COST, ("solvers/counting.py", "FEW"): COST,
    ("solvers/counting.py", "CLEAR"): COST, ("solvers/windows.py", "work.p - lower"): COST, ("solvers/windows.py", "WIDE"): COST,
    ("solvers/located.py", "ROUNDS"): COST, ("solvers/located.py", "GUARD"): COST, ("solvers/located.py", "FEW ="): COST,
    ("solvers/factored.py", "PANEL"): COST, ("solvers/factored.py", "WORKSPACE"): COST, ("solvers/leading.py", "PATIENCE"): COST,
    ("solvers/leading.py", "EIGHTH"): COST, ("solvers/leading.py", "SPARE"): COST, ("solvers/leading.py", "KEPT"): COST,
    ("solvers/top.py", "STEPS"): COST, ("solvers/top.py", "LOOK"): COST, ("solvers/top.py", "ENOUGH"): COST, ("solvers/top.py", "MANY"): COST, ("solvers/top.py", "ABOVE"): COST,
    ("solvers/sampled.py", "SHARE = "): COST, ("solvers/windows.py", "edges.above + edges.below"): COST,
    ("solvers/windows.py", "np.min(work.definite)"): COST, ("spectrum.py", "KRYLOV_SHARE *"): COST,
    ("solvers/gram.py", "ROOM = "): "more room makes a bound wider by eight roundings, and it stays true",
    ("solvers/solution.py", "SQUARES = "): "both numbers are far from where squares vanish or overflow",
    ("rules/sine_function.py", "not is_numpy_array(x) ->"): "numpy's own sine is as exact, and slower",
    ("solvers/sampled.py", "MOST = "): COST, ("rules/learned.py", "5 -> 10"): COST,
    ("solvers/solution.py", "energies < SQUARES[1] ->"): "both numbers are far from where squares vanish or overflow",
    ("solvers/leading.py", "blocks < look ->"): COST,
    ("solvers/located.py", "self.values > least[:, None] ->"): "a value exactly at the end of a window is right on either side",
    ("solvers/top.py", "NEAR * low"): "a guess that is too low is not proved, and the crude bound stays",
    ("solvers/inertia.py", "+ TINY ->"): "a block of zeros then proves nothing, and the next route decides",
    ("solvers/inverse.py", "columns + 0.0 -> (columns)"): "those who call back_solved pass arrays that they do not use again",
    ("solvers/located.py", "<= distance"): "a value exactly at that distance is right on either side of the comparison",
    ("claims/certificates.py", "2 * self.bits"): "more bits than twice as many make the recomputed ball narrower and prove no less",
    ("claims/certificates.py", "2 -> 4"): "more bits than twice as many make the recomputed ball narrower and prove no less",
}  # fmt: skip


def reason_of(mutant: Mutant) -> str:
    """Return why a mutant that survives changes no result; nothing where it should have been killed."""
    for (file, words), reason in EQUIVALENT.items():
        if mutant.file == f"rankkit/{file}" and (words in mutant.what or words in mutant.old):
            return reason
    return ""
