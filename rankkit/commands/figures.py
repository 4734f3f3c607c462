"""rankkit figures: the papers' figures and our own, from their scripts."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rankkit.commands.shared import EPILOG, say

__all__ = ["add"]

SUMMARY = "make the figures whose data have changed: the papers' and our own"
OUT = Path("out/figures")  # where quick figures go, and all figures of an installed package


def add(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "figures", help=SUMMARY, description=SUMMARY,
        epilog=f"example:\n  rankkit figures sine_fig2 --quick --out pictures\n\n{EPILOG}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.set_defaults(run=_figures, trouble=1)
    parser.add_argument("name", nargs="*", help="which (default: all)")
    parser.add_argument("--quick", action="store_true", help="smaller and fewer, in seconds")
    where = "(default: beside the scripts; out/figures if --quick or installed)"
    parser.add_argument("--out", type=Path, metavar="DIR", help=where)
    parser.add_argument("--from", dest="folder", type=Path, metavar="DIR", help="the scripts (default: rankkit's own)")
    parser.add_argument("--force", action="store_true", help="make them all again")
    parser.add_argument("--no-progress", dest="progress", action="store_false", default=None, help="no progress bar")


def _figures(options: argparse.Namespace) -> int:
    import matplotlib as mpl

    from rankkit.data import figure_scripts
    from rankkit.gallery import figures, gallery, make
    from rankkit.store import write_atomically

    mpl.use("Agg")
    folder = options.folder or figure_scripts()
    out = options.out or (OUT if options.quick or _installed(folder) else folder)
    chosen = figures(folder, options.name)
    made = make(chosen, out, quick=options.quick, force=options.force, progress=options.progress)
    if not options.name:
        text = gallery(chosen)
        write_atomically(out / "README.md", lambda file: file.write(text.encode()))
    for name, state in made.items():
        print(f"{name}: {state}")
    states = list(made.values())
    say(f"{states.count('made')} of {len(made)} figures made in {out}, {states.count('kept')} kept.")
    return 1 if any(state.startswith("failed") for state in states) else 0


def _installed(folder: Path) -> bool:
    """Return whether the scripts lie inside the package, where nothing should be written."""
    return Path(__file__).resolve().parents[1] in folder.resolve().parents
