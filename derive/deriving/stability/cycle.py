"""The cycle in which an adaptive rule ends on a quadratic: theta goes from A to -A and back.

On it the linear rule with the preconditioner held is at its threshold, where -1 is a zero of its characteristic
polynomial, and the preconditioner is what gradients of that constant size make it: two equations for A.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from derive.algebra.normal import NoNormalForm, readable, tidy
from derive.deriving.coordinatewise import coordinatewise
from derive.deriving.derivation import Derivation, Step, code, define, equal, letter, names_of
from derive.deriving.experiment import Experiment, decimals
from derive.deriving.linear import given
from derive.deriving.stability.adaptive import preconditioned, short_memories
from derive.deriving.stability.attraction import Cycle, attraction, attracts, repels_quickly
from derive.deriving.stability.closed import ClosedLoop, closed_loop
from derive.deriving.stability.frozen import Frozen, freeze
from derive.deriving.stability.held import goes_on, settled_under
from derive.deriving.stability.settled import kept, late_domains
from derive.deriving.stability.steering import alternating, centred, very_short_memories
from derive.deriving.undecayed import negative
from derive.deriving.uniform import uniform_states
from derive.evaluate import enclosed, exact
from derive.expr import Expr, Number, Symbol, apply, substitute, symbols
from derive.proving import Assumptions, identity
from derive.proving.obligations import inside
from derive.rule import DECAY, POSITIVE, Rule


@coordinatewise
def two_cycle(rule: Rule) -> Derivation | None:
    """The cycle of an adaptive rule on h theta^2 / 2, checked exactly; None where none is found."""
    found = freeze(rule)
    cycle = None if found is None else find_cycle(found)
    if found is None or cycle is None:
        return None
    late = late_domains(rule, found.settled)
    steps = (*_values(cycle), *_steps(cycle))
    pull = attraction(cycle)
    quantities: dict[str, Expr] = {"learning_rate_of_amplitude": cycle.learning_rate}
    if cycle.height is not None:
        quantities["cycle_amplitude"] = cycle.height
    more, said = (pull.steps, f" {pull.statement}") if pull is not None else ((), "")
    return Derivation(
        title="The cycle on a quadratic",
        statement=_statement(cycle) + said,
        assumptions=(f"the gradient is `{cycle.curvature}` times the queried point, `{cycle.curvature} > 0`",
                     "t is large: corrections by powers of t are at their limits", *(f"`{n} > 0`" for n in late)),
        steps=(*steps, *more),
        result=cycle.learning_rate if cycle.height is None else cycle.height,
        names=names_of(rule),
        domains=late,
        quantities=quantities | (dict(pull.quantities) if pull is not None else {}),
        experiments=_experiments(rule, cycle, pull is not None),
    )  # fmt: skip


def find_cycle(found: Frozen) -> Cycle | None:
    """States at which the step turns theta = A into -A and every state into its mirror image; None if not found."""
    loop = closed_loop(found.rule)
    threshold = preconditioned(found)
    if loop is None or loop.step_size is None or threshold is None:
        return None
    amplitude = Symbol(letter(found.settled, "A"))
    values = _mirrored(found, loop, amplitude)
    if values is None:
        return None
    size = _size(found, loop, values)
    rate = None if size is None else _readable(threshold * size / loop.curvature, found, amplitude, loop.curvature)
    if rate is None:
        return None
    height = _solved(rate, found, loop, amplitude)
    cycle = Cycle(found, amplitude, loop.curvature, values, rate, height)
    return cycle if _is_defined(cycle) and all(step.verdict for step in _steps(cycle)) else None


def _is_defined(cycle: Cycle) -> bool:
    """Whether every value has one: what is undefined on both sides would pass for equal."""
    values = (*cycle.values.values(), cycle.learning_rate, cycle.gradient)
    return bool(identity([(value - value, Number(0)) for value in values], cycle.assumed))


def _readable(expr: Expr, found: Frozen, *positive: Symbol) -> Expr | None:
    domains = {**given(found.settled).domains, **{s.name: POSITIVE for s in positive}}
    try:
        return tidy(expr, Assumptions(domains))
    except NoNormalForm:
        return None


def _mirrored(found: Frozen, loop: ClosedLoop, amplitude: Symbol) -> dict[str, Expr] | None:
    """theta and every state before the step at theta = A, held ones where gradients of that size keep them."""
    rule, h = found.settled, loop.curvature
    values: dict[str, Expr] = {"theta": amplitude}
    if not all(_arrives(rule, name) for name in uniform_states(rule)):
        return None
    odd = [n for n in rule.state_names if n not in found.held]
    for name in odd:
        # A first moment of an alternating input: its step is linear, and turns it round.
        after = _at(rule, name, values, h)
        [zero, one] = (substitute([after], {name: Number(k)})[0] for k in (0, 1))
        value = _readable(-zero / (1 + (one - zero)), found, amplitude, h)
        if value is None or symbols(value) & {*rule.state_names}:
            return None
        values[name] = value
    for name in found.held:
        positive = Assumptions({**given(rule).domains, amplitude.name: POSITIVE, h.name: POSITIVE})
        value = kept(rule, name, _at(rule, name, values, h), positive)
        if value is None:
            return None
        values[name] = value
    return values


def _arrives(rule: Rule, name: str) -> bool:
    """Whether a state that goes its way without the gradients comes, as a plain average does, to where it stays."""
    [zero, one] = (substitute([rule.step[name]], {name: Number(k)})[0] for k in (0, 1))
    if symbols(zero, one) & {*rule.state_names}:
        return False
    return bool(
        identity([(rule.step[name], (one - zero) * Symbol(name) + zero), inside(one - zero, DECAY)], given(rule))
    )


def _at(rule: Rule, name: str, values: Mapping[str, Expr], h: Symbol) -> Expr:
    [query] = substitute([rule.questions[0][1]], values)
    [after] = substitute([rule.step[name]], {**values, "g": h * query})
    return after


def _size(found: Frozen, loop: ClosedLoop, values: Mapping[str, Expr]) -> Expr | None:
    """The preconditioner on the cycle."""
    [query] = substitute([found.settled.questions[0][1]], values)
    here = {**values, "g": loop.curvature * query, **{f"{n}[t]": values[n] for n in found.held}}
    [size] = substitute([found.preconditioner], here)
    return size if symbols(size).isdisjoint({*found.settled.state_names, "theta", "g"}) else None


def _solved(rate: Expr, found: Frozen, loop: ClosedLoop, amplitude: Symbol) -> Expr | None:
    """A from lr = rate(A), where that is linear in A."""
    [zero, one] = (substitute([rate], {amplitude.name: Number(k)})[0] for k in (0, 1))
    first = _readable(loop.scale / (one - zero), found, loop.curvature)
    least = _readable(zero / (one - zero), found, loop.curvature)
    if first is None or least is None:
        return None
    height = first if least is Number(0) else first - least
    [back] = substitute([rate], {amplitude.name: height})
    domains = {**given(found.settled).domains, loop.curvature.name: POSITIVE}
    return height if identity([(back, loop.scale)], Assumptions(domains)) else None


def _values(cycle: Cycle) -> tuple[Step, ...]:
    shown = [define(Symbol(f"{n}[t-1]"), value, "before the step") for n, value in cycle.values.items()]
    return (
        *shown,
        define(Symbol("g[t]"), readable(cycle.gradient, cycle.assumed), "the gradient there"),
        define(Symbol(cycle.step_size), cycle.learning_rate,
               "the learning rate at which the held preconditioner is at its threshold"),
    )  # fmt: skip


def _steps(cycle: Cycle) -> tuple[Step, ...]:
    """One step of the rule itself: theta and first moments change their sign, what is held stays."""
    rule, held = cycle.found.settled, cycle.found.held
    here = {**cycle.values, "g": cycle.gradient, cycle.step_size: cycle.learning_rate}
    found = []
    for name in ("theta", *rule.state_names):
        [after] = substitute([rule.step[name]], here)
        stays = name in held
        why = "a step keeps it" if stays else "a step turns it round; the next one, by symmetry, turns it back"
        value = cycle.values[name]
        found.append(
            equal(Symbol(f"{name}[t]"), after, value if stays else negative(value), why=why, given=cycle.assumed)
        )
    return tuple(found)


def _statement(cycle: Cycle) -> str:
    size, a, h = cycle.step_size, cycle.amplitude, cycle.curvature
    if cycle.height is None:
        return f"On `f = {h} theta^2/2` theta goes from `{a}` to `-{a}` and back where `{size}` = " \
               f"{code(cycle.learning_rate)}."  # fmt: skip
    where = "" if h.name not in symbols(cycle.height) else ", where that is positive"
    whatever = f", whatever the curvature `{h}`" if h.name not in symbols(cycle.height) else ""
    return f"On `f = {h} theta^2/2` theta goes from `{a}` to `-{a}` and back with `{a}` = {code(cycle.height)}" \
           f"{whatever}{where}."  # fmt: skip


def _experiments(rule: Rule, cycle: Cycle, pulled: bool) -> tuple[Experiment, ...]:
    """Gradients that alternate lead to the cycle, on which the rule stays; where it is drawn there, another run too."""
    return (*_stays(rule, cycle), *(_drawn(rule, cycle) if pulled else ()))


def _stays(rule: Rule, cycle: Cycle) -> tuple[Experiment, ...]:
    """With amplitude and curvature one and three, the learning rate such that this is the cycle."""
    curvature, values = Fraction(3), very_short_memories(rule)
    here = {**values, cycle.amplitude.name: Fraction(1), cycle.curvature.name: curvature}
    found = decimals(dict(enumerate(enclosed([cycle.learning_rate, cycle.gradient], here))))
    if found is None or rule.defaults.keys() != {*rule.hyperparameter_names}:
        return ()
    if repels_quickly(cycle, values, Fraction(1), curvature):
        return ()
    values[cycle.step_size] = Fraction(found[0])
    height = {0: 1.0}
    if cycle.height is not None:
        height = decimals({0: enclosed([cycle.height], {**values, cycle.curvature.name: curvature})[0]}) or {}
    run = settled_under(rule, cycle.found, values, alternating(Fraction(found[1])))
    start = None if run is None else centred(run)
    if run is None or start is None or not height:
        return ()
    return (goes_on(run, "on the cycle it stays", start, height[0], curvature),)


def _drawn(rule: Rule, cycle: Cycle) -> tuple[Experiment, ...]:
    """A run from elsewhere that ends in the cycle, with short memories and epsilon zero."""
    values = short_memories(rule)
    if cycle.height is None or rule.state_names != cycle.found.settled.state_names:
        return ()
    if not symbols(cycle.height) <= {*values, cycle.curvature.name}:
        return ()
    curvature = Fraction(3)
    [height] = exact([cycle.height], {**values, cycle.curvature.name: curvature})
    if not isinstance(height, Fraction) or height <= 0 or not attracts(cycle, values, height, curvature):
        return ()
    return (
        Experiment("a run ends in the cycle", apply("abs", Symbol("theta")), {300: float(height)}, curvature=curvature,
                   steps=300, start=height * Fraction(13, 10), hyperparameters=values, tolerance=1e-6),
    )  # fmt: skip
