"""The pages made from the objects, written beside the prose before Sphinx reads either."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

from derive.cli.workers import LimitExceeded, Task, run_tasks
from derive.library.lookup import rules
from docs.site import claims
from docs.site.claims import ClaimPage, claim_page, undecided, write_ledger
from docs.site.relations import Compared, compare, pairs, section
from docs.site.rules import RulePage, rule_page, write, write_index

SECONDS = 120.0  # for one page


def setup(app: Sphinx) -> None:
    """Called by Sphinx. `-D site_rules=adam,ewma -D site_claims=C005` makes only these pages."""
    app.add_config_value("site_rules", [rule.name for rule in rules()], "env", list)
    app.add_config_value("site_claims", claims.ids(), "env", list)
    app.connect("builder-inited", _generate)


def _generate(app: Sphinx) -> None:
    names, ids = app.config.site_rules, app.config.site_claims
    for folder, pages in made_pages(names, ids).items():
        write_folder(Path(app.srcdir, folder), pages)


def made_pages(names: Sequence[str], ids: Sequence[str]) -> dict[str, dict[str, str]]:
    """The pages of these rules and claims by folder and file; the work is done in processes of their own."""
    asked = pairs(names)
    tasks: list[Task] = [*((rule_page, (name,)) for name in names), *((compare, pair) for pair in asked)]
    values = iter(_done([*tasks, *((claim_page, (name, names)) for name in ids)]))
    made: list[RulePage] = [next(values) for _ in names]
    compared: list[Compared] = [next(values) for _ in asked]
    decided: list[ClaimPage] = [next(values) for _ in ids]
    of_rules = {f"{each.name}.md": write(each, section(each.name, compared)) for each in made}
    drawn = {plot.file: plot.svg for each in made for plot in each.plots}
    of_claims = {f"{each.id}.md": each.text for each in decided}
    return {
        "rules": {**of_rules, **drawn, "index.md": write_index(made)},
        "ledger": {**of_claims, "index.md": write_ledger(decided)},
    }


def _done(tasks: Sequence[Task]) -> list[Any]:
    """What each task comes to; a claim that takes too long is undecided, anything else that goes wrong is a defect."""
    found: dict[int, Any] = {}
    for outcome in run_tasks(tasks, seconds=SECONDS):
        function, arguments = tasks[outcome.index]
        if function is claim_page and isinstance(outcome.error, LimitExceeded):
            found[outcome.index] = undecided(arguments[0], str(outcome.error))
        elif outcome.error is not None:
            raise ExtensionError(f"{function.__name__} of {arguments[0]}: {outcome.error}")
        else:
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
