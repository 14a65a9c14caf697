"""A rule with its preconditioner frozen: what an adaptive rule is while the scale of its gradients hardly changes.

Corrections by powers of t are taken at their limits. What divides a step and does not notice when theta, gradients
and first moments change their sign (roots of second moments, maxima, the size of what a sign is taken of) is the
preconditioner: it becomes a positive hyperparameter, and what is left must be linear.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import lru_cache

from derive.algebra.work import TooLarge, bounded
from derive.deriving.coordinatewise import coordinatewise
from derive.deriving.derivation import letter
from derive.deriving.linear import given
from derive.deriving.stability.closed import closed_loop
from derive.deriving.stability.settled import settled
from derive.expr import Apply, Expr, Symbol, apply, fold, substitute, symbols
from derive.proving import identity, invariants
from derive.rule import POSITIVE, Assignment, Hyperparameter, Rule

WORK = 2_000_000


@dataclass(frozen=True)
class Frozen:
    """`rule` is linear and has `name` for `preconditioner`, a formula in held states after the step (`v[t]`).

    `settled` is the rule itself with its corrections at their limits; of its states `held` are never negative and
    blind to signs, all others change their sign with the gradients.
    """

    rule: Rule
    name: str
    preconditioner: Expr
    held: tuple[str, ...]
    settled: Rule


@coordinatewise
def frozen(rule: Rule) -> Rule | None:
    """The linear rule with the preconditioner as a positive hyperparameter; None for rules that have none."""
    found = freeze(rule)
    return None if found is None else found.rule


@lru_cache(maxsize=128)
@coordinatewise
def freeze(rule: Rule) -> Frozen | None:
    """What `frozen` says, with what was held."""
    if rule.is_average or rule.asked:
        return None
    try:
        with bounded(WORK):
            plain = settled(rule)
            held = None if plain is None else _blind(plain)
            return None if plain is None or held is None else _cut_out(plain, held)
    except TooLarge:
        return None


def _blind(rule: Rule) -> tuple[str, ...] | None:
    """The states that are never negative, where they stay what they are when everything else changes its sign."""
    nonnegative = invariants(rule)
    names = tuple(rule.step)
    turned = substitute([rule.step[n] for n in names], _flipped(rule, nonnegative))
    same = [(rule.step[n] if n in nonnegative else -rule.step[n], e) for n, e in zip(names, turned, strict=True)]
    return tuple(nonnegative) if identity(same, given(rule)) else None


def _flipped(rule: Rule, held: Collection[str]) -> dict[str, Expr]:
    moving = ("theta", "g", *rule.state_names)
    return {name: -Symbol(name) for name in moving if name not in held}


def _cut_out(rule: Rule, held: tuple[str, ...]) -> Frozen | None:
    """The rule with the one preconditioner as a name, without the states that then play no part."""
    name = letter(rule, "P")
    after = _after(rule, held)
    divisors: list[Expr] = []
    cut = {n: _cut(rule, held, e, name, divisors) for n, e in after.items()}
    if len(set(divisors)) != 1:
        return None
    alive = _alive(rule, cut)
    used = symbols(*(cut[n] for n in alive))
    linear = replace(
        rule,
        name=f"{rule.name}_frozen",
        hyperparameters=(
            *(h for h in rule.hyperparameters if h.name in used),
            Hyperparameter(name, None, POSITIVE, "the preconditioner, held"),
        ),
        states=tuple(s for s in rule.states if s.name in alive),
        body=_at_once({n: cut[n] for n in alive}),
    )
    return None if closed_loop(linear) is None else Frozen(linear, name, divisors[0], held, rule)


def _after(rule: Rule, held: tuple[str, ...]) -> dict[str, Expr]:
    """theta and the states that are not held after the step; held ones after it stand under names such as `v[t]`."""
    last = {line.target: index for index, line in enumerate(rule.body)}
    values: dict[str, Expr] = {}
    for index, line in enumerate(rule.body):
        [value] = substitute([line.value], values)
        complete = line.target in held and last[line.target] == index
        values[line.target] = Symbol(f"{line.target}[t]") if complete else value
    return {n: values.get(n, Symbol(n)) for n in ("theta", *rule.state_names) if n not in held}


def _alive(rule: Rule, values: dict[str, Expr]) -> tuple[str, ...]:
    """theta and the states it depends on, directly or not."""
    alive = {"theta"}
    while more := (symbols(*(values[n] for n in alive)) & values.keys()) - alive:
        alive |= more
    return tuple(n for n in values if n in alive)


def _cut(rule: Rule, held: tuple[str, ...], expr: Expr, name: str, divisors: list[Expr]) -> Expr:
    """The expression with each preconditioner in it, outermost first, as one name."""
    for node in _outermost(rule, expr):
        divisor = node.args[1]
        if _is_blind(rule, held, divisor):
            divisors.append(divisor)
            expr = _replaced(expr, node, apply("div", node.args[0], Symbol(name)))
    return expr


def _outermost(rule: Rule, expr: Expr) -> list[Apply]:
    """The divisions by what is no constant that are not inside the divisor of another."""
    found: list[Apply] = []
    stack = [expr]
    while stack:
        node = stack.pop()
        if isinstance(node, Apply):
            moving = node.op == "div" and bool(symbols(node.args[1]) - {*rule.hyperparameter_names})
            found += [node] if moving else []
            stack += node.args[:1] if moving else node.args
    return found


def _is_blind(rule: Rule, held: tuple[str, ...], divisor: Expr) -> bool:
    [turned] = substitute([divisor], _flipped(rule, held))
    return turned is divisor or bool(identity([(turned, divisor)], given(rule)))


def _replaced(expr: Expr, old: Expr, new: Expr) -> Expr:
    def rebuilt(node: Apply, args: tuple[Expr, ...]) -> Expr:
        if node is old:
            return new
        return node if args == node.args else Apply(node.op, args)

    return fold([expr], symbol=lambda s: s, number=lambda n: n, apply=rebuilt)[0]


def _at_once(values: dict[str, Expr]) -> tuple[Assignment, ...]:
    """Assignments of values all taken before the first of them."""
    made = [Assignment(f"{n}_new", value) for n, value in values.items()]
    return (*made, *(Assignment(n, Symbol(f"{n}_new")) for n in values))
