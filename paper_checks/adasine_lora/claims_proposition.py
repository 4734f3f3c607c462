"""Statements of the AdaSine-LoRA paper's appendix A.2.2: the proposition, its proof and its remark."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from rankkit.claims import Claim, Domain, Integer, Matrix, Real

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


WEDIN = {  # in fiftieths; found by benchmarks/search_wedin.py, from 128 random starts by gradient ascent
    "B": [[-17, 66, 7, 2], [-27, -37, -30, -66], [-53, 5, 79, 30], [75, 14, -3, 5], [17, 23, -51, 36]],
    "A": [[22, -16, 69, -19, 16], [16, 72, -4, -31, 23], [58, 1, 34, 34, 17], [-67, -34, -17, 43, 45]],
}


# fmt: off
CLAIMS = [
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
        argument="Weyl's inequality, for singular values as Courant and Fischer characterise them.",
        theorem="weyl.weyl_sine",
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
        "ada.example2d", "for every omega_0 an input loses both components of sin(omega_0 M x), and has both at "
        "omega_0 / 4: M = diag(1, alpha)",
        PAPER, "appendix A.2.2, example", "remark", domain=Domain(omega_0=Real(0.125, 400.0), alpha=Real(0.125, 8.0)),
        reading="'No single omega_0 can simultaneously prevent degeneracy for both components across all (x_1, x_2), "
        "whereas omega(x) can adapt.' x = (pi / omega_0, pi / (alpha omega_0)); present: above 2/5. That the numerical "
        "rank gets higher by it is not taken up: a vector's is 0 or 1 (ada.step3.vector).",
        margin=lambda v, a: (lambda x, y: a.least(
            a.of(Fraction(1, 10**6)) - a.absolute(a.sin(v.omega_0 * x)) - a.absolute(a.sin(v.omega_0 * v.alpha * y)),
            a.least(a.sin(v.omega_0 / 4 * x), a.sin(v.omega_0 / 4 * v.alpha * y)) - a.of(Fraction(2, 5)),
        ))(a.pi / v.omega_0, a.pi / (v.alpha * v.omega_0)),
        argument="sin(pi) = 0 and sin(pi / 4) > 2/5. An input with x_1 = 0 has its first component 0 at every "
        "frequency, which no omega(x) mends.",
    ),
]
# fmt: on
