"""The stationary variance of theta on a quadratic whose gradients have white noise: the discrete Lyapunov equation."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from derive.algebra.work import TooLarge
from derive.deriving.coordinatewise import coordinatewise
from derive.deriving.derivation import Derivation, Step, code, define, equal, holds, letter, names_of
from derive.deriving.experiment import Experiment
from derive.deriving.stability.closed import ClosedLoop, closed_loop
from derive.deriving.stability.jury import both, margins, reduced
from derive.deriving.stability.responses import noise_response, quick_setting, starts_at_zero
from derive.evaluate import exact
from derive.expr import Expr, Number, Symbol, apply
from derive.linear.matrices import Matrix, Vector, reduced_rows, times, transposed
from derive.linear.ratios import UNITY, Ratio
from derive.proving import Assumptions
from derive.rule import NONNEGATIVE, Rule

MOST_STATES = 4


@coordinatewise
def stationary_variance(rule: Rule) -> Derivation | None:
    """What P = A P A' + s2 B B' gives for theta: the variance in the long run where the rule is stable; else None.

    The gradient is h theta (at the queried point) plus noise of variance s2, independent from step to step.
    """
    loop = closed_loop(rule)
    if loop is None or len(loop.transition) > MOST_STATES:
        return None
    try:
        covariance = lyapunov(loop.transition, _outer(loop.noise))
    except TooLarge:
        return None
    if covariance is None or not covariance[0][0]:
        return None
    return _derived(loop, covariance)


def lyapunov(a: Matrix, q: Matrix) -> Matrix | None:
    """The only P with P = a P a' + q, q symmetric; None where there is no such or more than one."""
    size = len(a)
    places = [(i, j) for i in range(size) for j in range(i, size)]
    rows = [_equation(a, q, i, j, places) for i, j in places]
    solved, pivots = reduced_rows(rows)
    if pivots != tuple(range(len(places))):
        return None
    value = {place: row[-1] for place, row in zip(places, solved, strict=True)}
    return tuple(tuple(value[min(i, j), max(i, j)] for j in range(size)) for i in range(size))


def _equation(a: Matrix, q: Matrix, i: int, j: int, places: list[tuple[int, int]]) -> Vector:
    """P_ij - sum over k, n of a_ik P_kn a_jn = q_ij, in the entries above the diagonal."""

    def share(k: int, n: int) -> Ratio:
        twice = a[i][k] * a[j][n] if k == n else a[i][k] * a[j][n] + a[i][n] * a[j][k]
        return UNITY - twice if (k, n) == (i, j) else -twice

    return (*(share(k, n) for k, n in places), q[i][j])


def _outer(column: Matrix) -> Matrix:
    return times(column, transposed(column, len(column[0])))


def _derived(loop: ClosedLoop, covariance: Matrix) -> Derivation | None:
    left = reduced(loop, margins(loop))
    if left is None:
        return None
    noise, rule = Symbol(letter(loop.rule, "sigma2")), loop.rule
    given = Assumptions({**loop.assumed.domains, noise.name: NONNEGATIVE})
    variance = loop.expr(covariance[0][0]) * noise
    stable = tuple(c.test for c in left)
    sign = holds(apply("ge", variance, 0), when=stable, given=given, why="no variance is negative")
    steps = (
        *_map(loop),
        *_substituted(loop, covariance, noise, given),
        define(Symbol("Var(theta)"), variance, "the first entry of P"),
        *((sign,) if sign.verdict else ()),
    )
    if not all(step.verdict for step in steps if step.verdict is not None):
        return None  # at some setting, such as a factor of zero, the equation has another solution, or more
    return Derivation(
        title="Stationary variance under gradient noise",
        statement=f"With noise of variance `{noise}` in every gradient theta keeps, in the long run, the variance "
        f"{code(variance)} where {code(both(stable))}.",
        assumptions=(
            f"the gradient is `{loop.curvature}` times the queried point plus noise of mean 0 and variance `{noise}`, "
            "independent from step to step",
            "the rule is stable: then the equation has one solution, and covariances tend to it",
        ),
        steps=steps,
        result=variance,
        names=names_of(rule),
        quantities={"stationary_variance": variance, "condition": both(stable)},
        domains={noise.name: NONNEGATIVE},
        experiments=_experiments(loop, variance, noise),
    )


STEPS = 80


def _experiments(loop: ClosedLoop, variance: Expr, noise: Symbol) -> tuple[Experiment, ...]:
    """From zero, with the response to noise as the noise, reversed in time: theta adds up its squares."""
    values = quick_setting(loop)
    response = None if values is None else noise_response(loop, values, STEPS)
    if values is None or response is None or not starts_at_zero(loop.rule, values):
        return ()
    [total] = exact([variance], {**values, noise.name: Fraction(1)})
    if not isinstance(total, Fraction) or total > 1000 or abs(response[-1]) > 1e-6:
        return ()  # not all of it is seen by then
    curvature = values.pop(loop.curvature.name)
    return (
        Experiment("theta adds up the squares of its response to noise", Symbol("theta"), {STEPS: float(total)},
                   tuple(response[::-1]), values, curvature=curvature),
    )  # fmt: skip


def _map(loop: ClosedLoop) -> Iterator[Step]:
    size = range(len(loop.transition))
    for i in size:
        for j in size:
            yield define(Symbol(f"A_{i + 1}{j + 1}"), loop.expr(loop.transition[i][j]), "one step as a matrix A")
        yield define(Symbol(f"B_{i + 1}"), loop.expr(loop.noise[i][0]), "what an error of the gradient adds")


def _substituted(loop: ClosedLoop, covariance: Matrix, noise: Symbol, given: Assumptions) -> Iterator[Step]:
    """Every entry of P = A P A' + s2 B B', the value put in on both sides."""
    size = range(len(covariance))
    p = [[loop.expr(x) * noise if x else Number(0) for x in row] for row in covariance]
    a = [[loop.expr(x) for x in row] for row in loop.transition]
    b = [loop.expr(row[0]) for row in loop.noise]
    for i in size:
        for j in size:
            if j >= i:
                moved: Expr = b[i] * b[j] * noise
                for k in size:
                    for n in size:
                        if Number(0) not in (a[i][k], a[j][n], p[k][n]):
                            moved = moved + a[i][k] * p[k][n] * a[j][n]
                yield equal(Symbol(f"P_{i + 1}{j + 1}"), moved, p[i][j], why="P = A P A' + sigma2 B B'", given=given)
