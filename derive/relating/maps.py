"""Maps and conditions as a caller gives them: what they may mention, and what is said where they do not fit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from derive.algebra.facts import Assumptions
from derive.errors import UserError
from derive.expr import Expr, is_truth, substitute, symbols, to_text
from derive.proving.identity import identity
from derive.proving.obligations import inside, tracked
from derive.rule import Rule
from derive.transforms import bind


def bind_sides(condition: Mapping[str, Expr], a: Rule, b: Rule) -> tuple[Rule, Rule]:
    """Both rules with a condition's values: a bare name binds both, "a.NAME" and "b.NAME" one of them."""
    return bind(a, _of_side("a.", condition)), bind(b, _of_side("b.", condition))


def with_condition(maps: Mapping[str, Expr], condition: Mapping[str, Expr]) -> dict[str, Expr]:
    """The maps where the condition holds: what it sets in A stands in them."""
    return dict(zip(maps, substitute(maps.values(), _of_side("a.", condition)), strict=True))


def _of_side(prefix: str, condition: Mapping[str, Expr]) -> dict[str, Expr]:
    bare = {n: e for n, e in condition.items() if "." not in n}
    return {**bare, **{n.removeprefix(prefix): e for n, e in condition.items() if n.startswith(prefix)}}


def refuse_condition(bound: Mapping[str, Expr], a: Rule, b: Rule) -> None:
    """A condition binds hyperparameters the rules have, to values of their other ones inside the domains."""
    refuse_truths(bound)
    known = dict.fromkeys((*a.hyperparameter_names, *b.hyperparameter_names))
    sided = [f"{side}.{n}" for side, rule in (("a", a), ("b", b)) for n in rule.hyperparameter_names]
    refuse_names(bound, (*known, *sided), f"a hyperparameter of {a.name} or {b.name}")
    for rule, values in ((a, _of_side("a.", bound)), (b, _of_side("b.", bound))):
        for h in rule.hyperparameters:
            if h.name in values:
                free = [n for n in rule.hyperparameter_names if n not in values]
                refuse_names(symbols(values[h.name]), free, f"a hyperparameter of {rule.name} that is left free")
                if not identity([inside(values[h.name], h.domain)], Assumptions(rule.domains)):
                    value = to_text(values[h.name])
                    raise UserError(f"{h.name} = {value} is not in its domain {h.domain} of {rule.name}")


def refuse_maps(a: Rule, b: Rule, states: Mapping[str, Expr], hyperparameters: Mapping[str, Expr]) -> None:
    """The maps a caller gives write what b has in what a has."""
    refuse_truths({**states, **hyperparameters})
    refuse_names(states, tracked(b), f"a state of {b.name}")
    refuse_names(hyperparameters, b.hyperparameter_names, f"a hyperparameter of {b.name}")
    refuse_names(symbols(*hyperparameters.values()), a.hyperparameter_names, f"a hyperparameter of {a.name}")
    refuse_names(symbols(*states.values()), _kept_by(a), f"a state or hyperparameter of {a.name}")


def refuse_truths(given: Mapping[str, Expr]) -> None:
    for name, value in given.items():
        if is_truth(value):
            raise UserError(f"{name} cannot be the condition {to_text(value)}", fix="write a number or a formula")


def refuse_names(given: Iterable[str], known: Iterable[str], what: str) -> None:
    """Raise UserError for the first name that is not known, with the nearest ones."""
    names = list(known)
    for name in sorted(given):
        if name not in names:
            near = get_close_matches(name, names, n=1)
            listed = f"it has {', '.join(names)}" if names else "there is none"
            raise UserError(f"{name!r} is not {what}", fix=f"did you mean {near[0]}?" if near else listed)


def differing_domains(a: Rule, b: Rule) -> str:
    """In words, the first hyperparameter of both whose domains differ; empty where there is none."""
    domains = {h.name: h.domain for h in a.hyperparameters}
    one, other = told_apart(a, b)
    for h in b.hyperparameters:
        if domains.get(h.name, h.domain) != h.domain:
            return f"{h.name} lies in {domains[h.name]} in {one} and in {h.domain} in {other}; declare one domain"
    return ""


def told_apart(a: Rule, b: Rule) -> tuple[str, str]:
    """The names of the two; of two that are called alike "A" and "B"."""
    return (a.name, b.name) if a.name != b.name else ("A", "B")


def _kept_by(a: Rule) -> tuple[str, ...]:
    """What the state of b may be written in: what a keeps between steps, its hyperparameters, and t."""
    return ("t", *(() if a.is_average else ("theta",)), *a.state_names, *a.hyperparameter_names)
