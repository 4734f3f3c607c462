"""Statements of the AdaSine-LoRA paper's sections 2 and 3, on sin(omega M) and the frequency that an input chooses."""

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


def count(M, omega, a, threshold=HALF):
    """Return Rank_eps(sin(omega M)), the number of singular values above eps."""
    return a.count_above(a.sin(omega * M), a.of(threshold))


def sigmoid(t, a):
    """Return 1 / (1 + exp(-t))."""
    return 1 / (1 + a.exp(-t))


def slope(v, a):
    """Return the derivative of sin(w z) by z, for w = omega_0 sigma(t)."""
    frequency = v.omega_0 * sigmoid(v.t, a)
    return frequency * a.cos(frequency * v.z)


def growth_exponent():
    """Return the slope of log rank over log omega while the rank is below half of d, and its range over draws."""
    sweep = rk.sweep_frequency(128, 2, omegas=np.geomspace(1, 1000, 40), seeds=10, n_jobs=1, progress=False).table
    slopes = []
    for _, rows in sweep.groupby("seed"):
        low = rows[rows["numerical_rank"] < 64]
        slopes.append(float(np.polyfit(np.log(low["omega"]), np.log(low["numerical_rank"]), 1)[0]))
    return Measured(float(np.mean(slopes)), min(slopes), max(slopes), "mean and range of 10 draws")


# fmt: off
CLAIMS = [
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
    Claim(
        "ada.eq3.explosion", "without the sigmoid the derivative of sin(t z) by z reaches |t|, which nothing bounds",
        PAPER, "after equation (3)", "gradient", domain=Domain(t=Real(-400.0, 400.0), z=Real(-10.0, 10.0)),
        reading="'Large frequency values amplify the oscillation of the sine function and can lead to gradient "
        "explosion.' t = W x, z an entry of B A x. Can: it is attained at z = 0. By t itself the derivative is at most "
        "|z|, whatever t.",
        margin=lambda v, a: a.least(
            a.absolute(v.t * a.cos(v.t * (v.z - v.z))) - a.absolute(v.t),
            a.absolute(v.z) - a.absolute(v.z * a.cos(v.t * v.z)),
        ),
        argument="d sin(t z) / dz = t cos(t z), and d sin(t z) / dt = z cos(t z).",
    ),
    Claim(
        "ada.eq4.gradient", "equation (4) keeps |d sin(w z) / dz| below omega_0, and |d sin(w z) / dt| below "
        "omega_0 |z| / 4, w = omega_0 sigma(t)",
        PAPER, "after equation (4)", "gradient",
        domain=Domain(t=Real(-20.0, 20.0), z=Real(-10.0, 10.0), omega_0=Real(0.5, 400.0)),
        reading="'Thereby guaranteeing smooth gradients and stable optimization behavior across training iterations.' "
        "Smooth: gradients exist and are bounded, for a given z. That training is stable is not decided by it: the "
        "bound grows with omega_0 and with z.",
        margin=lambda v, a: a.least(
            v.omega_0 - a.absolute(slope(v, a)),
            v.omega_0 * a.absolute(v.z) / 4 - a.absolute(v.z * (1 - sigmoid(v.t, a)) * slope(v, a)),
        ),
        argument="sigma < 1 and sigma (1 - sigma) <= 1/4, times |cos| <= 1.",
    ),
    Claim(
        "ada.settings.frequency", "with omega_0 = 400 and 1 / sqrt(d) inside the sine, no frequency in front of B A x "
        "exceeds 6.25 where the input is at least 4096 wide",
        PAPER, "appendix A.3.4, with equation (4)", "remark", domain=Domain(d=Integer(4096, 16384)), induction="d",
        reading="Ours, from: 'the maximum frequency is set to omega_0 = 400, and we introduce a fixed scaling factor "
        "of 1 / sqrt(d) inside the sine function.' d is the input's width: 4096 for gate and up, 14336 for down in "
        "LLaMA 3-8B. The least upper bound over the inputs, which sigma(W x) < 1 never reaches. The margin is "
        "6.25 sqrt(d) - 400.",
        margin=lambda v, a: a.of(Fraction(25, 4)) * a.sqrt(a.of(v.d)) - 400,
        argument="400 / 64 = 6.25, and 400 / 119.7 = 3.34 for down. Figure 5 compares with SineLoRA at 200, inside "
        "whose sine the text mentions no such factor.",
    ),
]
# fmt: on
