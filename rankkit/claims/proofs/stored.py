"""The questions of proofs by algebra as files in SMT-LIB, which any solver can be asked again.

Each file holds the questions of one claim with (reset) between them; a solver must answer "unsat" to every one:
``z3 FILE`` and ``cvc5 --incremental FILE`` print its answers.
"""

from __future__ import annotations

from pathlib import Path

from rankkit.claims.proofs.proof import Proof

__all__ = ["folder_beside", "questions_in", "text_of"]

BETWEEN = "(reset)\n"


def folder_beside(file: str | Path) -> Path:
    """Return the folder in which the questions lie that belong to a file of proofs.

    Parameters
    ----------
    file : path
        As `rankkit verify --certificates` names it.

    Examples
    --------
    >>> folder_beside("found.json").name
    'found.smt2'
    """
    return Path(file).with_suffix(".smt2")


def text_of(proof: Proof, statement: str) -> str:
    """Return the questions of a proof as the text of a file.

    Parameters
    ----------
    proof : Proof
        With questions.
    statement : str
        What is proved, for the comment at the head.
    """
    words = [f"{proof.claim}: {statement}", f"for {proof.domain}", *(f"taken as given: {fact}" for fact in proof.facts)]
    head = "".join(f"; {' '.join(line.split())}\n" for line in words)
    return f"{head}; the claim holds if every one of these {len(proof.questions)} questions is unsat\n" + BETWEEN.join(
        proof.questions
    )


def questions_in(text: str) -> tuple[str, ...]:
    r"""Return the questions that the text of a file holds.

    Parameters
    ----------
    text : str
        As `text_of` gives it.

    Examples
    --------
    >>> questions_in("; what it is\n(check-sat)\n(reset)\n(check-sat)\n")
    ('(check-sat)\n', '(check-sat)\n')
    """
    lines = text.splitlines(keepends=True)
    return tuple("".join(line for line in lines if not line.startswith(";")).split(BETWEEN))
