"""When the scalars of a step no longer change, although the step counter does: in floating-point numbers, not reals.

`1 - beta**t` rounds to one after a while, a power of beta underflows, and `t == 1` is false for ever. What is found
is a condition in t and the hyperparameters: where it holds at some t, every later t has the same scalars, bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from derive.expr import Apply, Expr, Number, Symbol, apply, fold
from derive.rule import Assignment, inline

ROUNDS_AWAY = 64  # exp(-64) is less than half of 2**-53: expm1 below it is -1
UNDERFLOWS = 800  # exp(-800) is less than half of the smallest float64
COMPARISONS = frozenset({"lt", "le", "gt", "ge", "eq", "ne"})


@dataclass(frozen=True)
class Motion:
    """How a value moves with t: settled once all conditions hold, never where they are None.

    `counts` is t, or t and a number of at least -1: it grows by one a step and is nowhere negative. `scaled` is such a
    counter times what does not depend on t, so that it only grows or only falls.
    """

    conditions: tuple[Expr, ...] | None = ()
    counts: bool = False
    scaled: bool = False

    @property
    def still(self) -> bool:
        return self.conditions == ()


STILL = Motion()
MOVING = Motion(None)
COUNTER = Motion(None, counts=True, scaled=True)


def settled_when(prelude: Iterable[Assignment], handed: Iterable[str]) -> Expr | bool:
    """The condition under which no handed scalar changes any more; True where none ever does, False where it may."""
    values = inline(prelude)
    motions = fold(
        [values.get(name, Symbol(name)) for name in handed],
        symbol=lambda s: (s, COUNTER if s.name == "t" else STILL),
        number=lambda n: (n, STILL),
        apply=lambda node, args: (node, _motion(node, [motion for _, motion in args])),
    )
    conditions = _together([motion for _, motion in motions])
    if conditions is None:
        return False
    whole: Expr | bool = True
    for condition in conditions:
        whole = condition if isinstance(whole, bool) else apply("and", whole, condition)
    return whole


def _motion(node: Apply, args: list[Motion]) -> Motion:
    if all(a.still for a in args):
        return STILL
    if node.op in ("add", "sub"):
        return _shifted(node, args)
    if node.op == "mul" and any(a.scaled for a in args) and any(a.still for a in args):
        return Motion(None, scaled=True)
    if node.op == "expm1" and args[0].scaled:
        return Motion((_at_most(node.args[0], -ROUNDS_AWAY),))
    if node.op == "pow" and args[0].still and args[1].counts:
        exponent = apply("mul", node.args[1], apply("log", node.args[0]))
        return Motion((_at_most(exponent, -UNDERFLOWS),))
    if node.op in COMPARISONS and any(a.counts for a in args) and any(a.still for a in args):
        first, second = node.args if args[0].counts else reversed(node.args)
        return Motion((apply("gt", first, second),))
    return Motion(_together(args))


def _shifted(node: Apply, args: list[Motion]) -> Motion:
    """t + 1 and t - 1 count as t does."""
    first, second = node.args
    if node.op == "add" and isinstance(first, Number):
        first, second, args = second, first, args[::-1]
    if args[0].counts and isinstance(second, Number):
        shift = second.value if node.op == "add" else -second.value
        return COUNTER if first is Symbol("t") and shift >= -1 and shift.denominator == 1 else MOVING
    return Motion(_together(args))


def _at_most(value: Expr, bound: int) -> Expr:
    """Written without a negative number, which a text has not."""
    return apply("le", apply("add", value, Number(-bound)), Number(0))


def _together(motions: Iterable[Motion]) -> tuple[Expr, ...] | None:
    every: dict[Expr, None] = {}
    for motion in motions:
        if motion.conditions is None:
            return None
        every |= dict.fromkeys(motion.conditions)
    return tuple(every)
