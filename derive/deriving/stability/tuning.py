"""The best hyperparameters for curvatures between mu and L, their rate, and why there is no better one.

For a rule whose characteristic polynomial is z - (1 - x), or z^2 - (1 + w - x) z + w with w free of the curvature and
x proportional to it (Polyak 1964, Some methods of speeding up the convergence of iteration methods).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from derive.algebra.normal import readable
from derive.deriving.coordinatewise import coordinatewise
from derive.deriving.derivation import Derivation, Step, code, define, equal, holds, letter, names_of
from derive.deriving.experiment import Experiment
from derive.deriving.stability.closed import ClosedLoop, closed_loop
from derive.deriving.stability.responses import along_recurrence
from derive.deriving.stability.writing import combination
from derive.evaluate import exact
from derive.expr import Expr, Number, Symbol, apply, substitute, symbols
from derive.linear.ratios import UNITY, number, replaced
from derive.proving import Assumptions, identity
from derive.proving.obligations import inside
from derive.rule import NONNEGATIVE, POSITIVE, REAL, Domain, Rule

INSIDE = Domain(Fraction(0), Fraction(1), low_open=True, high_open=True)
UNIT_RATE = Domain(Fraction(0), Fraction(1), high_open=True)
CONDITION_NUMBER = Domain(Fraction(1))


@dataclass(frozen=True)
class Simple:
    """z^2 - (1 + product - step h) z + product, or z - (1 - step h) where `product` is None."""

    loop: ClosedLoop
    product: Expr | None
    step: Expr

    @property
    def momentum(self) -> str | None:
        """The hyperparameter that the product is; the empty text: none, and the degree is one."""
        if self.product is None:
            return ""
        return self.product.name if isinstance(self.product, Symbol) else None


def simple(rule: Rule) -> Simple | None:
    """The rule's polynomial in that form; None for others."""
    loop = closed_loop(rule)
    if loop is None or loop.degree > 2 or loop.step_size is None:
        return None
    h = loop.index(loop.curvature.name)
    at_zero = [replaced(c, {h: number(0)}) for c in loop.coefficients]
    at_one = [replaced(c, {h: UNITY}) for c in loop.coefficients]
    place = loop.degree - 1  # of the coefficient in which the curvature may occur
    if h in loop.coefficients[0].used() and loop.degree == 2:
        return None
    at_rest = number(-1) if loop.degree == 1 else number(-1) - at_zero[0]
    step = loop.expr(at_one[place] - at_zero[place])
    claimed = loop.expr(at_rest) + step * loop.curvature
    if at_zero[place] != at_rest or not identity([(claimed, loop.expr(loop.coefficients[place]))], loop.assumed):
        return None
    return Simple(loop, None if loop.degree == 1 else loop.expr(at_zero[0]), step)


@coordinatewise
def tuned(rule: Rule) -> Derivation | None:
    """The best rate over curvatures from mu to L, and the hyperparameters that reach it; None where not derived."""
    form = simple(rule)
    if form is None or form.momentum is None:
        return None
    names = {n: Symbol(letter(rule, n)) for n in ("mu", "L", "r", "a", "w", "s", "kappa")}
    settings = optimum(form, names["mu"], names["L"])
    if settings is None:
        return None
    steps = (
        *_given(form, settings),
        *_reached(form, settings, names),
        *_best(form.loop.degree, *(names[n] for n in ("s", "a", "w", "kappa"))),
    )
    rate = settings["rate"]
    tuned_values = {name: value for name, value in settings.items() if name != "rate"}
    return Derivation(
        title="Tuned for a condition number",
        statement=f"On quadratics with curvatures from `{names['mu']}` to `{names['L']}` no setting has a smaller "
        f"spectral radius for all of them than {code(rate)}, reached with "
        + ", ".join(f"`{n}` = {code(e)}" for n, e in tuned_values.items()) + ".",
        assumptions=(f"`0 < {names['mu']} <= {names['L']}`, `{names['kappa']} = {names['L']}/{names['mu']}`",
                     "quadratics only, and in the long run: see the transient and the counterexample"),
        steps=steps,
        result=rate,
        names=names_of(rule),
        quantities={"optimal_rate": rate, **{f"optimal_{n}": e for n, e in tuned_values.items()}},
        experiments=tuple(_experiments(rule, form, settings, names)),
    )  # fmt: skip


def optimum(form: Simple, least: Symbol, most: Symbol) -> dict[str, Expr] | None:
    """The hyperparameters in mu and L, and under `rate` the spectral radius they give; None outside their domains."""
    size, momentum = form.loop.step_size, form.momentum
    assert size is not None
    if form.product is None:
        rate: Expr = (most - least) / (most + least)
        step, set_ = 2 / (most + least), {}
    else:
        roots = apply("sqrt", most), apply("sqrt", least)
        rate = (roots[0] - roots[1]) / (roots[0] + roots[1])
        step, set_ = 4 / (roots[0] + roots[1]) ** 2, {momentum: rate**2}
    if symbols(form.step) - {size, momentum}:
        return None
    [unit] = substitute([form.step], {**{n: e for n, e in set_.items() if n}, size: Number(1)})
    learning_rate = step if unit is Number(1) else _in_roots(step / unit, least, most)
    found = {size: learning_rate, **{n: e for n, e in set_.items() if n}}
    domains = {h.name: h.domain for h in form.loop.rule.hyperparameters}
    allowed = [inside(e, domains[n]) for n, e in found.items()]
    return {**found, "rate": rate} if identity(allowed, _between(form, least, most)) else None


def _in_roots(expr: Expr, least: Symbol, most: Symbol) -> Expr:
    """The expression tidied as a fraction in the roots of both curvatures."""
    roots = {name: Symbol(f"root of {name}") for name in (least.name, most.name)}
    squared: dict[str, Expr] = {name: root**2 for name, root in roots.items()}
    [rational] = substitute([expr], squared)
    tidied = readable(rational, Assumptions({root.name: POSITIVE for root in roots.values()}))
    return substitute([tidied], {root.name: apply("sqrt", Symbol(name)) for name, root in roots.items()})[0]


def _between(form: Simple, least: Symbol, most: Symbol) -> Assumptions:
    return Assumptions({**form.loop.assumed.domains, least.name: POSITIVE, most.name: POSITIVE})


def _given(form: Simple, settings: dict[str, Expr]) -> tuple[Step, ...]:
    shown = [define(Symbol(n), e, "the setting") for n, e in settings.items() if n != "rate"]
    return (define(Symbol("r"), settings["rate"], "the rate to be shown"), *shown)


def _reached(form: Simple, settings: dict[str, Expr], names: dict[str, Symbol]) -> tuple[Step, ...]:
    """The zeros at both ends, and their modulus in between."""
    loop, r, x, least, most = form.loop, names["r"], names["a"], names["mu"], names["L"]
    given, z = _between(form, least, most), loop.variable
    set_ = {n: e for n, e in settings.items() if n != "rate"}
    rate = settings["rate"]
    ends = [substitute([loop.polynomial(z)], {**set_, loop.curvature.name: end})[0] for end in (least, most)]
    degree = loop.degree
    at_ends = [base if degree == 1 else base**2 for base in (z - rate, z + rate)]
    why = [f"at the {word} curvature {code(end)}" for word, end in (("smallest", least), ("largest", most))]
    in_unit = Assumptions({r.name: UNIT_RATE, x.name: REAL})
    low, high = ((1 - r), (1 + r)) if degree == 1 else ((1 - r) ** 2, (1 + r) ** 2)
    when = (apply("le", low, x), apply("le", x, high))
    inside = apply("le", apply("abs", 1 - x), r) if degree == 1 else apply("le", (1 + r**2 - x) ** 2, 4 * r**2)
    meaning = (
        "the zero 1 - a is no further from 0"
        if degree == 1
        else "the zeros are complex (or meet) and have modulus sqrt(w) = r"
    )
    return (
        equal(Symbol("p(z)"), ends[0], at_ends[0], why=why[0], given=given),
        equal(Symbol("p(z)"), ends[1], at_ends[1], why=why[1], given=given),
        holds(inside, when=when, given=in_unit,
              why=f"in between, with a the step size times the curvature, {meaning}"),
    )  # fmt: skip


@lru_cache(maxsize=8)
def _best(degree: int, s: Symbol, x: Symbol, w: Symbol, kappa: Symbol) -> tuple[Step, ...]:
    """No setting has all zeros within s < r at both ends: what that asks of the condition number."""
    given = Assumptions({s.name: INSIDE, kappa.name: CONDITION_NUMBER})
    asks = "zeros within s at mu (step size times mu is a) and at L = kappa mu: what is claimed not to be negative is "
    ends: tuple[Expr, ...]
    weights: tuple[Expr, ...]
    if degree == 1:
        ends = (1 + s - kappa * x, x - (1 - s))
        weights = (Number(1), kappa)
        gap, best = 1 + s - kappa * (1 - s), (kappa - 1) / (kappa + 1)
        scale: Expr = Number(1)
        first: tuple[Step, ...] = ()
    else:
        ends = (s**2 + (1 + w - kappa * x) * s + w, s**2 - (1 + w - x) * s + w, s**2 - w)
        weights = (Number(1), kappa, 1 + s + kappa * (1 - s))
        gap, root, scale = (1 + s) ** 2 - kappa * (1 - s) ** 2, apply("sqrt", kappa), s
        best, first = (root - 1) / (root + 1), within(s)
    margins = [Symbol(f"c_{place}") for place in range(1, len(ends) + 1)]
    nonnegative = Assumptions({**given.domains, **{m.name: NONNEGATIVE for m in margins}})
    scaled = gap if scale is Number(1) else scale * gap
    return (
        *first,
        equal(None, scaled, combination(weights, ends), given=given,
              why=asks + ("p(-s) at L and p(s) at mu" if degree == 1 else "p(-s) at L, p(s) at mu, and s^2 - w")),
        holds(apply("ge", combination(weights, margins), 0), given=nonnegative,
              why="with weights that are not negative: the sum is not negative"),
        holds(apply("ge", s, best), when=(apply("ge", scaled, 0),), given=given,
              why="so s is no smaller than the rate"),
    )  # fmt: skip


def within(s: Symbol) -> tuple[Step, ...]:
    """What zeros of modulus at most s satisfy: p(s) >= 0, p(-s) >= 0, and a product of at most s^2."""
    first, second, u, v = (Symbol(n) for n in ("z_1", "z_2", "u", "w"))
    given = Assumptions({s.name: INSIDE})
    real = tuple(apply("ge", e, 0) for z in (first, second) for e in (s - z, s + z))
    pair = (apply("le", u**2 + v**2, s**2),)
    margins = [Symbol(f"c_{place}") for place in range(1, 5)]
    nonnegative = Assumptions({m.name: NONNEGATIVE for m in margins})

    def at_ends(zeros: Expr, product: Expr) -> Expr:
        values = (s**2 - zeros * s + product, s**2 + zeros * s + product)
        return apply("and", apply("ge", values[0], 0), apply("ge", values[1], 0))

    return (
        holds(at_ends(first + second, first * second), when=real, given=given,
              why="two real zeros z_1, z_2 between -s and s: p(s) and p(-s) are not negative"),
        equal(None, 2 * (s**2 - first * second), (s - first) * (s + second) + (s + first) * (s - second), given=given,
              why="and their product is at most s^2: these factors are not negative"),
        holds(apply("ge", margins[0] * margins[1] + margins[2] * margins[3], 0), given=nonnegative,
              why="and so the sum of their products is not"),
        holds(at_ends(2 * u, u**2 + v**2), when=pair, given=given,
              why="the same for a pair u + w i, u - w i within s, whose product u^2 + w^2 is at most s^2"),
    )  # fmt: skip


def _experiments(rule: Rule, form: Simple, settings: dict[str, Expr], names: dict[str, Symbol]) -> list[Experiment]:
    """Runs at both ends of a condition number of 100, where p is (z - r)^n and (z + r)^n."""
    found = instance(settings, names, Fraction(1), Fraction(100))
    if found is None:
        return []
    r = found.pop("rate")
    at = {False: (-r, Fraction(1)), True: (r, Fraction(1))}
    shown = {end: p if form.loop.degree == 1 else (p[0] ** 2, 2 * p[0], Fraction(1)) for end, p in at.items()}
    ends = {"smallest": (Fraction(1), shown[False]), "largest": (Fraction(100), shown[True])}
    return [run for word, (h, p) in ends.items() for run in at_the_end(rule, word, h, p, form.loop.idle, found)]


def at_the_end(
    rule: Rule, word: str, h: Fraction, p: Sequence[Fraction], idle: int, values: Mapping[str, Fraction]
) -> tuple[Experiment, ...]:
    """The tuned rule on the smallest or the largest curvature, where its polynomial is p."""
    foretold = along_recurrence(rule, p, idle, h, values, 40)
    return (
        Experiment(f"the tuned rule on the {word} curvature", Symbol("theta"), foretold, curvature=h, steps=40,
                   start=Fraction(1), hyperparameters=values),
    ) if foretold else ()  # fmt: skip


def instance(
    settings: dict[str, Expr], names: dict[str, Symbol], least: Fraction, most: Fraction
) -> dict[str, Fraction] | None:
    """The settings at these curvatures, where they are rational."""
    values = exact(settings.values(), {names["mu"].name: least, names["L"].name: most})
    found = {name: value for name, value in zip(settings, values, strict=True) if isinstance(value, Fraction)}
    return found if len(found) == len(settings) else None
