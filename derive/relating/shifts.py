"""The same later in time: one rule asks at step t + k what the other asks at step t.

A rule whose answers come k steps later is a rule as well, so a shift is proved as an equality with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from derive.expr import Expr, Number, Symbol, apply, substitute
from derive.proving.checker import Checked
from derive.proving.obligations import point_after
from derive.proving.replay import difference_at
from derive.proving.search import Differs, Undecided
from derive.relating.searching.ansatz import Ansatz, hyper_unknown
from derive.relating.searching.attempts import Record, Request
from derive.relating.searching.induction import induction
from derive.relating.searching.solving import Maps, candidate_maps
from derive.rule import Rule
from derive.transforms import answer_buffers, bind, delayed

LONGEST = 3
GRADIENTS = tuple(map(Fraction, ("1", "-2", "3", "1/2", "5")))
THETA = Fraction(7)
SETTING = Fraction(1, 3)  # of every hyperparameter whose domain has it


@dataclass(frozen=True)
class Shift:
    """`late` asks `steps` steps later what `early` asks ("A" and "B"); the proof is about `early` delayed."""

    early: str
    late: str
    steps: int
    proof: Checked


def shifted(request: Request, record: Record) -> Shift | None:
    """The proof that one rule is the other some steps later, hyperparameters of one name being the same."""
    given = request.states or request.hyperparameters or request.scheduled
    if given or any(r.asked for r in (request.a, request.b)):
        return None
    for steps in range(1, LONGEST + 1):
        for early, late, rules in (("A", "B", (request.a, request.b)), ("B", "A", (request.b, request.a))):
            if _may_be(*rules, steps):
                proof = _proof(*rules, steps)
                record.note(f"{late} is {early} {steps} steps later: {'proved' if proof else 'not proved'}")
                if proof is not None:
                    return Shift(early, late, steps, proof)
    return None


def _proof(early: Rule, late: Rule, steps: int) -> Checked | None:
    later = delayed(early, steps)
    shared = {hyper_unknown(n): Symbol(n) for n in late.hyperparameter_names if n in early.hyperparameter_names}
    # Before an answer has come its buffer holds zero, and the states are as they start: said so, the first
    # steps keep the map too.
    come = {name: _after(age, name, Number(0)) for age, name in enumerate(answer_buffers(early, steps), start=1)}
    come |= {s.name: _after(steps + 1, s.name, s.initial) for s in early.states}
    for maps in candidate_maps(Ansatz(later, late, varying=False), shared):
        states = dict(zip(maps.states, substitute(maps.states.values(), come), strict=True))
        try:
            return induction(later, late, Maps(states, maps.hyperparameters))
        except (Differs, Undecided):
            continue
    return None


def _after(steps: int, name: str, before: Expr) -> Expr:
    return apply("where", apply("gt", Symbol("t"), steps), Symbol(name), before)


def _may_be(early: Rule, late: Rule, steps: int) -> bool:
    """Whether a run at simple values shows nothing against it; what is shown must not be the same throughout."""
    if difference_at(((_seen(late, GRADIENTS[:1]), _seen(late, GRADIENTS[1:2])),), {}):
        return False  # its second point depends on the first answer
    points = [_seen(early, GRADIENTS[:count]) for count in range(1, len(GRADIENTS))]
    later = [_seen(late, GRADIENTS[: count + steps]) for count in range(1, len(GRADIENTS) - steps)]
    pairs = tuple(zip(points, later, strict=False))
    moves = any(difference_at(((a, b),), {}) for a, b in pairwise(points))
    return moves and difference_at(pairs, {}) is None


def _seen(rule: Rule, gradients: tuple[Fraction, ...]) -> Expr:
    values: dict[str, Expr] = {h.name: Number(SETTING if SETTING in h.domain else 1) for h in rule.hyperparameters}
    return point_after(bind(rule, values), THETA, gradients)
