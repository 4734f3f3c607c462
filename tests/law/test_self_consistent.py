"""The equations of weights: two families that must agree, their solver, and what they say when it fails."""

import itertools

import numpy as np
import pytest
from scipy.special import erfinv
from scipy.stats import qmc

import rankkit as rk
from rankkit.cli.main import main
from rankkit.law import measures
from rankkit.law.equations import weyl_of
from rankkit.law.finite import parts, self_consistent, sine_parts
from rankkit.law.finite.crossings import crossing_term, dimensions
from rankkit.law.finite.phase_space import PhaseSpace
from rankkit.law.finite.products import Products
from rankkit.law.finite.self_consistent import Follower
from rankkit.law.finite.sine_parts import sine_radial
from rankkit.law.limit.coordinate import gaussian_nodes, one_coordinate_problem, uniform_nodes
from rankkit.law.limit.entries import entries_of
from rankkit.law.limit.listing import listed_products
from rankkit.law.measures import Cutoff, Frequency
from tests.law.conftest import sine_spectra

UNIFORM, GAUSSIAN = rk.initializers.Uniform(1.0), rk.initializers.Normal(1.0, 1.0)
FLAT = 2 * np.log2(1.5)  # dimensions of one coordinate whose rows overlap by two thirds
RELATIVE = (0.3, 0.1, 1e-2, 1e-3, 1e-4)


def counts(equations, top):
    follower = Follower(equations)
    return np.array([follower.count((q * top) ** 2).value for q in RELATIVE])


def gaussian_products(c, r, m, n):
    problem = one_coordinate_problem(*gaussian_nodes(int(40 + 8 * c)), c, floor=1e-12)
    listed = listed_products(np.log(problem.values), problem.parity, r, np.log(1e7))
    return Products(m, n, r, problem, listed, 0.0)


@pytest.mark.parametrize("c", [0.4, 3.0])
def test_on_a_line_lengths_and_coordinates_are_the_same(monkeypatch, c):
    """For r = 1 a length is a coordinate: two codes for one set of equations, apart from crossings."""
    monkeypatch.setattr(self_consistent, "removed", lambda term: 0.0)
    m, n = 220, 180
    top = Frequency(entries_of(m, 1, n, GAUSSIAN), c).top
    lengths = sine_radial(c, 1, m=m, n=n, least=(1e-5 * top) ** 2)
    assert counts(gaussian_products(c, 1, m, n), top) == pytest.approx(counts(lengths, top), abs=0.05)


def test_weights_that_are_products_cost_little(monkeypatch):
    """In two dimensions radial weights are the solution, and products of coordinates' weights are not."""
    monkeypatch.setattr(self_consistent, "removed", lambda term: 0.0)
    m, n, c = 220, 180, 1.5
    top = Frequency(entries_of(m, 2, n, GAUSSIAN), c).top
    lengths = sine_radial(c, 2, m=m, n=n, least=(1e-5 * top) ** 2)
    off = counts(gaussian_products(c, 2, m, n), top) - counts(lengths, top)
    assert np.max(np.abs(off)) < 0.015 * n
    assert np.max(np.abs(off)) > 1e-3


def test_phase_space_takes_over_where_the_operator_ends():
    m, n, c = 300, 260, 10.0
    top = Frequency(entries_of(m, 1, n, GAUSSIAN), c).top
    whole = counts(sine_radial(c, 1, m=m, n=n, least=(1e-4 * top) ** 2), top)
    assert counts(PhaseSpace(m, n, 1, c), top) == pytest.approx(whole, abs=0.01 * n)


@pytest.mark.parametrize(
    ("law", "d", "r"), [(UNIFORM, 200, 2), (UNIFORM, 150, 1), (GAUSSIAN, 150, 2), (GAUSSIAN, 150, 3)]
)
def test_a_curve_from_solution_to_solution_is_its_points(law, d, r):
    omegas = np.geomspace(0.1, 60, 40) * (1 if law is GAUSSIAN else 3)
    for rtol in (1e-2, 1e-4):
        setting = {"d": d, "r": r, "rtol": rtol, "initializer": law}
        curve = rk.predict_curve(omegas, measures=["numerical_rank"], **setting).columns["numerical_rank"]
        for at in (5, 17, 24, 31, 39):
            assert curve[at] == pytest.approx(rk.predict_rank(omegas[at], **setting).value, abs=1e-3 * d)


@pytest.mark.parametrize(("m", "r", "c"), [(300, 2, 5.0), (300, 2, 12.0), (1100, 2, 9.0), (1500, 3, 4.0)])
def test_some_degrees_stand_for_all(monkeypatch, m, r, c):
    top = Frequency(entries_of(m, r, m, GAUSSIAN), c).top
    some = sine_radial(c, r, m=m, n=m, least=(1e-4 * top) ** 2)
    monkeypatch.setattr(sine_parts, "DEGREES", (1000, 1000))
    monkeypatch.setattr(sine_parts, "DRAFT", (1000, 1000))
    every = sine_radial(c, r, m=m, n=m, least=(1e-4 * top) ** 2)
    assert len(some.parts) < len(every.parts)
    assert every.draft is None
    assert r > 2 or (some.draft is not None and len(some.draft.parts) < len(some.parts))
    assert counts(some, top) == pytest.approx(counts(every, top), abs=1e-3 * m)


@pytest.mark.parametrize(("m", "n", "r", "c"), [(256, 128, 2, 9.0), (400, 300, 3, 5.0)])
def test_where_many_functions_fill_a_matrix_the_parts_fill_it_too(monkeypatch, m, n, r, c):
    entries = entries_of(m, r, n, GAUSSIAN)
    asked, cutoff = c / entries.unit, Cutoff(1e-4, 0.0)
    assert weyl_of(entries, asked) is not None
    by_cells = Frequency(entries, asked).rank(cutoff)
    monkeypatch.setattr(measures, "NEARLY_FULL", 2.0)
    by_parts = Frequency(entries, asked).rank(cutoff)
    assert by_cells != by_parts
    assert by_cells.value == pytest.approx(by_parts.value, abs=5e-4 * n)


def test_parts_in_one_call_are_parts_one_by_one(monkeypatch):
    m, n, r, c = 220, 180, 2, 2.0
    top = Frequency(entries_of(m, r, n, GAUSSIAN), c).top
    together, alone = (sine_radial(c, r, m=m, n=n, least=(1e-4 * top) ** 2) for _ in range(2))
    monkeypatch.setattr(parts, "CACHED", 1)
    assert len(alone.stacks) == len(alone.parts)
    monkeypatch.undo()
    assert len(together.stacks) < len(together.parts)
    assert counts(together, top) == pytest.approx(counts(alone, top), abs=1e-6)


def test_functions_beyond_the_last_degree_are_counted_by_cells(monkeypatch):
    m, r, c = 300, 2, 6.0
    top = Frequency(entries_of(m, r, m, GAUSSIAN), c).top

    def found(reach, fall=sine_parts.START_FALL):
        monkeypatch.setattr(sine_parts, "REACH", (0.0, reach, reach, reach))
        monkeypatch.setattr(sine_parts, "START_FALL", fall)
        return counts(sine_radial(c, r, m=m, n=m, least=(1e-4 * top) ** 2), top)

    reach = sine_parts.REACH[r]
    near, far, sharp = found(reach), found(6.0), found(reach, fall=0.999)
    assert near == pytest.approx(far, abs=4e-3 * m)  # without crossings 2e-3, which rings make larger
    assert np.max(np.abs(sharp - far)) > 0.05 * m


@pytest.mark.parametrize(("m", "r", "c", "rtol"), [(512, 2, 8.0, 6e-5), (512, 4, 2.0, 6e-5), (300, 1, 240.0, 0.1)])
def test_where_the_tails_of_gaussian_entries_are_thin(m, r, c, rtol):
    """A white noise in place of the high degrees counted 447 of 285 and 507 of 484, a global share of crossings 11 % more."""
    drawn = sine_spectra(c, m, m, r, GAUSSIAN, seeds=2)
    measured = np.mean([np.sum(values > rtol * values[0]) for values in drawn])
    assert rk.predict_rank(c, d=m, r=r, rtol=rtol, initializer=GAUSSIAN).value == pytest.approx(measured, abs=0.03 * m)


@pytest.mark.parametrize(
    ("law", "m", "n", "r", "omega"), [(UNIFORM, 150, 150, 2, 3000.0), (GAUSSIAN, 200, 150, 3, 1.0)]
)
def test_a_threshold_does_not_depend_on_the_one_before(law, m, n, r, omega):
    at = Frequency(entries_of(m, r, n, law), omega)
    equations = at._equations((1e-4 * at.top) ** 2)
    together = counts(equations, at.top)
    alone = [Follower(equations).count((q * at.top) ** 2).value for q in RELATIVE]
    assert together == pytest.approx(alone, abs=0.02)


def test_short_moves_on_a_long_way_are_no_solution(monkeypatch):
    """Moves alone stopped 3.8 values short of 146 on a curve of which this is a part."""
    omegas = np.geomspace(1, 1000, 100)[78:98]
    setting = {"d": 512, "r": 1, "initializer": rk.initializers.Normal(0.3, 0.3), "measures": ["numerical_rank"]}
    found = rk.predict_curve(omegas, **setting).columns["numerical_rank"]
    monkeypatch.setattr(self_consistent, "TIGHT", 1e-6)
    assert rk.predict_curve(omegas, **setting).columns["numerical_rank"] == pytest.approx(found, abs=1e-3 * 512)


def test_counts_never_fall_with_the_threshold_nor_pass_the_size():
    for law in (UNIFORM, GAUSSIAN):
        entries = entries_of(150, 3, 220, law)
        for c in (0.5, 4.0):
            at = Frequency(entries, c / entries.unit)
            found = [at.rank(Cutoff(q, 0.0)).value for q in np.geomspace(0.5, 1e-9, 8)]
            assert np.all(np.diff(found) > -0.1)
            assert found[-1] <= 150


def test_crossings_are_what_equations_of_single_rows_leave_out(monkeypatch):
    m, n, r, c = 220, 200, 3, 6.5
    entries = entries_of(m, r, n, UNIFORM)
    drawn = sine_spectra(c / entries.unit, m, n, r, UNIFORM, seeds=8)
    measured = np.array([np.mean([np.sum(values > q * values[0]) for values in drawn]) for q in (1e-2, 1e-3)])

    def predicted():
        at = Frequency(entries, c / entries.unit)
        return np.array([at.rank(Cutoff(q, 0.0)).value for q in (1e-2, 1e-3)])

    assert np.max(np.abs(predicted() - measured)) < 0.02 * n
    monkeypatch.setattr(self_consistent, "removed", lambda term: 0.0)
    assert np.min(predicted() - measured) > 0.02 * n


@pytest.mark.parametrize(("name", "value"), [("ATTEMPTS", ((6, 1),)), ("LONGEST", 1e-9)])
def test_no_convergence_is_told(monkeypatch, capsys, name, value):
    if name == "LONGEST":
        monkeypatch.setattr(self_consistent, "ATTEMPTS", ((6, 20),))
    monkeypatch.setattr(self_consistent, name, value)
    monkeypatch.setattr(self_consistent, "NEAR", ())  # along a curve, a solution nearby would do
    with pytest.raises(ArithmeticError, match=r"with 512 singular values did not converge.*change omega"):
        rk.predict_rank(50.0, d=512, r=2)
    with pytest.raises(ArithmeticError, match="did not converge"):
        rk.predict_spectrum(50.0, d=512, r=2)
    with pytest.raises(ArithmeticError, match="did not converge"):
        rk.frequency_for_rank(60, d=512, r=2, measure="numerical_rank")
    assert rk.predict_stable_rank(50.0, d=512, r=2).value > 1  # which needs no such solution
    assert main(["predict", "--d", "512", "--r", "2", "--omegas", "50"]) == 1
    assert "did not converge" in capsys.readouterr().err


@pytest.mark.parametrize(("d", "n", "r", "omega"), [(309, 182, 3, 6.368254006524309), (279, 178, 2, 35.76236173539405)])
def test_a_threshold_after_others_counts_what_it_does_alone(d, n, r, omega):
    # from the solution before, another one was met, at which F counted -24 values (the first) and 140 of 178
    about = {"d": d, "n": n, "r": r, "initializer": UNIFORM}
    shared = Frequency(entries_of(d, r, n, UNIFORM), omega)
    for rtol in (1e-1, 1e-2, 1e-3, d * 2.0**-23):
        alone = rk.predict_rank(omega, rtol=rtol, **about)
        assert shared.rank(shared.cutoff(rtol, None, None)).value == pytest.approx(alone.value, abs=0.5)


def test_a_coordinate_with_many_nearly_equal_values_is_solved():
    # LAPACK's SVD of this kernel does not converge
    values = one_coordinate_problem(*uniform_nodes(149.76772439105198), 149.76772439105198, floor=1e-15)
    assert np.sum(values.values**2) == pytest.approx(1.0)
    assert 0 < rk.predict_rank(149.76772439105198, d=232, n=282, r=1, initializer=UNIFORM, rtol=1e-3).value < 232


def left_out(modes, rows, strength, draws):
    """Return E log det(1 + strength V V^*) of random exponentials in a plane beyond the equations, and U and g."""
    rng = np.random.default_rng(0)
    side = np.arange(modes) - (modes - 1) / 2
    every, count = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2), modes**2
    found = []
    for _ in range(draws):
        V = np.exp(2j * np.pi * rng.random((rows, 2)) @ every.T) / modes
        found.append(np.linalg.slogdet(np.eye(rows) + strength * V @ V.conj().T)[1])
    w, g = 0.5, 0.5
    for _ in range(200):
        g = 1 - 1 / (1 + rows / count * strength * w)
        w = 0.5 * w + 0.5 * (1 - count / rows * g)
    value = count * np.log1p(rows / count * strength * w) + rows * (w - 1 - np.log(w))
    # rows are a fixed number of points, no Poisson process: one half of -log(1 - U g) for all of them
    return np.mean(found) - value + 0.5 * np.log1p(-(1 - w) * g), 1 - w, g


@pytest.mark.parametrize(
    ("modes", "rows", "strength"), [(14, 196, 3.0), (12, 144, 10.0), (12, 144, 30.0), (12, 180, 30.0), (14, 98, 6.0)]
)
def test_crossings_are_what_random_exponentials_have_beyond_the_equations(modes, rows, strength):
    """No singular value, no threshold: the groups of rows of a random Vandermonde matrix (Ryan and Debbah 2009)."""
    measured, U, g = left_out(modes, rows, strength, 120)
    crossed = crossing_term(rows, np.ones(1), g, np.array([U]), 2 * FLAT).real
    assert crossed == pytest.approx(measured, rel=0.16)  # pairs alone are 21 to 44 % short


def test_the_overlap_of_flat_shares_is_two_thirds():
    """On average rows of many modes of equal shares overlap as int sinc^4 over int sinc^2 says, in each coordinate."""
    c = 60.0
    problem = one_coordinate_problem(*uniform_nodes(c), c, floor=1e-12)
    flat = [(U[:, :count], np.full(count, 1 / (2 * count))) for (U, _, _), count in zip(problem.parts, (19, 19))]
    assert dimensions(flat, problem.p) == pytest.approx(FLAT, rel=0.1)
    one = [(U[:, :1], np.array([share])) for (U, _, _), share in zip(problem.parts, (1.0, 0.0))]
    assert dimensions(one, problem.p) < 0.1


def test_pairs_are_a_polylogarithm():
    U, R, little = np.array([0.7 - 0.2j]), 3.0, 1e-9  # triples are of second order in the share
    k = np.arange(2, 200)
    series = np.sum(k ** (-1 - R / 2) * U ** (2 * k)) / U[0]
    assert crossing_term(100, np.ones(1), little, U, R) == pytest.approx(-50 * little * series, rel=2e-3)


@pytest.mark.parametrize(("R", "U"), [(2, 0.5), (2, 0.8), (2, 0.8 - 0.3j), (3, 0.8), (8, 0.8)])
def test_triples_are_what_three_rows_have_when_each_meets_the_others_twice(R, U):
    """log det of three random places less what is constant or linear in the strength of any of them, by Cauchy's formula."""
    angles = 2 * np.pi * np.arange(8) / 8
    strengths = np.concatenate([[1], 0.4 * np.exp(1j * angles)])
    signs = np.concatenate([[1], -(1 + np.exp(-1j * angles) / 0.4) / 8])
    steps = erfinv(2 * qmc.Sobol(2 * R, seed=0).random(4096).T.reshape(2, R, -1) - 1)
    x, y, z = (np.exp(-np.sum(step**2, axis=0)) for step in (*steps, steps[0] - steps[1]))
    squares = U**2 * np.array([x, y, z])
    found = np.zeros(len(x), dtype=complex)
    for (i, a), (j, b), (k, c) in itertools.product(enumerate(strengths), repeat=3):
        once = a * b * squares[0] + a * c * squares[1] + b * c * squares[2]
        found += signs[i] * signs[j] * signs[k] * np.log(1 - once + 2 * a * b * c * U**3 * np.sqrt(x * y * z))
    # rows were placed with the weight x y; each two of the three distances have a third of the whole
    expected = np.mean(found * 3 / (x * y + y * z + z * x)) / 6 / U**2
    little = 1e-4
    even = sum(crossing_term(100, np.ones(1), g, np.array([U]), R) for g in (little, -little)) / 2
    assert even / (100 * little**2) == pytest.approx(expected, rel=0.04)


@pytest.mark.parametrize("R", [2.0, 4.0, 9.0, 16.0])
def test_triples_of_little_strength_are_their_first_term(R):
    """Small strengths and many dimensions, where log det cancels to rounding."""
    U, little = 1e-3, 1e-4
    even = sum(crossing_term(10**9, np.ones(1), g, np.array([U]), R) for g in (little, -little)) / 2
    assert even == pytest.approx(-(10**9) * 2 / 3 * 3 ** (-R / 2) * little**2 * U**4, rel=0.01)


def test_many_dimensions_have_no_crossings():
    """Not one of a thousand rows lies close to another; an integral over such places must not divide 0 by 0."""
    assert abs(crossing_term(1000, np.ones(1), 1.0, np.array([0.9 - 0.1j]), 1000.0)) < 1e-9


def test_links_of_rings_end_where_their_series_does():
    """Beyond |g U| = 1 only pairs and triples grow, which are g and g^2."""
    U, places = np.array([0.5 - 0.2j]), np.arange(1.0, 9.0)
    outside = [crossing_term(100, np.ones(1), g / abs(U[0]), U, 4.0) for g in places]
    assert np.abs(np.diff(outside, 3)) == pytest.approx(0, abs=1e-9)
    inside = [crossing_term(100, np.ones(1), g / abs(U[0]), U, 4.0) for g in places / 10]
    assert np.max(np.abs(np.diff(inside, 3))) > 1e-3
