"""Verdicts for people: as text, as Markdown, and as plain data with everything in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from derive.proving.replay import NotConfirmed, Replayed, Separation
from derive.proving.values import rational
from derive.rendering.naming import PLAIN, Names
from derive.rendering.parting import Row, rows
from derive.rendering.reproduce import script

if TYPE_CHECKING:
    from derive.proving.verdict import Verdict

HERE = "<- here they part"
START = "start"


@dataclass(frozen=True)
class Line:
    """A line of text and what it is, for those who colour it."""

    text: str
    kind: str = ""  # a verdict's word, "heading", "parts", "code", "warning"


def text(verdict: Verdict, *, explain: bool = False, code: bool = False) -> str:
    """The verdict with its map, conditions and counterexample; `code`: and the lines of Python that reproduce it."""
    return "\n".join(line.text for line in lines(verdict, explain=explain, code=code))


def lines(verdict: Verdict, *, explain: bool = False, code: bool = False, names: Names = PLAIN) -> list[Line]:
    """The same, line by line; `names` are what the rules' names are called."""
    relation = f" ({verdict.relation})" if verdict.relation else ""
    made = [Line(f"{verdict.status}{relation}: {names.message(verdict.message)}".rstrip(": "), verdict.status)]
    for title, facts in _facts(verdict, explain):
        made += [Line(title, "heading")] if title else []
        made += [Line(f"  {names.formula(fact)}", "warning" * (title == "warnings")) for fact in facts]
    found = witness(verdict)
    if found is not None and isinstance(found.witness, Separation):
        made += [Line(""), *_counterexample(found, found.witness, verdict.status == "refuted", names)]
        python = script(found) if code else None
        if python is not None:
            made += [Line(""), Line("the same in Python", "heading"), Line("")]
            made += [Line(line, "code") for line in python.rstrip().split("\n")]
    return made


def witness(verdict: Verdict) -> Replayed | None:
    """What the counterexample of the verdict was made from, replayed."""
    made_from = getattr(verdict.counterexample, "witness", None)
    try:
        return None if made_from is None else Replayed(made_from)
    except NotConfirmed:
        return None


def document(verdict: Verdict) -> dict[str, Any]:
    """The verdict as plain data, as `--json` shows it."""
    found = witness(verdict)
    apart = dict(verdict.counterexample) if verdict.counterexample else None
    if apart is not None and found is not None and isinstance(found.witness, Separation):
        apart |= {"rows": [row.document() for row in rows(found)], "python": script(found)}
    return {
        "verdict": verdict.status,
        "relation": verdict.relation,
        "maps": dict(verdict.maps),
        "condition": dict(verdict.condition) if verdict.condition else None,
        "counterexample": apart,
        "assumptions": list(verdict.assumptions),
        "warnings": list(verdict.warnings),
        "branches": [dict(branch) for branch in verdict.branches],
        "tried": list(verdict.tried),
        "message": verdict.message,
    }


# The parts


def _facts(verdict: Verdict, explain: bool) -> Iterator[tuple[str, Sequence[str]]]:
    """Everything but the counterexample, each kind of fact under its title; what continues the headline has none."""
    yield from (
        (title, facts)
        for title, facts in (
            *(_conditions(verdict, verdict.condition) if verdict.condition else ()),
            ("map", _unsaid(verdict, [f"{name} = {value}" for name, value in verdict.maps.items()])),
            ("every choice of hyperparameters, each side its own, under which they agree", _branches(verdict)),
            ("assumptions", verdict.assumptions),
            ("warnings", verdict.warnings),
            ("tried", verdict.tried if explain else ()),
        )
        if facts
    )


def _unsaid(verdict: Verdict, facts: list[str]) -> list[str]:
    """The facts, unless the headline has all of them."""
    return facts if any(fact not in verdict.message for fact in facts) else []


def _conditions(verdict: Verdict, condition: Mapping[str, Any]) -> Iterator[tuple[str, Sequence[str]]]:
    exact = "and nowhere else" if condition.get("exact") else "sufficient; whether they agree elsewhere is not decided"
    any_of = list(condition.get("any_of", ()))
    title = "the same where any of these holds" if len(any_of) > 1 else "the same where"
    unsaid = _unsaid(verdict, any_of)
    yield title if unsaid else "", [*unsaid, f"({exact})"] if any_of else []
    yield "degenerate: the same, but little is left of the rules, where", list(condition.get("degenerate", ()))


def _branches(verdict: Verdict) -> list[str]:
    """A line for each; none where the headline has said them all, degenerate ones aside."""
    further = [b for b in verdict.branches if b["kind"] != "degenerate" and not _in_headline(b, verdict)]
    return [_branch(branch) for branch in verdict.branches] if further else []


def _in_headline(branch: Mapping[str, Any], verdict: Verdict) -> bool:
    """Whether the verdict itself is about this choice of hyperparameters."""
    if bool(branch["shift"]) is not (verdict.relation == "shift"):
        return False
    if verdict.status == "proved" and branch["kind"] == "equal":  # a map one to one, perhaps given the other way round
        return [other["kind"] for other in verdict.branches].count("equal") == 1
    if branch["where"] or branch["roots"] or _frees_a_pair(branch):
        return False
    maps = [f"{name} = {value}" for name, value in verdict.maps.items()]
    conditions = verdict.condition["any_of"] if verdict.condition else [""]
    return any({*_choices(branch)} <= {*maps, *_on_both(condition)} for condition in conditions)


def _frees_a_pair(branch: Mapping[str, Any]) -> bool:
    """Whether a hyperparameter that the other rule has too may differ from it; one without a twin is free anyway."""
    said = {**branch, "states": None}  # each of either rule, or it would not matter, and be free
    named = set(re.findall(r"[AB]\.\w+", str(said)))
    return any({"A": "B", "B": "A"}[name[0]] + name[1:] in named for name in branch["free"])


def _on_both(condition: str) -> Iterator[str]:
    """The clauses of a condition; what it says of a bare name it says of either rule."""
    for clause in condition.split(" and "):
        yield clause
        if "A." not in clause and "B." not in clause:
            yield from (re.sub(r"\b(?=[^\W\d])(?!\w+\()", side, clause) for side in ("A.", "B."))


def _choices(branch: Mapping[str, Any]) -> list[str]:
    """What hyperparameters have to be, those aside that are the same in both rules."""
    maps = {n: e for n, e in branch["hyperparameters"].items() if e != n.replace("B.", "A.", 1)}
    return [f"{n} = {e}" for n, e in {**maps, **branch["condition"]}.items()]


def _branch(branch: Mapping[str, Any]) -> str:
    """What `derive.linear.relation.Branch` says of itself, from its plain data."""
    parts = [*_choices(branch), *(_root(root) for root in branch["roots"])]
    shift = branch["shift"]
    later = f", {shift} step{'s' * (shift > 1)} later for the same answers" if shift else ""
    where = f", where {' and '.join(branch['where'])}" if branch["where"] else ""
    free = f", any {', '.join(branch['free'])}" if branch["free"] else ""
    return f"{branch['kind']}{later}: {', '.join(parts) or 'the same hyperparameters in both'}{where}{free}"


def _root(root: Mapping[str, Any]) -> str:
    """A hyperparameter that is a zero of a polynomial, with where it lies at the defaults."""
    near = ", ".join(root["enclosures"] or ())
    return f"{root['name']} with {root['polynomial']} = 0" + (f" (at the defaults {near})" if near else "")


def _counterexample(found: Replayed, w: Separation, refuted: bool, names: Names) -> list[Line]:
    made = [
        Line(_title(found, refuted, names), "heading"),
        *(Line(f"  {line}") for line in _settings(w, names)),
        Line(""),
    ]
    table = called(rows(found), names)
    cells = [_head(w), *_cells(table)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    head, *body = (_padded(row, widths) for row in cells)
    made.append(Line(head, "heading"))
    for row, line in zip(table, body, strict=True):
        made.append(Line(f"{line}  {HERE}", "parts") if row.parts else Line(line))
    return made


def _title(found: Replayed, refuted: bool, names: Names) -> str:
    return "counterexample" if refuted else f"where the condition fails: {names.message(found.message())}"


def _settings(w: Separation, names: Names = PLAIN) -> Iterator[str]:
    """The hyperparameters: once where both rules have the same."""
    mine, his = (w.hyperparameters_a, w.schedule_a), (w.hyperparameters_b, w.schedule_b)
    if dict(w.hyperparameters_a) == dict(w.hyperparameters_b) and w.schedule_a == w.schedule_b:
        yield from _with("", *_called(*mine, names))
    else:
        yield from _with("A.", *_called(*mine, names))
        yield from _with("B.", *his)


def _called(
    values: Mapping[str, Fraction], schedule: Sequence[Mapping[str, Fraction]], names: Names
) -> tuple[Mapping[str, Fraction], Sequence[Mapping[str, Fraction]]]:
    now, *then = [{names.own(name): v for name, v in each.items()} for each in (values, *schedule)]
    return now, then


def called(table: Sequence[Row], names: Names) -> list[Row]:
    """The rows of a run, those of A under what its names are called."""
    return [row if row.a is None else replace(row, name=names.own(row.name)) for row in table]


def _with(prefix: str, values: Mapping[str, Fraction], schedule: Sequence[Mapping[str, Fraction]]) -> Iterator[str]:
    changing = {name: _changes([s.get(name, values[name]) for s in schedule]) for step in schedule for name in step}
    fixed = [f"{prefix}{name} = {rational(v)}" for name, v in values.items() if name not in changing]
    moving = [f"{prefix}{name} = {', then '.join(str(rational(v)) for v in vs)}" for name, vs in changing.items()]
    if fixed or moving:
        yield "; ".join(filter(None, (", ".join(fixed), *moving)))


def _changes(values: list[Fraction]) -> list[Fraction]:
    """The values up to the one that stays."""
    while len(values) > 1 and values[-1] == values[-2]:
        values = values[:-1]
    return values


def _head(w: Separation) -> list[str]:
    return ["step", "value", f"A {w.a.name}", f"B {w.b.name}"]


def _cells(table: Sequence[Row]) -> Iterator[list[str]]:
    before = -1
    for row in table:
        step = "" if row.step == before else str(row.step) if row.step else START
        before = row.step
        yield [step, row.name, *("" if v is None else str(v) for v in (row.a, row.b))]


def _padded(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


# Markdown


def markdown(verdict: Verdict) -> str:
    """The verdict for a notebook."""
    relation = f" ({verdict.relation.replace('_', ' ')})" if verdict.relation else ""
    parts = [f"**{verdict.status}**{relation}" + (f": {_escaped(verdict.message)}" if verdict.message else "")]
    for title, facts in _facts(verdict, explain=False):
        if title:
            parts.append("\n".join([_escaped(title), "", *(f"- {_escaped(fact)}" for fact in facts)]))
        else:
            parts[0] += f" {_escaped(' '.join(facts))}"
    found = witness(verdict)
    if found is not None and isinstance(found.witness, Separation):
        title = _title(found, verdict.status == "refuted", PLAIN)
        parts += [_escaped(title), *_counterexample_markdown(found, found.witness)]
    return "\n\n".join(parts)


def _counterexample_markdown(found: Replayed, w: Separation) -> list[str]:
    table, python = rows(found), script(found)
    head = [_bar(_head(w)), "|---|---|---|---|"]
    body = [
        _bar([f"**{_escaped(cell)}**" if row.parts and cell else _escaped(cell) for cell in cells])
        for row, cells in zip(table, _cells(table), strict=True)
    ]
    made = [*(f"with {_escaped(line)}" for line in _settings(w)), "\n".join([*head, *body])]
    return made if python is None else [*made, f"```python\n{python.rstrip()}\n```"]


def _bar(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(text: str) -> str:
    """The text with nothing in it that Markdown would take for its own."""
    return re.sub(r"([\\`*_|<])", r"\\\1", text)
