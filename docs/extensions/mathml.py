"""Formulas as MathML, which browsers lay out themselves: nothing is fetched, and nothing is shipped.

docutils has the translator from LaTeX; this module makes it one of Sphinx's ways to write a formula.
"""

from typing import Any

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util import logging

__all__ = ["setup"]

logger = logging.getLogger(__name__)


def _inline(self: Any, node: nodes.math) -> None:
    self.body.append(_translated(node, as_block=False))
    raise nodes.SkipNode


def _block(self: Any, node: nodes.math_block) -> None:
    self.body.append(f'<div class="formula">{_translated(node, as_block=True)}</div>')
    raise nodes.SkipNode


def _translated(node: nodes.Element, *, as_block: bool) -> str:
    try:
        return tex2mathml(node.astext(), as_block=as_block)
    except MathError as error:
        logger.warning("%s In the formula %s", error, node.astext(), location=node)
        return ""


def setup(app: Any) -> dict[str, Any]:
    """Register the renderer under the name that conf.py asks for."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
