"""Theorems for matrices of any size, proved in Rocq: which files coqc accepted, and what each theorem assumes.

The folder holds the files and `checked.json`, which a run of coqc wrote: the digest of each file, with those it builds
on, the version, and every theorem with its statement and its axioms. A theorem counts while the digest is that of the
file as it is now.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from rankkit.claims.claim import Claim
from rankkit.claims.deadline import Deadline
from rankkit.claims.proofs.proof import Proof
from rankkit.data import rocq_proofs

__all__ = ["accepted", "digest", "theorem"]

RECORD = "checked.json"
LIBRARY = "Rankkit"
# what the standard library's real numbers rest on
OF_THE_REALS = (
    "ClassicalDedekindReals.sig_forall_dec",
    "ClassicalDedekindReals.sig_not_dec",
    "FunctionalExtensionality.functional_extensionality_dep",
    "Classical_Prop.classic",
)
_STATED = re.compile(r"^Theorem\s+(\w+)(.*?)\.\s*^Proof", re.M | re.S)
_BUILT_ON = re.compile(rf"^From {LIBRARY} Require Import (.*?)\.", re.M)
_FORBIDDEN = re.compile(r"\b(Admitted|admit|Axiom|Parameter|Conjecture|Abort)\b")


def theorem(claim: Claim, deadline: Deadline) -> Proof | str:
    """Return the proof of a claim whose record names a theorem that coqc accepted.

    Parameters
    ----------
    claim : Claim
        Its `theorem` is FILE.NAME.
    deadline : Deadline
        Not needed: nothing is searched.

    Returns
    -------
    Proof or str
        The proof, or why there is none.
    """
    if not claim.theorem:
        return "the record names no theorem"
    file, _, name = claim.theorem.partition(".")
    folder = rocq_proofs()
    if not (folder / RECORD).is_file():
        return f"{RECORD} is missing beside the theorems"
    checked: dict[str, Any] = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    known = checked["files"].get(file)
    if known is None or name not in known["theorems"]:
        return f"no run of coqc accepted a theorem {claim.theorem}"
    if known["digest"] != digest(folder, file):
        return f"{file}.v has changed since coqc accepted it; run `make rocq`"
    stated = known["theorems"][name]
    if extra := sorted(set(stated["axioms"]) - set(OF_THE_REALS)):
        return f"the theorem rests on {extra[0]}, which is no axiom of the reals"
    return Proof(
        claim.id, "theorem", f"{name}{stated['statement']}", "all that the theorem allows", checked["version"], 0.0,
        f"proofs/rocq/{file}.v", tuple(stated["axioms"]), known["digest"],
    )  # fmt: skip


def digest(folder: Path, file: str) -> str:
    """Return the SHA-256 of a file of theorems together with the files that it builds on.

    Parameters
    ----------
    folder : Path
        Of the files.
    file : str
        Its name without ".v".
    """
    return hashlib.sha256("".join(_with_imports(folder, file)).encode()).hexdigest()


def accepted(folder: Path) -> dict[str, Any]:
    """Return what `checked.json` should hold: coqc is run on every file, and asked for every theorem's axioms.

    Parameters
    ----------
    folder : Path
        Of the files.

    Raises
    ------
    FileNotFoundError
        If there is no coqc.
    ValueError
        If coqc rejects a file, or a file admits something without proof.
    """
    coqc = shutil.which("coqc")
    if coqc is None:
        raise FileNotFoundError("there is no coqc; apt-get install coq libcoq-mathcomp libcoq-coquelicot.")
    version = subprocess.run([coqc, "--version"], capture_output=True, text=True, check=True).stdout.split("\n")[0]
    files: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as made:
        for file in _in_order(folder):
            text = (folder / f"{file}.v").read_text(encoding="utf-8")
            if found := _FORBIDDEN.search(text):
                raise ValueError(f"{file}.v has {found[0]}: a theorem without a proof does not count.")
            (Path(made) / f"{file}.v").write_text(text, encoding="utf-8")
            _run(coqc, made, file)
            stated = {name: " ".join(words.split()) for name, words in _STATED.findall(text)}
            files[file] = {
                "digest": digest(folder, file),
                "theorems": {name: {"statement": f" {words}", "axioms": []} for name, words in stated.items()},
            }
            for name, axioms in _axioms(coqc, made, file, list(stated)).items():
                files[file]["theorems"][name]["axioms"] = axioms
    return {"version": version, "files": files}


def _axioms(coqc: str, folder: str, file: str, names: list[str]) -> dict[str, list[str]]:
    """Return the axioms that each theorem rests on, as Print Assumptions says."""
    asked = [f"From {LIBRARY} Require Import {file}.", *(f"Print Assumptions {file}.{n}." for n in names)]
    (Path(folder) / "asked.v").write_text("\n".join(asked), encoding="utf-8")
    answers = re.split(r"^(?=Axioms:|Closed under)", _run(coqc, folder, "asked"), flags=re.M)
    answers = [answer for answer in answers if answer.startswith(("Axioms:", "Closed"))]
    assert len(answers) == len(names)
    return {
        name: sorted(re.findall(r"^(\S+)(?= :|$)", answer, re.M)[1:]) if answer.startswith("Axioms") else []
        for name, answer in zip(names, answers)
    }


def _run(coqc: str, folder: str, file: str) -> str:
    words = [coqc, "-w", "none", "-Q", ".", LIBRARY, f"{file}.v"]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ValueError(f"coqc rejects {file}.v: {(done.stderr or done.stdout).strip()[:400]}")
    return done.stdout


def _built_on(folder: Path, file: str) -> list[str]:
    found = _BUILT_ON.findall((folder / f"{file}.v").read_text(encoding="utf-8"))
    return [name for names in found for name in names.split()]


def _in_order(folder: Path) -> list[str]:
    """Return the names of the files, each after those that it builds on."""
    order: list[str] = []

    def take(file: str) -> None:
        for name in _built_on(folder, file):
            take(name)
        if file not in order:
            order.append(file)

    for path in sorted(folder.glob("*.v")):
        take(path.stem)
    return order


def _with_imports(folder: Path, file: str) -> list[str]:
    before = [text for name in _built_on(folder, file) for text in _with_imports(folder, name)]
    return [*before, (folder / f"{file}.v").read_text(encoding="utf-8")]
