"""The directive `command-help`: what a command prints for --help, so that the page cannot differ from the program."""

import os
import subprocess
import sys
from typing import Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

__all__ = ["setup"]

COLUMNS = "88"  # characters: what fits the page's text beside its two sidebars


class CommandHelp(SphinxDirective):
    """Show the help of `rankkit COMMAND`."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the help as a literal block."""
        command = [sys.executable, "-m", "rankkit", self.arguments[0], "--help"]
        where = os.environ | {"COLUMNS": COLUMNS}
        told = subprocess.run(command, capture_output=True, text=True, check=False, env=where)
        if told.returncode:
            raise self.error(f"{' '.join(command[1:])} ended with status {told.returncode}: {told.stderr}")
        return [nodes.literal_block(told.stdout, told.stdout, language="text")]


def setup(app: Any) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("command-help", CommandHelp)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
