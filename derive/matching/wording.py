"""What a text was found to be, as lines for a person and as plain data."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from derive.matching.match import Match
from derive.matching.mending.faults import Fault
from derive.rendering.naming import Names
from derive.rendering.verdicts import Line
from derive.rendering.verdicts import document as verdict_document
from derive.rendering.verdicts import lines as verdict_lines

DOTTED = re.compile(r"A\.(\w+)")
WIDTH = 100  # characters: what a cell says of a condition or a fault


def document(match: Match) -> dict[str, Any]:
    """The verdict as plain data, with who is who, what was assumed, and where the fault is."""
    return {
        **_in_the_texts_names(verdict_document(match.verdict), match.names),
        "warnings": list(match.warnings),
        "rule": match.rule.name,
        "parameter": match.parameter,
        "roles": dict(match.roles),
        "hyperparameters": {**match.hyperparameters, **match.otherwise},
        "states": dict(match.states),
        "assumed": list(match.assumed),
        "known": match.known,
        "fault": _fault_document(match.fault),
        "as_they_stand": _as_they_stand(match.as_they_stand),
        "parts": [document(part) for part in match.parts],
    }


def _in_the_texts_names(content: dict[str, Any], names: Names) -> dict[str, Any]:
    """The verdict's data; in the maps the text's names are A's."""
    condition = content["condition"]
    said = {key: list(map(names.formula, condition[key])) for key in ("any_of", "degenerate")} if condition else {}
    return {
        **content,
        "message": names.message(content["message"]),
        "condition": condition and {**condition, **said},
        "maps": {name: DOTTED.sub(lambda found: f"A.{names.own(found[1])}", e) for name, e in content["maps"].items()},
        "assumptions": list(map(names.formula, content["assumptions"])),
        "counterexample": _beside(content["counterexample"], names),
    }


def _as_they_stand(match: Match | None) -> dict[str, Any] | None:
    if match is None:
        return None
    message = match.names.message(match.verdict.message)
    return {"verdict": match.verdict.status, "message": message, "fault": _fault_document(match.fault)}


def _fault_document(fault: Fault | None) -> dict[str, Any] | None:
    if fault is None:
        return None
    return {"lines": list(fault.lines), "message": fault.message, "mended": list(fault.mended)}


def _beside(counterexample: Mapping[str, Any] | None, names: Names) -> dict[str, Any] | None:
    """The text is A, and what is expected of it is what the rule does."""
    found = counterexample
    if found is None:
        return None
    rows = [row if row["a"] is None else {**row, "name": names.own(row["name"])} for row in found.get("rows", ())]
    settings = found["hyperparameters"]
    mine = {names.own(name): value for name, value in settings["a"].items()}
    return {
        **found,
        "hyperparameters": {**settings, "a": mine},
        "name": names.own(found["name"]),
        "expected": found["actual"],
        "actual": found["expected"],
        **({"rows": rows} if rows else {}),
    }


def lines(match: Match, *, explain: bool = False, code: bool = False) -> list[Line]:
    """The answer first, then the fault, who is who, and the counterexample; `code`: also as lines of Python."""
    if match.parts:
        return [line for part in match.parts for line in (_named(part), *_one(part, explain, code))]
    return _one(match, explain, code)


def _named(part: Match) -> Line:
    return Line(f"{part.parameter}:", "heading")


def _one(match: Match, explain: bool, code: bool) -> list[Line]:
    verdict = replace(match.verdict, warnings=())
    first, *rest = verdict_lines(verdict, explain=explain, code=code, names=match.names)
    begins = next((i for i, line in enumerate(rest) if not line.text), len(rest))
    facts, run = rest[:begins], rest[begins:]
    ends = (i for i, line in enumerate(facts) if line.kind == "heading" and not line.text.startswith("the same where"))
    continued = next(ends, len(facts))
    return [
        Line(_headline(match, first.text), first.kind),
        *facts[:continued],
        *_fault(match),
        *_facts(match),
        *facts[continued:],
        *(Line(f"warning: {warning}", "warning") for warning in match.warnings),
        *run,
    ]


def _headline(match: Match, text: str) -> str:
    """The verdict's, and whether it is against what the names say."""
    status = match.verdict.status
    text = _with_meanings(match, text.replace(status, f"{status} against {match.rule.name}", 1))
    if match.as_they_stand is None:
        return text
    differ = "it is not decided" if match.as_they_stand.verdict.status == "unknown" else "they differ"
    return f"{text}; under the names as they stand {differ}"


def _with_meanings(match: Match, text: str) -> str:
    """What names stand for, against what they say, where the message has not said it yet."""
    unsaid = [said for his, n in match.otherwise.items() if (said := f"the rule's {his} = {n}") not in text]
    return f"{text}{', ' if ' with ' in text else ' with '}{', '.join(unsaid)}" if unsaid else text


def _fault(match: Match) -> Iterator[Line]:
    """What the text is instead, the line to mend, or that there is none."""
    stands, rule = match.as_they_stand, match.rule.name
    fault = match.fault if stands is None else stands.fault
    if match.known is not None:
        yield Line(f"this is {match.known} (proved)", "parts")
    if fault is not None and (match.known is None or len(fault.message) <= WIDTH):
        proved = "proved" if stands is None else "proved, under the names as they stand"
        yield Line(fault.message, "parts")
        what = ("this", "this line", "these lines")[min(2, len(fault.lines))]
        yield Line(f"mending {what} makes it {rule} ({proved})")
    if (
        fault is None
        and match.known is None
        and (match if stands is None else stands).verdict.status in ("conditional", "refuted")
    ):
        yield Line(f"no change of one line or two was found that makes it {rule}")


def _facts(match: Match) -> Iterator[Line]:
    for title, names in (("who is who", match.roles), ("hyperparameters", {**match.hyperparameters, **match.otherwise}),
                         ("states", match.states)):  # fmt: skip
        text = paired(names)
        if text:
            yield Line(f"{title}: {text}")
    named = {mine: match.rule.domains[his] for his, mine in match.hyperparameters.items() if not _is_number(mine)}
    if named:
        yield Line(f"domains, as the rule has them: {', '.join(f'{mine} in {d}' for mine, d in named.items())}")
    if match.starts:
        yield Line(f"assumed at the start, since the text does not say: {', '.join(match.starts)}")
    if match.taken:
        yield Line(f"assumed: {', '.join(match.taken)}")


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
    how = _with_meanings(match, match.names.message(verdict.message))
    if verdict.status == "conditional" and verdict.condition:
        how = f"where {' or '.join(map(match.names.formula, verdict.condition['any_of']))}"
    if match.fault is not None and not match:
        mending = match.fault.message if len(match.fault.message) <= WIDTH else _short(match.fault)
        how = mending if verdict.status != "conditional" else f"{how}; {mending}"
    return match.rule.name, f"{verdict.status}{relation}", how if len(how) <= 2 * WIDTH else f"{how[: 2 * WIDTH]} ..."


def _short(fault: Fault) -> str:
    """Where it is, for a table that has no room for what it is."""
    lines = " and ".join(map(str, fault.lines))
    return f"line{'s' * (len(fault.lines) > 1)} {lines} to mend (see derive check)"
