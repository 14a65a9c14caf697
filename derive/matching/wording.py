"""What a text was found to be, as lines for a person and as plain data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from derive.matching.match import DOTTED, Match
from derive.rendering.verdicts import Line
from derive.rendering.verdicts import document as verdict_document
from derive.rendering.verdicts import lines as verdict_lines


def document(match: Match) -> dict[str, Any]:
    """The verdict as plain data, with who is who, what was assumed, and where the fault is."""
    fault = match.fault
    content = verdict_document(match.verdict)
    return {
        **content,
        "counterexample": _beside(content["counterexample"]),
        "warnings": list(match.warnings),
        "rule": match.rule.name,
        "parameter": match.parameter,
        "roles": dict(match.roles),
        "hyperparameters": dict(match.hyperparameters),
        "states": dict(match.states),
        "assumed": list(match.assumed),
        "fault": fault and {"lines": list(fault.lines), "message": fault.message, "mended": list(fault.mended)},
        "parts": [document(part) for part in match.parts],
    }


def _beside(counterexample: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The text is A, and what is expected of it is what the rule does."""
    found = counterexample
    return None if found is None else {**found, "expected": found["actual"], "actual": found["expected"]}


def lines(match: Match, *, explain: bool = False, code: bool = False) -> list[Line]:
    """The answer first, then the fault, who is who, and the counterexample; `code`: also as lines of Python."""
    if match.parts:
        return [line for part in match.parts for line in (_named(part), *_one(part, explain, code))]
    return _one(match, explain, code)


def _named(part: Match) -> Line:
    return Line(f"{part.parameter}:", "heading")


def _one(match: Match, explain: bool, code: bool) -> list[Line]:
    first, *rest = verdict_lines(match.verdict, explain=explain, code=code)
    answer = Line(first.text.replace(match.verdict.status, f"{match.verdict.status} against {match.rule.name}", 1),
                  first.kind)  # fmt: skip
    return [_in_the_texts_names(line, match) for line in (answer, *_fault(match), *_facts(match), *rest)]


def _in_the_texts_names(line: Line, match: Match) -> Line:
    text = DOTTED.sub(lambda found: match.shown.get(found.group(), found.group()), line.text)
    return line if text == line.text else replace(line, text=text)


def _fault(match: Match) -> Iterator[Line]:
    if match.fault is not None:
        one = len(match.fault.lines) < 2
        yield Line(match.fault.message, "parts")
        yield Line(f"mending {'this line' if one else 'these lines'} makes it {match.rule.name} (proved)")


def _facts(match: Match) -> Iterator[Line]:
    for title, names in (("who is who", match.roles), ("hyperparameters", match.hyperparameters),
                         ("states", match.states)):  # fmt: skip
        text = paired(names)
        if text:
            yield Line(f"{title}: {text}")
    named = [his for his, mine in match.hyperparameters.items() if not _is_number(mine)]
    if named:
        yield Line(f"domains, as the rule has them: {', '.join(f'{n} in {match.rule.domains[n]}' for n in named)}")
    if match.assumed:
        yield Line(f"assumed at the start, since the text does not say: {', '.join(match.assumed)}")
    yield from (Line(f"warning: {warning}", "warning") for warning in match.warnings)


def _is_number(text: str) -> bool:
    try:
        Fraction(text)
    except ValueError:
        return False
    return True


def paired(names: Mapping[str, str]) -> str:
    """`m = V, v = S`: the rule's names and the text's."""
    return ", ".join(f"{his} = {mine}" for his, mine in names.items())


def row(match: Match) -> Sequence[str]:
    """One line of the table of `derive identify`."""
    verdict = match.verdict
    relation = f" ({verdict.relation})" if verdict.relation else ""
    if verdict.status == "conditional" and verdict.condition:
        how = f"where {' or '.join(verdict.condition['any_of'])}"
        how += f"; {match.fault.message}" if match.fault is not None else ""
    else:
        how = match.fault.message if match.fault is not None and not match else verdict.message
    how = DOTTED.sub(lambda found: match.shown.get(found.group(), found.group()), how)
    return match.rule.name, f"{verdict.status}{relation}", how
