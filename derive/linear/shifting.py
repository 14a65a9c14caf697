"""State maps for rules that are equal up to a shift in time.

The delayed rule keeps the last k gradients and starts at step k + 1. Until then b's state is known
outright, from theta_0 and the gradients answered so far; from then on a linear map gives it.
"""

from __future__ import annotations

from dataclasses import replace

from derive.expr import Expr, Symbol, apply, substitute, symbols
from derive.linear.matrices import IsZero, Matrix, matrix, times
from derive.linear.ratios import NOTHING, UNITY, Ratio
from derive.linear.relation import Branch, unprefixed
from derive.linear.statemaps import StateMap, Writer, state_map, with_one
from derive.linear.structure import observable
from derive.linear.system import ALWAYS_ONE, LinearSystem
from derive.transforms import answer_buffers


def with_shift(branch: Branch, a: LinearSystem, b: LinearSystem, is_zero: IsZero, writer: Writer) -> Branch:
    """The branch with b's first points, and the states of b in those of the delayed a."""
    a, b = with_one(a), with_one(b)
    first = tuple(_written(row, writer) for row in _first_points(b, branch.shift))
    default = _written(_first_points(a, 1)[0], writer)
    held = () if all(point is default for point in first) else first
    later = replace(b, start=started(b, branch.shift))
    found = state_map(_late(a, branch.shift), later, is_zero)
    if found is None:
        return replace(branch, first=held)
    return replace(branch, first=held, states=_states(found, a, b, branch.shift, is_zero, writer))


def started(system: LinearSystem, steps: int) -> Matrix:
    """The start of the system after some steps in which nothing was answered."""
    start = system.start
    for _ in range(steps):
        start = times(system.transition, start)
    return start


def _first_points(system: LinearSystem, steps: int) -> Matrix:
    """What is shown in the first steps as long as no answer counts: multiples of theta_0 and of one."""
    return matrix(times(system.output, started(system, step))[0] for step in range(steps))


def _written(row: tuple[Ratio, ...], writer: Writer) -> Expr:
    named = zip(("a.theta", ALWAYS_ONE), row, strict=True)
    return unprefixed(writer.sum({name: value for name, value in named if value}))


def _late(a: LinearSystem, steps: int) -> LinearSystem:
    """The system with its last answers kept, driven by the oldest of them."""
    buffers = answer_buffers(a.rule, steps)
    count = len(buffers)
    wide = [(*row, *[NOTHING] * (count - 1), *late) for row, late in zip(a.transition, a.input, strict=True)]
    moved = [[NOTHING] * (a.size + count)] + [
        [UNITY if j == a.size + i else NOTHING for j in range(a.size + count)] for i in range(count - 1)
    ]
    shown = [(*row, *[NOTHING] * (count - 1), *late) for row, late in zip(a.output, a.feedthrough, strict=True)]
    return replace(
        a,
        states=(*a.states, *buffers),
        transition=matrix([*wide, *moved]),
        input=matrix([*([NOTHING] for _ in range(a.size)), [UNITY], *([NOTHING] for _ in range(count - 1))]),
        output=matrix(shown),
        feedthrough=matrix([NOTHING] for _ in a.output),
        start=matrix([*a.start, *((NOTHING, NOTHING) for _ in buffers)]),
    )


def _states(
    found: StateMap, a: LinearSystem, b: LinearSystem, steps: int, is_zero: IsZero, writer: Writer
) -> dict[str, Expr]:
    """The linear map once the first answer counts; before, where b stands after so many steps."""
    t = Symbol("t")
    begun: dict[str, Expr] = {
        f"a.{s.name}": apply("where", apply("gt", t, steps + 1), Symbol(f"a.{s.name}"), _side(s.initial))
        for s in a.rule.states
    }
    late = {n: substitute([e], begun)[0] for n, e in writer.states(found, "a.", "b.").items()}
    result = dict(late)
    for step in range(steps, 0, -1):
        early = writer.states(_early(found, a, b, step, is_zero), "a.", "b.")
        result = {
            n: e if e is early[n] else apply("where", apply("gt", t, step), e, early[n]) for n, e in result.items()
        }
    return {n: unprefixed(e) for n, e in result.items()}


def _early(found: StateMap, a: LinearSystem, b: LinearSystem, step: int, is_zero: IsZero) -> StateMap:
    """Where b stands before step `step`: from its start and the answers so far."""
    seen = observable(b, is_zero)
    start = replace(b, start=started(b, step - 1)).start
    stands = times(seen.rows, start)
    columns = [stands, *(times(seen.rows, _moved(b, age)) for age in range(step - 1))]
    names = ["theta", ALWAYS_ONE, *answer_buffers(a.rule, step - 1)]
    rows = [tuple(x for column in columns for x in column[i]) for i in range(seen.size)]
    in_a = {
        b.states[p]: {n: x for n, x in zip(names, row, strict=True) if x}
        for p, row in zip(seen.pivots, rows, strict=True)
    }
    return StateMap(in_a, found.in_free)


def _moved(b: LinearSystem, steps: int) -> Matrix:
    """What an answer has made of the states that many steps after it came."""
    moved = b.input
    for _ in range(steps):
        moved = times(b.transition, moved)
    return moved


def _side(value: Expr) -> Expr:
    return substitute([value], {n: Symbol(f"a.{n}") for n in symbols(value)})[0]
