"""Statements of the LR-LoRA paper on its training: gradients, their start, what a step costs."""

from __future__ import annotations

from fractions import Fraction

from rankkit.claims import Claim, Domain, Integer, Matrix, Real

PAPER = "lr_lora"
N, R = 50, 32  # grid points and rank of the paper's settings
TINY = Fraction(1, 10**6)
ENTRIES = Real(-2.0, 2.0, extra=(0.0,))
AMPLITUDES = Matrix(1, 3, ENTRIES)
GRID = Matrix(1, 3, Real(-3.0, 3.0, extra=(-0.5,)))
PHI = {"alpha": AMPLITUDES, "grid": GRID, "omega": Real(0.125, 8.0)}
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


def moved(v, a):
    """Return L(B + h E) less L(B) and its first-order part, for L = <G, phi(B A) X> and phi = sin."""
    Z, step, weight = v.B @ v.A, v.h * (v.E @ v.A), v.G @ v.X.T
    second = (weight * (a.sin(Z + step) - a.sin(Z) - a.cos(Z) * step)).sum()
    return a.absolute(second), (a.absolute(weight) * a.square(step)).sum() / 2


def drop(v, a):
    """Return the factor of inverted dropout at rate 1/20: 0 or 20/19."""
    return a.of(Fraction(20 * v.kept, 19))


# fmt: off
CLAIMS = [
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
        theorem="functions.phi_moves_little",
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
        theorem="functions.phi_moves_little_with_bandwidths",
    ),
    Claim(
        "lr.alpha.first", "the amplitudes receive non-zero gradients in the first step", PAPER, "appendix E.1",
        "gradient", domain=Domain(z=Real(-3.0, 3.0)),
        under="the entries of G, weighted by the sensitivities, do not cancel",
        reading="Generally, for a typical entry z of B A: the squared sensitivities sinc(z - x_i)^2 of the default "
        "grid add up to more than 1. Not each of them: at B A = 0 the end points -3 and 3 have sinc(3) = 0.",
        margin=lambda v, a: sum(
            a.square(a.sinc(v.z + 3 - a.of(Fraction(6 * i, N - 1)))) for i in range(N)
        ) - 1,
        argument="Points 6/49 apart sample sinc^2 eight times a unit. G = dL / d phi(B A).",
    ),
    Claim(
        "lr.alpha.zero",
        "at B A = 0 the gradient of alpha_i is sinc(omega_i x_i) times the sum of the entries of G = dL / d phi(B A)",
        PAPER, "appendix E.1", "gradient",
        domain=Domain(G=Matrix(2, 2, ENTRIES), place=Real(-3.0, 3.0), omega=Real(0.125, 4.0)),
        reading="Ours: with B = 0 nothing moves where the entries of G cancel, as they do over the classes before a "
        "softmax cross-entropy, a head that the paper does not adapt.",
        margin=lambda v, a: a.of(TINY) - a.absolute(
            (v.G * a.sinc(v.omega * (0 * v.G - v.place))).sum() - v.G.sum() * a.sinc(v.omega * v.place)
        ),
        argument="The chain rule at a matrix of zeros.",
        theorem="matrices.gradient_at_zero",
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
        finding="Printed: as soon as the amplitudes are not zero, the factors A and B get gradients. So is: with "
        "B = 0 at the start and a symmetric grid they get none, at this and at every later step, in exact "
        "arithmetic; this is a theorem for any number of grid points. Two mirror points with equal amplitudes "
        "make the smallest example.",
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
        theorem="training.trap_for_ever",
    ),
    Claim(
        "lr.merge", "W X + phi(B A) X = (W + phi(B A)) X, formed once a step", PAPER, "appendix C", "complexity",
        domain=Domain(W=Matrix(2, 2, ENTRIES), F=Matrix(2, 2, ENTRIES), X=Matrix(2, 2, ENTRIES)),
        reading="In exact arithmetic, without dropout on the adapter's path (lr.dropout).",
        margin=lambda v, a: a.of(TINY) - a.absolute((v.W + v.F) @ v.X - v.W @ v.X - v.F @ v.X).sum(),
        argument="Distributivity. In 16 bits what is below half a spacing of W is lost.",
        theorem="ranks.merge_exact",
    ),
    Claim(
        "lr.dropout", "dropout on the inputs of the adapter's path preserves the merge", PAPER, "appendix C",
        "complexity",
        domain=Domain(F=ENTRIES, x=ENTRIES, one=Integer(0, 1), other=Integer(0, 1)),
        reading="One weight for all tokens of a step, 1 x 1, rate 1/20, a mask for each token: two tokens x with the "
        "masks d and d' get F d x and F d' x beside W x, so that no one weight serves both unless these agree.",
        margin=lambda v, a: a.of(TINY) - a.absolute(v.F * v.x * a.of(Fraction(20 * (v.one - v.other), 19))),
        argument="F = x = 1, one token kept and one dropped. A mask of features that all tokens share does merge, "
        "into W + phi(B A) D.",
    ),
    Claim(
        "lr.dropout.corrected", "one mask for both paths preserves the merge", PAPER, "appendix C", "complexity",
        corrects="lr.dropout", domain=Domain(W=ENTRIES, F=ENTRIES, x=ENTRIES, kept=Integer(0, 1)),
        under="the same mask on the backbone's input, or no dropout",
        margin=lambda v, a: a.of(TINY) - a.absolute(
            v.W * drop(v, a) * v.x + v.F * drop(v, a) * v.x - (v.W + v.F) * drop(v, a) * v.x
        ),
        argument="Distributivity.",
        theorem="ranks.merge_under_one_mask",
    ),
    Claim(
        "lr.inference", "no overhead at inference: the merged weight takes the backbone's m n multiplications", PAPER,
        "appendix C", "complexity", domain=Domain(m=Integer(1, 8192), n=Integer(1, 8192)),
        reading="A weight that is stored in full; one that is quantised must be quantised again.",
        margin=lambda v, a: a.of(v.m * v.n - (v.m * v.n + 0)),
        argument="W + phi(B A) has the shape of W. Section 5 lists merging at inference as open.",
    ),
    Claim(
        "lr.overhead", "the adapter's overhead a step is (r + N) / (b s) of the backbone's, 1 to 4 %", PAPER,
        "section 4.2, appendix C", "complexity", domain=Domain(bs=TOKENS),
        reading="A training step, as section 4.2 says, in multiplications per entry of W: 2 b s for a frozen weight's "
        "two products, and r + N more forward, b s for the dense gradient more backward (appendix C).",
        margin=lambda v, a: a.of(Fraction(R + N, v.bs) - Fraction(R + N + v.bs, 2 * v.bs)),
        argument="(r + N) / (b s) counts the forward pass only: 1.00, 2.00, 4.00 %, as printed. The dense gradient "
        "adds a half. Measured throughput, -0.5 to -1.1 %, is 2 to 4 times below either figure, so it does not match.",
    ),
    Claim(
        "lr.overhead.corrected", "a training step takes 3/2 of the products of a frozen weight, to 6 %", PAPER,
        "section 4.2, appendix C", "complexity", corrects="lr.overhead", domain=Domain(bs=TOKENS),
        reading="(3 b s + 3 r + 2 N) / (2 b s), times 2 b s; the forward overhead alone is (r + N) / (b s).",
        margin=lambda v, a: a.of(Fraction(6, 100) * 2 * v.bs - abs(3 * v.bs + 3 * R + 2 * N - 3 * v.bs)),
        argument="Appendix C's own terms, added.",
    ),
    Claim(
        "lr.cost.total", "a step's adapter cost m n r + m n N + m n is at most twice m n (r + N), for every b and s",
        PAPER, "appendix C", "complexity",
        domain=Domain(m=Integer(1, 16384), n=Integer(1, 16384), r=Integer(1, 128), N=Integer(1, 128)),
        reading="'Total O(mn(r+N)) per step, independent of batch size b and sequence length s', with the constant 2. "
        "Of the forward pass, as its terms say; the dense gradient adds b s m n (lr.overhead).",
        margin=lambda v, a: a.of(2 * v.m * v.n * (v.r + v.N) - v.m * v.n * (v.r + v.N + 1)),
        argument="r + N >= 1.",
    ),
    Claim(
        "lr.backward.lora", "LoRA's gradient of A takes r (m + n) b s products if B^T G comes first, at most what "
        "G X^T first takes",
        PAPER, "appendix C", "complexity",
        domain=Domain(
            lambda j: 2 * j["r"] <= min(j["m"], j["n"]), m=Integer(1, 8192), n=Integer(1, 8192), r=Integer(1, 64),
            t=TOKENS,
        ),
        reading="'Standard LoRA exploits matrix associativity in the backward pass to avoid forming a dense m x n "
        "weight gradient', t = b s, r at most half of either side. The parentheses are printed around G X^T, whose "
        "product is that dense gradient; the cost is that of the other order, which is read.",
        margin=lambda v, a: a.of(v.m * v.n * v.t + v.r * v.m * v.n - v.r * (v.m + v.n) * v.t),
        argument="B^T G takes r m t, times X^T r n t. m n >= r (m + n) where m, n >= 2 r.",
    ),
    Claim(
        "lr.backward.dense", "the gradient with respect to B A is (G X^T) o phi'(B A), and B's is that times A^T",
        PAPER, "appendix C", "gradient",
        domain=Domain(
            B=Matrix(2, 1, ENTRIES), A=Matrix(1, 2, ENTRIES), E=Matrix(2, 1, ENTRIES), G=Matrix(2, 2, ENTRIES),
            X=Matrix(2, 2, ENTRIES), h=Real(0.001, 0.5),
        ),
        reading="As a Taylor remainder, with sin for phi. That all m n entries of G X^T are needed is said of the "
        "work; that they lie in memory at one time is not needed (lr.backward.stream).",
        margin=lambda v, a: moved(v, a)[1] - moved(v, a)[0],
        argument="The chain rule; |sin''| <= 1.",
        theorem="matrices.dense_gradient",
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
        theorem="ranks.gradient_by_columns",
    ),
    Claim(
        "lr.backward.constant", "the backward pass takes at most 9/4 of a frozen weight's", PAPER, "appendix C",
        "complexity", domain=Domain(bs=TOKENS),
        reading="A small constant; per entry of W: b s for a frozen weight, 2 b s + 3 r + N here.",
        margin=lambda v, a: a.of(9 * v.bs - 4 * (2 * v.bs + 3 * R + N)),
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
