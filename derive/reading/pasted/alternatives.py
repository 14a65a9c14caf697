"""Other readings of one step: a formula that is itself the gradient, and values returned under other names.

`grad = 2 * x; x = x - lr * grad` descends a function whose gradient at x is 2 x: a value made from
the parameters as they are before the step, and from nothing else that isn't given, may be what the
step is given. `return w - lr * dw` gives the new value of one of the arguments.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice, product

from derive.expr import Symbol, symbols
from derive.reading.pasted.code.steps import Step
from derive.reading.pasted.flow import carried, dependencies, reads
from derive.reading.step.statements import Query, Returned, Statement, Store, parallel, stored
from derive.rule import Assignment

MOST = 24
RETURNED = 6  # values under other names


def with_computed_gradients(step: Step, written: frozenset[str]) -> Step | None:
    """The step with every such value left open, under the names that are `written`; None where there is none."""
    states = set(carried(step.statements))
    made = {name: behind for name, behind in _computed(step).items() if name in written}
    used = {
        t
        for t in made
        if any(t in reads(s) for s in step.statements if not (isinstance(s, Store) and s.target in made))
    }
    used = {t for t in used if made[t] & states}
    if not used:
        return None
    statements: list[Statement] = []
    unknown = dict(step.unknown)
    for s in step.statements:
        if not (isinstance(s, Store) and s.target in used):
            statements.append(s)
            continue
        behind = made[s.target] & states
        if len(behind) == 1:
            statements.append(Query(s.target, Symbol(next(iter(behind))), s.line))
        else:
            unknown[s.target] = frozenset(behind)
    return replace(step, statements=tuple(statements), unknown=unknown)


def is_self_contained(step: Step) -> bool:
    """Whether the text gives every name a value: then its gradient can only be one it computes."""
    changed = set(stored(step.statements))
    free = {n for s in step.statements for n in reads(s)} - changed - {step.counter}
    return (
        not any(isinstance(s, Query) for s in step.statements)
        and not step.unknown
        and free <= step.starts.keys() | step.data
    )


def _computed(step: Step) -> dict[str, frozenset[str]]:
    """The values made only from states as they are before the step and from names given before the loop."""
    states, moved = set(carried(step.statements)), set[str]()
    changed = stored(step.statements)
    times = Counter(name for s in step.statements for name in stored([s]))
    made: dict[str, frozenset[str]] = {}
    for s in step.statements:
        read = reads(s)
        allowed = (states - moved) | (step.starts.keys() - set(changed)) | made.keys() | step.data
        if (
            isinstance(s, Store)
            and s.target not in states
            and times[s.target] == 1
            and read <= allowed
            and read
            and not (isinstance(s.value, Symbol) and s.value.name in states)  # a copy
        ):
            made[s.target] = frozenset[str]().union(*(made.get(n, frozenset({n})) for n in read))
        moved |= states & set(stored([s]))
    return made


def with_returned_values(step: Step) -> Iterator[Step]:
    """The step; where it returns a value that is no argument, that stored in an argument it is made from."""
    states = set(carried(step.statements))
    returned = step.returned or ()
    own = states | {p.name for p in step.parameters}
    late = [i for i, r in enumerate(returned) if r.name not in own]
    if not late or step.looped or len(late) > RETURNED:
        yield step
        return
    made = dependencies(step.statements)
    taken = {*states, *(r.name for r in returned)}
    open_ = [p.name for p in step.parameters if not p.keyword_only and p.name not in taken]
    choices = [_choices(returned[i], open_, made) for i in late]
    found = False
    for chosen in islice((c for c in product(*choices) if len(set(c)) == len(c)), MOST):
        found = True
        stores = [Store(p, returned[i].value, step.return_line) for i, p in zip(late, chosen, strict=True)]
        names = dict(zip(late, chosen, strict=True))
        values = tuple(Returned(Symbol(names[i])) if i in names else r for i, r in enumerate(returned))
        yield replace(step, statements=(*step.statements, *_at_once(stores)), returned=values)
    if not found:
        yield step


def _choices(returned: Returned, arguments: Sequence[str], made: dict[str, frozenset[str]]) -> list[str]:
    """The arguments a value is made from, those it is named after first."""
    read = symbols(returned.value)
    behind = frozenset[str]().union(*(made.get(n, frozenset({n})) for n in read))
    named = returned.name or ""
    return sorted((a for a in arguments if a in behind), key=lambda a: not named.startswith(a))


def _at_once(stores: Sequence[Store]) -> list[Statement]:
    """Stores whose values are all taken before the first is made."""
    taken = {n for s in stores for n in (s.target, *symbols(s.value))}
    ordered = parallel([Assignment(s.target, s.value, s.line) for s in stores], taken)
    return [Store(a.target, a.value, a.line) for a in ordered]
