"""A second solver, cvc5, that is asked the questions of proofs again: one process for all, ended if it hangs."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from importlib.util import find_spec
from types import TracebackType
from typing import IO

from rankkit.extras import how_to_install

__all__ = ["SecondSolver"]

SECONDS = 1  # of the processor for one question, to two: nearly all that it answers, it answers within 0.1
PATIENCE = 10.0  # and at most so long on the clock, where others use the processor or the solver only waits
FRUITLESS = 60  # questions without an answer, after which no more are asked: of the papers' 263, some 40 have none
# cvc5 keeps no limit of its own while it decides polynomials, so that the system ends the process
CVC5 = f"""
import resource, sys, cvc5
hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
while size := sys.stdin.buffer.readline():
    text = sys.stdin.buffer.read(int(size)).decode()
    used = resource.getrusage(resource.RUSAGE_SELF)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + 1 + {SECONDS}, hard))
    solver = cvc5.Solver(cvc5.TermManager())
    parser = cvc5.InputParser(solver)
    parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, text, "question")
    symbols, answer = parser.getSymbolManager(), ""
    while not (command := parser.nextCommand()).isNull():
        answer = command.invoke(solver, symbols) or answer
    print(answer.strip(), flush=True)
"""
NONE = {
    "slow": "no answer in the time of one question",
    "died": "the solver ended without an answer",
    "spared": f"not asked, after {FRUITLESS} without an answer",
    "unknown": "the solver could not tell",
}


class SecondSolver:
    """A solver in a process of its own, which is begun at the first question and begun again where it ended.

    It is a context manager; at its end the process is ended.

    Parameters
    ----------
    program : sequence of str, optional
        The words that start the solver, which reads a number of bytes on a line and then so many bytes of SMT-LIB, and
        writes its answer as a line; cvc5 by default.
    patience : float
        Seconds on the clock after which a question is given up.

    Examples
    --------
    >>> with SecondSolver() as second:
    ...     second.ask("(set-logic QF_LRA)(assert false)(check-sat)")
    'unsat'
    """

    def __init__(self, program: Sequence[str] | None = None, *, patience: float = PATIENCE) -> None:
        self.program, self.patience = list(program or (sys.executable, "-c", CVC5)), patience
        self.missing = program is None and find_spec("cvc5") is None
        self.answers = Counter[str]()
        self._process: subprocess.Popen[bytes] | None = None
        self._fruitless = 0

    def __enter__(self) -> SecondSolver:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def agrees(self, questions: Sequence[str]) -> bool:
        """Return whether no question has a solution as far as this solver can tell; no answer is no objection.

        Parameters
        ----------
        questions : sequence of str
            In SMT-LIB.
        """
        return all(self.ask(text) != "sat" for text in questions)

    def ask(self, text: str) -> str:
        """Return "unsat" or "sat"; "unknown", "slow", "died" or "spared" where there is no answer, "" without cvc5.

        Parameters
        ----------
        text : str
            In SMT-LIB.
        """
        if self.missing:
            return ""
        answer = "spared" if self._fruitless >= FRUITLESS else self._asked(text.encode())
        self._fruitless += answer in NONE
        self.answers[answer] += 1
        return answer

    @property
    def in_words(self) -> str:
        """What became of the questions, as one sentence; empty where none was asked."""
        total = self.answers.total()
        if self.missing:
            return f"no second solver: cvc5 is not installed; {how_to_install('prove')}."
        if not total:
            return ""
        counts = [f"{self.answers['unsat']} unsat", *([f"{self.answers['sat']} SAT"] if self.answers["sat"] else [])]
        open_ones = [f"{self.answers[name]} open ({why})" for name, why in NONE.items() if self.answers[name]]
        return f"the second solver, cvc5, on {total} question{'s' * (total > 1)}: {', '.join(counts + open_ones)}."

    def _asked(self, text: bytes) -> str:
        process = self._process = self._process or self._begun()
        late = threading.Event()

        def give_up() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(self.patience, give_up)
        timer.start()
        try:
            answer = _answer(process.stdin, process.stdout, text)
        finally:
            timer.cancel()
        if answer in ("unsat", "sat", "unknown"):
            return answer
        process.kill()  # where it wrote something else than an answer
        over = process.wait() == -signal.SIGXCPU
        self._end()
        return "slow" if over or late.is_set() else "died"

    def _begun(self) -> subprocess.Popen[bytes]:
        pipe = subprocess.PIPE
        return subprocess.Popen(self.program, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL)

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


def _answer(into: IO[bytes] | None, out: IO[bytes] | None, text: bytes) -> str:
    """Return the line that the solver writes; empty where it ends before."""
    assert into is not None
    assert out is not None
    try:
        into.write(b"%d\n%b" % (len(text), text))
        into.flush()
    except BrokenPipeError:
        return ""
    return out.readline().decode().strip()
