"""Figures drawn when the site is built, from the functions that users draw them with.

    ```{drawn} package.module:function
    :arguments: "adam", steps=100
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
from dataclasses import dataclass
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
INK = "#0a0b0c"  # stands for the colour of text, and is written in for each theme
INKS = {"light": "#1f2328", "dark": "#d1d5db"}
INKED = ("text.color", "axes.edgecolor", "axes.labelcolor", "axes.titlecolor", "xtick.color", "ytick.color")


@dataclass(frozen=True)
class Drawing:
    """One figure as SVG, for light pages and for dark ones."""

    light: str
    dark: str


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.add_directive("drawn", Drawn)


def draw(function: Callable[..., Figure | None], *arguments: Any, **named: Any) -> Drawing | None:
    """What the function draws, its background clear, its text in the colour of each theme; None where it draws none."""
    import matplotlib

    matplotlib.use("svg")
    style: Any = {**dict.fromkeys(INKED, INK), "svg.hashsalt": "site", "figure.dpi": 100}
    with matplotlib.rc_context(style):
        figure = function(*arguments, **named)
        if figure is None:
            return None
        file = io.StringIO()
        figure.savefig(file, format="svg", transparent=True, bbox_inches="tight", metadata={"Date": None})
    return Drawing(*(file.getvalue().replace(INK, INKS[theme]) for theme in ("light", "dark")))


class Drawn(SphinxDirective):
    """The directive `drawn`."""

    required_arguments = 1
    has_content = True
    option_spec: ClassVar[dict[str, Callable[[str], Any]] | None] = {
        "arguments": directives.unchanged,
        "alt": directives.unchanged_required,
    }

    def run(self) -> list[nodes.Node]:
        """The figure for each theme, of which one is seen."""
        given = self.options.get("arguments", "")
        try:
            positional, named = read_arguments(given)
            function = find(self.arguments[0])
        except ValueError as error:
            raise self.error(str(error)) from None
        drawing = draw(function, *positional, **named)
        if drawing is None:
            return []
        name = hashlib.sha256(f"{self.arguments[0]}({given})".encode()).hexdigest()[:16]
        figure = nodes.figure()
        for theme, svg in (("light", drawing.light), ("dark", drawing.dark)):
            path = Path(self.env.srcdir, FOLDER, f"{name}-{theme}.svg")
            path.parent.mkdir(exist_ok=True)
            path.write_text(svg, "utf-8")
            alt = self.options.get("alt", "")
            figure += nodes.image(uri=f"/{FOLDER}/{path.name}", alt=alt, classes=[f"only-{theme}"])
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
    """The literals of an argument list; nothing is executed. Raises ValueError for anything else."""
    try:
        call = ast.parse(f"f({text})", mode="eval").body
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            raise ValueError("more than a list")
        named = {word.arg: ast.literal_eval(word.value) for word in call.keywords if word.arg is not None}
        if len(named) < len(call.keywords):
            raise ValueError("a keyword without a name")
        return [ast.literal_eval(node) for node in call.args], named
    except (SyntaxError, ValueError) as error:
        raise ValueError(f"no list of literals: {text}") from error
