"""What the site shows of the checkout: a site's sources must lie in one folder, so they are copied into docs/made."""

import re
import shutil
from pathlib import Path
from typing import Any

from rankkit.report.gallery import TERMS

__all__ = ["setup"]

DOCS, ROOT = Path(__file__).parents[1], Path(__file__).parents[2]
MADE = DOCS / "made"
FIGURE = re.compile(
    r'## (?P<title>.+)\n\n<a href="(?P<stem>\w+)\.svg"><img .*?></a>\n\n(?P<caption>.+?) '
    r"\(\[data\]\((?P<data>.+?)\), \[script\]\((?P<script>.+?)\)\)\n"
)


def _bring(_app: object) -> None:
    shutil.rmtree(MADE, ignore_errors=True)
    MADE.mkdir()
    figures = ROOT / "figures"
    shown = [path for kind in ("csv", "png", "py", "svg") for path in figures.glob(f"*.{kind}")]
    for path in [*(ROOT / "notebooks").glob("*.ipynb"), *shown]:
        shutil.copy(path, MADE)
    (MADE / "gallery.md").write_text(gallery((figures / "README.md").read_text(encoding="utf-8")), encoding="utf-8")


def gallery(readme: str) -> str:
    """Return the gallery as a page: small pictures that lead to the large ones.

    Raises
    ------
    ValueError
        If figures/README.md has a picture that is not laid out as `rankkit figures` lays it out.
    """
    found = list(FIGURE.finditer(readme))
    if not found or len(found) != readme.count("<img "):
        raise ValueError(f"figures/README.md has {readme.count('<img ')} pictures, but {len(found)} could be read.")
    small = [f"[![{one['title']}]({one['stem']}.png)](#figure-{one['stem']})" for one in found]
    lines = ["# Gallery", "", _INTRODUCTION, "", "::::{container} gallery", *small, "::::", ""]
    for one in found:
        lines += [f"(figure-{one['stem']})=", f"## {one['title']}", ""]
        lines += [f"```{{image}} {one['stem']}.svg", f":alt: {one['title']}", "```", ""]
        lines += [one["caption"], "", f"Download the [data]({one['data']}) or the [script]({one['script']}).", ""]
    return "\n".join(lines)


_INTRODUCTION = (
    "Every figure is made by one script, and its data are in a CSV file of the same name. `rankkit figures` makes a "
    "figure again if its script or its stored inputs have changed. Most figures repeat a figure of a paper with our "
    f"own measurements.\n\n{TERMS}"
)


def setup(app: Any) -> dict[str, Any]:
    """Bring the copies before the sources are read."""
    app.connect("builder-inited", _bring)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
