"""The code on a page, run as a reader would run it: in order, in one folder, with what it prints compared."""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["RUN", "Block", "blocks", "run", "run_page", "run_python", "run_shell"]

RUN = ("python", "sh")
FENCE = re.compile(
    r"^(?P<fence>`{3,})(?:\{code-block\} )?(?P<language>[^\n]*)\n(?::caption: (?P<file>\S+)\n\n)?(?P<code>.*?)^(?P=fence)$",
    re.DOTALL | re.MULTILINE,
)


class Block(NamedTuple):
    """A fenced block: its language, its text, the file it is the content of, and what it prints if the page shows it."""

    language: str
    code: str
    file: str = ""
    output: str | None = None


def blocks(page: str) -> Iterator[Block]:
    """Return an iterator over a page's fenced blocks; a `text` block right below one that runs is what that one prints."""
    found = list(FENCE.finditer(page))
    shown = {
        before.start(): after
        for before, after in pairwise(found)
        if before["language"] in RUN and after["language"] == "text" and not after["file"]
        if not page[before.end() : after.start()].strip()
    }
    outputs = {after.start() for after in shown.values()}
    for match in found:
        if match.start() not in outputs:
            output = shown[match.start()]["code"] if match.start() in shown else None
            yield Block(match["language"], match["code"], match["file"] or "", output)


def run_python(code: str, names: dict[str, Any], label: str = "snippet") -> str:
    """Run Python in a namespace that later blocks go on with, and return what it prints."""
    out = io.StringIO()
    names.setdefault("__name__", "__main__")
    with contextlib.redirect_stdout(out):
        exec(compile(code, label, "exec"), names)
    return out.getvalue()


def run_shell(script: str) -> str:
    """Run a script with the `rankkit` of this Python, stop at the first command that fails, and return what it prints.

    Raises
    ------
    AssertionError
        If the script fails.
    """
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ran = subprocess.run(
        ["sh", "-e", "-c", script], capture_output=True, text=True, check=False, env=os.environ | {"PATH": path}
    )
    assert (ran.returncode, "Traceback" in ran.stderr) == (0, False), f"{script}\n{ran.stderr}"
    return ran.stdout


def run(block: Block, names: dict[str, Any], label: str = "snippet") -> str:
    """Write a block's file, or run it and return what it prints."""
    if block.file:
        Path(block.file).parent.mkdir(parents=True, exist_ok=True)
        Path(block.file).write_text(block.code, encoding="utf-8")
        return ""
    if block.language not in RUN:
        return ""
    return run_python(block.code, names, label) if block.language == "python" else run_shell(block.code)


def run_page(page: str, label: str = "page") -> None:
    """Run a page's blocks in order in the current folder.

    Raises
    ------
    AssertionError
        If a block prints something else than the page says.
    """
    names: dict[str, Any] = {}
    for block in blocks(page):
        printed = run(block, names, label)
        if block.output is not None:
            assert printed.rstrip() == block.output.rstrip(), f"{label} says\n{block.output}\nand prints\n{printed}"
