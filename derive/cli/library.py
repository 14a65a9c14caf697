"""`derive rules` and `derive show`: what is known, and what follows from one rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from derive.cli.documents import as_json_option, document, exact_value, write_json
from derive.cli.tables import print_table
from derive.cli.workers import in_worker
from derive.errors import UserError
from derive.rule import Hyperparameter, Rule

if TYPE_CHECKING:
    from derive.proving.verdict import Status


@click.command("rules")
@as_json_option
def rules_command(as_json: bool) -> None:
    """The library, a line each."""
    from derive.library.lookup import rules

    if as_json:
        write_json(document("rules", rows=[rule_row(rule) for rule in rules()]))
    else:
        print_table(("rule", "what", "reference"), [(r.name, first_line(r.doc), str(r.reference)) for r in rules()])


def first_line(text: str) -> str:
    """The first line of a docstring."""
    return text.strip().partition("\n")[0]


def rule_row(rule: Rule) -> dict[str, Any]:
    """One rule of the library as a row of the document."""
    return {
        "rule": rule.name,
        "what": first_line(rule.doc),
        "kind": "average" if rule.is_average else "update",
        "inputs": list(rule.inputs),
        "outputs": list(rule.outputs),
        "states": list(rule.state_names),
        "hyperparameters": [_hyperparameter(h) for h in rule.hyperparameters],
        "body": [str(assignment) for assignment in rule.body],
        "query": None if rule.query is None else repr(rule.query),
        "reference": {"paper": rule.reference.paper, "arxiv": rule.reference.arxiv, "note": rule.reference.note},
    }


def _hyperparameter(h: Hyperparameter) -> dict[str, Any]:
    default = None if h.default is None else exact_value(h.default)
    return {"name": h.name, "default": default, "domain": str(h.domain), "meaning": h.meaning}


@click.command("show")
@click.argument("rule")
@click.option("--format", "style", type=click.Choice(["text", "latex", "markdown"]), default="text", show_default=True)
@click.option("--brief", is_flag=True, help="Only what is derived, without the steps (text).")
@as_json_option
def show_command(rule: str, style: str, brief: bool, as_json: bool) -> int:
    """The rule and everything derived from it, each step checked."""
    from derive.library.lookup import find_rule

    found = find_rule(rule)
    if brief and (as_json or style != "text"):
        raise UserError("--brief is for text", where="derive show", fix="leave it out, or --format and --json")
    shown: Shown = in_worker(_shown, found, "json" if as_json else "brief" if brief else style)
    if as_json:
        write_json(document("show", **{**shown.content, **rule_row(found)}))
    else:
        click.echo(shown.content, nl=not shown.content.endswith("\n"))
    return shown.status


@dataclass(frozen=True)
class Shown:
    """What is shown, and the exit status that its steps' verdicts ask for."""

    content: Any
    status: int


def _shown(rule: Rule, style: Any) -> Shown:
    from derive.deriving import derivations
    from derive.rendering import document as derived
    from derive.rendering import render, render_briefly

    verdicts = [step.verdict for derivation in derivations(rule) for step in derivation.checked]
    content = derived(rule) if style == "json" else render_briefly(rule) if style == "brief" else render(rule, style)
    return Shown(content, exit_status([verdict.status for verdict in verdicts if verdict is not None]))


def exit_status(verdicts: Sequence[Status]) -> int:
    """0 where every verdict is proved, 1 where one is refuted or conditional, else 3."""
    if {"refuted", "conditional"} & set(verdicts):
        return 1
    return 3 if "unknown" in verdicts else 0
