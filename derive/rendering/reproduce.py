"""A counterexample as a few lines of plain Python, which need nothing but Python: both rules on those numbers."""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from derive.expr import Expr, Number, substitute, symbols
from derive.ops import Inexact, Undefined
from derive.proving.replay import Difference, Replayed, Separation, followed
from derive.proving.runs import Entry, evaluated
from derive.proving.values import Value
from derive.rendering.python import BUILTIN, FROM_MATH, HELPERS, TooLarge, fraction_text, to_python
from derive.rule import Rule

# What the script uses itself; a rule's name that is among them is written with a _ behind it.
RESERVED = frozenset({
    "F", "isqrt", "gradients", "show", "enumerate", "zip", "print", "float", "int",
    *HELPERS, *FROM_MATH, *BUILTIN,
})  # fmt: skip
SHOW = """def show(run, **settings):
    try:
        print(f"{run.__name__}:", run(gradients, **settings))
    except (ZeroDivisionError, ValueError) as reason:
        print(f"{run.__name__}: undefined, {reason}")"""


def script(replayed: Replayed) -> str | None:
    """The lines; None where the witness is a point, or a number is too large for Python to carry on with."""
    w, found = replayed.witness, replayed.difference
    if found is None or not isinstance(w, Separation):
        return None
    try:
        return _script(w, found, replayed.sides)
    except TooLarge:
        return None


@dataclass(frozen=True)
class _Side:
    """One of the two runs: the rule, the name of its function, its settings, and what each line came to."""

    rule: Rule
    name: str
    values: Mapping[str, Fraction]
    schedule: Sequence[Mapping[str, Fraction]]
    run: Sequence[Sequence[Entry]]

    @cached_property
    def names(self) -> dict[str, str]:
        """Every name of the rule as a Python name of its own that hides nothing the script uses."""
        questions = [name for name, _ in self.rule.questions]
        rule = self.rule
        wanted = [*rule.inputs, *questions, *rule.state_names, *rule.hyperparameter_names, *rule.outputs]
        found: dict[str, str] = {}
        for name in dict.fromkeys([*wanted, *(a.target for a in rule.body)]):
            found[name] = _identifier(name, {*RESERVED, *found.values()})
        return found

    @property
    def changing(self) -> list[str]:
        """The hyperparameters that change from step to step; their arguments are lists."""
        return [n for n in self.rule.hyperparameter_names if any(n in step for step in self.schedule)]


def _script(w: Separation, found: Difference, values: tuple[Value, Value]) -> str:
    first = _identifier(w.a.name, RESERVED)
    second = _identifier(w.b.name, {*RESERVED, first})
    mine, his = followed(w)
    a = _Side(w.a, first, w.hyperparameters_a, w.schedule_a, mine)
    b = _Side(w.b, second, w.hyperparameters_b, w.schedule_b, his)
    calls = set[str]()
    functions = [_function(side, found, calls) for side in (a, b)]
    if all(v.exact for v in values) and any(v.digits for v in values):
        calls = {"math.sqrt" if call == "sqrt" else call for call in calls}  # one is irrational: Python's roots will do
    helpers = [HELPERS[name] for name in HELPERS if name in calls]
    ends = any(value.word for value in values)
    line = "show({}, {})" if ends else 'print("{0}:", {0}(gradients, {1}))'
    shown = [line.format(side.name, _settings(side, w)) for side in (a, b)]
    gradients = f"gradients = [{', '.join(_answers(w, found))}]"
    parts = [_imports(calls), *helpers, *functions, *([SHOW] if ends else [])]
    return "\n\n\n".join([*parts, "\n".join([gradients, *shown])]) + "\n"


def _answers(w: Separation, found: Difference) -> list[str]:
    """What the steps are given, None after the last point asked for; a tuple where a step asks several times."""
    size = max(1, len(w.a.questions))
    given = [fraction_text(g) for g in w.gradients] + ["F(0)"] * size  # as in the replay
    if found.question is None:
        given = given[: found.step * size]
    else:
        given = [*given[: found.step * size + found.question], *["None"] * (size - found.question)]
    if size == 1:
        return given
    return [f"({', '.join(given[start : start + size])})" for start in range(0, len(given), size)]


def _imports(calls: Collection[str]) -> str:
    names = {"sqrt": "isqrt", "math.sqrt": "sqrt"} | {name: name for name in FROM_MATH}
    wanted = sorted(names[call] for call in calls if call in names)
    lines = ["from fractions import Fraction as F"]
    return "\n".join([*lines, f"from math import {', '.join(wanted)}"] if wanted else lines)


def _settings(side: _Side, w: Separation) -> str:
    """The arguments of one run, as they are written in its call."""
    given: dict[str, str] = {} if side.rule.is_average else {side.names["theta"]: fraction_text(w.theta)}
    for name in side.rule.hyperparameter_names:
        value = side.values[name]
        given[side.names[name]] = (
            _scheduled(name, value, side.schedule, len(w.gradients) + 1)
            if name in side.changing
            else fraction_text(value)
        )
    return ", ".join(f"{name}={text}" for name, text in given.items())


def _scheduled(name: str, value: Fraction, schedule: Sequence[Mapping[str, Fraction]], length: int) -> str:
    values = []
    for t in range(length):
        value = schedule[min(t, len(schedule) - 1)].get(name, value)
        values.append(fraction_text(value))
    return f"[{', '.join(values)}]"


def _function(side: _Side, found: Difference, calls: set[str]) -> str:
    """One rule as a function of the gradients; it returns what differs. What it calls is added to `calls`."""
    rule, names = side.rule, side.names

    def written(expr: Expr) -> str:
        piece = to_python(expr, names)
        calls.update(piece.calls - BUILTIN)
        return f"F({piece.text})" if piece.whole and not symbols(expr) else piece.text

    parameters = ["gradients", *([] if rule.is_average else [names["theta"]])]
    parameters += [names[n] for n in rule.hyperparameter_names]
    # The states start from the first value of an argument that is a list.
    starts = substitute([s.initial for s in rule.states], {n: Number(side.values[n]) for n in side.changing})
    lines = [f"def {side.name}({', '.join(parameters)}):"]
    lines += [f"    {names[s.name]} = {written(start)}" for s, start in zip(rule.states, starts, strict=True)]
    lines.append(f"    {_loop(side)}")
    body = [f"        {line}" for line in _body(side, written)]
    if found.question is None:
        result = found.name if found.name in rule.outputs else rule.outputs[0]
        return "\n".join([*lines, *(body or ["        pass"]), f"    return {names[result]}"])
    answer, point = rule.questions[found.question]
    asked = [f"        if {names[answer]} is None:", f"            return {written(point)}"]
    return "\n".join([*lines, *asked, *body])


def _loop(side: _Side) -> str:
    """The head of the loop over what the steps are given."""
    rule, names = side.rule, side.names
    answers = ["x"] if rule.is_average else [name for name, _ in rule.questions]
    each, source = ", ".join(names[name] for name in answers), "gradients"
    changing = [names[n] for n in side.changing]
    if changing:
        each = ", ".join([f"({each})" if len(answers) > 1 else each, *changing])
        source = f"zip({', '.join([source, *changing])})"
    if "t" in rule.inputs:
        return f"for {names['t']}, {f'({each})' if ',' in each else each} in enumerate({source}, start=1):"
    return f"for {each} in {source}:"


def _body(side: _Side, written: Callable[[Expr], str]) -> Iterable[str]:
    """The lines of the rule; at once, where a line alone would be undefined and the step is not."""
    rule, names = side.rule, side.names
    if _only_a_line_is_undefined(rule, side.run):
        targets = [names[n] for n in rule.step]
        return [f"{', '.join(targets)} = {', '.join(f'({written(e)})' for e in rule.step.values())}"]
    return [f"{names[a.target]} = {written(a.value)}" for a in rule.body]


def _only_a_line_is_undefined(rule: Rule, run: Sequence[Sequence[Entry]]) -> bool:
    for step in run[1:-1]:
        values = evaluated([entry.value for entry in step])
        if any(isinstance(v, Inexact) and "too large" in v.reason for v in values):
            raise TooLarge
        kept = {entry.name: value for entry, value in zip(step, values, strict=True)}
        if any(isinstance(v, Undefined) for v in values):
            return not any(isinstance(kept.get(name), Undefined) for name in rule.step)
    return False


def _identifier(name: str, taken: Collection[str]) -> str:
    made = re.sub(r"\W", "_", name)
    made = made if made.isidentifier() and not keyword.iskeyword(made) else f"_{made}"
    while made in taken:
        made += "_"
    return made
