"""Exponents as the provers outside see them: linear in whole numbers, or nothing that can be said."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from derive.expr import Apply, Expr, Number, Symbol
from derive.rule import REAL, Domain

Linear = tuple[dict[str, Fraction], Fraction]


def exponent_in_whole_symbols(
    exponent: Expr, domains: Mapping[str, Domain]
) -> tuple[list[tuple[str, Fraction]], Fraction] | None:
    """The exponent as rational multiples of whole names plus a rational; None where it is nothing like that."""
    found = _linear(exponent, domains)
    if found is None:
        return None
    slopes, shift = found
    kept = [(name, slope) for name, slope in sorted(slopes.items()) if slope]
    return (kept, shift) if kept else None


def _linear(node: Expr, domains: Mapping[str, Domain]) -> Linear | None:
    if isinstance(node, Number):
        return {}, node.value
    if isinstance(node, Symbol):
        return ({node.name: Fraction(1)}, Fraction(0)) if domains.get(node.name, REAL).whole else None
    assert isinstance(node, Apply)
    if node.op not in ("add", "sub", "neg", "mul", "div"):
        return None
    parts = [_linear(arg, domains) for arg in node.args]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    if node.op in ("add", "sub"):
        return _sum(known[0], _scaled(known[1], Fraction(1 if node.op == "add" else -1)))
    if node.op == "neg":
        return _scaled(known[0], Fraction(-1))
    return _product(known[0], known[1], divided=node.op == "div")


def _product(a: Linear, b: Linear, divided: bool) -> Linear | None:
    if divided:
        return None if b[0] or not b[1] else _scaled(a, 1 / b[1])
    if not a[0]:
        return _scaled(b, a[1])
    return None if b[0] else _scaled(a, b[1])


def _scaled(a: Linear, factor: Fraction) -> Linear:
    return {name: slope * factor for name, slope in a[0].items()}, a[1] * factor


def _sum(a: Linear, b: Linear) -> Linear:
    names = {*a[0], *b[0]}
    return {n: a[0].get(n, Fraction(0)) + b[0].get(n, Fraction(0)) for n in names}, a[1] + b[1]
