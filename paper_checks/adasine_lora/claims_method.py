"""Statements of the AdaSine-LoRA paper on its method, x -> sin(omega(x) B A x), and what it costs."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

import rankkit as rk
from rankkit.claims import Claim, Domain, Integer, Matrix, Measured, Real

PAPER = "adasine_lora"
HALF = Fraction(1, 2)
ENTRIES = Real(-2.0, 2.0, extra=(0.0, 0.1))
FREQUENCY = Real(0.125, 10.0, extra=(3.0, 9.0))


def row_similarity():
    """Return by how much the mean |cosine| of rows falls from r = 1 to r = 4, and its range over draws."""
    falls = []
    for seed in range(10):
        means = []
        for r in (1, 4):
            factors = rk.initializers.KaimingUniform()(m=256, n=256, r=r, seed=seed)
            means.append(float(rk.cosine_similarity(rk.rules.Sine(100.0)(factors)).mean_absolute))
        falls.append(means[0] - means[1])
    return Measured(float(np.mean(falls)), min(falls), max(falls), "mean and range of 10 draws")


def products(v, form):
    """Return the multiplications of a method on b l = t tokens, i inputs and o outputs, for a form of table 6."""
    t, i, o, r = v.t, v.i, v.o, v.r
    return {
        "lora": t * r * (i + o),
        "sine": o * r * i + t * i * o,
        "sine printed": i * o + t * i * o,
        "function": t * r * (i + o) + t * i + t * o,
        "function printed": t * i + o * r * i + t * r * o + t * o,
    }[form]


def adasine(x, v, a):
    """Return sin(omega_0 sigma(W x) B A x), two numbers."""
    return a.sin(v.omega_0 / (1 + a.exp(-(v.W @ x)[0, 0])) * (v.B @ (v.A @ x)))


def across(A, W):
    """Return the cross product of two rows, as a column: both send it to 0."""
    p, q = A[0], W[0]
    return np.array([[p[1] * q[2] - p[2] * q[1]], [p[2] * q[0] - p[0] * q[2]], [p[0] * q[1] - p[1] * q[0]]])


def rank_one(U, V):
    """Return U V^T."""
    return U @ V.T


# fmt: off
CLAIMS = [
    Claim(
        "ada.near-equivalent", "sin(omega M) x and sin(omega M x) agree in sign", PAPER, "after equation (6)",
        "prose",
        domain=Domain(M=Real(-2.0, 2.0), x=Real(-4.0, 4.0), omega=Real(0.0, 10.0)),
        reading="The least that near-equivalence asks, for numbers.",
        margin=lambda v, a: a.sin(v.omega * v.M) * v.x * a.sin(v.omega * v.M * v.x),
        argument="One is linear in x, the other bounded: M = (1), omega = 1, x = 4 gives 3.37 and -0.76.",
        theorem="counterexamples.forms_differ_in_sign",
    ),
    Claim(
        "ada.near-equivalent.corrected", "|sin(omega M) x - sin(omega M x)| <= omega^3 (|M x|^3 + |M|^3 |x|) / 6",
        PAPER, "after equation (6)", "prose", corrects="ada.near-equivalent",
        domain=Domain(M=Real(-2.0, 2.0), x=Real(-4.0, 4.0), omega=Real(0.0, 10.0)),
        margin=lambda v, a: (
            a.absolute(v.omega * v.M * v.omega * v.M * v.omega * v.M * v.x) * (a.square(v.x) + 1) / 6
            - a.absolute(a.sin(v.omega * v.M) * v.x - a.sin(v.omega * v.M * v.x))
        ),
        argument="|sin t - t| <= |t|^3 / 6, twice: near-equal where omega M and omega M x are small.",
    ),
    Claim(
        "ada.eq7.compact", "the sine acts on the compact projection: on r numbers", PAPER,
        "section 4.3, appendix A.3.3", "prose",
        domain=Domain(lambda i: i["r"] < i["d"], d=Integer(2, 4096), r=Integer(1, 64)),
        reading="The numbers the sine is applied to, d of them in B A x, are no more than r.",
        margin=lambda v, a: a.of(v.r - v.d),
        argument="B A x has d entries; the compact vector is A x, on which no sine acts. Fewer than the d k of B A it "
        "is.",
    ),
    Claim(
        "ada.eq5-7.memory", "matrix form b l d k numbers, function form b l d: k times fewer", PAPER,
        "equations (5) to (7)", "complexity",
        domain=Domain(b=Integer(1, 64), l=Integer(1, 4096), d=Integer(1, 8192), k=Integer(1, 8192)),
        reading="The largest intermediate result: one d x k matrix for every token against one vector.",
        margin=lambda v, a: a.of(-abs(v.b * v.l * v.d * v.k - v.k * (v.b * v.l * v.d))),
        argument="Counting. Against a fixed frequency, which needs one d x k matrix for all tokens, it is d k / (b l "
        "d); where k > d the input is the larger tensor.",
    ),
    Claim(
        "ada.eq7.rank", "the function form keeps the sine's gain: the Jacobian of x -> sin(omega M x) has a rank > r",
        PAPER, "abstract, after equation (7)", "prose",
        domain=Domain(
            lambda i: all(x != 0 for name in "UV" for x in i[name].ravel()), U=Matrix(2, 1, ENTRIES),
            V=Matrix(2, 1, ENTRIES), x=Matrix(2, 1, ENTRIES), omega=FREQUENCY,
        ),
        reading="r = 1: the rank of the Jacobian omega diag(cos(omega M x)) M against 3/2. Rank as that of the update "
        "that acts near x.",
        margin=lambda v, a: a.rank(
            a.cos(v.omega * (rank_one(v.U, v.V) @ v.x)) * rank_one(v.U, v.V)
        ) - a.of(3 * HALF),
        argument="x enters through A x alone, r numbers; the theory of section 3 is on sin(omega M) and not on this "
        "map, which sends all of A's kernel to 0.",
        finding="Printed: the fast form of the method, the sine of a product with the input, keeps the gain in "
        "rank. So is: its Jacobian has rank at most r, because the input enters through r numbers only; this is a "
        "theorem for every size. For r = 1 and two inputs the Jacobian at 0 has rank 1.",
    ),
    Claim(
        "ada.eq7.rank.corrected", "the Jacobian of x -> sin(omega(x) M x) has rank at most r", PAPER,
        "abstract, after equation (7)", "prose", corrects="ada.eq7.rank",
        domain=Domain(
            U=Matrix(3, 1, ENTRIES), V=Matrix(3, 1, ENTRIES), x=Matrix(3, 1, ENTRIES), slope=Matrix(1, 3, ENTRIES),
            omega=FREQUENCY,
        ),
        reading="r = 1; slope is the gradient of omega at x, any.",
        margin=lambda v, a: a.of(3 * HALF) - a.rank(
            a.cos(v.omega * (rank_one(v.U, v.V) @ v.x))
            * (v.omega * rank_one(v.U, v.V) + (rank_one(v.U, v.V) @ v.x) @ v.slope)
        ),
        argument="diag(cos) B (omega A + A x slope): every column is B's range, scaled row by row.",
        theorem="ranks.rank_function_form",
    ),
    Claim(
        "ada.eq7.features", "AdaSine's map depends on at most r + 1 linear features of x", PAPER, "equations (3), (7)",
        "remark",
        domain=Domain(
            B=Matrix(2, 1, ENTRIES), A=Matrix(1, 3, ENTRIES), W=Matrix(1, 3, ENTRIES), x=Matrix(3, 1, ENTRIES),
            step=Real(-4.0, 4.0), omega_0=FREQUENCY,
        ),
        reading="Ours. r = 1, three inputs: along the direction that A and W both send to 0, the map is constant.",
        margin=lambda v, a: a.of(Fraction(1, 10**6)) - a.absolute(
            adasine(v.x + v.step * across(v.A, v.W), v, a) - adasine(v.x, v, a)
        ).sum(),
        argument="x enters through the r numbers A x and the one number W x. A merged sin(omega B A) has up to "
        "min(m, n) of them.",
    ),
    Claim(
        "ada.eq8.bounded", "the update is bounded: |sin(omega M x)| / g <= 1 / g", PAPER, "after equation (8)", "prose",
        domain=Domain(t=Real(-100.0, 100.0), gain=Real(0.5, 64.0)),
        margin=lambda v, a: 1 / v.gain - a.absolute(a.sin(v.t)) / v.gain,
        argument="|sin| <= 1.",
    ),
    Claim(
        "ada.a34.merge", "the function form cannot be merged: x -> sin(omega M x) is no linear function of x", PAPER,
        "appendix A.3.4", "prose", domain=Domain(m=Real(0.1, 2.0), omega=FREQUENCY),
        reading="f(2 x) is not 2 f(x) for f(x) = sin(omega m x), at x = pi / (2 omega m).",
        margin=lambda v, a: (
            lambda t, x: a.absolute(a.sin(2 * t * x) - 2 * a.sin(t * x)) - 1
        )(v.omega * v.m, a.pi / (2 * v.omega * v.m)),
        argument="f is 0 at 2 x and 1 at x.",
        theorem="training.function_form_not_linear",
    ),
    Claim(
        "ada.eq8.cost", "in training the function form takes LoRA's products and t (i + o) more", PAPER,
        "after equation (8)", "complexity",
        domain=Domain(t=Integer(1, 4096), i=Integer(1, 8192), o=Integer(1, 8192), r=Integer(1, 64)),
        reading="At most 1 + 1/r times LoRA's; both sides times r.",
        margin=lambda v, a: a.of((v.r + 1) * products(v, "lora") - v.r * products(v, "function")),
        argument="t (i + o) of t r (i + o).",
    ),
    Claim(
        "ada.eq7.largest", "the largest intermediate result of the function form has b l d numbers, as LoRA's has",
        PAPER, "after equation (7), table 6", "complexity",
        domain=Domain(lambda j: j["r"] <= j["o"], t=Integer(1, 4096), o=Integer(1, 8192), r=Integer(1, 64)),
        reading="'The largest activation tensor here has shape (b, l, d), identical to standard LoRA.' Of A x with t r "
        "numbers and B A x with t o, t = b l, for both methods.",
        margin=lambda v, a: a.of(-abs(max(v.t * v.r, v.t * v.o) - v.t * v.o)),
        argument="r <= o. It is said of the largest one: training keeps B A x for the cosine of the backward pass, t o "
        "numbers that LoRA, which is linear, need not keep.",
    ),
    Claim(
        "ada.sine.once", "a fixed frequency needs one d x k matrix for all tokens: b l d + d k numbers, not b l d k",
        PAPER, "section 4.3, table 6", "complexity",
        domain=Domain(t=Integer(2, 4096), d=Integer(1, 8192), k=Integer(2, 8192)),
        reading="'SineLoRA which propagate large (d x k) tensors per token.' Per token is read as the work, which is "
        "d k products; as memory, table 6's own row has od id once.",
        margin=lambda v, a: a.of(v.t * v.d * v.k - v.t * v.d - v.d * v.k),
        argument="sin(omega B A) does not depend on the token. (t - 1) (k - 1) >= 1.",
    ),
    Claim(
        "ada.complexity.total", "overall cost O(b l i d + b l o d), i, o and d the input, output and hidden dimension",
        PAPER, "appendix A.3.3", "complexity",
        domain=Domain(
            lambda j: j["r"] <= j["d"], t=Integer(1, 4096), i=Integer(1, 8192), o=Integer(1, 8192), d=Integer(1, 8192),
            r=Integer(1, 64),
        ),
        reading="id and od as products, as the text explains them, and O() as an upper bound, with constant 2. It is "
        "not tight: LoRA itself needs r / d of it. Read as single symbols, as in table 6, the factor r is missing.",
        margin=lambda v, a: a.of(2 * (v.t * v.i * v.d + v.t * v.o * v.d) - products(v, "function")),
        argument="b l r (i + o) + b l (i + o), and r <= d.",
    ),
    Claim(
        "ada.complexity.elementwise", "omega(x) is an element-wise operation and takes no matrix product", PAPER,
        "appendix A.3.3", "complexity",
        domain=Domain(x=Matrix(2, 1, ENTRIES), W=Matrix(1, 2, ENTRIES), change=Real(0.5, 2.0)),
        reading="omega(x) = omega_0 sigma(W x): W x at one entry does not depend on the other entries of x.",
        margin=lambda v, a: a.of(Fraction(1, 10**6)) - a.absolute(
            (v.W @ v.x)[0, 0] + v.W[0, 1] * v.change - (v.W @ v.x)[0, 0]
        ),
        argument="W x takes k products and a sum over entries; table 6 lists them as b l id.",
    ),
    Claim(
        "ada.complexity.elementwise.corrected", "omega(x) takes k products a token, at most 1 / r of LoRA's", PAPER,
        "appendix A.3.3", "complexity", corrects="ada.complexity.elementwise",
        domain=Domain(t=Integer(1, 4096), i=Integer(1, 8192), o=Integer(1, 8192), r=Integer(1, 64)),
        reading="Both sides times r.",
        margin=lambda v, a: a.of(products(v, "lora") - v.r * v.t * v.i),
        argument="Marginal, as said.",
    ),
    Claim(
        "ada.table6", "table 6's costs of sin(w B A) x and sin(w(x) B A x), up to a constant", PAPER,
        "table 6", "complexity",
        domain=Domain(
            lambda j: j["r"] <= min(j["i"], j["o"]), t=Integer(1, 4096), i=Integer(1, 8192), o=Integer(1, 8192),
            r=Integer(1, 64), form=Integer(2, 4),
        ),
        reading="r at most either dimension, and O() in all letters, id and od the two dimensions; form 2 or 4 is the "
        "row; the constant is 10, and larger ones fail for larger r and dimensions. Rows 1 and 3 are right "
        "(form 3: no difference).",
        margin=lambda v, a: a.of({
            2: 10 * products(v, "sine printed") - products(v, "sine"), 3: 0,
            4: 10 * products(v, "function printed") - products(v, "function"),
        }[v.form]),
        argument="Row 2 forms B A for o r i, which is not listed; row 4 needs A x for b l i r, not listed, and not the "
        "o r i that is.",
    ),
    Claim(
        "ada.table6.corrected", "row 2: o r i + b l i o; row 4: b l r (i + o) + b l (i + o), below row 2's for large d",
        PAPER, "table 6", "complexity", corrects="ada.table6",
        domain=Domain(
            lambda j: j["i"] >= 4 * j["r"] and j["o"] >= 4 * j["r"], t=Integer(1, 4096), i=Integer(1, 8192),
            o=Integer(1, 8192), r=Integer(1, 64),
        ),
        under="dimensions of at least 4 r for the comparison",
        margin=lambda v, a: a.of(products(v, "sine") - products(v, "function")),
        argument="r (i + o) + i + o <= i o / 2 + (i + o) where i, o >= 4 r, and o r i is on top.",
    ),
    Claim(
        "ada.overhead.sublinear", "the overhead grows sublinearly compared with raising r: it does not grow at all",
        PAPER, "section 4.1", "complexity",
        domain=Domain(d=Integer(1, 16384), k=Integer(1, 16384), r=Integer(1, 256)),
        reading="k parameters more a layer, whatever r, against d + k for every step of r.",
        margin=lambda v, a: a.of(v.d + v.k - v.k),
        argument="W_omega has k entries: 0.72M for Llama-3-8B's MLP, where LoRA's r-th step costs 1.77M.",
    ),
    Claim(
        "ada.frob", "||sin(omega A)||_F grows linearly in omega while the operator norm grows sublinearly", PAPER,
        "appendix A.3.2", "prose", domain=Domain(A=Matrix(1, 1, Real(0.5, 2.0)), omega=FREQUENCY),
        reading="That the two norms grow differently, for every A: by a millionth at least.",
        margin=lambda v, a: a.absolute(
            a.absolute(a.sin(v.omega * v.A[0, 0])) - a.spectral_norm(a.sin(v.omega * v.A))
        ) - a.of(Fraction(1, 10**6)),
        argument="For one row or column they are equal. Both grow linearly at first and are bounded in the end.",
    ),
    Claim(
        "ada.frob.corrected",
        "||sin(omega A)||_F >= (2 / pi) omega max|A| up to omega = pi / (2 max|A|); the operator norm is at most it",
        PAPER, "appendix A.3.2", "prose", corrects="ada.frob",
        domain=Domain(
            lambda i: i["omega"] * max(abs(x) for x in i["A"].ravel()) <= Fraction(3, 2), A=Matrix(2, 2, ENTRIES),
            omega=FREQUENCY,
        ),
        under="omega max|A| <= 3/2",
        margin=lambda v, a: a.sqrt(a.square(a.sin(v.omega * v.A)).sum()) - 2 / a.pi * v.omega * a.sqrt(
            a.square(v.A).sum()
        ),
        argument="sin t >= 2 t / pi on [0, pi / 2], entry by entry.",
        theorem="matrices.frobenius_jordan",
    ),
    Claim(
        "ada.unique", "only the sine raises the rank: cos(U V^T) of a rank-one U V^T has rank one", PAPER,
        "appendix A.3.2, figure 10", "prose",
        domain=Domain(U=Matrix(2, 1, ENTRIES), V=Matrix(2, 1, ENTRIES)),
        reading="Uniquely: no other function applied entry by entry does.",
        margin=lambda v, a: 1 - a.rank(a.cos(v.U @ v.V.T)),
        argument="Every non-polynomial analytic function does, for generic factors; so do sigmoid and exp. Among the "
        "functions of figure 10 the sine is ahead at large omega.",
    ),
    Claim(
        "ada.fig9", "row similarity falls as r grows: mean |cosine| at r = 1 less that at r = 4", PAPER,
        "appendix A.3.1, figure 9", "prose",
        reading="Kaiming factors, 256 x 256, omega = 100.",
        measure=row_similarity,
    ),
]
# fmt: on
