"""The best hyperparameters of a rule that looks ahead, for curvatures between mu and L, and its rate.

For a rule with characteristic polynomial z^2 - (1 + w) (1 - a) z + w (1 - a), w free of the curvature and a
proportional to it (Lessard, Recht & Packard 2016, table 1, row Nesterov, "quadratic").
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

from derive.deriving.coordinatewise import coordinatewise
from derive.deriving.derivation import Derivation, Step, code, define, equal, holds, letter, names_of
from derive.deriving.experiment import Experiment, plain_values
from derive.deriving.stability.closed import ClosedLoop, closed_loop
from derive.deriving.stability.tuning import CONDITION_NUMBER, INSIDE, at_the_end, within
from derive.evaluate import exact
from derive.expr import Expr, Symbol, apply, substitute
from derive.linear.ratios import UNITY, number, replaced
from derive.proving import Assumptions, identity
from derive.rule import DECAY, NONNEGATIVE, POSITIVE, Rule


@coordinatewise
def tuned_ahead(rule: Rule) -> Derivation | None:
    """The setting with the smallest spectral radius over curvatures from mu to L; None for rules of another form."""
    loop = closed_loop(rule)
    found = None if loop is None else _form(loop)
    if loop is None or found is None:
        return None
    least, most = Symbol(letter(rule, "mu")), Symbol(letter(rule, "L"))
    wide, root = apply("sqrt", 3 * most + least), apply("sqrt", least)
    rate = 1 - 2 * root / wide
    settings = {str(loop.step_size): 4 / (3 * most + least), found: (wide - 2 * root) / (wide + 2 * root)}
    names = {n: Symbol(letter(rule, n)) for n in ("s", "a", "w", "kappa")}
    lower = _best(*names.values())
    best = all(step.verdict for step in lower)
    reached = ", ".join(f"`{n}` = {code(e)}" for n, e in settings.items())
    claim = "no setting has a smaller spectral radius for all of them than" if best else "a spectral radius for all of"
    return Derivation(
        title="Tuned for a condition number",
        statement=f"On quadratics with curvatures from `{least}` to `{most}` "
        + (f"{claim} {code(rate)}, reached with {reached}." if best else f"{reached} has at most {code(rate)}."),
        assumptions=(
            f"`0 < {least} <= {most}`, `{names['kappa']} = {most}/{least}`",
            "quadratics only, in the long run",
        ),
        steps=(*_ends(loop, settings, rate, least, most), *_between(names["s"]), *(lower if best else ())),
        result=rate,
        names=names_of(rule),
        quantities={"optimal_rate": rate, **{f"optimal_{n}": e for n, e in settings.items()}},
        experiments=_experiments(loop, settings, rate, least, most),
    )


CONDITION = Fraction(33)  # at which the roots of the setting are rational: 3 * 33 + 1 is a square


def _experiments(
    loop: ClosedLoop, settings: dict[str, Expr], rate: Expr, least: Symbol, most: Symbol
) -> tuple[Experiment, ...]:
    """Runs at both ends, where p is (z - r)^2 and (z + r) (z - r/3)."""
    found = exact([rate, *settings.values()], {least.name: Fraction(1), most.name: CONDITION})
    r, *set_ = [value for value in found if isinstance(value, Fraction)]
    values = {**plain_values(loop.rule), **dict(zip(settings, set_, strict=True))}
    ends = {"smallest": (Fraction(1), (r**2, -2 * r)), "largest": (CONDITION, (-(r**2) / 3, r - r / 3))}
    return tuple(
        run
        for word, (h, low) in ends.items()
        for run in at_the_end(loop.rule, word, h, (*low, Fraction(1)), loop.idle, values)
    )


def _form(loop: ClosedLoop) -> str | None:
    """The hyperparameter that w is, where the polynomial has that form with a the step size times the curvature."""
    if loop.degree != 2 or loop.step_size is None:
        return None
    h = loop.index(loop.curvature.name)
    w = replaced(loop.coefficients[0], {h: number(0)})
    name = loop.expr(w)
    left = UNITY - replaced(loop.coefficients[0], {h: UNITY}) / w if w else number(0)
    if not isinstance(name, Symbol) or loop.expr(left) is not loop.scale:
        return None
    ahead = 1 - loop.scale * loop.curvature
    claimed = ((loop.expr(loop.coefficients[0]), name * ahead), (loop.expr(loop.coefficients[1]), -(1 + name) * ahead))
    return name.name if identity(claimed, loop.assumed) else None


def _ends(loop: ClosedLoop, settings: dict[str, Expr], rate: Expr, least: Symbol, most: Symbol) -> tuple[Step, ...]:
    z, given = loop.variable, Assumptions({**loop.assumed.domains, least.name: POSITIVE, most.name: POSITIVE})
    at = [substitute([loop.polynomial(z)], {**settings, loop.curvature.name: end})[0] for end in (least, most)]
    return (
        define(Symbol("r"), rate, "the rate to be shown"),
        *(define(Symbol(n), e, "the setting") for n, e in settings.items()),
        equal(Symbol("p(z)"), at[0], (z - rate) ** 2, given=given, why=f"at the smallest curvature {code(least)}"),
        equal(Symbol("p(z)"), at[1], (z + rate) * (z - rate / 3), given=given, why=f"at the largest {code(most)}"),
    )


@lru_cache(maxsize=4)
def _between(s: Symbol) -> tuple[Step, ...]:
    """p(r), p(-r) and r^2 less the product of the zeros are affine in the curvature, not negative at both ends."""
    first, second, share = Symbol("c_1"), Symbol("c_2"), Symbol("y")
    given = Assumptions({first.name: NONNEGATIVE, second.name: NONNEGATIVE, share.name: DECAY})
    z, v, u, w = (Symbol(n) for n in ("z_1", "z_2", "u", "w"))
    inside = Assumptions({s.name: INSIDE})
    tests = tuple(apply("ge", e, 0) for e in (s**2 - z * v, (s - z) * (s - v), (s + z) * (s + v)))
    beyond = Assumptions({s.name: INSIDE, u.name: POSITIVE, w.name: NONNEGATIVE})
    return (
        holds(apply("ge", (1 - share) * first + share * second, 0), given=given,
              why="p(r), p(-r) and r^2 less the product of the zeros are affine in the curvature; at the ends they are "
              "0, 4 r^2, 0 and 4 r^2/3, 0, 4 r^2/3: in between they are not negative either"),
        holds(apply("ge", v, s), when=(tests[1], apply("gt", z, s)), given=inside,
              why="with a real zero above r (s is r) the other is no less than r"),
        holds(apply("gt", (s + u) * (s + w), s**2), given=beyond, why="then their product is more than r^2"),
        holds(apply("le", v, -s), when=(tests[2], apply("lt", z, -s)), given=inside,
              why="with one below -r the other is at most -r"),
        holds(apply("gt", (-s - u) * (-s - w), s**2), given=beyond,
              why="and again: so real zeros lie within r, for r^2 less their product is not negative"),
        holds(apply("le", u**2 + w**2, s**2), when=(apply("ge", s**2 - (u**2 + w**2), 0),), given=inside,
              why="and so does a pair u + w i, u - w i"),
    )  # fmt: skip


@lru_cache(maxsize=4)
def _best(s: Symbol, a: Symbol, w: Symbol, kappa: Symbol) -> tuple[Step, ...]:
    """What zeros within s at both ends ask of the condition number."""
    given = Assumptions({s.name: INSIDE, w.name: DECAY, a.name: POSITIVE, kappa.name: CONDITION_NUMBER})
    ends = (
        apply("ge", s**2 - (1 + w) * (1 - a) * s + w * (1 - a), 0),
        apply("ge", s**2 + (1 + w) * (1 - kappa * a) * s + w * (1 - kappa * a), 0),
        apply("le", w * (1 - a), s**2),
    )
    asked = apply("le", (1 - s) ** 2 * (3 * kappa + 1), 4)
    return (
        *within(s),
        holds(asked, when=ends, given=given,
              why="zeros within s at mu (step size times mu is a) and at L = kappa mu ask this of kappa"),
        holds(apply("ge", s, 1 - 2 / apply("sqrt", 3 * kappa + 1)), when=(asked,), given=given,
              why="so s is no smaller than the rate"),
    )  # fmt: skip
