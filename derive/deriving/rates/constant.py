"""The effective learning rate under a constant gradient, and the response of an average to a constant input."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache

from derive.algebra.normal import NoNormalForm, readable, tidy
from derive.deriving.coordinatewise import coordinatewise
from derive.deriving.derivation import (
    Derivation,
    code,
    define,
    equal,
    exceptions,
    labelled,
    named_limit,
    names_of,
    tends,
)
from derive.deriving.experiment import Experiment
from derive.deriving.foretelling import MOVED, QUICK, foretold, plain_values, settled
from derive.deriving.linear import given
from derive.deriving.rates.held import Held, held_states
from derive.deriving.undecayed import without_decay
from derive.expr import Expr, Number, Symbol, apply, substitute, symbols
from derive.proving import Assumptions, identity
from derive.proving.limits import ProvedLimit, limit
from derive.rule import POSITIVE, Rule

T = Symbol("t")
SIZES = (Fraction(2), Fraction(-3, 2))
FEW, LATE = 12, 40


@lru_cache(maxsize=64)
@coordinatewise
def effective_lr(rule: Rule) -> Derivation | None:
    """-(theta[t] - theta[t-1])/g (for an average output[t]/x) when every gradient is g; None where not derived.

    The rule is taken without the decay of the parameter: a hyperparameter whose zero makes the
    step independent of theta is set to zero, and the derivation says so.
    """
    plain, removed = without_decay(rule) or (rule, ())
    moving = symbols(_response(plain)) & set(plain.state_names)
    known = held_states(plain)
    if not moving <= set(known) or not _is_free(plain):
        return None
    return _derived(plain, [known[n] for n in plain.state_names if n in moving], removed)


def _response(rule: Rule) -> Expr:
    """What the input moves: the output of an average, minus the change of the parameter else."""
    if rule.is_average:
        return rule.step[rule.outputs[0]]
    return Symbol("theta") - rule.step["theta"]


def _is_free(rule: Rule) -> bool:
    """Whether what the input moves does not depend on theta."""
    response = _response(rule)
    if "theta" not in symbols(readable(response, given(rule))):
        return True
    [at_zero] = substitute([response], {"theta": Number(0)})
    return bool(identity([(response, at_zero)], given(rule)))


def _derived(rule: Rule, states: list[Held], removed: tuple[str, ...]) -> Derivation | None:
    source = "x" if rule.is_average else "g"
    assumed = given(rule)
    [moved] = substitute([_response(rule)], {h.name: h.before for h in states})
    rate = factor_of_input(rule, moved, source)
    if rate is None:
        return None
    label = Symbol("output[t]") if rule.is_average else Symbol("theta[t-1]") - Symbol("theta[t]")
    name = labelled(rule, "r" if rule.is_average else "effective_lr")
    steps = [define(label, _response(rule), "the rule's step")]
    steps += [step for h in states for step in h.steps]
    steps.append(equal(label, moved, rate * Symbol(source), why=f"with every {source} the same", given=assumed))
    steps.append(define(name, rate, f"the factor of {source}"))
    found = limit(rate, "t", assumed)
    steps += tends(name, found)
    return Derivation(
        title="Response to a constant input"
        if rule.is_average
        else "Effective learning rate under a constant gradient",
        statement=_statement(rule, name, rate, found),
        assumptions=(f"every `{source}` is the same", *(f"`{n} = 0`" for n in removed)),
        steps=tuple(steps),
        result=rate,
        names=names_of(rule, same=source),
        quantities={"effective_lr": rate, **named_limit("effective_lr_limit", found)},
        experiments=() if rule.asked else tuple(_experiments(rule, removed, rate, found)),
    )


def _experiments(rule: Rule, removed: tuple[str, ...], rate: Expr, found: ProvedLimit | None) -> Iterator[Experiment]:
    """Constant inputs of either sign: what they move, over them, on the way and in the end."""
    source, moved = ("x", Symbol("output")) if rule.is_average else ("g", MOVED)
    for size in SIZES:
        values = plain_values(rule, removed)
        on_the_way = foretold(rate, {**values, source: size}, (1, 2, 5, FEW))
        if on_the_way is not None:
            what = f"what a constant {source} moves, over it"
            yield Experiment(what, moved / Symbol(source), on_the_way, (size,) * FEW, values)
        if found is None or found.claim.limit is rate:
            continue
        values = plain_values(rule, removed, choices=QUICK)
        end = settled(rate, found.claim.limit, {**values, source: size}, LATE)
        if end is not None:
            what = f"what a constant {source} moves in the end, over it"
            yield Experiment(what, moved / Symbol(source), end, (size,) * LATE, values)


def factor_of_input(rule: Rule, moved: Expr, source: str) -> Expr | None:
    """A factor with moved = factor * input for inputs of either sign, or None."""
    positive = Assumptions({**given(rule).domains, source: POSITIVE})
    try:
        plain = tidy(moved / Symbol(source), positive)
    except NoNormalForm:
        return None
    [of_size] = substitute([plain], {source: apply("abs", Symbol(source))})
    for candidate in (plain, of_size):
        if identity([(moved, candidate * Symbol(source))], given(rule)):
            return candidate
    return None


def _statement(rule: Rule, name: Symbol, rate: Expr, found: ProvedLimit | None) -> str:
    tail = ""
    if found is not None and found.claim.limit is not rate:
        tail = f" It tends to {code(found.claim.limit)}{exceptions(found)}."
    what = "input `x` gives the output" if rule.is_average else "gradient `g` moves `theta` by"
    return f"A constant {what} `{name} * {'x' if rule.is_average else 'g'}`; `{name}` = {code(rate)}.{tail}"
