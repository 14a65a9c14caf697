"""What a person says of a text's names: which is the parameter, which a hyperparameter, and which is a number."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from derive.errors import UserError
from derive.matching.guessing.names import recognised
from derive.matching.guessing.readings import NAME
from derive.rule import WORDS, Rule

NUMBER = re.compile(r"[-+]?(\d{1,40}(\.\d{0,40})?|\.\d{1,40})([eE][-+]?\d{1,3})?|[-+]?\d{1,40}/0*[1-9]\d{0,39}")
SWITCHES = ("True", "False")


@dataclass(frozen=True)
class Given:
    """Names of the text with their roles or numbers, and its switches; `strict`: a name stands for its like."""

    roles: Mapping[str, str | Fraction] = field(default_factory=dict)
    switches: Mapping[str, bool] = field(default_factory=dict)
    strict: bool = False

    def pinned(self, text: Rule, rule: Rule) -> dict[str, str]:
        """The rule's hyperparameters whose names in a reading of the text are settled.

        A reading calls a name by the role it is given.
        """
        mine, his = text.hyperparameter_names, rule.hyperparameter_names
        said = {h: h for h in his if h in mine and h in self.roles.values()}
        return {**(recognised(mine, his) if self.strict else {}), **said}

    def strictly(self) -> Given:
        """The same, with every name standing for its like."""
        return replace(self, strict=True)


NOTHING = Given()


def read_given(names: Mapping[str, str], rules: Sequence[Rule], *, strict: bool = False) -> Given:
    """What is given, sorted. Raises UserError for a role that is none of the rules' and no number."""
    for name, role in names.items():
        if role not in SWITCHES and not NUMBER.fullmatch(role) and not any(role in roles(rule) for rule in rules):
            whose = rules[0].name if len(rules) == 1 else "any rule"
            there = ", ".join(dict.fromkeys(r for rule in rules for r in roles(rule)))
            raise UserError(f"{name}={role}: {role!r} is no role of {whose}", fix=f"give a number, or one of {there}")
    switches = {n: role == "True" for n, role in names.items() if role in SWITCHES}
    said = {n: Fraction(role) if NUMBER.fullmatch(role) else role for n, role in names.items() if n not in switches}
    return Given(said, switches, strict)


def refuse_switches(given: Given, text: str, file: str) -> None:
    """A switch that the text does not even mention is a slip."""
    for name in given.switches.keys() - set(NAME.findall(text)):
        raise UserError(f"{name!r} is no name of the text", where=file, fix="give a switch that it has")


def roles(rule: Rule) -> Collection[str]:
    """What a name of a text can be beside a rule."""
    words = ("x", "output", "t") if rule.is_average else tuple(w for w in WORDS if w not in ("x", "output"))
    return (*words, *rule.state_names, *rule.hyperparameter_names)
