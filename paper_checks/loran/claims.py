"""Statements of the LoRAN paper, on Sinter(x) = x + A x sin(omega x)."""

from __future__ import annotations

from fractions import Fraction

from rankkit.claims import Claim, Domain, Real

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
        "loran.sign", "Sinter does not distort the sign: x Sinter(x) >= 0",
        PAPER, "section III.C", "prose", domain=Domain(**WIDE),
        reading="For any amplitude and frequency, as A and omega are introduced; at the paper's own 5e-5 it holds.",
        margin=lambda v, a: v.x * sinter(v.x, v, a),
        argument="Sinter(x) = x (1 + A sin(omega x)), which is negative where A sin(omega x) < -1.",
    ),
    Claim(
        "loran.sign.corrected", "x Sinter(x) >= 0 for an amplitude of at most 1",
        PAPER, "section III.C", "prose", domain=Domain(**LINE), corrects="loran.sign",
        margin=lambda v, a: v.x * sinter(v.x, v, a),
        under="an amplitude of at most 1",
        argument="1 + A sin(omega x) >= 1 - A; sharp, as above 1 the sign changes.",
    ),
    Claim(
        "loran.scale", "Sinter does not distort the scale: |Sinter(x) - x| <= |x| / 10",
        PAPER, "section III.C", "prose", domain=Domain(**WIDE),
        reading="For any amplitude and frequency, as they are introduced; kept means to a tenth. At 5e-5 it holds.",
        margin=lambda v, a: a.absolute(v.x) / 10 - a.absolute(perturbation(v.x, v, a)),
        argument="|Sinter(x)| / |x| takes every value from 1 - A to 1 + A.",
    ),
    Claim(
        "loran.scale.corrected", "|Sinter(x) - x| <= A |x|",
        PAPER, "section III.C", "prose", domain=Domain(**WIDE), corrects="loran.scale",
        margin=lambda v, a: v.amplitude * a.absolute(v.x) - a.absolute(perturbation(v.x, v, a)),
        argument="|sin| <= 1. At A = 5e-5 the update changes by at most 0.005 % of its size.",
    ),
    Claim(
        "loran.bounded", "the perturbation A x sin(omega x) is bounded: by A",
        PAPER, "section I and section IV.C", "prose", domain=Domain(**LINE),
        reading="Bounded as a function of x, as sin is.",
        margin=lambda v, a: v.amplitude - a.absolute(perturbation(v.x, v, a)),
        argument="It grows with |x|, as does the output, which the paper says is unbounded.",
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
    ),
    Claim(
        "loran.sigmoid", "|sigmoid(t) - 1/2| <= |t| / 4: near 0 a sigmoid of B A collapses to 1/2",
        PAPER, "section IV.C", "prose", domain=Domain(t=Real(-10.0, 10.0)),
        margin=lambda v, a: a.absolute(v.t) / 4 - a.absolute(1 / (1 + a.exp(-v.t)) - a.of(Fraction(1, 2))),
        argument="The slope of the sigmoid is at most 1/4.",
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
