"""The bounds that counts and cheap spectra rest on, each with kernels that are wrong by what their analysis permits.

`python -m tests.mutants` removes the terms of these bounds one by one: a test here, or in the two files of bounds beside
it, notices each.
"""

from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from rankkit import testing as laws
from rankkit.factors import Factors
from rankkit.products import Kronecker
from rankkit.solvers import economical as economical_module
from rankkit.solvers import factored as factored_module
from rankkit.solvers import kronecker as kronecker_module
from rankkit.solvers import lapack
from rankkit.solvers import located as located_module
from rankkit.solvers import top as top_module
from rankkit.solvers.gram import gram, gram_error
from rankkit.solvers.inertia import inertia
from rankkit.solvers.located import Located, located
from rankkit.solvers.solution import EPS, ROUNDOFF, Solution, energy
from rankkit.solvers.solution import error_of as stated
from rankkit.solvers.tolerance import Edges
from tests.solvers.test_worst_rounding import NEARLY, Replaced, error_of, replace

P, Q = 128, 160
ROOM = 8  # roundings beside those of a sum, as the docstrings state them
BLOCK = 32  # rows of a block of the factorisation


def gram_of(sigma, rows=None):
    """Return the Gram matrix of diag(sigma), with rows of zeros below it."""
    S = np.zeros((1, rows or len(sigma), len(sigma)))
    S[0, range(len(sigma)), range(len(sigma))] = sigma
    return gram(S, energy(S))


# sigma_1


def test_a_row_sum_that_is_rounded_down_on_a_gram_matrix_that_is(monkeypatch):
    """G of equal entries: its row sum is sigma_1^2, of which G and the sum have each lost all that they may."""
    S = np.ones((1, P, P))
    G = gram(S, energy(S))
    low = G._replace(matrix=G.matrix - np.tril(NEARLY * G.error[:, None, None] / P * np.ones((P, P))))

    real = lapack.symmetric_times
    monkeypatch.setattr(lapack, "symmetric_times", lambda G, x: real(G, x) * (1 - NEARLY * P * ROUNDOFF))
    assert top_module.row_sum_top(low)[0] >= P


def test_a_lower_bound_on_the_largest_value_leaves_room_for_the_rounding_of_a_product(monkeypatch):
    """||S x|| is off by (p + q) eps ||S||_F: it is no bound before that is taken from it."""
    G = gram_of(np.r_[1.0, np.full(P - 1, 0.5)], Q)
    more = NEARLY * EPS * (P + Q) * float(np.sqrt(G.energy[0]))

    def vector_norm(x: Any, axis: Any = None, keepdims: Any = False) -> Any:
        norm = np.linalg.vector_norm(x, axis=axis, keepdims=keepdims)
        return norm + more if axis == (-2, -1) else norm

    sharp = top_module.lanczos_low(G, 64)
    assert 1 - 1e-9 < sharp[0] <= 1
    replace(monkeypatch, top_module, vector_norm=vector_norm)
    assert top_module.lanczos_low(G, 64)[0] <= 1


@pytest.mark.parametrize("rotated", [True, False])
def test_a_proof_in_float64_holds_for_the_matrix_before_it_was_rounded(rotated):
    """All singular values are one; G has lost all of its error, and the guess is just above what is left."""
    S = (laws.orthogonal(0, P) if rotated else np.eye(P))[None]
    G = gram(S, energy(S))
    low = G._replace(matrix=(1 - NEARLY * G.error[0]) * np.eye(P)[None])
    guess = np.sqrt([1 - NEARLY * G.error[0] + 2 * ROUNDOFF])
    assert top_module._proved(low, guess, single=False)[0] >= 1


def test_a_guess_below_the_largest_value_proves_nothing_wrong_in_float64(monkeypatch):
    """A Cholesky factorisation that runs through although the matrix is indefinite by all that it may miss."""
    G = gram_of(np.r_[1.0, np.full(P - 1, 1e-3)])._replace(error=np.zeros(1))
    short = 0.9 * (P + ROOM) * ROUNDOFF  # of sigma_1^2, with a factor R that is nearly diagonal

    beside = {"nothing": 0, "both": np.eye(P, k=-1)}
    for entries, size in (("nothing", 1), ("both", 4)):  # the largest row sum of |R| times the largest column sum

        def cholesky(matrix, p, entries=entries):
            np.copyto(matrix, np.eye(p) + beside[entries])
            return p

        monkeypatch.setattr(lapack, "cholesky", cholesky)
        assert top_module._proved(G, np.sqrt([1 - size * short]), single=False)[0] >= 1
        assert top_module._proved(G, np.sqrt([1 - size * short * 2.0**29]))[0] >= 1  # in float32


# inertia


@pytest.mark.parametrize("side", [1, -1])
def test_no_rounding_of_a_sum_of_products_carries_a_value_across_an_edge(side):
    """What the factorisation may be off by, as its docstring states it: (p + 2 b + 5) roundings of ||L||_F^2."""
    edge, right = np.array([1e-9]), P - 1 if side > 0 else P
    G = gram_of(np.r_[np.ones(P - 1), np.sqrt(1e-9)])
    worst = 0.99 * G.error[0] + ROUNDOFF * (P + 2 * BLOCK + 5) * G.energy[0]
    G.matrix[0, -1, -1] += side * worst
    found = inertia(G, edge, side)
    assert found.sound[0]
    assert found.positive[0] == right


def test_a_factor_that_grows_is_not_sound():
    """The bound is of ||L||_F^2: where that is far above the energy, the shift does not allow for it."""
    G = gram_of(np.r_[np.ones(P // 2), np.full(P // 2, 0.5)])
    assert inertia(G, np.array([0.3]), 1).sound[0]  # the share of the edge allows for more there
    small = np.array([1e-9])
    assert inertia(G, small, 1).sound[0]
    grown = G._replace(energy=G.energy / 2)  # as if it had grown to twice as much
    assert not inertia(grown, small, 1).sound[0]


# what a solution states


def test_the_error_of_a_value_is_the_smaller_of_both_bounds():
    values = np.array([4.0, 2.0, 1e-3])
    np.testing.assert_array_equal(stated(values, np.array(0.5), np.array(0.25)), [0.5, 0.5, 2.5e-4])
    np.testing.assert_array_equal(stated(values, np.array(0.5), np.array(np.inf)), [0.5, 0.5, 0.5])
    np.testing.assert_array_equal(stated(values, np.array([1.0, 0.1, 0.1]), np.array(0.1)), [0.4, 0.1, 1e-4])


def test_what_guards_jacobi_against_overflow_is_taken_back(monkeypatch):
    """LAPACK returns values that are to be multiplied by the quotient of two numbers."""

    def dgejsv(core, **options):
        return np.array([1.0, 3.0]), None, None, np.array([8.0, 2.0]), None, 0

    monkeypatch.setattr(factored_module, "wrappers", lambda: SimpleNamespace(dgejsv=dgejsv))
    np.testing.assert_array_equal(factored_module._jacobi(np.eye(2)), [12.0, 4.0])


# located values


def off(values, residual=0.0, rounding=0.0, norm=1.0):
    """Return located values with these errors."""
    values = np.array([values], dtype=float)
    return Located(
        values, np.full(values.shape, residual), np.array([rounding]), np.array([norm]), np.zeros(values.shape)
    )


EDGE = Edges(np.array([1.0]), np.array([1.0]))
WINDOW = np.array([0.5]), np.array([2.0])


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize(
    ("errors", "reach"),
    [({"residual": 1e-3}, 1e-3), ({"rounding": 1e-3}, 1e-3), ({"residual": 1e-3, "norm": 0.5}, 2e-3),
     ({"rounding": 1e-3, "norm": 0.5}, 2e-3)],
)  # fmt: skip
def test_a_located_value_counts_beyond_its_error(errors, reach, side):
    for away, counted in ((0.999 * reach, 0), (1.001 * reach, 1)):
        found = off([1 + side * away], **errors).between(*WINDOW, EDGE)
        assert (found.lower[0], found.upper[0]) == ((counted, 0) if side > 0 else (0, counted))


@pytest.mark.parametrize("error", ["residual", "rounding"])
def test_errors_of_several_located_values_go_together(error):
    """Four pairs, each off by e: the one nearest to the edge may be off by 2 e (Kahan)."""
    far = [1.4, 1.5, 1.6]
    assert off([1 + 1.9e-3, *far], **{error: 1e-3}).between(*WINDOW, EDGE).lower[0] <= 3
    assert off([1 + 2.1e-3, *far], **{error: 1e-3}).between(*WINDOW, EDGE).lower[0] == 4


def test_residuals_go_together_before_they_are_divided():
    found = off([1 + 2.2e-3, 1.4, 1.5, 1.6], residual=1e-3, norm=0.8).between(*WINDOW, EDGE)
    assert found.lower[0] <= 3  # 2e-3 / 0.8 is more than 2.2e-3, and 1e-3 / 0.8 is less


@pytest.mark.parametrize("end", [0.5, 2.0])
@pytest.mark.parametrize("error", ["residual", "rounding"])
def test_a_located_value_beside_the_end_of_a_window_may_be_outside(end, error):
    for away, counted in ((0.9e-3, 0), (1.1e-3, 1)):
        found = off([end + away if end < 1 else end - away], **{error: 1e-3}).between(*WINDOW, EDGE)
        assert found.lower[0] + found.upper[0] == counted


def test_a_pair_that_has_not_converged_spoils_no_other():
    values = off([1.2, 1.3])._replace(residual=np.array([[1e-9, 10.0]]))
    assert values.between(*WINDOW, EDGE).lower[0] == 1


def some_located(monkeypatch, **kernels):
    """Return a Gram matrix, its singular values and located ones, with some kernels replaced."""
    sigma = np.r_[np.linspace(1, 0.5, P - 6), np.linspace(2e-3, 1e-3, 6)]
    G = gram_of(sigma, Q)
    close = inertia(G, np.array([1.5e-3**2]), 1)
    real = located_module.namespace
    monkeypatch.setattr(located_module, "namespace", lambda x: Replaced(real(x), **kernels))
    return sigma, located(G, close, 6)


def test_a_residual_that_its_rounding_hides_is_in_the_error(monkeypatch):
    """The lengths are too large, and what S^T u - sigma x says of it is lost in the rounding of that residual."""
    more = 0.45 * ROUNDOFF * (P + Q + 2 * ROOM) * float(np.sqrt(gram_of(np.linspace(1, 0.5, P - 6)).energy[0]))

    def vector_norm(x: Any, axis: Any = None, keepdims: Any = False) -> Any:
        norm = np.linalg.vector_norm(x, axis=axis, keepdims=keepdims)
        if not keepdims:
            return np.maximum(norm - 2.2 * more, 0)  # the residual
        return norm + more if x.shape[-2] == Q else norm

    sigma, values = some_located(monkeypatch, vector_norm=vector_norm)
    near = np.argmin(np.abs(values.values[0][:, None] - sigma), axis=0)[-6:]
    moved = values.values[0, near] - sigma[-6:]
    assert np.max(moved) > 0.9 * more
    error = (values.residual[0, near] + values.rounding[0]) / values.norm[0]
    assert np.all(moved <= error)


@pytest.mark.parametrize("kernel", ["squares", "product"])
def test_upper_bounds_on_the_smallest_values(monkeypatch, kernel):
    """The squares of the image's values are off by a sum of q products, the image itself by one of p."""
    whole = np.sqrt(np.sum(np.r_[np.linspace(1, 0.5, P - 6), np.linspace(2e-3, 1e-3, 6)] ** 2))
    eigvalsh, seen = np.linalg.eigvalsh, []

    def low(x):
        squares, width = eigvalsh(x), x.shape[-1]
        less = 0.999 * EPS * (Q + width + ROOM) * np.trace(x, axis1=-2, axis2=-1)[..., None]
        if kernel == "product":  # both at once
            less = less + 2 * np.sqrt(squares) * NEARLY * ROUNDOFF * (P + Q) * whole
        seen.append(width)
        return squares - less

    monkeypatch.setattr(located_module, "np", Replaced(np, eigvalsh=low))
    sigma, values = some_located(monkeypatch)
    assert seen
    assert np.all(values.smallest[0, :6] >= sigma[::-1][:6])


# all values by the cheapest route


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("shape", [(300, 260), (260, 300)])
def test_values_from_a_gram_matrix_that_is_off_by_all_it_may_be(monkeypatch, shape, side):
    """Every eigenvalue is off: the error of a value is that of its square root, on the side where it is larger."""
    p = min(shape)
    sigma = np.r_[np.linspace(1, 0.5, p - 40), np.geomspace(0.1, 1e-8, 40)]
    S = np.zeros(shape)
    S[range(p), range(p)] = sigma
    product = lapack.product
    size = side * NEARLY * float(gram_error(S[None], np.sum(sigma**2)))
    monkeypatch.setattr(lapack, "product", lambda x: product(x) + size * np.eye(p))
    solution = economical_module.economical(S, 1e-3)
    assert solution.noise_floor.shape == solution.values.shape
    assert np.all(np.abs(solution.values - sigma) <= error_of(solution))
    assert np.max(solution.noise_floor) <= 1e-3
    assert solution.noise_floor[0] < 1e-11


@pytest.mark.parametrize("tol", [1e-3, 1e-12])
def test_what_is_asked_for_is_what_comes(tol):
    sigma = np.geomspace(1, 1e-9, 256)
    S = (laws.orthogonal(0, 256) * sigma) @ laws.orthogonal(1, 256)
    solution = economical_module.economical(np.stack([S, 2 * S]), tol)
    assert np.all(solution.noise_floor <= max(tol, 256 * EPS) * solution.values[:, :1])
    own = 64 * EPS  # of the matrix that is made
    assert np.all(np.abs(solution.values - [sigma, 2 * sigma]) <= solution.noise_floor + own)
    assert np.isinf(solution.relative_error).all()


# Kronecker products

PARTS = (np.array([1.1, 0.7]), np.array([1.3, 0.9]))
UPDATE = Kronecker(Factors(np.diag([1.0, 0.5]), np.eye(2)), Factors(np.diag([1.0, 0.5]), np.eye(2)))


def kronecker_of(monkeypatch, floors=(0.0, 0.0), relatives=(0.0, 0.0), values=PARTS):
    """Return the solution of a product whose parts have these values and errors."""
    parts = iter(
        Solution(x, np.asarray(floor), np.asarray(relative))
        for x, floor, relative in zip(values, floors, relatives, strict=True)
    )
    monkeypatch.setattr(kronecker_module, "factored", lambda part: next(parts))
    return kronecker_module.kronecker(UPDATE)


def off_by(solution, true):
    """Return how far off every value is, exactly."""
    one, two = ([Fraction(float(x)) if not isinstance(x, Fraction) else x for x in part] for part in true)
    exact = sorted((x * y for x in one for y in two), reverse=True)
    return [abs(Fraction(float(v)) - e) for v, e in zip(solution.values, exact, strict=True)]


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("errors", [(1e-2, 0.0), (0.0, 1e-2), (1e-2, 1e-2)])
def test_errors_of_a_kronecker_products_parts(monkeypatch, errors, side):
    """Each part is off by all that it may be, absolutely and then relative to itself."""
    solution = kronecker_of(monkeypatch, floors=errors, relatives=(np.inf, np.inf))
    true = [[Fraction(float(x)) + side * Fraction(e) for x in part] for part, e in zip(PARTS, errors, strict=True)]
    assert all(gap <= Fraction(float(solution.noise_floor)) for gap in off_by(solution, true))
    solution = kronecker_of(monkeypatch, floors=(np.inf, np.inf), relatives=errors)
    true = [
        [Fraction(float(x)) * (1 + side * Fraction(e)) for x in part] for part, e in zip(PARTS, errors, strict=True)
    ]
    near = Fraction(float(solution.relative_error))
    for gap, value in zip(off_by(solution, true), solution.values, strict=True):
        assert gap <= near * Fraction(float(value))
    assert near <= Fraction(1021, 1000) * (1 + Fraction(errors[0])) * (1 + Fraction(errors[1])) - 1  # and not much more


@pytest.mark.parametrize("kind", ["floors", "relatives"])
def test_the_product_of_two_exact_values_is_rounded(monkeypatch, kind):
    other = {"floors": "relatives", "relatives": "floors"}[kind]
    solution = kronecker_of(monkeypatch, **{kind: (0.0, 0.0), other: (np.inf, np.inf)})
    gaps = off_by(solution, PARTS)
    assert max(gaps) > 0
    with np.errstate(invalid="ignore"):
        stated = (
            float(solution.noise_floor) if kind == "floors" else float(solution.relative_error) * solution.values[-1]
        )
    assert max(gaps) <= Fraction(stated)
