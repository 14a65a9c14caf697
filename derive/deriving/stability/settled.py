"""A rule after a long time: corrections by powers of t at their limits, states that fade away gone."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from derive.algebra.normal import readable
from derive.deriving.coordinatewise import coordinatewise
from derive.deriving.linear import given
from derive.expr import Apply, Expr, Number, Symbol, apply, fold, nodes, substitute, symbols
from derive.proving import Assumptions, identity
from derive.proving.obligations import inside
from derive.rule import DECAY, POSITIVE, Domain, Rule


@coordinatewise
def settled(rule: Rule) -> Rule | None:
    """The rule with every power of a decay to the t at its limit, zero, and signs as x/|x|; None where t is left.

    A state that is only ever multiplied by a decay is zero then. A hyperparameter that scales such an exponent has to
    be positive, and has that domain in the rule that is returned.
    """
    body = tuple(replace(line, value=_limit(rule, line.value)) for line in rule.body)
    positive = _scales(rule)
    narrowed = tuple(replace(h, domain=POSITIVE) if h.name in positive else h for h in rule.hyperparameters)
    plain = replace(rule, body=body, hyperparameters=narrowed, inputs=tuple(n for n in rule.inputs if n != "t"))
    gone = {s.name: Number(0) for s in plain.states if _fades(plain, s.name)}
    if gone:
        kept = tuple(line for line in plain.body if line.target not in gone)
        values = substitute([line.value for line in kept], gone)
        lines = tuple(replace(line, value=_plain(v)) for line, v in zip(kept, values, strict=True))
        plain = replace(plain, body=lines, states=tuple(s for s in plain.states if s.name not in gone))
    return None if "t" in symbols(*(line.value for line in plain.body)) else plain


def late_domains(rule: Rule, settled: Rule) -> dict[str, Domain]:
    """The domains that are narrower where all is at its limit: zero there would keep a power of t at one."""
    return {name: domain for name, domain in settled.domains.items() if domain != rule.domains[name]}


def _scales(rule: Rule) -> frozenset[str]:
    """The hyperparameters that scale an exponent and may be zero, at which the power would not fade."""
    exponents = [
        node.args[1] for node in nodes(line.value for line in rule.body)
        if isinstance(node, Apply) and node.op == "pow" and _is_decay(rule, node.args[0]) and _grows(rule, node.args[1])
    ]  # fmt: skip
    return frozenset(n for n in symbols(*exponents) if n != "t" and Fraction(0) in rule.domains[n])


def _limit(rule: Rule, expr: Expr) -> Expr:
    def at_limit(node: Apply, args: tuple[Expr, ...]) -> Expr:
        if node.op == "pow" and _is_decay(rule, args[0]) and _grows(rule, args[1]):
            return Number(0)
        if node.op == "sign":
            return args[0] / apply("abs", args[0])
        return _simple(node if args == node.args else Apply(node.op, args))

    return fold([expr], symbol=lambda s: s, number=lambda n: n, apply=at_limit)[0]


def _plain(expr: Expr) -> Expr:
    return fold([expr], symbol=lambda s: s, number=lambda n: n, apply=lambda n, a: _simple(Apply(n.op, a)))[0]


def _simple(node: Expr) -> Expr:
    """Without what zeros and ones leave behind: x - 0, x / 1, 1 * x, sqrt(1)."""
    if not isinstance(node, Apply):
        return node
    zero, one, first = Number(0), Number(1), node.args[0]
    second = node.args[-1]
    if (node.op in ("sub", "add") and second is zero) or (node.op in ("div", "mul") and second is one):
        return first
    if (node.op == "mul" and first is one) or (node.op == "add" and first is zero):
        return second
    if node.op == "mul" and zero in (first, second):
        return zero
    return one if node.op == "sqrt" and first is one else node


def _is_decay(rule: Rule, base: Expr) -> bool:
    """Whether the base is certainly in [0, 1)."""
    if isinstance(base, Number):
        return Fraction(0) <= base.value < 1
    return isinstance(base, Symbol) and rule.domains.get(base.name, Domain()) == DECAY


def _grows(rule: Rule, exponent: Expr) -> bool:
    """Whether the exponent grows with t without bound: t, t + 1, a positive multiple of them."""
    if exponent is Symbol("t"):
        return True
    if not isinstance(exponent, Apply) or exponent.op not in ("add", "sub", "mul"):
        return False
    first, second = exponent.args
    if exponent.op != "mul":
        return _grows(rule, first) and isinstance(second, Number)
    return any(_grows(rule, a) and _is_positive(rule, b) for a, b in ((first, second), (second, first)))


def _is_positive(rule: Rule, factor: Expr) -> bool:
    if isinstance(factor, Number):
        return factor.value > 0
    return isinstance(factor, Symbol) and rule.domains.get(factor.name, Domain()).low == 0


def _fades(rule: Rule, name: str) -> bool:
    """Whether a step only multiplies the state by a constant in [0, 1)."""
    after = rule.step[name]
    if name not in symbols(after) or not symbols(after) <= {name, *rule.hyperparameter_names}:
        return False
    [factor] = substitute([after], {name: Number(1)})
    return bool(identity([(after, factor * Symbol(name)), inside(factor, DECAY)], given(rule)))


def kept(rule: Rule, name: str, after: Expr, assumed: Assumptions) -> Expr | None:
    """The value of a state that `after`, a step of it, leaves as it is: an average's limit, or a maximum from zero."""
    [zero, one] = (substitute([after], {name: Number(k)})[0] for k in (0, 1))
    for candidate in (zero / (1 - (one - zero)), zero):
        value = readable(candidate, assumed)
        [again] = substitute([after], {name: value})
        if symbols(value) & {*rule.state_names}:
            continue
        # Defined, and kept: two sides that are both undefined would be equal too.
        if identity([(value - value, Number(0)), (again, value)], assumed):
            return value
    return None


def falls_to(name: str, after: Expr, value: Expr, assumed: Assumptions) -> bool:
    """Whether a step lowers the state wherever it is above that value, so that no other value lasts there."""
    state = Symbol(name)
    lower: Expr = apply("where", apply("lt", after, state), 1, 0)
    return bool(identity([(apply("where", apply("gt", state, value), lower, 1), Number(1))], assumed))
