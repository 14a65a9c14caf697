"""Averages whose buffer no longer follows: it can't decay when its input is zero, or can't grow when it is not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction

from derive.deriving.linear import LinearBuffer, linear_buffers
from derive.expr import Number, Symbol, to_text
from derive.precision.arithmetic import calculated
from derive.precision.confirming import Confirmation, confirmed
from derive.precision.formats import Format, Model
from derive.precision.hazard import Hazard, Threshold, written
from derive.precision.probing import UNCHANGED, Probe, boundary, numbers, stays
from derive.precision.ranges import last_line
from derive.precision.scope import at_rest, value_of
from derive.rule import Assignment, Rule

ONE = Fraction(1)


def decay_hazards(rule: Rule, model: Model) -> Iterator[Hazard]:
    """For each state that decays without input: which of its values a step leaves as they are; then its growth."""
    values = at_rest(rule)
    if values is None or model.storage.round(ONE) != 1 or model.storage.round(Fraction(2)) != 2:
        return
    linear = {buffer.name: buffer for buffer in linear_buffers(rule)}
    for name in rule.state_names:
        others = {n: value for n, value in values.items() if n != name}
        left = value_of(rule.step[name], {**others, name: ONE})
        if left is not None and 0 < left < 1:
            yield from _stuck(rule, name, left, linear.get(name), others, model)
        if name in linear and linear[name].remembers:
            yield from _growth(rule, linear[name], others, model)


def _stuck(
    rule: Rule, name: str, left: Fraction, buffer: LinearBuffer | None, others: Mapping[str, Fraction], model: Model
) -> Iterator[Hazard]:
    """Of a state of which a step without input leaves the share `left`."""
    after, kept, line = rule.step[name], model.storage, last_line(rule, name)
    binade = numbers(kept, low=ONE, high=kept.number(kept.index(Fraction(2)) - 1))
    whole = boundary(Probe(after, name, binade, others, UNCHANGED, is_stored=True), "<=", model)
    part = name if buffer is None else to_text(buffer.decay)
    if whole is not None and whole.everywhere:
        threshold = None if buffer is None else _of_decay(rule, buffer, others, model)
        total = boundary(Probe(after, name, numbers(kept), others, UNCHANGED, is_stored=True), "<=", model)
        every = total if total is not None and total.everywhere else whole
        whatever = "whatever it is" if every is total else "whatever its significand"
        lost = f"{written(1 - left)} of it is no more than half a unit in its last place"
        said = f"with no input {name} stays what it is for ever, {whatever}: {lost}"
        yield _hazard("decay", line, part, threshold, said, True, confirmed(every, model))
        return
    above = numbers(kept, low=kept.number(kept.index(ONE) + 1), high=binade.at(binade.last))
    some = boundary(Probe(after, name, above, others, UNCHANGED, is_stored=True), "<=", model)
    if some is not None:
        threshold = Threshold(f"significand of {name}", "<=", some.value, some.neighbour)
        said = f"with no input {name} stays at such a value for ever (at powers of two it does not)"
        yield _hazard("decay", line, part, threshold, said, True, confirmed(some, model))
        return
    floor = boundary(Probe(after, name, numbers(kept), others, UNCHANGED, is_stored=True), "<=", model)
    if floor is not None and not floor.everywhere:
        threshold = Threshold(name, "<=", floor.value, floor.neighbour)
        said = f"with no input {name} decays no further, and never becomes 0"
        yield _hazard("decay", line, part, threshold, said, False, confirmed(floor, model))


def _of_decay(rule: Rule, buffer: LinearBuffer, others: Mapping[str, Fraction], model: Model) -> Threshold | None:
    """From which decay on not even a power of two moves, which is the first to: half a unit is smallest below it.

    None where the decay is no hyperparameter. A threshold that only one number of the format reaches, and that
    outside the domain, is put where rounding to that number begins.
    """
    if not isinstance(buffer.decay, Symbol):
        return None
    varied, kept = buffer.decay.name, model.arithmetic
    probe = Probe(
        rule.step[buffer.name], varied, numbers(kept, low=Fraction(1, 2), high=ONE),
        {**others, buffer.name: ONE}, stays(ONE), is_stored=True,
    )  # fmt: skip
    found = boundary(probe, ">=", model)
    if found is None or found.neighbour is None:
        return None
    confirmed(found, model)
    if found.value in rule.domains[varied]:
        return Threshold(varied, ">=", found.value, found.neighbour)
    return Threshold(varied, ">=", (found.value + found.neighbour) / 2, found.neighbour)


def _growth(rule: Rule, buffer: LinearBuffer, others: Mapping[str, Fraction], model: Model) -> Iterator[Hazard]:
    """From which input on a buffer that stands at one grows, of those that don't change under a smaller input."""
    source = "x" if rule.is_average else "g"
    others = {**{name: value for name, value in others.items() if name != source}, buffer.name: ONE}
    probe = Probe(rule.step[buffer.name], source, numbers(model.storage), others, stays(ONE), is_stored=True)
    found = boundary(probe, "<=", model)
    if found is None:
        return
    line, part = last_line(rule, buffer.name), to_text(buffer.gain)
    checked = confirmed(found, model)
    threshold = Threshold(f"|{source}| with {buffer.name} = 1", "<=", found.value, found.neighbour)
    said = f"{buffer.name} does not grow{_ratio(rule, buffer, model)}"
    certain = buffer.decay is not Number(1)
    yield _hazard("growth", line, part, threshold, said, certain, checked)


def _ratio(rule: Rule, buffer: LinearBuffer, model: Model) -> str:
    """Where the buffer grows, as a multiple of what it holds; the rounding of what is stored alone.

    The input has to make up for the decay and bring half a unit, which is between 2**-(p + 1) and 2**-p of
    the buffer: most at a power of two, least just below the next.
    """
    decay, gain = calculated([buffer.decay, buffer.gain], rule.defaults, model.arithmetic)
    if not gain:
        return f": {to_text(buffer.gain)} is 0"
    most, least = growth_ratios(decay, gain, model.storage)
    times = f"{float(least):.3g} to {float(most):.3g} times {buffer.name}"
    return f"; it does where {to_text(buffer.input)} is more than {times}"


def growth_ratios(decay: Fraction, gain: Fraction, kept: Format) -> tuple[Fraction, Fraction]:
    """The input over the buffer from which the buffer grows: at a power of two, and just below one."""
    unit = Fraction(2) ** -kept.precision
    largest = 2 - 2 * unit  # the last number below two
    return (1 - decay + unit) / gain, (1 - decay + unit / largest) / gain


def _hazard(
    kind: str, line: Assignment, part: str, threshold: Threshold | None, said: str, certain: bool, checked: Confirmation
) -> Hazard:
    return Hazard(kind, str(line), line.line, part, threshold, said, certain, checked)
