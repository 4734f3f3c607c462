"""Statements of the AdaSine-LoRA paper's appendix A.2.1: the rank as omega varies."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

import rankkit as rk
from rankkit.claims import Claim, Domain, Integer, Matrix, Measured, Real

PAPER = "adasine_lora"
HALF = Fraction(1, 2)
ENTRIES = Real(-2.0, 2.0, extra=(0.0, 0.1))
FREQUENCY = Real(0.125, 10.0, extra=(3.0, 9.0))


def not_zero(instance):
    """Return whether M has an entry that is not zero."""
    return bool(any(x != 0 for x in instance["M"].ravel()))


def count(M, omega, a, threshold=HALF):
    """Return Rank_eps(sin(omega M)), the number of singular values above eps."""
    return a.count_above(a.sin(omega * M), a.of(threshold))


def formula(omega, v, a):
    """Return r + (d - r)(1 - exp(-c omega)), the interpolation of appendix A.2.1."""
    return v.r + (v.d - v.r) * (1 - a.exp(-v.c * omega))


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
]
# fmt: on
