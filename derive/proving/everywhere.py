"""Is a condition true everywhere in a box of numbers? Cut the box until ball arithmetic decides every cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from math import floor

from derive.algebra.facts import Assumptions
from derive.evaluate import over
from derive.expr import Expr, Number, apply, symbols
from derive.proving.cells import Box, halves, holds_in
from derive.proving.certificate import Boxed, Cells, Everywhere, Halves, Pairs, Tree
from derive.proving.checker import Checked, Rejected
from derive.proving.obligations import Obligation, all_equal
from derive.proving.replay import NotConfirmed, Point, Replayed
from derive.proving.search import Differs, Undecided, propose_identity
from derive.proving.verdict import Verdict
from derive.rule import REAL, Domain

MOST_CELLS = 4_000
DEEPEST = 200  # cuts of one cell: what is open then stays so
FEW_CELLS = 500  # for one of many conditions that are tried


class Open(Exception):
    """A cell stays undecided, or fails."""

    def __init__(self, box: Box) -> None:
        super().__init__()
        self.box = box


def everywhere(condition: Expr, box: Box, most: int = MOST_CELLS) -> Verdict:
    """Whether the condition is defined and true wherever every name lies in its domain, ends included.

    A domain without an upper end must be of whole numbers. `refuted` with a point; `unknown` where the cells
    become too many, as they do where the condition is an equality.
    """
    try:
        cells = _cut(condition, dict(box), [most])
        return Verdict("proved", relation="everywhere", evidence=Checked(Everywhere(condition, dict(box), cells)))
    except Open as found:
        return _refuted(condition, box, found)
    except (Rejected, RecursionError) as fault:
        return Verdict("unknown", message=str(fault))


def boxed(pairs: Pairs, assumptions: Assumptions, most: int = FEW_CELLS) -> Boxed | None:
    """Cells in which the sides of every pair are equal; None where a name has no bounds or a cell stays undecided."""
    box = {name: assumptions.domains.get(name, REAL) for name in symbols(*(side for pair in pairs for side in pair))}
    if any(domain.low is None or (domain.high is None and not domain.whole) for domain in box.values()):
        return None
    try:
        return Boxed(_cut(all_equal(pairs), box, [most]))
    except (Open, RecursionError):
        return None


def shown(obligations: Sequence[Obligation]) -> tuple[Tree, ...] | None:
    """Proofs of all that has to be shown, by exact algebra or else by cells; None where one is missing."""
    trees: list[Tree] = []
    for _, pairs, assumed in obligations:
        try:
            tree: Tree | None = propose_identity(pairs, assumed).tree
        except (Differs, Undecided):
            tree = boxed(pairs, assumed)
        if tree is None:
            return None
        trees.append(tree)
    return tuple(trees)


def _cut(condition: Expr, box: dict[str, Domain], budget: list[int], depth: int = 0) -> Cells:
    budget[0] -= 1
    if holds_in(condition, box):
        return None
    widths = {name: _width(domain) for name, domain in box.items()}
    widest = max(widths, key=lambda name: widths[name], default=None)
    if widest is None or widths[widest] == 0 or budget[0] < 0 or depth > DEEPEST:
        raise Open(box)
    at = _middle(box[widest])
    middle = {name: replace(d, low=_middle(d), high=_middle(d)) for name, d in box.items()}
    if over([condition], middle)[0] is False:
        raise Open(middle)
    below, above = halves(box, widest, at)
    parts = (_cut(condition, part, budget, depth + 1) for part in (below, above))
    return Halves(widest, at, *parts)


def _width(domain: Domain) -> float:
    """How much a range is worth cutting: its length, in whole numbers relative to where it is."""
    if domain.low is None:
        return 0.0  # nothing is shown of it, however it is cut
    if domain.high is None:
        return float("inf")
    length = float(domain.high - domain.low)
    return length / max(1.0, float(domain.high)) if domain.whole else length


def _middle(domain: Domain) -> Fraction:
    low = domain.low or Fraction(0)
    if domain.high is None:
        return Fraction(max(2 * floor(low), floor(low) + 8))
    middle = (low + domain.high) / 2
    return Fraction(floor(middle)) if domain.whole else middle


def _refuted(condition: Expr, box: Box, found: Open) -> Verdict:
    """By an end or the middle of the cell that was left, where the condition fails there."""
    claim = ((apply("where", condition, 1, 0), Number(1)),)
    for point in _points(found.box):
        try:
            evidence = Replayed(Point(claim, point, Assumptions(box)))
        except NotConfirmed:
            continue
        return Verdict("refuted", counterexample=evidence.document(), evidence=evidence, message=evidence.message())
    return Verdict("unknown", message="ball arithmetic does not decide it")


def _points(cell: Box) -> list[dict[str, Fraction]]:
    """The lower ends of all ranges, their upper ends, their middles."""
    low = {name: d.low for name, d in cell.items() if d.low is not None}
    high = {name: d.high for name, d in cell.items() if d.high is not None}
    return [low, {**low, **high}, {name: _middle(cell[name]) for name in low}] if len(low) == len(cell) else []
