"""A figure inside a notebook's page: one image element that needs no file beside it."""

from __future__ import annotations

import base64
import io
from html import escape
from typing import Any

__all__ = ["inline_png"]

RESOLUTION = 90  # dots per inch: sharp enough for a small picture, and about 20 kB


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
