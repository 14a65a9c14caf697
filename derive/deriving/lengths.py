"""How long a step is where norms scale it: the vector that is made as long as another one, or what a buffer adds up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from derive.algebra.normal import readable
from derive.deriving.derivation import Derivation, code, define, holds, labelled, names_of
from derive.deriving.experiment import Experiment, decimals
from derive.deriving.foretelling import HALVES, plain_values
from derive.deriving.linear import LinearBuffer, given, linear_buffers, scaled
from derive.deriving.nonzero import Nonzero, branches, while_nonzero
from derive.deriving.undecayed import movement
from derive.evaluate import enclosed, exact
from derive.expr import Expr, Number, Symbol, apply, norms_in, norms_of, substitute, symbols
from derive.rule import Rule
from derive.tensors import unrolled_tensor

THETA = Symbol("theta")
SIZE = apply("norm", THETA)
ANSWERS = (1, -2, 3)


@dataclass(frozen=True)
class _Scaled:
    """What is subtracted from theta, or added to the buffer that is, with its length where the norms are not zero."""

    vector: Expr
    length: Expr
    buffer: LinearBuffer | None
    branches: Nonzero | None

    @property
    def conditions(self) -> tuple[Expr, ...]:
        return tuple(apply("gt", norm, 0) for norm in norms_of(self.vector))


def step_length(rule: Rule) -> Derivation | None:
    """The length of the step as a formula in norms; None where no norm scales it."""
    found = _scaled(rule) if rule.norms and not rule.is_average else None
    if found is None:
        return None
    label = labelled(rule, "d")
    what = "what is subtracted from theta" if found.buffer is None else f"what is added to {found.buffer.name}"
    claim = apply("eq", apply("norm", found.vector), found.length)
    assumed = given(rule)
    steps = [
        *(branches(rule, found.branches) if found.branches is not None else ()),
        define(label, found.vector, f"{what}, where the norms are not zero"),
        holds(claim, when=found.conditions, given=assumed, why="what is one number for the tensor is drawn out"),
        holds(apply("le", apply("abs", found.vector), found.length), when=found.conditions, given=assumed,
              why="no coordinate is longer than the tensor"),
    ]  # fmt: skip
    zeros, share = next(_shares(rule, found), ((), None))
    where = f" Where {' and '.join(f'`{n} = 0`' for n in zeros)} that" if zeros else " That"
    statement = f"Of {what} in a step the length is {code(found.length)}; at no coordinate is it more."
    quantities = {"length": found.length}
    if share is not None:
        [bound] = substitute([found.length], dict.fromkeys(zeros, Number(0)))
        if bound is not share * SIZE:
            steps.append(holds(apply("eq", bound, share * SIZE), given=assumed, why="the share of theta's own length",
                               when=substitute(found.conditions, dict.fromkeys(zeros, Number(0)))))  # fmt: skip
        statement += f"{where} is {code(share)} times the length of `theta`, whatever the gradients."
        quantities["share"] = share
    return Derivation(
        title="Length of the step" if found.buffer is None else f"Length of what a step adds to {found.buffer.name}",
        statement=statement,
        assumptions=tuple(code(condition) for condition in found.conditions),
        steps=tuple(steps),
        result=found.length,
        names=names_of(rule),
        quantities=quantities,
        experiments=_experiments(rule, found),
    ) if all(step.verdict for step in steps if step.verdict is not None) else None  # fmt: skip


def _scaled(rule: Rule) -> _Scaled | None:
    taken = while_nonzero(rule)
    there = rule if taken is None else taken.rule
    vector, buffer = movement(there), None
    for each in linear_buffers(there):
        if there.step[each.name] is vector and norms_in(each.input):
            vector, buffer = scaled(each.gain, each.input), each
    if not norms_in(vector):
        return None
    length = readable(apply("norm", vector), given(rule))
    # Where nothing was drawn out the length is that of the vector, and says nothing.
    if norms_of(length) == (length,):
        return None
    return _Scaled(vector, length, buffer, taken)


def _shares(rule: Rule, found: _Scaled) -> Iterator[tuple[tuple[str, ...], Expr]]:
    """The length over that of theta where only hyperparameters are left of it, as it is or with one of them zero."""
    optional = [h.name for h in rule.hyperparameters if Fraction(0) in h.domain]
    for zeros in ((), *((name,) for name in optional)):
        [length] = substitute([found.length], dict.fromkeys(zeros, Number(0)))
        share = readable(length / SIZE, given(rule))
        if share is not Number(0) and symbols(share) <= {*rule.hyperparameter_names} and not norms_in(share):
            yield zeros, share


def _experiments(rule: Rule, found: _Scaled) -> tuple[Experiment, ...]:
    """A run from (3, 4) of which the second coordinate rests: the other one moves as far as the share foretells."""
    if len(rule.questions) > 1:
        return ()
    gradients = tuple((Number(g), Number(0)) for g in ANSWERS)
    for zeros, share in _shares(rule, found):
        values = {**plain_values(rule, choices=HALVES), **dict.fromkeys(zeros, Fraction(0))}
        steps = unrolled_tensor(rule, {n: Number(v) for n, v in values.items()}, (Number(3), Number(4)), gradients)
        rests = all(value == 4 for value in enclosed([step["theta"][1] for step in steps], {}))
        foretold = decimals(dict.fromkeys(range(1, len(ANSWERS) + 1), exact([share**2], values)[0]))
        if rests and foretold is not None:
            seen = _made(found) ** 2 / (Symbol("before.theta") ** 2 + 16)
            answers = tuple((Fraction(g), Fraction(0)) for g in ANSWERS)
            what = "the square of the length over that of theta"
            return (Experiment(what, seen, foretold, answers, values, (Fraction(3), Fraction(4))),)
    return ()


def _made(found: _Scaled) -> Expr:
    """What a step subtracts from theta, or adds to the buffer, as it is seen from outside."""
    if found.buffer is None:
        return Symbol("before.theta") - THETA
    name = found.buffer.name
    return Symbol(name) - scaled(found.buffer.decay, Symbol(f"before.{name}"))
