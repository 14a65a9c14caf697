"""Anchors: what a library rule must satisfy that was not generated from it.

Everything derived from a rule would follow a mistake in the rule. So a trajectory of three steps, worked
from the source's formula in exact numbers, and the relations between siblings (equal under a map, or
told apart by a witness) are kept in `derive/library/anchors.toml` and compared here.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from importlib.resources import files
from typing import Any

from derive.evaluate import ball, exact, unrolled
from derive.expr import Expr, Number, symbols
from derive.ops import Inexact, Undefined
from derive.proving import Assumptions
from derive.proving.checker import Checked
from derive.proving.replay import Separation, difference_at, first_difference
from derive.proving.search import Differs, Undecided, propose_identity
from derive.relating import prove
from derive.rule import Rule
from derive.tensors import Tensor, unrolled_tensor


@dataclass(frozen=True)
class Trajectory:
    """The first steps of a rule: every output and state (and the query point, where the rule has one) after each.

    Of a tensor where the values are tuples, coordinate by coordinate.
    """

    source: str
    hyperparameters: Mapping[str, Expr]
    theta: Expr | Tensor
    gradients: tuple[Expr | Tensor, ...]
    steps: tuple[Mapping[str, Expr | Tensor], ...]


@dataclass(frozen=True)
class Equal:
    """`left` is `right`, whose names the maps write in the names of `left`, where `condition` holds on both sides."""

    left: str
    right: str
    hyperparameters: Mapping[str, Expr]
    states: Mapping[str, Expr]
    condition: Mapping[str, Expr]


@dataclass(frozen=True)
class Different:
    """Gradients after which the two rules ask for (or return) different points, for the first time after `step`."""

    left: str
    right: str
    hyperparameters: Mapping[str, Fraction]
    theta: Fraction
    gradients: tuple[Fraction, ...]
    step: int


@dataclass(frozen=True)
class Anchors:
    """The whole file."""

    trajectories: Mapping[str, Trajectory]
    equal: tuple[Equal, ...]
    different: tuple[Different, ...]


@dataclass(frozen=True)
class AnchorReport:
    """How many of a rule's anchors hold, and the first that does not."""

    ok: bool
    passed: int
    total: int
    message: str


def check_anchors(rule: Rule) -> AnchorReport:
    """Compare a library rule with its anchors; any other rule has none, whatever its name."""
    from derive.library import LIBRARY

    failures = list(_failures(rule, {known.name: known for known in LIBRARY})) if rule in LIBRARY else []
    wrong = [failure for failure in failures if failure]
    message = wrong[0] if wrong else "the trajectory and the relations hold" if failures else "none"
    return AnchorReport(not wrong, len(failures) - len(wrong), len(failures), message)


def check_trajectory(rule: Rule, trajectory: Trajectory) -> str:
    """Where the rule first leaves the trajectory, in words; empty where it follows it exactly."""
    steps = _steps(rule, trajectory)
    for t, (found, expected) in enumerate(zip(steps, trajectory.steps, strict=True), start=1):
        if set(found) != set(expected):
            return f"step {t}: it has {', '.join(found)}; its anchor has {', '.join(expected)}"
        for name in expected:
            mine, stated = _coordinates(found[name]), _coordinates(expected[name])
            if len(mine) != len(stated) or not all(map(_same, mine, stated)):
                return f"step {t}: {name} is {_values_text(mine)}, not {_values_text(stated)}"
    return ""


def _steps(rule: Rule, trajectory: Trajectory) -> Sequence[Mapping[str, Expr | Tensor]]:
    """What the rule makes of the trajectory's gradients."""
    theta, gradients = trajectory.theta, trajectory.gradients
    if isinstance(theta, tuple):
        return unrolled_tensor(rule, trajectory.hyperparameters, theta, [_coordinates(g) for g in gradients])
    return unrolled(rule, trajectory.hyperparameters, theta, [g for each in gradients for g in _coordinates(each)])


def _coordinates(value: Expr | Tensor) -> Tensor:
    return value if isinstance(value, tuple) else (value,)


def check_equal(relation: Equal, rules: Mapping[str, Rule]) -> str:
    """Why the declared equality is not proved, in words; empty where it is."""
    verdict = prove(
        rules[relation.left],
        rules[relation.right],
        states=relation.states,
        hyperparameters=relation.hyperparameters,
        condition=relation.condition,
    )
    wanted = "conditional" if relation.condition else "proved"
    if verdict.status == wanted:
        return ""
    return f"{relation.left} = {relation.right} is {verdict.status}, not {wanted}: {verdict.message}"


def check_different(relation: Different, rules: Mapping[str, Rule]) -> str:
    """Why the witness does not tell the two rules apart where it says, in words; empty where it does."""
    left, right = rules[relation.left], rules[relation.right]
    own = [{n: relation.hyperparameters[n] for n in r.hyperparameter_names} for r in (left, right)]
    found = first_difference(Separation(left, right, own[0], own[1], relation.theta, relation.gradients))
    if found is not None and found.step == relation.step:
        return ""
    where = "nowhere" if found is None else f"at step {found.step}"
    return f"{relation.left} and {relation.right} differ {where}, not at step {relation.step}"


def _failures(rule: Rule, rules: Mapping[str, Rule]) -> Iterator[str]:
    anchors = load_anchors()
    if rule.name in anchors.trajectories:
        yield check_trajectory(rule, anchors.trajectories[rule.name])
    for equal in anchors.equal:
        if rule.name in (equal.left, equal.right):
            yield check_equal(equal, rules)
    for different in anchors.different:
        if rule.name in (different.left, different.right):
            yield check_different(different, rules)


def _same(found: Expr, expected: Expr) -> bool:
    """Whether two expressions without names are the same number: by value, or proved where it is irrational."""
    mine, stated = exact([found, expected], {})
    if Inexact in (type(mine), type(stated)):
        pair = (found, expected)
        return difference_at((pair,), {}) is None and _proved(pair)
    return isinstance(mine, Fraction) and mine == stated


def _proved(pair: tuple[Expr, Expr]) -> bool:
    """Whether the normal form shows two numbers to be the same; no other prover is asked about a number."""
    try:
        return bool(Checked(propose_identity((pair,), Assumptions())))
    except (Differs, Undecided):
        return False


def _values_text(values: Tensor) -> str:
    return ", ".join(map(_value_text, values))


def _value_text(value: Expr) -> str:
    [number] = exact([value], {})
    if isinstance(number, Inexact):
        [number] = ball([value], {})
    return number.reason if isinstance(number, Undefined | Inexact) else str(number)


@cache
def load_anchors() -> Anchors:
    """The anchors of the library, read from its data file."""
    return read_anchors(files("derive.library").joinpath("anchors.toml").read_text(encoding="utf-8"))


def read_anchors(text: str) -> Anchors:
    """Anchors from TOML, every number and map an expression of the rule language."""
    table = tomllib.loads(text)
    return Anchors(
        trajectories={name: _trajectory(row) for name, row in table.get("rules", {}).items()},
        equal=tuple(_equal(row) for row in table.get("equal", ())),
        different=tuple(_different(row) for row in table.get("different", ())),
    )


def _trajectory(row: Mapping[str, Any]) -> Trajectory:
    return Trajectory(
        source=row["source"],
        hyperparameters=_expressions(row["hyperparameters"]),
        theta=_values(row.get("theta", "0")),
        gradients=tuple(_values(g) for g in _answers(row)),
        steps=tuple({name: _values(value) for name, value in step.items()} for step in row["steps"]),
    )


def _equal(row: Mapping[str, Any]) -> Equal:
    maps = (_expressions(row.get(part, {})) for part in ("hyperparameters", "states", "condition"))
    return Equal(row["left"], row["right"], *maps)


def _different(row: Mapping[str, Any]) -> Different:
    return Different(
        left=row["left"],
        right=row["right"],
        hyperparameters={name: Fraction(value) for name, value in row["hyperparameters"].items()},
        theta=Fraction(row.get("theta", 0)),
        gradients=tuple(Fraction(g) for g in _answers(row)),
        step=row["step"],
    )


def _answers(row: Mapping[str, Any]) -> list[Any]:
    found: list[Any] = row["gradients"] if "gradients" in row else row["inputs"]
    return found


def _values(given: str | list[str]) -> Expr | Tensor:
    """One number, or one for each coordinate."""
    return _expression(given) if isinstance(given, str) else tuple(_expression(text) for text in given)


def _expressions(row: Mapping[str, str]) -> dict[str, Expr]:
    return {name: _expression(text) for name, text in row.items()}


def _expression(text: str) -> Expr:
    from derive.reading.python.expressions import read_expression

    expression = read_expression(text, file="anchors.toml")
    [value] = exact([expression], {}) if not symbols(expression) else [None]
    return Number(value) if isinstance(value, Fraction) else expression
