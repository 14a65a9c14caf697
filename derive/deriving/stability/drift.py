"""Where a rule drifts under gradients that repeat: its average step against the average gradient.

A step that divides by what it remembers of past squares may move, on the whole, along the gradient: then it leaves the
minimum of a convex sum (Reddi, Kale & Kumar 2018, On the convergence of Adam and beyond, arXiv:1904.09237, theorem 1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from derive.deriving.coordinatewise import coordinatewise
from derive.deriving.derivation import Derivation, define, equal, holds, names_of
from derive.deriving.experiment import Experiment
from derive.deriving.linear import LinearBuffer, given, is_driven_by_input, linear_buffers
from derive.deriving.stability.settled import settled
from derive.evaluate import enclosed
from derive.expr import Expr, Number, Symbol, apply, substitute, to_text
from derive.ops import Inexact, Undefined
from derive.proving import Assumptions, identity
from derive.rule import Rule
from derive.transforms import bind

NOTHING = Assumptions({})


@coordinatewise
def drift(rule: Rule, gradients: Sequence[Fraction], values: Mapping[str, Fraction]) -> Derivation | None:
    """How far theta moves in one period of these gradients, in the long run, at these hyperparameters (else defaults).

    None where a step depends on theta, or on a state that is no average of the gradients, or where its sign is open.
    """
    fixed = _fixed(rule, values)
    if fixed is None or not gradients:
        return None
    buffers = linear_buffers(fixed)
    averages = [b for b in buffers if is_driven_by_input(fixed, b)]
    if {b.name for b in averages} != set(fixed.state_names) or not _is_free(fixed):
        return None
    starts = [_periodic(b, gradients) for b in averages]
    if any(start is None for start in starts):
        return None
    begun = {b.name: Number(start or 0) for b, start in zip(averages, starts, strict=True)}
    return _derivation(rule, fixed, begun, gradients, values)


def _fixed(rule: Rule, values: Mapping[str, Fraction]) -> Rule | None:
    plain = None if rule.is_average or rule.asked or rule.query is not None else settled(rule)
    known = {**rule.defaults, **values}
    if plain is None or not set(plain.hyperparameter_names) <= known.keys():
        return None
    if any(known[h.name] not in h.domain for h in plain.hyperparameters):
        return None  # a power of t that would not fade
    return bind(plain, {n: Number(v) for n, v in known.items()})


def _moved(rule: Rule) -> Expr:
    """The change of theta in a step, where that does not depend on theta."""
    [at_zero] = substitute([rule.step["theta"]], {"theta": Number(0)})
    return at_zero


def _is_free(rule: Rule) -> bool:
    """Whether the change of theta does not depend on theta."""
    return bool(identity([(rule.step["theta"], Symbol("theta") + _moved(rule))], given(rule)))


def _periodic(buffer: LinearBuffer, gradients: Sequence[Fraction]) -> Fraction | None:
    """The value of an average before a period that brings it back."""
    inputs = [substitute([buffer.gain * buffer.input], {"g": Number(g)})[0] for g in gradients]
    found = enclosed([buffer.decay, *inputs], {})
    if not all(isinstance(value, Fraction) for value in found) or found[0] == 1:
        return None
    decay, *added = [value for value in found if isinstance(value, Fraction)]
    total = sum((decay ** (len(added) - 1 - k) * value for k, value in enumerate(added)), start=Fraction(0))
    return total / (1 - decay ** len(added))


def _derivation(
    rule: Rule, fixed: Rule, begun: Mapping[str, Expr], gradients: Sequence[Fraction], values: Mapping[str, Fraction]
) -> Derivation | None:
    now, moved, steps = dict(begun), list[Expr](), [define(Symbol(n), e, "before a period") for n, e in begun.items()]
    for place, g in enumerate(gradients, 1):
        here = {**now, "g": Number(g)}
        moved.append(substitute([_moved(fixed)], here)[0])
        after = dict(zip(now, substitute([fixed.step[n] for n in now], here), strict=True))
        steps.append(define(Symbol(f"step {place}"), moved[-1], f"the change of theta where the gradient is {g}"))
        now = after
    steps += [equal(Symbol(n), now[n], begun[n], given=NOTHING, why="a period brings it back") for n in begun]
    total: Expr = moved[0]
    for step in moved[1:]:
        total = total + step
    mean = sum(gradients, start=Fraction(0))
    sign = _sign(total)
    if sign is None:
        return None
    steps.append(
        holds(apply("gt" if sign > 0 else "lt", total, 0), given=NOTHING, why="the change of theta over a period")
    )
    against = sign * mean < 0
    setting = ", ".join(f"{n} = {to_text(Number(v))}" for n, v in values.items())
    stream = ", ".join(str(g) for g in gradients)
    return Derivation(
        title="Drift under gradients that repeat",
        statement=f"Under the gradients {stream}, again and again, theta {'grows' if sign > 0 else 'shrinks'}; their "
        f"sum is {mean}, so this is {'downhill' if against else 'uphill: away from the minimum of their sum'}.",
        assumptions=(
            f"`{setting}`" if setting else "the defaults",
            "in the long run: the averages have become periodic",
        ),
        steps=tuple(steps),
        result=total,
        names=names_of(rule),
        quantities={"drift": total, "gradient_sum": Number(mean)},
        experiments=_experiments(gradients, values, sign),
    )


def _sign(total: Expr) -> int | None:
    [value] = enclosed([total], {})
    if isinstance(value, Inexact | Undefined | bool):
        return None
    return 1 if value > 0 else -1 if value < 0 else None


def _experiments(gradients: Sequence[Fraction], values: Mapping[str, Fraction], sign: int) -> tuple[Experiment, ...]:
    """Thirty periods from zero lead to that side."""
    run = tuple(gradients) * 30
    return (
        Experiment("thirty periods lead to that side", sign * Symbol("theta"), {len(run): 0.0}, gradients=run,
                   hyperparameters=dict(values), relation="≥"),
    )  # fmt: skip
