"""A convex function on which the tuned rule does not converge: its run ends in a cycle, computed and certified exactly.

Lessard, Recht & Packard 2016, Analysis and design of optimization algorithms via integral quadratic constraints,
section 4.6 (arXiv:1408.3595): f' is 25 x below 1, x + 24 up to 2, 25 x - 24 from there on, so that all curvatures lie
between 1 and 25, and the run starts at 3.3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from derive.deriving.coordinatewise import coordinatewise
from derive.deriving.derivation import Derivation, Step, define, equal, holds, letter, names_of
from derive.deriving.experiment import Experiment
from derive.deriving.stability.pieces import Certified, Piece, Run, certified, run_on
from derive.deriving.stability.tuning import instance, optimum, simple
from derive.expr import Expr, Number, Symbol, apply, substitute, to_text
from derive.linear.system import ALWAYS_ONE, linear_system
from derive.proving import Assumptions
from derive.rule import Rule
from derive.transforms import bind

ONE, TWO, STEEP = Fraction(1), Fraction(2), Fraction(25)
PIECES = (
    Piece(None, ONE, STEEP, Fraction(0)),
    Piece(ONE, TWO, ONE, Fraction(24)),
    Piece(TWO, None, STEEP, Fraction(-24)),
)
START = Fraction(33, 10)
STEPS = 120


@coordinatewise
def convex_cycle(rule: Rule) -> Derivation | None:
    """The tuned rule on that function: the cycle and the proof that the run ends in it; None where it does not."""
    form = simple(rule)
    if form is None or not form.momentum:
        return None
    names = {n: Symbol(letter(rule, n)) for n in ("mu", "L")}
    settings = optimum(form, names["mu"], names["L"])
    values = None if settings is None else instance(settings, names, ONE, STEEP)
    if values is None:
        return None
    values.pop("rate")
    fixed = bind(rule, {n: Number(v) for n, v in {**rule.defaults, **values}.items()})
    system = linear_system(fixed)
    if system is None or ALWAYS_ONE in system.states:
        return None
    run = run_on(fixed, PIECES, START, STEPS)
    found = certified(system, run)
    return None if found is None else _derivation(rule, fixed, values, run, found)


def _derivation(rule: Rule, fixed: Rule, values: Mapping[str, Fraction], run: Run, found: Certified) -> Derivation:
    names = ("theta", *rule.state_names)
    setting = ", ".join(f"{n} = {to_text(Number(v))}" for n, v in values.items())
    thetas = [point[0] for point in found.points]
    shown = ", ".join(f"{float(x):.4f}" for x in thetas)
    start = Symbol("x")
    return Derivation(
        title="A convex function on which the tuned rule does not converge",
        statement=f"Where f' is {_gradient_text()}, all curvatures lie between 1 and 25, and the setting for these, "
        f"`{setting}`, started at {float(START)}, ends in a cycle through {shown}: the rate holds for quadratics only.",
        assumptions=("Lessard, Recht & Packard 2016, section 4.6 (arXiv:1408.3595)",),
        steps=(
            define(Symbol("f'(x)"), _gradient(start), "the derivative of a convex function"),
            *_cycle_steps(fixed, names, found),
            *_weight_steps(found),
            _entry(found),
        ),
        result=Number(thetas[0]),
        names={n: s for n, s in names_of(rule).items() if n != "x"},
        quantities={f"cycle_{i}": Number(x) for i, x in enumerate(thetas, 1)},
        experiments=(
            Experiment("with the gradients of that function it ends in the cycle", Symbol("theta"),
                       {t: float(found.after(t)) for t in range(STEPS - 10, STEPS + 1)}, gradients=run.gradients,
                       hyperparameters=dict(values), start=START),
        ),
    )  # fmt: skip


def _gradient(x: Expr) -> Expr:
    *first, last = PIECES
    made: Expr = _line(last, x)
    for piece in reversed(first):
        assert piece.high is not None
        made = apply("where", apply("lt", x, piece.high), _line(piece, x), made)
    return made


def _line(piece: Piece, x: Expr) -> Expr:
    sloped = x if piece.slope == 1 else piece.slope * x
    if piece.offset == 0:
        return sloped
    return sloped + piece.offset if piece.offset > 0 else sloped - -piece.offset


def _gradient_text() -> str:
    return ", ".join(
        f"`{to_text(_line(p, Symbol('x')))}` " + (f"below {p.high}" if p.high is not None else f"from {p.low} on")
        for p in PIECES
    )


def _cycle_steps(rule: Rule, names: Sequence[str], found: Certified) -> list[Step]:
    """Each point of the cycle leads to the next, the last to the first."""
    given, steps = Assumptions({}), list[Step]()
    for index, point in enumerate(found.points):
        here: dict[str, Expr] = {n: Number(v) for n, v in zip(names, point, strict=True)}
        [query] = substitute([rule.questions[0][1]], here)
        after = dict(zip(names, found.points[(index + 1) % len(found.points)], strict=True))
        moved = substitute([rule.step[n] for n in names], {**here, "g": _gradient(query)})
        steps += [
            equal(Symbol(f"{n}[t+{index + 1}]"), value, Number(after[n]), given=given,
                  why="one step of the rule from the point of the cycle before")
            for n, value in zip(names, moved, strict=True)
        ]  # fmt: skip
    return steps


def _weight_steps(found: Certified) -> list[Step]:
    """W - M' W M = 1: the energy e' W e of an error e shrinks by |e|^2 in every step."""
    size = range(len(found.weights))
    m = [[Number(x.constant() or 0) for x in row] for row in found.transition]
    w = [[Number(x.constant() or 0) for x in row] for row in found.weights]
    steps = []
    for i in size:
        for j in size:
            if j >= i:
                moved: Expr = w[i][j]
                for k in size:
                    for n in size:
                        moved = moved - m[k][i] * w[k][n] * m[n][j]
                steps.append(equal(None, moved, Number(int(i == j)), given=Assumptions({}),
                                   why="W - M' W M = 1, M a step's matrix on pieces of slope 25: errors e shrink in "
                                   "e' W e"))  # fmt: skip
    minors = [_minor([[Fraction(x.constant() or 0) for x in row[:k]] for row in found.weights[:k]]) for k in (1, 2)]
    steps += [holds(apply("gt", Number(minor), 0), given=Assumptions({}),
                    why="W is positive definite: its leading minors are positive") for minor in minors]  # fmt: skip
    return steps


def _minor(w: list[list[Fraction]]) -> Fraction:
    return w[0][0] if len(w) == 1 else w[0][0] * w[1][1] - w[0][1] * w[1][0]


def _entry(found: Certified) -> Step:
    return holds(apply("lt", Number(found.energy), Number(found.allowed)), given=Assumptions({}),
                 why=f"after {found.since} steps of the exact run its error has so small an energy that the queried "
                 "point never leaves the pieces of the cycle again: the error tends to zero")  # fmt: skip
