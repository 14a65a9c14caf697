"""A counterexample as a few lines of plain Python, which need nothing but Python: both rules on those numbers."""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from fractions import Fraction

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


def _script(w: Separation, found: Difference, sides: tuple[Value, Value]) -> str:
    first = _identifier(w.a.name, RESERVED)
    names = (first, _identifier(w.b.name, {*RESERVED, first}))
    runs, calls = followed(w), set[str]()
    functions = [
        _function(w.a, names[0], found, runs[0], w.hyperparameters_a, w.schedule_a, calls),
        _function(w.b, names[1], found, runs[1], w.hyperparameters_b, w.schedule_b, calls),
    ]
    # Where both values are numbers and one is irrational the roots may be Python's.
    helpers = calls & HELPERS.keys() - (
        {"sqrt"} if all(v.exact for v in sides) and any(v.digits for v in sides) else set()
    )
    ends = any(value.word for value in sides)
    line = "show({}, {})" if ends else 'print("{0}:", {0}(gradients, {1}))'
    shown = [line.format(name, _settings(w, side)) for name, side in zip(names, "ab", strict=True)]
    gradients = f"gradients = [{', '.join(_answers(w, found))}]"
    parts = [_imports(calls, helpers), *(HELPERS[name] for name in HELPERS if name in helpers), *functions]
    return "\n\n\n".join([*parts, *([SHOW] if ends else []), "\n".join([gradients, *shown])]) + "\n"


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


def _imports(calls: Collection[str], helpers: Collection[str]) -> str:
    from_math = {name for name in calls if name in FROM_MATH or (name == "sqrt" and name not in helpers)}
    wanted = sorted(from_math | ({"isqrt"} if "sqrt" in helpers else set()))
    lines = ["from fractions import Fraction as F"]
    return "\n".join([*lines, f"from math import {', '.join(wanted)}"] if wanted else lines)


def _settings(w: Separation, side: str) -> str:
    """The arguments of one run, as they are written in its call."""
    rule, values, schedule = (
        (w.a, w.hyperparameters_a, w.schedule_a) if side == "a" else (w.b, w.hyperparameters_b, w.schedule_b)
    )
    names = _names(rule)
    given: dict[str, str] = {} if rule.is_average else {names["theta"]: fraction_text(w.theta)}
    for name in rule.hyperparameter_names:
        given[names[name]] = _scheduled(name, values[name], schedule, len(w.gradients) + 1)
    return ", ".join(f"{name}={text}" for name, text in given.items())


def _scheduled(name: str, value: Fraction, schedule: Sequence[Mapping[str, Fraction]], length: int) -> str:
    if not any(name in step for step in schedule):
        return fraction_text(value)
    values = []
    for t in range(length):
        value = schedule[min(t, len(schedule) - 1)].get(name, value)
        values.append(fraction_text(value))
    return f"[{', '.join(values)}]"


def _function(
    rule: Rule, name: str, found: Difference, run: Sequence[Sequence[Entry]], values: Mapping[str, Fraction],
    schedule: Sequence[Mapping[str, Fraction]], calls: set[str],
) -> str:  # fmt: skip
    names = _names(rule)

    def written(expr: Expr) -> str:
        piece = to_python(expr, names)
        calls.update(piece.calls - BUILTIN)
        return f"F({piece.text})" if piece.whole and not symbols(expr) else piece.text

    changing = [n for n in rule.hyperparameter_names if any(n in step for step in schedule)]
    first = {n: values[n] for n in changing}  # a scheduled argument is a list; the states start from its first value
    scheduled = [names[n] for n in changing]
    parameters = ["gradients", *([] if rule.is_average else [names["theta"]])]
    parameters += [names[n] for n in rule.hyperparameter_names]
    lines = [f"def {name}({', '.join(parameters)}):"]
    starts = substitute([s.initial for s in rule.states], {n: Number(v) for n, v in first.items()})
    lines += [f"    {names[s.name]} = {written(start)}" for s, start in zip(rule.states, starts, strict=True)]
    lines.append(f"    {_loop(rule, names, scheduled)}")
    if found.question is not None:
        answer, point = rule.questions[found.question]
        lines += [f"        if {names[answer]} is None:", f"            return {written(point)}"]
    body = [f"        {line}" for line in _body(rule, names, run, written)]
    lines += body or ([] if found.question is not None else ["        pass"])
    if found.question is None:
        lines.append(f"    return {names[found.name if found.name in rule.outputs else rule.outputs[0]]}")
    return "\n".join(lines)


def _loop(rule: Rule, names: Mapping[str, str], scheduled: list[str]) -> str:
    """The head of the loop over what the steps are given."""
    answers = ["x"] if rule.is_average else [name for name, _ in rule.questions]
    each, source = ", ".join(names[name] for name in answers), "gradients"
    if scheduled:
        each = ", ".join([f"({each})" if len(answers) > 1 else each, *scheduled])
        source = f"zip({', '.join([source, *scheduled])})"
    if "t" in rule.inputs:
        return f"for {names['t']}, {f'({each})' if ',' in each else each} in enumerate({source}, start=1):"
    return f"for {each} in {source}:"


def _body(
    rule: Rule, names: Mapping[str, str], run: Sequence[Sequence[Entry]], written: Callable[[Expr], str]
) -> Iterable[str]:
    """The lines of the rule; at once, where a line alone would be undefined and the step is not."""
    if _only_a_line_is_undefined(rule, run):
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


def _names(rule: Rule) -> dict[str, str]:
    """Every name of the rule as a Python name of its own that hides nothing the script uses."""
    wanted = dict.fromkeys([*rule.inputs, *rule.state_names, *rule.hyperparameter_names, *rule.outputs])
    wanted |= dict.fromkeys(name for name, _ in rule.questions)
    wanted |= dict.fromkeys(a.target for a in rule.body)
    taken = set(RESERVED)
    found: dict[str, str] = {}
    for name in wanted:
        found[name] = _identifier(name, taken)
        taken.add(found[name])
    return found


def _identifier(name: str, taken: Collection[str]) -> str:
    made = re.sub(r"\W", "_", name)
    made = made if made.isidentifier() and not keyword.iskeyword(made) else f"_{made}"
    while made in taken:
        made += "_"
    return made
