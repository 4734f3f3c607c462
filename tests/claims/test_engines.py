"""Proofs by squares, by covers with derivatives, and by induction: what is true is proved, what is nearly true is not."""

import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from rankkit.claims import Claim, Domain, Integer, Matrix, Real
from rankkit.claims.deadline import NEVER
from rankkit.claims.proofs import Proof, prove, recheck
from rankkit.claims.proofs.algebra import algebra
from rankkit.claims.proofs.cover import cover
from rankkit.claims.proofs.induction import induction
from rankkit.claims.proofs.rays import Rays
from rankkit.claims.proofs.squares import checked_squares, sums_of_squares
from rankkit.claims.proofs.terms import UndecidedError
from rankkit.cli.main import main

UNIT = Real(-1.0, 1.0)
UP = Real(0.0, 2.0)
PART = Fraction(1, 10**6)


def claim(margin, domain, **fields):
    return Claim("mine", "a statement", domain=domain, margin=margin, **fields)


def both(margin, domain, **fields):
    """Return a statement that is true, and the one that is false by a part in a million."""
    return [claim(lambda v, a, e=e: margin(v, a, a.of(e)), domain, **fields) for e in (Fraction(0), PART)]


SQUARES = {
    "a square that is zero at 3/7": (Domain(x=UNIT), lambda v, a, e: a.square(v.x - Fraction(3, 7)) - e),
    "zero on a line": (Domain(x=UNIT, y=UNIT), lambda v, a, e: v.x * v.x + v.y * v.y - (2 + e) * v.x * v.y),
    "no zero that is rational": (Domain(x=UP), lambda v, a, e: a.square(v.x * v.x - 2) - e),
    "Cauchy and Schwarz in six letters": (
        Domain(B=Matrix(1, 3, UNIT), A=Matrix(1, 3, UNIT)),
        lambda v, a, e: a.square(v.A).sum() * a.square(v.B).sum() - (1 + e) * a.square((v.A * v.B).sum()),
    ),
    "Motzkin's polynomial, times a square": (
        Domain(x=UNIT, y=UNIT),
        lambda v, a, e: (v.x**2 + v.y**2) * (v.x**4 * v.y**2 + v.x**2 * v.y**4 - (3 + e) * v.x**2 * v.y**2 + 1),
    ),
    "between its bounds": (Domain(x=Real(0.0, 1.0)), lambda v, a, e: v.x * (1 - v.x) - e),
}


@pytest.mark.parametrize("kind", SQUARES)
def test_a_polynomial_that_touches_zero_is_a_sum_of_squares(kind):
    domain, margin = SQUARES[kind]
    true, false = both(margin, domain)
    proof = sums_of_squares(true, NEVER)
    assert isinstance(proof, Proof), proof
    stored = Proof.from_record(json.loads(json.dumps(proof.record)))
    assert checked_squares(stored, true)
    assert not checked_squares(stored, false)
    assert isinstance(sums_of_squares(false, NEVER), str)
    assert prove(false).proof is None


@pytest.mark.parametrize("spoilt", ["weight", "factor", "domain", "nothing"])
def test_squares_that_were_changed_are_rejected(spoilt):
    made = claim(lambda v, a: v.x * v.x + v.x * v.y + v.y * v.y, Domain(x=UNIT, y=UNIT))
    proof = prove(made).proof
    assert proof is not None
    assert proof.kind == "squares"
    record = json.loads(json.dumps(proof.record))
    square = record["evidence"]["paths"][0][0]
    if spoilt == "weight":
        square[1] = str(-Fraction(square[1]))
    if spoilt == "factor":
        square[0] = [[[[0, 1]], "1"]]  # x itself, which may be negative
    if spoilt == "domain":
        record["domain"] = "everywhere"
    assert recheck(Proof.from_record(record), made) == (spoilt == "nothing")


COVERED = {
    "a cubic, by its Taylor form": (Domain(x=Real(0.0, 3.0)), lambda v, a, e: v.x * (1 - e) - a.sin(v.x)),
    "inside, by second derivatives": (
        Domain(x=UP, y=UP), lambda v, a, e: a.exp(v.x - 1) - v.x * (1 + e) + a.square(v.y - 1) * a.exp(v.x),
    ),
    "at a corner of six variables": (
        Domain(X=Matrix(2, 3, Real(0.0, 1.0))), lambda v, a, e: (1 - e) * v.X.sum() - a.sin(v.X).sum(),
    ),
    "at an end, where it rises": (Domain(x=UP, y=UNIT), lambda v, a, e: a.exp(v.x) - 1 - e + v.x * a.cos(v.y)),
}  # fmt: skip


@pytest.mark.parametrize("kind", COVERED)
def test_a_margin_that_touches_zero_is_covered(kind):
    domain, margin = COVERED[kind]
    true, false = both(margin, domain)
    proof = cover(true, NEVER)
    assert isinstance(proof, Proof), proof
    assert recheck(proof, true)
    assert isinstance(cover(false, NEVER), str)


def test_a_branch_is_taken_on_a_whole_box_or_not_at_all():
    # "x > 0" is not certain on a ball around zero, which a ball's comparison answers by False
    trap = claim(lambda v, a: -1 + 0 * v.x if v.x > 0 else 1 + 0 * v.x, Domain(x=UNIT))
    assert isinstance(cover(trap, NEVER), str)
    assert prove(trap).proof is None
    with Rays.at(64, 1) as a, pytest.raises(UndecidedError):
        bool(a.ray(a.balls.between(-1, 1)) > 0)


def test_nothing_is_concluded_from_an_end_outside_the_hypotheses():
    domain = Domain(lambda i: i["x"] >= Fraction(1, 2), x=Real(0.0, 1.0))
    assert isinstance(cover(claim(lambda v, a: a.exp(v.x) - Fraction(16, 10), domain), NEVER), Proof)
    assert isinstance(cover(claim(lambda v, a: a.exp(v.x) - Fraction(17, 10), domain), NEVER), str)


FUNCTIONS = [
    lambda x, y, a: a.sin(x) * a.exp(y) - a.sinc(x - y),
    lambda x, y, a: a.absolute(x - y) + a.least(x, y) * a.most(x * x, y),
    lambda x, y, a: a.sqrt(3 + x) / (2 + a.square(y)) + a.cos(x * y) ** 3,
    lambda x, y, a: a.spectral_norm(np.array([[4 + x, y / 4], [y / 4, 1 + 0 * x]], dtype=object)),
]


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("seed", range(4))
def test_values_and_slopes_on_a_box_are_enclosed(function, seed):
    rng, step = np.random.default_rng(seed), Fraction(1, 2**20)
    low = [Fraction(float(x)) for x in rng.uniform(-1, 0.5, 2)]
    high = [x + Fraction(1, 4) for x in low]
    with Rays.at(64, 2) as a:
        sides = [a.balls.of(p).union(a.balls.of(q)) for p, q in zip(low, high)]
        enclosed = a.of(function(a.ray(sides[0], 1), a.ray(sides[1]), a))
    with Rays.at(64, 1) as a:
        for share in (Fraction(0), Fraction(1, 3), Fraction(1)):
            x, y = (p + share * (q - p) for p, q in zip(low, high))
            here, there = (function(a.of(x + k * step), a.of(y), a)[0] for k in (0, -1 if share else 1))
            slope = (there - here) / a.balls.of(-step if share else step)
            assert enclosed[0].overlaps(here)
            assert enclosed[1].overlaps(slope + a.balls.between(-1e-9, 1e-9))  # a chord within the box is a slope too


def test_an_induction_reaches_beyond_the_domain_and_needs_its_step():
    domain = Domain(k=Integer(2, 3000), x=UP)
    true, false = both(lambda v, a, e: (v.k * v.k - (4 + e)) * (1 + v.x), domain, induction="k")
    proof = prove(true).proof
    assert proof is not None
    assert (proof.kind, proof.domain) == ("induction", "every integer k >= 2, x in [0, 2]")
    assert recheck(proof, true)
    assert not recheck(proof, false)
    assert prove(false).proof is None
    ends = claim(lambda v, a: a.of(10 - v.k), Domain(k=Integer(1, 5)), induction="k")  # true, but not for every k
    assert "step" in str(induction(ends, NEVER))
    late = claim(lambda v, a: a.of(v.k - 2), Domain(k=Integer(1, 5)), induction="k")  # rises, from a false base
    assert "at k = 1" in str(induction(late, NEVER))
    with pytest.raises(ValueError, match="induction must name an Integer"):
        claim(lambda v, a: v.x, Domain(x=UP), induction="x")


NORMS = {
    "a rank and the energy": (
        Domain(m=Integer(1, 3), X=Matrix("m", 3, UNIT)),
        lambda v, a, e: a.rank(v.X) * a.square(a.spectral_norm(v.X)) * (1 - e) - a.square(v.X).sum(),
    ),
    "a multiple": (
        Domain(X=Matrix(2, 2, UNIT), t=UP),
        lambda v, a, e: a.singular_values(v.t * v.X)[1] - v.t * (1 + e) * a.singular_values(v.X)[1],
    ),
    "Weyl with a multiple": (
        Domain(X=Matrix(2, 2, UNIT), t=UP),
        lambda v, a, e: (
            a.singular_values(a.sin(v.t * v.X))[0] - v.t * (1 + e) * a.singular_values(v.X)[0]
            + a.spectral_norm(a.sin(v.t * v.X) - v.t * v.X)
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", NORMS)
def test_singular_values_are_proved_by_what_is_known_of_them(kind):
    domain, margin = NORMS[kind]
    true, false = both(margin, domain)
    proof = algebra(true, NEVER)
    assert isinstance(proof, Proof), proof
    assert recheck(proof, true)
    assert isinstance(algebra(false, NEVER), str)


def test_what_is_linear_is_asked_as_linear():
    four = Domain(f=Matrix(1, 4, UNIT), q=Matrix(1, 2, UNIT))

    def margin(v, a):
        missed = [a.absolute(v.f[0, i] - v.q[0, 0] - i * v.q[0, 1]) for i in range(3)]
        return a.most(missed[0], a.most(missed[1], missed[2])) - (v.f[0, 0] - 2 * v.f[0, 1] + v.f[0, 2]) / 4

    proof = algebra(claim(margin, four), NEVER)
    assert isinstance(proof, Proof)
    assert all(question.startswith("(set-logic QF_LRA)") for question in proof.questions)


def test_questions_are_kept_as_files_and_a_changed_one_is_rejected(tmp_path, capsys):
    file, found = tmp_path / "claims.py", tmp_path / "found.json"
    file.write_text(
        "from rankkit.claims import Claim, Domain, Real\n"
        "CLAIMS = [Claim('a', 'sin x <= x', domain=Domain(x=Real(0, 2)), margin=lambda v, a: v.x - a.sin(v.x))]\n"
    )
    words = ["verify", str(file), "--instances", "50", "--no-progress"]
    assert main([*words, "--certificates", str(found)]) == 0
    questions = tmp_path / "found.smt2" / "a.smt2"
    text = questions.read_text()
    assert text.startswith("; a: sin x <= x\n")
    assert text.count("(check-sat)") == text.count("(set-logic ") >= 1
    assert json.loads(found.read_text())[0]["file"] == "found.smt2/a.smt2"
    assert main(["verify", str(file), "--recheck", str(found)]) == 0
    questions.write_text(text.replace("(check-sat)", "(assert false)\n(check-sat)"))
    assert main(["verify", str(file), "--recheck", str(found)]) == 3
    questions.unlink()
    with pytest.raises(SystemExit, match="2"):
        main(["verify", str(file), "--recheck", str(found)])
    assert "cannot be read" in capsys.readouterr().err


def test_a_proof_without_its_questions_is_asked_the_same():
    made = claim(lambda v, a: v.x - a.sin(v.x), Domain(x=UP))
    proof = algebra(made, NEVER)
    assert isinstance(proof, Proof)
    assert proof.questions
    assert recheck(replace(proof, questions=()), made)
    assert not recheck(replace(proof, evidence={"way": 0, "levels": []}), made)
    assert not recheck(replace(proof, evidence={}), made)
