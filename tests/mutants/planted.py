"""The faults that are planted by hand: each a small, plausible slip in code whose errors would be silent."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["PLANTED", "Mutant"]


class Mutant(NamedTuple):
    """One change of one file, and the tests that have to notice it.

    Attributes
    ----------
    what : str
        The fault in words.
    file : str
        Within the project.
    old, new : str
        The text that is replaced, which occurs once in the file, and what replaces it.
    tests : str
        Files or tests that pytest is given, separated by blanks.
    """

    what: str
    file: str
    old: str
    new: str
    tests: str


WORST = "tests/solvers/test_worst_rounding.py"
METRICS = "tests/test_uncertainty.py"
GRAM = "tests/solvers/test_gram_bounds.py"
BOUNDS = "tests/solvers/test_count_bounds.py"
COPY = "tests/solvers/test_low_rank_bounds.py"
SINGLE = "tests/solvers/test_single.py"
PIVOTED = "tests/solvers/test_pivoted.py"
RULE = "tests/rules/test_forming_error.py tests/rules/test_rule.py tests/rules/test_elementwise.py"

# one line each: what | file under rankkit/ | old | new | tests
_LAYERS = [
    # a silent error in a result that people read
    ("forming error left out of sigma_1's part of the threshold", "solvers/tolerance.py", "(high + self.error)", "high", WORST),
    ("the same for the lower edge", "solvers/tolerance.py", "np.maximum(low - self.error, 0)", "low", WORST),
    ("eigensolver's rounding left out of the Gram bounds", "solvers/gram.py", "(G.error + EPS * values.shape[-1] * np.abs(values[..., 0]))", "(G.error + 0 * values[..., 0])", WORST),
    ("Krylov's residual bound halved", "solvers/leading.py", "error = np.linalg.norm(residual, axis=1)", "error = np.linalg.norm(residual, axis=1) / 2", WORST),
    ("rounding left out of the range finder's error", "solvers/sampled.py", "np.minimum(largest, largest**2 / values) + rounding[:, None]", "np.minimum(largest, largest**2 / values)", WORST),
    ("rule left out of the batch key", "audits/batches.py", "return product.shape, product.r, ready.rule", "return product.shape, product.r", "tests/audits/test_update.py"),
    ("law's count relative to another sigma_1", "law/measures.py", "square = (relative * self.top) ** 2\n", "square = (relative * float(self.staircase.values[0])) ** 2\n", "tests/law/test_predict.py"),
    ("shortest rank patterns first in truncate", "audits/truncate.py", "sorted(new, key=len, reverse=True)", "sorted(new, key=len)", "tests/audits/test_truncate.py"),
    ("intruder threshold 0.9 for 0.5", "audits/intruders.py", "SIMILAR = 0.5", "SIMILAR = 0.9", "tests/audits/test_weights.py"),
    ("regime without its check for the sine", "audits/row.py", "saturates=isinstance(applied.rule, Sine)", "saturates=True", "tests/audits/test_update.py"),
    ("two of LoKr's parts asked in the wrong order", "checkpoints/readers/kohya.py", '"lokr_w2_b", "lokr_w1_b"', '"lokr_w1_b", "lokr_w2_b"', "tests/checkpoints/readers/test_kohya.py"),
    ("Tracy-Widom share 0.3 for 0.658", "law/finite/edge.py", "0.658 *", "0.3 *", "tests/law/test_staircase.py"),
    ("workers keep all BLAS threads", "execution.py", "_one_blas_thread()\n    keep_freed_memory()", "keep_freed_memory()", "tests/test_execution.py"),
    ("the calling process keeps all BLAS threads", "execution.py", "limits=1", "limits=None", "tests/test_execution.py"),
    # one term of a bound at a time
    ("dense: rounding of the SVD", "solvers/dense.py", "EPS * max(update.shape[-2:]) * values[..., 0]", "0 * values[..., 0]", WORST),
    ("dense: by the shorter side", "solvers/dense.py", "max(update.shape[-2:])", "min(update.shape[-2:])", WORST),
    ("factored: condition of B", "solvers/factored.py", "_condition(unit) + _condition(R_A / _lengths(R_A))", "_condition(R_A / _lengths(R_A))", WORST),
    ("factored: condition of A", "solvers/factored.py", "_condition(unit) + _condition(R_A / _lengths(R_A))", "_condition(unit)", WORST),
    ("factored: condition of A as it is scaled by B", "solvers/factored.py", "_condition(R_A / _lengths(R_A))", "_condition(other)", "tests/solvers/test_solvers.py"),
    ("factored: dependent columns have a finite condition", "solvers/factored.py", 'if independent else float("inf")', "if sigma[-1] > 0 else 1.0", WORST),
    ("factored: size of B", "solvers/factored.py", "np.linalg.norm(unit) * np.linalg.norm(other)", "np.linalg.norm(other)", WORST),
    ("factored: size of A", "solvers/factored.py", "np.linalg.norm(unit) * np.linalg.norm(other)", "np.linalg.norm(unit)", WORST),
    ("factored: absolute error by the shorter side", "solvers/factored.py", "EPS * max(factors.m, factors.n) * core.size", "EPS * min(factors.m, factors.n) * core.size", WORST),
    ("factored: relative error by the shorter side", "solvers/factored.py", "EPS * max(factors.m, factors.n) * core.condition", "EPS * min(factors.m, factors.n) * core.condition", WORST),
    ("leading: rounding", "solvers/leading.py", "error + EPS * max(m, n) * sigma[:, 0]", "error", WORST),
    ("leading: the second of two that nearly coincide is not looked at", "solvers/leading.py", "space.ritz(max(k, 2))", "space.ritz(k)", SINGLE),
    ("leading: residual of one value for that of all", "solvers/leading.py", "error = np.linalg.norm(residual, axis=1)", "error = residual[:, 0]", SINGLE),
    ("leading: float32 stops at the residual of one value", "solvers/single.py", "np.linalg.vector_norm(left[-1]) <= tol", "abs(left[-1, 0]) <= tol", SINGLE),
    ("leading: vectors from float32 are believed", "solvers/leading.py", "found.residual <= tol * found.values[0]", "found.residual >= 0", SINGLE),
    ("leading: rounding of a value whose vectors float32 found", "solvers/leading.py", "found.residual + EPS * max(m, n) * found.values[:1]", "found.residual + 0 * found.values[:1]", SINGLE),
    ("single: the residual is that of vectors before they are turned", "solvers/single.py", "X @ turn.T * sigma", "X * sigma", SINGLE),
    ("sampled: the rest", "solvers/sampled.py", "largest = (rest + rounding)[:, None]", "largest = rounding[:, None]", WORST),
    ("sampled: rounding of the rest", "solvers/sampled.py", "largest = (rest + rounding)[:, None]", "largest = rest[:, None]", WORST),
    ("sampled: the bound of second order everywhere", "solvers/sampled.py", "np.minimum(largest, largest**2 / values)", "np.minimum(np.inf * largest, largest**2 / np.maximum(values, values[:, :1]))", WORST),
    ("sampled: rounding of one product for four", "solvers/sampled.py", "ROUNDED = 4", "ROUNDED = 1", WORST),
    ("Gram: rounding of the matrix", "solvers/gram.py", "ROUNDOFF * (max(S.shape[-2:]) + ROOM) * energies", "0 * energies", WORST),
    ("Gram: rounding by the shorter side", "solvers/gram.py", "(max(S.shape[-2:]) + ROOM)", "min(S.shape[-2:])", WORST),
    ("Gram: a lower bound without the error", "solvers/gram.py", "np.sqrt(np.maximum(values - error, 0))", "np.sqrt(np.maximum(values, 0))", WORST),
    ("Gram: an upper bound without the error", "solvers/gram.py", "np.sqrt(np.maximum(values + error, 0))", "np.sqrt(np.maximum(values, 0))", WORST),
    ("threshold: the error beside sigma_1's, above", "solvers/tolerance.py", "(high + self.error) + self.error", "(high + self.error)", WORST),
    ("threshold: the error beside sigma_1's, below", "solvers/tolerance.py", "np.maximum(low - self.error, 0) - self.error", "np.maximum(low - self.error, 0)", WORST),
    ("threshold: errors of the values, below", "solvers/tolerance.py", "low, high = np.maximum(values - errors, 0), values + errors", "low, high = values, values + errors", WORST),
    ("threshold: errors of the values, above", "solvers/tolerance.py", "low, high = np.maximum(values - errors, 0), values + errors", "low, high = np.maximum(values - errors, 0), values", WORST),
    ("forming error left out of the noise floor", "spectrum.py", "floor + formed", "floor", WORST),
    ("relative accuracy kept with a forming error", "spectrum.py", "np.where(formed > 0, np.inf, solution.relative_error)", "solution.relative_error", WORST),
    ("the larger of two bounds is the error", "solvers/solution.py", "np.minimum(each, near)", "np.maximum(each, near)", "tests/test_spectrum.py tests/solvers " + METRICS),
    # bounds behind a count
    ("sigma_1 from above: rounding of the row sum", "solvers/top.py", "(1 + EPS * p) + G.error", "1 + G.error", BOUNDS),
    ("sigma_1 from above: rounding of G", "solvers/top.py", "(1 + EPS * p) + G.error)", "(1 + EPS * p))", GRAM),
    ("sigma_1 from below: rounding of S x", "solvers/top.py", "axis=(-2, -1))) - rounding, 0.0)", "axis=(-2, -1))), 0.0)", BOUNDS),
    ("sigma_1 proved: rounding of the factorisation", "solvers/top.py", "square * (1 + rounding) + G.error", "square + G.error", BOUNDS),
    ("sigma_1 proved: rounding of G", "solvers/top.py", "square * (1 + rounding) + G.error", "square * (1 + rounding)", BOUNDS),
    ("sigma_1 proved: rounding of p sums", "solvers/top.py", "unit * (p + ROOM) * rows", "unit * rows", BOUNDS),
    ("sigma_1 proved: float32's rounding as float64's", "solvers/top.py", "unit = SINGLE if single else ROUNDOFF", "unit = ROUNDOFF", BOUNDS),
    ("inertia: rounding of G left out of the shift", "solvers/inertia.py", "edge + side * (G.error + _slack(G, edge))", "edge + side * _slack(G, edge)", GRAM),
    ("inertia: its own rounding left out of the shift", "solvers/inertia.py", "edge + side * (G.error + _slack(G, edge))", "edge + side * G.error", BOUNDS),
    ("inertia: a sum of p products", "solvers/inertia.py", "ROUNDOFF * (p + max(2 * BLOCK, PIVOT) + ROOM)", "ROUNDOFF * (max(2 * BLOCK, PIVOT) + ROOM)", BOUNDS),
    ("inertia: what is left of a block is rounded", "solvers/inertia.py", "ROUNDOFF * (p + max(2 * BLOCK, PIVOT) + ROOM)", "ROUNDOFF * (p + ROOM)", BOUNDS),
    ("inertia: L's size is not looked at", "solvers/inertia.py", "_roundings(p) * energy(L) + missing", "missing", PIVOTED),
    ("inertia: what is left of a block is not looked at", "solvers/inertia.py", "_roundings(p) * energy(L) + missing", "_roundings(p) * energy(L)", GRAM),
    ("inertia: the size of a tail is not looked at", "solvers/inertia.py", "_roundings(p) * size + missing", "missing", PIVOTED),
    ("inertia: what is left of a tail is not looked at", "solvers/inertia.py", "_roundings(p) * size + missing", "_roundings(p) * size", PIVOTED),
    ("inertia: the size of a tail without its head", "solvers/inertia.py", "leading[place[-1]] + np.sum(beside**2)", "np.sum(beside**2)", PIVOTED),
    ("inertia: the size of a tail alone", "solvers/inertia.py", "np.sum(beside**2) + np.sum(rest**2)", "np.sum(beside**2)", PIVOTED),
    ("inertia: the size of pivoted factors is not looked at", "solvers/inertia.py", "np.sum(np.vecdot(leading, leading)) + grown, head", "np.sum(np.vecdot(leading, leading)), head", BOUNDS),
    ("inertia: the size of Cholesky's factor is not looked at", "solvers/inertia.py", "np.sum(np.vecdot(leading, leading)) + grown, head", "grown, head", PIVOTED),
    ("inertia: what rounding may carry across a shift, of G", "solvers/inertia.py", "near = G.error + own", "near = own", PIVOTED),
    ("inertia: what rounding may carry across a shift, its own", "solvers/inertia.py", "near = G.error + own", "near = G.error + 0 * own", PIVOTED),
    ("pivoted: blocks of order 2 left out", "solvers/pivoted.py", "+ 2 * np.sum(np.abs(e)", "+ 0 * np.sum(np.abs(e)", PIVOTED),
    ("pivoted: one entry of a block of order 2 for both", "solvers/pivoted.py", "+ 2 * np.sum(np.abs(e)", "+ np.sum(np.abs(e)", PIVOTED),
    ("pivoted: the diagonal of D left out", "solvers/pivoted.py", "size = np.sum(np.abs(d) * lengths) +", "size = 0 * np.sum(np.abs(d) * lengths) +", PIVOTED),
    ("pivoted: lengths without the ones of L", "solvers/pivoted.py", "diagonal[...], beside[first] = 1.0, 0.0", "diagonal[...], beside[first] = 0.0, 0.0", PIVOTED),
    ("pivoted: D is not put back", "solvers/pivoted.py", "diagonal[...], beside[first] = d, e", "diagonal[...], beside[first] = 1.0, e", PIVOTED),
    ("pivoted: the entry beside the diagonal is not put back", "solvers/pivoted.py", "diagonal[...], beside[first] = d, e", "diagonal[...], beside[first] = d, 0.0", PIVOTED),
    ("pivoted: blocks are taken as they come", "solvers/pivoted.py", "float(size) if balanced else np.inf", "float(size)", PIVOTED),
    ("pivoted: a block of order 2 has no positive eigenvalue", "solvers/pivoted.py", "np.sum(d[~paired] > 0)) + first.size", "np.sum(d[~paired] > 0))", PIVOTED),
    ("window: a value that was counted above is located too", "solvers/windows.py", "np.maximum(above.shift - above.near, 0)", "np.maximum(above.shift, 0)", PIVOTED),
    ("window: a value that was counted below is located too", "solvers/windows.py", "np.sqrt(below.shift + below.near)", "np.sqrt(below.shift)", PIVOTED),
    ("located: residuals of the others", "solvers/located.py", "together = np.sqrt(np.sum(np.where(taken, self.residual, 0.0) ** 2, axis=-1))", "together = np.max(np.where(taken, self.residual, 0.0), axis=-1)", BOUNDS),
    ("located: residuals", "solvers/located.py", "(together + self.rounding * np.sqrt(np.sum(taken, axis=-1)))", "(self.rounding * np.sqrt(np.sum(taken, axis=-1)))", BOUNDS),
    ("located: rounding of the residuals", "solvers/located.py", "(together + self.rounding * np.sqrt(np.sum(taken, axis=-1)))", "together", BOUNDS),
    ("located: rounding of one residual for that of all", "solvers/located.py", "self.rounding * np.sqrt(np.sum(taken, axis=-1))", "self.rounding", BOUNDS),
    ("located: columns that are not orthonormal", "solvers/located.py", "np.sqrt(np.sum(taken, axis=-1))) / self.norm)", "np.sqrt(np.sum(taken, axis=-1))))", BOUNDS),
    ("located: a residual's rounding is that of a sum", "solvers/located.py", "ROUNDOFF * (q + 2 * ROOM + (p + 2 * width) * np.sqrt(width))", "ROUNDOFF", BOUNDS),
    ("located: columns that are turned into others are rounded once", "solvers/located.py", "(p + 2 * width) * np.sqrt(width)", "p", "tests/solvers/test_stated.py"),
    ("located: the squares of the smallest values are rounded", "solvers/located.py", "np.sqrt(np.maximum(squares, 0) + squared)", "np.sqrt(np.maximum(squares, 0))", BOUNDS),
    ("located: the image of the smallest values is rounded", "solvers/located.py", "+ squared) + rounding[:, None])", "+ squared))", BOUNDS),
    ("cheap values: the error on one side only", "solvers/economical.py", "np.maximum(values - low, high - values)", "high - values", BOUNDS),
    ("Kronecker: error of the first part", "solvers/kronecker.py", "s1 * two.noise_floor + s2 * one.noise_floor +", "s1 * two.noise_floor +", BOUNDS),
    ("Kronecker: error of the second part", "solvers/kronecker.py", "s1 * two.noise_floor + s2 * one.noise_floor +", "s2 * one.noise_floor +", BOUNDS),
    ("Kronecker: both errors together", "solvers/kronecker.py", "+ one.noise_floor * two.noise_floor +", "+", BOUNDS),
    ("Kronecker: rounding of the product", "solvers/kronecker.py", "+ EPS * s1 * s2", "", BOUNDS),
    ("Kronecker: relative error of one part", "solvers/kronecker.py", "(1 + one.relative_error) * (1 + two.relative_error) - 1 + EPS", "two.relative_error + EPS", BOUNDS),
    ("Kronecker: relative errors only added", "solvers/kronecker.py", "(1 + one.relative_error) * (1 + two.relative_error) - 1 + EPS", "one.relative_error + two.relative_error + EPS", BOUNDS),
    ("Kronecker: relative rounding of the product", "solvers/kronecker.py", "(1 + two.relative_error) - 1 + EPS", "(1 + two.relative_error) - 1", BOUNDS),
    # bounds from a low-rank copy
    ("low rank: what the copy lacks", "solvers/nystrom.py", "error = (measured + rounding + G.error)", "error = (rounding + G.error)", COPY),
    ("low rank: one triangle of the rest for both", "solvers/nystrom.py", "both = 2 * float(np.sum(rest**2)) -", "both = float(np.sum(rest**2)) - 0 *", COPY),
    ("low rank: rounding of the sum of squares", "solvers/nystrom.py", "np.sqrt(both * (1 + EPS * p * p))", "np.sqrt(both)", COPY),
    ("low rank: rounding of the rest", "solvers/nystrom.py", "(k + ROOM) * (G.energy + energy) + (p + ROOM) * energy", "(p + ROOM) * energy", COPY),
    ("low rank: rounding of the rest, of G alone", "solvers/nystrom.py", "(k + ROOM) * (G.energy + energy)", "(k + ROOM) * G.energy", COPY),
    ("low rank: rounding of the rest, of F alone", "solvers/nystrom.py", "(k + ROOM) * (G.energy + energy)", "(k + ROOM) * energy", COPY),
    ("low rank: rounding of the rest, of no sum", "solvers/nystrom.py", "(k + ROOM) * (G.energy + energy)", "ROOM * (G.energy + energy)", COPY),
    ("low rank: rounding of F^T F", "solvers/nystrom.py", "(G.energy + energy) + (p + ROOM) * energy)", "(G.energy + energy))", COPY),
    ("low rank: rounding of the eigenvalues", "solvers/nystrom.py", "+ EPS * k * np.abs(values[:, 0])", "", COPY),
    ("low rank: rounding of G", "solvers/nystrom.py", "(measured + rounding + G.error)", "(measured + rounding)", COPY),
    ("low rank: all roundings", "solvers/nystrom.py", "(measured + rounding + G.error)", "(measured + G.error)", COPY),
    ("low rank: a lower bound without the error", "solvers/nystrom.py", "np.maximum(values - error, 0)", "np.maximum(values, 0)", COPY),
    ("low rank: an upper bound without the error", "solvers/nystrom.py", "np.maximum(values, 0) + error)", "np.maximum(values, 0))", COPY),
    # errors of the metrics
    ("spectral norm without an error", "uncertainty.py", "return spectrum.error[..., 0]", "return 0 * spectrum.error[..., 0]", METRICS),
    ("stable rank: sigma_1 without its error", "uncertainty.py", "np.maximum(least[..., 0], (1 - MOST) ** 2)", "1.0", METRICS),
    ("stable rank: the others without their errors", "uncertainty.py", "np.sum(most[..., 1:], axis=-1)", "np.sum(most[..., 1:] * 0 + _squares(spectrum).computed[..., 1:], axis=-1)", METRICS),
    ("stable rank: the rounding of a truncated spectrum's energy", "uncertainty.py", "value * ((1 + rounding) / (1 - share) ** 2 - 1)", "value * (1 / (1 - share) ** 2 - 1)", METRICS),
    ("stable rank: sigma_1's error of a truncated spectrum", "uncertainty.py", "value * ((1 + rounding) / (1 - share) ** 2 - 1)", "value * rounding", METRICS),
    ("participation ratio: errors of the numerator", "uncertainty.py", "highest = np.sum(most, axis=-1) ** 2", "highest = np.sum(least, axis=-1) ** 2", METRICS),
    ("participation ratio: errors of the denominator", "uncertainty.py", "2 / np.sum(least**2, axis=-1)", "2 / np.sum(most**2, axis=-1)", METRICS),
    ("entropy: without the binary entropy", "uncertainty.py", "moved * np.log(max(count - 1, 1)) + binary", "moved * np.log(max(count - 1, 1))", METRICS),
    ("entropy: without the number of values", "uncertainty.py", "moved * np.log(max(count - 1, 1)) + binary", "binary", METRICS),
    ("entropy: downwards only", "uncertainty.py", "value * np.expm1(worst)", "-value * np.expm1(-worst)", METRICS),
    ("energy's effective rank: errors once for twice", "uncertainty.py", "np.sum(squares.most - squares.computed, axis=-1)", "np.sum(squares.most - squares.computed, axis=-1) / 2", METRICS),
    ("energy rank: the least from the computed values", "uncertainty.py", "_first_enough(squares.most, squares.least, fraction)", "_first_enough(squares.computed, squares.computed, fraction)", METRICS),
    ("energy rank: the largest from the computed values", "uncertainty.py", "_first_enough(squares.least, squares.most, fraction)", "_first_enough(squares.computed, squares.computed, fraction)", METRICS),
    # what was finished, and what is said of a file
    ("a piece is written in place", "store.py", 'write_atomically(self.folder / f"{name}.npz", lambda file: write_npz(file, arrays))', 'write_npz((self.folder / f"{name}.npz").open("wb"), arrays)', "tests/test_store.py"),
    ("a store of another computation is taken", "store.py", "if found.get(key) != wanted.get(key)]", "if key not in wanted]", "tests/test_store.py"),
    ("a certificate's margin need not hold the true one", "claims/certificates.py", "stated.contains(found.margin)", "True", "tests/claims/test_claims.py"),
    ("a certificate's margin is read as coarsely as it was made", "claims/certificates.py", "Balls.at(2 * self.bits)", "Balls.at(self.bits)", "tests/claims/test_claims.py"),
]  # fmt: skip

PLANTED = [Mutant(what, f"rankkit/{file}", old, new, tests) for what, file, old, new, tests in _LAYERS]
