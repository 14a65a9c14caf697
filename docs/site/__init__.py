"""The site's own part of Sphinx: pages made from the objects, formulas as MathML, figures drawn when it is built."""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx

from docs.site import figures, generate, mathml


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    for part in (mathml, figures, generate):
        part.setup(app)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
