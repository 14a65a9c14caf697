"""What is known of two linear rules: every way to set their hyperparameters so that they show the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from derive.expr import Expr, Number, Symbol, substitute, symbols, to_text
from derive.linear.modes import HiddenMode
from derive.rule import Rule

Kind = Literal["equal", "instance", "conditional", "degenerate"]


@dataclass(frozen=True)
class Root:
    """A hyperparameter of b ("b.beta") or a ("a.beta") that is a zero of a polynomial; a quadratic has formulas too.

    `enclosures` are balls ("[0.88 +/- 1e-9]") that certainly hold one zero each, at the defaults of what the
    polynomial depends on; None where one of those has no default.
    """

    name: str
    polynomial: Expr
    enclosures: tuple[str, ...] | None


@dataclass(frozen=True)
class Branch:
    """One way in which the two rules show the same.

    `hyperparameters` gives those of b in the names of a (and "b.NAME" for those of b in `free`, which may have
    any value); `condition` binds hyperparameters of one side, as "a.beta" or "b.nu", to values in the side's own
    others; `where` holds besides. `states` gives those of b in the names of a after that, with "b.NAME" for
    states that never show; None where no linear map is kept by a step. `inverse` and `back` are the same the
    other way round, in the names of b. `shift` k: b asks at step t + k what a asks at step t, and its first k
    points are `first`; `states` then maps from `derive.transforms.delayed(a, k, first)`.
    """

    hyperparameters: Mapping[str, Expr]
    condition: Mapping[str, Expr] = field(default_factory=dict)
    where: tuple[Expr, ...] = ()
    free: tuple[str, ...] = ()
    roots: tuple[Root, ...] = ()
    degenerate: bool = False
    states: Mapping[str, Expr] | None = None
    inverse: Mapping[str, Expr] | None = None
    back: Mapping[str, Expr] | None = None
    shift: int = 0
    first: tuple[Expr, ...] = ()

    @property
    def kind(self) -> Kind:
        """ "equal": for all settings, one to one; "instance": a is b with some of its hyperparameters set;
        "conditional": for some settings of a; "degenerate": gradients play no part."""
        if self.degenerate:
            return "degenerate"
        asked_of_a = any(n.startswith("a.") for n in (*self.condition, *(root.name for root in self.roots)))
        # Whether a root without a formula is real, and in its domain, is not known.
        implicit = any(r.name[2:] not in self.hyperparameters and r.name not in self.condition for r in self.roots)
        if asked_of_a or implicit or any(not n.startswith("b.") for n in symbols(*self.where)):
            return "conditional"
        onto = self.inverse is not None and not (self.condition or self.free or self.roots)
        return "equal" if onto else "instance"

    def __str__(self) -> str:
        """In the notation of --where."""
        shown = _document(self)
        maps = {n: e for n, e in shown["hyperparameters"].items() if e != n.replace("B.", "A.", 1)}
        parts = [f"{n} = {e}" for n, e in {**maps, **shown["condition"]}.items()]
        parts += [f"{root['name']}: {root['polynomial']} = 0" for root in shown["roots"] if root["name"] not in maps]
        where = f" where {' and '.join(shown['where'])}" if self.where else ""
        later = f" {self.shift} step{'s' * (self.shift > 1)} later" if self.shift else ""
        free = f", any {', '.join(shown['free'])}" if self.free else ""
        return f"{self.kind}{later}: {', '.join(parts) or 'the same names'}{where}{free}"


@dataclass(frozen=True)
class LinearRelation:
    """Every branch, and what the transfer functions cannot show.

    `a` is repeated `repetition` times to make one step of `b`. `open` names, in words, what was not decided.
    """

    a: Rule
    b: Rule
    branches: tuple[Branch, ...]
    hidden_a: tuple[HiddenMode, ...] = ()
    hidden_b: tuple[HiddenMode, ...] = ()
    transfer_a: Expr = field(default_factory=lambda: Number(0))
    transfer_b: Expr = field(default_factory=lambda: Number(0))
    open: tuple[str, ...] = ()
    repetition: int = 1

    @property
    def equivalent(self) -> bool:
        """Whether the hyperparameters correspond one to one so that the two are equal, without a shift."""
        return any(branch.kind == "equal" and not branch.shift for branch in self.branches)

    def document(self) -> tuple[Mapping[str, Any], ...]:
        """The branches as plain data, in the notation of --where."""
        return tuple(_document(branch) for branch in self.branches)


def _document(branch: Branch) -> dict[str, Any]:
    states = branch.states
    return {
        "kind": branch.kind,
        "shift": branch.shift,
        "hyperparameters": {f"B.{n}": to_text(_said(e, "A")) for n, e in branch.hyperparameters.items()},
        "condition": {_name(n): to_text(_said(e, n[0].upper())) for n, e in branch.condition.items()},
        "where": [to_text(_said(e, "A")) for e in branch.where],
        "free": [_name(n) for n in branch.free],
        "roots": [
            {"name": _name(r.name), "polynomial": to_text(_said(r.polynomial, "A")), "enclosures": r.enclosures}
            for r in branch.roots
        ],
        "states": None if states is None else {f"B.{n}": to_text(_said(e, "A")) for n, e in states.items()},
    }


def _name(name: str) -> str:
    return name[0].upper() + name[1:]


def _said(value: Expr, side: str) -> Expr:
    """The expression with its names said to be those of one side; t is the same on both."""
    names = {n: Symbol(f"B.{n[2:]}" if n.startswith("b.") else f"{side}.{n}") for n in symbols(value) if n != "t"}
    return substitute([value], names)[0]


def unprefixed(value: Expr, side: str = "a.") -> Expr:
    """The expression with the names of one side as that side has them."""
    return substitute([value], {n: Symbol(n[2:]) for n in symbols(value) if n.startswith(side)})[0]
