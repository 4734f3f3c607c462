"""Statements of the AdaSine-LoRA paper on sin(omega M) and its rank as omega varies."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

import rankkit as rk
from rankkit.claims import Claim, Domain, Integer, Matrix, Measured, Real

PAPER = "adasine_lora"
HALF = Fraction(1, 2)
ENTRIES = Real(-2.0, 2.0, extra=(0.0, 0.1))
SQUARE = {"M": Matrix(2, 2, ENTRIES)}
FREQUENCY = Real(0.125, 10.0, extra=(3.0, 9.0))


def not_zero(instance):
    """Return whether M has an entry that is not zero."""
    return bool(any(x != 0 for x in instance["M"].ravel()))


def count(M, omega, a, threshold=HALF):
    """Return Rank_eps(sin(omega M)), the number of singular values above eps."""
    return a.count_above(a.sin(omega * M), a.of(threshold))


def small_perturbation(instance):
    """Return whether E = [[p, q], [q, s]] has operator norm below 1/2: (1/4) I - E^2 is positive definite."""
    p, q, s = (instance[name] for name in "pqs")
    one, two, off = Fraction(1, 4) - p * p - q * q, Fraction(1, 4) - q * q - s * s, q * (p + s)
    return one > 0 and one * two > off * off


def determinant(S):
    """Return the determinant of a square array, along its first row."""
    places = range(S.shape[1])
    if len(places) == 1:
        return S[0, 0]
    return sum((-1) ** j * S[0, j] * determinant(S[1:][:, [i for i in places if i != j]]) for j in places)


def kernel(A):
    """Return a vector that a 4 x 5 matrix of rank 4 sends to 0: its signed minors."""
    return np.array([(-1) ** j * determinant(A[:, [i for i in range(5) if i != j]]) for j in range(5)])


def remainder_turn(v, a):
    """Return ||R||, gap and sin(Theta) of the right leading 4-spaces of M = B A and sin(M), 5 x 5."""
    M = v.B @ v.A
    S = a.sin(M)
    least = a.square(a.singular_values(S)[4])
    gram = S.T @ S - least * np.eye(5, dtype=int)
    before, after = kernel(v.A), kernel(gram[1:])
    cosine = a.square((before * after).sum()) / ((before * before).sum() * (after * after).sum())
    return a.spectral_norm(S - M), a.singular_values(M)[3], a.sqrt(1 - cosine)


WEDIN = {  # in fiftieths; found by benchmarks/search_wedin.py, from 128 random starts by gradient ascent
    "B": [[-17, 66, 7, 2], [-27, -37, -30, -66], [-53, 5, 79, 30], [75, 14, -3, 5], [17, 23, -51, 36]],
    "A": [[22, -16, 69, -19, 16], [16, 72, -4, -31, 23], [58, 1, 34, 34, 17], [-67, -34, -17, 43, 45]],
}


def fiftieths(rows):
    """Return a matrix of whole numbers over 50."""
    return np.array([[Fraction(x, 50) for x in row] for row in rows], dtype=object)


def turned(v, a):
    """Return the sine of the angle by which E = [[p, q], [q, s]] turns the leading direction of diag(1, 0)."""
    length = a.sqrt(a.square(1 + v.p - v.s) + 4 * a.square(v.q))
    return a.sqrt((1 - (1 + v.p - v.s) / length) / 2)


def size(v, a):
    """Return the operator norm of E = [[p, q], [q, s]]."""
    return (a.absolute(v.p + v.s) + a.sqrt(a.square(v.p - v.s) + 4 * a.square(v.q))) / 2


def sigmoid(t, a):
    """Return 1 / (1 + exp(-t))."""
    return 1 / (1 + a.exp(-t))


def formula(omega, v, a):
    """Return r + (d - r)(1 - exp(-c omega)), the interpolation of appendix A.2.1."""
    return v.r + (v.d - v.r) * (1 - a.exp(-v.c * omega))


def growth_exponent():
    """Return the slope of log rank over log omega while the rank is below half of d, and its range over draws."""
    sweep = rk.sweep_frequency(128, 2, omegas=np.geomspace(1, 1000, 40), seeds=10, n_jobs=1, progress=False).table
    slopes = []
    for _, rows in sweep.groupby("seed"):
        low = rows[rows["numerical_rank"] < 64]
        slopes.append(float(np.polyfit(np.log(low["omega"]), np.log(low["numerical_rank"]), 1)[0]))
    return Measured(float(np.mean(slopes)), min(slopes), max(slopes), "mean and range of 10 draws")


def formula_misfit():
    """Return how far r + (d - r)(1 - exp(-a omega r / d)) stays from measured mean ranks, over d = 128.

    For r = 1, 2 and 4: the one a that serves all three best, and from the best a of a single r on.
    """
    omegas, misfits = np.geomspace(1, 2000, 30), []
    constants = np.geomspace(1e-3, 100, 400)[:, None]
    for r in (1, 2, 4):
        sweep = rk.sweep_frequency(128, r, omegas=omegas, seeds=10, rtol=1e-2, n_jobs=1, progress=False).table
        measured = sweep.groupby("omega")["numerical_rank"].mean().to_numpy()
        printed = r + (128 - r) * (1 - np.exp(-constants * omegas * r / 128))
        misfits.append(np.abs(printed - measured).max(axis=1) / 128)
    together, alone = np.max(misfits, axis=0).min(), np.min(misfits)
    how = "largest error over d, one constant for r = 1, 2, 4; from the best constant of a single r on"
    return Measured(float(together), float(alone), float(together), how)


def plateau():
    """Return the mean numerical rank over d at omega = 1e6, and its range over draws."""
    table = rk.sweep_frequency(128, 2, omegas=[1e6], seeds=20, n_jobs=1, progress=False).table
    share = table["numerical_rank"].to_numpy() / 128
    how = "rank over d: mean and range of 20 draws"
    return Measured(float(share.mean()), float(share.min()), float(share.max()), how)


# fmt: off
CLAIMS = [
    Claim(
        "ada.taylor", "||sin(omega M) - omega M|| <= omega^3 || |M|^(o 3) || / 6", PAPER,
        "section 3, before equation (3)", "limit",
        domain=Domain(**SQUARE, omega=Real(0.0, 3.0)),
        reading="O(omega^3) as such a bound. That M^(o 3) leaves the column space of M holds for generic factors.",
        margin=lambda v, a: (
            a.spectral_norm(a.absolute(v.omega * v.M) * a.absolute(v.omega * v.M) * a.absolute(v.omega * v.M)) / 6
            - a.spectral_norm(a.sin(v.omega * v.M) - v.omega * v.M)
        ),
        argument="|sin t - t| <= |t|^3 / 6 entry by entry; a matrix is at most as large as that of its absolute "
        "values.",
        theorem="matrices.taylor_operator",
    ),
    Claim(
        "ada.monotone", "Rank_eps(sin(omega M)) does not fall as omega grows, until it is full", PAPER, "section 3",
        "prose",
        domain=Domain(lambda i: i["first"] < i["second"], **SQUARE, first=FREQUENCY, second=FREQUENCY),
        reading="Of one matrix, eps = 1/2, before the rank is full: the margin is the fall times what is still "
        "missing.",
        margin=lambda v, a: (count(v.M, v.second, a) - count(v.M, v.first, a)) * (2 - count(v.M, v.first, a)),
        argument="Entries fall back towards zero after a quarter of a period. On average over random factors the rank "
        "does rise (ada.obs1.linear).",
        finding="Printed: a higher frequency gives at least as much rank. So is: entries fall back towards zero "
        "after a quarter of a period, and the rank falls with them. The 2 x 2 matrix of ones has one singular "
        "value above 1/2 at omega = 1 and none at omega = 3.",
    ),
    Claim(
        "ada.obs1.linear", "average rank first grows linearly in omega: the slope of log rank over log omega", PAPER,
        "observation 1, appendix A.3.1", "prose",
        reading="Numerical rank at max(m, n) eps(float32), Kaiming factors, 128 x 128, r = 2, below half of d; linear "
        "is 1.",
        measure=growth_exponent,
        argument="It depends on the rank taken: with the threshold fixed at 0.1 the slope is nearer to 1.",
    ),
    Claim(
        "ada.lora.approx", "a higher rank r strictly improves the best approximation of a target", PAPER, "section 2.1",
        "prose", domain=Domain(W=Matrix(2, 2, ENTRIES)),
        reading="From r = 1 to r = 2 for a 2 x 2 target: the error falls by sigma_2, here by a millionth at least.",
        margin=lambda v, a: a.singular_values(v.W)[1] - a.of(Fraction(1, 10**6)),
        argument="Eckart and Young: strictly if and only if sigma_(r+1) > 0.",
    ),
    Claim(
        "ada.lora.approx.corrected", "the best error of rank r + 1 is at most that of rank r", PAPER, "section 2.1",
        "prose", corrects="ada.lora.approx", domain=Domain(W=Matrix(2, 2, ENTRIES)),
        under="strictly where the target's rank exceeds r",
        reading="||W - W_1||_F = sigma_2 for 2 x 2 matrices, against 0.",
        margin=lambda v, a: a.singular_values(v.W)[1],
        argument="Eckart and Young.",
    ),
    Claim(
        "ada.a21.formula", "Rank is about r + (d - r)(1 - exp(-a omega r / d)), a given by nonlinearity and "
        "initialisation",
        PAPER, "appendix A.2.1", "prose", measure=formula_misfit,
        reading="An approximation, judged by its error: mean numerical rank at rtol = 1/100, Kaiming factors, d = 128, "
        "30 frequencies from 1 to 2000. a may depend on the initialisation, but not on r.",
        argument="Each curve alone is followed roughly; the frequency at which the rank takes off depends on r by far "
        "more than the factor r / d says.",
    ),
    Claim(
        "ada.a21.ii", "for large omega the numerical rank tends to d", PAPER, "appendix A.2.1 (ii)", "limit",
        measure=plateau,
        reading="Entries with a joint density, square matrices, the threshold of float32: at omega = 1e6.",
        argument="Riemann and Lebesgue: the phases become independent and uniform, so the sines have mean 0 and "
        "variance 1/2 (ada.a21.ii.variance). At a fixed threshold eps about 0.9 eps d^(1/2) values stay below it; for "
        "d x k the limit is min(d, k).",
    ),
    Claim(
        "ada.a21.ii.variance", "the mean of sin(omega z)^2 is within 1 / (4 omega) of 1/2", PAPER,
        "appendix A.2.1 (ii)", "limit", domain=Domain(omega=Real(0.25, 1000.0, log=True)),
        reading="For z uniform on [-1, 1], where it is 1/2 - sin(2 omega) / (4 omega).",
        margin=lambda v, a: 1 / (4 * v.omega) - a.absolute(a.sin(2 * v.omega)) / (4 * v.omega),
        argument="Integrate. For z of density p the difference is half the Fourier transform of p at 2 omega.",
    ),
    Claim(
        "ada.a21.dimension", "for M of size d x k the rank tends to d", PAPER, "appendix A.2.1", "limit",
        domain=Domain(not_zero, M=Matrix(2, 1, ENTRIES), omega=FREQUENCY),
        reading="d is the output dimension, as printed, k any: the rank of a 2 x 1 matrix against 3/2.",
        margin=lambda v, a: a.rank(a.sin(v.omega * v.M)) - a.of(3 * HALF),
        argument="No matrix has a rank above min(d, k).",
    ),
    Claim(
        "ada.a21.dimension.corrected", "for M of size d x k the rank is at most min(d, k)", PAPER, "appendix A.2.1",
        "limit", corrects="ada.a21.dimension",
        domain=Domain(M=Matrix(3, 2, ENTRIES), omega=FREQUENCY),
        margin=lambda v, a: a.of(5 * HALF) - a.rank(a.sin(v.omega * v.M)),
        argument="By the number of columns.",
        theorem="ranks.rank_at_most_sides",
    ),
    Claim(
        "ada.a21.sigmoid", "r + (d - r)(1 - exp(-c omega)) is S-shaped: convex at the start", PAPER, "appendix A.2.1",
        "prose",
        domain=Domain(
            lambda i: i["r"] < i["d"],
            d=Integer(2, 1024),
            r=Integer(1, 8),
            c=Real(0.01, 2.0, extra=(1.0,)),
            h=Real(0.1, 2.0, extra=(1.0,)),
        ),
        reading="S-shaped: an inflection at a positive omega. The margin is the second difference at zero.",
        margin=lambda v, a: formula(0 * v.h, v, a) + formula(2 * v.h, v, a) - 2 * formula(v.h, v, a),
        argument="The second derivative -(d - r) c^2 exp(-c omega) is negative everywhere.",
    ),
    Claim(
        "ada.a21.sigmoid.corrected", "r + (d - r)(1 - exp(-c omega)) is strictly concave", PAPER, "appendix A.2.1",
        "prose", corrects="ada.a21.sigmoid",
        domain=Domain(
            lambda i: i["r"] < i["d"],
            d=Integer(2, 64),
            r=Integer(1, 8),
            c=Real(0.01, 2.0),
            h=Real(0.1, 2.0),
            omega=Real(0.0, 5.0),
        ),
        margin=lambda v, a: (
            2 * formula(v.omega + v.h, v, a) - formula(v.omega, v, a) - formula(v.omega + 2 * v.h, v, a)
        ),
        argument="It is (d - r) exp(-c omega) (1 - exp(-c h))^2.",
        theorem="counterexamples.interpolation_concave",
    ),
    Claim(
        "ada.a21.i", "for omega towards 0 the numerical rank at a fixed threshold stays that of M", PAPER,
        "appendix A.2.1 (i)", "limit",
        domain=Domain(not_zero, M=Matrix(2, 2, Real(-1.0, 1.0)), omega=Real(2.0**-10, 0.04)),
        reading="The threshold is the absolute one of the definition in A.2.2, here 1/10.",
        margin=lambda v, a: count(v.M, v.omega, a, Fraction(1, 10)) - a.rank(v.M),
        argument="sin(omega M) tends to zero with omega, so it falls below any fixed threshold.",
    ),
    Claim(
        "ada.a21.i.corrected", "for M of rank one and small omega one singular value exceeds sigma_1 / 10", PAPER,
        "appendix A.2.1 (i)", "limit", corrects="ada.a21.i",
        domain=Domain(
            lambda i: bool(any(x != 0 for x in (i["U"] @ i["V"].T).ravel())),
            U=Matrix(3, 1, Real(-1.0, 1.0)),
            V=Matrix(3, 1, Real(-1.0, 1.0)),
            omega=Real(2.0**-10, 0.04),
        ),
        margin=lambda v, a: (
            a.spectral_norm(a.sin(v.omega * (v.U @ v.V.T))) / 10 - a.singular_values(a.sin(v.omega * (v.U @ v.V.T)))[1]
        ),
        under="a threshold relative to sigma_1",
        argument="sin(omega M) / omega tends to M, so counts relative to sigma_1 tend to those of M.",
    ),
    Claim(
        "ada.def.rank", "Rank_eps, the number of singular values above eps, does not grow with eps", PAPER,
        "appendix A.2.2, definition", "definition",
        domain=Domain(lambda i: i["small"] <= i["large"], **SQUARE, small=Real(0.0, 3.0), large=Real(0.0, 3.0)),
        reading="Well defined for eps > 0. It is not invariant to scale: Rank_eps(c W) = Rank_(eps/|c|)(W).",
        margin=lambda v, a: a.count_above(v.M, v.small) - a.count_above(v.M, v.large),
        argument="Fewer values exceed a larger number.",
    ),
    Claim(
        "ada.prop.1", "sup over x of Rank_eps(sin(omega(x) M)) >= Rank_eps(sin(omega_0 M)) for every fixed omega_0",
        PAPER, "appendix A.2.2, proposition, part 1", "proposition",
        domain=Domain(**SQUARE, omega=FREQUENCY, omega_0=FREQUENCY),
        reading="omega(.) is the given positive function; here a constant one. eps = 1/2.",
        margin=lambda v, a: count(v.M, v.omega, a) - count(v.M, v.omega_0, a),
        argument="The proof chooses omega(x) = omega_0, which a given function need not take; AdaSine's own lies "
        "strictly below omega_0.",
        finding="Printed: a frequency that depends on the input gives at least the rank of any fixed frequency. "
        "So is: only if the fixed frequency is among the values that it may take, and the paper's own formula "
        "never takes it. At omega = 1/8 the matrix diag(0, 1) has rank 0 at the threshold 1/2, at omega = 1 it "
        "has rank 1.",
    ),
    Claim(
        "ada.prop.1.corrected",
        "the supremum over omega(x) and the constant omega_0 is at least Rank_eps(sin(omega_0 M))", PAPER,
        "appendix A.2.2, proposition, part 1", "proposition", corrects="ada.prop.1",
        domain=Domain(**SQUARE, omega=FREQUENCY, omega_0=FREQUENCY),
        margin=lambda v, a: max(count(v.M, v.omega, a), count(v.M, v.omega_0, a), key=float) - count(v.M, v.omega_0, a),
        under="omega_0 is among the values that omega(.) may take",
        argument="A supremum is at least each of its members.",
    ),
    Claim(
        "ada.prop.2", "under input diversity the supremum is strictly larger, for any fixed omega_0", PAPER,
        "appendix A.2.2, proposition, part 2", "proposition",
        domain=Domain(not_zero, **SQUARE, omega_0=FREQUENCY),
        reading="Any omega_0, as printed: also one at which the rank is full already. Diversity, two inputs with M x "
        "of different length, holds for every M that is not zero.",
        margin=lambda v, a: 2 - count(v.M, v.omega_0, a) - a.of(HALF),
        argument="Where omega_0 is the best fixed frequency no other gives more, whatever M, eps and the inputs; in "
        "particular where the rank is full.",
    ),
    Claim(
        "ada.conclusion", "an input-dependent frequency guarantees that the numerical rank does not decrease", PAPER,
        "appendix A.2.2, conclusion", "prose",
        domain=Domain(lambda i: i["omega"] < i["omega_0"], **SQUARE, omega=FREQUENCY, omega_0=FREQUENCY),
        reading="At an input with frequency omega, against the fixed omega_0 > omega of equation (4).",
        margin=lambda v, a: count(v.M, v.omega, a) - count(v.M, v.omega_0, a),
        argument="As part 1 of the proposition.",
    ),
    Claim(
        "ada.step1.wedin", "||R|| < gap / 2 implies sin(Theta) <= ||R|| / gap", PAPER, "appendix A.2.2, step 1",
        "proof step",
        domain=Domain(
            small_perturbation,
            p=Real(-0.5, 0.5, extra=(-0.32,)),
            q=Real(-0.5, 0.5, extra=(0.24,)),
            s=Real(-0.5, 0.5, extra=(0.32,)),
        ),
        reading="Operator norm, the theorem as quoted, for any R; here M = diag(1, 0), gap = 1, R = [[p, q], [q, s]].",
        margin=lambda v, a: size(v, a) - turned(v, a),
        argument="R = [[-8, 6], [6, 8]] / 25 has norm 2/5 and turns the leading direction to (2, 1): sin(Theta) = 1 / "
        "sqrt 5 > 2/5. Wedin's theorem divides by the gap that is left, gap - ||R||.",
    ),
    Claim(
        "ada.step1.wedin.corrected", "||R|| < gap / 2 implies sin(Theta) <= ||R|| / (gap - ||R||)", PAPER,
        "appendix A.2.2, step 1", "proof step", corrects="ada.step1.wedin",
        domain=Domain(small_perturbation, p=Real(-0.5, 0.5), q=Real(-0.5, 0.5), s=Real(-0.5, 0.5)),
        margin=lambda v, a: size(v, a) - turned(v, a) * (1 - size(v, a)),
        argument="Wedin (1972): the gap is between sigma_r of one matrix and sigma_(r+1) of the other, and Weyl's "
        "inequality moves it by ||R||. So at most 2 ||R|| / gap.",
    ),
    Claim(
        "ada.step1.wedin.sine", "for the sine's own remainder ||R|| < gap / 2 implies sin(Theta) <= ||R|| / gap",
        PAPER, "appendix A.2.2, step 1", "proof step",
        domain=Domain(
            lambda i: all(abs(x) <= 2 for x in (i["B"] @ i["A"]).ravel()),
            B=Matrix(5, 4, ENTRIES),
            A=Matrix(4, 5, ENTRIES),
        ),
        tries=({name: fiftieths(rows) for name, rows in WEDIN.items()},),
        reading="The step where it is used: R = sin(M) - M, M = B A of rank 4, 5 x 5, omega = 1, all entries within 2. "
        "The margin is the larger of ||R|| - gap / 2 (then nothing is said) and ||R|| - gap sin(Theta).",
        margin=lambda v, a: (lambda R, gap, sine: a.most(R - gap / 2, R - gap * sine))(*remainder_turn(v, a)),
        argument="The spaces spanned by the right singular vectors turn by sin(Theta) = 0.509; ||R|| / gap is "
        "0.491. Rows and columns of zeros change none of these numbers, so M fails the step at every size from 5 x 5 "
        "on, 512 x 512 among them.",
        finding="Printed: the sine's remainder turns the leading singular directions by at most its size over the "
        "gap. So is: the theorem that is cited divides by what is left of the gap, and the printed bound is "
        "exceeded. A 5 x 5 matrix of rank 4 with entries within 2 turns by 0.509 where 0.491 is allowed, and "
        "zeros around it carry this to every size.",
    ),
    Claim(
        "ada.step1.weyl", "sigma_i(sin(omega M)) >= sigma_i(omega M) - ||sin(omega M) - omega M||", PAPER,
        "appendix A.2.2, step 1", "proof step",
        domain=Domain(**SQUARE, omega=FREQUENCY),
        margin=lambda v, a: (
            a.least(*(a.singular_values(a.sin(v.omega * v.M)) - a.singular_values(v.omega * v.M)))
            + a.spectral_norm(a.sin(v.omega * v.M) - v.omega * v.M)
        ),
        argument="Weyl's inequality.",
    ),
    Claim(
        "ada.step1.ranklb", "Rank_eps(sin(omega M)) >= r - c ||R|| / gap with a universal c", PAPER,
        "appendix A.2.2, step 1", "proof step",
        domain=Domain(
            lambda i: i["omega"] * abs(i["m"]) > 0, m=Real(0.1, 2.0, extra=(1.0,)), omega=Real(0.01, 1.0, extra=(0.1,))
        ),
        reading="M = diag(m, 0), r = 1, eps = 1/2, c = 100; other c fail at smaller omega. R = sin(omega M) - omega M, "
        "gap = omega m.",
        margin=lambda v, a: (
            a.count_above(np.array([[a.sin(v.omega * v.m)]]), a.of(HALF))
            - 1 + 100 * a.absolute(a.sin(v.omega * v.m) - v.omega * v.m) / (v.omega * v.m)
        ),
        argument="eps is not in the bound: for small omega the rank is 0 while ||R|| / gap tends to 0 as omega^2 / 6.",
    ),
    Claim(
        "ada.step1.ranklb.corrected", "omega sigma_r(M) - ||R|| > eps implies Rank_eps(sin(omega M)) >= r", PAPER,
        "appendix A.2.2, step 1", "proof step", corrects="ada.step1.ranklb",
        domain=Domain(**SQUARE, omega=FREQUENCY, r=Integer(1, 2)),
        reading="sigma_r(sin(omega M)) is at least that difference.",
        margin=lambda v, a: (
            a.singular_values(a.sin(v.omega * v.M))[v.r - 1] - v.omega * a.singular_values(v.M)[v.r - 1]
            + a.spectral_norm(a.sin(v.omega * v.M) - v.omega * v.M)
        ),
        argument="Weyl's inequality.",
    ),
    Claim(
        "ada.step2", "the choice omega(x) = omega_0 recovers the fixed frequency", PAPER, "appendix A.2.2, step 2",
        "proof step", domain=Domain(t=Real(-20.0, 20.0), omega_0=Real(0.5, 400.0)),
        under="the constants are among the functions omega(.); equation (4) without a bias only comes near",
        reading="|omega_0 - omega_0 sigma(t)| <= omega_0 exp(-t): near for inputs with large t = W x.",
        margin=lambda v, a: v.omega_0 * a.exp(-v.t) - a.absolute(v.omega_0 - v.omega_0 * sigmoid(v.t, a)),
        argument="1 - sigma(t) = 1 / (1 + exp(t)), never 0.",
    ),
    Claim(
        "ada.step3.vector", "omega*(x) = argmax over omega of Rank_eps(sin(omega M x))", PAPER,
        "appendix A.2.2, step 3", "proof step",
        ill_posed="M x is a vector: its only singular value is its length, the rank is 0 or 1, and the argmax an open "
        "set of omega",
        argument="It says nothing on Rank_eps(sin(omega M)).",
    ),
    Claim(
        "ada.remark", "no one omega maximises Rank_eps(sin(omega M x)) for all inputs x", PAPER,
        "appendix A.2.2, remark", "remark",
        domain=Domain(radius=Real(2.0**-10, 100.0), omega=Real(2.0**-10, 1000.0)),
        reading="M = (1), eps = 1/2, inputs of any ball around 0. The margin is 1/2 - |sin(omega x)| at the smaller of "
        "the radius and 1 / (4 omega): there the rank is 0, while the frequency pi / (2 x) gives it 1.",
        margin=lambda v, a: a.of(HALF) - a.absolute(a.sin(v.omega * a.least(v.radius, 1 / (4 * v.omega)))),
        argument="Inputs near 0 need ever larger frequencies. The remark's own example, two inputs of different size, "
        "proves nothing: omega = 1 serves x = 1 and y = 2 alike, as |sin 1| and |sin 2| exceed 1/2.",
    ),
    Claim(
        "ada.eq3-4", "0 < sigma(t) < 1, so that omega_0 sigma(W x) lies in (0, omega_0)", PAPER, "equations (3), (4)",
        "definition",
        domain=Domain(t=Real(-20.0, 20.0)),
        reading="In exact arithmetic; float16 rounds sigma to 1 from t = 8.32 on, float32 from 17.33.",
        margin=lambda v, a: a.least(sigmoid(v.t, a), 1 - sigmoid(v.t, a)),
        argument="The exponential is positive.",
        theorem="training.sigmoid_between",
    ),
    Claim(
        "ada.eq4.maxrank",
        "omega_0 bounds the rank: Rank_eps(sin(omega M)) <= Rank_eps(sin(omega_0 M)) for omega < omega_0", PAPER,
        "after equation (4)", "prose",
        domain=Domain(lambda i: i["omega"] < i["omega_0"], **SQUARE, omega=FREQUENCY, omega_0=FREQUENCY),
        reading="The rank at omega_0 bounds what lower frequencies reach; eps = 1/2.",
        margin=lambda v, a: count(v.M, v.omega_0, a) - count(v.M, v.omega, a),
        argument="Numerical rank is not monotone in omega. The supremum over (0, omega_0) does not fall as omega_0 "
        "grows, trivially.",
    ),
]
# fmt: on
