"""`derive prove`: are two rules the same algorithm?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from derive.cli.documents import as_json_option, document, write_json
from derive.cli.library import exit_status
from derive.cli.verdicts import print_lines
from derive.cli.workers import LimitExceeded, in_worker
from derive.rule import Rule

if TYPE_CHECKING:
    from derive.proving.verdict import Status, Verdict
    from derive.rendering.verdicts import Line

SECONDS = 10.0
LIMITS = click.FloatRange(0.1, 3600)
WHERE_HELP = "B in the names of A, 'B.lr = A.lr*(1-A.beta)', or a condition on both, 'eps=0'. May be repeated."


@click.command("prove")
@click.argument("a")
@click.argument("b")
@click.option("--where", multiple=True, metavar="MAP", help=WHERE_HELP)
@click.option("--schedule", multiple=True, metavar="NAME", help="A hyperparameter that may change from step to step.")
@click.option("--explain", is_flag=True, help="Say what was tried.")
@click.option("--seconds", type=LIMITS, default=SECONDS, show_default=True, help="How long to look for an answer.")
@as_json_option
def prove_command(
    a: str, b: str, where: tuple[str, ...], schedule: tuple[str, ...], explain: bool, seconds: float, as_json: bool
) -> int:
    """Are two rules the same algorithm, for all gradients? If not, when; or where do they part?"""
    from derive.library.lookup import find_rule

    left, right = find_rule(a), find_rule(b)
    question = Question(left, right, where, scheduled(schedule))
    answer = answered(question, seconds)
    if as_json:
        write_json(document("prove", a=left.name, b=right.name, **answer.content))
    else:
        print_lines(answer.explained if explain else answer.lines)
        if answer.status == "unknown" and not explain:
            click.echo("--explain says what was tried", err=True)
    return exit_status([answer.status])


@dataclass(frozen=True)
class Question:
    """Two rules, and what is given of how they correspond."""

    a: Rule
    b: Rule
    where: tuple[str, ...] = ()
    schedule: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answer:
    """A verdict ready to be shown."""

    status: Status
    content: dict[str, Any]
    lines: list[Line]
    explained: list[Line]


def scheduled(texts: Sequence[str]) -> tuple[str, ...]:
    """The names given to `--schedule`, separated by commas or given one by one."""
    return tuple(dict.fromkeys(name.strip() for text in texts for name in text.split(",") if name.strip()))


def answered(question: Question, seconds: float = SECONDS) -> Answer:
    """The answer of a worker; where it takes too long or too much memory, that it is not known."""
    try:
        answer: Answer = in_worker(_answer, question, seconds=seconds)
    except LimitExceeded as limit:
        from derive.proving.verdict import Verdict

        tried = (f"everything that can be tried within {seconds:g} s and the limit on memory",)
        return shown(Verdict("unknown", message=f"the prover {limit}", tried=tried))
    return answer


def _answer(question: Question) -> Answer:
    from derive.relating import prove
    from derive.relating.where import read_where

    a, b = question.a, question.b
    given = read_where(question.where, a, b)
    verdict = prove(
        a,
        b,
        states=given.states,
        hyperparameters=given.hyperparameters,
        condition=given.condition,
        schedule=question.schedule,
    )
    return shown(verdict)


def shown(verdict: Verdict) -> Answer:
    """The verdict as data and as lines."""
    from derive.rendering.verdicts import document as content
    from derive.rendering.verdicts import lines

    return Answer(verdict.status, content(verdict), lines(verdict), lines(verdict, explain=True))
