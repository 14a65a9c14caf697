"""`derive check` and `derive identify`: is this code that rule, and which known rule is it?"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from derive.cli.documents import as_json_option, document, write_json
from derive.cli.library import exit_status
from derive.cli.tables import print_table
from derive.cli.verdicts import STATUSES, print_hints, print_lines, python_option
from derive.cli.workers import LimitExceeded, in_worker, parts_from_worker
from derive.errors import UserError
from derive.rule import Rule

if TYPE_CHECKING:
    from derive.matching.against import Other
    from derive.matching.target import Target
    from derive.proving.verdict import Status
    from derive.rendering.verdicts import Line

SECONDS = 60.0
CODE_HELP = (
    "PATH is a .py file, a notebook, a text with code or pseudocode, or - for standard input; NAME is one of its "
    "functions or classes, needed where there are several."
)
OTHER_HELP = (
    "RULE is a name of the library (see `derive rules`) or PATH::NAME: a rule in a file of yours, or other code, which "
    "is then read in the same way."
)
MAP_HELP = (
    "Names of the text and what they are, 'w=theta,dw=g,mu=beta': roles, states and hyperparameters of the rule, "
    "numbers (mu=0.9), settings of switches (nesterov=True). May be repeated."
)


SHARE_OF_LOOKING = 0.6  # of the time limit; a rule that is being looked at may still be finished


@click.command("check", epilog=f"{CODE_HELP}\n\n{OTHER_HELP}\n\n{STATUSES}")
@click.argument("target", metavar="PATH[::NAME]")
@click.option("--against", required=True, metavar="RULE", help="The rule it should be.")
@click.option("--map", "maps", multiple=True, metavar="NAMES", help=MAP_HELP)
@click.option("--strict", is_flag=True, help="Every hyperparameter has to stand for the one it is called like.")
@click.option("--explain", is_flag=True, help="Say what was tried.")
@python_option
@click.option("--seconds", type=click.FloatRange(0.1, 3600), default=SECONDS, show_default=True,
              help="How long to look for an answer.")  # fmt: skip
@as_json_option
def check_command(
    target: str, against: str, maps: tuple[str, ...], strict: bool, explain: bool, python: bool, seconds: float,
    as_json: bool,
) -> int:  # fmt: skip
    """Is this code that rule? If not: where they part, and which line to mend."""
    from derive.matching.against import others
    from derive.matching.target import read_target

    asked = Asked(read_target(target), others(against), read_map(maps), strict)
    try:
        answer: Checked = in_worker(_checked, asked, explain, python, seconds=seconds)
    except LimitExceeded as limit:
        answer = _undecided(asked.others[0].rule, f"the search {limit}")
    if as_json:
        write_json(document("check", **answer.content))
    else:
        print_lines(answer.lines)
        print_hints([answer.content, *answer.content["parts"]], python=python)
    return exit_status([answer.status])


@click.command("identify", epilog=f"{CODE_HELP}\n\n{STATUSES}")
@click.argument("target", metavar="PATH[::NAME]")
@click.option("--map", "maps", multiple=True, metavar="NAMES", help=MAP_HELP)
@click.option("--seconds", type=click.FloatRange(0.1, 3600), default=SECONDS, show_default=True,
              help="How long to look for an answer.")  # fmt: skip
@as_json_option
def identify_command(target: str, maps: tuple[str, ...], seconds: float, as_json: bool) -> int:
    """Which known rule is this code? Proved matches first, then conditional ones, then the nearest."""
    from derive.matching.target import read_target

    text, names = read_target(target), read_map(maps)
    found, ended = parts_from_worker(_identified, text, names, seconds * SHARE_OF_LOOKING, seconds=seconds)
    rows = in_order(found)
    if as_json:
        write_json(document("identify", rows=[row.content for row in rows]))
    elif rows:
        print_table(("rule", "verdict", "how"), [row.cells for row in rows])
    if ended:
        click.echo(f"the search was ended after {seconds:g} s; --seconds gives it more", err=True)
    return exit_status([rows[0].status if rows else "unknown"])


@dataclass(frozen=True)
class Asked:
    """A text, what it should be, what is said of its names, and whether they have to mean what they say."""

    target: Target
    others: tuple[Other, ...]
    names: Mapping[str, str]
    strict: bool


@dataclass(frozen=True)
class Checked:
    """The answer to `check`, ready to be shown."""

    status: Status
    content: dict[str, Any]
    lines: list[Line]


@dataclass(frozen=True)
class Identified:
    """One rule's row of the answer to `identify`, as data and as cells; `order`: the best are the least."""

    status: Status
    content: dict[str, Any]
    cells: tuple[str, ...]
    order: tuple[Any, ...]


def in_order(found: Sequence[Identified]) -> list[Identified]:
    """The last row for each rule, the best first."""
    return sorted({row.cells[0]: row for row in found}.values(), key=lambda row: row.order)


def read_map(texts: tuple[str, ...]) -> dict[str, str]:
    """`w=theta,dw=g` as a dictionary. Raises UserError for a clause of another form, or a name given twice."""
    found: dict[str, str] = {}
    for clause in (part.strip() for text in texts for part in text.split(",")):
        name, equals, role = (side.strip() for side in clause.partition("="))
        if not (name and equals and role) or "=" in role:
            raise UserError(f"{clause!r} is not NAME=ROLE", where="--map", fix="write w=theta,dw=g")
        if found.get(name, role) != role:
            raise UserError(f"{name!r} is given two roles", where="--map", fix="give each name one")
        found[name] = role
    return found


def _checked(asked: Asked, explain: bool, python: bool) -> Checked:
    from derive.matching import wording as words
    from derive.matching.against import check_against

    match = check_against(asked.target, asked.others, asked.names, strict=asked.strict)
    return Checked(match.verdict.status, words.document(match), words.lines(match, explain=explain, code=python))


def _undecided(rule: Rule, message: str) -> Checked:
    from derive.matching import Match
    from derive.matching import wording as words
    from derive.proving.verdict import Verdict

    match = Match(rule, Verdict("unknown", message=message))
    return Checked("unknown", words.document(match), words.lines(match))


def _identified(target: Target, names: Mapping[str, str], seconds: float) -> Iterator[Identified]:
    """The rows as they are found, until the time to look for more is over."""
    from derive.matching import wording as words
    from derive.matching.identify import identified, order

    over = time.monotonic() + seconds
    for m in identified(target.text, target.file, target.name, names, lambda: time.monotonic() > over):
        yield Identified(m.verdict.status, words.document(m), tuple(words.row(m)), order(m))
