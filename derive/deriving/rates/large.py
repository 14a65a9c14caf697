"""A rule inside another as a limit: lr = c * eps while eps grows, with a bound on the distance of a step."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from derive.algebra.normal import NoNormalForm, tidy
from derive.deriving.derivation import Derivation, code, define, holds, letter, names_of
from derive.deriving.experiment import Experiment
from derive.deriving.rates.factor import EffectiveRate, after, factored_step
from derive.expr import Apply, Expr, Number, Symbol, apply, substitute, symbols
from derive.proving import Assumptions
from derive.rule import NONNEGATIVE, POSITIVE, Domain, Rule

INVERSE = "#w"
LARGE = Fraction(10**6)
RUN = tuple(Fraction(g) for g in (1, -2, 3, Fraction(1, 2)))


def large_constant(rule: Rule) -> Derivation | None:
    """The rule that a constant under the fraction bar leads to when it grows and the scale of the step with it.

    At every step and for all gradients the two steps differ by at most a bound divided by that constant.
    """
    found = factored_step(rule)
    if found is None or not found.behind:
        return None
    for scale, constant in _candidates(found):
        derived = _limit(found, scale, constant)
        if derived is not None:
            return derived
    return None


def _candidates(found: EffectiveRate) -> Iterator[tuple[str, str]]:
    """A hyperparameter the rate is a multiple of, and one under its fraction bar."""
    own, proper = found.assumptions.domains, found.proper[0].domains
    kept = symbols(*(found.rule.step[n] for n in found.rule.state_names))  # what the states themselves are made of
    narrowed = [n for n in found.rule.hyperparameter_names if own[n] != proper[n] and n not in kept]
    for scale in found.rule.hyperparameter_names:
        if own[scale] == NONNEGATIVE and scale not in {*narrowed, *kept} and scale in symbols(found.rate):
            yield from ((scale, constant) for constant in narrowed)


def _limit(found: EffectiveRate, scale: str, constant: str) -> Derivation | None:
    rule, name = found.rule, letter(found.rule, "c")
    c, large, w = Symbol(name), Symbol(constant), Symbol(INVERSE)
    domains = {**found.proper[0].domains, name: NONNEGATIVE, constant: POSITIVE, INVERSE: POSITIVE}
    domains |= {after(n): POSITIVE for n in found.behind if domains.get(after(n)) == NONNEGATIVE}
    generic, assumed = Assumptions(domains), Assumptions({**domains, **_closed(found)})
    [step] = substitute([found.step], {scale: c * large})
    try:
        there = _at_infinity(step, constant, w, generic)
        gap = _at_infinity((step - there) * large, constant, w, generic)
    except NoNormalForm:
        return None
    if there is Number(0) or not symbols(there) & {"g", *(after(n) for n in rule.state_names)}:
        return None
    most = apply("abs", gap.args[0] if isinstance(gap, Apply) and gap.op == "neg" else gap)
    bound = holds(apply("le", apply("abs", step - there), most / large), given=assumed,
                  why=f"so the steps differ by at most {code(most)} / `{constant}`")  # fmt: skip
    if not bound.verdict:
        return None
    moved = Symbol("theta[t-1]") - Symbol("theta[t]")
    return Derivation(
        title=f"Large {constant}",
        statement=f"With `{scale} = {name} {constant}` the step tends to {code(there)} as `{constant}` grows: "
        f"each step, from the same states, differs from that by at most {code(most)} / `{constant}`.",
        assumptions=tuple(f"`{n} = 0`" for n in found.removed),
        steps=(
            define(moved, found.step, "the rule's step, in the values after it"),
            define(moved, step, f"with `{scale}` = `{name}` times `{constant}`"),
            bound,
        ),
        result=there,
        names=names_of(rule),
        quantities={"large_step": there, "large_gap": most},
        domains={**found.domains_after, name: NONNEGATIVE},
        experiments=_experiment(found, scale, constant, there),
    )


def _closed(found: EffectiveRate) -> dict[str, Domain]:
    own = found.assumptions.domains
    return {after(n): own[after(n)] for n in found.behind if after(n) in own}


def _at_infinity(expr: Expr, name: str, inverse: Symbol, assumptions: Assumptions) -> Expr:
    """The value where 1/name is zero, of the normal form in which that is no pole."""
    [turned] = substitute([expr], {name: 1 / inverse})
    [there] = substitute([tidy(turned, assumptions)], {inverse.name: Number(0)})
    return tidy(there, assumptions)


def _experiment(found: EffectiveRate, scale: str, constant: str, there: Expr) -> tuple[Experiment, ...]:
    """With a large constant, a step less the one it tends to."""
    now = {after(n): Symbol(n) for n in found.rule.state_names}
    name = (symbols(there) - {*now, *found.rule.hyperparameter_names, "g", "t", *found.rule.state_names}) or {"c"}
    [shown] = substitute([there], {**now, **dict.fromkeys(name, Number(1))})
    moved = Symbol("before.theta") - Symbol("theta")
    hypers = {scale: LARGE, constant: LARGE, **{n: Fraction(0) for n in found.removed}}
    foretold = dict.fromkeys(range(1, len(RUN) + 1), 0.0)
    return (Experiment("a step less the one it tends to", moved - shown, foretold, RUN, hypers, tolerance=1e-4),)
