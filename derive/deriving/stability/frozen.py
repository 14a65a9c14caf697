"""A rule with its preconditioner frozen: what an adaptive rule is while the scale of its gradients hardly changes.

States that are never negative and blind to the sign of everything else (second moments, sums of squares, maxima)
are held; corrections by powers of t are taken at their limits; what divides by the held states becomes a
hyperparameter, the preconditioner.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from derive.algebra.work import TooLarge, bounded
from derive.deriving.derivation import letter
from derive.deriving.linear import given
from derive.deriving.stability.closed import closed_loop
from derive.expr import Apply, Expr, Number, Symbol, fold, substitute, symbols
from derive.proving import identity, invariants
from derive.rule import DECAY, POSITIVE, Assignment, Domain, Hyperparameter, Rule

WORK = 2_000_000


@dataclass(frozen=True)
class Frozen:
    """`rule` is linear, with `name` for `preconditioner`, an expression in the held states after the step."""

    rule: Rule
    name: str
    preconditioner: Expr
    held: tuple[str, ...]
    settled: tuple[Assignment, ...]  # the rule's own step, corrections at their limits


def frozen(rule: Rule) -> Rule | None:
    """The linear rule with the preconditioner as a positive hyperparameter; None for rules that have none."""
    found = freeze(rule)
    return None if found is None else found.rule


@lru_cache(maxsize=128)
def freeze(rule: Rule) -> Frozen | None:
    """What `frozen` says, with what was held."""
    if rule.is_average or rule.asked:
        return None
    body = settled(rule)
    if body is None:
        return None
    plain = replace(rule, body=body, inputs=tuple(n for n in rule.inputs if n != "t"))
    try:
        with bounded(WORK):
            held = _even(plain)
            return _with_preconditioner(plain, held) if held else None
    except TooLarge:
        return None


def settled(rule: Rule) -> tuple[Assignment, ...] | None:
    """The body with every power of a decay to the t at its limit, zero; None where more of t is left."""
    values = [_without_powers(rule, line.value) for line in rule.body]
    if "t" in symbols(*values):
        return None
    return tuple(replace(line, value=value) for line, value in zip(rule.body, values, strict=True))


def _without_powers(rule: Rule, expr: Expr) -> Expr:
    def limit(node: Apply, args: tuple[Expr, ...]) -> Expr:
        again = node if args == node.args else Apply(node.op, args)
        vanishes = node.op == "pow" and args[1] is Symbol("t") and _is_decay(rule, args[0])
        return Number(0) if vanishes else again

    return fold([expr], symbol=lambda s: s, number=lambda n: n, apply=limit)[0]


def _is_decay(rule: Rule, base: Expr) -> bool:
    """Whether the base is certainly in [0, 1)."""
    return isinstance(base, Symbol) and rule.domains.get(base.name, Domain()) == DECAY


def _even(rule: Rule) -> tuple[str, ...]:
    """The states that are never negative and stay what they are when theta, gradients and other states change sign."""
    nonnegative = set(invariants(rule))
    flipped = {n: -Symbol(n) for n in ("theta", "g", *rule.state_names) if n not in nonnegative}
    names = tuple(rule.step)
    turned = substitute([rule.step[n] for n in names], flipped)
    same = [(now if n in nonnegative else -now, then) for n, now, then in
            zip(names, (rule.step[n] for n in names), turned, strict=True)]  # fmt: skip
    return tuple(sorted(nonnegative)) if identity(same, given(rule)) else ()


def _with_preconditioner(rule: Rule, held: Sequence[str]) -> Frozen | None:
    """The held states cut out: each divisor made of them and of hyperparameters is the new name."""
    name = letter(rule, "P")
    own = {name_ for name_ in rule.hyperparameter_names}
    new = {state: Symbol(f"{state}[t]") for state in held}
    values: dict[str, Expr] = {}
    for line in rule.body:
        [value] = substitute([line.value], values)
        values[line.target] = new.get(line.target, value) if line.target in new else value
    last = {n: e for n, e in values.items() if n in ("theta", *rule.state_names) and n not in held}
    divisors: list[Expr] = []
    allowed = {*own, *(s.name for s in new.values())}
    cut = [_cut(value, allowed, own, name, divisors) for value in last.values()]
    if len(set(divisors)) != 1:
        return None
    used = symbols(*cut)
    kept = tuple(h for h in rule.hyperparameters if h.name in used)
    linear = replace(
        rule,
        name=f"{rule.name}_frozen",
        hyperparameters=(*kept, Hyperparameter(name, None, POSITIVE, "the preconditioner, held")),
        states=tuple(s for s in rule.states if s.name not in held),
        body=_at_once(dict(zip(last, cut, strict=True))),
    )
    if closed_loop(linear) is None:
        return None
    return Frozen(linear, name, divisors[0], tuple(held), rule.body)


def _cut(expr: Expr, allowed: set[str], own: set[str], name: str, divisors: list[Expr]) -> Expr:
    """The expression with each divisor that holds a held state, and nothing that moves, as one name."""

    def replaced(node: Apply, args: tuple[Expr, ...]) -> Expr:
        if node.op == "div" and symbols(node.args[1]) <= allowed and symbols(node.args[1]) - own:
            divisors.append(node.args[1])
            return Apply("div", (args[0], Symbol(name)))
        return node if args == node.args else Apply(node.op, args)

    return fold([expr], symbol=lambda s: s, number=lambda n: n, apply=replaced)[0]


def _at_once(values: dict[str, Expr]) -> tuple[Assignment, ...]:
    """Assignments of values all taken before the first of them."""
    made = [Assignment(f"{n}_new", value) for n, value in values.items()]
    return (*made, *(Assignment(n, Symbol(f"{n}_new")) for n in values))
