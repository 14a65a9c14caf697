"""The symmetries that are asked about, by name, and what each moves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from derive.deriving.symmetries.deciding import Decided, decide
from derive.deriving.symmetries.dimensions import Exponents, exponents
from derive.deriving.symmetries.parity import odd_states
from derive.deriving.symmetries.transformation import Transformation, delay, reflection, scaling, translation
from derive.rule import Rule

ONE, NONE = Fraction(1), Fraction(0)


@dataclass(frozen=True)
class Kind:
    """A symmetry: its title, what it asks in words, and for a scaling the exponents of theta and the gradients.

    The number by which something is changed is {c} in the words.
    """

    title: str
    asks: str
    scales: Mapping[str, Fraction] | None = None
    move: Callable[[Rule], Transformation | None] | None = None


def _reflected(rule: Rule) -> Transformation | None:
    odd = odd_states(rule)
    return None if odd is None else reflection(rule, odd)


KINDS: dict[str, Kind] = {
    "g": Kind("Scaling of the gradients", "every gradient times {c} > 0 gives the same steps", {"g": ONE}),
    "theta": Kind(
        "Scaling of the parameter", "theta times {c} > 0, with the same gradients, gives {c} times the steps",
        {"theta": ONE},
    ),
    "units": Kind(
        "Change of units",
        "theta in other units, theta times {c} > 0 and gradients divided by {c}, gives {c} times the steps",
        {"theta": ONE, "g": -ONE},
    ),
    "quadratic": Kind(
        "Scaling along a quadratic",
        "theta and gradients times {c} > 0, as on a quadratic from {c} times the start, gives {c} times the steps",
        {"theta": ONE, "g": ONE},
    ),
    "sign": Kind("Reflection", "the opposite of theta and of every gradient gives the opposite steps", move=_reflected),
    "translation": Kind("Translation", "theta moved by {c}, with the same gradients, gives the same steps",
                        move=translation),
    "time": Kind("Translation in time", "the same steps come of counting from one step later", move=delay),
}  # fmt: skip
ALIKE = {"batch": "g"}  # a sum over a batch of n is n times the mean


def scale_exponents(rule: Rule, scales: Mapping[str, Fraction]) -> Exponents:
    """The exponents of theta, of every answer and of every hyperparameter: zero where `scales` gives none."""
    answers = {name: scales.get("g", NONE) for name, _ in rule.questions}
    hypers = {n: scales.get(n, NONE) for n in rule.hyperparameter_names}
    return {"theta": scales.get("theta", NONE), **answers, **hypers}


def decide_scaling(rule: Rule, scales: Mapping[str, Fraction]) -> Decided:
    """Whether a step scales as said when these names do; what is not named stays as it is."""

    def propose(one: Rule) -> Transformation | None:
        found = exponents(one, scale_exponents(one, scales))
        return None if found is None else scaling(rule, found)

    unmoved = {**scale_exponents(rule, scales), **dict.fromkeys(rule.state_names, NONE)}
    return decide(rule, propose, scaling(rule, unmoved))


def decide_kind(rule: Rule, kind: Kind) -> Decided:
    """The verdict on one of the symmetries above."""
    if kind.scales is not None:
        return decide_scaling(rule, kind.scales)
    assert kind.move is not None
    unmoved = kind.move(rule) or reflection(rule, frozenset())
    return decide(rule, kind.move, unmoved)
