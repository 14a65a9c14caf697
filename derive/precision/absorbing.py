"""Constants lost in a sum: from which size of the other summand on they do nothing."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from derive.expr import Apply, Expr, Symbol, to_text
from derive.precision.arithmetic import calculated
from derive.precision.confirming import confirmed
from derive.precision.formats import Model
from derive.precision.hazard import Hazard, Threshold
from derive.precision.probing import UNCHANGED, Probe, boundary, numbers
from derive.precision.scope import data_of, is_constant, parts
from derive.rule import Rule

OTHER = Symbol("#x")


def absorbed_hazards(rule: Rule, model: Model) -> Iterator[Hazard]:
    """Every sum of data and a constant that is not zero."""
    kept = model.arithmetic
    for line, part in parts(rule):
        if part.op != "add":
            continue
        for constant, other in (part.args, part.args[::-1]):
            if not is_constant(rule, constant) or not data_of(rule, other):
                continue
            [value] = calculated([constant], rule.defaults, kept)
            if not isinstance(value, Fraction) or value <= 0:
                continue
            probe = Probe(OTHER + constant, OTHER.name, numbers(kept), rule.defaults, UNCHANGED)
            found = boundary(probe, ">=", model)
            if found is None:
                continue
            least = _least(other, model)
            always = found.value <= least
            threshold = Threshold(to_text(other), ">=", least if always else found.value, found.neighbour)
            said = f"{to_text(constant)} adds nothing to {to_text(other)}"
            said += ": it matters only where that is 0" if always else ""
            yield Hazard(
                "absorbed", line.text, line.assignment.line, to_text(part), threshold, said, always,
                confirmed(found, model),
            )  # fmt: skip


def _least(expr: Expr, model: Model) -> Fraction:
    """The smallest size other than zero: of a root, that of the smallest number."""
    kept = model.arithmetic
    if isinstance(expr, Apply) and expr.op == "sqrt":
        [least] = calculated([Apply("sqrt", (OTHER,))], {OTHER.name: kept.smallest}, kept)
        assert isinstance(least, Fraction)
        return least
    return kept.smallest
