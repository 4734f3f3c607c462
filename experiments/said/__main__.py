"""Holds the numbers of pages and captions to the committed tables. Run: python -m experiments.said [--write].

It lists every phrase that a page lacks and every number that stands in no phrase. With --write it first puts the
tables' numbers into the phrases; sentences whose words no longer fit have to be written anew by hand.
"""

from __future__ import annotations

import argparse
import runpy
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from experiments.said import from_scratch, methods
from experiments.said.phrases import Said, mended, unsaid

__all__ = ["PLACES", "main", "wrong"]

ROOT = Path(__file__).parents[2]
ABOUT = "Hold the numbers of pages and captions to the committed tables."
# a page, or the script whose caption it is -> what it has to say
PLACES: dict[str, Callable[[], list[Said]]] = {
    "docs/results/five-methods.md": methods.of_methods,
    "docs/results/five-methods-by-rank.md": methods.of_ranks,
    "docs/results/from-scratch.md": from_scratch.of_from_scratch,
    "figures/text_methods.py": methods.of_text_methods,
    "figures/lr_table4.py": methods.of_stable_ranks,
    "figures/adasine_fig11_trained.py": methods.of_frequencies,
    "figures/adasine_fig12_trained.py": methods.of_two_texts,
    "figures/sine_table13_trained.py": from_scratch.of_shape_caption,
    "figures/sine_fig4_trained.py": from_scratch.of_images_caption,
}


def wrong(place: str) -> list[str]:
    """Return what is wrong with a page or caption, a sentence each."""
    file = ROOT / place
    if file.suffix == ".py":
        script = runpy.run_path(str(file))
        return unsaid(f"{script['SHOWS']} {script['COMPARED']}", PLACES[place]())
    return unsaid(file.read_text(encoding="utf-8"), PLACES[place]())


def main(argv: Sequence[str] | None = None) -> int:
    """List what is wrong, after mending what can be mended, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m experiments.said", description=ABOUT)
    parser.add_argument("--write", action="store_true", help="put the tables' numbers into the phrases first")
    options = parser.parse_args(argv)
    found: list[str] = []
    for place, phrases in PLACES.items():
        try:
            if options.write:
                file = ROOT / place
                file.write_text(mended(file.read_text(encoding="utf-8"), phrases()), encoding="utf-8")
            found += [f"{place}: {what}" for what in wrong(place)]
        except ValueError as error:
            found.append(f"{place}: {error}")
    print("\n".join(found) or "every number is that of the tables")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
