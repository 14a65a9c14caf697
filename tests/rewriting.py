"""Equivalent rewritings of a rule, made by random algebra: other formulas for the same trajectories.

Every rewriting keeps what a rule does as a partial function, from the initial state on, for all
hyperparameters in their domains. Where that needs a quantity to be positive or not zero, the fact is
asked of the prover first; a rewriting whose fact is not proved is not made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from random import Random
from typing import TypeGuard

from derive.algebra.facts import Assumptions
from derive.expr import Apply, Expr, Number, Symbol, apply, substitute, symbols
from derive.proving import assumptions_of, identity
from derive.proving.obligations import inside
from derive.rule import NONNEGATIVE, POSITIVE, Assignment, Domain, Rule, State

Made = tuple[str, Expr]
HALF = Fraction(1, 2)


def rewritten(rule: Rule, random: Random, steps: int) -> tuple[tuple[str, ...], Rule]:
    """The rule after so many random rewritings, and what they were."""
    done: list[str] = []
    for _ in range(20 * steps):
        if len(done) == steps:
            break
        found = random.choice(OF_RULES)(rule, random) if random.random() < 0.3 else _formula_rewritten(rule, random)
        if found is not None:
            done.append(found[0])
            rule = found[1]
    return tuple(done), rule


# Facts


class Facts:
    """What is certain of formulas over what a rule has before a step."""

    def __init__(self, rule: Rule) -> None:
        self.domains = frozenset(assumptions_of(rule).domains.items())

    def positive(self, e: Expr) -> bool:
        return _holds(e, POSITIVE, self.domains)

    def nonnegative(self, e: Expr) -> bool:
        return _holds(e, NONNEGATIVE, self.domains)


@lru_cache(maxsize=10_000)
def _holds(e: Expr, domain: Domain, domains: frozenset[tuple[str, Domain]]) -> bool:
    return bool(identity([inside(e, domain)], Assumptions(dict(domains))))


# Formulas: what may stand in place of an operation, as functions of it and of what is certain


def _sum(e: Apply, known: Callable[[], Facts]) -> Iterator[Made]:
    a, b = e.args
    yield "commuted", b + a
    yield "subtracted the negative", a - (-b)
    if _is(a, "add"):
        yield "re-associated", a.args[0] + (a.args[1] + b)
    if _is(b, "add"):
        yield "re-associated", (a + b.args[0]) + b.args[1]
    yield from _common_denominator(a, b, 1)
    yield from _factored(a, b)
    yield from _as_step_towards(a, b)


def _difference(e: Apply, known: Callable[[], Facts]) -> Iterator[Made]:
    a, b = e.args
    yield "added the negative", a + (-b)
    yield "turned round", -(b - a)
    yield from _common_denominator(a, b, -1)
    if known().positive(a) and known().nonnegative(b):
        yield "conjugate", (a * a - b * b) / (a + b)


def _product(e: Apply, known: Callable[[], Facts]) -> Iterator[Made]:
    a, b = e.args
    yield "commuted", b * a
    yield "signs moved", (-a) * (-b)
    if _is(a, "mul"):
        yield "re-associated", a.args[0] * (a.args[1] * b)
    if _is(b, "add"):
        yield "distributed", a * b.args[0] + a * b.args[1]
    if _is(b, "sub"):
        yield "distributed", a * b.args[0] - a * b.args[1]
    if _is(a, "div"):
        yield "one quotient", (a.args[0] * b) / a.args[1]
    if a is b:
        yield "squared", a**2


def _quotient(e: Apply, known: Callable[[], Facts]) -> Iterator[Made]:
    a, b = e.args
    yield "times the reciprocal", a * (1 / b)
    yield "extended", (3 * a) / (b * 3)
    yield "reciprocal of the quotient's parts", a * b**-1
    if _is(a, "mul"):
        yield "factor outside", a.args[0] * (a.args[1] / b)
    if _is(a, "add"):
        yield "split", a.args[0] / b + a.args[1] / b
    if _is(a, "div"):
        yield "one quotient", a.args[0] / (a.args[1] * b)
    if _is(b, "sqrt"):
        yield "power of minus a half", a * b.args[0] ** -HALF
    if _is(a, "sqrt") and _is(b, "sqrt") and known().nonnegative(a.args[0]) and known().positive(b.args[0]):
        yield "one root", apply("sqrt", a.args[0] / b.args[0])
    if _is(b, "add") and _is(b.args[0], "div") and known().positive(b.args[0].args[1]):
        (top, bottom), rest = b.args[0].args, b.args[1]
        yield "double quotient cleared", a * bottom / (top + rest * bottom)


def _root(e: Apply, known: Callable[[], Facts]) -> Iterator[Made]:
    [x] = e.args
    yield "half power", x**HALF
    if _is(x, "div") and known().nonnegative(x.args[0]) and known().positive(x.args[1]):
        yield "two roots", apply("sqrt", x.args[0]) / apply("sqrt", x.args[1])
    if known().positive(x):
        yield "over its root", x / apply("sqrt", x)


def _power(e: Apply, known: Callable[[], Facts]) -> Iterator[Made]:
    base, exponent = e.args
    if isinstance(exponent, Number) and exponent.value.denominator == 1 and exponent.value >= 2:
        yield "multiplied out", base * base ** Number(exponent.value - 1) if exponent.value > 2 else base * base
        yield "of the size", apply("abs", base) ** exponent if exponent.value % 2 == 0 else base**exponent
    if exponent is Symbol("t") and known().nonnegative(base):
        yield "one factor out", base * base ** (Symbol("t") - 1)
    if exponent is Symbol("t") and known().positive(1 - base) and known().nonnegative(base):
        accurate = 1 + apply("expm1", Symbol("t") * apply("log1p", base - 1))
        yield "by logarithms", apply("where", apply("eq", base, 0), 0, accurate)


def _size(e: Apply, known: Callable[[], Facts]) -> Iterator[Made]:
    [x] = e.args
    yield "root of the square", apply("sqrt", x**2)
    yield "larger of two", apply("max", x, -x)


def _sign(e: Apply, known: Callable[[], Facts]) -> Iterator[Made]:
    [x] = e.args
    yield "by cases", apply("where", apply("gt", x, 0), 1, apply("where", apply("lt", x, 0), -1, 0))


def _larger(e: Apply, known: Callable[[], Facts]) -> Iterator[Made]:
    a, b = e.args
    yield "commuted", apply("max", b, a)
    yield "by the distance", (a + b + apply("abs", a - b)) / 2
    yield "by the smaller", -apply("min", -a, -b)
    yield "by cases", apply("where", apply("ge", a, b), a, b)


def _smaller(e: Apply, known: Callable[[], Facts]) -> Iterator[Made]:
    a, b = e.args
    yield "commuted", apply("min", b, a)
    yield "by the distance", (a + b - apply("abs", a - b)) / 2
    yield "by the larger", a + b - apply("max", a, b)


def _negative(e: Apply, known: Callable[[], Facts]) -> Iterator[Made]:
    yield "times minus one", -1 * e.args[0]
    yield "from zero", 0 - e.args[0]


def _branch(e: Apply, known: Callable[[], Facts]) -> Iterator[Made]:
    condition, a, b = e.args
    yield "the other way round", apply("where", apply("not", condition), b, a)


OF_FORMULAS: dict[str, Callable[[Apply, Callable[[], Facts]], Iterator[Made]]] = {
    "add": _sum, "sub": _difference, "mul": _product, "div": _quotient, "sqrt": _root, "pow": _power,
    "abs": _size, "sign": _sign, "max": _larger, "min": _smaller, "neg": _negative, "where": _branch,
}  # fmt: skip


def _is(e: Expr, op: str) -> TypeGuard[Apply]:
    return isinstance(e, Apply) and e.op == op


def _args(e: Expr) -> tuple[Expr, ...]:
    return e.args if isinstance(e, Apply) else ()


def _common_denominator(a: Expr, b: Expr, sign: int) -> Iterator[Made]:
    def combined(x: Expr, y: Expr) -> Expr:
        return x + y if sign > 0 else x - y

    if _is(a, "div") and _is(b, "div"):
        (p, q), (r, s) = _args(a), _args(b)
        yield "common denominator", combined(p * s, r * q) / (q * s)
    elif _is(b, "div"):
        r, s = _args(b)
        yield "common denominator", combined(a * s, r) / s
    elif _is(a, "div"):
        p, q = _args(a)
        yield "common denominator", combined(p, b * q) / q


def _factored(a: Expr, b: Expr) -> Iterator[Made]:
    """x y + x z as x (y + z)."""
    if _is(a, "mul") and _is(b, "mul"):
        for shared, y in (_args(a), _args(a)[::-1]):
            for other, z in (_args(b), _args(b)[::-1]):
                if shared is other:
                    yield "factored", shared * (y + z)


def _as_step_towards(a: Expr, b: Expr) -> Iterator[Made]:
    """w m + (1 - w) x as m + (1 - w) (x - m), the way running averages are often written."""
    if _is(a, "mul") and _is(b, "mul"):
        w, m = _args(a)
        rest, x = _args(b)
        if _is(rest, "sub") and _args(rest)[0] is Number(1) and _args(rest)[1] is w:
            yield "a step towards the new value", m + rest * (x - m)
            yield "a step back to the old value", x + w * (m - x)


def _formula_rewritten(rule: Rule, random: Random) -> tuple[str, Rule] | None:
    """One operation of one assignment replaced by something equal."""
    place = random.randrange(len(rule.body) + (rule.query is not None))
    if place == len(rule.body):
        assert rule.query is not None
        return _with_formula(rule.query, {}, rule, random, lambda e: replace(rule, query=e))
    assignment = rule.body[place]
    before = _values_before(rule, place)

    def put(value: Expr) -> Rule:
        return replace(rule, body=(*rule.body[:place], replace(assignment, value=value), *rule.body[place + 1 :]))

    return _with_formula(assignment.value, before, rule, random, put)


def _with_formula(
    value: Expr, before: dict[str, Expr], rule: Rule, random: Random, put: Callable[[Expr], Rule]
) -> tuple[str, Rule] | None:
    paths = [path for path, e in _places(value) if isinstance(e, Apply) and e.op in OF_FORMULAS]
    if not paths:
        return None
    path = random.choice(paths)
    target = _at(value, path)
    assert isinstance(target, Apply)
    # Facts are asked of the formula in what the rule has before the step.
    options = [made for made in OF_FORMULAS[target.op](target, lambda: _FactsOf(rule, before)) if made[1] is not target]
    if not options:
        return None
    what, other = random.choice(options)
    return what, put(_put(value, path, other))


class _FactsOf(Facts):
    """Facts about formulas in a body, in which earlier assignments have changed what names mean."""

    def __init__(self, rule: Rule, before: dict[str, Expr]) -> None:
        super().__init__(rule)
        self.before = before

    def positive(self, e: Expr) -> bool:
        return super().positive(substitute([e], self.before)[0])

    def nonnegative(self, e: Expr) -> bool:
        return super().nonnegative(substitute([e], self.before)[0])


def _values_before(rule: Rule, place: int) -> dict[str, Expr]:
    values: dict[str, Expr] = {}
    for assignment in rule.body[:place]:
        [values[assignment.target]] = substitute([assignment.value], values)
    return values


Path = tuple[int, ...]


def _places(e: Expr, path: Path = ()) -> Iterator[tuple[Path, Expr]]:
    yield path, e
    for index, inner in enumerate(_args(e)):
        yield from _places(inner, (*path, index))


def _at(e: Expr, path: Path) -> Expr:
    for index in path:
        e = _args(e)[index]
    return e


def _put(e: Expr, path: Path, other: Expr) -> Expr:
    if not path:
        return other
    assert isinstance(e, Apply)
    first, *rest = path
    return Apply(e.op, (*e.args[:first], _put(e.args[first], tuple(rest), other), *e.args[first + 1 :]))


# Bodies and states

FoundRule = tuple[str, Rule] | None


def _swapped(rule: Rule, random: Random) -> FoundRule:
    """Two neighbours that do not touch each other change places."""
    if len(rule.body) < 2:
        return None
    index = random.randrange(len(rule.body) - 1)
    first, second = rule.body[index : index + 2]
    touched = {first.target, second.target}
    if first.target == second.target or touched & (symbols(first.value) | symbols(second.value)):
        return None
    return "statements reordered", replace(rule, body=(*rule.body[:index], second, first, *rule.body[index + 2 :]))


def _named(rule: Rule, random: Random) -> FoundRule:
    """A part of a formula gets a name of its own."""
    index = random.randrange(len(rule.body))
    assignment = rule.body[index]
    parts = [(path, e) for path, e in _places(assignment.value) if path and isinstance(e, Apply) and not _is_truth(e)]
    if not parts:
        return None
    path, part = random.choice(parts)
    name = _fresh(rule, "part")
    changed = replace(assignment, value=_put(assignment.value, path, Symbol(name)))
    body = (*rule.body[:index], Assignment(name, part), changed, *rule.body[index + 1 :])
    return "a part named", replace(rule, body=body)


def _is_truth(e: Apply) -> bool:
    return e.op in ("lt", "le", "gt", "ge", "eq", "ne", "and", "or", "not")


def _inlined(rule: Rule, random: Random) -> FoundRule:
    """An intermediate value put where it is used."""
    kept = {"theta", *rule.outputs, *rule.state_names}
    targets = [a.target for a in rule.body]
    places = [i for i, a in enumerate(rule.body) if a.target not in kept and targets.count(a.target) == 1]
    if not places:
        return None
    index = random.choice(places)
    gone = rule.body[index]
    if any(a.target in symbols(gone.value) for a in rule.body[index + 1 :]):
        return None
    rest = tuple(replace(a, value=substitute([a.value], {gone.target: gone.value})[0]) for a in rule.body[index + 1 :])
    return "inlined", replace(rule, body=(*rule.body[:index], *rest))


def _renamed(rule: Rule, random: Random) -> FoundRule:
    """A state called otherwise."""
    if not rule.states:
        return None
    old = random.choice(rule.state_names)
    new = _fresh(rule, "buffer")
    names = {old: Symbol(new)}
    return "renamed", replace(
        rule,
        states=tuple(replace(s, name=new) if s.name == old else s for s in rule.states),
        body=tuple(
            replace(a, target=new if a.target == old else a.target, value=substitute([a.value], names)[0])
            for a in rule.body
        ),
        query=None if rule.query is None else substitute([rule.query], names)[0],
    )


def _rescaled(rule: Rule, random: Random) -> FoundRule:
    """A state kept in another unit: what the rule reads is the factor times what is stored."""
    if not rule.states:
        return None
    old = random.choice(rule.state_names)
    decays = [1 - Symbol(h.name) for h in rule.hyperparameters if h.domain.high == 1 and h.domain.high_open]
    factor = random.choice([Number(2), Number(-1), Number(Fraction(1, 3)), *decays])
    new = _fresh(rule, "scaled")
    read = factor * Symbol(new)
    return "a state rescaled", replace(
        rule,
        states=tuple(State(new, s.initial / factor) if s.name == old else s for s in rule.states),
        body=(Assignment(old, read), *rule.body, Assignment(new, Symbol(old) / factor)),
        query=None if rule.query is None else substitute([rule.query], {old: read})[0],
    )


def _at_once(rule: Rule, random: Random) -> FoundRule:
    """Every new value as one formula in the old ones, then all stored together."""
    if len(rule.body) > 2 * len(rule.step):
        return None
    made = {name: value for name, value in rule.step.items() if value is not Symbol(name)}
    if sum(len(list(_places(value))) for value in made.values()) > 300:
        return None
    names: dict[str, str] = {}
    for name in made:
        names[name] = _fresh(rule, "new", [*names.values()])
    body = [Assignment(names[name], value) for name, value in made.items()]
    return "all at once", replace(rule, body=(*body, *(Assignment(n, Symbol(new)) for n, new in names.items())))


def _running_power(rule: Rule, random: Random) -> FoundRule:
    """beta^t kept in a state that is multiplied by beta at every step, as some libraries do."""
    t = Symbol("t")
    powers = {e for a in rule.body for _, e in _places(a.value) if _is(e, "pow") and e.args[1] is t}
    bases = sorted(base.name for e in powers if isinstance(base := _args(e)[0], Symbol))
    bases = [b for b in bases if b in rule.hyperparameter_names]
    if not bases:
        return None
    base, name = Symbol(random.choice(bases)), _fresh(rule, "power")
    body = tuple(replace(a, value=_exchanged(a.value, base**t, Symbol(name))) for a in rule.body)
    first = Assignment(name, Symbol(name) * base)
    return "a power kept", replace(rule, states=(*rule.states, State(name, Number(1))), body=(first, *body))


def _exchanged(e: Expr, old: Expr, new: Expr) -> Expr:
    """`new` in every place of `old`."""
    if e is old:
        return new
    return Apply(e.op, tuple(_exchanged(a, old, new) for a in e.args)) if isinstance(e, Apply) else e


def _fresh(rule: Rule, stem: str, taken: Sequence[str] = ()) -> str:
    used = {*taken, *rule.state_names, *rule.hyperparameter_names, *rule.inputs, *(a.target for a in rule.body)}
    return next(name for index in range(1, 1000) if (name := f"{stem}{index}") not in used)


OF_RULES = (_swapped, _named, _inlined, _renamed, _rescaled, _at_once, _running_power)
