"""The site: the guide's pages, the docstrings, and what the checkout holds beside them (gallery, ledger, notebooks)."""

import re
import shutil
from pathlib import Path

import rankkit

HERE, ROOT = Path(__file__).parent, Path(__file__).parents[1]
MADE = HERE / "made"  # copies: a site's sources must lie in one folder

project, author, copyright = "rankkit", "the rankkit developers", "the rankkit developers"  # noqa: A001
version = release = rankkit.__version__
extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.mathjax", "myst_nb"]
html_theme, html_title = "furo", "rankkit"
exclude_patterns = ["audit.schema.json"]
myst_enable_extensions = ["dollarmath", "html_image"]
myst_heading_anchors = 2
nb_execution_mode = "off"  # committed with their outputs, and run by the tests
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings say the types with their shapes
napoleon_google_docstring = False
napoleon_use_rtype = False
suppress_warnings = ["myst.xref_missing", "myst.header", "misc.highlighting_failure"]  # links into the checkout


def _copied(_app: object) -> None:
    shutil.rmtree(MADE, ignore_errors=True)
    MADE.mkdir()
    for path in [
        *(ROOT / "notebooks").glob("*.ipynb"),
        *(ROOT / "figures").glob("*.png"),
        *(ROOT / "figures").glob("*.svg"),
    ]:
        shutil.copy(path, MADE)
    for source, name in (("figures/README.md", "gallery.md"), ("paper_checks/LEDGER.md", "ledger.md")):
        shutil.copy(ROOT / source, MADE / name)


def _plain(_app: object, _what: str, _name: str, _thing: object, _options: object, lines: list[str]) -> None:
    """Keep shapes like (*batch, m, n) and sizes like |margin| what they are: no markup is meant."""
    for i, line in enumerate(lines):
        if not re.match(r"\*+\w+ |\s*>>>", line):
            lines[i] = re.sub(r"(?<![`\\])\||(?<![\*`\\])\*(?=\w)", r"\\\g<0>", line)


def setup(app: object) -> None:
    """Bring what the site shows of the checkout into its folder before it is read."""
    app.connect("builder-inited", _copied)  # pyright: ignore[reportAttributeAccessIssue]
    app.connect("autodoc-process-docstring", _plain, priority=100)  # pyright: ignore[reportAttributeAccessIssue]
