"""Statements of the LoRAN paper, on Sinter(x) = x + A x sin(omega x)."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from rankkit.claims import Claim, Domain, Integer, Matrix, Real

PAPER = "loran"
SMALL = Fraction(5, 10**5)  # the paper's amplitude
SIGNED = Real(-100.0, 100.0, extra=(0.0, 1.0))
WIDE = {"x": SIGNED, "amplitude": Real(0.0, 3.0, extra=(2.0,)), "omega": Real(0.0, 100.0, extra=(1.0, 5.0))}
LINE = {
    "x": Real(-100.0, 100.0, extra=(0.0, 1.0)),
    "amplitude": Real(0.0, 1.0),
    "omega": Real(0.0, 100.0, extra=(1.0,)),
}


def sinter(x, v, a):
    """Return x + A x sin(omega x)."""
    return x + perturbation(x, v, a)


def perturbation(x, v, a):
    """Return A x sin(omega x)."""
    return v.amplitude * x * a.sin(v.omega * x)


def slope(x, v, a):
    """Return the printed derivative, 1 + A sin(omega x) + A omega x cos(omega x)."""
    return 1 + v.amplitude * a.sin(v.omega * x) + v.amplitude * v.omega * x * a.cos(v.omega * x)


def relu(x, a):
    """Return max(x, 0)."""
    return (x + a.absolute(x)) / 2


def relu_residue(v, a):
    """Return an entry of ReLU(u v^T) less u+ v+^T + u- v-^T."""
    return relu(v.u * v.s, a) - relu(v.u, a) * relu(v.s, a) - relu(-v.u, a) * relu(-v.s, a)


def frobenius(X, a):
    """Return ||X||_F."""
    return a.sqrt(a.square(X).sum())


def not_zero(instance):
    """Return whether Z has an entry that is not zero."""
    return bool(any(x != 0 for x in instance["Z"].ravel()))


def tanh(x, a):
    """Return tanh(x)."""
    return 1 - 2 / (a.exp(2 * x) + 1)


def annihilated(v, a):
    """Return the coefficients of (D^2 + omega^2)^2 x sin(omega x) for x sin, x cos, sin and cos of omega x."""
    w, zero = v.omega, 0 * v.omega
    D = np.array([[zero, -w, zero, zero], [w, zero, zero, zero], [zero + 1, zero, zero, -w], [zero, zero + 1, w, zero]])
    square = D @ D
    once = square[:, 0] + w * w * np.eye(4, dtype=int)[0]
    return square @ once + w * w * once


def third_difference(v, a):
    """Return the size of f(3) - 3 f(2) + 3 f(1) - f(0)."""
    f = v.values[0]
    return a.absolute(f[3] - 3 * f[2] + 3 * f[1] - f[0])


def quadratic_error(v, a):
    """Return the largest of |p + q x + s x^2 - f(x)| over x = 0, 1, 2, 3."""
    errors = [a.absolute(v.p + v.q * x + v.s * x * x - v.values[0, x]) for x in range(4)]
    return a.most(a.most(errors[0], errors[1]), a.most(errors[2], errors[3]))


# fmt: off
CLAIMS = [
    Claim(
        "loran.eq1-3",
        "an update f(B A) can have more rank than B A: Sinter of [[1, 2], [2, 4]], A = 1/10, omega in [1/2, 1]",
        PAPER, "equations (1) to (3)", "prose", domain=Domain(omega=Real(0.5, 1.0)),
        reading="That it can, for some matrix and frequency: the determinant is not zero.",
        margin=lambda v, a: a.absolute(
            (1 + a.sin(v.omega) / 10) * 4 * (1 + a.sin(4 * v.omega) / 10) - 4 * a.square(1 + a.sin(2 * v.omega) / 10)
        ) - a.of(Fraction(1, 100)),
        argument="A function of one variable that is no polynomial raises the rank of almost every matrix.",
    ),
    Claim(
        "loran.eq1.rank", "rank(B A) <= r, with r (d + k) parameters, at most 2 r / min(d, k) of d k", PAPER,
        "section III.A, equation (1)", "definition",
        domain=Domain(d=Integer(1, 4096), k=Integer(1, 4096), r=Integer(1, 64)),
        margin=lambda v, a: a.of(2 * v.r * max(v.d, v.k) - v.r * (v.d + v.k)),
        argument="d + k <= 2 max(d, k). That the rank is at most r is lr.eq1.",
    ),
    Claim(
        "loran.infoloss", "LoRA's singular values are concentrated at the low end: more than half are 0", PAPER,
        "section III.A, figure 2", "prose",
        domain=Domain(lambda i: 2 * i["r"] < i["d"], d=Integer(3, 4096), r=Integer(1, 64)),
        reading="The figure's caption by its figure, a histogram of the singular values; r much smaller than d read as "
        "2 r < d. What full fine-tuning's spectrum looks like is not printed in numbers.",
        margin=lambda v, a: a.of(2 * (v.d - v.r) - v.d),
        argument="d - r of d are exactly 0, by counting: 93.75 % at r = 64, d = 1024. So the concentration is that of "
        "any matrix of rank r, and no evidence of what a task needs.",
    ),
    Claim(
        "loran.reach", "Sinter(B A) reaches full-rank expressiveness: it comes as near to every matrix as one likes",
        PAPER, "sections III.A, III.B and V", "prose",
        domain=Domain(Y=Matrix(2, 2, Real(-2.0, 2.0)), amplitude=Real(5e-5, 0.25)),
        reading="As a set of updates, which the paper seeks; r = 1. Y is the target and near is a thousandth of its "
        "size: the margin is that less the distance that loran.reach.corrected proves for all B, A and omega.",
        margin=lambda v, a: frobenius(v.Y, a) / 1000 - (
            (1 - v.amplitude) * a.singular_values(v.Y)[1] - v.amplitude * frobenius(v.Y, a)
        ),
        argument="Y = I, A = 5e-5: every update is at least 0.9998 away, where LoRA's best is 1.",
    ),
    Claim(
        "loran.reach.corrected", "||Sinter(B A) - Y||_F >= (1 - A) tau_r(Y) - A ||Y||_F, tau_r(Y) LoRA's best distance",
        PAPER, "sections III.A, III.B and V", "prose", corrects="loran.reach",
        domain=Domain(
            B=Matrix(2, 1, Real(-2.0, 2.0)), A=Matrix(1, 2, Real(-2.0, 2.0)), Y=Matrix(2, 2, Real(-2.0, 2.0)),
            amplitude=Real(0.0, 1.0), omega=Real(0.0, 100.0),
        ),
        under="an amplitude of at most 1",
        reading="r = 1, so tau is sigma_2. At the paper's 5e-5 the gain over LoRA is at most 1e-4 ||Y||_F.",
        margin=lambda v, a: (
            frobenius(sinter(v.B @ v.A, v, a) - v.Y, a) - (1 - v.amplitude) * a.singular_values(v.Y)[1]
            + v.amplitude * frobenius(v.Y, a)
        ),
        argument="||Sinter(Z) - Y|| >= ||Z - Y|| - A ||Z||, ||Z|| <= ||Sinter(Z)|| / (1 - A), and Eckart and Young.",
        theorem="corrections.reach_corrected",
    ),
    Claim(
        "loran.subspace", "the updates B A form a subspace: a sum of two has rank r again", PAPER,
        "sections I, III.A and IV.E.1", "prose",
        domain=Domain(
            B=Matrix(2, 1, Real(-2.0, 2.0)), A=Matrix(1, 2, Real(-2.0, 2.0)), C=Matrix(2, 1, Real(-2.0, 2.0)),
            D=Matrix(1, 2, Real(-2.0, 2.0)),
        ),
        reading="Both factors trained, r = 1: the sum of two updates is one, with half a rank of slack.",
        margin=lambda v, a: a.of(Fraction(3, 2)) - a.rank(v.B @ v.A + v.C @ v.D),
        argument="diag(1, 0) + diag(0, 1) = I. For one factor held fixed it is a subspace.",
    ),
    Claim(
        "loran.subspace.corrected", "a sum of two updates of rank r has rank at most 2 r", PAPER,
        "sections I, III.A and IV.E.1", "prose", corrects="loran.subspace",
        domain=Domain(
            B=Matrix(3, 1, Real(-2.0, 2.0)), A=Matrix(1, 3, Real(-2.0, 2.0)), C=Matrix(3, 1, Real(-2.0, 2.0)),
            D=Matrix(1, 3, Real(-2.0, 2.0)),
        ),
        margin=lambda v, a: a.of(Fraction(5, 2)) - a.rank(v.B @ v.A + v.C @ v.D),
        argument="The updates are the matrices of rank at most r: a cone of dimension r (d + k - r), no subspace.",
        theorem="ranks.rank_two_updates",
    ),
    Claim(
        "loran.init", "at B = 0 LoRAN starts as LoRA: |Sinter(x) - x| <= A omega x^2", PAPER, "section III.B", "prose",
        domain=Domain(**LINE),
        reading="Compatibility with LoRA, as to the start: Sinter(0) = 0 and Sinter'(0) = 1, so the first update and "
        "gradient are LoRA's.",
        margin=lambda v, a: v.amplitude * v.omega * a.square(v.x) - a.absolute(perturbation(v.x, v, a)),
        argument="|sin t| <= |t|. A sigmoid starts at 1/2 and a ReLU without a gradient.",
    ),
    Claim(
        "loran.sign", "Sinter does not distort the sign: x Sinter(x) >= 0",
        PAPER, "section III.C", "prose", domain=Domain(**LINE),
        reading="For every frequency. The paper's amplitude is 5e-5.",
        margin=lambda v, a: v.x * sinter(v.x, v, a),
        under="an amplitude of at most 1, as the paper's is",
        argument="1 + A sin(omega x) >= 1 - A. Above 1 the sign changes where A sin(omega x) < -1.",
    ),
    Claim(
        "loran.scale", "Sinter does not distort the scale: |Sinter(x) - x| <= |x| / 10",
        PAPER, "section III.C", "prose", domain=Domain(**{**WIDE, "amplitude": Real(0.0, 0.0999)}),
        reading="Kept means to a tenth, for every frequency. The paper's amplitude is 5e-5.",
        margin=lambda v, a: a.absolute(v.x) / 10 - a.absolute(perturbation(v.x, v, a)),
        under="an amplitude of at most a tenth, as the paper's is",
        argument="|Sinter(x)| / |x| takes every value from 1 - A to 1 + A.",
    ),
    Claim(
        "loran.scale.exact", "|Sinter(x) - x| <= A |x|",
        PAPER, "section III.C", "prose", domain=Domain(**WIDE), reading="For any amplitude.",
        margin=lambda v, a: v.amplitude * a.absolute(v.x) - a.absolute(perturbation(v.x, v, a)),
        argument="|sin| <= 1. At A = 5e-5 the update changes by at most 0.005 % of its size.",
    ),
    Claim(
        "loran.bounded", "the perturbation A x sin(omega x) is bounded: by A",
        PAPER, "section I and section IV.C", "prose", domain=Domain(**LINE),
        reading="Bounded as a function of x, as sin is.",
        margin=lambda v, a: v.amplitude - a.absolute(perturbation(v.x, v, a)),
        argument="It grows with |x|, as does the output, which the paper says is unbounded.",
        theorem="counterexamples.perturbation_exceeds",
    ),
    Claim(
        "loran.bounded.corrected", "the perturbation is bounded by A |x|, relative to its argument",
        PAPER, "section I and section IV.C", "prose", domain=Domain(**LINE), corrects="loran.bounded",
        margin=lambda v, a: v.amplitude * a.absolute(v.x) - a.absolute(perturbation(v.x, v, a)),
        argument="|sin| <= 1.",
    ),
    Claim(
        "loran.periodic", "the perturbation A x sin(omega x) is periodic, with period 2 pi / omega",
        PAPER, "section III.C and section IV.D", "prose",
        domain=Domain(x=Real(-10.0, 10.0), amplitude=Real(0.1, 1.0), omega=Real(0.5, 10.0)),
        reading="The values one period apart are equal, to one part in a million.",
        margin=lambda v, a: a.of(Fraction(1, 10**6)) - a.absolute(
            perturbation(v.x + 2 * a.pi / v.omega, v, a) - perturbation(v.x, v, a)
        ),
        argument="The factor x makes it grow by A (2 pi / omega) sin(omega x) a period.",
    ),
    Claim(
        "loran.periodic.corrected", "the perturbation over x, A sin(omega x), has period 2 pi / omega",
        PAPER, "section III.C and section IV.D", "prose", corrects="loran.periodic",
        domain=Domain(x=Real(-10.0, 10.0), amplitude=Real(0.1, 1.0), omega=Real(0.5, 10.0)),
        margin=lambda v, a: a.of(Fraction(1, 10**6)) - v.amplitude * a.absolute(
            a.sin(v.omega * (v.x + 2 * a.pi / v.omega)) - a.sin(v.omega * v.x)
        ),
        argument="The sine is periodic.",
    ),
    Claim(
        "loran.deriv", "Sinter'(x) = 1 + A sin(omega x) + A omega x cos(omega x)",
        PAPER, "section III.C, section IV.D", "gradient",
        domain=Domain(x=Real(-5.0, 5.0), amplitude=Real(0.0, 1.0), omega=Real(0.0, 10.0), h=Real(0.001, 0.1)),
        reading="Checked as a Taylor remainder: |f(x + h) - f(x) - h f'(x)| <= h^2 max|f''| / 2.",
        margin=lambda v, a: (
            v.h * v.h * v.amplitude * v.omega * (2 + v.omega * (a.absolute(v.x) + v.h)) / 2
            - a.absolute(sinter(v.x + v.h, v, a) - sinter(v.x, v, a) - v.h * slope(v.x, v, a))
        ),
        argument="The product rule; f'' = A omega (2 cos(omega x) - omega x sin(omega x)).",
        theorem="functions.sinter_slope",
    ),
    Claim(
        "loran.range", "Sinter has an unbounded range: |Sinter(x)| >= (1 - A) |x|", PAPER, "section III.C", "prose",
        domain=Domain(**LINE), reading="For an amplitude below 1; above, it is unbounded at the multiples of pi/omega.",
        margin=lambda v, a: a.absolute(sinter(v.x, v, a)) - (1 - v.amplitude) * a.absolute(v.x),
        argument="1 + A sin >= 1 - A.",
    ),
    Claim(
        "loran.structbound", "the slope of the non-linearity is bounded: by 1 + 2 A", PAPER, "section IV.E.3", "prose",
        domain=Domain(**LINE), reading="Bounded on the line by a constant, here 1 + 2 A; no other would do.",
        margin=lambda v, a: 1 + 2 * v.amplitude - a.absolute(slope(v.x, v, a)),
        argument="A omega x cos(omega x) grows with x. On |x| <= X it is at most 1 + A (1 + omega X): with 5e-5, 1e4 "
        "and 0.01, 1.005.",
    ),
    Claim(
        "loran.structbound.corrected", "|Sinter'(x)| <= 1 + A (1 + omega |x|)", PAPER, "section IV.E.3", "prose",
        domain=Domain(**LINE), corrects="loran.structbound",
        margin=lambda v, a: 1 + v.amplitude * (1 + v.omega * a.absolute(v.x)) - a.absolute(slope(v.x, v, a)),
        argument="|sin|, |cos| <= 1.",
    ),
    Claim(
        "loran.aligned", "the perturbation A Z o sin(omega Z) is aligned with Z: their inner product is not negative",
        PAPER, "section IV.C", "prose",
        domain=Domain(not_zero, Z=Matrix(1, 2, Real(-5.0, 5.0)), amplitude=Real(0.0, 1.0), omega=Real(0.1, 10.0)),
        reading="Direction as the angle between the two matrices. That it scales with Z is loran.scale.exact.",
        margin=lambda v, a: (v.Z * perturbation(v.Z, v, a)).sum(),
        argument="z^2 sin(omega z) is odd: for entries of either sign alike the inner product is 0 on average. It is "
        "Sinter(Z) that stays near Z.",
    ),
    Claim(
        "loran.aligned.corrected", "the angle between Sinter(Z) and Z has a cosine of at least (1 - A^2)^(1/2)", PAPER,
        "section IV.C", "prose", corrects="loran.aligned",
        domain=Domain(not_zero, Z=Matrix(1, 2, Real(-5.0, 5.0)), amplitude=Real(0.0, 1.0), omega=Real(0.1, 10.0)),
        margin=lambda v, a: (
            (v.Z * sinter(v.Z, v, a)).sum()
            - a.sqrt(1 - a.square(v.amplitude)) * frobenius(v.Z, a) * frobenius(sinter(v.Z, v, a), a)
        ),
        argument="||Sinter(Z) - Z|| <= A ||Z||: a ball of radius A ||Z|| around Z is seen under that angle.",
    ),
    Claim(
        "loran.harmonics", "x sin(omega x) has harmonics: components at multiples of omega", PAPER, "section IV.E.2",
        "prose", domain=Domain(omega=Real(0.5, 10.0)),
        reading="Components at a multiple k > 1 would leave (D^2 + omega^2)^2 x sin(omega x) different from 0: the "
        "margin is the sum of its coefficients' sizes, less a millionth.",
        margin=lambda v, a: a.absolute(annihilated(v, a)).sum() - a.of(Fraction(1, 10**6)),
        argument="It is 0: the one frequency omega with a linear envelope, and no Fourier series. Sinter of a sum does "
        "mix the frequencies of the data.",
    ),
    Claim(
        "loran.harmonics.corrected", "(D^2 + omega^2)^2 annihilates x sin(omega x)", PAPER,
        "section IV.E.2", "prose", corrects="loran.harmonics", domain=Domain(omega=Real(0.5, 10.0)),
        margin=lambda v, a: a.of(Fraction(1, 10**6)) - a.absolute(annihilated(v, a)).sum(),
        argument="Differentiate: the spectrum lies at +omega and -omega alone.",
    ),
    Claim(
        "loran.wedin", "perturbation theory bounds the rotation of singular subspaces under a small change", PAPER,
        "section II.C.1", "prose", domain=Domain(e=Real(2.0**-10, 0.25), gap=Real(0.5, 2.0)),
        under="a gap between the singular values",
        reading="diag(1 + gap, 1) plus e [[0, 1], [1, 0]]: the leading direction turns by sin <= e / (gap - e).",
        margin=lambda v, a: (
            v.e / (v.gap - v.e) - a.sqrt((1 - v.gap / a.sqrt(a.square(v.gap) + 4 * a.square(v.e))) / 2)
        ),
        argument="Wedin 1972. Without a gap the smallest change turns the directions of I by 45 degrees.",
    ),
    Claim(
        "loran.uat", "networks with a non-linear activation approximate every continuous function", PAPER,
        "section II.C.2", "prose", domain=Domain(values=Matrix(1, 4, Real(-30.0, 30.0, extra=(0.0, 8.0, 27.0)))),
        reading="One hidden layer, as in the theorem that is cited, and the activation t^2, which is not linear: then "
        "the network is a quadratic. The function is given by its values on 0, 1, 2, 3; the margin is 1/2 less the "
        "error that loran.uat.corrected proves for every quadratic.",
        margin=lambda v, a: a.of(Fraction(1, 2)) - third_difference(v, a) / 8,
        argument="x^3 has the third difference 6 and is missed by 3/4. The theorem asks for an activation that is no "
        "polynomial (Leshno et al. 1993), and for a bounded set.",
    ),
    Claim(
        "loran.uat.corrected", "a quadratic misses a function somewhere on 0, 1, 2, 3 by its third difference over 8",
        PAPER, "section II.C.2", "prose", corrects="loran.uat",
        domain=Domain(values=Matrix(1, 4, Real(-30.0, 30.0)), p=SIGNED, q=SIGNED, s=SIGNED),
        reading="For an activation that is no polynomial the theorem holds.",
        margin=lambda v, a: quadratic_error(v, a) - third_difference(v, a) / 8,
        argument="Third differences of quadratics are 0; the errors enter it with weights 1, 3, 3, 1.",
    ),
    Claim(
        "loran.sixteen",
        "in 16-bit arithmetic Sinter at A = 5e-5 rounds to x: A x |sin(omega x)| is below half a spacing",
        PAPER, "section III.C", "prose", domain=Domain(x=Real(1.0, 2.0), omega=Real(0.0, 20000.0, extra=(10000.0,))),
        reading="What the paper's amplitude does where B A is stored in 16 bits and the sum is rounded to it; x is the "
        "significand, between 1 and 2, and float16's half spacing there is 2^-11 (bfloat16's 2^-8).",
        margin=lambda v, a: a.of(Fraction(1, 2**11)) - a.of(SMALL) * v.x * a.absolute(a.sin(v.omega * v.x)),
        argument="The perturbation is at most 1e-4, half a spacing 4.9e-4: rounding to nearest gives x back. So in "
        "16-bit arithmetic the paper's Sinter is the identity; it acts only where the sum is kept in 32 bits.",
        finding="Printed: Sinter changes the update in a way that helps. So is: at the paper's amplitude 5e-5 the "
        "change is below half of the spacing of 16-bit numbers, so that rounding undoes it. For x between 1 and 2 "
        "it is at most 1e-4, and half a spacing is 4.9e-4.",
    ),
    Claim(
        "loran.sigmoid", "|sigmoid(t) - 1/2| <= |t| / 4: near 0 a sigmoid of B A collapses to 1/2",
        PAPER, "section IV.C", "prose", domain=Domain(t=Real(-10.0, 10.0)),
        margin=lambda v, a: a.absolute(v.t) / 4 - a.absolute(1 / (1 + a.exp(-v.t)) - a.of(Fraction(1, 2))),
        argument="The slope of the sigmoid is at most 1/4.",
        theorem="functions.sigmoid_near_half",
    ),
    Claim(
        "loran.sigmoid.slope", "a sigmoid squashes gradients: its slope is at most 1/4", PAPER, "section III.C",
        "prose",
        domain=Domain(t=Real(-10.0, 10.0)),
        margin=lambda v, a: a.of(Fraction(1, 4)) - 1 / (2 + a.exp(v.t) + a.exp(-v.t)),
        argument="s (1 - s) <= 1/4, attained at 0.",
    ),
    Claim(
        "loran.tanh", "tanh is almost linear for -2 < x < 2: within a tenth of x", PAPER, "section IV.C", "prose",
        domain=Domain(x=Real(0.0, 1.99)), reading="A tenth is generous for almost.",
        margin=lambda v, a: tanh(v.x, a) - v.x * a.of(Fraction(9, 10)),
        argument="tanh(2) = 0.964: less than half of 2. No line comes nearer than 0.199 on that interval.",
        theorem="counterexamples.tanh_not_linear",
    ),
    Claim(
        "loran.tanh.corrected", "tanh x is within x^3 / 3 of x", PAPER, "section IV.C", "prose",
        corrects="loran.tanh", domain=Domain(x=Real(0.0, 10.0)),
        reading="So within 1 % for |x| <= 0.17 and within 10 % for |x| <= 0.54, the size of LoRA's entries.",
        margin=lambda v, a: a.least(v.x - tanh(v.x, a), tanh(v.x, a) - v.x + v.x * v.x * v.x / 3),
        argument="Taylor, with alternating signs.",
        theorem="functions.tanh_cubic",
    ),
    Claim(
        "loran.relu", "ReLU does worse because it sets negative entries to zero",
        PAPER, "section IV.C", "prose",
        ill_posed="why a training did worse is not decided by the statement; with B = 0 and relu'(0) = 0 no gradient "
        "reaches A or B at all, whatever their signs",
    ),
    Claim(
        "loran.relu.rank", "ReLU sets negative entries of B A to zero, so that rank one becomes at most two",
        PAPER, "section IV.C", "prose",
        domain=Domain(u=Real(-2.0, 2.0), s=Real(-2.0, 2.0)),
        reading="What is lost, for a rank-one matrix u v^T: ReLU(u v^T) = u+ v+^T + u- v-^T.",
        margin=lambda v, a: -a.absolute(relu_residue(v, a)),
        argument="A product is positive where both factors have one sign; so no information beyond the four parts is "
        "left.",
    ),
    Claim(
        "loran.ib", "the nonlinearity potentially increases the mutual information of Y and the update",
        PAPER, "section IV.E.1", "prose",
        ill_posed="potentially asserts nothing, and no joint law of Y and the update is given",
    ),
    Claim(
        "loran.genbound", "the structure imposes a regularised complexity bound",
        PAPER, "section IV.E.3", "prose",
        ill_posed="a conjecture without a complexity measure, a bound or a class of functions",
    ),
]
# fmt: on
