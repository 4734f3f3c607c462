"""Proofs on a whole domain: each engine proves what is true, and nothing that is false by one part in a million."""

import json
import math
import runpy
import shutil
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from rankkit.claims import Claim, Domain, Integer, Matrix, Real, check, collect
from rankkit.claims.deadline import NEVER
from rankkit.claims.proofs import Attempt, Proof, prove, recheck, theorems
from rankkit.claims.proofs.facts import facts_on, known_of_pairs
from rankkit.claims.proofs.letters import Terms
from rankkit.claims.proofs.questions import Question
from rankkit.cli.main import main
from rankkit.data import rocq_proofs
from rankkit.verdict import agree

ROOT = Path(__file__).parents[2]
PLANTED = runpy.run_path(str(ROOT / "benchmarks" / "planted_falsehoods.py"))
UNIT = Real(-1.0, 1.0)
X = Domain(x=UNIT)


def claim(margin, domain=X, **fields):
    return Claim("mine", "a statement", domain=domain, margin=margin, **fields)


@pytest.mark.parametrize(
    ("kind", "domain", "margin"),
    [
        ("enumeration", Domain(k=Integer(-3, 3)), lambda v, a: a.of(v.k * (v.k - 1))),
        ("identity", X, lambda v, a: a.of(1) - a.absolute(a.sin(v.x) + a.sin(-v.x))),
        ("identity", Domain(U=Matrix(3, 1), V=Matrix(3, 1)), lambda v, a: 1 - a.rank(v.U @ v.V.T)),
        ("algebra", X, lambda v, a: a.square(v.x) + a.square(a.sin(v.x)) - 2 * v.x * a.sin(v.x)),
        ("algebra", Domain(X=Matrix(2, 2)), lambda v, a: a.square(v.X).sum() - a.square(a.spectral_norm(v.X))),
        ("algebra", Domain(lambda i: i["x"] * i["y"] >= 1, x=Real(0, 4), y=Real(0, 4)), lambda v, a: v.x + v.y - 2),
        ("cover", Domain(x=Real(0.5, 1)), lambda v, a: a.exp(v.x) - 1 - v.x - v.x * v.x * a.of(Fraction(11, 20))),
    ],
)
def test_what_is_true_is_proved(kind, domain, margin):
    made = claim(margin, domain)
    proof = prove(made).proof
    assert proof is not None
    assert proof.kind == kind
    assert recheck(proof, made)
    assert check(made, instances=50).verdict.word == "PROVED"


@pytest.mark.parametrize("part", range(5))  # coprime to the number of families, so that each part has some of every one
def test_no_planted_falsehood_is_proved(part):
    planted = list(PLANTED["planted"](100))[part::5]
    assert [one.id for one in planted if prove(one).proof] == []


def test_their_true_forms_mostly_are():
    true = PLANTED["planted"](10, Fraction(0))
    assert sum(prove(one).proof is not None for one in true) >= 8


@pytest.mark.parametrize(
    "margin",
    [
        lambda v, a: v.x / v.x,
        lambda v, a: 1 + a.square(1 / (v.x + a.absolute(v.x))),
        lambda v, a: 1 / (1 - a.square(a.cos(v.x))),
    ],
)
def test_a_quotient_that_may_divide_by_zero_is_not_proved(margin):
    assert prove(claim(margin)).proof is None


def test_a_conjecture_is_proved_unrefuted_or_false_and_the_engines_say_why():
    # 1 + (x y z)^2 - sin(x y z) cos(x) is positive; nothing that is known of sines says so in three variables
    three = Domain(x=Real(-9, 9), y=Real(-9, 9), z=Real(-9, 9))
    open_one = claim(lambda v, a: a.cos(v.x) * a.sin(v.y) + 2 - a.cos(v.z) + a.sin(v.x * v.y) / 2, three)
    found = check(open_one, instances=50)
    assert found.verdict.word in ("UNREFUTED", "FAILS")
    seeded = claim(lambda v, a: a.of(np.random.default_rng(v.k).uniform()), Domain(k=Integer(0, 10**6)))
    unproved = check(seeded, instances=50)
    assert unproved.verdict.word == "UNREFUTED"
    assert unproved.attempt is not None
    assert "not made of the arithmetic's functions" in unproved.attempt.reasons["algebra"]
    assert "not proved" in unproved.verdict.evidence


def test_an_equality_is_said_to_be_one_and_no_rounding_is_shown_as_a_margin():
    found = check(claim(lambda v, a: a.square(a.sin(v.x)) + a.square(a.cos(v.x)) - 1), instances=50).verdict
    assert "equality is attained" in found.evidence
    assert "e-1" not in found.evidence


def test_a_changed_proof_is_rejected():
    made = claim(lambda v, a: v.x + 1)
    proof = prove(made).proof
    assert proof is not None
    assert Proof.from_record(json.loads(json.dumps(proof.record))) == proof
    assert not recheck(replace(proof, digest="0"), made)
    assert not recheck(proof, claim(lambda v, a: v.x + 2))
    with pytest.raises(ValueError, match="of mine, not of"):
        recheck(proof, replace(made, id="other"))
    with pytest.raises(ValueError, match="of the kind"):
        recheck(replace(proof, kind="belief"), made)


def test_every_theorem_that_a_claim_names_was_accepted_and_rests_on_the_reals_alone():
    named = [one for one in collect([ROOT / "paper_checks"]) if one.theorem]
    assert len({one.theorem for one in named}) >= 25
    for one in named:
        proof = theorems.theorem(one, NEVER)
        assert isinstance(proof, Proof), (one.id, proof)
        assert set(proof.facts) <= set(theorems.OF_THE_REALS)


@pytest.mark.parametrize(("spoilt", "says"), [("file", "has changed"), ("axiom", "no axiom"), ("name", "no run")])
def test_a_theorem_does_not_count_after_a_change(tmp_path, monkeypatch, spoilt, says):
    folder = tmp_path / "rocq"
    shutil.copytree(rocq_proofs(), folder)
    monkeypatch.setattr(theorems, "rocq_proofs", lambda: folder)
    record = json.loads((folder / "checked.json").read_text())
    if spoilt == "file":  # sine.v is what matrices.v builds on
        (folder / "sine.v").write_text((folder / "sine.v").read_text() + "(* *)")
    if spoilt == "axiom":
        record["files"]["matrices"]["theorems"]["lemma2"]["axioms"].append("mine")
    if spoilt == "name":
        del record["files"]["matrices"]["theorems"]["lemma2"]
    (folder / "checked.json").write_text(json.dumps(record))
    found = theorems.theorem(claim(lambda v, a: v.x + 2, theorem="matrices.lemma2"), NEVER)
    assert isinstance(found, str)
    assert says in found


def test_nothing_is_admitted(tmp_path):
    (tmp_path / "bad.v").write_text("Theorem no : False.\nProof. Admitted.")
    if shutil.which("coqc"):
        with pytest.raises(ValueError, match="Admitted"):
            theorems.accepted(tmp_path)
    texts = [path.read_text() for path in rocq_proofs().glob("*.v")]
    assert not [word for text in texts for word in ("Admitted", "admit", "Axiom", "Parameter") if word in text]


def evaluated(words, values):
    """Return an SMT-LIB term or formula, as nested lists, in floats."""
    if isinstance(words, str):
        return values[words] if words in values else float(words)
    head, *rest = words
    parts = [evaluated(word, values) for word in rest]
    near = 1e-9 * (1 + max(abs(part) for part in parts))
    if head == "-" and len(parts) == 1:
        return -parts[0]
    return {
        "+": lambda: sum(parts), "*": lambda: math.prod(parts), "/": lambda: parts[0] / parts[1],
        "and": lambda: all(parts), "or": lambda: any(parts), "not": lambda: not parts[0],
        "<=": lambda: parts[0] <= parts[1] + near, ">=": lambda: parts[0] >= parts[1] - near,
        "<": lambda: parts[0] < parts[1] + near, ">": lambda: parts[0] > parts[1] - near,
        "=": lambda: abs(parts[0] - parts[1]) <= near,
    }[head]()  # fmt: skip


def nested(text):
    """Return a text in SMT-LIB as nested lists."""
    stack = [[]]
    for word in text.replace("(", " ( ").replace(")", " ) ").split():
        if word == "(":
            stack.append([])
        elif word == ")":
            done = stack.pop()
            stack[-1].append(done)
        else:
            stack[-1].append(word)
    return stack[0][0]


def values_of(a, numbers):
    """Return what each atom is in floats."""
    values = {}

    def of(term):
        return sum(float(c) * math.prod(values[f"x{n}"] ** e for n, e in m) for m, c in term.parts.items())

    for atom in a.atoms:
        if atom.kind == "variable":
            value = numbers[atom.name]
        elif atom.kind == "pi":
            value = math.pi
        elif atom.kind == "sigma":
            matrix = np.array([[of(x) for x in row] for row in atom.argument])
            value = np.linalg.svd(matrix, compute_uv=False)[int(atom.name.split("_")[1])]
        else:
            functions = {"sin": math.sin, "cos": math.cos, "exp": math.exp, "sinc": np.sinc, "absolute": abs,
                         "sqrt": math.sqrt, "inverse": lambda t: 1 / t}  # fmt: skip
            value = functions[atom.kind](of(atom.argument))
        values[f"x{atom.number}"] = float(value)
    return values


@pytest.mark.parametrize("seed", range(30))
def test_the_facts_that_are_taken_as_given_are_true(seed):
    a, rng = Terms([]), np.random.default_rng(seed)
    p, q = (a.atom("variable", name, None, name) for name in "pq")
    for one in (p, q):
        for function in (a.sin, a.cos, a.exp, a.sinc, a.absolute):
            function(one)
    a.sqrt(p * p + q * q)
    a.sqrt(a.absolute(p))
    a.inverse(1 + p * p)
    a.sin(p + q)
    X, Y = (np.array([[p, q], [s, p * q]], dtype=object) for s in (a.of(1), a.of(2)))
    for matrix in (X, Y, X - Y, a.absolute(X)):
        a.singular_values(matrix)
    numbers = dict(zip("pq", rng.uniform(-3, 3, 2) * rng.choice([0.1, 1], 2)))
    values = values_of(a, numbers)
    for level in range(4):
        question = Question(a)
        atoms = list(a.atoms)
        facts = [fact for atom in atoms for fact in facts_on(atom, level, a)] + list(known_of_pairs(atoms, level, a))
        for name, form, terms in facts:
            text = form.format(*map(question.text, terms))
            assert evaluated(nested(text), {**values, **values_of(a, numbers)}), (name, text)


def test_a_file_of_proofs_is_checked_again(tmp_path, capsys):
    file, found = tmp_path / "claims.py", tmp_path / "found.json"
    file.write_text(
        "from rankkit.claims import Claim, Domain, Real\n"
        "up = Domain(x=Real(0, 2))\n"
        "CLAIMS = [Claim('a', 'sin x <= x', domain=up, margin=lambda v, a: v.x - a.sin(v.x)),\n"
        "          Claim('b', 'sin x >= x / 2', domain=up, margin=lambda v, a: a.sin(v.x) - v.x / 2)]\n"
    )
    words = ["verify", str(file), "--instances", "50", "--no-progress"]
    assert main([*words, "--certificates", str(found)]) == 0
    records = json.loads(found.read_text())
    assert [record["claim"] for record in records] == ["b", "a"]
    assert main(["verify", str(file), "--recheck", str(found)]) == 0
    assert capsys.readouterr().out.count("confirmed") == 2
    records[1]["statement"] = "everything"
    found.write_text(json.dumps(records))
    assert main(["verify", str(file), "--recheck", str(found)]) == 3
    found.write_text("[]")
    assert main(["verify", str(file), "--recheck", str(found)]) != 0


def test_an_old_ledger_is_still_read():
    assert agree("HOLDS", "PROVED")
    assert agree("HOLDS", "UNREFUTED")
    assert not agree("HOLDS", "FAILS")
    assert Attempt(None, {"algebra": "timeout at 2 s"}).in_words == "algebra: timeout at 2 s"
