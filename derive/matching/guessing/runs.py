"""Runs in floating point: a quick look at what a rule does on a few gradients. Evidence to choose by, never a proof."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import tee

from derive.expr import Apply, Expr, Number, Symbol, fold
from derive.rule import Assignment, Rule

Values = dict[str, float]
Evaluator = Callable[[Values], float]

UNDEFINED = math.nan
LARGEST_TREE = 4_000  # nodes of a value written out; shared ones are evaluated again each time
CLOSE = 1e-8  # of the change: floating point leaves about 1e-12 of it


@dataclass(frozen=True)
class Stream:
    """A start and the gradients answered (or the inputs of an average)."""

    theta: float
    gradients: tuple[float, ...]


# Signs change and sizes rise and fall, so that comparisons go both ways.
# Long enough for what sets in after some steps, as RAdam's rectification does.
COARSE = Stream(0.83, (0.37, -1.21, 0.08, 0.91, -0.053, 0.29, 0.71))
# Where a rule has numbers such as 1e-8, gradients beside which they count.
FINE = Stream(0.61, (3.1e-5, -7.3e-6, 1.9e-5))
SMALL = 1e-4


class TooLong(Exception):
    """A value that would take too long to compute again and again."""


def _power(base: float, exponent: float) -> float:
    if base < 0 and exponent != int(exponent):
        return UNDEFINED
    return float(base**exponent)


_FLOATS: dict[str, Callable[..., float]] = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "div": operator.truediv, "neg": operator.neg,
    "pow": _power, "sqrt": math.sqrt, "abs": abs, "norm": abs, "global_norm": abs,
    "sign": lambda x: float((x > 0) - (x < 0)), "min": min, "max": max,
    "lt": operator.lt, "le": operator.le, "gt": operator.gt, "ge": operator.ge, "eq": operator.eq, "ne": operator.ne,
    "not": operator.not_, "exp": math.exp, "log": math.log, "expm1": math.expm1, "log1p": math.log1p,
    "tanh": math.tanh, "cbrt": lambda x: math.copysign(abs(x) ** (1 / 3), x), "sin": math.sin, "cos": math.cos,
    "floor": math.floor, "cast": float,
}  # fmt: skip


@lru_cache(maxsize=50_000)
def evaluator(value: Expr) -> Evaluator:
    """The value as a function of its names. Raises TooLong for an expression that is huge when written out."""
    [(found, _)] = fold([value], symbol=_symbol, number=_number, apply=_applied)
    return found


def _symbol(node: Symbol) -> tuple[Evaluator, int]:
    return operator.itemgetter(node.name), 1


def _number(node: Number) -> tuple[Evaluator, int]:
    try:
        value = float(node.value)
    except OverflowError:
        value = UNDEFINED
    return lambda values: value, 1


def _applied(node: Apply, args: tuple[tuple[Evaluator, int], ...]) -> tuple[Evaluator, int]:
    size = 1 + sum(s for _, s in args)
    if size > LARGEST_TREE:
        raise TooLong
    return _function(node.op, [f for f, _ in args]), size


def _function(op: str, args: Sequence[Evaluator]) -> Evaluator:
    if op == "where":
        test, then, otherwise = args
        return lambda values: then(values) if test(values) else otherwise(values)
    if op == "and":
        left, right = args
        return lambda values: left(values) and right(values)
    if op == "or":
        left, right = args
        return lambda values: left(values) or right(values)
    apply = _FLOATS[op]
    if len(args) == 1:
        [only] = args
        return lambda values: apply(only(values))
    left, right = args
    return lambda values: apply(left(values), right(values))


def value_of(value: Expr, values: Values) -> float:
    """The value, UNDEFINED where it has none (or none that a float holds)."""
    try:
        return evaluator(value)(values)
    except (ArithmeticError, ValueError, KeyError):
        return UNDEFINED


def carry_out(body: Sequence[Assignment], values: Values) -> None:
    """The assignments one after another; what has no value is UNDEFINED."""
    for assignment in body:
        values[assignment.target] = value_of(assignment.value, values)


def run(
    rule: Rule, hyperparameters: Mapping[str, float], stream: Stream, thetas: Sequence[float] = ()
) -> Iterator[tuple[float, Values]]:
    """What is seen at each step, with the values of all names after it; ends with the first undefined step.

    Seen is the point queried, or the output of an average. `thetas` replace the parameter before each step.
    """
    values: Values = {**hyperparameters, "theta": stream.theta}
    values.update((s.name, value_of(s.initial, values)) for s in rule.states)
    kept = ("theta", *rule.state_names) if not rule.is_average else rule.state_names
    query = rule.query if rule.query is not None else Symbol("theta")
    for t, gradient in enumerate(stream.gradients, start=1):
        before = {**hyperparameters, **{name: values[name] for name in kept}}
        if thetas and not rule.is_average:
            before["theta"] = thetas[t - 1]
        values = {**before, "t": float(t), "x" if rule.is_average else "g": gradient}
        seen = value_of(query, before) if not rule.is_average else UNDEFINED
        carry_out(rule.body, values)
        if rule.is_average:
            seen = values.get(rule.outputs[0], UNDEFINED)
        yield seen, values
        if any(not math.isfinite(values.get(name, UNDEFINED)) for name in kept):
            return
    if not rule.is_average:
        yield value_of(query, {**hyperparameters, **{name: values[name] for name in kept}}), values


def seen(rule: Rule, hyperparameters: Mapping[str, float], stream: Stream) -> tuple[float, ...]:
    """What is seen of a whole run."""
    return tuple(value for value, _ in run(rule, hyperparameters, stream))


@dataclass(frozen=True)
class Runs:
    """What is seen of a rule's runs: each is made once, and only as far as somebody looks."""

    rule: Rule
    made: dict[tuple[frozenset[tuple[str, float]], Stream], Iterator[float]] = field(default_factory=dict)

    def seen(self, hyperparameters: Mapping[str, float], stream: Stream) -> Iterator[float]:
        """What is seen, from the first step."""
        key = frozenset(hyperparameters.items()), stream
        if key not in self.made:
            [self.made[key]] = tee((value for value, _ in run(self.rule, hyperparameters, stream)), 1)
        return copy(self.made[key])


def agrees(shown: Iterator[float], wanted: Iterable[float], start: float) -> bool:
    """Whether a run shows what is wanted, up to rounding; both go on only as long as it does."""
    last, has_shown = start, False
    for other in wanted:
        value = next(shown, None)
        if value is None or not close(value, other, last):
            return False
        last, has_shown = other, True
    return has_shown


def close(a: float, b: float, before: float = 0.0) -> bool:
    """Whether two values are equal up to rounding, measured by what has changed; undefined ones are equal."""
    if not (math.isfinite(a) and math.isfinite(b)):
        return math.isfinite(a) == math.isfinite(b)
    return abs(a - b) <= CLOSE * max(abs(a - before), abs(b - before)) + 1e-15 * max(abs(a), abs(b))
