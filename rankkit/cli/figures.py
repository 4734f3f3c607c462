"""rankkit figures: the papers' figures and our own, from their scripts."""

from __future__ import annotations

import argparse
from pathlib import Path

from rankkit.cli.arguments import folder
from rankkit.cli.command import Command, Group, Option
from rankkit.cli.options import PROGRESS
from rankkit.cli.output import off_screen, say, show

__all__ = ["FIGURES"]

OUT = Path("out/figures")  # a quick run does not replace the committed figures, and no run writes into a package


def _figures(options: argparse.Namespace) -> int:
    from rankkit.data import figure_scripts
    from rankkit.files import write_atomically
    from rankkit.report.gallery import figures, gallery, make
    from rankkit.report.inline import counted

    off_screen()
    scripts = options.folder or figure_scripts()
    out = options.out or (OUT if options.quick or _installed(scripts) else scripts)
    chosen = figures(scripts, options.name)
    made = make(chosen, out, quick=options.quick, force=options.force, progress=options.progress)
    if not options.name:
        text = gallery(chosen)
        write_atomically(out / "README.md", lambda file: file.write(text.encode()))
    for name, state in made.items():
        show(f"{name}: {state}")
    states = list(made.values())
    say(f"{states.count('made')} of {counted(len(made), 'figure')} made in {out}, {states.count('kept')} kept.")
    return 1 if any(state.startswith("failed") for state in states) else 0


def _installed(scripts: Path) -> bool:
    """Return whether the scripts lie inside the installed package."""
    return Path(__file__).resolve().parents[1] in scripts.resolve().parents


FIGURES = Command(
    "figures",
    "Make the figures whose script or inputs have changed.",
    "They are figures of the papers and further ones; one script makes each. A new version "
    "of rankkit counts as a change.",
    (
        "rankkit figures sine_fig2 --quick --out pictures",
        "rankkit figures --from my_figures",
        "rankkit figures --from my_figures --out pictures --force",
    ),
    (
        Group(
            "what to make",
            (
                Option(("name",), "The figures to make (default: all).", nargs="*", default=()),
                Option(
                    ("--from",), "The folder of the scripts (default: rankkit's own).", to="folder", read=folder,
                    metavar="FOLDER",
                ),
                Option(
                    ("--quick",), "Use smaller matrices and fewer random draws, which takes seconds.",
                    default=False, flag=True,
                ),
                Option(("--force",), "Make them again even where nothing has changed.", default=False, flag=True),
            ),
        ),
        Group(
            "output",
            (
                Option(
                    ("--out",), f"The folder to write (default: beside the scripts; {OUT} if quick or installed).",
                    read=folder, metavar="FOLDER",
                ),
                PROGRESS,
            ),
        ),
    ),
    _figures,
)  # fmt: skip
