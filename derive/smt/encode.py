"""Expressions as terms over the real numbers: what z3 and its kin understand.

Every value comes with the condition under which it is defined. A square root is a number r >= 0 with
r r = x; a power b^t with a whole t is a number p of which only what matters is said (0 < p <= b below
one, p >= b above it, b = 0 and products apart), and a function without algebra is uninterpreted. So what is
said is true of the real thing and perhaps of more: `unsat` proves, `sat` may be about something else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from math import ceil, floor
from typing import TypeAlias

from derive.algebra.facts import Assumptions, Fact
from derive.expr import Apply, Expr, Number, Symbol, apply, fold
from derive.ops import OPS
from derive.rule import REAL, Domain
from derive.smt.powers import exponent_in_whole_symbols
from derive.smt.terms import TRUE, Term, call, choice, conjunction, implies, number, repeated, symbol

LARGEST_POWER = 64
UNINTERPRETED = ("exp", "log", "tanh", "sin", "cos", "floor", "general-power", "is-whole")


class Untranslatable(Exception):
    """The expression has no translation of reasonable size."""


Meaning: TypeAlias = Callable[["Encoding", Apply, tuple[Term, ...]], Term]


class Encoding:
    """Declarations, definitions and what is known of them, in the order they are needed."""

    def __init__(self, assumptions: Assumptions) -> None:
        self.domains = assumptions.domains
        self.lines: list[str] = []
        self.functions: dict[str, str] = {}
        self.is_abstract = False  # more is possible here than in truth: `sat` may be about that
        self._terms: dict[Expr, Term] = {}
        self._fresh = 0
        self._powers: dict[tuple[Expr, str, int], str] = {}

    # Terms

    def term(self, expr: Expr) -> Term:
        """The term of an expression; shared parts are defined once."""
        [found] = fold([self._prepared(expr)], symbol=self._symbol, number=_number, apply=self._apply)
        return found

    def _prepared(self, expr: Expr) -> Expr:
        """Operations with a definition by simpler ones replaced by it."""

        def rebuilt(node: Apply, args: tuple[Expr, ...]) -> Expr:
            definition = OPS[node.op].definition
            if definition is not None:
                return _as_expr(definition(apply, *args))
            return node if args == node.args else Apply(node.op, args)

        return fold([expr], symbol=lambda s: s, number=lambda n: n, apply=rebuilt)[0]

    def _symbol(self, node: Symbol) -> Term:
        if node not in self._terms:
            if "|" in node.name or "\\" in node.name:
                raise Untranslatable(f"the name {node.name!r}")
            name = symbol(node.name)
            self._terms[node] = Term(name)
            self.lines.append(f"(declare-const {name} Real)")
            self._constrain(name, self.domains.get(node.name, REAL))
        return self._terms[node]

    def _constrain(self, name: str, domain: Domain) -> None:
        if domain.low is not None:
            self.know(call(">" if domain.low_open else ">=", name, number(domain.low)))
        if domain.high is not None:
            self.know(call("<" if domain.high_open else "<=", name, number(domain.high)))
        self.is_abstract |= domain.whole
        if domain.whole and domain.low is not None:  # of being whole only the first gap is said
            first = floor(domain.low) + 1 if domain.low_open else ceil(domain.low)
            self.know(call("or", call("=", name, number(first)), call(">=", name, number(first + 1))))

    def _apply(self, node: Apply, args: tuple[Term, ...]) -> Term:
        if node not in self._terms:
            made = MEANINGS[node.op](self, node, args)
            sort = "Bool" if node.op in ("lt", "le", "gt", "ge", "eq", "ne", "and", "or", "not") else "Real"
            self._terms[node] = Term(self.named(made.text, sort), self.named(made.defined, "Bool"))
        return self._terms[node]

    def named(self, text: str, sort: str) -> str:
        """A short name for a long term."""
        if not text.startswith("("):
            return text
        name = self._new_name()
        self.lines.append(f"(define-fun {name} () {sort} {text})")
        return name

    def number_with(self, *properties: Callable[[str], str]) -> str:
        """A new number of which these things are known."""
        name = self._new_name()
        self.lines.append(f"(declare-const {name} Real)")
        for tells in properties:
            self.know(tells(name))
        return name

    def know(self, text: str) -> None:
        if text != TRUE:
            self.lines.append(f"(assert {text})")

    def _new_name(self) -> str:
        self._fresh += 1
        return f"n{self._fresh}"

    def uninterpreted(self, op: str, *args: str) -> str:
        result = "Bool" if op == "is-whole" else "Real"
        self.is_abstract = True
        self.functions[op] = f"(declare-fun fun-{op} ({' '.join(['Real'] * len(args))}) {result})"
        return call(f"fun-{op}", *args)

    # Roots and powers

    def root(self, x: str, degree: int) -> str:
        """The number r >= 0 whose power is x, where x >= 0."""
        return self.number_with(
            lambda r: implies(
                call(">=", x, "0.0"), call("and", call(">=", r, "0.0"), call("=", repeated(r, degree), x))
            )
        )

    def whole_power(self, base: Expr, name: str, parts: int) -> str:
        """What stands for base^(name/parts) where the name is a whole number and at least one."""
        key = (base, name, parts)
        self.is_abstract = True
        if key not in self._powers:
            b = self.term(base).text
            tells = _known_of_power(b, parts) if self._is_positive(name) else (_positive_power(b),)
            p = self.number_with(*tells)
            self._powers[key] = p
            self._relate_powers(key, b, p)
        return self._powers[key]

    def _is_positive(self, name: str) -> bool:
        low = self.domains.get(name, REAL).low
        return low is not None and low >= 1

    def _relate_powers(self, key: tuple[Expr, str, int], b: str, p: str) -> None:
        """Equal bases have equal powers, and so have equal exponents written with other denominators."""
        base, name, parts = key
        for (other, other_name, other_parts), q in [*self._powers.items()]:
            if other is base and other_name == name and other_parts != parts:
                self.know(implies(call(">", b, "0.0"), call("=", repeated(p, parts), repeated(q, other_parts))))
            elif other is not base and (other_name, other_parts) == (name, parts):
                c = self.term(other).text
                self.know(implies(call("=", b, c), call("=", p, q)))

    # Claims

    def differs(self, a: Expr, b: Expr) -> str:
        """One side is defined and the other not, or both are and they are not the same."""
        left, right = self.term(a), self.term(b)
        if left.defined == right.defined:
            return conjunction([left.defined, call("not", call("=", left.text, right.text))])
        both = conjunction([left.defined, right.defined, call("not", call("=", left.text, right.text))])
        return call("or", call("xor", left.defined, right.defined), both)

    def holds(self, fact: Fact) -> str:
        """The quantity is defined and has one of the signs."""
        quantity = self.term(fact.quantity)
        tests = [call({-1: "<", 0: "=", 1: ">"}[sign], quantity.text, "0.0") for sign in sorted(fact.signs)]
        return conjunction([quantity.defined, tests[0] if len(tests) == 1 else call("or", *tests)])


def _as_expr(made: object) -> Expr:
    assert isinstance(made, Expr)
    return made


def _number(node: Number) -> Term:
    return Term(number(node.value))


def _known_of_power(b: str, parts: int) -> tuple[Callable[[str], str], ...]:
    """Of p = b^(t/parts) for t >= 1."""
    below, above, bound = ("<=", ">=", b) if parts == 1 else ("<", ">", "1.0")
    return (
        _positive_power(b),
        lambda p: implies(call("and", call("<", "0.0", b), call("<", b, "1.0")), call(below, p, bound)),
        lambda p: implies(call("=", b, "1.0"), call("=", p, "1.0")),
        lambda p: implies(call(">", b, "1.0"), call(above, p, bound)),
        lambda p: implies(call("=", b, "0.0"), call("=", p, "0.0")),
    )


def _positive_power(b: str) -> Callable[[str], str]:
    return lambda p: implies(call(">", b, "0.0"), call(">", p, "0.0"))


# What each operation means


def _strict(op: str) -> Meaning:
    """Defined where its arguments are."""

    def meaning(e: Encoding, node: Apply, args: tuple[Term, ...]) -> Term:
        return Term(call(op, *(a.text for a in args)), conjunction(a.defined for a in args))

    return meaning


def _divided(e: Encoding, node: Apply, args: tuple[Term, ...]) -> Term:
    a, b = args
    apart = TRUE if isinstance(node.args[1], Number) and node.args[1].value else call("not", call("=", b.text, "0.0"))
    return Term(call("/", a.text, b.text), conjunction([a.defined, b.defined, apart]))


def _rooted(e: Encoding, node: Apply, args: tuple[Term, ...]) -> Term:
    [x] = args
    return Term(e.root(x.text, 2), conjunction([x.defined, call(">=", x.text, "0.0")]))


def _cube_rooted(e: Encoding, node: Apply, args: tuple[Term, ...]) -> Term:
    [x] = args
    return Term(e.number_with(lambda r: call("=", repeated(r, 3), x.text)), x.defined)


def _size(e: Encoding, node: Apply, args: tuple[Term, ...]) -> Term:
    [x] = args
    return Term(choice(call(">=", x.text, "0.0"), x.text, call("-", x.text)), x.defined)


def _sign(e: Encoding, node: Apply, args: tuple[Term, ...]) -> Term:
    [x] = args
    below = choice(call("<", x.text, "0.0"), number(-1), "0.0")
    return Term(choice(call(">", x.text, "0.0"), "1.0", below), x.defined)


def _extreme(op: str) -> Meaning:
    def meaning(e: Encoding, node: Apply, args: tuple[Term, ...]) -> Term:
        a, b = args
        return Term(choice(call(op, a.text, b.text), a.text, b.text), conjunction([a.defined, b.defined]))

    return meaning


def _where(e: Encoding, node: Apply, args: tuple[Term, ...]) -> Term:
    condition, a, b = args
    branch = choice(condition.text, a.defined, b.defined)
    return Term(choice(condition.text, a.text, b.text), conjunction([condition.defined, branch]))


def _and(e: Encoding, node: Apply, args: tuple[Term, ...]) -> Term:
    a, b = args
    return Term(call("and", a.text, b.text), conjunction([a.defined, implies(a.text, b.defined)]))


def _or(e: Encoding, node: Apply, args: tuple[Term, ...]) -> Term:
    a, b = args
    return Term(call("or", a.text, b.text), conjunction([a.defined, implies(call("not", a.text), b.defined)]))


def _unequal(e: Encoding, node: Apply, args: tuple[Term, ...]) -> Term:
    same = _strict("=")(e, node, args)
    return Term(call("not", same.text), same.defined)


def _exponential(e: Encoding, node: Apply, args: tuple[Term, ...]) -> Term:
    """exp(s log b) is b^s; other exponentials are positive numbers."""
    power = _power_in_disguise(node.args[0], e.domains)
    if power is not None:
        return e.term(power)
    [x] = args
    text = e.named(e.uninterpreted("exp", x.text), "Real")
    e.know(call(">", text, "0.0"))
    e.know(implies(call("=", x.text, "0.0"), call("=", text, "1.0")))
    return Term(text, x.defined)


def _power_in_disguise(argument: Expr, domains: Mapping[str, Domain]) -> Expr | None:
    """b^s from s log b with a whole s, where log b is defined."""
    found = _times_logarithm(argument)
    if found is None or exponent_in_whole_symbols(found[0], domains) is None:
        return None
    exponent, log = found
    return apply("pow", log.args[0], exponent) + (log - log)


def _times_logarithm(e: Expr) -> tuple[Expr, Apply] | None:
    """A product with one logarithm in it: the rest, and the logarithm."""
    if not isinstance(e, Apply):
        return None
    if e.op == "log":
        return Number(1), e
    if e.op in ("neg", "div"):
        inner = _times_logarithm(e.args[0])
        return None if inner is None else (Apply(e.op, (inner[0], *e.args[1:])), inner[1])
    if e.op == "mul":
        for one, other in (e.args, e.args[::-1]):
            inner = _times_logarithm(one)
            if inner is not None:
                return other * inner[0], inner[1]
    return None


def _logarithm(e: Encoding, node: Apply, args: tuple[Term, ...]) -> Term:
    [x] = args
    text = e.named(e.uninterpreted("log", x.text), "Real")
    e.know(implies(call("=", x.text, "1.0"), call("=", text, "0.0")))
    return Term(text, conjunction([x.defined, call(">", x.text, "0.0")]))


def _norm(e: Encoding, node: Apply, args: tuple[Term, ...]) -> Term:
    """A number that is not negative, the same for the same formula only: equal at this coordinate is not equal."""
    [x] = args
    if x.defined != TRUE:
        raise Untranslatable("the norm of a tensor that is perhaps not defined at every coordinate")
    e.is_abstract = True
    return Term(e.number_with(lambda r: call(">=", r, "0.0")))


def _function(op: str, at_zero: int, bounded: bool) -> Meaning:
    def meaning(e: Encoding, node: Apply, args: tuple[Term, ...]) -> Term:
        [x] = args
        text = e.named(e.uninterpreted(op, x.text), "Real")
        e.know(implies(call("=", x.text, "0.0"), call("=", text, number(at_zero))))
        if bounded:
            e.know(call("and", call("<", "(- 1.0)", text), call("<", text, "1.0")))
        return Term(text, x.defined)

    return meaning


def _power(e: Encoding, node: Apply, args: tuple[Term, ...]) -> Term:
    base, exponent = node.args
    if isinstance(exponent, Number):
        return _constant_power(e, args[0], exponent.value)
    defined = conjunction([args[0].defined, args[1].defined])
    linear = exponent_in_whole_symbols(exponent, e.domains)
    if linear is None:
        return _general_power(e, args, defined)
    slopes, shift = linear
    value = _shifted(e, args[0].text, shift)
    for name, slope in slopes:
        value = call("*", value, _factor(e, base, name, slope))
    b, s = args[0].text, args[1].text
    at_zero = choice(call(">", s, "0.0"), "0.0", "1.0")
    whole = shift.denominator == 1 and all(slope.denominator == 1 for _, slope in slopes)
    possible = call("or", call("not", call("=", b, "0.0")), call(">=", s, "0.0"))
    if not whole:
        possible = conjunction([call(">=", b, "0.0"), possible])
        defined = conjunction([defined, implies(call("<", b, "0.0"), e.uninterpreted("is-whole", s))])
        below = e.uninterpreted("general-power", b, s)
        value = choice(call("<", b, "0.0"), below, value)
        possible = call("or", call("<", b, "0.0"), possible)
    return Term(choice(call("=", b, "0.0"), at_zero, value), conjunction([defined, possible]))


def _factor(e: Encoding, base: Expr, name: str, slope: Fraction) -> str:
    """base^(slope name), bases that are products taken apart."""
    if isinstance(base, Apply) and base.op in ("mul", "div") and slope.denominator == 1:
        first, second = (_factor(e, part, name, slope) for part in base.args)
        return call("*" if base.op == "mul" else "/", first, second)
    size = repeated(e.whole_power(base, name, slope.denominator), abs(slope.numerator))
    return size if slope > 0 else call("/", "1.0", size)


def _shifted(e: Encoding, b: str, shift: Fraction) -> str:
    root = b if shift.denominator == 1 else e.root(b, shift.denominator)
    if abs(shift.numerator) > LARGEST_POWER:
        raise Untranslatable("a large power")
    size = repeated(root, abs(shift.numerator))
    return size if shift >= 0 else call("/", "1.0", size)


def _constant_power(e: Encoding, base: Term, exponent: Fraction) -> Term:
    if exponent.denominator > LARGEST_POWER:
        raise Untranslatable("a root of a high degree")
    conditions = [base.defined]
    if exponent.denominator != 1:
        conditions.append(call(">=", base.text, "0.0"))
    if exponent < 0:
        conditions.append(call("not", call("=", base.text, "0.0")))
    return Term(_shifted(e, base.text, exponent), conjunction(conditions))


def _general_power(e: Encoding, args: tuple[Term, ...], defined: str) -> Term:
    b, s = args[0].text, args[1].text
    text = e.named(e.uninterpreted("general-power", b, s), "Real")
    e.know(implies(call(">", b, "0.0"), call(">", text, "0.0")))
    e.know(implies(call("and", call("=", b, "0.0"), call(">", s, "0.0")), call("=", text, "0.0")))
    e.know(implies(call("=", s, "0.0"), call("=", text, "1.0")))
    e.know(implies(call("=", s, "1.0"), call("=", text, b)))
    at_zero = implies(call("=", b, "0.0"), call(">=", s, "0.0"))
    below = implies(call("<", b, "0.0"), e.uninterpreted("is-whole", s))
    return Term(text, conjunction([defined, at_zero, below]))


MEANINGS: dict[str, Meaning] = {
    "add": _strict("+"), "sub": _strict("-"), "mul": _strict("*"), "neg": _strict("-"), "div": _divided,
    "pow": _power, "sqrt": _rooted, "cbrt": _cube_rooted, "abs": _size, "sign": _sign,
    "min": _extreme("<="), "max": _extreme(">="), "where": _where,
    "lt": _strict("<"), "le": _strict("<="), "gt": _strict(">"), "ge": _strict(">="), "eq": _strict("="),
    "ne": _unequal, "and": _and, "or": _or, "not": _strict("not"),
    "exp": _exponential, "log": _logarithm, "norm": _norm, "global_norm": _norm,
    "tanh": _function("tanh", 0, bounded=True), "sin": _function("sin", 0, bounded=False),
    "cos": _function("cos", 1, bounded=False), "floor": _function("floor", 0, bounded=False),
}  # fmt: skip
