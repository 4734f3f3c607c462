"""Statements of the LR-LoRA paper on what phi(B A) can be, phi(x) = sum_i alpha_i sinc(omega_i (x - x_i))."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from rankkit.claims import Claim, Domain, Integer, Matrix, Measured, Real

PAPER = "lr_lora"
N = 50  # grid points of the default basis
TINY = Fraction(1, 10**6)
ENTRIES = Real(-2.0, 2.0, extra=(0.0,))
AMPLITUDES = Matrix(1, 3, ENTRIES)
GRID = Matrix(1, 3, Real(-3.0, 3.0, extra=(-0.5,)))
PHI = {"alpha": AMPLITUDES, "grid": GRID, "omega": Real(0.125, 8.0)}
FACTORS = {"B": Matrix(3, 1, ENTRIES), "A": Matrix(1, 3, ENTRIES)}


def phi(z, v, a):
    """Return phi(z) for the three terms of an instance, all of bandwidth omega."""
    return sum(v.alpha[0, i] * a.sinc(v.omega * (z - v.grid[0, i])) for i in range(3))


def size_of_alpha(v, a):
    """Return sum |alpha_i|."""
    return a.absolute(v.alpha).sum()


def frobenius(X, a):
    """Return ||X||_F."""
    return a.sqrt(a.square(X).sum())


def stable_rank(X, a):
    """Return ||X||_F^2 / ||X||^2."""
    return a.square(X).sum() / a.square(a.spectral_norm(X))


def root_stable_rank(X, a):
    """Return ||X||_F / ||X||."""
    return frobenius(X, a) / a.spectral_norm(X)


def not_zero(name):
    """Return the condition that a matrix has an entry that is not zero."""
    return lambda instance: bool(any(x != 0 for x in instance[name].ravel()))


def nonzero(coefficients):
    """Return how many coefficients are not zero."""
    return sum(bool(c != 0) for c in coefficients[0])


def small_beside(instance):
    """Return whether E is certainly smaller than half of M: ||E||_F < max|M| / 2."""
    E, M = instance["E"].ravel(), instance["M"].ravel()
    return sum(x * x for x in E) < max(abs(x) for x in M) ** 2 / 4


def two(p, q, r, s):
    """Return the matrix [[p, q], [r, s]]."""
    return np.array([[p, q], [r, s]], dtype=None if isinstance(p, float) else object)


def squared_sinc(t, v, a):
    """Return sinc(w (t - c))^2, a function whose Fourier transform vanishes beyond w."""
    return a.square(a.sinc(v.w * (t - v.c)))


def resampling_error(v, a, reach=200):
    """Return by how much the samples at spacing tau, 2 reach + 1 of them, miss the function at x."""
    places = v.tau * np.arange(-reach, reach + 1)
    return a.absolute((squared_sinc(places, v, a) * a.sinc((v.x - places) / v.tau)).sum() - squared_sinc(v.x, v, a))


def last_cell(v, a):
    """Return the error, half a cell from the end of [-3, 3], of sinc(x / 6) interpolated at N points."""
    tau = a.of(Fraction(6, v.points - 1))
    grid = tau * np.arange(v.points) - 3
    x = 3 - tau / 2
    return a.absolute((a.sinc(grid / 6) * a.sinc((x - grid) / tau)).sum() - a.sinc(x / 6))


def bump_error(v, a):
    """Return the error at t of exp(-(t/h)^2) as 513 sincs of bandwidth 64 and its own values as amplitudes."""
    places = np.arange(-256, 257) / a.of(64)
    return a.absolute(
        (a.exp(-a.square(places / v.h)) * a.sinc(64 * (v.t - places))).sum() - a.exp(-a.square(v.t / v.h))
    )


def default_dimension():
    """Return how many singular values of the 50 default basis functions on [-3, 3] exceed 1e-3 and 1e-7 sigma_1."""
    grid, points = np.linspace(-3, 3, N), np.linspace(-3, 3, 2001)
    sigma = np.linalg.svd(np.sinc(points[:, None] - grid), compute_uv=False)
    counts = [float(np.sum(sigma > level * sigma[0])) for level in (1e-3, 1e-5, 1e-7)]
    return Measured(counts[1], counts[0], counts[2], "of 50, above 1e-5 sigma_1; range: 1e-3 to 1e-7")


def end_spacing(v, a):
    """Return the Chebyshev grid's spacing next to its middle, and at its end, for 2 half points."""
    points = [a.cos(a.pi * (2 * i - 1) / (4 * v.half)) for i in (1, 2, v.half, v.half + 1)]
    return points[2] - points[3], points[0] - points[1]


# fmt: off
CLAIMS = [
    Claim(
        "lr.eq1", "rank(B A) <= r", PAPER, "section 3.1, equation (1)", "definition", domain=Domain(**FACTORS),
        reading="3 x 3, r = 1; half is added, as ranks are whole numbers.",
        margin=lambda v, a: 1 - a.rank(v.B @ v.A) + a.of(Fraction(1, 2)),
        argument="The columns of B A are combinations of the r columns of B.",
        theorem="ranks.rank_product",
    ),
    Claim(
        "lr.eq1.params", "r (m + n) is at most 2 r / min(m, n) of m n", PAPER, "section 3.1", "complexity",
        domain=Domain(m=Integer(1, 10000), n=Integer(1, 10000), r=Integer(1, 64)),
        reading="Substantially smaller where r is much smaller than min(m, n), as this ratio.",
        margin=lambda v, a: a.of(2 * v.r * max(v.m, v.n) - v.r * (v.m + v.n)),
        argument="m + n <= 2 max(m, n); equality where m = n.",
    ),
    Claim(
        "lr.sinc", "sinc(x) = sin(pi x) / (pi x), 1 at 0: even, at most 1 in size", PAPER, "section 3.2", "definition",
        domain=Domain(x=Real(0.0, 50.0)),
        margin=lambda v, a: a.least(
            1 - a.absolute(a.sinc(v.x)), a.of(TINY) - a.absolute(a.sinc(v.x) - a.sinc(-v.x))
        ),
        argument="An entire function; its zeros are the integers other than 0.",
    ),
    Claim(
        "lr.shannon", "f(x) = sum_i f(i tau) sinc((x - i tau) / tau) for f bandlimited to w and tau <= 1 / (2 w)",
        PAPER, "section 3.2, equation (2)", "theorem",
        domain=Domain(
            lambda i: i["tau"] * 2 * i["w"] <= 1,
            w=Real(0.5, 1.0), c=Real(-1.0, 1.0), x=Real(-1.0, 1.0), tau=Real(0.25, 1.0),
        ),
        reading="w in cycles; f = sinc(w (t - c))^2; 401 terms, and the bound 1 / (pi^3 w^2 (200 tau - 1)^2) on those "
        "left out.",
        margin=lambda v, a: (
            1 / (a.pi * a.pi * a.pi * a.square(v.w * (200 * v.tau - 1))) + a.of(Fraction(1, 10**9))
            - resampling_error(v, a)
        ),
        argument="Whittaker and Shannon. With appendix A's angular frequency the condition asks for more than is "
        "needed, so it holds in both readings.",
    ),
    Claim(
        "lr.trunc", "keeping |i| <= N leaves a sup error of at most (sum over the rest of f(x_i)^2)^(1/2)", PAPER,
        "section 3.2, appendix A", "limit",
        domain=Domain(samples=Matrix(1, 9, ENTRIES), x=Real(-5.0, 5.0), kept=Integer(0, 4)),
        reading="Nested truncation of the sum over all integers; decays as the energy of the samples left out. No rate "
        "is claimed; it is not said of the N points of equation (4) on a fixed interval (lr.trunc.grid).",
        margin=lambda v, a: (
            a.sqrt(sum(a.square(v.samples[0, i]) for i in range(9) if abs(i - 4) > v.kept) + 0 * v.x)
            - a.absolute(sum(v.samples[0, i] * a.sinc(v.x - (i - 4)) for i in range(9) if abs(i - 4) > v.kept))
        ),
        argument="Cauchy and Schwarz, and sum_i sinc(x - i)^2 = 1.",
    ),
    Claim(
        "lr.trunc.grid",
        "more points on a fixed interval do not make the interpolant converge: half a cell from the end it stays off",
        PAPER, "sections 3.2, 3.3", "limit", domain=Domain(points=Integer(60, 400)),
        reading="Ours: what truncation does not give equation (4). f = sinc(x / 6), I = 3, omega = 1 / spacing, "
        "alpha_i = f(x_i); the error is at least 1/20. Amplitudes that are trained can do better.",
        margin=lambda v, a: last_cell(v, a) - a.of(Fraction(1, 20)),
        argument="The terms beyond the interval are missing however fine the grid; the error tends to |f(I)| (2 / pi - "
        "1 / 2).",
    ),
    Claim(
        "lr.density", "functions in L^2 are well approximated by sums of sincs", PAPER, "section 3.2, equation (3)",
        "limit", domain=Domain(h=Real(0.25, 1.0), t=Real(-2.0, 2.0)),
        reading="Density, with shifts, bandwidths and their number free. Here exp(-(t/h)^2), to 1/100.",
        margin=lambda v, a: a.of(Fraction(1, 100)) - bump_error(v, a),
        argument="Their Fourier transforms are boxes of every width times every phase; what is orthogonal to all of "
        "them is zero. Any fixed sum is bandlimited to max(omega_i) / 2.",
    ),
    Claim(
        "lr.density.default", "how many directions the default basis (N = 50, I = 3, omega = 1) has on [-3, 3]", PAPER,
        "sections 3.3, 4.1", "remark", measure=default_dimension,
        reading="Ours: the numerical rank of the 50 functions on 2001 points.",
        argument="The time-bandwidth product is 2 I omega = 6, whatever N: an omega that stays near 1 leaves about a "
        "dozen degrees of freedom.",
    ),
    Claim(
        "lr.eq4", "|phi(x)| <= sum_i |alpha_i|", PAPER, "section 3.3, equation (4)", "definition",
        domain=Domain(**PHI, z=Real(-5.0, 5.0)),
        margin=lambda v, a: size_of_alpha(v, a) - a.absolute(phi(v.z, v, a)),
        argument="|sinc| <= 1. phi is entire, so that no domain is excluded.",
        theorem="functions.phi_bound",
    ),
    Claim(
        "lr.phi0", "alpha = 0 gives phi = 0", PAPER, "section 3.3", "definition",
        domain=Domain(**PHI, z=Real(-5.0, 5.0), small=Real(0.0, 1.0)),
        reading="Checked as |phi| <= small sum |alpha_i| for amplitudes small alpha_i, down to small = 0.",
        margin=lambda v, a: v.small * size_of_alpha(v, a) - a.absolute(v.small * phi(v.z, v, a)),
        argument="An empty combination. For distinct grid points the converse holds too.",
    ),
    Claim(
        "lr.softplus", "softplus^-1(1) = ln(e - 1) = 0.54 to two digits", PAPER, "section 3.3", "definition",
        domain=Domain(one=Real(1.0, 1.0)),
        reading="exp(0.535) < exp(1) - 1 < exp(0.545).",
        margin=lambda v, a: a.least(
            a.exp(v.one) - 1 - a.exp(a.of(Fraction(535, 1000))), a.exp(a.of(Fraction(545, 1000))) - a.exp(v.one) + 1
        ),
        argument="ln(e - 1) = 0.54132.",
    ),
    Claim(
        "lr.anyphi", "a differentiable phi, applied entry by entry, removes the rank constraint", PAPER,
        "abstract, sections 1, 3.3 and 5", "prose", domain=Domain(c=Real(0.125, 2.0)),
        reading="Removes: for some B and A the rank of phi(B A) is above r. Here phi = c x^2 and r = 2: the margin is "
        "the rank for B = A^T = [[1, 0], [0, 1], [1, 1]], less 5/2.",
        margin=lambda v, a: a.rank(v.c * np.array([[1, 0, 1], [0, 1, 1], [1, 1, 4]])) - a.of(Fraction(5, 2)),
        under="r >= 2 and a phi that is not affine, or any r and a phi that is no polynomial",
        argument="phi = x^2 has up to C(r + 1, 2) of rank, which exceeds r from r = 2 on. Not for r = 1, where "
        "(b_i a_j)^2 = b_i^2 a_j^2, and not for phi = x. A polynomial keeps a cap (lr.anyphi.cap).",
    ),
    Claim(
        "lr.anyphi.cap",
        "a polynomial phi keeps rank(phi(B A)) <= the sum of C(r + q - 1, q) over the powers q that it has", PAPER,
        "abstract, sections 1, 3.3 and 5", "prose",
        domain=Domain(
            B=Matrix(5, 1, Real(-2.0, 2.0)), A=Matrix(1, 5, Real(-2.0, 2.0)), coefficients=Matrix(1, 3, ENTRIES)
        ),
        reading="r = 1: at most the number of coefficients that are not 0. The true statement: an analytic phi removes "
        "the constraint, for every r and size, if and only if it is no polynomial.",
        margin=lambda v, a: a.of(nonzero(v.coefficients) + Fraction(1, 2)) - a.rank(
            v.coefficients[0, 0] + v.coefficients[0, 1] * (v.B @ v.A) + v.coefficients[0, 2] * a.square(v.B @ v.A)
        ),
        argument="z^q is a combination of C(r + q - 1, q) products of monomials; generic factors reach the sum. A "
        "power series that does not end gives generic factors every minor.",
        theorem="ranks.rank_polynomial",
    ),
    Claim(
        "lr.phi.rank", "phi(B A) can have rank below or above r", PAPER, "section 3.3", "prose",
        domain=Domain(t=Real(0.5, 1.0), k=Integer(1, 9)),
        reading="That there are such cases. phi = sinc, r = 1: [[t, t/2], [t/2, t/4]] gets rank 2, and k [[1, 2], [2, "
        "4]] rank 0.",
        margin=lambda v, a: a.least(
            a.absolute(a.sinc(v.t) * a.sinc(v.t / 4) - a.square(a.sinc(v.t / 2))) - a.of(Fraction(1, 100)),
            a.of(TINY) - a.absolute(a.sinc(a.of(v.k))),
        ),
        argument="For t = 1 the determinant is -4 / pi^2; sinc vanishes at the integers.",
    ),
    Claim(
        "lr.phi.dimension", "phi(B A) moves within r (m + n - r) dimensions, whatever phi", PAPER,
        "sections 1 and 3.3", "remark",
        domain=Domain(B=Matrix(3, 1, ENTRIES), A=Matrix(1, 3, ENTRIES), slope=Matrix(3, 3, ENTRIES)),
        reading="Ours: what a higher rank does not bring. The Jacobian of (B, A) -> phi(B A) at r = 1, 3 x 3, slope = "
        "phi'(B A); its rank is at most 5 of 9. A phi of its own adds at most 2 N.",
        margin=lambda v, a: a.of(Fraction(11, 2)) - a.rank(np.array(
            [(np.outer(row, v.A[0]) * v.slope).ravel() for row in np.eye(3, dtype=int)]
            + [(np.outer(v.B[:, 0], row) * v.slope).ravel() for row in np.eye(3, dtype=int)]
        )),
        argument="It factors through the matrices of rank r, which have that dimension.",
        theorem="ranks.rank_jacobian",
    ),
    Claim(
        "lr.SR", "the stable rank is continuous and robust: |S(M + E)^(1/2) - S(M)^(1/2)| <= (||E||_F + S(M)^(1/2) "
        "||E||) / (||M|| - ||E||)",
        PAPER, "section 3.3, equation (5)", "definition",
        domain=Domain(
            lambda i: not_zero("M")(i) and small_beside(i),
            M=Matrix(2, 2, Real(-4.0, 4.0)), E=Matrix(2, 2, Real(-0.5, 0.5)),
        ),
        under="M is not zero",
        reading="Where it is defined. At M = 0, which phi(B A) is when training starts, it has no value and no limit: "
        "diag(e, 0) has 1 and e I has 2.",
        margin=lambda v, a: (
            frobenius(v.E, a) + root_stable_rank(v.M, a) * a.spectral_norm(v.E)
            - a.absolute(root_stable_rank(v.M + v.E, a) - root_stable_rank(v.M, a))
            * (a.spectral_norm(v.M) - a.spectral_norm(v.E))
        ),
        argument="The triangle inequality for both norms.",
        theorem="corrections.stable_rank_robust",
    ),
    Claim(
        "lr.SR.range", "1 <= S(M) <= rank(M)", PAPER, "section 3.3, equation (5)", "remark",
        domain=Domain(not_zero("M"), M=Matrix(2, 2, ENTRIES)),
        reading="Ours, as what the stable rank can show.",
        margin=lambda v, a: a.least(stable_rank(v.M, a) - 1, a.rank(v.M) - stable_rank(v.M, a)),
        argument="sigma_1^2 <= sum sigma_i^2 <= rank sigma_1^2.", error=1e-6,
    ),
    Claim(
        "lr.SR.threshold", "rank is ill posed: diag(1, e) has rank 2 for every e > 0 and 1 at e = 0", PAPER,
        "section 3.3", "prose", domain=Domain(e=Real(2.0**-20, 1.0)),
        margin=lambda v, a: a.rank(two(1 + 0 * v.e, 0 * v.e, 0 * v.e, v.e)) - a.of(Fraction(3, 2)),
        argument="Matrices of full rank lie at every distance from any other.",
    ),
    Claim(
        "lr.SR.attained", "S(M) > r implies rank(M) > r, and every S from 1 to r is attained at rank r",
        PAPER, "sections 3.3 and 4.4", "remark",
        domain=Domain(lambda i: i["S"] <= i["r"], r=Integer(2, 64), S=Real(1.0, 64.0)),
        reading="Ours. The second half: singular values 1 and r - 1 times ((S - 1) / (r - 1))^(1/2), none above 1.",
        margin=lambda v, a: 1 - (v.S - 1) / (v.r - 1),
        argument="lr.SR.range for the first half.",
    ),
    Claim(
        "lr.SR.direction", "the stable rank of phi(B A) can be below or above that of B A", PAPER,
        "section 3.3, section 4.4", "prose", domain=Domain(e=Real(0.05, 0.5)),
        reading="That it can; in which layers it is takes trained weights. phi = sinc: e I, whose stable rank is 2, "
        "and [[1, 1/2], [1/2, 1/4]], whose is 1.",
        margin=lambda v, a: a.least(
            2 - stable_rank(two(a.sinc(v.e), 1 + 0 * v.e, 1 + 0 * v.e, a.sinc(v.e)), a),
            stable_rank(a.sinc(two(1 + 0 * v.e, v.e / v.e / 2, v.e / v.e / 2, v.e / v.e / 4)), a) - 1,
        ),
        argument="sinc(0) = 1 makes e I nearly the matrix of ones.",
    ),
    Claim(
        "lr.fourier", "representations by sin and cos are restricted to periodic functions", PAPER,
        "section 3.3, other basis functions", "prose", domain=Domain(s=Integer(1, 2)),
        reading="Sums with free frequencies, as the Fourier basis of table 13 has: cos(x) + cos(s^(1/2) x). The margin "
        "is 1/2 where s is a square and the sum is periodic, else -1/2.",
        margin=lambda v, a: a.of(Fraction(1, 2) - (math.isqrt(v.s) ** 2 != v.s)),
        argument="s = 2: it is 2 at 0, and at a period T both cosines are 1, so T = 2 pi p and 2^(1/2) T = 2 pi q, "
        "which makes 2^(1/2) = q / p. With learned frequencies periodicity has probability zero.",
    ),
    Claim(
        "lr.fourier.corrected", "sums of cosines whose frequencies have rational ratios are periodic", PAPER,
        "section 3.3, other basis functions", "prose", corrects="lr.fourier",
        domain=Domain(p=Integer(1, 20), q=Integer(1, 20), x=Real(-3.0, 3.0)),
        under="rational ratios of the frequencies",
        reading="cos(x) + cos(p x / q) repeats after 2 pi q.",
        margin=lambda v, a: a.of(TINY) - a.absolute(
            a.cos(v.x + 2 * a.pi * v.q) + a.cos((v.x + 2 * a.pi * v.q) * v.p / v.q) - a.cos(v.x)
            - a.cos(v.x * v.p / v.q)
        ),
        argument="2 pi q is a multiple of both periods; without a rational ratio there is none.",
    ),
    Claim(
        "lr.nonperiodic", "sums of sincs are not periodic: |phi(x)| <= sum_i |alpha_i| / (pi omega |x - x_i|)", PAPER,
        "section 3.3", "prose", domain=Domain(**PHI, x=Real(3.5, 1000.0, log=True)),
        reading="For phi other than 0: it tends to 0, which no periodic function but 0 does.",
        margin=lambda v, a: (
            (a.absolute(v.alpha) / (a.pi * v.omega * (v.x - v.grid))).sum() - a.absolute(phi(v.x, v, a))
        ),
        argument="|sin| <= 1 in sinc.",
        theorem="functions.phi_decay",
    ),
    Claim(
        "lr.bandwidth.words", "omega near 1/2 is extended bandwidth and omega near 3/2 narrow band", PAPER,
        "appendix I.4, figure 15", "prose",
        domain=Domain(lambda i: i["low"] < i["high"], low=Real(0.25, 3.0), high=Real(0.25, 3.0)),
        reading="Bandwidth: half the length of the interval on which the Fourier transform of sinc(omega x) is not "
        "zero, omega / 2; the smaller omega has the wider band.",
        margin=lambda v, a: v.low / 2 - v.high / 2,
        argument="The transform is 1 / omega on |xi| < omega / 2: a larger omega is a wider band, as appendix F.2.1 "
        "says.",
    ),
    Claim(
        "lr.bandwidth.words.corrected", "the band omega / 2 widens with omega", PAPER, "appendix I.4", "prose",
        corrects="lr.bandwidth.words",
        domain=Domain(lambda i: i["low"] < i["high"], low=Real(0.25, 3.0), high=Real(0.25, 3.0)),
        margin=lambda v, a: v.high / 2 - v.low / 2, argument="As above.",
    ),
    Claim(
        "lr.smallomega", "small omega makes the basis constant: 0 <= 1 - sinc(omega t) <= (pi omega t)^2 / 6", PAPER,
        "appendix F.2.1", "limit", domain=Domain(omega=Real(2.0**-10, 5.0), t=Real(-6.0, 6.0)),
        reading="On bounded intervals. Large omega brings high frequencies: the slope of sinc(omega x) reaches 1.37 "
        "omega.",
        margin=lambda v, a: a.least(
            1 - a.sinc(v.omega * v.t), a.square(a.pi * v.omega * v.t) / 6 - 1 + a.sinc(v.omega * v.t)
        ),
        argument="Taylor; 1/6 is sharp. At omega = 1/10 and |x| = 6 half is lost: not yet a constant there.",
    ),
    Claim(
        "lr.chebyshev", "Chebyshev points lie closer at the ends than in the middle", PAPER, "appendix F.1.3", "prose",
        domain=Domain(half=Integer(2, 64)), reading="cos(pi (2 i - 1) / (2 N)), N = 2 half; the grid is symmetric too.",
        margin=lambda v, a: end_spacing(v, a)[0] - end_spacing(v, a)[1],
        argument="Their density is 1 / (1 - x^2)^(1/2).",
    ),
]
# fmt: on
