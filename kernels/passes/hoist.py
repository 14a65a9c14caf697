"""What depends on no array is computed once per step: in float64, rounded once, and handed to the elements."""

from __future__ import annotations

from dataclasses import dataclass, replace

from derive.expr import Apply, Expr, Number, Symbol, fold, symbols
from derive.rule import Assignment
from kernels.program import Program, fresh, is_literal, is_truth, replaced

_WORDS = {
    "add": "{}_plus_{}", "sub": "{}_minus_{}", "mul": "{}_{}", "div": "{}_over_{}", "neg": "minus_{}",
    "sqrt": "root_{}", "pow": "{}_to_{}",
}  # fmt: skip
LONGEST_NAME = 32


@dataclass(frozen=True)
class Hoist:
    """Every cast and every truth value of scalars gets a name in the prelude; literals stay where they are."""

    name: str = "hoist"

    def apply(self, program: Program) -> Program:
        named: dict[Expr, Expr] = {}
        prelude = list(program.prelude)
        taken = set(program.taken)
        for node in _moving(program):
            name = fresh(_name_of(node), taken)
            taken.add(name)
            named[node] = Symbol(name)
            prelude.append(Assignment(name, node))
        body = tuple(replace(a, value=replaced(a.value, named)) for a in program.body)
        return replace(program, prelude=tuple(prelude), body=body)


def _moving(program: Program) -> tuple[Expr, ...]:
    """The outermost scalars of the body, each once, in the order the elements need them."""
    elements = program.elements
    found: dict[Expr, None] = {}
    seen: set[Expr] = set()
    waiting = [a.value for a in reversed(program.body)]
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        if _moves(node, elements):
            found[node] = None
        elif isinstance(node, Apply):
            waiting.extend(reversed(node.args))
    return tuple(found)


def _moves(node: Expr, elements: frozenset[str]) -> bool:
    if not isinstance(node, Apply) or is_literal(node) or not symbols(node).isdisjoint(elements):
        return False
    return node.op == "cast" or is_truth(node)


def _name_of(node: Expr) -> str:
    """A name that says the formula where it is short, with `_e` for what is rounded to the element type."""
    assert isinstance(node, Apply)
    if is_truth(node):
        return "condition"
    words = fold([node.args[0]], symbol=lambda s: s.name, number=_number_word, apply=_words)[0]
    short = words if len(words) <= LONGEST_NAME else "factor"
    return f"{short}_e" if short.isidentifier() else "factor_e"


def _number_word(number: Number) -> str:
    return {0: "zero", 1: "one", 2: "two"}.get(int(number.value), "") if number.value.denominator == 1 else ""


def _words(node: Apply, args: tuple[str, ...]) -> str:
    pattern = _WORDS.get(node.op)
    return pattern.format(*args) if pattern and all(args) else " " * (LONGEST_NAME + 1)
