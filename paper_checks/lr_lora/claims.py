"""Statements of the LR-LoRA paper, on phi(B A) with phi(x) = sum_i alpha_i sinc(omega_i (x - x_i))."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from rankkit.claims import Claim, Domain, Integer, Matrix, Measured, Real

PAPER = "lr_lora"
TINY = Fraction(1, 10**6)
N, R = 50, 32  # grid points and rank of the paper's settings
ENTRIES = Real(-2.0, 2.0, extra=(0.0,))
AMPLITUDES = Matrix(1, 3, ENTRIES)
GRID = Matrix(1, 3, Real(-3.0, 3.0, extra=(-0.5,)))
PHI = {"alpha": AMPLITUDES, "grid": GRID, "omega": Real(0.125, 8.0)}
FACTORS = {"B": Matrix(3, 1, ENTRIES), "A": Matrix(1, 3, ENTRIES)}
PAIR = {"x": Real(0.0625, 3.0), "omega": Real(0.125, 4.0)}
TOKENS = Integer(2048, 8192)  # b s of the paper's settings: 2048, 4096, 8192


def phi(z, v, a):
    """Return phi(z) for the three terms of an instance, all of bandwidth omega."""
    return sum(v.alpha[0, i] * a.sinc(v.omega * (z - v.grid[0, i])) for i in range(3))


def size_of_alpha(v, a):
    """Return sum |alpha_i|."""
    return a.absolute(v.alpha).sum()


def sinc_slope(t, a):
    """Return sinc'(t) for t other than 0."""
    return (a.cos(a.pi * t) - a.sinc(t)) / t


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


def moved(v, a):
    """Return L(B + h E) less L(B) and its first-order part, for L = <G, phi(B A) X> and phi = sin."""
    Z, step, weight = v.B @ v.A, v.h * (v.E @ v.A), v.G @ v.X.T
    second = (weight * (a.sin(Z + step) - a.sin(Z) - a.cos(Z) * step)).sum()
    return a.absolute(second), (a.absolute(weight) * a.square(step)).sum() / 2


def drop(v, a):
    """Return the factor of inverted dropout at rate 1/20: 0 or 20/19."""
    return a.of(Fraction(20 * v.kept, 19))


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
        "lr.anyphi", "any differentiable phi, applied entry by entry, removes the rank constraint", PAPER,
        "abstract, sections 1, 3.3 and 5", "prose", domain=Domain(lambda i: not_zero("A")(i), **FACTORS),
        reading="Removes: phi(B A) can have a rank above r. Any: also phi(x) = x^2, at r = 1; the margin is the rank of "
        "phi(B A) less 3/2.",
        margin=lambda v, a: a.rank(a.square(v.B @ v.A)) - a.of(Fraction(3, 2)),
        argument="(b_i a_j)^2 = b_i^2 a_j^2: whatever the factors, rank one stays rank one. Every polynomial keeps a "
        "cap.",
    ),
    Claim(
        "lr.anyphi.corrected", "a polynomial phi of degree p keeps rank(phi(B A)) <= C(r + p, p)", PAPER,
        "abstract, sections 1, 3.3 and 5", "prose", corrects="lr.anyphi",
        domain=Domain(
            B=Matrix(5, 1, Real(-2.0, 2.0)), A=Matrix(1, 5, Real(-2.0, 2.0)), coefficients=Matrix(1, 3, ENTRIES)
        ),
        reading="r = 1, p = 2: at most 3 of 5. The true statement: an analytic phi removes the constraint if and only "
        "if it is no polynomial.",
        margin=lambda v, a: a.of(Fraction(7, 2)) - a.rank(
            v.coefficients[0, 0] + v.coefficients[0, 1] * (v.B @ v.A) + v.coefficients[0, 2] * a.square(v.B @ v.A)
        ),
        argument="z^q is a combination of C(r + q - 1, q) products of monomials, so the sum has rank at most C(r + p, "
        "p), which generic factors reach. A power series that does not end gives generic factors every minor.",
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
        "lr.SR.evidence", "stable ranks of 9.4 +- 3.8 and 10.7 +- 4.2 at r = 32 show that the rank constraint is "
        "relaxed",
        PAPER, "sections 3.3 and 4.4, table 4", "prose", domain=Domain(t=Real(0.0, 1.0)),
        reading="That no matrix of rank 32 has a stable rank as large as the largest of these, 14.9. Instance: singular "
        "values 1 and 31 times t.",
        margin=lambda v, a: a.of(Fraction(149, 10)) - (1 + 31 * a.square(v.t)),
        argument="S <= rank: a stable rank shows a rank above 32 only where it exceeds 32. What the table shows is a "
        "flatter spectrum, which a plain B A may have as well; LoRA's own 4.8 says that it did not.",
    ),
    Claim(
        "lr.SR.evidence.corrected", "S(M) > r implies rank(M) > r, and every S from 1 to r is attained at rank r",
        PAPER, "sections 3.3 and 4.4", "prose", corrects="lr.SR.evidence",
        domain=Domain(lambda i: i["S"] <= i["r"], r=Integer(2, 64), S=Real(1.0, 64.0)),
        reading="The second half: singular values 1 and r - 1 times ((S - 1) / (r - 1))^(1/2), none above 1.",
        margin=lambda v, a: 1 - (v.S - 1) / (v.r - 1),
        argument="lr.SR.range for the first half.",
    ),
    Claim(
        "lr.SR.direction", "the stable rank of phi(B A) can be below or above that of B A", PAPER,
        "section 3.3, section 4.4", "prose", domain=Domain(e=Real(0.05, 0.5)),
        reading="That it can; in which layers it is takes trained weights. phi = sinc: e I, whose stable rank is 2, and "
        "[[1, 1/2], [1/2, 1/4]], whose is 1.",
        margin=lambda v, a: a.least(
            2 - stable_rank(two(a.sinc(v.e), 1 + 0 * v.e, 1 + 0 * v.e, a.sinc(v.e)), a),
            stable_rank(a.sinc(two(1 + 0 * v.e, v.e / v.e / 2, v.e / v.e / 2, v.e / v.e / 4)), a) - 1,
        ),
        argument="sinc(0) = 1 makes e I nearly the matrix of ones.",
    ),
    Claim(
        "lr.fourier", "representations by sin and cos are restricted to periodic functions", PAPER,
        "section 3.3, other basis functions", "prose", domain=Domain(T=Real(1.0, 10000.0)),
        reading="Sums with free frequencies, as the Fourier basis of table 13 has. f(x) = cos(x) + cos(2^(1/2) x); the "
        "margin says by how much f(T) falls short of f(0), so that T is no period.",
        margin=lambda v, a: a.cos(v.T) + a.cos(a.sqrt(2 + 0 * v.T) * v.T) - 2,
        argument="f(T) = 2 asks that T and 2^(1/2) T both be multiples of 2 pi, which makes 2^(1/2) rational: so f has "
        "no period at all. With learned frequencies periodicity has probability zero.",
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
        "lr.linear", "phi is linear in alpha, with d phi / d alpha_i = sinc(omega_i (x - x_i))", PAPER, "appendix E.1",
        "gradient", domain=Domain(**PHI, z=Real(-5.0, 5.0), h=Real(-1.0, 1.0)),
        margin=lambda v, a: a.of(TINY) - a.absolute(
            (v.alpha[0, 0] + v.h) * a.sinc(v.omega * (v.z - v.grid[0, 0]))
            + v.alpha[0, 1] * a.sinc(v.omega * (v.z - v.grid[0, 1]))
            + v.alpha[0, 2] * a.sinc(v.omega * (v.z - v.grid[0, 2]))
            - phi(v.z, v, a) - v.h * a.sinc(v.omega * (v.z - v.grid[0, 0]))
        ),
        argument="As it is written.",
    ),
    Claim(
        "lr.firststep.AB", "A and B get no gradient at the first step: |phi(z + h) - phi(z)| <= (pi / 2) omega |h| sum "
        "|alpha_i|",
        PAPER, "appendix E.1", "gradient", domain=Domain(**PHI, z=Real(-3.0, 3.0), h=Real(-1.0, 1.0)),
        reading="Follows at alpha = 0, where the right side is 0, for every B A, optimiser and grid.",
        margin=lambda v, a: (
            a.pi / 2 * v.omega * a.absolute(v.h) * size_of_alpha(v, a)
            - a.absolute(phi(v.z + v.h, v, a) - phi(v.z, v, a))
        ),
        argument="|sinc'| <= 1.371 < pi / 2, and the gradient with respect to B A is G times phi'.",
    ),
    Claim(
        "lr.firststep.omega", "the bandwidths get no gradient at the first step either", PAPER, "appendix E.1",
        "gradient", domain=Domain(**PHI, z=Real(-3.0, 3.0), h=Real(0.0, 1.0)),
        reading="Ours. |phi at omega + h, less at omega| <= (pi / 2) h sum |alpha_i| |z - x_i|: 0 at alpha = 0.",
        margin=lambda v, a: (
            a.pi / 2 * v.h * (a.absolute(v.alpha) * a.absolute(v.z - v.grid)).sum()
            - a.absolute(sum(
                v.alpha[0, i] * (a.sinc((v.omega + v.h) * (v.z - x)) - a.sinc(v.omega * (v.z - x)))
                for i, x in enumerate(v.grid[0])
            ))
        ),
        argument="So the amplitudes alone move at first.",
    ),
    Claim(
        "lr.alpha.first", "the amplitudes receive non-zero gradients in the first step", PAPER, "appendix E.1",
        "gradient", domain=Domain(place=Real(-3.0, 3.0, extra=(-3.0, 3.0)), omega=Real(1.0, 1.0)),
        reading="Each of them, at B A = 0, omega_0 = 1, for a grid point on [-3, 3]: |sinc(-omega x_i)| against one "
        "millionth. For generic B A it holds.",
        margin=lambda v, a: a.absolute(a.sinc(-v.omega * v.place)) - a.of(TINY),
        argument="The default grid ends at -3 and 3, where sinc is 0, so that its two end amplitudes get no gradient; "
        "the sensitivities are all multiplied by the sum of the entries of G, which may be 0.",
    ),
    Claim(
        "lr.alpha.first.corrected",
        "at B A = 0 the gradient of alpha_i is sinc(omega_i x_i) times the sum of the entries of G = dL / d phi(B A)",
        PAPER, "appendix E.1", "gradient", corrects="lr.alpha.first",
        domain=Domain(G=Matrix(2, 2, ENTRIES), place=Real(-3.0, 3.0), omega=Real(0.125, 4.0)),
        under="which is not zero where the entries of G do not cancel and omega_i x_i is no integer other than 0",
        margin=lambda v, a: a.of(TINY) - a.absolute(
            (v.G * a.sinc(v.omega * (0 * v.G - v.place))).sum() - v.G.sum() * a.sinc(v.omega * v.place)
        ),
        argument="The chain rule at a matrix of zeros; before a softmax cross-entropy the entries of G sum to 0 over "
        "the classes.",
    ),
    Claim(
        "lr.heterogeneous",
        "at B A = 0 different amplitudes receive different first updates, which breaks any symmetry of the grid",
        PAPER, "appendix E.1", "gradient", domain=Domain(**PAIR),
        reading="The uniform grid on [-I, I] with equal bandwidths, so with a point -x is x: the margin is the "
        "difference of their sensitivities, less one millionth.",
        margin=lambda v, a: a.absolute(a.sinc(-v.omega * v.x) - a.sinc(v.omega * v.x)) - a.of(TINY),
        argument="sinc is even: mirror amplitudes receive the same update. They do vary with |x_i|; under Adam only "
        "the signs of the first updates differ.",
    ),
    Claim(
        "lr.heterogeneous.corrected", "the sensitivities sinc(omega x_i) are even in x_i, so phi stays even", PAPER,
        "appendix E.1", "gradient", corrects="lr.heterogeneous",
        domain=Domain(**PAIR, alpha=ENTRIES, z=Real(0.0, 3.0)),
        margin=lambda v, a: a.of(TINY) - a.absolute(v.alpha) * a.absolute(
            a.sinc(v.omega * (v.z - v.x)) + a.sinc(v.omega * (v.z + v.x))
            - a.sinc(v.omega * (-v.z - v.x)) - a.sinc(v.omega * (-v.z + v.x))
        ),
        argument="At most half of the amplitudes move differently from each other.",
    ),
    Claim(
        "lr.trap", "once alpha is not 0, phi' is not 0 and gradients reach A and B", PAPER, "sections 3.3 and E.1",
        "gradient", domain=Domain(**PAIR, left=Real(-1.0, 1.0), right=Real(-1.0, 1.0)),
        reading="At B A = 0, the start with B = 0, for two mirror points: |phi'(0)| against a millionth of |alpha|.",
        margin=lambda v, a: (
            a.absolute(v.omega * (v.left - v.right) * sinc_slope(v.omega * v.x, a))
            - a.of(TINY) * (a.absolute(v.left) + a.absolute(v.right))
            - (0 if v.left != 0 or v.right != 0 else -1)
        ),
        argument="With equal amplitudes at mirror points phi is even and phi'(0) = 0. From B = 0, alpha = 0 and equal "
        "omega on a symmetric grid the amplitudes stay so (lr.trap.corrected), hence A and B never move: the update "
        "stays phi(0) times the matrix of ones. Rounding breaks the tie, Adam at once, plain gradient descent hardly.",
    ),
    Claim(
        "lr.trap.corrected",
        "at B A = 0 mirror points with equal alpha and omega get equal gradients in alpha and omega, and phi'(0) = 0",
        PAPER, "sections 3.3 and E.1", "gradient", corrects="lr.trap", domain=Domain(**PAIR, alpha=ENTRIES),
        reading="The step of an induction: so the symmetry is kept for ever, in exact arithmetic. A way out is B that "
        "is not 0, a grid or bandwidths without the symmetry, or random amplitudes.",
        margin=lambda v, a: a.of(TINY) - a.absolute(v.alpha) * sum(map(a.absolute, (
            a.sinc(v.omega * v.x) - a.sinc(-v.omega * v.x),
            -v.x * sinc_slope(-v.omega * v.x, a) - v.x * sinc_slope(v.omega * v.x, a),
            v.omega * (sinc_slope(-v.omega * v.x, a) + sinc_slope(v.omega * v.x, a)),
        ))),
        argument="sinc is even, sinc' odd.",
    ),
    Claim(
        "lr.chebyshev", "Chebyshev points lie closer at the ends than in the middle", PAPER, "appendix F.1.3", "prose",
        domain=Domain(half=Integer(2, 64)), reading="cos(pi (2 i - 1) / (2 N)), N = 2 half; the grid is symmetric too.",
        margin=lambda v, a: end_spacing(v, a)[0] - end_spacing(v, a)[1],
        argument="Their density is 1 / (1 - x^2)^(1/2).",
    ),
    Claim(
        "lr.merge", "W X + phi(B A) X = (W + phi(B A)) X, formed once a step", PAPER, "appendix C", "complexity",
        domain=Domain(W=Matrix(2, 2, ENTRIES), F=Matrix(2, 2, ENTRIES), X=Matrix(2, 2, ENTRIES)),
        reading="In exact arithmetic, without dropout on the adapter's path (lr.dropout).",
        margin=lambda v, a: a.of(TINY) - a.absolute((v.W + v.F) @ v.X - v.W @ v.X - v.F @ v.X).sum(),
        argument="Distributivity. In 16 bits what is below half a spacing of W is lost.",
    ),
    Claim(
        "lr.dropout", "dropout on the inputs of the adapter's path preserves the merge", PAPER, "appendix C",
        "complexity",
        domain=Domain(W=ENTRIES, F=ENTRIES, x=ENTRIES, kept=Integer(0, 1)),
        reading="1 x 1, rate 1/20: W x + F d x, d = 0 or 20/19, is what the merged weight makes of x or of d x.",
        margin=lambda v, a: a.of(TINY) - a.least(
            a.absolute(v.W * v.x + v.F * drop(v, a) * v.x - (v.W + v.F) * v.x),
            a.absolute(v.W * v.x + v.F * drop(v, a) * v.x - (v.W + v.F) * drop(v, a) * v.x),
        ),
        argument="W = F = x = 1, dropped: the path gives 1, the merged weight 2 or 0.",
    ),
    Claim(
        "lr.dropout.corrected", "one mask for both paths preserves the merge", PAPER, "appendix C", "complexity",
        corrects="lr.dropout", domain=Domain(W=ENTRIES, F=ENTRIES, x=ENTRIES, kept=Integer(0, 1)),
        under="the same mask on the backbone's input, or no dropout",
        margin=lambda v, a: a.of(TINY) - a.absolute(
            v.W * drop(v, a) * v.x + v.F * drop(v, a) * v.x - (v.W + v.F) * drop(v, a) * v.x
        ),
        argument="Distributivity.",
    ),
    Claim(
        "lr.inference", "no overhead at inference: the merged weight takes the backbone's m n multiplications", PAPER,
        "appendix C", "complexity", domain=Domain(m=Integer(1, 8192), n=Integer(1, 8192)),
        reading="A weight that is stored in full; one that is quantised must be quantised again.",
        margin=lambda v, a: a.of(v.m * v.n - np.prod([v.m, v.n]).item()),
        argument="W + phi(B A) has the shape of W. Section 5 lists merging at inference as open.",
    ),
    Claim(
        "lr.overhead", "the adapter's overhead a step is (r + N) / (b s) of the backbone's, 1 to 4 %", PAPER,
        "section 4.2, appendix C", "complexity", domain=Domain(bs=TOKENS),
        reading="A training step, as section 4.2 says, in multiplications per entry of W: 2 b s for a frozen weight's "
        "two products, and r + N more forward, b s for the dense gradient more backward (appendix C).",
        margin=lambda v, a: a.of(Fraction(R + N, v.bs) - Fraction(R + N + v.bs, 2 * v.bs)),
        argument="(r + N) / (b s) counts the forward pass only: 1.00, 2.00, 4.00 %, as printed. The dense gradient adds "
        "a half. Measured throughput, -0.5 to -1.1 %, is 2 to 4 times below either figure, so it does not match.",
    ),
    Claim(
        "lr.overhead.corrected", "a training step takes 3/2 of the products of a frozen weight, to 6 %", PAPER,
        "section 4.2, appendix C", "complexity", corrects="lr.overhead", domain=Domain(bs=TOKENS),
        reading="(3 b s + 3 r + 2 N) / (2 b s); the forward overhead alone is (r + N) / (b s).",
        margin=lambda v, a: a.of(
            Fraction(6, 100) - abs(Fraction(3 * v.bs + 3 * R + 2 * N, 2 * v.bs) - Fraction(3, 2))
        ),
        argument="Appendix C's own terms, added.",
    ),
    Claim(
        "lr.backward.dense", "the gradient with respect to B A is (G X^T) o phi'(B A), and B's is that times A^T",
        PAPER, "appendix C", "gradient",
        domain=Domain(
            B=Matrix(2, 1, ENTRIES), A=Matrix(1, 2, ENTRIES), E=Matrix(2, 1, ENTRIES), G=Matrix(2, 2, ENTRIES),
            X=Matrix(2, 2, ENTRIES), h=Real(0.001, 0.5),
        ),
        reading="As a Taylor remainder, with sin for phi. That all m n entries of G X^T are needed is said of the work; "
        "that they lie in memory at one time is not needed (lr.backward.stream).",
        margin=lambda v, a: moved(v, a)[1] - moved(v, a)[0],
        argument="The chain rule; |sin''| <= 1.",
    ),
    Claim(
        "lr.backward.stream", "column by column: the j-th column of A's gradient is B^T ((G x_j) o phi'(b . a_j))",
        PAPER, "appendix C", "complexity",
        domain=Domain(B=Matrix(2, 1, ENTRIES), G=Matrix(2, 2, ENTRIES), X=Matrix(2, 2, ENTRIES),
                      slope=Matrix(2, 2, ENTRIES)),
        reading="Ours: the dense gradient costs O(m n b s) of work, but O(m) of memory.",
        margin=lambda v, a: a.of(TINY) - sum(
            a.absolute(v.B.T @ ((v.G @ v.X[j]) * v.slope[:, j]) - v.B.T @ ((v.G @ v.X.T) * v.slope)[:, j]).sum()
            for j in (0, 1)
        ),
        argument="Column j of G X^T is G x_j.",
    ),
    Claim(
        "lr.backward.constant", "the backward pass takes at most 9/4 of a frozen weight's", PAPER, "appendix C",
        "complexity", domain=Domain(bs=TOKENS),
        reading="A small constant; per entry of W: b s for a frozen weight, 2 b s + 3 r + N here.",
        margin=lambda v, a: a.of(Fraction(9, 4) - Fraction(2 * v.bs + 3 * R + N, v.bs)),
        argument="Twice and a term that falls with b s.",
    ),
    Claim(
        "lr.params", "2 N |L| parameters more: 700 a layer of 7 modules at N = 50", PAPER, "equation (6), appendix E.2",
        "complexity", domain=Domain(layers=Integer(1, 128)),
        margin=lambda v, a: a.of(-abs(2 * N * 7 * v.layers - 700 * v.layers)),
        argument="Two numbers a grid point.",
    ),
    Claim(
        "lr.memory", "the transfer functions of Qwen2-0.5B take less than 20 kB", PAPER, "appendix C", "complexity",
        domain=Domain(bytes_each=Integer(2, 4)),
        reading="The 16.8k parameters of table 7, in 16 or 32 bits.",
        margin=lambda v, a: a.of(20000 - 16800 * v.bytes_each),
        argument="33.6 kB in 16 bits. The 1.77M parameters of LoRA beside it take 3.5 to 7.1 MB, not 240.",
    ),
    Claim(
        "lr.memory.corrected", "they take 33.6 kB in 16 bits and 67.2 kB in 32", PAPER, "appendix C", "complexity",
        corrects="lr.memory", domain=Domain(bytes_each=Integer(2, 4)),
        margin=lambda v, a: a.of(-abs(24 * 7 * 2 * N * v.bytes_each - 16800 * v.bytes_each)),
        argument="24 layers, 7 modules, 2 N numbers each.",
    ),
]
# fmt: on
