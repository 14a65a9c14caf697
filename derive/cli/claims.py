"""`derive claims`: the ledger, every claim decided anew and compared with what the ledger says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from derive.cli.documents import as_json_option, document, write_json
from derive.cli.tables import print_notes, print_table
from derive.cli.workers import LimitExceeded, Outcome, run_tasks

if TYPE_CHECKING:
    from derive.claims import Claim
    from derive.deriving.derivation import Derivation

SECONDS = 120.0  # for one claim


@click.command("claims")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--steps", is_flag=True, help="Every step of the derivations that a claim rests on.")
@as_json_option
def claims_command(ids: Sequence[str], steps: bool, as_json: bool) -> int:
    """What is claimed of these optimizers: proved, refuted, or true under a condition.

    One ID shows a claim with its reading, its sources, everything that was decided for it, and the derivations that
    rests on.
    """
    from derive.claims import LEDGER, find_claim

    chosen = [find_claim(name) for name in ids] or list(LEDGER)
    rows = _rows(chosen, steps)
    if as_json:
        write_json(document("claims", status=_word(rows), rows=rows))
    elif ids:
        click.echo("\n\n".join(_entry(row) for row in rows))
    else:
        _table(rows)
    return {"as recorded": 0, "undecided": 3}.get(_word(rows), 1)


def _rows(chosen: Sequence[Claim], steps: bool) -> list[dict[str, Any]]:
    tasks = [(decided_row, (claim.id, steps)) for claim in chosen]
    found: dict[int, dict[str, Any]] = {}
    for outcome in run_tasks(tasks, seconds=SECONDS):
        found[outcome.index] = outcome.value or _unanswered(chosen[outcome.index], outcome)
    return [found[index] for index in range(len(chosen))]


def decided_row(name: str, steps: bool = False) -> dict[str, Any]:
    """One claim decided, as a row of the document, with every step where asked for; called in a worker."""
    from derive.claims import decide_claim, find_claim

    decided = decide_claim(find_claim(name))
    findings = [
        {"words": finding.words, "verdict": verdict.status, "message": verdict.message}
        for finding, verdict in zip(decided.claim.findings, decided.findings, strict=True)
    ]
    verdict = decided.verdict.document()
    shown = {"verdict": decided.status, **{key: verdict[key] for key in ("condition", "counterexample", "message")}}
    outcome = "as recorded" if decided.as_recorded else "undecided" if decided.is_open else "otherwise"
    rests = {"derivations": [_derivation(d, steps) for d in decided.derivations]}
    return {**_said(decided.claim), **shown, "findings": findings, **rests, "outcome": outcome}


def _derivation(derivation: Derivation, steps: bool) -> dict[str, Any]:
    """What it states, and the steps where they are asked for."""
    from derive.rendering import derivation_document

    whole = derivation_document(derivation) if steps else {}
    return {
        "title": derivation.title,
        "statement": derivation.statement,
        "assumptions": list(derivation.assumptions),
        "steps": whole.get("steps"),
    }


def _said(claim: Claim) -> dict[str, Any]:
    return {
        "id": claim.id,
        "claim": claim.words,
        "reading": claim.reading,
        "denies": claim.denies,
        "recorded": claim.verdict,
        "because": claim.because,
        "sources": list(claim.sources),
    }


def _unanswered(claim: Claim, outcome: Outcome) -> dict[str, Any]:
    late = isinstance(outcome.error, LimitExceeded)
    nothing = {"verdict": "unknown", "condition": None, "counterexample": None, "message": str(outcome.error)}
    return {
        **_said(claim),
        **nothing,
        "findings": [],
        "derivations": [],
        "outcome": "undecided" if late else "otherwise",
    }


def _word(rows: Sequence[dict[str, Any]]) -> str:
    """The worst of the rows."""
    outcomes = {row["outcome"] for row in rows}
    return next((word for word in ("otherwise", "undecided") if word in outcomes), "as recorded")


def _table(rows: Sequence[dict[str, Any]]) -> None:
    lines = [(row["id"], row["verdict"], row["claim"]) for row in rows]
    print_table(("id", "verdict", "claim"), lines)
    wrong = [f"{r['id']}: recorded as {r['recorded']}, {r['outcome']}: {r['message']}" for r in rows if _differs(r)]
    print_notes(wrong)
    held = sum(not _differs(row) for row in rows)
    click.echo(f"{held} of {len(rows)} as recorded; 'derive claims ID' shows one with its derivation and sources")


def _differs(row: dict[str, Any]) -> bool:
    return bool(row["outcome"] != "as recorded")


def _entry(row: dict[str, Any]) -> str:
    """One claim, whole."""
    lines = [f"{row['id']}: {row['claim']}", f"  read as: {row['reading']}", _answer(row)]
    lines += ["  (and nowhere else)"] if row["condition"] and row["condition"]["exact"] else []
    lines += [f"  {row['because']}"]
    lines += [f"    {f['verdict']}: {f['words']}" + _reason(f) for f in row["findings"]]
    if _differs(row):
        lines.append(f"  the ledger says {row['recorded']}: {row['outcome']}")
    lines += ["  It rests on:"] if row["derivations"] else []
    lines += [line for number, d in enumerate(row["derivations"], 1) for line in _derived(number, d)]
    return "\n".join([*lines, *(f"  source: {source}" for source in row["sources"])])


def _derived(number: int, derivation: dict[str, Any]) -> Iterator[str]:
    """A derivation: its title and what it states, and its steps where they were asked for."""
    from derive.rendering.text import said

    yield f"    {number}. {derivation['title']}: {said(derivation['statement'])}"
    if derivation["assumptions"]:
        yield f"       Here {said('; '.join(derivation['assumptions']))}."
    for place, step in enumerate(derivation["steps"] or (), 1):
        links = [*([step["label"]] if step["label"] else []), *step["chain"]]
        before, last = links[:-1], links[-1]
        chain = " = ".join(before) + (f" {step['relation']} " if before else "") + last
        when = f" where {', '.join(step['when'])}" if step["when"] else ""
        mark = f"{step['verdict']}: " if step["verdict"] else ""
        yield f"       {number}.{place} {chain}{when}"
        yield f"           {mark}{said(step['why'])}"


def _answer(row: dict[str, Any]) -> str:
    opposite = "the opposite is proved, " * row["denies"]
    return f"  {row['verdict']}: {opposite}{row['message']}"


def _reason(finding: dict[str, Any]) -> str:
    return "" if finding["verdict"] == "proved" else f" ({finding['message']})"
