"""`--where`: a map or a condition between two rules A and B, read clause by clause and never evaluated.

`B.lr = A.lr * (1 - A.beta)` writes a hyperparameter of B (or a state, or theta) in the names of A,
`eps = 0` and `nu = beta` bind hyperparameters of both, `A.beta1 = 0` those of one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from derive.errors import UserError
from derive.expr import Expr, Symbol, substitute, symbols
from derive.reading.python.expressions import read_expression
from derive.rule import Rule

DOTTED = re.compile(r"(?<![\w.])([A-Za-z_]\w*)\s*\.\s*([A-Za-z_]\w*)")
TARGET = re.compile(r"(?:([A-Za-z_]\w*)\s*\.\s*)?([A-Za-z_]\w*)")
EQUALS = re.compile(r"(?<![=<>!:])=(?!=)")
MARKS = {"A": "A_of_", "B": "B_of_"}  # before a name of one side, while the formula is read


@dataclass(frozen=True)
class Where:
    """The clauses as `derive.relating.prove` takes them."""

    states: Mapping[str, Expr] = field(default_factory=dict)
    hyperparameters: Mapping[str, Expr] = field(default_factory=dict)
    condition: Mapping[str, Expr] = field(default_factory=dict)


def read_where(texts: Iterable[str], a: Rule, b: Rule) -> Where:
    """The clauses of all the texts, separated by commas, semicolons or lines. Raises UserError naming the clause."""
    found: dict[str, dict[str, Expr]] = {"states": {}, "hyperparameters": {}, "condition": {}}
    for clause in (clause for text in texts for clause in _clauses(text)):
        try:
            kind, name, value = _Reader(a, b).clause(clause)
            if any(name in known for known in found.values()):
                raise UserError(f"{name} is set twice", fix="leave one out")
        except UserError as error:
            raise UserError(_restored(error.what), where=f"--where '{clause}'", fix=_restored(error.fix)) from None
        found[kind][name] = value
    return Where(**found)


def _clauses(text: str) -> Iterator[str]:
    """The parts between separators that stand in no bracket."""
    depth, clause = 0, ""
    for letter in text:
        depth += (letter in "([{") - (letter in ")]}")
        if letter in ",;\n" and depth <= 0:
            yield from _kept(clause)
            clause = ""
        else:
            clause += letter
    yield from _kept(clause)


def _kept(clause: str) -> list[str]:
    return [clause.strip()] if clause.strip() else []


@dataclass(frozen=True)
class _Reader:
    """Reads the clauses of one pair of rules."""

    a: Rule
    b: Rule

    def clause(self, text: str) -> tuple[str, str, Expr]:
        """Which of the three maps it belongs to, under which key, and the value."""
        sides = EQUALS.split(text, maxsplit=1)
        target = TARGET.fullmatch(sides[0].strip())
        if len(sides) != 2 or target is None:
            raise UserError("it is not an equation for one name", fix="write B.lr = A.lr * (1 - A.beta), or eps = 0")
        side, name = self._side(target[1]), target[2]
        self._refuse_unknown(side, name)
        value = self._formula(sides[1])
        return self._bare(name, value) if side is None else self._sided(side, name, value)

    def _side(self, prefix: str | None) -> str | None:
        if prefix is None:
            return None
        side = self._prefixes().get(prefix)
        if side is None:
            raise UserError(f"{prefix!r} is neither rule", fix="names begin with A., B. or nothing")
        return side

    def _prefixes(self) -> dict[str, str]:
        """What may stand before a dot: A and B, and the names of the rules where they differ."""
        named = {self.a.name: "A", self.b.name: "B"} if self.a.name != self.b.name else {}
        return {**named, "A": "A", "B": "B", "a": "A", "b": "B"}

    def _formula(self, text: str) -> Expr:
        prefixes = self._prefixes()

        def marked(match: re.Match[str]) -> str:
            side = prefixes.get(match[1])
            return match[0] if side is None else MARKS[side] + match[2]

        return read_expression(DOTTED.sub(marked, text), file="")

    def _refuse_unknown(self, side: str | None, name: str) -> None:
        if side == "B":
            refuse_unknown([name], _settable(self.b), "B.", f"a hyperparameter or state of {self.b.name}")
        elif side == "A":
            refuse_unknown([name], self.a.hyperparameter_names, "A.", f"a hyperparameter of {self.a.name}")
        elif name in {*_settable(self.b)} - {*self.a.hyperparameter_names, *self.b.hyperparameter_names}:
            raise UserError(f"{name} is kept by both rules or by B alone", fix=f"write B.{name} = ... in names of A")
        else:
            both = dict.fromkeys((*self.a.hyperparameter_names, *self.b.hyperparameter_names))
            refuse_unknown([name], tuple(both), "", f"a hyperparameter of {self.a.name} or {self.b.name}")

    def _bare(self, name: str, value: Expr) -> tuple[str, str, Expr]:
        """A condition on both rules."""
        marked = _marked(value)
        if marked["A"] or marked["B"]:
            fix = f"write B.{name} = ... for a map, or names without a prefix for both rules"
            raise UserError(f"{name} is set in both rules, and the value is of one", fix=fix)
        both = dict.fromkeys((*self.a.hyperparameter_names, *self.b.hyperparameter_names))
        refuse_unknown(symbols(value), tuple(both), "", f"a hyperparameter of {self.a.name} or {self.b.name}")
        return "condition", name, value

    def _sided(self, side: str, name: str, value: Expr) -> tuple[str, str, Expr]:
        """A condition on one rule, in its own names, or a map that writes what B has in the names of A."""
        marked = _marked(value)
        if side == "A":
            if marked["B"]:
                fix = f"write B.{min(marked['B'])} = ..., or give the two rules in the other order"
                raise UserError("a map writes what B has in the names of A", fix=fix)
            return self._condition("A", self.a, name, value)
        is_state = name not in self.b.hyperparameter_names
        if not is_state and not marked["A"] and not marked[""]:
            return self._condition("B", self.b, name, value)
        if marked["B"]:
            raise UserError(f"B.{min(marked['B'])} stands on the right", fix="write what B has in the names of A")
        known = _kept_by(self.a) if is_state else self.a.hyperparameter_names
        what = f"a {'state or ' if is_state else ''}hyperparameter of {self.a.name}"
        refuse_unknown({*marked["A"], *marked[""]}, known, "A.", what)
        return "states" if is_state else "hyperparameters", name, _plain(value)

    def _condition(self, side: str, rule: Rule, name: str, value: Expr) -> tuple[str, str, Expr]:
        plain = _plain(value)
        known, what = rule.hyperparameter_names, f"a hyperparameter of {rule.name}"
        refuse_unknown(symbols(plain), known, f"{side}.", what)
        return "condition", f"{side.lower()}.{name}", plain


def refuse_unknown(names: Iterable[str], known: Sequence[str], prefix: str, what: str) -> None:
    """Raise UserError for the first of the names that is not known, with the nearest that are."""
    for name in sorted(set(names) - set(known)):
        near = get_close_matches(name, known, n=2, cutoff=0.5)
        listed = f"it has {', '.join(prefix + n for n in known)}" if known else "it has none"
        fix = f"did you mean {' or '.join(prefix + n for n in near)}?" if near else listed
        raise UserError(f"{prefix}{name} is not {what}", fix=fix)


def _settable(b: Rule) -> tuple[str, ...]:
    return (*b.hyperparameter_names, *b.state_names, *(() if b.is_average else ("theta",)))


def _kept_by(a: Rule) -> tuple[str, ...]:
    return (*a.hyperparameter_names, *a.state_names, *(() if a.is_average else ("theta",)), "t")


def _marked(value: Expr) -> dict[str, set[str]]:
    """The names in a formula by the side they are marked with; those of neither under ""."""
    found: dict[str, set[str]] = {"A": set(), "B": set(), "": set()}
    for name in symbols(value):
        side = next((side for side, mark in MARKS.items() if name.startswith(mark)), "")
        found[side].add(name.removeprefix(MARKS.get(side, "")))
    return found


def _plain(value: Expr) -> Expr:
    """The formula with its names unmarked."""
    names = {n: Symbol(n.removeprefix(MARKS["A"]).removeprefix(MARKS["B"])) for n in symbols(value)}
    return substitute([value], names)[0]


def _restored(text: str) -> str:
    for side, mark in MARKS.items():
        text = text.replace(mark, f"{side}.")
    return text
