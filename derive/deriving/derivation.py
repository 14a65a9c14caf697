"""A derivation: numbered steps from the rule to a statement, each checked by the machine.

A step is a chain of expressions, each equal to the next (in a limit the last is what the others
tend to). What is shown is what was checked: the verdict of a step is that of its own chain. A label
in front names what the chain is about; a definition introduces a name and is not counted.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Literal

from derive.deriving.experiment import Experiment
from derive.deriving.linear import AGE, CONSTANT
from derive.expr import Expr, Number, Symbol, substitute, to_text
from derive.proving import Assumptions, Verdict, identity
from derive.proving.limits import ProvedLimit
from derive.proving.truth import truth
from derive.rule import Domain, Rule

Relation = Literal["=", "→", "⇔"]


@dataclass(frozen=True)
class Series:
    """weight(0) input(t) + ... + weight(t-1) input(1): the sum over the age k from 0 to t - 1."""

    weight: Expr
    index: str
    terms: Expr
    input: Expr | None = None
    plus: Expr | None = None


@dataclass(frozen=True)
class Step:
    """One step: `label = chain[0] = chain[1] ...`, why, and the verdict (None for a definition).

    A step may also claim a condition, then the only link of its chain, wherever those in `when` hold.
    """

    label: Expr | None
    chain: tuple[Expr | Series, ...]
    why: str
    verdict: Verdict | None = None
    relation: Relation = "="
    when: tuple[Expr, ...] = ()
    given: Assumptions | None = field(default=None, repr=False)  # under which it was checked

    def holds_at(self, values: Mapping[str, Fraction], given: Assumptions) -> bool:
        """Whether what it claims holds with names at these values, too."""
        numbers = {name: Number(value) for name, value in values.items()}
        chain = substitute([part for part in self.chain if isinstance(part, Expr)], numbers)
        return bool(_checked(chain, given, substitute(self.when, numbers)))

    @property
    def standing(self) -> str:
        """The verdict in a word, with the other provers on whose word it rests; empty for a definition."""
        if self.verdict is None:
            return ""
        others = [said for said in self.verdict.assumptions if said.startswith("decided by")]
        return ", ".join([self.verdict.status, *others])


@dataclass(frozen=True)
class Derivation:
    """A theorem about a rule: what it states, under which assumptions, and the steps to it.

    `names` says how the names of the rule are written here (`m` as `m[t-1]`); `result` is the
    expression arrived at.
    """

    title: str
    statement: str
    assumptions: tuple[str, ...]
    steps: tuple[Step, ...]
    result: Expr
    names: Mapping[str, str]
    quantities: Mapping[str, Expr] = field(default_factory=dict)  # what else was arrived at, by its usual name
    domains: Mapping[str, Domain] = field(default_factory=dict)  # of the names it adds to those of the rule
    experiments: tuple[Experiment, ...] = ()  # runs of a compiled kernel that confirm it; evidence, never proof

    @property
    def checked(self) -> tuple[Step, ...]:
        """The steps that were checked: definitions are not."""
        return tuple(step for step in self.steps if step.verdict is not None)

    @property
    def holds(self) -> bool:
        return all(step.verdict for step in self.checked)

    def _repr_markdown_(self) -> str:
        from derive.rendering.markdown import write_derivation

        return write_derivation(self)


def names_of(rule: Rule, *, same: str = "") -> dict[str, str]:
    """How names are written inside a step from t - 1 to t; `same` is an input that is the same at every step.

    The names this package adds to a rule's own get a letter that the rule does not use.
    """
    before = {n: f"{n}[t-1]" for n in (*rule.state_names, *(() if rule.is_average else ("theta",)))}
    inputs = {n: n if n == same else f"{n}[t]" for n in ("g", "x")}
    bars = {f"{n}~": f"{n}_bar" for n in rule.state_names}
    return {**before, **inputs, **bars, AGE: letter(rule, "k"), CONSTANT: letter(rule, "c")}


def letter(rule: Rule, wanted: str) -> str:
    """A name for something this package adds: the usual one, underlined until the rule has no such name."""
    own = {*rule.inputs, *rule.state_names, *rule.hyperparameter_names, *(a.target for a in rule.body)}
    while wanted in own:
        wanted += "_"
    return wanted


def labelled(rule: Rule, name: str, index: str = "t") -> Symbol:
    """The label of something this package adds, at a time."""
    return Symbol(f"{letter(rule, name)}[{index}]")


def code(expr: Expr, names: Mapping[str, str] | None = None) -> str:
    """A formula inside a sentence."""
    [shown] = substitute([expr], {n: Symbol(s) for n, s in (names or {}).items()})
    return f"`{to_text(shown)}`"


def define(label: Expr, value: Expr | Series, why: str) -> Step:
    """A step that introduces a name, or repeats what the rule says."""
    return Step(label, (value,), why)


def equal(label: Expr | None, *chain: Expr, why: str, given: Assumptions) -> Step:
    """A step that claims its chain, with the verdict of the claim."""
    return Step(label, chain, why, _checked(chain, given), given=given)


def holds(condition: Expr, *, why: str, given: Assumptions, when: Sequence[Expr] = ()) -> Step:
    """A step that claims a condition, an inequality mostly, wherever all those in `when` hold.

    Where exact algebra leaves it open, ball arithmetic is tried if every name it has lies in a bounded range.
    """
    return Step(None, (condition,), why, _checked((condition,), given, when), when=tuple(when), given=given)


def _checked(chain: Sequence[Expr | Series], given: Assumptions, when: Sequence[Expr] = ()) -> Verdict:
    """What is said of a chain, or of a condition alone."""
    exprs = [part for part in chain if isinstance(part, Expr)]
    return truth(exprs[0], given, when) if len(exprs) == 1 else identity(tuple(itertools.pairwise(exprs)), given)


def proper(*steps: Step) -> tuple[Step, ...]:
    """The steps worth showing. One whose chain repeats a single expression has nothing to check and is not counted."""
    kept: list[Step] = []
    for step in steps:
        claims_condition = len(step.chain) == 1 and step.verdict is not None
        if len(set(step.chain)) == 1 and not claims_condition:
            step = replace(step, chain=step.chain[:1], verdict=None)
            if step.label is None or any(step.chain == other.chain and step.label is other.label for other in kept):
                continue
        kept.append(step)
    return tuple(kept)


def tends(label: Expr | None, found: ProvedLimit | None) -> tuple[Step, ...]:
    """A limit, with its proof and where it does not hold; nothing where there is none to speak of."""
    if found is None or found.claim.expr is found.claim.limit:
        return ()
    variable = found.claim.variable.removeprefix("#")
    why = f"as {variable} grows{exceptions(found)}"
    chain = (found.claim.expr, found.claim.limit)
    return (Step(label, chain, why, found.verdict, "→", given=found.claim.assumptions),)


def named_limit(name: str, found: ProvedLimit | None) -> dict[str, Expr]:
    """A limit by its usual name, where it has no exceptions: a name stands for a formula, which would not say them."""
    return {} if found is None or found.exceptions else {name: found.claim.limit}


def exceptions(found: ProvedLimit) -> str:
    """Where a limit is not shown, in words."""
    return f", except where {' or '.join(f'`{case}`' for case in found.exceptions)}" if found.exceptions else ""
