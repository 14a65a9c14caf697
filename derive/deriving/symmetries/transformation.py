"""A change of what a rule is given, and the rule seen through it.

A transformation moves the parameter and the gradients answered; the rule seen through it takes theta,
moves it there, makes a step with the moved gradients, and moves back. The rule has the symmetry when
this is the rule itself, the states and perhaps some hyperparameters being moved too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction

from derive.deriving.derivation import letter
from derive.expr import Expr, Number, Symbol, apply, substitute
from derive.rule import POSITIVE, REAL, Assignment, Hyperparameter, Rule, State
from derive.transforms import with_more


@dataclass(frozen=True)
class Transformation:
    """`there` moves theta, `back` undoes that, `answers` moves the gradients; all in the names of the rule.

    `counter` moves t. `free` is the number it depends on, any of its domain; `states` and `hyperparameters`
    say what those of the moved run are in those of the rule's own.
    """

    there: Expr
    back: Expr
    answer: Expr
    counter: Expr
    states: Mapping[str, Expr] = field(default_factory=dict)
    hyperparameters: Mapping[str, Expr] = field(default_factory=dict)
    free: Hyperparameter | None = None
    identity: int = 0  # the value of that number with which nothing moves

    @property
    def moved_states(self) -> dict[str, Expr]:
        """The states that do not stay as they are."""
        return {n: e for n, e in self.states.items() if e is not Symbol(n)}


THETA, G, T = Symbol("theta"), Symbol("g"), Symbol("t")


def scaling(rule: Rule, exponents: Mapping[str, Fraction]) -> Transformation:
    """Every name times its power of one positive number."""
    number = Hyperparameter(letter(rule, "c"), Fraction(2), POSITIVE)
    c = Symbol(number.name)
    moved = {n: times_power(c, e, Symbol(n)) for n, e in exponents.items()}
    back = times_power(c, -exponents["theta"], THETA)
    return Transformation(
        there=moved["theta"],
        back=back,
        answer=moved["g"],
        counter=T,
        states={n: moved[n] for n in rule.state_names},
        hyperparameters={n: moved[n] for n in rule.hyperparameter_names if exponents.get(n)},
        free=number,
        identity=1,
    )


def reflection(rule: Rule, odd: frozenset[str]) -> Transformation:
    """The opposite of theta, of the gradients and of the odd states."""
    states: dict[str, Expr] = {n: -Symbol(n) if n in odd else Symbol(n) for n in rule.state_names}
    return Transformation(-THETA, -THETA, -G, T, states)


def translation(rule: Rule) -> Transformation:
    """theta and the states that start from it, moved by any number; the gradients answered are the same."""
    number = Hyperparameter(letter(rule, "c"), Fraction(1), REAL)
    c = Symbol(number.name)
    states: dict[str, Expr] = {
        s.name: Symbol(s.name) + c if s.initial is THETA else Symbol(s.name) for s in rule.states
    }
    return Transformation(THETA + c, THETA - c, G, T, states, free=number)


def delay(rule: Rule) -> Transformation:
    """The same run counted from one step later."""
    return Transformation(THETA, THETA, G, T + 1, {n: Symbol(n) for n in rule.state_names})


def times_power(base: Expr, exponent: Fraction, expr: Expr) -> Expr:
    """base ** exponent * expr, as one would write it."""
    if exponent == 0:
        return expr
    size = abs(exponent)
    power = base if size == 1 else apply("sqrt", base) if size == Fraction(1, 2) else base ** Number(size)
    return power * expr if exponent > 0 else expr / power


def with_free(rule: Rule, move: Transformation) -> Rule:
    """The rule beside which the number of the transformation may be mentioned."""
    return rule if move.free is None else with_more(rule, [move.free])


def conjugated(rule: Rule, move: Transformation) -> Rule:
    """The rule seen through the transformation."""
    answers = [name for name, _ in rule.questions]
    moved: dict[str, Expr] = {"theta": move.there, "t": move.counter}
    moved |= {name: substitute([move.answer], {"g": Symbol(name)})[0] for name in answers}
    changed = {name: value for name, value in moved.items() if value is not Symbol(name)}
    before = [Assignment(name, value) for name, value in changed.items()]
    after = [Assignment("theta", move.back)] if move.back is not THETA else []
    points = dict(zip(answers, _points(rule, moved, move.back), strict=True))
    return replace(
        with_free(rule, move),
        name=f"{rule.name}_moved",
        body=(*before, *rule.body, *after),
        states=tuple(State(s.name, substitute([s.initial], {"theta": move.there})[0]) for s in rule.states),
        query=None if rule.query is None else points["g"],
        asked=tuple((name, points[name]) for name, _ in rule.asked),
    )


def _points(rule: Rule, moved: Mapping[str, Expr], back: Expr) -> list[Expr]:
    """Where the moved rule takes its gradients, moved back."""
    inside = substitute([point for _, point in rule.questions], moved)
    return [substitute([back], {"theta": point})[0] for point in inside]
