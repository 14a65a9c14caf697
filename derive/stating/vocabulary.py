"""The words claims are made of: each gives formulas derived from a rule, to be compared and decided.

    adam = find("adam")
    decide(weights(adam.m).sum == 1 - adam.beta1**t)
    decide(step_bound(adam).limit <= 1)

`rule.beta1` is the hyperparameter as a name, `rule.m` the buffer. A formula rests on its derivation: a
statement about it is decided only where every step of that is proved.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from derive.deriving import derivations
from derive.deriving.averages import of_buffer
from derive.deriving.derivation import Derivation
from derive.deriving.linear import AGE, WHOLE, LinearBuffer, linear_buffers
from derive.deriving.premises import away_from_ends, with_premises
from derive.errors import UserError
from derive.expr import Expr, Number, Symbol, is_truth, symbols
from derive.library.lookup import as_rule
from derive.proving import assumptions_of
from derive.rule import COUNTER, DOMAINS, REAL, Domain, Rule
from derive.stating.quantities import Basis, Operand, Quantity, Statement, chosen, combined, quantity

t = Quantity(Symbol("t"), Basis({"t": COUNTER}))  # the step, from 1
k = Quantity(Symbol(AGE), Basis({AGE: WHOLE}))  # the age of an input, from 0


@dataclass(frozen=True)
class Buffer:
    """A state of a rule: `rule.m`."""

    rule: Rule
    name: str

    def __repr__(self) -> str:
        return f"{self.rule.name}.{self.name}"


def part(rule: Rule, name: str) -> Buffer | Quantity:
    """What `rule.NAME` means: a hyperparameter as a quantity, or a state. Raises AttributeError for another name."""
    for h in rule.hyperparameters:
        if h.name == name:
            defaults = {} if h.default is None else {name: h.default}
            return Quantity(Symbol(name), Basis({name: h.domain}), defaults=defaults)
    if name in rule.state_names:
        return Buffer(rule, name)
    has = ", ".join((*rule.hyperparameter_names, *rule.state_names)) or "neither"
    raise AttributeError(f"{rule.name} has no hyperparameter or state {name!r}; it has {has}")


def any_number(name: str, domain: str = "real") -> Quantity:
    """A name for any number of a domain: "real", "nonnegative", "positive", "decay", "unit" or "whole" (from 1)."""
    if domain not in DOMAINS:
        raise UserError(f"there is no domain {domain!r}", fix=f"use {', '.join(DOMAINS)}")
    return Quantity(Symbol(name), Basis({name: DOMAINS[domain]}))


def sqrt(x: Operand) -> Quantity:
    """The square root."""
    return combined("sqrt", x)


def exp(x: Operand) -> Quantity:
    """The exponential."""
    return combined("exp", x)


def log(x: Operand) -> Quantity:
    """The natural logarithm."""
    return combined("log", x)


def maximum(x: Operand, y: Operand) -> Quantity:
    """The larger of two."""
    return combined("max", x, y)


def minimum(x: Operand, y: Operand) -> Quantity:
    """The smaller of two."""
    return combined("min", x, y)


def cos(x: Operand) -> Quantity:
    """The cosine."""
    return combined("cos", x)


def piecewise(*cases: tuple[Statement, Operand], otherwise: Operand) -> Quantity:
    """A function by pieces: the formula of the first condition that holds, else `otherwise`."""
    result = quantity(otherwise)
    for condition, value in reversed(cases):
        result = where(condition, value, result)
    return result


def where(condition: Statement, then: Operand, otherwise: Operand) -> Quantity:
    """One formula where a condition holds, and another where it does not."""
    if condition.premises:
        raise UserError(f"{condition!r} is claimed under premises", fix="give a plain condition")
    return chosen(condition, then, otherwise)


def weights(buffer: Buffer) -> Quantity:
    """What an input of k steps ago counts in a buffer, with everything derived from the weights as parts."""
    if not isinstance(buffer, Buffer):
        what = buffer.name if isinstance(buffer, Rule) else repr(buffer)
        raise UserError(f"{what} is no state of a rule", fix="write weights(rule.m)")
    linear = linear_buffer(buffer)
    about = of_buffer(buffer.rule, linear)
    weight = Quantity(linear.weight, Basis(_domains(buffer.rule, [linear.weight])))
    parts = _parts(buffer.rule, (with_premises(buffer.rule, each) for each in about))
    return replace(weight, parts=parts, defaults=buffer.rule.defaults)


def linear_buffer(buffer: Buffer) -> LinearBuffer:
    """The buffer as a decay and a gain. Raises UserError where it is not linear."""
    for linear in linear_buffers(buffer.rule):
        if linear.name == buffer.name:
            return linear
    raise UserError(f"{buffer.name} of {buffer.rule.name} is not linear with constant coefficients", fix="take another")


def from_derivation(rule: Rule, derivation: Derivation | None, what: str) -> Quantity:
    """The result of a derivation with its quantities as parts. Raises UserError where there is no derivation."""
    if derivation is None:
        raise UserError(f"no {what} is derived for {rule.name}", fix="'derive show' lists what is derived")
    derivation = with_premises(rule, derivation)
    basis = Basis(_domains(rule, [derivation.result], [derivation]), (derivation,))
    parts = _parts(rule, [derivation])
    stem = next(iter(derivation.quantities), "")
    short = {name.removeprefix(f"{stem}_"): part for name, part in parts.items()} if stem else {}
    return Quantity(derivation.result, basis, {**short, **parts}, rule.defaults, Symbol(f"{stem or what}({rule.name})"))


def derived(rule: object) -> Quantity:
    """Everything derived for a rule, each formula as a part by its usual name."""
    found = as_rule(rule)
    return Quantity(Number(0), Basis(), _parts(found, derivations(found)), found.defaults)


def _parts(rule: Rule, found: Iterable[Derivation]) -> dict[str, Quantity | Statement]:
    parts: dict[str, Quantity | Statement] = {}
    for derivation in found:
        for name, formula in derivation.quantities.items():
            basis = Basis(_domains(rule, [formula], [derivation]), (derivation,))
            short = Symbol(f"{name}({rule.name})")
            if is_truth(formula):
                parts.setdefault(name, Statement(formula, basis, short=short))
            else:
                parts.setdefault(name, Quantity(formula, basis, {}, rule.defaults, short))
    return parts


def _domains(rule: Rule, formulas: Sequence[Expr], derivations: Iterable[Derivation] = ()) -> dict[str, Domain]:
    known = {**assumptions_of(rule).domains, AGE: WHOLE}
    narrowed: set[str] = set()  # also of what a formula does not mention: at other values it is not this formula
    for derivation in derivations:
        known |= derivation.domains
        narrowed |= derivation.domains.keys() & {*rule.hyperparameter_names}
    known |= away_from_ends(formulas, {n: known[n] for n in rule.hyperparameter_names})
    return {name: known.get(name, REAL) for name in (*symbols(*formulas), *sorted(narrowed))}
