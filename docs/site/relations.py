"""How a rule compares with its siblings: the pairs that its anchors name, each asked of the prover."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from derive.anchors import load_anchors
from derive.library.lookup import find_rule
from derive.proving import Verdict
from derive.rendering.verdicts import markdown
from docs.site.markdown import badge, folded, joined


@dataclass(frozen=True)
class Compared:
    """Two rules and what the prover says of them."""

    left: str
    right: str
    status: str
    relation: str
    headline: str
    whole: str


def pairs(names: Collection[str]) -> list[tuple[str, str]]:
    """The pairs of these rules that anchors relate, each once, in the order of the file."""
    anchors = load_anchors()
    named = dict.fromkeys((r.left, r.right) for r in (*anchors.equal, *anchors.different))
    once = {frozenset(pair): pair for pair in reversed(named)}
    return [pair for pair in reversed(once.values()) if {*pair} <= {*names}]


def compare(left: str, right: str) -> Compared:
    """Ask the prover, without any hint."""
    from derive import prove

    verdict: Verdict = prove(find_rule(left), find_rule(right))
    head, _, rest = markdown(verdict).partition("\n\n")
    message = head.partition("**: ")[2] or head.partition("): ")[2]
    return Compared(left, right, verdict.status, (verdict.relation or "").replace("_", " "), message, rest)


def section(name: str, compared: Sequence[Compared]) -> str:
    """A paragraph for each sibling, what belongs to its verdict to unfold."""
    return joined(*(_paragraph(name, each) for each in compared if name in (each.left, each.right)))


def _paragraph(name: str, each: Compared) -> str:
    other = each.right if name == each.left else each.left
    relation = f" ({each.relation})" if each.relation else ""
    head = f"[{other}]({other}.md) {badge(each.status)}{relation}"
    sides = f"A is {each.left}, B is {each.right}."
    title = {"proved": "What it rests on", "unknown": "What was tried"}.get(each.status, "Conditions and counterexample")
    return joined(
        f"{head}: {each.headline}" if each.headline else head,
        folded(title, joined(sides, each.whole)) if each.whole else "",
    )
