"""A run of a rule as formulas: what every state is after each step, exactly."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from derive.errors import UserError
from derive.expr import Expr, Number, Symbol, nodes, substitute
from derive.library.lookup import as_rule
from derive.rule import Rule
from derive.stating.quantities import Basis, Operand, Quantity, quantity

Gradient = Callable[[Quantity], Quantity]
STEPS = 5_000
READABLE = 12  # operations and names in a formula that is written out


@dataclass(frozen=True)
class Values:
    """What one name holds along a run: `run.theta[3]` is theta after three steps, `run.theta[0]` its start."""

    name: str
    formulas: tuple[Expr, ...]
    basis: Basis

    def __getitem__(self, step: int) -> Quantity:
        if not 0 <= step < len(self.formulas):
            raise UserError(f"there is no step {step}", where=self.name, fix=f"the run has {len(self.formulas) - 1}")
        return _labelled(f"{self.name}[{step}]", self.formulas[step], self.basis)

    def __len__(self) -> int:
        return len(self.formulas)

    def __iter__(self) -> Iterator[Quantity]:
        return (self[step] for step in range(len(self)))

    def __repr__(self) -> str:
        return f"{self.name}: {', '.join(map(str, self))}"


@dataclass(frozen=True)
class Run:
    """The values of `theta` (or `output`), of every state and of the gradient (or `x`), step by step."""

    rule: Rule
    steps: tuple[Mapping[str, Expr], ...]
    basis: Basis

    def __getattr__(self, name: str) -> Values:
        if name.startswith("_") or name not in self.steps[-1]:
            raise AttributeError(f"no {name!r} in a run of {self.rule.name}; it has {', '.join(self.steps[-1])}")
        return Values(name, tuple(step.get(name, Number(0)) for step in self.steps), self.basis)

    def moved(self, step: int) -> Quantity:
        """How far theta went in that step: theta[step - 1] - theta[step]."""
        theta: Values = self.theta
        return replace(theta[step - 1] - theta[step], short=Symbol(f"moved[{step}]"))


def run(
    rule: object,
    gradients: Sequence[Operand] = (),
    *,
    start: Operand = 0,
    gradient: Gradient | None = None,
    steps: int = 0,
    defaults: bool = True,
    **hyperparameters: Operand,
) -> Run:
    """The rule stepped from `start` with these gradients, or inputs of an average.

    With `gradient`, a function of the queried point, it makes `steps` steps of its own: `gradient=lambda x: 2 * x`.
    Hyperparameters have the values given, else their defaults; with defaults=False they stay open. Raises
    UserError for unknown names.
    """
    found = as_rule(rule)
    wanted = steps if gradient is not None else len(gradients)
    if not 0 < wanted <= STEPS:
        raise UserError(f"a run of {wanted} steps", where=found.name, fix=f"make 1 to {STEPS}")
    if gradient is not None and len(gradients):
        raise UserError("gradients and a function that gives them", where=found.name, fix="give one of the two")
    if found.asked:
        raise UserError(f"{found.name} asks for several gradients in a step", fix="use a rule that asks for one")
    settings, basis = _settings(found, hyperparameters, defaults)
    begun = quantity(start)
    now = {**settings, **({} if found.is_average else {"theta": begun.expr})}
    basis += begun.basis
    now |= dict(zip(found.state_names, substitute([s.initial for s in found.states], now), strict=True))
    kept: list[Mapping[str, Expr]] = [_visible(found, now)]
    source = "x" if found.is_average else "g"
    for t in range(1, wanted + 1):
        here = {**now, "t": Number(t)}
        if gradient is not None:
            [point] = substitute([found.questions[0][1]], here)
            answer = quantity(gradient(Quantity(point)))
        else:
            answer = quantity(gradients[t - 1])
        basis += answer.basis
        step = dict(zip(found.step, substitute(found.step.values(), {**here, source: answer.expr}), strict=True))
        now |= step
        kept.append({**_visible(found, now), source: answer.expr})
    return Run(found, tuple(kept), basis)


def _labelled(label: str, expr: Expr, basis: Basis) -> Quantity:
    """A value of a run; one whose formula is long is written by its label."""
    short = Symbol(label) if len(nodes([expr])) > READABLE else None
    return Quantity(expr, basis, short=short)


def _visible(rule: Rule, now: Mapping[str, Expr]) -> dict[str, Expr]:
    names: tuple[Any, ...] = (*rule.outputs, *rule.state_names)
    return {name: now[name] for name in names if name in now}


def _settings(rule: Rule, given: Mapping[str, Operand], defaults: bool) -> tuple[dict[str, Expr], Basis]:
    unknown = given.keys() - set(rule.hyperparameter_names)
    if unknown:
        names = ", ".join(rule.hyperparameter_names)
        raise UserError(f"{rule.name} has no hyperparameter {min(unknown)!r}", fix=f"it has {names}")
    settings: dict[str, Expr] = {}
    basis = Basis()
    for h in rule.hyperparameters:
        if h.name in given:
            value = quantity(given[h.name])
            settings[h.name] = value.expr
            basis += value.basis
        elif defaults and h.default is not None:
            settings[h.name] = Number(h.default)
        else:
            settings[h.name] = Symbol(h.name)
            basis += Basis({h.name: h.domain})
    return settings, basis
