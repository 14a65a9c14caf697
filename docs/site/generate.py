"""The pages made from the objects, written beside the prose before Sphinx reads either."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util import logging

from derive.cli.workers import Task, run_tasks
from derive.library.lookup import rules
from docs.site import relations
from docs.site.relations import compare, pairs
from docs.site.rules import RulePage, rule_page, write, write_index

logger = logging.getLogger(__name__)
FOLDER = "rules"


def setup(app: Sphinx) -> None:
    """Called by Sphinx. `-D site_rules=adam,ewma` makes the pages of these rules only."""
    app.add_config_value("site_rules", [rule.name for rule in rules()], "env", list)
    app.connect("builder-inited", _generate)


def _generate(app: Sphinx) -> None:
    names: list[str] = app.config.site_rules
    write_folder(Path(app.srcdir) / FOLDER, rule_pages(names))


def rule_pages(names: list[str]) -> dict[str, str]:
    """The pages of these rules and their index, by file name; the work is done in processes of their own."""
    asked = pairs(names)
    found = _done([*((rule_page, (name,)) for name in names), *((compare, pair) for pair in asked)])
    made: list[RulePage] = found[: len(names)]
    compared: list[relations.Compared] = found[len(names) :]
    pages = {f"{each.name}.md": write(each, relations.section(each.name, compared)) for each in made}
    return {**pages, "index.md": write_index(made)}


def _done(tasks: list[Task]) -> list[Any]:
    """What each task comes to."""
    found: dict[int, Any] = {}
    for outcome in run_tasks(tasks):
        if outcome.error is not None:
            raise ExtensionError(f"{tasks[outcome.index][1]}: {outcome.error}")
        found[outcome.index] = outcome.value
    return [found[index] for index in range(len(tasks))]


def write_folder(folder: Path, files: Mapping[str, str]) -> None:
    """Make the folder hold these files and no others; one that is the same already is left as it is."""
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        if old.name not in files:
            old.unlink()
    for name, text in files.items():
        path = folder / name
        if not path.exists() or path.read_text("utf-8") != text + "\n":
            path.write_text(text + "\n", "utf-8")
