"""A bound as it was found: its parts under their names, its value at every step, its limit."""

from __future__ import annotations

from dataclasses import dataclass

from derive.deriving.bounds.duality import Duality, duality
from derive.deriving.bounds.neatness import neat
from derive.deriving.bounds.smallness import TIMES
from derive.deriving.bounds.structure import NormalisedStep
from derive.deriving.bounds.sums import GeometricSum, converges, simplified
from derive.deriving.bounds.vanishing import SettledSquare, settled_square
from derive.deriving.derivation import labelled, letter, names_of
from derive.deriving.linear import AGE
from derive.expr import Expr, Number, Symbol, apply, symbols, to_text
from derive.proving import Assumptions
from derive.proving.limits import ProvedLimit, limit
from derive.rule import COUNTER, DECAY, Rule

T = Symbol("t")


@dataclass(frozen=True)
class Writing:
    """How the parts of a bound are called in a derivation."""

    rule: Rule
    step: NormalisedStep
    total: GeometricSum

    @property
    def names(self) -> dict[str, str]:
        terms = {"#n": letter(self.rule, "n")}
        several = len(self.total.ratios) > 1
        ratios = {r.name: letter(self.rule, f"r{i + 1}" if several else "r") for i, r in enumerate(self.total.ratios)}
        powers = {f"#{n}{i}": letter(self.rule, f"{n}{i + 1}") for n in "ucw" for i in range(8)}
        return {**small_names(self.rule), **terms, **powers, **ratios, **self.step.labels(self.rule)}

    @property
    def assumed(self) -> Assumptions:
        """The step's assumptions, a number of terms, and each ratio below one."""
        ratios = {ratio.name: DECAY for ratio in self.total.ratios}
        return Assumptions({**self.step.assumptions().domains, **ratios, "#n": COUNTER})

    def unnamed(self, expr: Expr) -> Expr:
        """In hyperparameters and t alone."""
        return self.step.spelt(self.total.in_hyperparameters(expr))

    def label(self, name: str, index: str = "t") -> Symbol:
        return labelled(self.rule, name, index)


def small_names(rule: Rule) -> dict[str, str]:
    """How names are written where small constants are left out."""
    powers = {f"#p{i}": letter(rule, f"p{i + 1}") for i in range(4)}
    return {**names_of(rule), **powers, TIMES.name: letter(rule, "z")}


@dataclass(frozen=True)
class Bound:
    """What was found of a bound: for every t, its limit where one is proved, and when it is finite."""

    writing: Writing
    dual: Duality
    value: Expr
    shown: Expr
    condition: Expr | None
    limit: ProvedLimit | None
    settled: SettledSquare | None = None  # the limit of the square, where factors change with t otherwise

    @property
    def end(self) -> Expr | None:
        """What the bound tends to, the ratios under their names."""
        if self.settled is not None:
            return apply("sqrt", self.settled.limit)
        return None if self.limit is None else self.limit.claim.limit

    @property
    def gradient(self) -> Expr:
        """The attaining gradient of k steps ago, of the newest too where that fits the same formula."""
        older = self.dual.gradient(self.dual.older, self.dual.size)
        if self.writing.step.direct is Number(0):
            return older
        newest = self.dual.gradient(self.dual.newest, self.dual.newest_size)
        return newest if self.dual.older is Number(0) else apply("where", apply("eq", Symbol(AGE), 0), newest, older)


def shorter(tidied: Expr, plain: Expr) -> Expr:
    """The tidied form, unless it has become longer."""
    return tidied if len(to_text(tidied)) <= len(to_text(plain)) else plain


def bound_of(rule: Rule, step: NormalisedStep) -> Bound | None:
    """The bound by duality, with nothing shown yet."""
    dual = duality(step)
    if dual is None:
        return None
    writing = Writing(rule, step, dual.total)
    value = dual.bound(dual.total.after(T))
    tidied = simplified(value, writing.assumed)
    shown = shorter(tidied, neat(value))
    known = {*rule.hyperparameter_names, "t", *(r.name for r in dual.total.ratios)}
    found = limit(tidied, "t", writing.assumed) if symbols(value) <= known else None
    settled = None
    if found is None and dual.squared and step.meanings:
        settled = settled_square(step, dual.total.after(T), writing.names, writing.assumed)
    # With more than one geometric sum their parts may cancel; with a factor that changes otherwise nothing is said.
    condition = converges(dual.total) if found is not None and len(dual.total.parts) == 1 else None
    return Bound(writing, dual, value, shown, condition, found, settled)
