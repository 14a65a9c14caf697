"""A piece of a rule as data: what is done around one step of another rule, which is left open.

    @piece(paper="Pascanu et al. 2013, Algorithm 1", arxiv="1211.5063")
    def clip_by_norm(theta, g, *, max_norm=nonnegative(1)):
        size = norm(g, over="all")
        g = where(size > max_norm, max_norm / size, 1) * g
        theta = step(theta, g)
        return theta

`step(theta, g)` is the parameter after one step of whatever rule the piece is put around.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction

from derive.errors import UserError
from derive.expr import Expr
from derive.rule import Assignment, Hyperparameter, Reference, State

NO_REFERENCE = Reference()
Value = int | float | str | Fraction


@dataclass(frozen=True)
class Piece:
    """What is done before and after a step of a rule.

    `given` says what the step is given in place of its own: `theta`, `g`, and perhaps `t` and hyperparameters, in the
    values after `before`. `only_if` is the condition under which the rule's own state changes; None: always. In `after`
    the name `stepped` is the parameter that the step makes. A hyperparameter without a default is the rule's own.
    """

    name: str
    hyperparameters: tuple[Hyperparameter, ...]
    states: tuple[State, ...]
    before: tuple[Assignment, ...]
    given: tuple[tuple[str, Expr], ...]
    after: tuple[Assignment, ...]
    stepped: str
    only_if: Expr | None = None
    query: Expr | None = None
    asked: tuple[tuple[str, Expr], ...] = ()
    reference: Reference = NO_REFERENCE
    doc: str = ""
    where: str = field(default="", compare=False)

    @property
    def own(self) -> tuple[Hyperparameter, ...]:
        """The hyperparameters that the piece brings along."""
        return tuple(h for h in self.hyperparameters if h.default is not None)

    def __call__(self, *values: Value, **named: Value) -> Piece:
        """The piece with other defaults: `clip_by_norm(0.5)`, `clip_by_norm(max_norm=0.5)`.

        Raises UserError for names it does not have and for values outside their domains.
        """
        return replace(self, hyperparameters=with_values(self.name, self.hyperparameters, values, named))


@dataclass(frozen=True)
class Schedule:
    """A factor as a formula in the step counter t; `value` is the last of its lines, called `output`."""

    name: str
    hyperparameters: tuple[Hyperparameter, ...]
    body: tuple[Assignment, ...]
    reference: Reference = NO_REFERENCE
    doc: str = ""
    where: str = field(default="", compare=False)

    def __call__(self, *values: Value, **named: Value) -> Schedule:
        """The schedule with other defaults: `warmup_cosine(100, 1000)`. Errors are those of a piece."""
        return replace(self, hyperparameters=with_values(self.name, self.hyperparameters, values, named))


def with_values(
    name: str, hyperparameters: tuple[Hyperparameter, ...], values: tuple[Value, ...], named: dict[str, Value]
) -> tuple[Hyperparameter, ...]:
    """The hyperparameters with these defaults, the first of those that have one by their places."""
    own = [h.name for h in hyperparameters if h.default is not None]
    if len(values) > len(own):
        fix = f"it has {', '.join(own) or 'none'}"
        raise UserError(f"{name} takes {len(own)} values, and is given {len(values)}", fix=fix)
    given = dict(zip(own, values, strict=False))
    for key in named:
        if key not in own:
            raise UserError(f"{name} has no {key!r} of its own", fix=f"it has {', '.join(own) or 'none'}")
        if key in given:
            raise UserError(f"{name} is given {key!r} twice", fix="give it once")
    given |= named
    return tuple(_with_default(name, h, given[h.name]) if h.name in given else h for h in hyperparameters)


def _with_default(name: str, h: Hyperparameter, value: Value) -> Hyperparameter:
    if isinstance(value, bool) or not isinstance(value, int | float | str | Fraction):
        raise UserError(f"{h.name}={value!r} is no number", where=name, fix="write 1e-4, 0.1 or 1/3")
    try:
        exact = Fraction(str(value))
    except (ValueError, ZeroDivisionError):
        raise UserError(f"{h.name}={value!r} is no number", where=name, fix="write 1e-4, 0.1 or 1/3") from None
    if exact not in h.domain:
        raise UserError(f"{h.name}={value} is outside {h.domain}", where=name, fix="give it a value there")
    return replace(h, default=exact)
