"""Figures drawn when the site is built, from the functions that users draw them with.

    ```{drawn} package.module:function("adam", steps=100)
    :alt: what is to be seen

    The caption.
    ```

The function returns a Matplotlib figure, or None where it has nothing to show. Its arguments are literals.
"""

from __future__ import annotations

import ast
import hashlib
import io
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FOLDER = "figures"
MOST_POINTS = 4000  # what has more is drawn in pixels: as curves it would make a large file


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.add_directive("drawn", Drawn)


def svg_of(figure: Figure) -> str:
    """The figure as SVG on a clear background, the same each time; it is closed after that."""
    import matplotlib.pyplot as plt

    for collection in (c for axes in figure.axes for c in axes.collections):
        points = sum(path.vertices.shape[0] for path in collection.get_paths())  # type: ignore[union-attr]
        collection.set_rasterized(bool(points > MOST_POINTS))
    file = io.StringIO()
    with plt.rc_context({"svg.hashsalt": "site"}):
        figure.savefig(file, format="svg", transparent=True, dpi=150, metadata={"Date": None})
    plt.close(figure)
    return file.getvalue()


class Drawn(SphinxDirective):
    """The directive `drawn`."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True
    option_spec: ClassVar[dict[str, Callable[[str], Any]] | None] = {"alt": directives.unchanged_required}

    def run(self) -> list[nodes.Node]:
        """The figure, with its caption if it has one."""
        [call] = self.arguments
        path, _, arguments = call.partition("(")
        try:
            positional, named = read_arguments(f"({arguments}" if arguments else "()")
            function = find(path)
        except ValueError as error:
            raise self.error(str(error)) from None
        drawn = function(*positional, **named)
        if drawn is None:
            return []
        name = hashlib.sha256(call.encode()).hexdigest()[:16]
        file = Path(self.env.srcdir, FOLDER, f"{name}.svg")
        file.parent.mkdir(exist_ok=True)
        file.write_text(svg_of(drawn), "utf-8")
        image = nodes.image(uri=f"/{FOLDER}/{file.name}", alt=self.options.get("alt", ""))
        figure = nodes.figure("", image, classes=["drawn"])
        if self.content:
            [caption] = self.parse_content_to_nodes()
            figure += nodes.caption("", "", *caption.children)
        return [figure]


def find(path: str) -> Callable[..., Any]:
    """The function that `package.module:function` names. Raises ValueError where there is none."""
    module, _, name = path.partition(":")
    try:
        found: Callable[..., Any] = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"no function {path}") from error
    return found


def read_arguments(text: str) -> tuple[list[Any], dict[str, Any]]:
    """The literals of an argument list in its brackets; nothing is executed. Raises ValueError for anything else."""
    try:
        call = ast.parse(f"f{text}", mode="eval").body
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            raise ValueError("more than a list")
        named = {word.arg: ast.literal_eval(word.value) for word in call.keywords if word.arg is not None}
        if len(named) < len(call.keywords):
            raise ValueError("a keyword without a name")
        return [ast.literal_eval(node) for node in call.args], named
    except (SyntaxError, ValueError) as error:
        raise ValueError(f"no list of literals: {text}") from error
