"""Single mistakes, generated: what a slip of the pen makes of a formula, a body or a rule.

Every place of an expression is visited as a reader sees it (a shared subexpression at each of its
occurrences), and every mutant has a description to read in a failure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from random import Random

from derive.expr import Apply, Expr, Number, Symbol, apply, symbols, to_text
from derive.rule import Assignment, Rule, State

TRUTHS = frozenset({"lt", "le", "gt", "ge", "eq", "ne", "and", "or", "not"})
_CONFUSED = {
    "add": ("sub",), "sub": ("add",), "mul": ("div",), "div": ("mul",), "min": ("max",), "max": ("min",),
    "lt": ("le", "gt"), "le": ("lt", "ge"), "gt": ("ge", "lt"), "ge": ("gt", "le"), "eq": ("ne",), "ne": ("eq",),
    "and": ("or",), "or": ("and",), "exp": ("expm1",), "expm1": ("exp",), "log": ("log1p",), "log1p": ("log",),
}  # fmt: skip
_NOT_DROPPED = TRUTHS | {"where", "cast"}


def expression_mutants(value: Expr, names: Sequence[str]) -> Iterator[tuple[str, Expr]]:
    """Every mutant of one expression; `names` are those a symbol may be confused with."""
    for found in _slips(value, names):
        if found is not value:
            yield f"{to_text(value)} becomes {to_text(found)}", found
    if isinstance(value, Apply):
        for index, argument in enumerate(value.args):
            for what, mutant in expression_mutants(argument, names):
                with suppress(TypeError):  # a number where a truth value is wanted, which nobody can write
                    yield what, Apply(value.op, (*value.args[:index], mutant, *value.args[index + 1 :]))


def body_mutants(body: Sequence[Assignment], inputs: Iterable[str]) -> Iterator[tuple[str, tuple[Assignment, ...]]]:
    """Every mutant of a sequence of assignments over `inputs` whose names are still all defined."""
    known = list(inputs)
    for index, assignment in enumerate(body):
        for what, value in expression_mutants(assignment.value, known):
            changed = replace(assignment, value=value)
            yield f"{assignment.target}: {what}", (*body[:index], changed, *body[index + 1 :])
        known += [assignment.target] if assignment.target not in known else []
    for what, mutant in _rearranged(body):
        if _is_closed(mutant, inputs):
            yield what, mutant


def rule_mutants(rule: Rule) -> Iterator[tuple[str, Rule]]:
    """Every mutant of a rule's body, of its query point and of its initial states."""
    before = [*rule.inputs, *rule.state_names, *rule.hyperparameter_names]
    for what, body in body_mutants(rule.body, before):
        if {*before, *(a.target for a in body)}.issuperset(rule.outputs):
            yield what, replace(rule, body=body)
    if rule.query is not None:
        for what, query in expression_mutants(rule.query, [n for n in before if n != "g"]):
            yield f"query: {what}", replace(rule, query=query)
        yield "query: forgotten", replace(rule, query=None)
    for index, state in enumerate(rule.states):
        other = State(state.name, apply("add", state.initial, 1))
        yield (
            f"{state.name} starts one higher",
            replace(rule, states=(*rule.states[:index], other, *rule.states[index + 1 :])),
        )


def random_mutant(rule: Rule, random: Random) -> tuple[str, Rule]:
    """One of the mutants of a rule."""
    return random.choice(list(rule_mutants(rule)))


def _slips(value: Expr, names: Sequence[str]) -> Iterator[Expr]:
    """The mutants of the root of an expression."""
    if isinstance(value, Symbol):
        yield from (Symbol(name) for name in names if name != value.name)
        if value.name == "t":
            yield from (value + 1, value - 1)
    if isinstance(value, Number):
        yield from (Number(value.value + 1), Number(value.value - 1))
    if isinstance(value, Apply):
        yield from _of_operation(value)
    if not (isinstance(value, Apply) and value.op in TRUTHS):
        yield from (apply("mul", 2, value), apply("neg", value))


def _of_operation(value: Apply) -> Iterator[Expr]:
    yield from (Apply(op, value.args) for op in _CONFUSED.get(value.op, ()))
    if value.op not in _NOT_DROPPED:
        yield from value.args
    if value.op in ("sub", "div", "pow"):
        yield Apply(value.op, value.args[::-1])
    if value.op == "where":
        yield Apply("where", (value.args[0], value.args[2], value.args[1]))
    yield from _moved_under_the_root(value)


def _moved_under_the_root(value: Apply) -> Iterator[Expr]:
    """sqrt(x) + e becomes sqrt(x + e), and back."""
    match value:
        case Apply(op="add", args=(Apply(op="sqrt", args=(inner,)), moved)):
            yield apply("sqrt", inner + moved)
        case Apply(op="sqrt", args=(Apply(op="add", args=(inner, moved)),)):
            yield apply("sqrt", inner) + moved


def _rearranged(body: Sequence[Assignment]) -> Iterator[tuple[str, tuple[Assignment, ...]]]:
    for index, assignment in enumerate(body):
        yield f"{assignment.target}: line dropped", (*body[:index], *body[index + 1 :])
        if index + 1 < len(body):
            following = body[index + 1]
            swapped = (*body[:index], following, assignment, *body[index + 2 :])
            yield f"{following.target} before {assignment.target}", swapped


def _is_closed(body: Iterable[Assignment], inputs: Iterable[str]) -> bool:
    known = set(inputs)
    for assignment in body:
        if not symbols(assignment.value) <= known:
            return False
        known.add(assignment.target)
    return True
