"""`derive hazards`: what goes wrong with a rule in a floating-point format, and when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from derive import hazards
from derive.cli.documents import as_json_option, document, exact_value, write_json
from derive.cli.tables import print_table
from derive.cli.workers import in_worker
from derive.errors import UserError
from derive.precision.formats import NAMES
from derive.rule import Rule

if TYPE_CHECKING:
    from derive.precision.hazard import Hazard, Hazards, Threshold


@click.command("hazards")
@click.argument("rule")
@click.option("--dtype", type=click.Choice(NAMES), required=True, help="The format of states, theta and gradients.")
@click.option(
    "--arithmetic", type=click.Choice(NAMES), help="The format of operations and constants.  [default: --dtype]"
)
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Another value than the default.")
@as_json_option
def hazards_command(rule: str, dtype: str, arithmetic: str | None, settings: tuple[str, ...], as_json: bool) -> int:
    """What goes wrong in this precision, and when: each threshold exact, and confirmed by running the step.

    Exit status: 0 nothing at the defaults alone, 1 something whatever the gradients, 2 unusable input.
    """
    from derive.library.lookup import find_rule

    found: Hazards = in_worker(_found, find_rule(rule), dtype, arithmetic, dict(map(_setting, settings)))
    if as_json:
        write_json(hazards_document(found))
    else:
        print_hazards(found)
    return 0 if found else 1


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = (part.strip() for part in text.partition("="))
    if not (name and equals and value):
        raise UserError(f"{text!r} is no setting", where="--set", fix="write --set eps=1e-4")
    return name, value


def _found(rule: Rule, dtype: str, arithmetic: str | None, settings: dict[str, str]) -> Hazards:
    return hazards(rule, dtype, arithmetic=arithmetic, hyperparameters=settings)


def print_hazards(found: Hazards) -> None:
    """A table of what happens at the defaults whatever the gradients, and one of what happens from a threshold on."""
    print(f"{found.rule.name}: {found.model}")
    print(found.summary)
    others = [hazard for hazard in found.found if not hazard.certain]
    for title, rows in (("at the defaults", found.certain), ("from a threshold on", others)):
        if rows:
            print()
            print_table((title, "when", "what happens", "where", "confirmed"), _rows(rows))


def _rows(found: Sequence[Hazard]) -> list[tuple[str, ...]]:
    from derive.precision.hazard import KINDS, condition_of

    return [(KINDS[h.kind], condition_of(h), h.effect, h.where, str(h.confirmation)) for h in found]


def hazards_document(found: Hazards) -> dict[str, Any]:
    """The answer as a document; every threshold exact."""
    return document(
        "hazards",
        rule=found.rule.name,
        dtype=found.model.storage.name,
        arithmetic=found.model.arithmetic.name,
        certain=len(found.certain),
        message=found.summary,
        rows=[_row(hazard) for hazard in found.found],
    )


def _row(hazard: Hazard) -> dict[str, Any]:
    from derive.precision.hazard import KINDS

    checked = hazard.confirmation
    return {
        "kind": hazard.kind,
        "title": KINDS[hazard.kind],
        "certain": hazard.certain,
        "where": hazard.where,
        "line": hazard.line,
        "part": hazard.part,
        "threshold": None if hazard.threshold is None else _threshold(hazard.threshold),
        "effect": hazard.effect,
        "confirmation": {"runs": checked.runs, "complete": checked.complete, "controls": checked.controls},
    }


def _threshold(threshold: Threshold) -> dict[str, Any]:
    from derive.precision.hazard import power_of_two

    return {
        "quantity": threshold.quantity,
        "relation": threshold.relation,
        "value": exact_value(threshold.value),
        "power_of_two": power_of_two(threshold.value),
        "beyond": None if threshold.beyond is None else exact_value(threshold.beyond),
    }
