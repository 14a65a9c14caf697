"""The step as an effective rate times a direction: the rate even in the gradients, the direction linear in them.

Found from the form of the step. The direction is the gradient, or an average of the gradients: divided by
its weights' sum where that removes the bias, else by what the sum tends to. Everything else is the rate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache, reduce
from operator import add

from derive.algebra.normal import NoNormalForm, generic_case, readable, tidy
from derive.deriving.averages.weights import weight_sum
from derive.deriving.coordinatewise import coordinatewise
from derive.deriving.linear import LinearBuffer, given, is_driven_by_input, linear_buffers, separated
from derive.deriving.lines import assigned
from derive.deriving.symmetries.parity import odd_states
from derive.deriving.undecayed import without_decay
from derive.expr import Apply, Expr, Number, Symbol, apply, fold, is_truth, substitute, symbols
from derive.proving import Assumptions, identity
from derive.proving.limits import limit
from derive.rule import NONNEGATIVE, POSITIVE, Domain, Rule

G, THETA = Symbol("g"), Symbol("theta")
ONE = Number(1)


@dataclass(frozen=True)
class EffectiveRate:
    """theta[t-1] - theta[t] = rate * direction.

    Both are in the states after the step, written `v[t]`, those before it (`v`), the gradient, t and the
    hyperparameters. `average` is the buffer the direction is made of, where it is one; `behind` are the states
    of which the rate is a function, in the end; `removed` are the hyperparameters that were set to zero.
    """

    rule: Rule
    step: Expr
    rate: Expr
    direction: Expr
    average: LinearBuffer | None
    behind: tuple[str, ...]
    removed: tuple[str, ...]

    @property
    def assumptions(self) -> Assumptions:
        """The rule's, with those of a state for its value after the step too."""
        own = given(self.rule).domains
        return Assumptions({**own, **{after(n): own[n] for n in self.rule.state_names if n in own}})

    @property
    def domains_after(self) -> Mapping[str, Domain]:
        """The domains of the states after the step."""
        known = self.assumptions.domains
        return {after(n): known[after(n)] for n in self.rule.state_names if after(n) in known}

    @cached_property
    def proper(self) -> tuple[Assumptions, tuple[str, ...]]:
        """The assumptions under which the rate is a number: constants under the fraction bar positive; in words."""
        return _positive(self.assumptions, self.rule, self.rate)

    @property
    def defined(self) -> Assumptions:
        """The assumptions under which the direction is a number."""
        return self._of_direction[0]

    @property
    def positive(self) -> tuple[str, ...]:
        """What has to be positive for that, in words."""
        return self._of_direction[1]

    @cached_property
    def _of_direction(self) -> tuple[Assumptions, tuple[str, ...]]:
        return _positive(self.assumptions, self.rule, self.direction)

    def of_history(self, states: Mapping[str, Expr], gradient: Expr, count: Expr) -> Expr:
        """The rate of the step made from these states with this gradient."""
        now = {**states, "g": gradient, "t": count}
        steps = dict(zip(self.rule.state_names, substitute([self.rule.step[n] for n in self.rule.state_names], now),
                         strict=True))  # fmt: skip
        return substitute([self.rate], {**now, **{after(n): e for n, e in steps.items()}})[0]


def after(name: str) -> str:
    """How a state after the step is called."""
    return f"{name}[t]"


@lru_cache(maxsize=64)
@coordinatewise
def factored_step(rule: Rule) -> EffectiveRate | None:
    """The step as rate times direction, proved to be so; None where it has not that form."""
    if rule.is_average or rule.asked:
        return None
    plain, removed = without_decay(rule) or (rule, ())
    odd = odd_states(plain)
    moved = dict(assigned(plain, plain.state_names)).get("theta")
    if odd is None or moved is None or any("theta" in symbols(s.initial) for s in plain.states):
        return None
    step = _without_theta(THETA - moved, plain)
    if step is None:
        return None
    used = {"g", *odd, *(after(n) for n in odd)} & symbols(step)
    for names in dict.fromkeys((frozenset(used), *(frozenset({n}) for n in sorted(used)))):
        found = _in_direction(plain, step, names, odd)
        if found is not None:
            return replace(found, removed=removed)
    return None


def _in_direction(rule: Rule, step: Expr, names: frozenset[str], odd: frozenset[str]) -> EffectiveRate | None:
    """The step as a rate times what is linear in these names, where the rate is even."""
    found = _one(rule, step, *names) if len(names) == 1 else _several(rule, step, names)
    behind = None if found is None else _behind(rule, symbols(found[0]))
    if found is None or behind is None:
        return None
    rate, direction, average = found
    kept = tuple(n for n in rule.state_names if n in behind)
    proposed = EffectiveRate(rule, step, rate, direction, average, kept, ())
    mirrored = {name: -Symbol(name) for n in ("g", *odd) for name in (n, after(n))}
    same = [(step, rate * direction), (rate, substitute([rate], mirrored)[0])]
    return proposed if identity(same, proposed.defined) else None


def _positive(assumptions: Assumptions, rule: Rule, expr: Expr) -> tuple[Assumptions, tuple[str, ...]]:
    """The assumptions with every hyperparameter under a fraction bar positive rather than perhaps zero; in words."""
    own, below = dict(assumptions.domains), _below(expr)
    hypers = [n for n in rule.hyperparameter_names if own[n] == NONNEGATIVE and n in below]
    states = [after(n) for n in rule.state_names if after(n) in below and own.get(n) == NONNEGATIVE]
    for zero in ([], hypers, states):
        narrowed = Assumptions({**own, **dict.fromkeys(zero, POSITIVE)})
        if identity([(expr - expr, Number(0))], narrowed):
            return narrowed, tuple(f"`{n} > 0`" for n in zero)
    return assumptions, ()


def _without_theta(step: Expr, rule: Rule) -> Expr | None:
    """The step where theta cancels."""
    [at_zero] = substitute([step], {"theta": Number(0)})
    shown = plainer(at_zero, frozenset({*rule.hyperparameter_names, "t"}), given(rule))
    own = Assumptions({**given(rule).domains, **{after(n): d for n, d in given(rule).domains.items()}})
    return shown if identity([(step, shown)], own) else None


def _one(rule: Rule, step: Expr, name: str) -> tuple[Expr, Expr, LinearBuffer | None] | None:
    """The step as a factor of one quantity that changes sign with the gradient."""
    buffer = {after(b.name): b for b in linear_buffers(rule)
              if b.starts_at_zero and is_driven_by_input(rule, b)}.get(name)  # fmt: skip
    constants = frozenset({*rule.hyperparameter_names, "t"})
    if buffer is None:
        if name != "g":
            return None
        rate = _of_gradient(rule, step)
        return None if rate is None else (rate, G, None)
    total = weight_sum(rule, buffer)
    corrected = plainer(substitute([step], {name: total})[0], constants, given(rule))
    if symbols(buffer.decay) and symbols(buffer.decay).isdisjoint(symbols(corrected)):
        return corrected, _divided(Symbol(name), total, rule), buffer
    found = limit(total, "t", given(rule))
    whole = found.claim.limit if found is not None else buffer.gain
    rate = plainer(substitute([step], {name: whole})[0], constants, given(rule))
    return rate, _divided(Symbol(name), whole, rule), buffer


def _divided(expr: Expr, by: Expr, rule: Rule) -> Expr:
    """The quotient, as a product where that needs no second fraction bar."""
    if by is ONE:
        return expr
    inverse = readable(1 / by, given(rule))
    return (
        expr / by if isinstance(inverse, Apply) and inverse.op == "div" and inverse.args[0] is ONE else inverse * expr
    )


def _of_gradient(rule: Rule, step: Expr) -> Expr | None:
    """The factor of the gradient, as it stands or by the size of the gradient."""
    constants = frozenset({*rule.hyperparameter_names, "t"})
    [linear] = substitute([step], {"g": ONE})
    own = Assumptions({**given(rule).domains, **{after(n): d for n, d in given(rule).domains.items()}})
    shown = plainer(linear, constants, given(rule))
    if identity([(step, shown * G)], own):
        return shown
    try:
        plain = tidy(step / G, Assumptions({**own.domains, "g": POSITIVE}))
    except NoNormalForm:
        return None
    [of_size] = substitute([plain], {"g": apply("abs", G)})
    return of_size if identity([(step, of_size * G)], own) else None


def _several(rule: Rule, step: Expr, names: frozenset[str]) -> tuple[Expr, Expr, None] | None:
    """The step as a factor free of these names times a rest, which has to be linear in them.

    A rest that the rule itself gives a name is preferred.
    """
    own = Assumptions({**given(rule).domains, **{after(n): d for n, d in given(rule).domains.items()}})
    constants = frozenset({*rule.hyperparameter_names, "t"})
    for line, named in assigned(rule, rule.state_names):
        if line in rule.state_names or is_truth(named):
            continue
        shown = plainer(named, constants, own)
        rate = plainer(_replaced(step, shown, ONE), constants, own)
        if names & symbols(shown) and not names & symbols(rate) and _is_linear(shown, names, own):
            return rate, shown, None
    try:
        case, value = generic_case(step, own)
        rate, direction = separated(case, value, symbols(step) - names)
    except NoNormalForm:
        return None
    return (rate, direction, None) if _is_linear(direction, names, own) else None


def _replaced(expr: Expr, part: Expr, by: Expr) -> Expr:
    """The expression with a part replaced wherever it stands."""

    def rebuilt(node: Apply, args: tuple[Expr, ...]) -> Expr:
        return by if node is part else node if args == node.args else Apply(node.op, args)

    return fold([expr], symbol=lambda s: s, number=lambda n: n, apply=rebuilt)[0]


def _is_linear(direction: Expr, names: frozenset[str], assumptions: Assumptions) -> bool:
    parts = [_coefficient(direction, name, names) * Symbol(name) for name in sorted(names & symbols(direction))]
    return bool(parts) and bool(identity([(direction, reduce(add, parts))], assumptions))


def _coefficient(direction: Expr, name: str, names: frozenset[str]) -> Expr:
    return substitute([direction], {**dict.fromkeys(names, Number(0)), name: ONE})[0]


def _behind(rule: Rule, used: frozenset[str]) -> set[str] | None:
    """The states of which these names are made; None where theta is among what they depend on."""
    found: set[str] = set()
    waiting = {n.removesuffix("[t]") for n in used} & {*rule.state_names}
    while waiting:
        name = waiting.pop()
        found.add(name)
        stepped = rule.step[name]
        [freed] = substitute([stepped], {"theta": Number(0)})
        if "theta" in symbols(stepped) and not identity([(stepped, freed)], given(rule)):
            return None
        waiting |= (symbols(freed) & {*rule.state_names}) - found
    return found


def _below(expr: Expr) -> frozenset[str]:
    """The names under a fraction bar or with a negative power."""
    found: set[str] = set()

    def apply_(node: Apply, args: tuple[frozenset[str], ...]) -> frozenset[str]:
        if node.op == "div":
            found.update(args[1])
        return frozenset[str]().union(*args)

    fold([expr], symbol=lambda s: frozenset({s.name}), number=lambda n: frozenset[str](), apply=apply_)
    return frozenset(found)


def plainer(expr: Expr, constants: frozenset[str], assumptions: Assumptions) -> Expr:
    """The expression with every part made of constants alone in its normal form, and no idle 0 and 1."""

    def rebuilt(node: Apply, args: tuple[Expr, ...]) -> Expr:
        again = node if args == node.args else Apply(node.op, args)
        if symbols(again) <= constants and node.op in {"add", "sub", "mul", "div", "neg"}:
            return readable(again, assumptions)
        return idle(again)

    return fold([expr], symbol=lambda s: s, number=lambda n: n, apply=rebuilt)[0]


def idle(node: Expr) -> Expr:
    """The node without a factor one or a summand zero; minus of a minus is none."""
    if not isinstance(node, Apply) or len(node.args) > 2:
        return node
    zero, a, b = Number(0), node.args[0], node.args[-1]
    if node.op == "neg" and isinstance(a, Apply) and a.op == "neg":
        return a.args[0]
    if node.op == "sub" and a is zero:
        return idle(-b) if b is not zero else zero
    if node.op == "neg" and isinstance(a, Apply) and a.op == "sub" and a.args[0] is zero:
        return a.args[1]
    if (node.op == "mul" and b is ONE) or (node.op in {"add", "sub"} and b is zero) or (node.op == "div" and b is ONE):
        return a
    if (node.op == "mul" and a is ONE) or (node.op == "add" and a is zero):
        return b
    if node.op == "mul" and zero in node.args:
        return zero
    if node.op == "mul" and isinstance(b, Apply) and b.op == "div" and b.args[0] is ONE:
        return a / b.args[1]
    return node
