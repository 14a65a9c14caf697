"""Legal rules that nobody would write, and a plain stepping in floats to hold what is derived of them against."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random
from typing import Any

from derive.deriving.experiment import Experiment, Numbers
from derive.expr import Expr, fold
from derive.reading.read import read_text
from derive.rule import Rule

NAMES = ("a", "c", "k", "h", "P", "r", "A", "w", "z", "mu", "lam", "p", "q", "D", "e", "n", "U", "V")
DECAYS = ("decay(0.9)", "decay(0.5)", "unit(0.9)", "unit(1)", "real(0.3)", "nonnegative(0.2)")
UPDATES = (
    "{s} = {b}*{s} + (1 - {b})*{i}",
    "{s} = {b}*{s} + {i}",
    "{s} = {b}*{s} - {i}",
    "{s} = -{b}*{s} + (1 - {b})*{i}",
    "{s} = {s} + {i}",
    "{s} = {b}**2*{s} + (1 - {b}**2)*{i}",
    "{s} = max({b}*{s}, {i})",
    "{s} = (1 - {b}/2)*{s} + {b}/2*{i}",
)
STEPS = (
    "{lr}*{m}",
    "{lr}*sign({m})",
    "{lr}*({m} + {b}*g)",
    "{lr}*min(max({m}, -1), 1)",
    "{lr}*{m}/(sqrt({v}) + {b})",
    "{lr}*{m}/(abs({v}) + {b})",
    "{lr}*g/max(sqrt({v}), {b})",
    "{lr}*{m} + {b}*theta",
)


def odd_rule(random: Random) -> Rule:
    """A rule with one or two states, read from a text made by chance."""
    names = random.sample(NAMES, 5)
    states = random.sample(["m", "v", "u", "y", "B", "n2"], random.choice([1, 2]))
    lines = []
    for place, state in enumerate(states):
        signal = random.choice(["g", "g**2", "2*g", "abs(g)", "-g", *states[:place]])
        lines.append(random.choice(UPDATES).format(s=state, b=names[place], i=signal))
    step = random.choice(STEPS).format(lr=names[2], b=names[3], m=random.choice([*states, "g"]), v=states[-1])
    lines.insert(len(lines) if random.random() < 0.8 else 0, f"theta = theta {random.choice('---+')} ({step})")
    if random.random() < 0.2:
        lines.insert(0, random.choice([f"g = g + {names[4]}*theta", f"g = grad(theta - {names[4]}*{states[0]})"]))
    body = "\n    ".join(lines)
    domains = dict(zip(names, [*random.choices(DECAYS, k=2), "nonnegative(0.01)", "positive(0.5)", "nonnegative(0.1)"],
                       strict=True))  # fmt: skip
    hypers = ", ".join(f"{n}={d}" for n, d in domains.items() if re.search(rf"\b{n}\b", body))
    begun = ", ".join(f"{s}={random.choice(['0', '0', '1', '-1', '0.5'])}" for s in states)
    text = f"def odd(theta, g, {begun}, *, {hypers}):\n    {body}\n    return theta, {', '.join(states)}\n"
    return read_text(text, "odd", "odd_rules.py")


def _total(operation: Callable[..., Any]) -> Callable[..., Any]:
    def applied(*args: Any) -> Any:
        try:
            value = operation(*args)
        except (ZeroDivisionError, ValueError, OverflowError):
            return math.nan
        return math.nan if isinstance(value, complex) else value

    return applied


OPERATIONS: dict[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b, "neg": lambda a: -a, "abs": abs,
    "div": _total(lambda a, b: a / b), "pow": _total(lambda a, b: a**b), "sqrt": _total(math.sqrt),
    "log": _total(math.log), "exp": _total(math.exp), "min": min, "max": max, "sign": lambda a: (a > 0) - (a < 0),
    "lt": lambda a, b: a < b, "le": lambda a, b: a <= b, "gt": lambda a, b: a > b, "ge": lambda a, b: a >= b,
    "eq": lambda a, b: a == b, "ne": lambda a, b: a != b, "and": lambda a, b: a and b, "or": lambda a, b: a or b,
    "not": lambda a: not a, "where": lambda c, a, b: a if c else b,
}  # fmt: skip


def at(expr: Expr, values: Mapping[str, float]) -> Any:
    """The value in floats; not a number where it is undefined."""
    return fold([expr], symbol=lambda s: values[s.name], number=lambda n: float(n.value),
                apply=lambda node, args: OPERATIONS[node.op](*args))[0]  # fmt: skip


def _watched(experiment: Experiment, numbers: Numbers) -> float:
    """The number of the coordinate that is observed."""
    return float(numbers[experiment.coordinate] if isinstance(numbers, tuple) else numbers)


def observed(rule: Rule, experiment: Experiment) -> dict[int, float]:
    """What an experiment observes, after each of its steps."""
    if experiment.averaged:
        numbers = next(n for n in (experiment.start, *experiment.gradients) if isinstance(n, tuple))
        each = [replace(experiment, averaged=False, coordinate=i) for i in range(len(numbers))]
        seen = [observed(rule, one) for one in each]
        return {t: math.fsum(one[t] for one in seen) / len(seen) for t in seen[0]}
    fixed = {**rule.defaults, **(experiment.hyperparameters or {})}
    hypers = {name: float(value) for name, value in fixed.items()}
    now = {"theta": _watched(experiment, experiment.start)}
    now |= {s.name: at(s.initial, {**hypers, **now}) for s in rule.states}
    found = {}
    for t in range(1, (len(experiment.gradients) or experiment.steps) + 1):
        here = {**hypers, **now, "t": float(t)}
        point = at(rule.questions[0][1], here)
        given = _watched(experiment, experiment.gradients[t - 1]) if experiment.gradients else 0.0
        here["g"] = given if experiment.curvature is None else float(experiment.curvature) * point + given
        after = {name: at(e, here) for name, e in rule.step.items()}
        before = {f"before.{name}": value for name, value in now.items()}
        found[t] = at(experiment.observed, {**here, **before, **after})
        now |= after
    return found


def goes_as_foretold(rule: Rule, experiment: Experiment) -> bool:
    """Whether everything observed is as foretold, as far as plain floats can tell."""
    seen = observed(rule, experiment)
    for t, number in experiment.foretold.items():
        least = 1e-7 if experiment.relation == "=" else 0.0  # floats of another order of operations
        slack = max(least, experiment.tolerance) * max(1.0, abs(number))
        below, above = seen[t] <= number + slack, seen[t] >= number - slack
        if not {"=": below and above, "≤": below, "≥": above}[experiment.relation]:
            return False
    return True
