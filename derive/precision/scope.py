"""The parts of a rule that a format is asked about: each with its assignment, and what it depends on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from derive.evaluate import enclosed
from derive.expr import Apply, Expr, Number, Symbol, fold, is_truth, nodes, substitute, symbols
from derive.ops import Inexact, Undefined
from derive.rule import Assignment, Rule


@dataclass(frozen=True)
class Line:
    """An assignment with what earlier ones made of hyperparameters and t alone written out in its value."""

    assignment: Assignment
    value: Expr

    @property
    def text(self) -> str:
        return str(self.assignment)

    @property
    def parts(self) -> tuple[Apply, ...]:
        """Its operations, arguments first."""
        return tuple(node for node in nodes([self.value]) if isinstance(node, Apply))


def lines(rule: Rule) -> tuple[Line, ...]:
    """The rule's body."""
    fixed = {*rule.hyperparameter_names, "t"}
    known: dict[str, Expr] = {}
    found = []
    for assignment in rule.body:
        [value] = substitute([assignment.value], known)
        known.pop(assignment.target, None)
        if symbols(value) <= fixed and assignment.target not in {*rule.state_names, *rule.outputs}:
            known[assignment.target] = value
        found.append(Line(assignment, value))
    return tuple(found)


def parts(rule: Rule) -> Iterator[tuple[Line, Apply]]:
    """Every operation of the rule once, at the line where it occurs first, in order."""
    seen: set[Apply] = set()
    for line in lines(rule):
        for part in line.parts:
            if part not in seen:
                seen.add(part)
                yield line, part


def is_constant(rule: Rule, part: Expr) -> bool:
    """Whether it is made of hyperparameters with defaults, and numbers, alone."""
    return symbols(part) <= rule.defaults.keys()


def is_of_time(rule: Rule, part: Expr) -> bool:
    """Whether it is made of t, and hyperparameters with defaults."""
    return "t" in symbols(part) and symbols(part) <= {*rule.defaults, "t"}


def data_of(rule: Rule, part: Expr) -> frozenset[str]:
    """The names in it that are neither hyperparameters with defaults nor t."""
    return symbols(part) - rule.defaults.keys() - {"t"}


def at_rest(rule: Rule) -> dict[str, Fraction] | None:
    """Defaults, t = 1, theta and every input zero, states as they start; None where a value is not known."""
    values = {**rule.defaults, "t": Fraction(1), "theta": Fraction(0)}
    if set(rule.hyperparameter_names) - values.keys():
        return None
    values |= {name: Fraction(0) for name in ("g", "x", *(name for name, _ in rule.asked))}
    for state in rule.states:
        initial = value_of(state.initial, values)
        if initial is None:
            return None
        values[state.name] = initial
    return values


def value_of(expr: Expr, values: Mapping[str, Fraction], bits: int = 192) -> Fraction | None:
    """The value over the reals, or something nearer to it than any format here can tell; None where it is not known."""
    if not symbols(expr) <= values.keys():
        return None
    [value] = enclosed([expr], values, bits)
    if isinstance(value, Fraction):
        return value
    if isinstance(value, bool | Undefined | Inexact):
        return None
    mantissa, exponent = value.mid().man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent) if value.rel_accuracy_bits() > 80 else None


def kept_parts(value: Expr, name: str, fixed: frozenset[str]) -> Expr:
    """The formula with everything that does not reach `name`, and is not made of `fixed` names alone, set to zero."""

    def apply(node: Apply, args: tuple[Expr, ...]) -> Expr:
        made = node if args == node.args else Apply(node.op, args)
        kept = name in symbols(node) or symbols(node) <= fixed or is_truth(node)
        return made if kept else Number(0)

    def symbol(s: Symbol) -> Expr:
        return s if s.name == name or s.name in fixed else Number(0)

    return fold([value], symbol=symbol, number=lambda n: n, apply=apply)[0]
