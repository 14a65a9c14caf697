"""Which states change sign with the gradient: a proposal from the form of the rule, for the prover to check."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

from derive.expr import Apply, Expr, Number, Symbol, fold
from derive.rule import Rule

EVEN, ODD, ZERO, NEITHER = "even", "odd", "zero", "neither"
MOST_STATES = 6
ADDITIVE = frozenset({"add", "sub"})
ODD_FUNCTIONS = frozenset({"neg", "sign", "cbrt", "tanh", "sin", "cast"})
EVEN_FUNCTIONS = frozenset({"abs", "cos"})


def odd_states(rule: Rule) -> frozenset[str] | None:
    """The states that change sign when theta and all gradients do, the rest staying as they are; None: no such set."""
    if len(rule.states) > MOST_STATES:
        return None
    fixed = {"theta": ODD, **{name: ODD for name, _ in rule.questions}}
    for signs in product((EVEN, ODD), repeat=len(rule.states)):
        known = {**fixed, **dict(zip(rule.state_names, signs, strict=True))}
        wanted = [*(known[n] for n in rule.step), *(ODD for _ in rule.questions), *signs]
        found = _parities(
            [*rule.step.values(), *(point for _, point in rule.questions), *(s.initial for s in rule.states)], known
        )
        if all(have in (want, ZERO) for have, want in zip(found, wanted, strict=True)):
            return frozenset(n for n, sign in zip(rule.state_names, signs, strict=True) if sign == ODD)
    return None


def _parities(roots: list[Expr], known: Mapping[str, str]) -> list[str]:
    def number(node: Number) -> str:
        return ZERO if node.value == 0 else EVEN

    def symbol(node: Symbol) -> str:
        return known.get(node.name, EVEN)

    return fold(roots, symbol=symbol, number=number, apply=_parity)


def _parity(node: Apply, args: tuple[str, ...]) -> str:
    op = node.op
    if op in EVEN_FUNCTIONS:
        return NEITHER if NEITHER in args else EVEN
    if op in ODD_FUNCTIONS:
        return args[0]
    if op in ADDITIVE:
        return _alike(args)
    if op == "where":
        return _alike(args[1:]) if args[0] == EVEN else NEITHER
    if op in {"mul", "div"}:
        return NEITHER if NEITHER in args else ZERO if args[0] == ZERO else ODD if args.count(ODD) == 1 else EVEN
    if op == "pow" and isinstance(node.args[1], Number) and args[0] == ODD:
        whole = node.args[1].value
        return NEITHER if whole.denominator != 1 else ODD if whole.numerator % 2 else EVEN
    return EVEN if set(args) <= {EVEN, ZERO} else NEITHER


def _alike(args: tuple[str, ...]) -> str:
    kinds = set(args) - {ZERO}
    return ZERO if not kinds else kinds.pop() if len(kinds) == 1 else NEITHER
