"""Faults that no test can notice, because no stated result becomes wrong: each with its reason."""

from __future__ import annotations

from tests.mutants.planted import Mutant

__all__ = ["EQUIVALENT", "reason_of"]

COST = "it decides how long a computation takes, and no result"
TRIED = "it decides which vectors are tried; how good they are is measured"
FAR = "both numbers are far from where squares vanish or overflow"
LOWER = "a lower bound that is lower leaves the count to the next route"
TIE = "of two numbers that are exactly equal either is right"

# (file under rankkit/, the description, or a part of it or of the line; or both, with @ between them) -> the reason
EQUIVALENT: dict[tuple[str, str], str] = {
    ("solvers/solution.py", " @ SQUARES = ("): FAR, ("solvers/solution.py", " @ return (energies > SQUARES[0])"): FAR,
    ("solvers/factored.py", "64 -> 128 @ PANEL = "): COST, ("solvers/factored.py", "22 -> 44 @ WORKSPACE = "): COST,
    ("solvers/factored.py", " @ lwork=max(r, min(PANEL * r, WORKSPACE))"): COST,
    ("solvers/factored.py", "unit.shape[1] <= LARGE -> unit.shape[1] < LARGE"): COST,
    ("solvers/factored.py", "lengths.min() * EVEN > lengths.max() -> lengths.min() * EVEN >= lengths.max()"): COST,
    ("solvers/leading.py", "2 -> 4 @ SPARE = "): COST, ("solvers/leading.py", "k + SPARE -> (k)"): COST,
    ("solvers/leading.py", "0.7 -> 1.4 @ KEPT = "): "to repeat a projection that was good enough costs time alone",
    ("solvers/leading.py", "KEPT * long -> (long)"): "to repeat a projection that was good enough costs time alone",
    ("solvers/leading.py", "left > KEPT * long -> left >= KEPT * long"): TIE, ("solvers/leading.py", "2 -> 4 @ PATIENCE = "): COST,
    ("solvers/leading.py", "8 -> 16 @ EIGHTH = "): COST, ("solvers/leading.py", " @ look = max(blocks + PATIENCE"): COST,
    ("solvers/leading.py", "blocks < look -> blocks <= look"): COST,
    ("solvers/leading.py", "inside + again -> (inside)"): "what a second projection finds in the basis is the rounding of the first",
    ("solvers/sampled.py", "256 -> 512 @ CORNER = "): COST, ("solvers/sampled.py", "8 -> 16 @ LEAST = "): COST,
    ("solvers/sampled.py", "size < LEAST -> size <= LEAST"): "nine samples at least are more than three quarters of so few rows",
    ("solvers/sampled.py", "_many(_corner(S, few)) > CROWD * few -> _many(_corner(S, few)) >= CROWD * few"): TIE,
    ("solvers/sampled.py", "sigma > BELOW * threshold[:, None] * sigma[:, :1] -> sigma >= "): TIE,
    ("solvers/top.py", "32 -> 64 @ STEPS = "): COST, ("solvers/top.py", "4 -> 8 @ LOOK = "): COST, ("solvers/top.py", " @ ENOUGH = ("): COST, ("solvers/top.py", "64 -> 128 @ MANY = "): COST,
    ("solvers/top.py", "1.06 -> 2.12 @ ABOVE = "): COST, ("solvers/top.py", "1e-06 -> 2e-06 @ NEAR = "): COST,
    ("solvers/top.py", "G.matrix.shape[-1] - 1 -> (G.matrix.shape[-1])"): COST,
    ("solvers/top.py", "G.tall[:, 0, :] + 0.0 -> (G.tall[:, 0, :])"): "the division by its length makes a new array in any case",
    ("solvers/top.py", "NEAR * low -> (low)"): "a guess that is too low is not proved, and the crude bound stays",
    ("solvers/located.py", "2 -> 4 @ GUARD = "): COST, ("solvers/located.py", "3 -> 6 @ ROUNDS = "): COST,
    ("solvers/located.py", " @ standard_normal((p, few + GUARD))"): TRIED, ("solvers/located.py", " @ units = xp.astype("): TRIED,
    ("solvers/located.py", "-np.inf -> (np.inf)"): "an end that is not finite is infinitely far away, on either side",
    ("solvers/located.py", "np.sqrt(self.values.shape[-1]) <= distance -> "): TIE,
    ("solvers/windows.py", "0.01 -> 0.02 @ WIDE = "): COST, ("solvers/windows.py", " @ wide = Edges("): COST,
    ("solvers/windows.py", " @ up: Array = values.nearest("): COST, ("solvers/windows.py", " @ // BLOCK * BLOCK"): COST,
    ("solvers/windows.py", "bounds.upper - bounds.lower -> (bounds.upper)"): COST,
    ("solvers/windows.py", "values.smallest < edges.below[:, None] -> values.smallest <= edges.below[:, None]"):
        "a value of at most the lower edge does not exceed the threshold",
    ("solvers/economical.py", "256 -> 512 @ SMALL = "): COST, ("solvers/economical.py", " @ if min(S.shape[-2:]) >= SMALL"): COST,
    ("solvers/economical.py", "found.error <= tol * found.values[:, :1] -> found.error < tol"): TIE,
    ("solvers/counting.py", "samples > SAMPLES * work.p -> samples >= SAMPLES * work.p"): TIE,
    ("solvers/counting.py", "min -> max @ size, p = S.shape[0]"): "the first route that is asked replaces it",
    ("solvers/counting.py", "least > CLEAR * gram_error(work.S, work.energy) -> least >= "): TIE,
    ("solvers/nystrom.py", " @ omega = 2.0 * signs - 1.0"): TRIED, ("solvers/nystrom.py", "2 -> 4 @ integers(0, 2"): TRIED,
    ("solvers/blocks.py", "+ TINY ->"): "a block of zeros then proves nothing, and the next route decides",
    ("solvers/inverse.py", "columns + 0.0 -> (columns)"): "those who call back_solved pass arrays that they do not use again",
    ("uncertainty.py", "1e-09 -> 2e-09 @ MOST = "): "a share so near to 1 stands for no knowledge at all",
    ("uncertainty.py", "2 -> 4 @ (1 - MOST) ** 2"): "without any knowledge of sigma_1 the bound is beyond every stable rank",
    ("uncertainty.py", "value > 0 -> value >= 0"): "a stable rank or participation ratio is at least 1, or NaN",
    ("claims/certificates.py", "2 -> 4 @ (2 * self.bits"): "a ball of more bits than twice as many is narrower and proves no less",
    ("claims/certificates.py", "stated < 0 -> stated <= 0"): "flint reads no ball from a text that ends at zero exactly, but zero",
    ("claims/arithmetic.py", "X.shape[0] >= X.shape[1] -> X.shape[0] > X.shape[1]"): "a square matrix has the same values either way",
    ("reported/finding.py", "value < 0 -> value <= 0 @ digits else text"): "zero has no digits that a sign would stand before",
}  # fmt: skip

NUMPYS = "numpy's own sine is as exact, and slower or as quick"
# (file under rankkit/, the whole description, what the line that it changes begins with) -> the reason
EXACT: dict[tuple[str, str, str], str] = {
    ("rules/sine_function.py", "not is_numpy_array(x) -> (is_numpy_array(x))", "if not"): NUMPYS,
    ("rules/sine_function.py", "x.size <= BLOCK -> x.size < BLOCK", "if not"): NUMPYS,
    ("rules/sine_function.py", "_peak(x) * abs(factor) < LARGEST -> _peak(x) * abs(factor) <= LARGEST", "if not"):
        "k has 19 bits at LARGEST, too",
    ("rules/sine_function.py", "1000000.0 -> 2000000.0", "LARGEST"):
        "k then has 20 bits, so that its product with 33 bits of pi is exact, too",
    ("rules/interpolant.py", "1e-09 -> 2e-09", "SHRINK"): "the nodes stay within their cell, where the spline is one cubic",
    ("rules/interpolant.py", "1 - 1e-09 -> (1)", "SHRINK"): "a spline has the same values on both sides of an end of its cells",
    ("law/bounds.py", "least <= OUT * (np.sqrt(k * most) + (min(m, n) - k) * eps ** 2) -> "
     "least < OUT * (np.sqrt(k * most) + (min(m, ", "possible"): "OUT moves the right side by far more than a tie leaves open",
    ("rules/learned.py", "1e-08 -> 2e-08", "TINY_ANGLE"): "at 2e-8 the next term, t^2 / 6, is still below a rounding of 1",
    ("checkpoints/forms.py", "w.shape[0] <= w.shape[1] -> w.shape[0] < w.shape[1]", "return Factors(one, w)"):
        "a square part is exact on either side of the identity",
    ("law/bounds.py", "int(0.75 * T) + 64 -> (int(0.75 * T))", "p = least + 2"): "the orders reach 2.5 T without them",
    ("checkpoints/readers/leftovers.py", "at > 0 -> at >= 0", "while at"): "no module has the empty path, which stands before a dot",
    ("checkpoints/scaling.py", "1000 -> 2000", "MOST_PATTERNS"): COST,
    ("checkpoints/scaling.py", "0.1 -> 0.2", "MATCH_SECONDS"): COST,
    ("rules/learned.py", "5 -> 10", "return 5 * self.alpha.size"): COST,
    ("solvers/windows.py", "found.positive + inside.lower -> (found.positive)", "np.maximum"): LOWER,
    ("solvers/windows.py", "found.positive + inside.lower -> (inside.lower)", "np.maximum"): LOWER,
    ("solvers/top.py", "vector * 0.0 -> (vector)", "before, coupling"): "the first step multiplies it by a coupling of zero",
    ("solvers/blocks.py", "values > 0 -> values >= 0", "sign ="): "a zero counts as TINY with either sign, and what that cost is measured",
}  # fmt: skip


def reason_of(mutant: Mutant) -> str:
    """Return why a mutant that survives changes no result; nothing where it should have been killed."""
    for (file, words), reason in EQUIVALENT.items():
        what, both, line = words.partition(" @ ")
        held = what in mutant.what and line in mutant.old if both else words in mutant.what or words in mutant.old
        if mutant.file == f"rankkit/{file}" and held:
            return reason
    for (file, what, begins), reason in EXACT.items():
        changed = mutant.old.strip()
        if (mutant.file, mutant.what) == (f"rankkit/{file}", what) and changed.startswith(begins):
            return reason
    return ""
