"""`derive prove`: are two rules the same algorithm?"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from derive.cli.documents import as_json_option, document, write_json
from derive.cli.generated import write_whole
from derive.cli.library import exit_status
from derive.cli.verdicts import STATUSES, print_hints, print_lines, python_option
from derive.cli.workers import LimitExceeded, in_worker
from derive.errors import UserError
from derive.rule import Rule

if TYPE_CHECKING:
    from derive.proving.verdict import Status, Verdict
    from derive.rendering.verdicts import Line

SECONDS = 10.0
LIMITS = click.FloatRange(0.1, 3600)
WHERE_HELP = "B in the names of A, 'B.lr = A.lr*(1-A.beta)', or a condition on both, 'eps=0'. May be repeated."

RULES_HELP = (
    "A and B are names of the library (see `derive rules`) or PATH::NAME, a rule in a file of yours; `derive check` "
    "reads code with other names. With --recheck FILE, A and B are left out: they are in the file."
)


@click.command("prove", epilog=f"{RULES_HELP}\n\n{STATUSES}")
@click.argument("a", required=False, metavar="A")
@click.argument("b", required=False, metavar="B")
@click.option("--where", multiple=True, metavar="MAP", help=WHERE_HELP)
@click.option("--schedule", multiple=True, metavar="NAME", help="A hyperparameter that may change from step to step.")
@click.option("--explain", is_flag=True, help="Say what was tried.")
@python_option
@click.option("--seconds", type=LIMITS, default=SECONDS, show_default=True, help="How long to look for an answer.")
@click.option(
    "--save", metavar="FILE", help="Write the proof or the counterexample, to be checked again with --recheck."
)
@click.option("--smtlib", metavar="FILE", help="Write what was proved as SMT-LIB, for other provers.")
@click.option("--recheck", metavar="FILE", help="Instead of A and B: check a saved proof again.")
@as_json_option
@click.pass_context
def prove_command(
    context: click.Context, a: str | None, b: str | None, where: tuple[str, ...], schedule: tuple[str, ...],
    explain: bool, python: bool, seconds: float, save: str | None, smtlib: str | None, recheck: str | None,
    as_json: bool,
) -> int:  # fmt: skip
    """Are two rules the same algorithm, for all gradients? If not, when; or where do they part?"""
    keep = Keep(save is not None, smtlib is not None, python)
    if recheck is None:
        answer = answered(_question(context, a, b, where, schedule), keep, seconds)
    elif a is None and not where and not schedule:
        answer = rechecked(Path(recheck), keep, seconds)
    else:
        raise click.UsageError("--recheck stands alone: the rules and the map are in the file.")
    _write(save, answer.saved, answer)
    _write(smtlib, answer.smtlib, answer)
    if as_json:
        write_json(document("prove", **answer.content))
    else:
        print_lines(answer.explained if explain else answer.lines)
        if answer.status == "unknown" and not explain:
            click.echo("--explain says what was tried", err=True)
        print_hints([answer.content], python=python)
    return exit_status([answer.status])


def _question(
    context: click.Context, a: str | None, b: str | None, where: tuple[str, ...], schedule: tuple[str, ...]
) -> Question:
    for parameter, value in zip(context.command.params, (a, b), strict=False):
        if value is None:
            raise click.MissingParameter(ctx=context, param=parameter)
    return Question(_rule(a or "", b or ""), _rule(b or "", a or ""), where, scheduled(schedule))


def _rule(text: str, other: str) -> Rule:
    """The rule of that name. Raises UserError, which for a file also says what reads code of any kind."""
    from derive.library.lookup import find_rule

    try:
        return find_rule(text)
    except UserError as error:
        if not Path(text.rpartition("::")[0] or text).is_file():
            raise
        check = f"code as it is found is read by `derive check {text} --against {other}`"
        named = text.endswith(".py") or "::" in text
        raise UserError(error.what, where=error.where, fix=f"{error.fix}; {check}" if named else check) from error


@dataclass(frozen=True)
class Question:
    """Two rules, and what is given of how they correspond."""

    a: Rule
    b: Rule
    where: tuple[str, ...] = ()
    schedule: tuple[str, ...] = ()


@dataclass(frozen=True)
class Keep:
    """In which forms the evidence is wanted."""

    saved: bool = False
    smtlib: bool = False
    python: bool = False


NOTHING = Keep()


@dataclass(frozen=True)
class Answer:
    """A verdict ready to be shown; `saved` and `smtlib` are its evidence, where that is wanted and there is some."""

    status: Status
    content: dict[str, Any]
    lines: list[Line]
    explained: list[Line]
    saved: str | None = None
    smtlib: str | None = None


def _write(path: str | None, content: str | None, answer: Answer) -> None:
    if path is not None and content is None:
        click.echo(f"{path} is not written: the answer is {answer.status}, and there is no such proof of it", err=True)
    elif path is not None and content is not None:
        write_whole(Path(path), content)


def scheduled(texts: Sequence[str]) -> tuple[str, ...]:
    """The names given to `--schedule`, separated by commas or given one by one."""
    return tuple(dict.fromkeys(name.strip() for text in texts for name in text.split(",") if name.strip()))


def answered(question: Question, keep: Keep = NOTHING, seconds: float = SECONDS) -> Answer:
    """The answer of a worker; where it takes too long or too much memory, that it is not known."""
    return _within(seconds, (question.a.name, question.b.name), _answer, question, keep)


def rechecked(path: Path, keep: Keep = NOTHING, seconds: float = SECONDS) -> Answer:
    """A saved proof or counterexample, checked again. Raises UserError for a file that holds none."""
    return _within(seconds, ("", ""), _recheck, read_json(path), str(path), keep)


def _within(seconds: float, names: tuple[str, str], function: Callable[..., Answer], *arguments: object) -> Answer:
    try:
        answer: Answer = in_worker(function, *arguments, seconds=seconds)
    except LimitExceeded as limit:
        from derive.proving.verdict import Verdict

        tried = (f"everything that can be tried within {seconds:g} s and the limit on memory",)
        return shown(Verdict("unknown", message=f"the prover {limit}", tried=tried), *names)
    return answer


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in the file. Raises UserError where there is none."""
    try:
        content = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UserError(f"can't read the file: {error.strerror}", where=str(path)) from error
    except (ValueError, RecursionError) as error:
        raise UserError("is not a JSON document", where=str(path), fix="name a file that --save wrote") from error
    if not isinstance(content, dict):
        raise UserError("is no saved proof", where=str(path), fix="name a file that --save wrote")
    return content


def _answer(question: Question, keep: Keep) -> Answer:
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
    return shown(verdict, a.name, b.name, keep)


def _recheck(content: dict[str, Any], where: str, keep: Keep) -> Answer:
    from derive.relating.saving.saved import load

    try:
        verdict = load(content)
    except UserError as error:
        raise UserError(error.what, where=where, fix=error.fix) from error
    return shown(verdict, verdict.claim.a.name, verdict.claim.b.name, keep)


def shown(verdict: Verdict, a: str, b: str, keep: Keep = NOTHING) -> Answer:
    """The verdict as data, as lines, and as it is kept."""
    from derive.rendering.verdicts import document as content
    from derive.rendering.verdicts import lines

    saved = _saved(verdict) if keep.saved else None
    smtlib = _smtlib(verdict) if keep.smtlib else None
    parts = {"a": a, "b": b, **content(verdict)}
    short, explained = (lines(verdict, explain=explain, code=keep.python) for explain in (False, True))
    return Answer(verdict.status, parts, short, explained, saved, smtlib)


def _saved(verdict: Verdict) -> str | None:
    from derive.relating.saving.saved import save

    return None if verdict.evidence is None else json.dumps(save(verdict)) + "\n"


def _smtlib(verdict: Verdict) -> str | None:
    from derive.proving.checker import Checked
    from derive.smt import to_smtlib
    from derive.smt.encode import Untranslatable

    try:
        return to_smtlib(verdict.evidence.certificate) if isinstance(verdict.evidence, Checked) else None
    except Untranslatable:
        return None
