"""A text's rule in the words of another rule: its hyperparameters and states under the names they have there.

Renaming changes nothing, and one minus a hyperparameter is as good a hyperparameter; what the text
says about its domains is that they are the other rule's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from derive.expr import Expr, Symbol, substitute, symbols
from derive.matching.guessing.correspondence import Correspondence, used
from derive.reading.step.statements import fresh
from derive.rule import WORDS, Assignment, Hyperparameter, Rule, State
from derive.transforms import bind


def in_its_words(text: Rule, rule: Rule, way: Correspondence, states: Mapping[str, str]) -> Rule:
    """The text's rule with the names and domains of the hyperparameters it corresponds to.

    `states` are the rule's states and the text's names for them. Hyperparameters that the text does
    not use are left out, those it has under the rule's own names added.
    """
    turned = {way.names[his]: his for his in way.reflected}
    plain = {name: his for his, name in way.names.items() if his not in way.reflected}
    names = _new_names(text, rule, way, states)
    needed = {*used(text), *(n for n in plain if n in symbols(*text.step.values()))}
    kept = _hyperparameters(rule, {n: his for n, his in plain.items() if n in needed})
    others = [h for h in text.hyperparameters if h.name in needed and h.name not in {*plain, *turned}]
    whole = replace(text, hyperparameters=(*kept, *others, *(h for h in text.hyperparameters if h.name in turned)))
    renamed = _renamed(whole, names)
    return _turned(renamed, rule, {names.get(n, n): his for n, his in turned.items() if n in needed})


def called(
    text: Rule, rule: Rule, way: Correspondence, states: Mapping[str, str], shown: Callable[[str], str]
) -> dict[str, str]:
    """For each name of the dressed rule that the text calls otherwise, what the text calls it.

    `shown` is how the text writes one of its rule's names.
    """
    names = _new_names(text, rule, way, states)
    own = [*text.hyperparameter_names, *text.state_names, *(a.target for a in text.body), *WORDS]
    made = {names.get(n, n): shown(n) for n in own}
    made |= {his: f"(1 - {shown(way.names[his])})" for his in way.reflected}
    return {n: said for n, said in made.items() if n != said}


def _new_names(text: Rule, rule: Rule, way: Correspondence, states: Mapping[str, str]) -> dict[str, str]:
    plain = {name: his for his, name in way.names.items() if his not in way.reflected}
    return _names(text, {**plain, **{mine: his for his, mine in states.items()}}, {*way.names, *rule.state_names})


def _hyperparameters(rule: Rule, names: Mapping[str, str]) -> list[Hyperparameter]:
    return [Hyperparameter(n, None, rule.domains[his]) for n, his in names.items()]


def _names(text: Rule, wanted: Mapping[str, str], reserved: set[str]) -> dict[str, str]:
    """New names for those of the text: the wanted ones, and others for what is in their way."""
    roots = [*(a.value for a in text.body), *([text.query] if text.query is not None else [])]
    old = {*text.hyperparameter_names, *text.state_names, *(a.target for a in text.body), *symbols(*roots)} - {*WORDS}
    taken = {*wanted.values(), *reserved, *WORDS, *old}
    names = dict(wanted)
    for name in sorted(old - wanted.keys()):
        if name in {*wanted.values(), *reserved}:
            names[name] = fresh(f"{name}_", taken)
            taken.add(names[name])
    return names


def _renamed(text: Rule, names: Mapping[str, str]) -> Rule:
    def value(old: Expr) -> Expr:
        return substitute([old], {n: Symbol(new) for n, new in names.items()})[0]

    return replace(
        text,
        hyperparameters=tuple(replace(h, name=names.get(h.name, h.name)) for h in text.hyperparameters),
        states=tuple(State(names.get(s.name, s.name), value(s.initial)) for s in text.states),
        body=tuple(Assignment(names.get(a.target, a.target), value(a.value), a.line) for a in text.body),
        query=None if text.query is None else value(text.query),
    )


def _turned(text: Rule, rule: Rule, turned: Mapping[str, str]) -> Rule:
    """With one minus the rule's hyperparameter in the place of a name of the text."""
    bound = bind(text, {name: 1 - Symbol(his) for name, his in turned.items()})
    left = tuple(h for h in bound.hyperparameters if h.name not in turned)
    new = tuple(Hyperparameter(his, None, rule.domains[his]) for his in turned.values())
    return replace(bound, hyperparameters=(*left, *new))
