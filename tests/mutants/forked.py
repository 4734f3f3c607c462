"""Runs of pytest, each in a process that begins with the libraries loaded: a mutant costs its tests and no start."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import time
from pathlib import Path

__all__ = ["run_tests", "warm"]

OURS = ("rankkit", "tests", "paper_checks")  # what a run has to load anew, from its own copy
LIBRARIES = ("numpy", "scipy.linalg", "scipy.special", "torch", "pandas", "hypothesis", "mpmath", "pytest", "array_api_compat",
             "safetensors.torch", "flint", "regex")  # fmt: skip
CODES = {0: "survived", 1: "killed", 2: "killed"}  # 2: with the fault, a file of tests cannot be imported
LOOK = 0.02  # seconds between two looks at a run


def warm() -> None:
    """Load the libraries that the tests need, with one thread each, since a process with threads is not forked."""
    os.environ.update(dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
    for name in LIBRARIES:
        __import__(name)


def run_tests(folder: Path, tests: str, seconds: float) -> str:
    """Return how the tests end in a copy of the project.

    "killed" where one failed, "survived" where none did, "hung" after so many seconds, "broken" where none could run.
    """
    child = os.fork()
    if child == 0:
        code = 3
        try:
            code = _in_child(folder, tests)
        finally:
            os._exit(code)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return CODES.get(os.waitstatus_to_exitcode(status), "broken")
        time.sleep(LOOK)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "hung"


def _in_child(folder: Path, tests: str) -> int:
    """Run pytest on the copy and return its exit status."""
    os.setpgid(0, 0)
    import pytest

    for name in [name for name in sys.modules if name.partition(".")[0] in OURS]:
        del sys.modules[name]
    os.chdir(folder)
    os.environ |= {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", "MPLBACKEND": "Agg"}
    sys.dont_write_bytecode = True
    sys.path[:] = [str(folder), *(place for place in sys.path if place)]
    quiet = os.open(folder / "said.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    return int(pytest.main(["-x", "-q", "-n", "0", "-p", "no:cacheprovider", *shlex.split(tests)]))
