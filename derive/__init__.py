"""Optimizer rules: read once as their papers write them, derived, proved and compiled.

`rule` is bound here to the decorator, eagerly, since `derive.rule` is also a module. Everything
here is light: what needs SymPy or FLINT is imported by the functions that use it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from derive.expr import Expr
from derive.language import rule
from derive.rule import Rule

if TYPE_CHECKING:
    from derive.proving import Verdict
    from derive.rendering import Shown


def rules() -> tuple[Rule, ...]:
    """Every rule of the library, in the order they are shown."""
    from derive.library.lookup import rules as library

    return library()


def show(rule: Rule | str) -> Shown:
    """The rule and everything derived from it, each step checked: prints as text, renders in a notebook.

    `rule` is a Rule, a library name, or `PATH::NAME`. Raises UserError where there is none.
    """
    from derive.rendering import Shown, page

    return Shown(page(_rule(rule)))


def prove(
    a: Rule | str,
    b: Rule | str,
    *,
    states: Mapping[str, Expr | str] | None = None,
    hyperparameters: Mapping[str, Expr | str] | None = None,
    condition: Mapping[str, Expr | str] | None = None,
) -> Verdict:
    """Whether two rules ask for the same points at every step, for all gradients, under a given map.

    `states` and `hyperparameters` write those of `b` in the names of `a`; `condition` binds
    hyperparameters of both, such as `{"eps": "0"}`. What is left out keeps its name. The verdict
    is true only when proved.
    """
    from derive.proving import prove as prove_rules

    maps = {"states": states, "hyperparameters": hyperparameters, "condition": condition}
    return prove_rules(_rule(a), _rule(b), **{name: _expressions(given) for name, given in maps.items()})


def _rule(given: Rule | str) -> Rule:
    from derive.library.lookup import find_rule

    return find_rule(given) if isinstance(given, str) else given


def _expressions(given: Mapping[str, Expr | str] | None) -> dict[str, Expr]:
    from derive.reading.expressions import read_expression

    return {name: e if isinstance(e, Expr) else read_expression(e) for name, e in (given or {}).items()}


__all__ = ["Rule", "prove", "rule", "rules", "show"]
