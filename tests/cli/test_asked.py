"""`rankkit verify FILE` runs the file's code: it asks at a terminal, and nowhere else."""

import io
import os
import pty
import subprocess
import sys

import pytest

CLAIMS = """
from pathlib import Path
from rankkit.claims import Claim, Domain, Real
Path("ran").touch()
CLAIMS = [Claim("a", "sin x <= x", domain=Domain(x=Real(0, 2)), margin=lambda v, a: v.x - a.sin(v.x))]
"""
QUESTION = b"runs the Python code in claims.py. Go on? [y/N]"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "claims.py").write_text(CLAIMS)
    return tmp_path


def verify(folder, *words, answer=b"", terminal=True):
    """Return the exit status of the command, what it says on standard error, and whether the file's code ran."""
    command = [sys.executable, "-m", "rankkit", "verify", "claims.py", "--instances", "20", "--no-progress", *words]
    if not terminal:
        done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True)
        return done.returncode, done.stderr, (folder / "ran").exists()
    ours, theirs = pty.openpty()
    process = subprocess.Popen(command, cwd=folder, stdin=theirs, stderr=theirs, stdout=subprocess.DEVNULL)
    os.close(theirs)
    os.write(ours, answer)
    said = io.BytesIO()
    try:
        while piece := os.read(ours, 4096):
            said.write(piece)
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    return process.wait(), said.getvalue(), (folder / "ran").exists()


@pytest.mark.parametrize("answer", [b"n\n", b"\n", b"\x04"])
def test_nothing_is_run_at_a_terminal_without_a_yes(folder, answer):
    status, said, ran = verify(folder, answer=answer)
    assert (status, ran) == (1, False)
    assert QUESTION in said
    assert b"nothing was run; --yes" in said


@pytest.mark.parametrize(("words", "asked"), [((), True), (("--yes",), False)])
def test_the_file_is_run_after_a_yes(folder, words, asked):
    status, said, ran = verify(folder, *words, answer=b"y\n")
    assert (status, ran) == (0, True)
    assert (QUESTION in said) == asked


def test_a_run_whose_input_is_no_terminal_is_not_asked(folder):
    status, said, ran = verify(folder, terminal=False)
    assert (status, ran) == (0, True)
    assert QUESTION not in said
