"""The second solver of a recheck: one process, whose end or silence is said and never waited for."""

import sys

import pytest

from rankkit.claims import Claim, Domain, Real
from rankkit.claims.proofs import prove, recheck
from rankkit.claims.proofs.second import FRUITLESS, SecondSolver
from rankkit.cli.main import main

pytest.importorskip("cvc5")
TRUE = "(set-logic QF_NRA)(declare-const x Real)(assert (< (* x x) 0.0))(check-sat)"
FALSE = TRUE.replace("<", ">")
SINE = Claim("a", "sin x <= x", domain=Domain(x=Real(0, 2)), margin=lambda v, a: v.x - a.sin(v.x))
# a solver that reads a question as the real one does, and does with it what `{}` says
READS = "import sys, os, time, resource\nfor n in sys.stdin.buffer:\n q = sys.stdin.buffer.read(int(n))\n {}"


def rechecked(second):
    proof = prove(SINE).proof
    assert proof is not None
    return recheck(proof, SINE, second=second)


def solver(does, patience=20.0):
    return SecondSolver([sys.executable, "-c", READS.format(does)], patience=patience)


def test_one_process_answers_all_questions():
    with SecondSolver() as second:
        assert second.agrees([TRUE] * 3)
        assert not second.agrees([TRUE, FALSE])
        assert second.in_words == "the second solver, cvc5, on 5 questions: 4 unsat, 1 SAT."
    with solver("print('unsat' if not os.environ.get('X') else 'sat', flush=True); os.environ['X'] = '1'") as second:
        assert [second.ask(TRUE) for _ in range(2)] == ["unsat", "sat"]  # the second question met the same process


@pytest.mark.parametrize(
    ("does", "answer", "says"),
    [
        ("time.sleep(60)", "slow", "1 open (no answer in the time of one question)"),
        ("resource.setrlimit(resource.RLIMIT_CPU, (1, 9))\n while True: pass", "slow", "no answer in the time"),
        ("os._exit(1)", "died", "1 open (the solver ended without an answer)"),
        ("os.abort()", "died", "the solver ended without an answer"),
        ("print('(error)', flush=True)", "died", "the solver ended without an answer"),
        ("print('unknown', flush=True)", "unknown", "the solver could not tell"),
    ],
)
def test_a_solver_that_hangs_or_dies_is_a_sentence(does, answer, says):
    with solver(does, patience=1.0 if "sleep" in does else 20.0) as second:
        assert second.ask(TRUE) == answer
        assert says in second.in_words
        assert rechecked(second)  # z3 has answered; no answer is no objection


def test_it_goes_on_after_a_question_that_ended_it():
    with solver("print('unsat', flush=True) if b'go' in q else os._exit(1)") as second:
        assert [second.ask(text) for text in ("go", "stop", "go")] == ["unsat", "died", "unsat"]


def test_a_question_is_not_waited_for_where_nothing_reads_it():
    with SecondSolver([sys.executable, "-c", "import time; time.sleep(60)"], patience=1.0) as second:
        assert second.ask(TRUE + "; long" * 100_000) == "slow"


def test_fruitless_questions_come_to_an_end():
    with SecondSolver(["false"]) as second:
        answers = [second.ask(TRUE) for _ in range(FRUITLESS + 2)]
        assert answers[-3:] == ["died", "spared", "spared"]
        assert f"2 open (not asked, after {FRUITLESS} without an answer)" in second.in_words


def test_a_solution_that_it_finds_rejects_the_proof():
    with solver("print('sat', flush=True)") as second:
        assert not rechecked(second)
        assert "1 SAT" in second.in_words


def test_the_command_says_what_became_of_the_questions(tmp_path, capsys, monkeypatch):
    file, found = tmp_path / "claims.py", tmp_path / "found.json"
    file.write_text(
        "from rankkit.claims import Claim, Domain, Real\n"
        "CLAIMS = [Claim('a', 'sin x <= x', domain=Domain(x=Real(0, 2)), margin=lambda v, a: v.x - a.sin(v.x))]\n"
    )
    assert main(["verify", str(file), "--instances", "50", "--no-progress", "--certificates", str(found)]) == 0
    capsys.readouterr()
    assert main(["verify", str(file), "--recheck", str(found)]) == 0
    assert "the second solver, cvc5, on 1 question: 1 unsat." in capsys.readouterr().err
    monkeypatch.setattr("rankkit.claims.proofs.second.CVC5", "raise SystemExit")
    assert main(["verify", str(file), "--recheck", str(found)]) == 0
    assert "1 open (the solver ended without an answer)" in capsys.readouterr().err
    questions = tmp_path / "found.smt2" / "a.smt2"
    questions.write_text(questions.read_text().replace("(check-sat)", "(assert false)\n(check-sat)"))
    assert main(["verify", str(file), "--recheck", str(found)]) == 3
