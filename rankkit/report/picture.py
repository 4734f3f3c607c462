"""A figure inside a page: one element that needs no file beside it, as pixels or as SVG."""

from __future__ import annotations

import base64
import io
from html import escape
from typing import Any

import numpy as np

__all__ = ["inline_png", "inline_svg"]

RESOLUTION = 90  # dots per inch: sharp enough for a small picture, and about 20 kB
BROAD = 8  # inches: on a narrow screen a wider figure is scrolled, because its text would be too small to read


def inline_png(axes: Any, *, text: str) -> str:
    """Return the figure that holds some axes as an image element, and close the figure.

    Parameters
    ----------
    axes : Axes
    text : str
        What the picture shows, for readers who do not see it.

    Returns
    -------
    str
        HTML.
    """
    import matplotlib.pyplot as plt

    figure, out = axes.figure, io.BytesIO()
    figure.savefig(out, format="png", dpi=RESOLUTION)
    plt.close(figure)
    data = base64.b64encode(out.getvalue()).decode()
    return f'<img alt="{escape(text)}" src="data:image/png;base64,{data}"/>'


def inline_svg(axes: Any, place: int) -> str:
    """Return the figure that holds the axes as an SVG element whose text stays text, and close it.

    Parameters
    ----------
    axes : Axes or array of Axes
    place : int
        A number of its own for every figure of a page, from which the names inside are made.

    Returns
    -------
    str
        HTML.
    """
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    figure: Any = np.atleast_1d(axes).flat[0].figure
    out = io.StringIO()
    settings: dict[Any, Any] = {"svg.fonttype": "none", "svg.hashsalt": f"rankkit-{place}"}
    with mpl.rc_context(settings):  # pyright: ignore[reportUnknownMemberType]
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    plt.close(figure)
    text = out.getvalue()
    broad = ' class="broad"' if figure.get_figwidth() > BROAD else ""
    return text[text.index("<svg") :].replace("<svg ", f'<svg role="img"{broad} ', 1)
