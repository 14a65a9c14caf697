"""A rule's programs as a module that goes down a problem from every point of a grid: the third template.

Beside it are that of a step (`kernels.emit`) and that of a run through data (`kernels.through`). What is around the
rule's own functions is one text (`derive.reading.descent_text`), with the problem in it (`derive.reading.landscapes`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from derive.errors import UserError
from derive.expr import Apply, Expr, Number, Symbol, nodes, substitute, symbols
from derive.ops import OPS, Rounding
from derive.reading.descent import settled_together
from derive.reading.descent_text import Shape, loops
from derive.reading.landscapes import LANES, STRICT
from derive.reading.through import pack
from derive.rule import Assignment, Rule, inline
from kernels.emit import HEAD, assignment_lines, emitted_names, expression, header, renamed
from kernels.pipeline import programs
from kernels.program import Program, is_truth, without_unused
from kernels.through import emit_update

TAKEN = frozenset({"ask", "ask_prelude", "begin", "measure", "measure_prelude", "settled", "timed", "update"})

_TEMPLATE = (
    HEAD
    + '''\
{timed}{strict}def settled({counted}):
    """Whether no scalar changes any more after this step, although t does."""
    return {condition}


{strict}def begin({begin_arguments}):
    """Theta, and how each state begins."""
    return {begun}


{update}
{others}
{loops}'''
)

_TIMED = '''\
{strict}def timed({parameters}):
    """Scalars of t that take long to make: points that have the same of what enters them share them."""
{lines}
    return {names}


'''

_BESIDES = '''
{strict}def {name}_prelude({parameters}):
    """{what}"""
{prelude}
    return {handed}


{update}
'''


@dataclass(frozen=True)
class Descending:
    """The programs of a rule that is to go down problems: its step, where it takes its gradient if not at theta, and
    what its norms are taken of."""

    step: Program
    query: Program | None = None
    norms: Program | None = None

    @property
    def names(self) -> dict[str, str]:
        """The names that cannot stand in the module as they are, the same in both programs."""
        taken = (program.taken for program in (self.query, self.norms) if program is not None)
        others = sorted(frozenset().union(*taken) - self.step.taken)
        every = replace(self.step, parameters=(*self.step.parameters, *others))
        return emitted_names(every, TAKEN)

    @property
    def asks(self) -> tuple[int, ...] | None:
        """The places of the states that the query reads."""
        if self.query is None:
            return None
        return tuple(self.step.arrays.index(array) - 2 for array in self.query.arrays[1:-1])

    @property
    def shape(self) -> Shape:
        asked = 0 if self.query is None else len(self.query.handed)
        measured, norms = (0, 0) if self.norms is None else (len(self.norms.handed), len(self.norms.stored))
        counts = (len(self.step.arrays) - 2, len(self.step.parameters) - 1 - norms, len(self.step.handed))
        times, made, _ = timed(self.step, self.norms)
        used = symbols(*(inline(made)[name] for name in times))
        timed_by = tuple(k for k, name in enumerate(self.step.parameters[1:]) if name in used)
        return Shape(*counts, self.asks, asked, norms, measured, len(times), timed_by)


def timed(
    program: Program, norms: Program | None
) -> tuple[tuple[str, ...], tuple[Assignment, ...], tuple[Assignment, ...]]:
    """The scalars of t that take library functions to make, how they are made, and the rest of the prelude.

    With norms none are set apart: the prelude is then another at every step of every run.
    """
    if norms is not None:
        return (), (), program.prelude
    values = inline(program.prelude)
    times = tuple(
        a.target
        for a in program.prelude
        if not is_truth(a.value) and "t" in symbols(values[a.target]) and _takes_a_library_function(a.value)
    )
    made = without_unused(replace(program, body=(), stores=tuple((name, name) for name in times))).prelude
    rest = without_unused(replace(program, prelude=tuple(a for a in program.prelude if a.target not in times))).prelude
    return times, made, rest


def enter_times(rule: Rule) -> frozenset[str]:
    """The hyperparameters that enter the scalars which are set apart."""
    if rule.norms:
        return frozenset()
    times, made, _ = timed(programs(rule, "float64").final, None)
    return symbols(*(inline(made)[name] for name in times)) & {*rule.hyperparameter_names}


def _takes_a_library_function(value: Expr) -> bool:
    return any(isinstance(node, Apply) and OPS[node.op].rounding is Rounding.LIBRARY for node in nodes([value]))


def refuse_what_does_not_descend(rule: Rule) -> None:
    """Raises UserError for a rule that no problem can be given to: an average."""
    if rule.is_average:
        what = f"{rule.name} is an average, and no trajectory of a parameter"
        raise UserError(what, where=rule.where, fix="take an update rule, or kernels.averages.over(rule, data)")


def emit_descent(descending: Descending, rule: Rule, kind: str, notes: Iterable[str] = ()) -> str:
    """The module's source for one kind of problem. Names that the template uses itself get a number."""
    names = descending.names
    step = renamed(descending.step, names)
    query, norms = (None if p is None else renamed(p, names) for p in (descending.query, descending.norms))
    arrays, parameters = step.arrays, step.parameters
    counted = parameters[: len(parameters) - descending.shape.norms]
    first = step if norms is None else norms  # with norms, the scalars of the step change with every step
    settled = settled_together(*((p.prelude, p.handed) for p in (first, query) if p is not None))
    times, made, rest = timed(step, norms)
    notes = (f"On a problem that is {kind}, {LANES} runs side by side.", *notes)
    return _TEMPLATE.format(
        strict=STRICT,
        header="\n".join(f"# {' '.join(line.split())}" for line in (*header(step, rule, "no memory streams"), *notes)),
        dtype=step.dtype,
        conversions="",
        parameters=", ".join([*parameters, *times]),
        prelude="\n".join(assignment_lines(rest, "    ", frozenset())),
        timed=_TIMED.format(
            strict=STRICT,
            parameters=", ".join(parameters),
            lines="\n".join(assignment_lines(made, "    ", frozenset())),
            names=pack(times),
        )
        if times
        else "",
        handed=pack(step.handed),
        condition=settled if isinstance(settled, bool) else expression(settled, frozenset()),
        counted=", ".join(counted),
        begin_arguments=", ".join([arrays[0], *counted[1:]]),
        begun=pack([arrays[0], *(expression(value, frozenset()) for value in initial(rule, names))]),
        update=emit_update(step, arrays, (arrays[0], *arrays[2:])),
        others="".join([_emitted_query(query) if query else "", _emitted_norms(norms) if norms else ""]),
        loops=loops(descending.shape, kind),
    )


def _emitted_query(query: Program) -> str:
    update = emit_update(query, query.arrays[:-1], query.arrays[-1:], "ask", "Where the gradient is taken.")
    return _besides(query, "ask", "The scalars of the point where the gradient is taken.", update)


def _emitted_norms(norms: Program) -> str:
    update = emit_update(norms, norms.arrays, norms.stored, "measure", "What the norms are taken of.")
    return _besides(norms, "measure", "The scalars of what the norms are taken of.", update)


def _besides(program: Program, name: str, what: str, update: str) -> str:
    return _BESIDES.format(
        strict=STRICT,
        name=name,
        what=what,
        parameters=", ".join(program.parameters),
        prelude="\n".join(assignment_lines(program.prelude, "    ", frozenset())),
        handed=pack(program.handed),
        update=update,
    )


def initial(rule: Rule, names: Mapping[str, str]) -> list[Expr]:
    """How the states begin, in the names of the module. Raises UserError for what is no number or name."""
    for state in rule.states:
        known = isinstance(state.initial, Symbol) and state.initial.name in {"theta", *rule.hyperparameter_names}
        if not known and not isinstance(state.initial, Number):
            what = f"an initial state of {state.initial} is not supported"
            raise UserError(what, where=rule.name, fix="use a constant")
    symbols = {old: Symbol(new) for old, new in names.items()}
    return substitute((state.initial for state in rule.states), symbols)
