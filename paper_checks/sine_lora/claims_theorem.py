"""Statements of the Sine-LoRA paper: theorem 1, the steps of its proof, remarks and prose."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

import rankkit as rk
from rankkit.claims import Claim, Domain, Integer, Matrix, Measured, Real

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


TINY = Fraction(1, 10**12)
SMALL = Real(-0.249, 0.249, extra=(0.2, 0.1, 0.0))
LAW = {"m": Integer(2, 3), "n": Integer(2, 3), "k": Integer(1, 2), "N": Integer(2, 4), "U": Matrix("m", "k", SMALL),
       "V": Matrix("n", "k", SMALL)}  # fmt: skip
ENTRIES = Real(-3.0, 3.0, extra=(0.0, 0.25, -1.0))
MATRIX = {"m": Integer(1, 3), "n": Integer(1, 3), "A": Matrix("m", "n", ENTRIES)}
SHORT = Domain(below_a_third, **MATRIX, omega=Real(1e-3, 40.0, log=True, extra=(1.04,)))


def LAW_HOLDS(instance):
    """Return whether U and V are within (-1/N, 1/N), N > k, k < min(m, n), and U V^T is not zero."""
    U, V, N, k = (instance[name] for name in "UVNk")
    inside = all(abs(x) * N < 1 for x in (*U.ravel(), *V.ravel()))
    return inside and k < min(N, instance["m"], instance["n"]) and bool(any(x != 0 for x in (U @ V.T).ravel()))


def two_minors(instance):
    """Return whether there are two minors of order k + 1 that share no column, or two that share no row."""
    m, n, k = (instance[name] for name in "mnk")
    return min(m, n) > k and max(m, n) >= 2 * k + 2


def drawn(v, a, normal):
    """Return U V^T of the draw with a seed: U (m, k) and V (n, k), entries normal, or uniform on (-1, 1)."""
    rng = np.random.default_rng(v.seed)
    U, V = (a.of(rng.normal(size=(s, v.k)) if normal else rng.uniform(-1, 1, (s, v.k))) for s in (v.m, v.n))
    return U @ V.T


def determinant(S):
    """Return the determinant of a square array, along its first row."""
    places = range(S.shape[1])
    if len(places) == 1:
        return S[0, 0]
    return sum((-1) ** j * S[0, j] * determinant(S[1:][:, [i for i in places if i != j]]) for j in places)


def rank_beyond_k(v, a, normal=False):
    """Return a number below zero where rank sin(w U V^T) <= k at a frequency w from omega to omega + step.

    A single minor of order k + 1 is zero between two frequencies at which its signs differ. Of several minors, the
    (k + 1)-th singular value at omega, over the first, says whether all of them vanish.
    """
    low, high = (a.sin(frequency * drawn(v, a, normal)) for frequency in (v.omega, v.omega + v.step))
    if min(v.m, v.n) <= v.k:
        return a.of(-1)
    if v.m == v.n == v.k + 1:
        return determinant(low) * determinant(high)
    sigma = a.singular_values(low)
    return sigma[v.k] / sigma[0] - a.of(TINY)


def sine_against_its_sign():
    """Return the mean ratio of effective ranks, and its range over the seeds."""
    ratios = []
    for seed in range(20):
        factors = rk.initializers.KaimingUniform()(m=128, n=128, r=1, seed=seed)
        wave = np.sin(300 * factors.product())
        ranks = [rk.metrics.effective_rank(rk.spectrum_of(x)) for x in (wave, np.sign(wave))]
        ratios.append(ranks[0] / ranks[1])
    return Measured(float(np.mean(ratios)), min(ratios), max(ratios), "mean and range of 20 draws")


def frequency_correlation():
    """Return the mean of Spearman's correlation over seeds, and its range."""
    sweep = rk.sweep_frequency(128, 2, omegas=np.geomspace(1, 1000, 25), seeds=10, n_jobs=1, progress=False).table
    found = [
        float(rows[["omega", "numerical_rank"]].corr(method="spearman").to_numpy()[0, 1])
        for _, rows in sweep.groupby("seed")
    ]
    return Measured(float(np.mean(found)), min(found), max(found), "mean and range of 10 draws")


def cube(X):
    """Return the entrywise cube."""
    return X * X * X


def tanh(X, a):
    """Return tanh, entry by entry."""
    return 1 - 2 / (a.exp(2 * X) + 1)


# fmt: off
CLAIMS = [
    Claim(
        "sine.eq2.rank", "rank(U V^T) <= k for U with k columns", PAPER, "section 3.1.2", "prose",
        domain=Domain(LAW_HOLDS, **LAW),
        margin=lambda v, a: v.k - a.rank(v.U @ v.V.T),
        argument="Every column of the product is one of k columns' combinations.",
        theorem="ranks.rank_product",
    ),
    Claim(
        "sine.eq2.complexity",
        "applying sin(omega U V^T) costs no more than applying U V^T through its factors, k (m + n)", PAPER,
        "section 3.1.2, section 1", "complexity",
        reading="The last of three parts: memory k (m + n) and linear cost hold for U V^T. Products and sines are "
        "counted.",
        domain=Domain(
            lambda i: i["k"] < min(i["m"], i["n"]), m=Integer(2, 4096), n=Integer(2, 4096), k=Integer(1, 256)
        ),
        margin=lambda v, a: a.of(v.k * (v.m + v.n) - (v.m * v.n * v.k + 2 * v.m * v.n)),
        argument="A sine entry by entry needs all m n entries: m n k products to form them, m n sines, m n products to "
        "apply them. Merged into the weight it costs nothing more at inference, as plain LoRA.",
    ),
    Claim(
        "sine.rank.noparam", "the rank of sin(omega A) can exceed that of A: [[1, 2], [2, 4]], 0 < omega <= 3/2",
        PAPER, "sections 1 and 3.2", "prose",
        domain=Domain(omega=Real(0.01, 1.5)),
        reading="That it can, for some A and omega: from 1/100 on the determinant is not zero.",
        margin=lambda v, a: a.absolute(a.sin(v.omega) * a.sin(4 * v.omega) - a.square(a.sin(2 * v.omega))) - a.of(TINY),
        argument="The determinant is 2 sin(omega) sin(2 omega) (cos(2 omega) - cos(omega)), not zero before pi / 2.",
    ),
    Claim(
        "sine.eq26", "for U, V uniform on (-1/N, 1/N) there is C > 0 with A_min = C / N^2", PAPER, "equation (26)",
        "proof step",
        domain=Domain(LAW_HOLDS, **LAW),
        margin=lambda v, a: v.N * v.N * smallest(v.U @ v.V.T),
        bite=lambda v, a: a.of(0),
        argument="C = N^2 A_min is such a number for every matrix that is not zero and every N. It is not a constant: "
        "it depends on the draw and falls with m n.",
    ),
    Claim(
        "sine.eq27", "|| sqrt|A| ||_F <= ||A||_F for A = U V^T of Theorem 1", PAPER, "equation (27)", "proof step",
        domain=Domain(LAW_HOLDS, **LAW),
        reading="The second of two inequalities; the first, operator norm <= Frobenius norm, holds.",
        margin=lambda v, a: squares(v.U @ v.V.T) - a.absolute(v.U @ v.V.T).sum(),
        argument="The squared left side is sum |A_ij|, the squared right side sum A_ij^2; all |A_ij| < k / N^2 < 1, so "
        "every term is on the wrong side.",
    ),
    Claim(
        "sine.eq27.corrected", "|| sqrt|A| ||_F^4 <= m n ||A||_F^2", PAPER, "equation (27)", "proof step",
        domain=Domain(LAW_HOLDS, **LAW),
        corrects="sine.eq27",
        margin=lambda v, a: v.m * v.n * squares(v.U @ v.V.T) - a.square(a.absolute(v.U @ v.V.T).sum()),
        argument="Cauchy and Schwarz; equal where all |A_ij| are.",
        theorem="matrices.eq27_corrected",
    ),
    Claim(
        "sine.eq28", "(A_min / || sqrt|A| ||)^2 >= C / (m n) with C = N^2 A_min", PAPER, "equation (28)",
        "proof step",
        domain=Domain(LAW_HOLDS, **LAW),
        reading="Both sides divided by omega.",
        margin=lambda v, a: (
            a.square(smallest(v.U @ v.V.T)) / a.square(a.spectral_norm(a.sqrt(a.absolute(v.U @ v.V.T))))
            - v.N * v.N * smallest(v.U @ v.V.T) / (v.m * v.n)
        ),
        argument="For A without zeros || sqrt|A| ||^2 >= m n A_min, so the left side is at most C / (m n N^2).",
    ),
    Claim(
        "sine.eq28.corrected", "(A_min / || sqrt|A| ||)^2 <= C / (m n N^2) with C = N^2 A_min, for A without zeros",
        PAPER, "equation (28)", "proof step", corrects="sine.eq28",
        domain=Domain(lambda i: LAW_HOLDS(i) and all(x != 0 for x in (i["U"] @ i["V"].T).ravel()), **LAW),
        margin=lambda v, a: (
            a.square(a.spectral_norm(a.sqrt(a.absolute(v.U @ v.V.T)))) - v.m * v.n * smallest(v.U @ v.V.T)
        ),
        argument="The vectors of equal entries give the operator norm at least (m n)^(1/2) times the mean of "
        "sqrt|A_ij|.",
        theorem="matrices.eq28_corrected",
    ),
    Claim(
        "sine.eq29", "rank sin(omega A) >= omega A_min / || sqrt|A| || where 0 < omega < pi / (3 A_min)", PAPER,
        "equation (29)", "proof step", domain=SHORT,
        margin=lambda v, a: (
            a.rank(a.sin(v.omega * v.A)) - v.omega * smallest(v.A) / a.spectral_norm(a.sqrt(a.absolute(v.A)))
        ),
        argument="Proposition 1's right side without its square; it grows without bound as the entries shrink.",
    ),
    Claim(
        "sine.eq29.range", "omega <= pi N^2 / 3 implies omega <= pi / (3 A_min): N^2 A_min <= 1", PAPER,
        "after equation (29)", "proof step",
        domain=Domain(LAW_HOLDS, **LAW),
        margin=lambda v, a: 1 - v.N * v.N * smallest(v.U @ v.V.T),
        argument="N^2 A_min is only known to be below k.",
    ),
    Claim(
        "sine.eq29.range.corrected", "N^2 A_min < k", PAPER, "after equation (29)", "proof step",
        domain=Domain(LAW_HOLDS, **LAW),
        corrects="sine.eq29.range",
        margin=lambda v, a: v.k - v.N * v.N * smallest(v.U @ v.V.T),
        argument="Every |A_ij| is a sum of k products below 1 / N^2; approached with all entries near the bound.",
        theorem="functions.entries_of_the_law",
    ),
    Claim(
        "sine.eq30", "there is omega_0 <= pi N^2 / 3 with omega_0 A_min / || sqrt|A| || >= k", PAPER, "equation (30)",
        "proof step",
        domain=Domain(LAW_HOLDS, **LAW),
        reading="The middle of the chain, at the largest omega_0 allowed.",
        margin=lambda v, a: (
            a.pi * v.N * v.N * smallest(v.U @ v.V.T) / (3 * a.spectral_norm(a.sqrt(a.absolute(v.U @ v.V.T)))) - v.k
        ),
        argument="A_min / || sqrt|A| || is at most sqrt(A_min / (m n)), so the left side is at most (pi / 3) N sqrt(C "
        "/ (m n)).",
    ),
    Claim(
        "sine.thm1", "there is omega_0 with rank sin(omega U V^T) > rank U V^T for all omega >= omega_0", PAPER,
        "Theorem 1, equation (6)", "theorem",
        domain=Domain(
            two_minors, m=Integer(2, 4), n=Integer(2, 4), k=Integer(1, 1), seed=Integer(0, 10**6),
            omega=Real(0.5, 300.0, log=True), step=Real(0.01, 5.0),
        ),
        error=1e-13,
        reading="Of random draws: every omega_0 > 0 will do. The margin is the (k + 1)-th singular value over the "
        "first, less 1e-12.",
        margin=rank_beyond_k,
        under="almost surely, which is not said, and m or n of at least 2 k + 2, as in the paper's settings",
        argument="The exceptions have probability 0 (sine.thm1.support). For m = n = k + 1 there is a single minor, "
        "which vanishes at arbitrarily large omega: there the statement is false. The proof printed does not give it; "
        "sine.thm1.corrected has one.",
        finding="Printed: from some frequency on the sine has more rank than the matrix. So is: for random "
        "matrices that are large enough this holds at every frequency above 0, so that exact rank does not grow "
        "with the frequency; only numerical rank does. The printed proof rests on steps that fail (equations 27 "
        "to 30); for 2 x 2 matrices of rank one the rank falls back at ever larger frequencies.",
    ),
    Claim(
        "sine.thm1.support", "where all rows of U V^T are equal but for sign, sin(omega U V^T) has rank one at every "
        "omega", PAPER, "Theorem 1, equation (6)", "remark",
        domain=Domain(a_1=ENTRIES, a_2=ENTRIES, a_3=ENTRIES, omega=Real(0.0, 100.0)),
        reading="Ours: the exceptions of probability 0, here the rows a, -a and a. The margin is 3/2 less the rank.",
        margin=lambda v, a: a.of(Fraction(3, 2)) - a.rank(np.array(
            [[sign * a.sin(v.omega * x) for x in (v.a_1, v.a_2, v.a_3)] for sign in (1, -1, 1)]
        )),
        argument="The sine is odd: equal rows stay equal.",
        theorem="ranks.rank_odd_of_kinds",
    ),
    Claim(
        "sine.thm1.corrected",
        "almost surely rank sin(omega U V^T) > k for every omega > 0, where m or n is at least 2 k + 2", PAPER,
        "Theorem 1, equation (6)", "theorem",
        domain=Domain(
            two_minors, m=Integer(2, 4), n=Integer(2, 4), k=Integer(1, 2), seed=Integer(0, 10**6),
            omega=Real(0.5, 300.0, log=True), step=Real(0.01, 5.0),
        ),
        error=1e-13,
        reading="Of random draws. An instance violates it where the (k + 1)-th singular value at omega is below 1e-12 "
        "of the first, which the statement allows on so few draws that none is expected. Where m = n = k + 1, it "
        "violates it if the one minor changes its sign between omega and omega + step.",
        margin=rank_beyond_k,
        under="entries with a density, and m > k, n >= 2 k + 2 (or transposed): neither omega_0 nor N > k is needed",
        argument="Take k + 1 rows and two minors on them that share no column. Given U, they are independent. Each is "
        "an analytic function of omega that is, for almost every draw, not zero everywhere, so that the first has "
        "countably many zeros; the second avoids each of them almost surely. For m = n = k + 1 there is one minor, "
        "which vanishes at arbitrarily large omega. So exact rank does not grow with omega: only numerical rank does.",
    ),
    Claim(
        "sine.thm1.normal", "Theorem 1 holds for normal entries of variance N too", PAPER, "after Theorem 1",
        "remark",
        domain=Domain(
            two_minors, m=Integer(2, 4), n=Integer(2, 4), k=Integer(1, 1), seed=Integer(0, 10**6),
            omega=Real(0.5, 100.0, log=True), step=Real(0.01, 5.0),
        ),
        error=1e-13,
        reading="As Theorem 1, of random normal draws.",
        margin=lambda v, a: rank_beyond_k(v, a, normal=True),
        under="almost surely, and m or n of at least 2 k + 2",
        argument="As for every law with a density.",
    ),
    Claim(
        "sine.thm1.Ngtk", "m and n much larger than k make N > k, with Kaiming's bound 1 / N = 1 / sqrt(fan in)",
        PAPER, "after Theorem 1", "remark",
        domain=Domain(lambda i: i["fan_in"] >= 10 * i["k"], k=Integer(1, 250), fan_in=Integer(10, 16384)),
        reading="Much larger: at least ten times.",
        margin=lambda v, a: a.of(v.fan_in - v.k * v.k),
        argument="N = sqrt(fan in) exceeds k only where fan in exceeds k^2. The paper's own ViT-Base has k = 250, "
        "whose square is 62,500. The corrected theorem does not need N > k.",
    ),
    Claim(
        "sine.remark2", "for very small omega sin(omega A) has no more rank than A", PAPER, "Remark 2", "remark",
        domain=Domain(
            m=Integer(2, 3),
            n=Integer(2, 3),
            U=Matrix("m", 1, ENTRIES),
            V=Matrix("n", 1, ENTRIES),
            omega=Real(0.01, 0.1),
        ),
        reading="Of exact rank; A = U V^T of rank one.",
        margin=lambda v, a: 1 - a.rank(a.sin(v.omega * (v.U @ v.V.T))),
        argument="Exact rank jumps at once: for A = [[1, 2], [2, 4]] the determinant is not zero for any omega below "
        "pi / 2. Numerical rank stays, which is the corrected statement.",
    ),
    Claim(
        "sine.remark2.corrected", "sigma_2(sin(omega A)) <= omega^3 || |A|^(o 3) || / 6 for A of rank one", PAPER,
        "Remark 2", "remark", corrects="sine.remark2",
        domain=Domain(
            m=Integer(2, 3),
            n=Integer(2, 3),
            U=Matrix("m", 1, ENTRIES),
            V=Matrix("n", 1, ENTRIES),
            omega=Real(0.01, 3.0),
        ),
        margin=lambda v, a: (
            a.spectral_norm(cube(a.absolute(v.omega * (v.U @ v.V.T)))) / 6
            - a.singular_values(a.sin(v.omega * (v.U @ v.V.T)))[1]
        ),
        argument="|sin t - t| <= |t|^3 / 6 entry by entry, and Weyl's inequality; so sin(omega A) has numerical rank "
        "one at any tolerance above this.",
        theorem="corrections.remark2_corrected",
    ),
    Claim(
        "sine.remark2.taylor", "|sin t - t| <= |t|^3 / 6", PAPER, "Remark 2", "remark",
        domain=Domain(t=Real(0.0, 30.0)),
        reading="What sin(omega x) being near omega x for small omega amounts to.",
        margin=lambda v, a: v.t * v.t * v.t / 6 - a.absolute(a.sin(v.t) - v.t),
        argument="Taylor's theorem.",
        theorem="sine.sin_remainder",
    ),
    Claim(
        "sine.remark1", "periodicity is what lets Lemmas 1 and 2 be proved", PAPER, "Remark 1", "remark",
        ill_posed="needing a property is no predicate; the corrected lemmas hold for tanh too, which is not periodic",
        argument="See sine.remark1.tanh. As printed, Lemma 1 fails for tanh as for the sine, at A = (1/2). The proofs "
        "use that sin t >= t / 2 up to pi / 3, and |sin t| <= min(1, |t|).",
    ),
    Claim(
        "sine.remark1.tanh",
        "||tanh(omega A)||_F^2 >= omega^2 A_min^2 / 4 up to pi / 3, and ||tanh(omega A)||^2 <= omega || sqrt|A| ||^2",
        PAPER, "Remark 1", "remark", domain=SHORT,
        margin=lambda v, a: a.least(
            squares(tanh(v.omega * v.A, a)) - a.square(v.omega * smallest(v.A)) / 4,
            v.omega * a.square(a.spectral_norm(a.sqrt(a.absolute(v.A))))
            - a.square(a.spectral_norm(tanh(v.omega * v.A, a))),
        ),
        argument="tanh t >= t / 2 up to pi / 3, where tanh(pi / 3) / (pi / 3) = 0.7455, and |tanh t| <= min(1, |t|). "
        "So what the corrected lemmas say of sine they say of tanh, with 1/4 in place of 27 / (4 pi^2).",
        theorem="corrections.tanh_lemmas",
    ),
    Claim(
        "sine.gain", "|| omega (G o cos(omega U V^T)) V ||_F <= omega ||G||_F ||V||", PAPER, "appendix A.2",
        "gradient",
        reading="That omega scales the gradient, and dividing by g = sqrt(n) mitigates it.",
        domain=Domain(U=Matrix(2, 1, ENTRIES), V=Matrix(2, 1, ENTRIES), G=Matrix(2, 2, ENTRIES), omega=Real(0.0, 50.0)),
        margin=lambda v, a: squares(v.G) * squares(v.V) - squares((v.G * a.cos(v.omega * (v.U @ v.V.T))) @ v.V),
        argument="|cos| <= 1; attained where omega U V^T is a multiple of pi, and at a zero factor, where the gradient "
        "is omega / g times plain LoRA's.",
        theorem="matrices.gain",
    ),
    Claim(
        "sine.eq3", "y = sin(omega U V^T) x / g + b is defined for every g > 0, with weights of at most 1 / g", PAPER,
        "equation (3)", "definition",
        reading="The printed a is the text's gain g; phi is the sine.",
        domain=Domain(U=Matrix(2, 1, ENTRIES), V=Matrix(2, 1, ENTRIES), omega=Real(0.0, 100.0), g=Real(0.01, 100.0)),
        margin=lambda v, a: (1 - a.absolute(a.sin(v.omega * (v.U @ v.V.T)))[0, 0]) / v.g,
        argument="|sin| <= 1.",
    ),
    Claim(
        "sine.prop1.reading",
        "raising omega below pi / (3 A_min) can raise the rank: at small omega it is not yet min(m, n)", PAPER,
        "after Proposition 1", "prose",
        domain=Domain(not_zero, **MATRIX),
        reading="Of exact rank, for a given A; at omega = 1/1000.",
        margin=lambda v, a: min(v.m, v.n) - a.rank(a.sin(v.A / 1000)) - a.of(Fraction(1, 2)),
        argument="Every minor of sin(omega A) is analytic in omega, so for small omega > 0 the rank is already the "
        "largest that any omega gives; from there it can only fall. Numerical rank does grow.",
    ),
    Claim(
        "sine.optimal",
        "no other nonlinearity raises the effective rank more than the sine: ratio of sine to sign of sine", PAPER,
        "section 3.2.1, figure 3", "prose",
        reading="Kaiming factors, 128 x 128, rank 1, omega = 300; a ratio below 1 is a nonlinearity that raises it "
        "more.",
        measure=sine_against_its_sign,
        argument="No theorem of the paper compares nonlinearities. Among those of figure 3 (ReLU, sigmoid) the sine is "
        "ahead.",
    ),
    Claim(
        "sine.corr",
        "frequency and rank are positively correlated: Spearman's correlation of omega and numerical rank", PAPER,
        "section 3.2.2, figure 3", "prose",
        reading="Numerical rank at max(m, n) eps(float32), Kaiming factors, 128 x 128, rank 2, 25 frequencies up to "
        "1000.",
        measure=frequency_correlation,
        argument="Exact rank does not depend on omega, but for a discrete set.",
    ),
]
# fmt: on
