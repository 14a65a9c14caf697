"""The ledger of claims: a page that lists them, and for each a page with what was decided and what that rests on."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from derive.claims import LEDGER, Decided, decide_claim, find_claim
from derive.claims.claim import Claim
from derive.library import LIBRARY
from derive.proving import Verdict
from derive.rule import Rule
from derive.stating import Statement
from docs.site import derivations, verdicts
from docs.site.markdown import badge, bullets, code, folded, joined, plain, table

_ADDRESS = re.compile(r"(arXiv:\d{4}\.\d{4,5}|https?://[^\s,;]*[^\s,;.)])")


@dataclass(frozen=True)
class ClaimPage:
    """A claim's own page, and its row in the ledger."""

    id: str
    words: str
    status: str
    text: str


def claim_page(name: str, rules: Collection[str] = ()) -> ClaimPage:
    """Decide the claim and write it down; `rules` are the names of those that have a page."""
    decided = decide_claim(find_claim(name))
    claim = decided.claim
    return ClaimPage(claim.id, plain(claim.words), decided.status, joined(*_parts(decided, rules)))


def undecided(name: str, reason: str) -> ClaimPage:
    """The page of a claim that could not be decided within its limits."""
    claim = find_claim(name)
    head = joined(_head(claim, "unknown"), f"Not decided when this page was made: {plain(reason)}.")
    return ClaimPage(claim.id, plain(claim.words), "unknown", joined(head, plain(claim.because), _sources(claim)))


def write_ledger(pages: Sequence[ClaimPage]) -> str:
    """All claims, a row each."""
    counts = {status: sum(p.status == status for p in pages) for status in dict.fromkeys(p.status for p in pages)}
    tree = "\n".join(["```{toctree}", ":hidden:", ":titlesonly:", "", *(f"{p.id} <{p.id}>" for p in pages), "```"])
    return joined(
        "# The ledger of claims",
        "What is said of these optimizers in papers, courses, documentation and forums, each claim read as a precise"
        " statement and decided when this site is built: proved, refuted with a counterexample, or true under a"
        " condition. `derive claims` decides them again on your machine.",
        f"{len(pages)} claims: {', '.join(f'{number} {badge(status)}' for status, number in counts.items())}.",
        table(["claim", "verdict"], ((f"[{p.words}]({p.id}.md)", badge(p.status)) for p in pages)),
        tree,
    )


def ids() -> list[str]:
    """Every claim of the ledger."""
    return [claim.id for claim in LEDGER]


def _parts(decided: Decided, rules: Collection[str]) -> Iterator[str]:
    claim, verdict, statement = decided.claim, decided.verdict, decided.claim.statement()
    yield _head(claim, decided.status)
    yield plain(claim.because)
    if decided.status != claim.verdict:
        yield f"The ledger has it as {badge(claim.verdict)}; that could not be confirmed."
    yield "## What was decided"
    yield _stated(statement, verdict) if isinstance(statement, Statement) else _compared(verdict, rules)
    yield bullets(
        f"{plain(finding.words)}: {badge(found.status)}" + ("" if found else f" ({plain(found.message)})")
        for finding, found in zip(claim.findings, decided.findings, strict=True)
    )
    rests_on = statement.basis.derivations if isinstance(statement, Statement) else ()
    if rests_on:
        yield joined("## What it rests on", *map(derivations.section, rests_on))
    yield _sources(claim)
    yield joined("## Again, on your machine", code(f"$ derive claims {claim.id}", "console"))


def _head(claim: Claim, status: str) -> str:
    return joined(f"# {plain(claim.words)}", f"{badge(status)}, read as: {plain(claim.reading)}")


def _stated(statement: Statement, verdict: Verdict) -> str:
    """The statement in the vocabulary of `derive.stating`, its verdict, and the point at which it fails."""
    values: Mapping[str, Mapping[str, str]] = (verdict.counterexample or {}).get("values", {})
    point = ", ".join(f"{name} = {value['exact']}" for name, value in values.items())
    return joined(
        code(str(statement)),
        badge(verdict.status) if verdict.message == str(statement) else verdicts.headline(verdict),
        f"It fails, for one, at {plain(point)}." if point and verdict.status == "conditional" else "",
    )


def _compared(verdict: Verdict, rules: Collection[str]) -> str:
    """What the prover says of two rules, after which rules these are."""
    sides = () if verdict.claim is None else (("A", verdict.claim.a), ("B", verdict.claim.b))
    return joined(*(_side(letter, rule, rules) for letter, rule in sides), verdicts.whole(verdict))


def _side(letter: str, rule: Rule, rules: Collection[str]) -> str:
    """A rule of the library by its page, any other by its source."""
    if rule in LIBRARY and rule.name in rules:
        return f"{letter} is [{plain(rule.name)}](../rules/{rule.name}.md)."
    source = folded(f"{letter} is {rule.name}", code(rule.source)) if rule.source else ""
    return source or f"{letter} is {plain(rule.name)}."


def _sources(claim: Claim) -> str:
    return joined("## Where it is said", bullets(map(_linked, claim.sources))) if claim.sources else ""


def _linked(source: str) -> str:
    """A source with its addresses as links."""
    return "".join(_link(part) if i % 2 else plain(part) for i, part in enumerate(_ADDRESS.split(source)))


def _link(address: str) -> str:
    number = address.removeprefix("arXiv:")
    return f"<{address}>" if number == address else f"[{address}](https://arxiv.org/abs/{number})"
