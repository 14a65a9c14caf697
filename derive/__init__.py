"""Optimizer rules: read once as their papers write them, derived, proved and compiled.

`rule` is bound here to the decorator, eagerly, since `derive.rule` is also a module. Everything
here is light: what needs SymPy or FLINT is imported by the functions that use it.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeAlias, overload

from derive.errors import UserError
from derive.expr import Expr
from derive.language import piece, rule, schedule
from derive.rule import Rule

Formula: TypeAlias = Expr | str | int | float | Fraction

if TYPE_CHECKING:
    from derive.composing.piece import Piece, Schedule
    from derive.matching import Match
    from derive.matching.target import Target
    from derive.precision.hazard import Hazards
    from derive.proving import Verdict
    from derive.rendering import Shown


def rules() -> tuple[Rule, ...]:
    """Every rule of the library, in the order they are shown."""
    from derive.library.lookup import rules as library

    return library()


def show(rule: object) -> Shown:
    """The rule and everything derived from it, each step checked: prints as text, renders in a notebook.

    `rule` is a Rule, a library name, `PATH::NAME`, or a function or class (which is read, not called).
    Raises UserError where that is none of them.
    """
    from derive.library.lookup import as_rule
    from derive.rendering import Shown, page

    return Shown(page(as_rule(rule)))


def compose(*parts: object, name: str = "") -> Rule:
    """One rule of a rule and the pieces around its step: `compose(clip_by_norm(1.0), adamw, ema_of_weights(0.999))`.

    The gradient goes through the parts from left to right; see `derive.composing` for the pieces there are, and `piece`
    for one's own. The rule is given as to `show`. Raises UserError where there is not one rule, and where parts don't
    fit.
    """
    from derive.composing import Piece, composed
    from derive.library.lookup import as_rule

    return composed(tuple(part if isinstance(part, Piece) else as_rule(part) for part in parts), name)


@overload
def scheduled(rule: None = None, /, **schedules: Schedule) -> Piece: ...
@overload
def scheduled(rule: object, /, **schedules: Schedule) -> Rule: ...
def scheduled(rule: object = None, /, **schedules: Schedule) -> Rule | Piece:
    """The rule with hyperparameters multiplied by schedules: `scheduled("adamw", lr=warmup_cosine(100, 1000))`.

    A hyperparameter keeps its name, and is then what the factor multiplies. Without a rule it is a piece for `compose`.
    Raises UserError for hyperparameters that the rule does not have.
    """
    from derive.composing import scheduling

    made = scheduling(schedules)
    return made if rule is None else compose(made, rule)


def prove(
    a: object,
    b: object,
    *,
    where: str | Sequence[str] = (),
    states: Mapping[str, Formula] | None = None,
    hyperparameters: Mapping[str, Formula] | None = None,
    condition: Mapping[str, Formula] | None = None,
    schedule: str | Collection[str] = (),
) -> Verdict:
    """Whether two rules ask for the same points at every step, for all gradients; the map between them is searched.

    The rules are given as to `show`. What is known of the map may be given: `where` as on the command
    line, "B.lr = A.lr * (1 - A.beta), eps = 0"; or in parts: `states` and `hyperparameters` write those
    of `b` in the names of `a`, `condition` binds hyperparameters of both, such as `{"eps": 0}`. The
    hyperparameters named in `schedule` may change from step to step. The verdict is true only when
    proved. There is no limit on time here, only on work. Raises UserError for names nobody has.
    """
    from derive.library.lookup import as_rule
    from derive.relating import prove as prove_rules
    from derive.relating.where import read_where

    left, right = as_rule(a), as_rule(b)
    read = read_where(_texts("where", where), left, right)
    return prove_rules(
        left,
        right,
        states={**read.states, **_expressions("states", states)},
        hyperparameters={**read.hyperparameters, **_expressions("hyperparameters", hyperparameters)},
        condition={**read.condition, **_expressions("condition", condition)},
        schedule=_texts("schedule", schedule),
    )


def check(
    code: str,
    against: object,
    *,
    names: Mapping[str, str | int | float | Fraction] | None = None,
    strict: bool = False,
) -> Match:
    """Whether code is a rule: `code` is PATH, PATH::NAME, or the text itself (several lines, or `=` and no such file).

    `against` is given as to `show`; other code, as PATH::NAME, is read as `code` is.
    Which name is the parameter, which the gradient, and so on, is found by trying; `names` says what is
    known, `{"w": "theta", "dw": "g", "momentum": 0.9, "nesterov": True}`. The answer is true only when
    proved; its `fault` says which line to mend. `strict` asks that every hyperparameter stands for the
    one it is called like: no map of them counts. Raises UserError for a text that can't be read. Nothing
    of it is executed.
    """
    from derive.library.lookup import as_rule
    from derive.matching.against import Other, check_against, others

    rules = others(against) if isinstance(against, str) else (Other(as_rule(against)),)
    return check_against(_target(code), rules, _said("names", names), strict=strict)


def identify(code: str, names: Mapping[str, str | int | float | Fraction] | None = None) -> tuple[Match, ...]:
    """Which known rule code is: the nearest of the library, proved ones first, then conditional ones.

    `code` and `names` are given as to `check`, of whose answers each is one. Raises UserError for a text that
    can't be read.
    """
    from derive.matching import identify_text

    target = _target(code)
    return identify_text(target.text, target.file, target.name, _said("names", names))


def hazards(
    rule: object,
    dtype: str,
    *,
    arithmetic: str | None = None,
    hyperparameters: Mapping[str, str | int | float | Fraction] | None = None,
) -> Hazards:
    """What goes wrong with a rule at its defaults when its state is kept in `dtype`, and from which value on.

    `rule` is given as to `show`; `dtype` is "float16", "bfloat16", "float32" or another format of ml_dtypes.
    Operations and constants are in `arithmetic`, or in `dtype` too; `hyperparameters` gives some of them other
    values than their defaults. The answer is true where nothing goes wrong at the defaults alone. Raises
    UserError for formats and names that are not known.
    """
    from derive.library.lookup import as_rule
    from derive.precision.report import hazards_of, with_defaults

    values = {name: _number(name, value) for name, value in _mapping("hyperparameters", hyperparameters).items()}
    return hazards_of(with_defaults(as_rule(rule), values), dtype, arithmetic)


def _number(name: str, given: object) -> Fraction:
    """A number as it is written: 0.1 is one tenth. Raises UserError for anything else."""
    try:
        return Fraction(str(given))
    except (ValueError, ZeroDivisionError):
        raise UserError(f"{given!r} is no number", where=name, fix="write 1e-4, 0.1 or 1/3") from None


def _said(name: str, given: object) -> dict[str, str]:
    """Roles, numbers and settings as they are written on the command line."""
    return {key: str(role) for key, role in _mapping(name, given).items()}


def _target(code: object) -> Target:
    """The text that is meant, by itself or by its path."""
    from derive.matching.target import Target, read_target

    if not isinstance(code, str):
        what = f"{type(code).__name__!r} is no text and no path"
        raise UserError(what, fix="give the text, PATH or PATH::NAME; `prove` compares functions and classes")
    if "\n" in code or ("=" in code and not _is_file(code)):
        return Target(code, "text", None)
    return read_target(code)


def _is_file(target: str) -> bool:
    """Whether PATH or PATH::NAME leads somewhere."""
    return os.path.exists(target) or os.path.exists(target.rpartition("::")[0])


def _texts(name: str, given: object) -> tuple[str, ...]:
    """One text or several, as a tuple."""
    texts = (given,) if isinstance(given, str) else tuple(given) if isinstance(given, Iterable) else (None,)
    if not all(isinstance(text, str) for text in texts):
        raise UserError(f"{given!r} is no text and no list of texts", where=name, fix="give one text or a list of them")
    return texts


def _mapping(name: str, given: object) -> Mapping[str, Any]:
    """A dictionary with texts as its keys; None is an empty one."""
    if given is None:
        return {}
    if not isinstance(given, Mapping) or not all(isinstance(key, str) for key in given):
        raise UserError(f"{given!r} is no dictionary of names", where=name, fix='write {"lr": ...}')
    return given


def _expressions(name: str, given: Mapping[str, Formula] | None) -> dict[str, Expr]:
    """Formulas as expressions: text of the rule language, exact numbers, floats as the decimals they are written as."""
    from derive.reading.python.expressions import read_expression

    formulas = _mapping(name, given)
    return {n: e if isinstance(e, Expr) else read_expression(str(e), file=n) for n, e in formulas.items()}


__all__ = [
    "Rule", "check", "compose", "hazards", "identify", "piece", "prove", "rule", "rules", "schedule", "scheduled",
    "show",
]  # fmt: skip
