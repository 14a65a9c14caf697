"""What is shown of a rule, independent of the format: the rule, what is proved of it, and its derivations."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from derive.deriving import Derivation, derivations
from derive.expr import Expr, Symbol, substitute
from derive.proving import invariants
from derive.rule import Rule


@dataclass(frozen=True)
class Line:
    """One line of the rule, with the time of each value: m[t] = beta m[t-1] + ..."""

    target: Expr
    value: Expr


@dataclass(frozen=True)
class Page:
    """Everything derived for one rule, ready to be written in some format."""

    rule: Rule
    query: Expr | None
    asked: tuple[Line, ...]  # further answers of a step, each with the point where its gradient is taken
    lines: tuple[Line, ...]
    nonnegative: tuple[str, ...]
    derivations: tuple[Derivation, ...]

    @property
    def counted(self) -> tuple[int, int]:
        """How many steps hold, of how many that were checked."""
        verdicts = [step.verdict for d in self.derivations for step in d.checked]
        return sum(map(bool, verdicts)), len(verdicts)


def page(rule: Rule) -> Page:
    """Derive and check everything, and collect it for showing."""
    times = _times(rule)
    own = bool(rule.asked) or rule.query is not None  # beside others a question at theta is shown too
    query = substitute([rule.questions[0][1]], _symbols(times))[0] if own else None
    asked = (Line(Symbol(times[name]), substitute([point], _symbols(times))[0]) for name, point in rule.asked)
    return Page(rule, query, tuple(asked), indexed_body(rule), tuple(invariants(rule)), derivations(rule))


def indexed_body(rule: Rule) -> tuple[Line, ...]:
    """The body with every value's time written out.

    A name that is assigned again is primed until the last; one that is given, after its first.
    """
    names, lines = _times(rule), []
    left = Counter(assignment.target for assignment in rule.body)
    seen: Counter[str] = Counter()
    for assignment in rule.body:
        target = assignment.target
        [value] = substitute([assignment.value], _symbols(names))
        left[target] -= 1
        seen[target] += 1
        primes = seen[target] if target in ("g", "x") else left[target]
        names[target] = f"{target}{chr(39) * primes}[t]"
        lines.append(Line(Symbol(names[target]), value))
    return tuple(lines)


def _times(rule: Rule) -> dict[str, str]:
    kept = (*rule.state_names, *(() if rule.is_average else ("theta",)))
    answers = {name: f"{name}[t]" for name, _ in rule.asked}
    return {**{n: f"{n}[t-1]" for n in kept}, "g": "g[t]", "x": "x[t]", **answers}


def _symbols(names: dict[str, str]) -> dict[str, Expr]:
    return {name: Symbol(shown) for name, shown in names.items()}
