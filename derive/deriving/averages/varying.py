"""Decays that change with the step: the weights as products, and what they come to."""

from __future__ import annotations

from fractions import Fraction

from flint import fmpq, fmpq_mat

from derive.algebra.normal import readable
from derive.algebra.polynomials import as_fraction
from derive.deriving.averages.confirming_others import in_phase, multiplied, varied
from derive.deriving.averages.plain import plain, simplest
from derive.deriving.averages.schedules import Phase, VaryingBuffer, phases
from derive.deriving.averages.sequences import DEGREE, SPARE, polynomial, values_of
from derive.deriving.derivation import Derivation, Step, code, define, equal, labelled, letter, names_of, proper, tends
from derive.deriving.linear import given, scaled
from derive.expr import Expr, Number, Symbol, substitute, symbols
from derive.proving import Assumptions, identity
from derive.proving.limits import limit
from derive.rule import COUNTER, Rule

T, J, PRODUCT = Symbol("t"), Symbol("#j"), Symbol("#P")
FIRST = 2 * (DEGREE + SPARE)  # values from which a closed form is guessed


def varying_weights(rule: Rule, buffer: VaryingBuffer) -> Derivation | None:
    """The weights of all inputs after t steps as products of decays, their sum, and closed forms where found."""
    names = {**names_of(rule), J.name: letter(rule, "j"), PRODUCT.name: str(labelled(rule, "P", "t-1"))}
    assumed = given(rule)
    product, now, j = labelled(rule, "P"), Symbol(f"{buffer.name}[t]"), names[J.name]
    opening = proper(
        define(now, rule.step[buffer.name], "the rule's update"),
        equal(now, rule.step[buffer.name], _update(buffer), why="linear in the buffer, with a decay that varies",
              given=assumed),
        define(product, buffer.decay * PRODUCT, f"the product of the decays so far, {labelled(rule, 'P', '0')} = 1"),
    )  # fmt: skip
    if buffer.is_product:
        return _product_state(rule, buffer, opening, names)
    if not identity([(buffer.decay + buffer.gain, Number(1))], assumed):
        return None
    closing: list[Step] = []
    said: list[str] = []
    known: dict[str, Expr] = {"varying_decay": buffer.decay}
    runs = varied(rule, buffer, buffer.decay, buffer.gain)
    for phase in phases(buffer):
        more, text, found = _in_phase(rule, phase)
        closing, said, known = [*closing, *more], [*said, *text], {**found, **known}
        runs = (*runs, *in_phase(rule, buffer, phase, found))
    total = 1 - PRODUCT
    steps = (
        *opening,
        equal(labelled(rule, "W"), buffer.decay * total + buffer.gain, 1 - buffer.decay * PRODUCT, given=assumed,
              why="the weights sum to 1 - P[t]: true at t = 0, and kept by the update"),
        define(labelled(rule, "w", f"{j},{j}"), _at(buffer.gain, J), f"the weight of the input of step {j} then"),
        define(labelled(rule, "w", f"t,{j}"), buffer.decay * labelled(rule, "w", f"t-1,{j}"), "and a step later"),
        *closing,
    )  # fmt: skip
    return Derivation(
        title=f"Varying decay of {buffer.name}",
        statement=f"The decay at step t is {code(buffer.decay)}; the weights of the inputs sum to one less the product "
        f"of the decays. {' '.join(said)}".strip(),
        assumptions=(),
        steps=steps,
        result=buffer.decay,
        names=names,
        quantities=known,
        experiments=runs,
    )


def _update(buffer: VaryingBuffer) -> Expr:
    kept = scaled(buffer.decay, Symbol(buffer.name))
    return kept if buffer.is_product else kept + scaled(buffer.gain, buffer.input)


def _product_state(
    rule: Rule, buffer: VaryingBuffer, opening: tuple[Step, ...], names: dict[str, str]
) -> Derivation | None:
    if buffer.state.initial is not Number(1):
        return None
    found = limit(buffer.decay, "t", given(rule))
    return Derivation(
        title=f"Varying decay of {buffer.name}",
        statement=f"`{buffer.name}[t]` is the product of {code(buffer.decay)} over the steps up to t.",
        assumptions=(),
        steps=(*opening, *tends(labelled(rule, "d"), found)),
        result=buffer.decay,
        names=names,
        quantities={"varying_decay": buffer.decay},
        experiments=multiplied(rule, buffer, buffer.decay),
    )


def _in_phase(rule: Rule, phase: Phase) -> tuple[list[Step], list[str], dict[str, Expr]]:
    """What the product, the weights and the ages come to while the decay is this."""
    assumed, when = given(rule), f" while {phase.while_} from step 1 on" if phase.while_ else ""
    [first] = substitute([phase.decay], {"t": Number(1)})
    steps: list[Step] = []
    said: list[str] = []
    forgets = "t" in symbols(phase.decay) and bool(identity([(first, Number(0))], assumed))
    if forgets:
        why = f"the first decay is zero: from step 1 on the product is zero and the weights sum to one{when}"
        steps.append(equal(labelled(rule, "d", "1"), first, Number(0), why=why, given=assumed))
        said.append(f"The first decay is zero: from step 1 on the weights sum to one{when}.")
    # After a decay of zero the products begin anew: those from step 2 on.
    start = 1 if forgets else 0
    decays = values_of(phase.decay, "t", FIRST)
    product = None if decays is None else _product(rule, decays, start)
    if decays is None or product is None:
        return steps, said, {}
    weight = simplest(_at(phase.gain, J) * product / _at(product, J), Assumptions({**assumed.domains, J.name: COUNTER}))
    steps += _recursion(rule, "Q" if forgets else "P", product, phase.decay, Number(1), start, when)
    steps += _weight_steps(rule, phase, weight, when)
    said.append(f"The input of step j has the weight {code(weight, {J.name: letter(rule, 'j')})}{when}.")
    known = {"decay_product": product, "varying_weight": weight}
    age = _age(rule, decays, product, start)
    if age is None:
        return steps, said, known
    steps += _recursion(rule, "age", age, phase.decay, Number(0), start, when, grown=1)
    begun = "" if forgets else ", its start counted as of step 0"
    said.append(f"After t steps what is held is {code(age)} steps old on the average{when}{begun}.")
    return steps, said, {**known, "varying_mean_age": age}


def _weight_steps(rule: Rule, phase: Phase, weight: Expr, when: str) -> list[Step]:
    assumed = Assumptions({**given(rule).domains, J.name: COUNTER})
    j = letter(rule, "j")
    [newest] = substitute([weight], {"t": J})
    later = substitute([weight, phase.decay], {"t": T + 1})
    return [
        equal(labelled(rule, "w", f"{j},{j}"), newest, _at(phase.gain, J), why=f"the newest counts the gain{when}",
              given=assumed),
        equal(labelled(rule, "w", f"t+1,{j}"), later[0], later[1] * weight, why=f"a step later faded once{when}",
              given=assumed),
    ]  # fmt: skip


def _product(rule: Rule, decays: list[Fraction], start: int) -> Expr | None:
    """The product of the decays after step `start`, one over a polynomial, as its first values suggest."""
    inverse = [Fraction(1)]
    for decay in decays[start:]:
        if decay == 0:
            return None
        inverse.append(inverse[-1] / decay)
    found = polynomial(inverse, T)
    return None if found is None else readable(_at(1 / found, T - start), given(rule))


def _age(rule: Rule, decays: list[Fraction], product: Expr, start: int) -> Expr | None:
    """The mean age, as its first values suggest: a line and a multiple of the product.

    Ages grow by one and fade with their weights; the newest input has none. The start counts as an input of step 0.
    """
    ages = [Fraction(0)]
    for decay in decays[start:]:
        ages.append(decay * (ages[-1] + 1))
    products = values_of(_at(product, T + (start - 1)), "t", 3)
    if products is None:
        return None
    matrix = fmpq_mat([[_fmpq(Fraction(n)), fmpq(1), _fmpq(p)] for n, p in enumerate(products)])
    try:
        slope, shift, share = (matrix.solve(fmpq_mat([[_fmpq(age)] for age in ages[:3]]))[n, 0] for n in range(3))
    except ZeroDivisionError:
        return None
    line = as_fraction(slope) * (T - start) + as_fraction(shift)
    found = readable(line, given(rule)) + as_fraction(share) * product
    return plain(found) if _fits(found, ages, start) else None


def _fmpq(value: Fraction) -> fmpq:
    return fmpq(value.numerator, value.denominator)


def _fits(formula: Expr, values: list[Fraction], start: int) -> bool:
    return values_of(_at(formula, T + (start - 1)), "t", len(values)) == values


def _recursion(
    rule: Rule, name: str, shown: Expr, decay: Expr, first: Number, start: int, when: str, grown: int = 0
) -> list[Step]:
    """A closed form from its first value and the recursion: a step multiplies it (or it and one) by the decay."""
    assumed = given(rule, from_start=start == 0)
    [begun, later] = [_at(shown, e) for e in (Number(start), T + 1)]
    before = shown + grown if grown else shown
    return [
        equal(labelled(rule, name, str(start)), begun, first, why=f"holds at the start{when}", given=assumed),
        equal(labelled(rule, name, "t+1"), later, _at(decay, T + 1) * before, why=f"and is kept by a step{when}",
              given=assumed),
    ]  # fmt: skip


def _at(expr: Expr, step: Expr) -> Expr:
    return substitute([expr], {"t": step})[0]
