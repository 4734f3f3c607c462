"""Questions to an SMT solver: whether some real values of the letters violate a claim along one path, in SMT-LIB."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from rankkit.claims.proofs.facts import facts_on, known_of_pairs
from rankkit.claims.proofs.letters import Terms
from rankkit.claims.proofs.terms import Condition, Term, UndecidedError
from rankkit.extras import how_to_install

__all__ = ["BRIEF", "Question", "asked", "unsat"]

ATOMS = 60  # of one question
BRIEF = -1  # the level at which minors of matrices are left out, and what they say of singular values is not
STEPS = 4_000_000  # of z3 for one question: about a second
SECONDS = 10.0  # and at most so long, whatever a step takes


class Question:
    """The assertions of one question, collected with the atoms that they use.

    Parameters
    ----------
    a : Terms
        The arithmetic of the path.
    divisor : Term, optional
        Where it is asked whether this divisor can be zero: then only quotients that it has itself may be used. They
        were made before it, so that their divisors were asked about before.
    """

    def __init__(self, a: Terms, *, divisor: Term | None = None) -> None:
        self.a, self.within = a, None if divisor is None else _inside(a, divisor)
        self.assertions: list[str] = []
        self.facts: set[str] = set()
        self.used: dict[int, None] = {}
        self.inverted: dict[int, None] = {}
        self.linear = True

    def state(self, condition: Condition) -> None:
        """Assert a condition."""
        texts = [self.text(term) for term in condition.terms]
        if condition.relation in ("some", "none"):
            zero = " ".join(f"(= {text} 0.0)" for text in texts)
            self.assertions.append(f"(not (and {zero}))" if condition.relation == "some" else f"(and {zero})")
        elif condition.relation == "!=":
            self.assertions.append(f"(not (= {texts[0]} 0.0))")
        else:
            self.assertions.append(f"({condition.relation} {texts[0]} 0.0)")

    def fact(self, name: str, form: str, terms: Iterable[Term]) -> None:
        """Assert a fact, and remember its name."""
        self.assertions.append(form.format(*map(self.text, terms)))
        if name:
            self.facts.add(name)

    def text(self, term: Term) -> str:
        """Return a polynomial in SMT-LIB."""
        parts = [self._monomial(monomial, c) for monomial, c in term.key]
        return parts[0] if len(parts) == 1 else f"(+ {' '.join(parts)})" if parts else "0.0"

    def _monomial(self, monomial: tuple[tuple[int, int], ...], c: Fraction) -> str:
        words = [_rational(c)] if c != 1 or not monomial else []
        self.linear = self.linear and (not monomial or (len(monomial) == 1 and monomial[0][1] == 1))
        for number, exponent in monomial:
            self.used[number] = None
            if exponent < 0:
                self.inverted[number] = None
            words += [f"{'x' if exponent > 0 else 'i'}{number}"] * abs(exponent)
        return words[0] if len(words) == 1 else f"(* {' '.join(words)})"

    def closed(self, level: int, bounds: dict[int, list[Condition]]) -> str:
        """Return the whole question, with the facts on all atoms it uses and the bounds of its variables."""
        done: set[int] = set()
        paired = False
        if len(self.used) > ATOMS:
            raise UndecidedError(f"its margin has more than {ATOMS} letters and functions")
        while set(self.used) - done or not paired:
            if not set(self.used) - done:
                paired = True
                for name, form, terms in known_of_pairs([self.a.atoms[n] for n in list(self.used)], level, self.a):
                    self.fact(name, form, terms)
                continue
            for number in [n for n in self.used if n not in done]:
                done.add(number)
                for condition in bounds.get(number, ()):
                    self.state(condition)
                atom = self.a.atoms[number]
                if atom.kind == "inverse" and not self._may_divide(number):
                    continue
                for name, form, terms in facts_on(atom, level, self.a):
                    self.fact(name, form, terms)
        self.assertions += [f"(= (* x{n} i{n}) 1.0)" for n in self.inverted if self._may_divide(n)]
        names = [f"x{n}" for n in sorted(self.used)] + [f"i{n}" for n in sorted(self.inverted)]
        lines = [*(f"(declare-const {name} Real)" for name in names), *(f"(assert {x})" for x in self.assertions)]
        return "\n".join([f"(set-logic {'QF_LRA' if self.linear else 'QF_NRA'})", *lines, "(check-sat)", ""])

    def _may_divide(self, number: int) -> bool:
        return self.within is None or number in self.within or self.a.atoms[number].kind == "exp"


def _inside(a: Terms, term: Term) -> set[int]:
    """Return the atoms of a polynomial, and of the arguments of its functions."""
    found: set[int] = set()
    for number in {number for monomial in term.parts for number, _ in monomial}:
        argument = a.atoms[number].argument
        found |= {number} | (_inside(a, argument) if isinstance(argument, Term) else set())
    return found


def asked(
    a: Terms,
    conditions: Iterable[Condition],
    level: int,
    bounds: dict[int, list[Condition]],
    *,
    divisor: Term | None = None,
) -> tuple[str, set[str]]:
    """Return the question whether all conditions can hold together, and the names of the facts that it uses.

    Parameters
    ----------
    a : Terms
        The arithmetic of the path.
    conditions : iterable of Condition
        Those of the path, and the violation.
    level : int
        How much is said of functions; BRIEF: little, and without the conditions on minors.
    bounds : dict
        Atom's number -> the conditions that its space gives.
    divisor : Term, optional
        The one that is asked to be zero, if it is one.
    """
    question = Question(a, divisor=divisor)
    for condition in conditions:
        if level > BRIEF or condition.relation not in ("some", "none"):
            question.state(condition)
    return question.closed(max(level, 0), bounds), question.facts


def unsat(text: str, seconds: float = SECONDS) -> str:
    """Return z3's answer to a question: "unsat", "sat" or "unknown".

    It gives up after a number of its own steps, so that the answer does not depend on what else the machine does.

    Parameters
    ----------
    text : str
        In SMT-LIB.
    seconds : float
        After which it gives up in any case, if these are fewer than ten.

    Raises
    ------
    ImportError
        If z3 is missing.
    """
    try:
        import z3  # pyright: ignore[reportMissingTypeStubs] - z3 ships none
    except ImportError:
        raise ImportError(f"algebra needs z3; {how_to_install('prove')}.") from None
    library: Any = z3
    logic = "QF_LRA" if text.startswith("(set-logic QF_LRA)") else "QF_NRA"
    solver = library.SolverFor(logic, ctx=library.Context())  # apart: its steps are counted from nothing
    solver.set("rlimit", STEPS)
    solver.set("timeout", max(1, int(1000 * min(SECONDS, seconds))))
    solver.from_string(text)
    return str(solver.check())


def _rational(c: Fraction) -> str:
    size = f"{abs(c.numerator)}.0" if c.denominator == 1 else f"(/ {abs(c.numerator)}.0 {c.denominator}.0)"
    return size if c >= 0 else f"(- {size})"
