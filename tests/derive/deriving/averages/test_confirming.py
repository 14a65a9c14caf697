"""Runs that confirm what is derived of averages: they go as foretold, and not by any formula that is a little wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import pytest

from derive.deriving.averages import (
    cascades,
    combined_weights,
    first_input,
    of_averages,
    of_corrections,
    several_steps,
    varying_buffers,
    varying_weights,
)
from derive.deriving.averages.confirming import (
    Experiments,
    aged,
    averaged,
    corrected,
    fading,
    lagging,
    matched,
    summed,
    swinging,
    unrolled,
)
from derive.deriving.averages.confirming_others import begun, cascaded, in_phase, multiplied, repeated, varied
from derive.deriving.averages.confirming_steps import beside, from_states, step_of, stepping
from derive.deriving.averages.driving import HELD
from derive.deriving.averages.multiplier import without_corrections
from derive.deriving.averages.schedules import phases
from derive.deriving.averages.weights import weight_sum
from derive.deriving.linear import LinearBuffer, linear_buffers
from derive.expr import Expr, Number, Symbol, substitute, symbols
from derive.library import LIBRARY
from derive.reading.read import read_text
from derive.rule import Rule
from derive.transforms import bind
from tests.odd_rules import goes_as_foretold

RULES = {rule.name: rule for rule in LIBRARY}
T = Symbol("t")
ZERO = ("eps",)


def read(text: str) -> Rule:
    return read_text(text, "own", "own.py")


RAMP = read("""
def own(theta, g, t, m=0, *, lr=nonnegative(0.1), d=decay(0.999)):
    b = minimum(d, t / (9 + t))
    m = b * m + (1 - b) * g
    theta = theta - lr * m
    return theta, m
""")
DAMPENED = read("""
def own(theta, g, t, m=0, *, lr=nonnegative(0.1), mu=decay(0.9), dampening=unit(0.5)):
    m = where(t == 1, g, mu * m + (1 - dampening) * g)
    theta = theta - lr * m
    return theta, m
""")
CHAIN = read("""
def own(theta, g, a=0, b=0, *, lr=nonnegative(0.1), beta=decay(0.9), gamma=decay(0.8)):
    a = beta * a + (1 - beta) * g**2
    b = gamma * b + 2 * (1 - gamma) * a
    theta = theta - lr * b
    return theta, a, b
""")
ADOPT, PRODUCT = RULES["adopt"], RULES["nadam"]


def buffer_of(rule: Rule, name: str) -> LinearBuffer:
    [found] = [buffer for buffer in linear_buffers(rule) if buffer.name == name]
    return found


@dataclass(frozen=True)
class Kind:
    """Runs of a rule made from one formula."""

    rule: Rule
    formula: Expr
    runs: Callable[[Expr], Experiments]


def of_buffers(name: str, state: str) -> dict[str, Kind]:
    """The kinds of runs of one linear buffer."""
    rule = RULES[name]
    buffer, total = buffer_of(rule, state), weight_sum(rule, buffer_of(rule, state))
    known = {n: e for d in of_averages(rule) if f" of {state}" in d.title for n, e in d.quantities.items()}
    held = (T - buffer.decay * HELD / buffer.gain) * buffer.gain / (1 - buffer.decay)

    def among(name: str, made: Callable[..., Experiments]) -> Callable[[Expr], Experiments]:
        return lambda e: made(rule, buffer, {**known, name: e})

    kinds: dict[str, tuple[Expr, Callable[[Expr], Experiments]]] = {
        "weight": (buffer.weight, lambda e: unrolled(rule, buffer, e, total)),
        "weight sum": (total, lambda e: unrolled(rule, buffer, buffer.weight, e)),
        "mean age": (known["mean_age_at_t"], lambda e: aged(rule, buffer, e, None, total)),
        "mean age in the end": (known["mean_age"], lambda e: aged(rule, buffer, known["mean_age_at_t"], e, total)),
        "noise gain": (known["noise_gain_at_t"], lambda e: matched(rule, buffer, e, None, total)),
        "noise gain in the end": (
            known["noise_gain"],
            lambda e: matched(rule, buffer, known["noise_gain_at_t"], e, total),
        ),
        "sum over time": (held, lambda e: summed(rule, buffer, e, total)),
        "correction": (known["bias_correction"], lambda e: corrected(rule, buffer, e)),
        "corrected average": (known["varying_decay"], lambda e: averaged(rule, buffer, e, total)),
        "lag": (known["lag_at_t"], lambda e: lagging(rule, buffer, e, None, total)),
        "lag without correction": (
            known["lag_without_correction"],
            lambda e: lagging(rule, buffer, known["lag_at_t"], e, total),
        ),
        **{
            n: (known[n], among(n, fading))
            for n in ("time_constant", "half_life", "share_of_newest", "share_within_nominal_window",
                      "weight_at_nominal_window")
        },
        **{
            n: (known[n], among(n, swinging))
            for n in ("dc_gain", "nyquist_gain", "squared_magnitude", "cutoff_cosine")
        },
    }  # fmt: skip
    return {f"{n} of {name}.{state}": Kind(rule, e, made) for n, (e, made) in kinds.items()}


def of_steps() -> dict[str, Kind]:
    adam, rmsprop = RULES["adam"], RULES["rmsprop"]
    bare = bind(without_corrections(adam), dict.fromkeys(ZERO, Number(0)))
    own = bind(adam, dict.fromkeys(ZERO, Number(0)))
    in_buffers, without = of_corrections(adam)
    factor, step = without.result, without.result * without.quantities["corrected_step"]
    return {
        "step in corrected buffers": Kind(adam, in_buffers.result, lambda e: stepping(adam, "", step_of(adam), e, ())),
        "step of the rule alone": Kind(
            rmsprop, of_corrections(rmsprop)[0].result, lambda e: stepping(rmsprop, "", step_of(rmsprop), e, ())
        ),
        "step without corrections": Kind(adam, factor, lambda e: beside(own, "", bare, e, ZERO)),
        "step without corrections, from states": Kind(
            adam, step, lambda e: stepping(bare, "", from_states(bare), e, ZERO)
        ),
    }


def of_others() -> dict[str, Kind]:
    [ramp], [dampened] = varying_buffers(RAMP), varying_buffers(DAMPENED)
    [adopted], [product] = varying_buffers(ADOPT), varying_buffers(PRODUCT)
    in_ramp, first = varying_weights(RAMP, ramp), first_input(DAMPENED, dampened)
    [cascade] = cascades(CHAIN)
    chained, last = combined_weights(CHAIN, cascade).quantities, buffer_of(CHAIN, "b")
    several = several_steps(CHAIN, last)
    assert in_ramp is not None
    assert first is not None
    assert several is not None
    late = next(phase for phase in phases(ramp) if "t" in symbols(phase.decay))
    q, pair, weights = in_ramp.quantities, (cascade.first, cascade.second), [chained["combined_weight"]]
    equal = [s.chain[0] for s in combined_weights(CHAIN, cascade).steps if "w[k]" in str(s.label) and s.when][1]
    assert isinstance(equal, Expr)
    both = [*weights, equal]
    total, age = chained["combined_weight_sum"], chained["combined_mean_age"]
    f, usual = first.quantities, (1 - Symbol("dampening")) * Symbol("mu") ** (T - 1)

    def beginning(name: str) -> Callable[[Expr], Experiments]:
        def made(e: Expr) -> Experiments:
            k = {**f, name: e}
            return begun(DAMPENED, dampened, k["first_weight"], k["first_weight_excess"], usual, k["weight_sum"])

        return made

    [held] = [s.chain[0] for s in several.steps[:1]]
    assert isinstance(held, Expr)
    return {
        "product of decays": Kind(PRODUCT, product.decay, lambda e: multiplied(PRODUCT, product, e)),
        "decay of a ramp": Kind(RAMP, ramp.decay, lambda e: varied(RAMP, ramp, e, ramp.gain)),
        "gain of adopt": Kind(
            RULES["adopt"], adopted.gain, lambda e: varied(RULES["adopt"], adopted, adopted.decay, e)
        ),
        "weight of a ramp": Kind(
            RAMP, q["varying_weight"], lambda e: in_phase(RAMP, ramp, late, {**q, "varying_weight": e})
        ),
        "mean age of a ramp": Kind(
            RAMP, q["varying_mean_age"], lambda e: in_phase(RAMP, ramp, late, {**q, "varying_mean_age": e})
        ),
        **{n: Kind(DAMPENED, f[n], beginning(n)) for n in ("first_weight", "first_weight_excess", "weight_sum")},
        "combined weight": Kind(CHAIN, both[0], lambda e: cascaded(CHAIN, pair, [e, equal], total, age)),
        "combined weight of equals": Kind(CHAIN, equal, lambda e: cascaded(CHAIN, pair, [both[0], e], total, age)),
        "combined sum": Kind(CHAIN, total, lambda e: cascaded(CHAIN, pair, both, e, age)),
        "combined age": Kind(CHAIN, age, lambda e: cascaded(CHAIN, pair, both, total, e)),
        "several steps": Kind(CHAIN, held, lambda e: repeated(CHAIN, last, e)),
    }


KINDS = {
    **of_buffers("rmsprop", "v"),
    **of_buffers("momentum", "v"),
    **of_buffers("adabelief", "s"),
    **of_steps(),
    **of_others(),
}


def a_little_wrong(kind: Kind) -> Iterator[Expr]:
    """Another factor, another step, another decay."""
    yield kind.formula * Fraction(101, 100)
    for name in sorted(symbols(kind.formula) & {"t", "#k", "#j", "#n"}):
        yield substitute([kind.formula], {name: Symbol(name) + 1})[0]
    for name in sorted(symbols(kind.formula) & {*kind.rule.hyperparameter_names} - {"eps"}):
        yield substitute([kind.formula], {name: Symbol(name) * Fraction(99, 100)})[0]


@pytest.mark.parametrize("name", KINDS)
def test_a_formula_that_is_a_little_wrong_is_noticed(name: str) -> None:
    kind = KINDS[name]
    right = kind.runs(kind.formula)
    assert right
    assert all(goes_as_foretold(kind.rule, run) for run in right)
    for wrong in a_little_wrong(kind):
        runs = kind.runs(wrong)
        assert len(runs) == len(right)
        assert not all(goes_as_foretold(kind.rule, run) for run in runs), wrong


@pytest.mark.parametrize("name", ["ewma_debiased", "nesterov", "adam_l2", "adagrad", "nadam", "adopt", "lamb"])
def test_everything_is_confirmed(name: str) -> None:
    for derivation in (*of_averages(RULES[name]), *of_corrections(RULES[name])):
        assert derivation.experiments, derivation.title


def test_a_run_of_a_similar_rule_is_another() -> None:
    """What is foretold of rmsprop, where the newest square counts a little more."""
    other = read("""
def own(theta, g, v=0, *, lr=nonnegative(0.01), beta=decay(0.99), eps=nonnegative(1e-8)):
    v = beta * v + (1.01 - beta) * g**2
    theta = theta - lr * g / (sqrt(v) + eps)
    return theta, v
""")
    for derivation in of_averages(RULES["rmsprop"]):
        if not derivation.title.startswith("Windows"):
            assert not all(goes_as_foretold(other, run) for run in derivation.experiments), derivation.title


def test_no_run_where_the_input_mentions_what_is_undefined() -> None:
    """With A = 0 theta has no say in the input, but in floats no number times zero is no number."""
    rule = read("""
def own(theta, g, u=0, m=-0.5, *, z=decay(0.9), r=nonnegative(0.01), A=nonnegative(0.1)):
    u = z * u + g + A * theta
    m = m + abs(g)
    theta = theta - r * g / sqrt(m)
    return theta, u, m
""")
    buffer = buffer_of(rule, "u")
    assert matched(rule, buffer, quantity(rule, "noise_gain_at_t"), None, weight_sum(rule, buffer)) == ()
    assert corrected(rule, buffer, quantity(rule, "bias_correction"))


def quantity(rule: Rule, name: str) -> Expr:
    return next(d.quantities[name] for d in of_averages(rule) if name in d.quantities)
