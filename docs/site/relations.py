"""How a rule compares with its siblings: the pairs that its anchors name, each asked of the prover."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from derive.anchors import load_anchors
from derive.library.lookup import find_rule
from docs.site import verdicts
from docs.site.markdown import folded, joined, plain


@dataclass(frozen=True)
class Compared:
    """Two rules and what the prover says of them."""

    left: str
    right: str
    status: str
    headline: str
    whole: str


def pairs(names: Collection[str]) -> list[tuple[str, str]]:
    """The pairs of these rules that anchors relate, each once, in the order of the file."""
    anchors = load_anchors()
    named = [*((r.left, r.right) for r in anchors.equal), *((r.left, r.right) for r in anchors.different)]
    once: dict[frozenset[str], tuple[str, str]] = {}
    for pair in named:
        once.setdefault(frozenset(pair), pair)
    return [pair for pair in once.values() if {*pair} <= {*names}]


def compare(left: str, right: str) -> Compared:
    """Ask the prover, without any hint."""
    from derive import prove

    verdict = prove(find_rule(left), find_rule(right))
    return Compared(left, right, verdict.status, verdicts.headline(verdict), verdicts.rest(verdict))


def section(name: str, compared: Sequence[Compared]) -> str:
    """A paragraph for each sibling, what belongs to its verdict to unfold."""
    return joined(*(_paragraph(name, each) for each in compared if name in (each.left, each.right)))


def _paragraph(name: str, each: Compared) -> str:
    title = {"proved": "What it rests on", "unknown": "What was tried"}.get(
        each.status, "Conditions and counterexample"
    )
    return joined(
        f"{_linked(each.left, name)} (A) and {_linked(each.right, name)} (B): {each.headline}",
        folded(title, each.whole) if each.whole else "",
    )


def _linked(rule: str, here: str) -> str:
    return plain(rule) if rule == here else f"[{plain(rule)}]({rule}.md)"
