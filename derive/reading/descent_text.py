"""The text of a descent around the rule's own functions: problem, steps, and the walk over the points of a grid.

It is the same for every rule but for how many names it has, and written here, once, for whoever emits it and whoever
reads it (`derive.reading.descent`). What is kept of a run: the loss and the distance from the minimum in the end, the
largest distance on the way, and the number of the first step after which the distance stays within a limit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import indent
from typing import Any

from derive.reading.landscapes import LANES, STRICT, functions_of, landscape
from derive.reading.norms import BLOCK
from derive.reading.norms import LANES as STRANDS

PACE = 4  # steps of one coordinate in a go, where nothing of another is needed
GIVEN = ("gradient_given", "loss_given")
ARGUMENTS = (
    "values", "places", "data", "least", "steps", "within", "smallest", "base", "lo", "hi",
    "loss", "distance", "largest", "settled_at",
)  # fmt: skip

_APART = '''\
def {name}(state, scalars, far, worst, data, size, made, limit):
    """{several} of every coordinate, and what is seen of the distance after each."""
    here, curvature = state[0:{width}], data[0]
{first}
    for j in range(1, size):
        here, curvature = state[{width} * j : {width} * j + {width}], data[j]
{others}
    for i in range({lanes}):
        most, last = worst[i], worst[{lanes} + i]
        for k in range({pace}):
            away = far[{lanes} * k + i]
            away = away if away == away else np.inf
            most = away if away > most else most
            last = last if away <= limit else made + float(k + 1)
        worst[i], worst[{lanes} + i] = most, last
'''

# The squares of the first coordinate are stored, and those of the others added to them.
_COORDINATE = """\
for i in range({lanes}):
    {now} = {kept}
    for k in range({pace}):
        {asked}
        {now} = update(theta, slope(point, curvature), {more}{scalars})
        far[{lanes} * k + i] {store} theta * theta
    {kept} = {now}
"""

_TOGETHER = '''\
def step(state, scalars, far, worst, points, slopes, {given}{to_measure}least, size, made, limit):
    """One step of every coordinate, and what is seen of the distance after it."""
    for j in range(size):
        here, there = state[{width} * j : {width} * j + {width}], points[{lanes} * j : {lanes} * j + {lanes}]
        for i in range({lanes}):
            {read}
            {asked}
            there[i] = point
    gradient(points, slopes, {to_gradient})
{measured}    far[:] = 0.0
    for j in range(size):
        here, there = state[{width} * j : {width} * j + {width}], slopes[{lanes} * j : {lanes} * j + {lanes}]
        centre = least[j]
        for i in range({lanes}):
            {now} = {kept}
            {now} = update(theta, there[i], {more}{scalars})
            far[i] += (theta - centre) * (theta - centre)
            {kept} = {now}
    for i in range({lanes}):
        away = far[i] if far[i] == far[i] else np.inf
        worst[i] = away if away > worst[i] else worst[i]
        worst[{lanes} + i] = worst[{lanes} + i] if away <= limit else made + 1.0
'''

# Norms are taken of all coordinates between the gradient and the step, with the sums of `derive.reading.norms.ADDING`:
# every so manyth square of a block is added up in a strand, then the halves of the strands, then the blocks.
_MEASURING = '''\
def measure_all(state, scalars, slopes, squares, norms, room, size):
    """The norms of every run, with the tree of sums that a kernel has."""
    norms[:] = 0.0
    for first in range(0, size, {block}):
        count = min(size - first, {block})
        strands = 1
        while strands < min(count, {strands}):
            strands *= 2
        for k in range({norms}):
            these = squares[{lanes} * room * k : {lanes} * room * (k + 1)]
            for i in range({lanes} * strands):
                these[i] = 0.0
        for j in range(count):
            strand = {lanes} * (j % {strands})
            here = state[{width} * (first + j) : {width} * (first + j) + {width}]
            there = slopes[{lanes} * (first + j) : {lanes} * (first + j) + {lanes}]
            for i in range({lanes}):
                {elements} = measure({measure})
{squared}
        for k in range({norms}):
            these = squares[{lanes} * room * k : {lanes} * room * (k + 1)]
            half = {lanes} * strands // 2
            while half >= {lanes}:
                for i in range(half):
                    these[i] += these[half + i]
                half //= 2
            for i in range({lanes}):
                norms[{lanes} * k + i] += these[i]
    for i in range({lanes} * {norms}):
        norms[i] = math.sqrt(norms[i])
'''

_MEASURED = """\
    measure_all(state, scalars, slopes, squares, norms, room, size)
    for i in range({lanes}):
        {handed} = prelude({prelude})
"""

_ENTRY = '''\
def distance_at(points, i, least, size):
    """How far a run is from the minimum; infinite where a coordinate is no number. Nothing over- or underflows."""
    scale = 0.0
    for j in range(size):
        away = abs(points[{lanes} * j + i] - least[j])
        away = away if away == away else np.inf
        scale = away if away > scale else scale
    if scale == 0.0 or scale == np.inf:
        return scale
    total = 0.0
    for j in range(size):
        away = (points[{lanes} * j + i] - least[j]) / scale
        total += away * away
    return scale * math.sqrt(total)


{strict}def entry({arguments}):
    """Run the points lo to hi of the grid; the answer is 0, or 1 where subnormal numbers are flushed to zero.

    Value k of point p is values[places[k, 0] + p // places[k, 1] % places[k, 2]]: the hyperparameters, then theta.
    What is found of point p goes to place p - base. A point with the hyperparameters of the one before it takes over
    its scalars.
    """
    if smallest + smallest == 0.0:
        return 1
    size, limit = least.size, within * within
    state, points, worst = np.empty({width} * size), np.empty({lanes} * size), np.empty({two})
    hyper, scalars, far = np.empty({hypers}), np.empty({places}), np.empty({pace_lanes})
    alike = np.empty({lanes}, np.bool_)
{times}{buffers}
    for first in range(lo, hi, {lanes}):
        for i in range({lanes}):
            p = min(first + i, hi - 1)
            alike[i] = i > 0
            for k in range({count}):
                hyper[{lanes} * k + i] = values[places[k, 0] + p // places[k, 1] % places[k, 2]]
                alike[i] = alike[i] and hyper[{lanes} * k + i] == hyper[{lanes} * k + i - 1]
{alike_in_time}            away = 0.0
            for j in range(size):
                k = {count} + j
                theta = values[places[k, 0] + p // places[k, 1] % places[k, 2]]
                {begun} = begin({begin})
                away += (theta - least[j]) * (theta - least[j])
            worst[i] = away
            worst[{lanes} + i] = -1.0 if away <= limit else 0.0
        steady = False
        made = 0
        while made < steps:
            if not steady:
                steady = True
                for i in range({lanes}):
{in_time}                    if alike[i]:
                        for k in range({scalar_first}, {scalar_count}):
                            scalars[{lanes} * k + i] = scalars[{lanes} * k + i - 1]
                        continue
{preludes}
                    steady = steady and settled({at_step})
{advance}
        for j in range(size):
            for i in range({lanes}):
                points[{lanes} * j + i] = state[{width} * j + i]
        for i in range(min({lanes}, hi - first)):
            p = first + i - base
            found = loss_at(points, i, {to_loss})
            loss[p] = found if found == found else np.inf
            distance[p] = distance_at(points, i, least, size)
            largest[p] = max(math.sqrt(worst[i]), distance[p])
            settled_at[p] = int(worst[{lanes} + i]) + 1 if worst[{lanes} + i] < steps else -1
    return 0
'''

_ADVANCE_APART = """\
            if steady and made + {pace} <= steps:
                stride(state, scalars, far, worst, data, size, float(made), limit)
                made += {pace}
            else:
                step(state, scalars, far, worst, data, size, float(made), limit)
                made += 1"""

_ADVANCE_TOGETHER = """\
            step(state, scalars, far, worst, points, slopes, {given}{to_measure}least, size, float(made), limit)
            made += 1"""


@dataclass(frozen=True)
class Shape:
    """How many names a rule has: states, hyperparameters, scalars handed on; and what its query is made of, if any.

    `asks` are the places of the states that the query reads, `ask_handed` how many scalars it is handed. `norms` are
    measured before each step, by elements that are handed `measure_handed` scalars. `timed` are scalars made before
    those of the step, of t and the hyperparameters at the places `timed_by`.
    """

    states: int
    hyperparameters: int
    handed: int
    asks: tuple[int, ...] | None = None
    ask_handed: int = 0
    norms: int = 0
    measure_handed: int = 0
    timed: int = 0
    timed_by: tuple[int, ...] = ()


def functions(shape: Shape, kind: str) -> tuple[str, ...]:
    """The names of the module's functions, in order."""
    query = () if shape.asks is None else ("ask_prelude", "ask")
    norms = ("measure_prelude", "measure") if shape.norms else ()
    problem = landscape(kind, together=bool(shape.norms))
    measuring = ("measure_all",) if shape.norms else ()
    strides = ("stride", "step") if problem.apart else (*measuring, "step")
    timed = ("timed",) if shape.timed else ()
    own = ("prelude", *timed, "settled", "begin", "update", *query, *norms)
    return (*own, *problem.names, *strides, "distance_at", "entry")


def loops(shape: Shape, kind: str) -> str:
    """The problem's functions, the steps and the entry: what is the same for every rule of this shape."""
    problem = landscape(kind, together=bool(shape.norms))
    states = tuple(f"state_{k}" for k in range(shape.states))
    handed = [_row("scalars", k) for k in range(shape.handed)]
    ask_handed = [_row("scalars", shape.handed + k) for k in range(shape.ask_handed)]
    now, kept = ", ".join(["theta", *states]), ", ".join(_row("here", k) for k in range(1 + shape.states))
    one = "" if states else ","
    given = "here_given, there_given, gradient_given, " if problem.given else "data, "
    fields = {
        "strict": STRICT,
        "lanes": LANES,
        "width": LANES * (1 + shape.states),
        "now": f"({now}{one})",
        "kept": f"({kept}{one})",
        "more": "".join(f"{s}, " for s in states),
        "scalars": ", ".join(handed),
        "asked": _asked(shape, states, ask_handed),
        "read": f"({now}{one}) = ({kept}{one})",
        "given": given,
        "to_gradient": "here_given, there_given, size, gradient_given" if problem.given else "data, size",
    }
    if problem.apart:
        paces = (("stride", PACE, f"{PACE} steps"), ("step", 1, "One step"))
        steps = [_apart(fields, *each) for each in paces]
        advance = _ADVANCE_APART.format(pace=PACE)
        buffers = []
    else:
        fields |= {"to_measure": "hyper, squares, norms, room, " if shape.norms else "", "measured": ""}
        steps = _measuring(shape, states) if shape.norms else []
        if shape.norms:
            fields["measured"] = _MEASURED.format(
                lanes=LANES,
                handed=_listed(handed),
                prelude=", ".join(["made + 1.0", *_hyper(shape), *(_row("norms", k) for k in range(shape.norms))]),
            )
        steps.append(_TOGETHER.format(**fields))
        advance = _ADVANCE_TOGETHER.format(given=fields["given"], to_measure=fields["to_measure"])
        buffers = [f"slopes = np.empty({LANES} * size)"]
        if shape.norms:
            buffers += ["room = 1", f"while room < min(size, {STRANDS}):", "    room *= 2"]
            buffers += [f"squares, norms = np.empty({LANES * shape.norms} * room), np.empty({LANES * shape.norms})"]
        buffers += ["here_given, there_given = np.empty(size), np.empty(size)"] if problem.given else []
    entry = _ENTRY.format(
        **fields,
        arguments=", ".join([*ARGUMENTS, *(GIVEN if problem.given else ())]),
        two=2 * LANES,
        hypers=LANES * shape.hyperparameters,
        places=LANES * (shape.handed + shape.ask_handed + shape.measure_handed),
        scalar_first=shape.handed if shape.norms else 0,
        scalar_count=shape.handed + shape.ask_handed + shape.measure_handed,
        pace_lanes=LANES * (PACE if problem.apart else 1),
        buffers="\n".join(f"    {line}" for line in buffers),
        count=shape.hyperparameters,
        begun=_listed([f"state[{LANES * (1 + shape.states)} * j + {LANES * k} + i]" for k in range(1 + shape.states)]),
        begin=", ".join(["theta", *_hyper(shape)]),
        **_in_time(shape),
        preludes="\n".join(f"{' ' * 20}{line}" for line in _preludes(shape, handed, ask_handed)),
        at_step=", ".join(["float(made + 1)", *_hyper(shape)]),
        advance=advance,
        to_loss="here_given, size, loss_given" if problem.given else "data, size",
    )
    return "\n\n".join([functions_of(problem), *(STRICT + text for text in [*steps, entry])])


def _measuring(shape: Shape, states: Sequence[str]) -> list[str]:
    """The function that measures the norms of every run."""
    first = shape.handed + shape.ask_handed
    scalars = [_row("scalars", first + k) for k in range(shape.measure_handed)]
    here = [_row("here", 1 + k) for k in range(len(states))]
    elements = [f"element_{k}" for k in range(shape.norms)]
    squared = [f"squares[{LANES * k} * room + strand + i] += {e} * {e}" for k, e in enumerate(elements)]
    return [
        _MEASURING.format(
            block=BLOCK,
            strands=STRANDS,
            width=LANES * (1 + shape.states),
            lanes=LANES,
            norms=shape.norms,
            elements=_listed(elements),
            measure=", ".join(["here[i]", "there[i]", *here, *scalars]),
            squared="\n".join(f"{' ' * 16}{line}" for line in squared),
        )
    ]


def _apart(fields: dict[str, Any], name: str, pace: int, several: str) -> str:
    """The function that makes so many steps of coordinates that are apart."""
    first, others = (
        indent(_COORDINATE.format(**fields, pace=pace, store=store).rstrip(), " " * deep)
        for store, deep in (("=", 4), ("+=", 8))
    )
    return _APART.format(**fields, name=name, pace=pace, several=several, first=first, others=others)


def _asked(shape: Shape, states: Sequence[str], handed: Sequence[str]) -> str:
    """The line that says where the gradient is taken."""
    if shape.asks is None:
        return "point = theta"
    return f"(point,) = ask({', '.join(['theta', *(states[k] for k in shape.asks), *handed])})"


def _preludes(shape: Shape, handed: Sequence[str], ask_handed: Sequence[str]) -> list[str]:
    at_step = ", ".join(["float(made + 1)", *_hyper(shape)])
    times = "".join(f", {_row('times', k)}" for k in range(shape.timed))
    lines = [f"{_listed(handed)} = prelude({at_step}{times})"]
    if shape.norms:  # the step's scalars wait for them
        first = shape.handed + shape.ask_handed
        lines = [
            f"{_listed([_row('scalars', first + k) for k in range(shape.measure_handed)])} = measure_prelude({at_step})"
        ]
    return lines if shape.asks is None else [*lines, f"{_listed(ask_handed)} = ask_prelude({at_step})"]


def _in_time(shape: Shape) -> dict[str, str]:
    """The lines that make the scalars which are timed, once for neighbours that have the same of what enters them."""
    if not shape.timed:
        return {"times": "", "alike_in_time": "", "in_time": ""}
    same = [f"{_row('hyper', k)} == hyper[{LANES * k - 1} + i]" for k in shape.timed_by]
    rows = [_row("times", k) for k in range(shape.timed)]
    lines = [
        "if alike_in_time[i]:",
        f"    for k in range({shape.timed}):",
        f"        times[{LANES} * k + i] = times[{LANES} * k + i - 1]",
        "else:",
        f"    {_listed(rows)} = timed({', '.join(['float(made + 1)', *_hyper(shape)])})",
    ]
    return {
        "times": f"    times, alike_in_time = np.empty({LANES * shape.timed}), np.empty({LANES}, np.bool_)\n",
        "alike_in_time": f"{' ' * 12}alike_in_time[i] = {' and '.join(['i > 0', *same])}\n",
        "in_time": "".join(f"{' ' * 20}{line}\n" for line in lines),
    }


def _hyper(shape: Shape) -> list[str]:
    return [_row("hyper", k) for k in range(shape.hyperparameters)]


def _row(array: str, k: int) -> str:
    return f"{array}[{LANES * k} + i]" if k else f"{array}[i]"


def _listed(names: Sequence[str]) -> str:
    return f"({', '.join(names)}{',' if len(names) == 1 else ''})"
