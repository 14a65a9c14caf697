"""Inputs that a text calls by the same name once it has changed them: `grad = grad + weight_decay * p`.

What is stored under such a name does not outlast the step: the next one is given the name anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from derive.expr import Number, Symbol, apply, substitute
from derive.reading.pasted.code.steps import Step
from derive.reading.pasted.flow import carried, reads
from derive.reading.pasted.groups import groups
from derive.reading.step.statements import (
    Branch,
    Initialise,
    Parameter,
    Returned,
    Statement,
    Store,
    fresh,
    stored,
    substituted,
)

_GRADIENT = re.compile(r".*grad.*|g|dw|dx|dW|d_p")


def with_inputs(step: Step) -> Iterator[Step]:
    """The step as it may be meant: names that are given anew apart from what is made of them.

    In a function these are the arguments it neither returns nor stores into; where nothing says what
    is given, each name that is made from itself first may be one, and so may what is called a gradient.
    """
    step = _without_clearing(step) if step.looped else step
    step = _apart(
        step, [n for n in carried(step.statements) if n.endswith(".grad") or n in step.items or n == step.counter]
    )  # given anew at each step
    if not step.looped and step.returned:
        leaving = {n for r in step.returned for n in (r.name, *r.shares) if n}
        names = [n for n in _arguments(step) if n not in leaving]
        rebound = [n for n in names if not _stored_into(n, step.statements)]
        if rebound != names and len(leaving) < len(step.returned):  # `w *= 2`, and `w - lr * dw` is the new w
            yield _apart(step, names)
        yield _apart(step, rebound)
        return
    yield step
    last = {n for group in groups(step.statements) if len(group.last) == 1 for n in group.last}
    open_ = [n for n in carried(step.statements) if n not in {*step.starts, *step.kept, *last} and "." not in n]
    if step.looped:
        first = [n for n in open_ if _is_made_from_itself_first(n, step.statements)]
        yield from (replace(_apart(step, [n]), anew=n) for n in first)
        for n in (
            n for n in open_ if n not in first and _GRADIENT.fullmatch(n) and not _stored_into(n, step.statements)
        ):
            yield replace(_apart(step, [n]), anew=n, assumed=(*step.assumed, f"{n} is given anew at each step"))


def with_change(step: Step) -> Step | None:
    """The step of a function that gets the gradient and no parameter, and returns what is to be added to it.

    `return updates, state`, as optax's transformations do. None for any other.
    """
    given = [p for p in step.parameters if p.default is None and not p.optional and not p.keyword_only]
    returned = step.returned or ()
    if step.looped or len(given) != 1 or len(returned) != 1 or step.kept & {given[0].name}:
        return None
    if not any("." in n for n in carried(step.statements)):  # its state is in a dictionary or object of its own
        return None
    own = _apart(step, [given[0].name]) if given[0].name in stored(step.statements) else step
    value = own.returned[0].value if own.returned else returned[0].value
    if given[0].name in stored(step.statements) and value is Symbol(given[0].name):
        value = Symbol(next(s.target for s in own.statements if isinstance(s, Store)))
    aside = next((p for p in step.parameters if p.optional), None)
    name = aside.name if aside is not None else fresh("params", {n for s in own.statements for n in reads(s)})
    added = Store(name, apply("add", Symbol(name), value), step.return_line)
    parameter = Parameter(name, step.return_line)
    others = tuple(p for p in own.parameters if p is not aside)
    said = f"what is returned is added to {name}"
    return replace(own, statements=(*own.statements, added), returned=(Returned(Symbol(name)),),
                   parameters=(parameter, *others), assumed=(said,))  # fmt: skip


def _without_clearing(step: Step) -> Step:
    """The step without a number given to a name as the last and only thing it does to it.

    A buffer that is cleared is found filled by the next step; any other number is what the name stands for.
    """
    kept = set(carried(step.statements)) - step.starts.keys()
    last = {n: s for n in kept if (s := _only_given(n, step.statements)) is not None}
    statements = tuple(s for s in step.statements if s not in last.values())
    if not last or not groups(statements):
        return step
    constants = {n: s.value for n, s in last.items() if s.value is not Number(0)}
    return replace(step, statements=statements, starts={**step.starts, **constants})


def _only_given(name: str, statements: Sequence[Statement]) -> Store | None:
    """The last statement with the name, where it gives it a number and no other gives it anything."""
    stores = [s for s in statements if name in stored([s])]
    last = [s for s in statements if name in reads(s) or name in stored([s])][-1]
    given = isinstance(last, Store) and isinstance(last.value, Number)
    return last if len(stores) == 1 and given and last is stores[0] else None  # type: ignore[return-value]


def _arguments(step: Step) -> list[str]:
    plain = {p.name for p in step.parameters if p.default is None and not p.optional}
    return [n for n in carried(step.statements) if n in plain and n not in step.kept]


def _stored_into(name: str, statements: Sequence[Statement]) -> bool:
    """Whether any store to the name writes into its array, which the caller has too."""
    for s in statements:
        match s:
            case Store(target=target, in_place=True) if target == name:
                return True
            case Initialise() if name in stored([s]):
                return True
            case Branch(then=then, otherwise=otherwise) if _stored_into(name, (*then, *otherwise)):
                return True
    return False


def _is_made_from_itself_first(name: str, statements: Sequence[Statement]) -> bool:
    """Whether nothing looks at the name before it is made from itself and something else."""
    first = next(s for s in statements if name in reads(s) or name in stored([s]))
    return isinstance(first, Store) and first.target == name and name in reads(first) and len(reads(first)) > 1


def _apart(step: Step, names: Sequence[str]) -> Step:
    """The step with what is made of each name under a name of its own."""
    statements, returned = step.statements, step.returned
    for name in names:
        taken = {n for s in statements for n in (*reads(s), *stored([s]))}
        own = fresh(f"{name}_", taken)
        statements = _renamed(statements, name, own)
        returned = returned and tuple(_renamed_return(r, name, own) for r in returned)
    return replace(step, statements=statements, returned=returned)


def _renamed_return(returned: Returned, name: str, own: str) -> Returned:
    """What is returned, of which the name meant what the step has made of it."""
    [value] = substitute([returned.value], {name: Symbol(own)})
    return Returned(value, frozenset(own if n == name else n for n in returned.shares))


def _renamed(statements: tuple[Statement, ...], name: str, own: str) -> tuple[Statement, ...]:
    line = next(s.line for s in statements if name in stored([s]))
    return (Store(own, Symbol(name), line), *(substituted(s, {name: Symbol(own)}) for s in statements))
