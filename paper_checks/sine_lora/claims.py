"""Statements of the Sine-LoRA paper: lemmas 1 and 2, proposition 1 and the steps of their proofs."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from rankkit.claims import Claim, Domain, Integer, Matrix, Real

PAPER = "sine_lora"
THIRD = Fraction(10471975, 10**7)  # a little less than pi / 3


def smallest(A):
    """Return A_min, the smallest absolute value of the entries that are not zero (equation 4)."""
    return min(abs(x) for x in A.ravel() if x != 0)


def squares(X):
    """Return the squared Frobenius norm."""
    return (X * X).sum()


def below_a_third(instance):
    """Return whether A is not zero and 0 < omega A_min < pi / 3."""
    A = instance["A"]
    return bool(any(x != 0 for x in A.ravel())) and 0 < instance["omega"] * smallest(A) < THIRD


def not_zero(instance):
    """Return whether A has an entry that is not zero."""
    return bool(any(x != 0 for x in instance["A"].ravel()))


ENTRIES = Real(-3.0, 3.0, extra=(0.0, 0.25, -1.0))
MATRIX = {"m": Integer(1, 3), "n": Integer(1, 3), "A": Matrix("m", "n", ENTRIES)}
SHORT = Domain(below_a_third, **MATRIX, omega=Real(1e-3, 40.0, log=True, extra=(1.04,)))
ANY = Domain(not_zero, **MATRIX, omega=Real(0.0, 100.0, extra=(3.14, 6.28)))


def sine_rank_bound(v, a, share):
    """Return share * omega (A_min / ||sqrt|A| ||)^2."""
    return share * v.omega * a.square(smallest(v.A)) / a.square(a.spectral_norm(a.sqrt(a.absolute(v.A))))


def sharp(a):
    """Return 27 / (4 pi^2): the largest c with sin(x)^2 >= c x^2 up to pi / 3."""
    return 27 / (4 * a.pi * a.pi)


# fmt: off
CLAIMS = [
    Claim(
        "sine.lemma1", "||sin(omega A)||_F^2 >= omega^2 A_min where 0 < omega < pi / (3 A_min)", PAPER,
        "Lemma 1, equation (8)", "lemma", domain=SHORT,
        margin=lambda v, a: squares(a.sin(v.omega * v.A)) - a.square(v.omega) * smallest(v.A),
        argument="The left side is of second order in A for small omega, the right side of first: any 1 x 1 matrix "
        "with 0 < A < 1 and omega small violates it. The proof bounds a square and prints the first power.",
        theorem="counterexamples.lemma1_fails",
        finding="Printed: the size of the sine of a matrix grows at least with its smallest entry. So is: it "
        "grows with the square of that entry, so that for small numbers the bound is too large. For the 1 x 1 "
        "matrix (1) at omega = 1 the left side is 0.708 and the right side is 1.",
    ),
    Claim(
        "sine.lemma1.corrected",
        "||sin(omega A)||_F^2 >= 27 / (4 pi^2) omega^2 A_min^2 where 0 < omega < pi / (3 A_min)", PAPER,
        "Lemma 1, equation (8)", "lemma", domain=SHORT, corrects="sine.lemma1",
        margin=lambda v, a: squares(a.sin(v.omega * v.A)) - sharp(a) * a.square(v.omega * smallest(v.A)),
        argument="sin(x) / x falls on [0, pi / 3], so it is least at the end, 3 sqrt(3) / (2 pi); a 1 x 1 matrix at "
        "omega A = pi / 3 attains it, so the constant is sharp.",
        theorem="matrices.lemma1_corrected",
    ),
    Claim(
        "sine.lemma1.proof.11", "||sin(omega A)||_F^2 >= sin(omega A_min)^2", PAPER, "equation (11)", "proof step",
        domain=ANY,
        margin=lambda v, a: squares(a.sin(v.omega * v.A)) - a.square(a.sin(v.omega * smallest(v.A))),
        argument="One term of the sum on the left is the right side.",
        theorem="matrices.lemma1_one_entry",
    ),
    Claim(
        "sine.lemma1.proof.12-15", "sin(x) >= x / 2 on [0, pi / 3]", PAPER, "equations (12) to (15)", "proof step",
        domain=Domain(x=Real(0.0, float(THIRD))),
        reading="The printed interval, up to pi / (3 pi), is taken as a slip for pi / (3 x).",
        margin=lambda v, a: a.sin(v.x) - v.x / 2,
        argument="sin is concave there and lies above its chord, whose slope 3 sqrt(3) / (2 pi) = 0.827 exceeds 1/2.",
        theorem="sine.sin_half",
    ),
    Claim(
        "sine.lemma2", "||sin(omega A)||^2 <= omega || sqrt|A| ||^2 in the operator norm", PAPER,
        "Lemma 2, equation (17)", "lemma", domain=ANY,
        margin=lambda v, a: (
            v.omega * a.square(a.spectral_norm(a.sqrt(a.absolute(v.A))))
            - a.square(a.spectral_norm(a.sin(v.omega * v.A)))
        ),
        argument="|sin x| <= min(1, |x|) <= sqrt|x| entry by entry, and the operator norm of a matrix is at most that "
        "of any matrix of non-negative entries that are not smaller in size. The printed proof takes another way, "
        "equation (20), which fails.",
        theorem="matrices.lemma2",
    ),
    Claim(
        "sine.lemma2.ineq", "sin(x) <= sqrt(x) for x >= 0", PAPER, "proof of Lemma 2", "proof step",
        domain=Domain(x=Real(0.0, 1000.0, extra=(0.001,))),
        margin=lambda v, a: a.sqrt(v.x) - a.sin(v.x),
        argument="sin x <= x <= sqrt x up to 1, and sin x <= 1 <= sqrt x from there.",
        theorem="matrices.sin_sqrt",
    ),
    Claim(
        "sine.lemma2.eq20",
        "(sum_j sin(omega A_ij) x_j)^2 <= (sum_j sqrt(omega |A_ij|) x_j)^2 for every row i and vector x", PAPER,
        "equation (20)", "proof step",
        reading="Both sides scale with x, so that x need not have unit length.",
        domain=Domain(A=Matrix(1, 2, Real(-3.0, 3.0)), x=Matrix(2, 1, Real(-1.0, 1.0)), omega=Real(0.0, 10.0)),
        margin=lambda v, a: (
            a.square(a.sqrt(v.omega * a.absolute(v.A)) @ v.x)[0, 0] - a.square(a.sin(v.omega * v.A) @ v.x)[0, 0]
        ),
        argument="Signs that cancel on the right need not cancel on the left: A = (1, -1), x = (1, -1) makes the right "
        "side 0.",
        theorem="counterexamples.eq20_fails",
        finding="Printed: signs may be dropped under a root while a sum keeps them. So is: what cancels on one "
        "side need not cancel on the other. For the row (1, -1) times the vector (1, -1) the right side is 0 and "
        "the left side is not; the lemma itself is true, by another proof.",
    ),
    Claim(
        "sine.lemma2.eq20.corrected", "(sum_j sin(omega A_ij) x_j)^2 <= (sum_j sqrt(omega |A_ij|) |x_j|)^2", PAPER,
        "equation (20)", "proof step", corrects="sine.lemma2.eq20",
        domain=Domain(A=Matrix(1, 2, Real(-3.0, 3.0)), x=Matrix(2, 1, Real(-1.0, 1.0)), omega=Real(0.0, 10.0)),
        margin=lambda v, a: (
            a.square(a.sqrt(v.omega * a.absolute(v.A)) @ a.absolute(v.x))[0, 0]
            - a.square(a.sin(v.omega * v.A) @ v.x)[0, 0]
        ),
        argument="The triangle inequality, and |sin t| <= sqrt|t| in every term.",
        theorem="matrices.row_bound",
    ),
    Claim(
        "sine.eq24-25", "||A||_F^2 / ||A||^2 <= rank A", PAPER, "equations (24), (25)", "proof step",
        domain=Domain(not_zero, **MATRIX),
        reading="For A other than zero, where the quotient is defined; there it is continuous too.",
        margin=lambda v, a: a.rank(v.A) * a.square(a.spectral_norm(v.A)) - squares(v.A),
        argument="A sum of rank A squares, none above the largest.",
    ),
    Claim(
        "sine.prop1", "rank sin(omega A) >= omega (A_min / || sqrt|A| ||)^2 where 0 <= omega <= pi / (3 A_min)",
        PAPER, "Proposition 1, equation (5)", "proposition", domain=SHORT,
        margin=lambda v, a: a.rank(a.sin(v.omega * v.A)) - sine_rank_bound(v, a, 1),
        argument="|| sqrt|A| ||^2 is at least the largest entry, so the right side is at most omega A_min <= pi / 3 = "
        "1.047. Where it lies between 1 and that, as for A = (1) and omega = 1.04, it asks a 1 x 1 matrix for rank 2.",
        theorem="counterexamples.prop1_fails",
        finding="Printed: a lower bound on the rank of sin(omega A). So is: it fails for matrices with one single "
        "entry, and where it is corrected it never says more than that the rank is at least 1. For the matrix (1) "
        "at omega = 33/32 it asks a 1 x 1 matrix for a rank above 1.",
    ),
    Claim(
        "sine.prop1.corrected",
        "rank sin(omega A) >= (3 / pi) omega (A_min / || sqrt|A| ||)^2 where 0 < omega < pi / (3 A_min)", PAPER,
        "Proposition 1, equation (5)", "proposition", domain=SHORT, corrects="sine.prop1",
        margin=lambda v, a: a.rank(a.sin(v.omega * v.A)) - sine_rank_bound(v, a, 3 / a.pi),
        bite=lambda v, a: sine_rank_bound(v, a, 3 / a.pi) - 1,
        argument="The right side is at most (3 / pi) omega A_min <= 1, and sin(omega A) is not zero there; 3 / pi is "
        "sharp for a 1 x 1 matrix. It never says more than that: it cannot certify a rank above 1. For A without zeros "
        "it is at most 1 / (m n). What the corrected lemmas give has 0.94 in place of 3 / pi = 0.95.",
    ),
    Claim(
        "sine.prop1.where", "Proposition 1 fails for the matrices with a single entry other than 0, and for no others",
        PAPER, "Proposition 1, equation (5)", "remark",
        domain=Domain(
            lambda i: sum(bool(x != 0) for x in i["A"].ravel()) >= 2 and below_a_third(i), m=Integer(1, 2),
            n=Integer(1, 3), A=Matrix("m", "n", ENTRIES), omega=Real(1e-3, 40.0, log=True, extra=(1.04,)),
        ),
        reading="Ours. The margin is that of Proposition 1, over matrices with two entries or more.",
        margin=lambda v, a: a.rank(a.sin(v.omega * v.A)) - sine_rank_bound(v, a, 1),
        argument="With one entry b the right side is omega |b|, which exceeds 1 for omega between 1 / |b| and "
        "pi / (3 |b|) (sine.prop1.single). Two entries in one row or column make || sqrt|A| ||^2 >= 2 A_min and the "
        "right side at most pi / 6. Otherwise no row or column has two. If the sine of one of them is 0, omega times "
        "it is at least pi, and the right side at most (omega A_min)^2 / pi <= pi / 9. If none is, the rank is their "
        "number, at least 2 > pi / 3.",
        theorem="proposition.prop1_where",
    ),
    Claim(
        "sine.prop1.single",
        "Proposition 1 fails for every matrix with a single entry b other than 0: at all omega from 1 / |b| to "
        "pi / (3 |b|)",
        PAPER, "Proposition 1, equation (5)", "remark",
        domain=Domain(b=Real(0.015625, 64.0), share=Real(1.0, float(THIRD))),
        reading="Ours. omega = share / |b|; zeros around b change neither side. The margin is the right side less the "
        "rank, not negative from omega = 1 / |b| on and positive beyond it.",
        margin=lambda v, a: (
            v.share / v.b * a.square(v.b) / a.square(a.sqrt(a.absolute(v.b))) - a.rank(np.array([[a.sin(v.share)]]))
        ),
        argument="|| sqrt|A| ||^2 = |b| and A_min = |b|, so the right side is omega |b|, against a rank of 1.",
    ),
    Claim(
        "sine.lemma1.proof.subst", "(omega A_min / 2)^2 >= omega^2 A_min: what (15) in (11) gives is what (8) says",
        PAPER, "after equation (15)", "proof step", domain=SHORT,
        margin=lambda v, a: a.square(v.omega * smallest(v.A)) / 4 - a.square(v.omega) * smallest(v.A),
        argument="The substitution gives omega^2 A_min^2 / 4, which is smaller than omega^2 A_min whenever A_min < 4.",
    ),
    Claim(
        "sine.lemma2.corrected",
        "||sin(omega A)||^2 <= c omega || sqrt|A| ||^2 with c = 0.72462, and no c below 0.7246", PAPER,
        "Lemma 2, equation (17)", "lemma", domain=ANY,
        reading="Sharper than printed, which holds too.",
        margin=lambda v, a: (
            a.of(Fraction(72462, 10**5)) * v.omega * a.square(a.spectral_norm(a.sqrt(a.absolute(v.A))))
            - a.square(a.spectral_norm(a.sin(v.omega * v.A)))
        ),
        argument="c is the largest value of sin(t)^2 / t, 0.724611 at tan t = 2 t, t = 1.16556; a 1 x 1 matrix attains "
        "it.",
    ),
    Claim(
        "sine.lemma2.constant", "sin(t)^2 <= 0.72462 t for t >= 0", PAPER, "Lemma 2, equation (17)", "remark",
        domain=Domain(t=Real(0.0, 100.0)),
        reading="Ours: the constant of sine.lemma2.corrected, of one number. Beyond t = 1.39 the right side exceeds 1.",
        margin=lambda v, a: a.of(Fraction(72462, 10**5)) * v.t - a.square(a.sin(v.t)),
        argument="Equality at 0, where the right side rises and the left does not. The quotient is largest at "
        "tan t = 2 t. matrices.lemma2_sharp, in Rocq, carries such a bound over to matrices of any size.",
    ),
    Claim(
        "sine.def.amin", "A_min, the least |A_ij| over the entries that are not zero, exists and is positive", PAPER,
        "equations (4), (7), (9)", "definition", domain=ANY,
        reading="For A other than zero, as is said at (4) and (7); Lemma 1 needs it too.",
        margin=lambda v, a: smallest(v.A),
        argument="The least of finitely many positive numbers. It does not depend on A continuously.",
        theorem="corrections.least_entry",
    ),
]
# fmt: on
