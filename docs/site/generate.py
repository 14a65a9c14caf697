"""The pages made from the objects, written beside the prose before Sphinx reads either."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

from derive.cli.workers import LimitExceeded, Outcome, Task, run_tasks
from derive.library.lookup import rules
from docs.site import claims, relations
from docs.site.claims import ClaimPage, claim_page, undecided, write_ledger
from docs.site.relations import compare, pairs
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
    found = _done([*tasks, *((claim_page, (name,)) for name in ids)])
    made: list[RulePage] = [_value(outcome) for outcome in found[: len(names)]]
    compared: list[relations.Compared] = [_value(outcome) for outcome in found[len(names) : len(tasks)]]
    decided = [_decided(name, outcome) for name, outcome in zip(ids, found[len(tasks) :], strict=True)]
    of_rules = {f"{each.name}.md": write(each, relations.section(each.name, compared)) for each in made}
    of_claims = {f"{each.id}.md": each.text for each in decided}
    return {
        "rules": {**of_rules, "index.md": write_index(made)},
        "claims": {**of_claims, "index.md": write_ledger(decided)},
    }


def _done(tasks: Sequence[Task]) -> list[Outcome]:
    """What each task comes to, in their order."""
    return sorted(run_tasks(tasks, seconds=SECONDS), key=lambda outcome: outcome.index)


def _value(outcome: Outcome) -> Any:
    if outcome.error is not None:
        raise ExtensionError(f"a page can't be made: {outcome.error}")
    return outcome.value


def _decided(name: str, outcome: Outcome) -> ClaimPage:
    """A claim that takes too long is undecided; anything else that goes wrong is a defect."""
    if isinstance(outcome.error, LimitExceeded):
        return undecided(name, str(outcome.error))
    page: ClaimPage = _value(outcome)
    return page


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
