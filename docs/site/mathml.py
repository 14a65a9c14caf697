"""Formulas as MathML, made when the site is built; browsers show it by themselves, without a script."""

from __future__ import annotations

from html import escape

from docutils import nodes
from math_core import LatexError, LatexToMathML
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator

logger = logging.getLogger(__name__)
_converter = LatexToMathML(fancy_error=False)


def to_mathml(latex: str, *, block: bool) -> str:
    """The formula as a `math` element. Raises `math_core.LatexError` for LaTeX that it does not know."""
    return _converter.convert_with_local_state(latex, displaystyle=block)


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.add_html_math_renderer("mathml", (_visit_inline, None), (_visit_block, None))


def _visit_inline(self: HTML5Translator, node: nodes.math) -> None:
    self.body.append(_written(node, block=False))
    raise nodes.SkipNode


def _visit_block(self: HTML5Translator, node: nodes.math_block) -> None:
    self.body.append(f'<div class="formula">{_written(node, block=True)}</div>\n')
    raise nodes.SkipNode


def _written(node: nodes.Element, *, block: bool) -> str:
    latex = node.astext()
    try:
        return to_mathml(latex, block=block)
    except LatexError as error:
        logger.warning("a formula can't be shown: %s, in %s", error, latex, location=node)
        return f"<code>{escape(latex)}</code>"
