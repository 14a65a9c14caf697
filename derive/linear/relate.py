"""Two linear rules side by side: every setting of their hyperparameters at which they show the same.

Two rules show the same exactly where their transfer functions coincide: from the gradients, from
theta_0, and from the constants they start with. That is polynomial equations in the hyperparameters
of both, solved completely; nothing here rests on samples. The state map that proves a branch
comes with it. Nothing here makes a verdict.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from flint import fmpq_mpoly

from derive.algebra.polynomials import TooLarge, generator, power
from derive.linear.branches import Sides, branch_of
from derive.linear.frame import Frame, frame_of
from derive.linear.matrices import Matrix
from derive.linear.modes import hidden_modes
from derive.linear.ratios import Ratio, whole
from derive.linear.relation import Branch, LinearRelation
from derive.linear.shifting import started
from derive.linear.solving import solutions
from derive.linear.system import linear_system
from derive.linear.transfer import Transfer, delay, differences, transfer
from derive.rule import Rule
from derive.transforms import repeated

MAX_SHIFT = 4
MOST_TOLD, LONGEST_TEXT = 3, 300


def relate(a: Rule, b: Rule) -> LinearRelation | None:
    """Every way in which b shows what a shows; None where not both are linear and the same at every step.

    Where b asks for n times as many gradients in a step as a, it is compared with n steps of a.
    """
    if a.is_average is not b.is_average:
        return None
    times_a = _repetition(a, b)
    if times_a is None:
        return None
    try:
        sides = _sides(repeated(a, times_a) if times_a > 1 else a, b)
        return None if sides is None else replace(_relation(sides), a=a, repetition=times_a)
    except TooLarge as obstacle:
        return LinearRelation(a, b, (), open=(str(obstacle),), repetition=times_a)


def _repetition(a: Rule, b: Rule) -> int | None:
    """How many steps of a ask for as many gradients as one of b."""
    if a.is_average:
        return 1
    mine, his = len(a.questions), len(b.questions)
    return his // mine if his % mine == 0 else None


def _sides(a: Rule, b: Rule) -> Sides | None:
    frame = frame_of(a=a, b=b)
    left, right = linear_system(a, frame, "a."), linear_system(b, frame, "b.")
    return None if left is None or right is None else Sides(left, right)


def _relation(sides: Sides) -> LinearRelation:
    mine, his = transfer(sides.a), transfer(sides.b)
    found: list[Branch] = []
    left: list[str] = []
    for shift in dict.fromkeys((0, _shift(sides.frame, mine, his))):
        theirs = his if not shift else transfer(replace(sides.b, start=started(sides.b, shift)))
        equations = _equations(sides.frame, mine, theirs, shift)
        for solution in solutions(equations, sides.hyperparameters[::-1], sides.frame, sides.divisors):
            branches, undecided = branch_of(sides, solution, mine, shift)
            found.extend(branch for branch in branches if not (shift and branch.degenerate))
            left.extend(undecided)
    order = {"equal": 0, "instance": 1, "conditional": 2, "degenerate": 3}
    found.sort(key=lambda branch: (branch.shift, order[branch.kind], str(branch)))
    return LinearRelation(
        sides.a.rule, sides.b.rule, tuple(found), hidden_modes(sides.a), hidden_modes(sides.b),
        sides.expr(mine.gradient[0][0]), sides.expr(his.gradient[0][0]), _shortened(left),
    )  # fmt: skip


def _shortened(left: list[str]) -> tuple[str, ...]:
    """What is left open, for a reader: a few cases, each as far as a line goes."""
    told = [text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}…" for text in left[:MOST_TOLD]]
    return (*told, *([f"and {len(left) - MOST_TOLD} more cases"] if len(left) > MOST_TOLD else []))


def _shift(frame: Frame, mine: Transfer, his: Transfer) -> int:
    """How many steps later than a's an answer shows in b; zero where b is not later, or several are asked for."""
    one = len(mine.gradient) == 1 == len(his.gradient)
    if not one or not mine.gradient[0][0] or not his.gradient[0][0]:
        return 0
    later = delay(his.gradient[0][0], frame.z) - delay(mine.gradient[0][0], frame.z)
    return later if 0 < later <= MAX_SHIFT else 0


def _equations(frame: Frame, mine: Transfer, his: Transfer, shift: int) -> list[fmpq_mpoly]:
    """Polynomials in the hyperparameters that vanish together where both show the same, b `shift` steps later."""
    later = whole(power(generator(frame.z), shift))
    pairs = [*_entries(mine.gradient, his.gradient), *_entries(mine.start, his.start)]
    split = len(mine.gradient) * len(mine.gradient[0])
    shifted = [(x, y * later if place < split else y) for place, (x, y) in enumerate(pairs)]
    return [poly for x, y in shifted for poly in differences(x, y, frame.z)]


def _entries(mine: Matrix, his: Matrix) -> Iterator[tuple[Ratio, Ratio]]:
    for row, other in zip(mine, his, strict=True):
        yield from zip(row, other, strict=True)
