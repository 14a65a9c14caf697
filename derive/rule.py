"""An optimizer's update rule as data: what the reader makes and everything else starts from.

A rule has hyperparameters, state, and a body: ordered, named assignments as the paper writes
them. `theta` is the parameter, `g` the gradient at `theta` (or at `query`), `t` the step counter
from 1; an average has neither `theta` nor `g` but an input `x` and an `output`. All numbers are
real and exact; arrays are treated coordinate by coordinate, but for what a `norm` takes of all of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING

from derive.errors import UserError
from derive.expr import Expr, Symbol, norms_in, substitute, to_text


@dataclass(frozen=True)
class Domain:
    """An interval of the reals (or of the whole numbers); None is an infinite end."""

    low: Fraction | None = None
    high: Fraction | None = None
    low_open: bool = False
    high_open: bool = False
    whole: bool = False

    @cached_property
    def _hash(self) -> int:
        # Numbers alone, of which every process makes the same.
        ends = (end is None for end in (self.low, self.high))
        return hash((self.low or 0, self.high or 0, *ends, self.low_open, self.high_open, self.whole))

    def __hash__(self) -> int:
        return self._hash

    def __contains__(self, value: Fraction) -> bool:
        above = self.low is None or value > self.low or (value == self.low and not self.low_open)
        below = self.high is None or value < self.high or (value == self.high and not self.high_open)
        return above and below and (not self.whole or value.denominator == 1)

    def __str__(self) -> str:
        left = "(-∞" if self.low is None else f"{'(' if self.low_open else '['}{self.low}"
        right = "∞)" if self.high is None else f"{self.high}{')' if self.high_open else ']'}"
        return f"{left}, {right}" + (" whole" if self.whole else "")


REAL = Domain()
NONNEGATIVE = Domain(low=Fraction(0))
POSITIVE = Domain(low=Fraction(0), low_open=True)
DECAY = Domain(low=Fraction(0), high=Fraction(1), high_open=True)
UNIT = Domain(low=Fraction(0), high=Fraction(1))
COUNTER = Domain(low=Fraction(1), whole=True)

# The closed vocabulary of the rule language: what may stand around a default.
DOMAINS: dict[str, Domain] = {
    "real": REAL,
    "nonnegative": NONNEGATIVE,
    "positive": POSITIVE,
    "decay": DECAY,
    "unit": UNIT,
    "whole": COUNTER,
}

# The names that mean the same in every rule; no state or hyperparameter is called so.
WORDS: dict[str, str] = {
    "theta": "the parameter",
    "g": "the gradient",
    "t": "the step counter",
    "x": "an average's input",
    "output": "an average's output",
}


@dataclass(frozen=True)
class Hyperparameter:
    """A constant of the rule; `default` is None where the caller must give it."""

    name: str
    default: Fraction | None
    domain: Domain = REAL
    meaning: str = ""


@dataclass(frozen=True)
class State:
    """A buffer kept between steps. `initial` is a constant, a hyperparameter or `theta`."""

    name: str
    initial: Expr


@dataclass(frozen=True)
class Assignment:
    """`target = value`; a symbol in `value` means what was last assigned to it, as in Python."""

    target: str
    value: Expr
    line: int = 0

    def __str__(self) -> str:
        return f"{self.target} = {to_text(self.value)}"


@dataclass(frozen=True)
class Reference:
    """Where the formula comes from."""

    paper: str = ""
    arxiv: str = ""
    note: str = ""

    def __str__(self) -> str:
        return "; ".join(part for part in (self.paper, self.arxiv and f"arXiv:{self.arxiv}", self.note) if part)


@dataclass(frozen=True)
class Rule:
    """One update rule.

    `inputs` are the names given at each step: ("theta", "g", "t"), ("theta", "g"), ("x", "t") or ("x",).
    `outputs` are what the body returns, states aside: "theta", or "output" for an average.
    `query` is where the gradient `g` is taken, in the values before the step; None: at `theta`.
    `asked` are further gradients of the same step, each with the point where it is taken, in the values
    before the step and earlier answers; `questions` lists all of them.
    """

    name: str
    inputs: tuple[str, ...]
    hyperparameters: tuple[Hyperparameter, ...]
    states: tuple[State, ...]
    body: tuple[Assignment, ...]
    outputs: tuple[str, ...]
    query: Expr | None = None
    asked: tuple[tuple[str, Expr], ...] = ()
    reference: Reference = Reference()
    doc: str = ""
    source: str = field(default="", compare=False)
    where: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        """Raises UserError where one name stands for two things, or an output for nothing."""
        for name in self.state_names:
            refuse_word("state", name, self.where)
        for name in self.hyperparameter_names:
            refuse_word("hyperparameter", name, self.where)
        answers = tuple(name for name, _ in self.asked)
        names = (*self.inputs, *answers, *(n for n in self.outputs if n != "theta"), *self.state_names)
        targets = {a.target for a in self.body}
        for wrong, what, fix in (
            (_repeated((*names, *self.hyperparameter_names)), "stands for two things", "rename one"),
            ({*self.inputs, *self.outputs} - WORDS.keys(), "is no input or output", f"these are {', '.join(WORDS)}"),
            ({*self.outputs} - targets - {*self.inputs}, "is an output that is never assigned", "assign it"),
        ):
            for name in sorted(wrong):
                raise UserError(f"{name!r} {what}", where=self.where, fix=fix)

    @property
    def is_average(self) -> bool:
        """Whether this is an average of its input rather than an update of a parameter."""
        return "theta" not in self.inputs

    @property
    def questions(self) -> tuple[tuple[str, Expr], ...]:
        """Every gradient of a step and the point where it is taken, in the order they are asked for."""
        if self.is_average:
            return ()
        return (("g", Symbol("theta") if self.query is None else self.query), *self.asked)

    @property
    def state_names(self) -> tuple[str, ...]:
        return tuple(s.name for s in self.states)

    @property
    def hyperparameter_names(self) -> tuple[str, ...]:
        return tuple(h.name for h in self.hyperparameters)

    @cached_property
    def step(self) -> dict[str, Expr]:
        """Every output and new state as one expression in the values before the step."""
        values = inline(self.body)
        return {name: values.get(name, Symbol(name)) for name in (*self.outputs, *self.state_names)}

    @cached_property
    def domains(self) -> dict[str, Domain]:
        """The declared domain of every name of the rule; states and gradients are any reals."""
        known = {h.name: h.domain for h in self.hyperparameters}
        known["t"] = COUNTER
        return known

    @cached_property
    def uniform(self) -> frozenset[str]:
        """The names that are one number for a whole tensor."""
        return frozenset({*self.hyperparameter_names, "t"})

    @cached_property
    def norms(self) -> tuple[Expr, ...]:
        """What the rule takes norms of: where there are any, a coordinate does not go its way alone."""
        points = (point for _, point in self.questions)
        return norms_in(*(a.value for a in self.body), *points, *(s.initial for s in self.states))

    @property
    def defaults(self) -> dict[str, Fraction]:
        return {h.name: h.default for h in self.hyperparameters if h.default is not None}

    @property
    def advice(self) -> str:
        """What helps most where a proof fails: domains declared. Empty where the rule leaves none open."""
        anything = [h.name for h in self.hyperparameters if h.domain == REAL]
        return f"{', '.join(anything)} may be any real number; declare a domain, as in decay(0.9)" if anything else ""

    if not TYPE_CHECKING:  # else a misspelt attribute would pass the type checker

        def __getattr__(self, name):
            """A hyperparameter as a quantity, a state as a buffer, by its name: the words of statements."""
            if name.startswith("_"):
                raise AttributeError(name)
            from derive.stating.vocabulary import part

            return part(self, name)

    def _repr_markdown_(self) -> str:
        """The rule and what is derived from it, for a notebook."""
        from derive.rendering import render

        return render(self, "markdown")


def refuse_word(kind: str, name: str, where: str) -> None:
    """Raises UserError for a state or hyperparameter (`kind`) called by one of the language's own names."""
    if name in WORDS:
        fix = "call it otherwise" if kind == "hyperparameter" else "call it otherwise, m for instance"
        last = ", and end with output = m" if (kind, name) == ("state", "output") else ""
        raise UserError(f"the {kind} {name!r} has the name of {WORDS[name]}", where=where, fix=fix + last)


def _repeated(names: tuple[str, ...]) -> set[str]:
    return {name for name in names if names.count(name) > 1}


def inline(body: Iterable[Assignment]) -> dict[str, Expr]:
    """What each assigned name holds at the end, in the values before the first assignment."""
    values: dict[str, Expr] = {}
    for assignment in body:
        [values[assignment.target]] = substitute([assignment.value], values)
    return values
