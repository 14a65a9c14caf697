"""The first step in closed form, and the rule without memory."""

from __future__ import annotations

from fractions import Fraction

from derive.algebra.normal import readable
from derive.deriving.coordinatewise import coordinatewise
from derive.deriving.derivation import Derivation, Step, code, equal, labelled, names_of, proper
from derive.deriving.experiment import Experiment
from derive.deriving.foretelling import MOVED, SIGNED, foretold, plain_values
from derive.deriving.linear import given
from derive.deriving.rates.constant import factor_of_input
from derive.deriving.rates.factor import idle, plainer
from derive.deriving.undecayed import movement, undefined_at_zero, without_decay
from derive.evaluate import exact
from derive.expr import Apply, Expr, Number, Symbol, apply, fold, substitute, symbols
from derive.proving import Assumptions, identity
from derive.rule import DECAY, POSITIVE, Rule
from derive.transforms import bind

G = Symbol("g")


@coordinatewise
def first_step(rule: Rule) -> Derivation | None:
    """What the first gradient does; whether its size matters; and under which decays every step is like that."""
    if rule.is_average or rule.asked:
        return None
    plain, removed = without_decay(rule) or (rule, ())
    start: dict[str, Expr] = {s.name: s.initial for s in plain.states}
    [raw] = substitute([movement(plain)], {**start, "t": Number(1)})
    assumed = given(plain)
    rate = factor_of_input(plain, raw, "g")
    if rate is None or "theta" in symbols(rate):
        return _by_formula(plain, raw, removed)
    label = labelled(rule, "step", "1")
    steps = [equal(label, raw, rate * G, why="from the initial values, at t = 1", given=assumed)]
    quantities: dict[str, Expr] = {"first_step": rate * G, "first_rate": rate}
    said = [f"The first gradient `g` moves `theta` by {code(rate * G)}."]
    experiments = [*_experiments(plain, removed, rate * G)]
    signed = _by_sign(plain, rate)
    if signed is not None and signed[1].verdict:
        zeros, step, size = signed
        steps.append(step)
        quantities["first_step_size"] = size
        needed = [f"`{n} = 0`" for n in zeros] + [f"`{n} > 0`" for n in undefined_at_zero(plain, size)]
        where = f" where {' and '.join(needed)}" if needed else ""
        said.append(f"Only its sign counts{where}: {code(size * apply('sign', G))}.")
        experiments += _experiments(plain, (*removed, *zeros), size * apply("sign", G)) if zeros else ()
    memoryless = _without_memory(plain, rate)
    if memoryless is not None:
        names, step = memoryless
        steps.append(step)
        said.append(f"Where {' and '.join(f'`{n} = 0`' for n in names)} every step is like the first.")
        experiments += _like_the_first(plain, (*removed, *names), rate * G)
    return Derivation(
        title="The first step",
        statement=" ".join(said),
        assumptions=tuple(f"`{n} = 0`" for n in removed),
        steps=tuple(steps),
        result=rate * G,
        names={**names_of(rule), "g": "g", "theta": "theta[0]"},
        quantities=quantities,
        experiments=tuple(experiments),
    )


def _by_formula(rule: Rule, raw: Expr, removed: tuple[str, ...]) -> Derivation | None:
    """The first step where it is no factor times the gradient: what is left when theta cancels."""
    shown = _settled(plainer(raw, frozenset(rule.hyperparameter_names), given(rule)))
    if not {"g"} <= symbols(shown) <= {"g", *rule.hyperparameter_names}:
        return None
    step = equal(labelled(rule, "step", "1"), raw, shown, why="from the initial values, at t = 1", given=given(rule))
    if step.verdict is not None and not step.verdict:
        return None
    return Derivation(
        title="The first step",
        statement=f"The first gradient `g` moves `theta` by {code(shown)}.",
        assumptions=tuple(f"`{n} = 0`" for n in removed),
        steps=proper(step),
        result=shown,
        names={**names_of(rule), "g": "g", "theta": "theta[0]"},
        quantities={"first_step": shown},
        experiments=_experiments(rule, removed, shown),
    )


def _settled(expr: Expr) -> Expr:
    """The expression with the branch taken where numbers alone are compared."""

    def rebuilt(node: Apply, args: tuple[Expr, ...]) -> Expr:
        again = Apply(node.op, args)
        test = args[0]
        if node.op == "where" and isinstance(test, Apply) and not symbols(test):
            [holds] = exact([test], {})
            return args[1] if holds is True else args[2] if holds is False else again
        return idle(again) if args != node.args else node

    return fold([expr], symbol=lambda s: s, number=lambda n: n, apply=rebuilt)[0]


def _by_sign(rule: Rule, rate: Expr) -> tuple[tuple[str, ...], Step, Expr] | None:
    """The hyperparameter whose zero makes the first step one of fixed size, for g other than zero."""
    assumed = Assumptions({**given(rule).domains, "g": POSITIVE})
    candidates = [h.name for h in rule.hyperparameters if Fraction(0) in h.domain and h.name in symbols(rate)]
    for zeros in ((), *((n,) for n in candidates)):
        [bound] = substitute([rate * G], dict.fromkeys(zeros, Number(0)))
        size = readable(bound, assumed)
        if "g" in symbols(size) or size is Number(0):
            continue
        claimed = apply("where", apply("ne", G, 0), size * apply("sign", G), bound)
        step = equal(None, bound, claimed, why="only the sign of g counts, where g is not 0", given=given(rule))
        return zeros, step, size
    return None


def _without_memory(rule: Rule, rate: Expr) -> tuple[tuple[str, ...], Step] | None:
    """The decays whose zero makes every step, from any states, what the first one is."""
    names = tuple(h.name for h in rule.hyperparameters if h.domain == DECAY)
    if not names or not rule.states:
        return None
    zeros: dict[str, Expr] = dict.fromkeys(names, Number(0))
    bound = bind(rule, zeros)
    [kept] = substitute([rate], zeros)
    pair = (movement(bound), kept * G)
    if not identity([pair], given(bound)):
        return None
    return names, equal(None, *pair, why="from any states, at any t", given=given(bound))


def _experiments(rule: Rule, removed: tuple[str, ...], step: Expr) -> tuple[Experiment, ...]:
    """One gradient, large or small."""
    values, found = plain_values(rule, removed), []
    for g in (Fraction(5), Fraction(-1, 1000), Fraction(-5)):
        expected = foretold(step, {**values, "g": g}, (1,))
        if expected is not None:
            found.append(Experiment("the first step", MOVED, expected, (g,), values))
    return tuple(found)


def _like_the_first(rule: Rule, zeros: tuple[str, ...], step: Expr) -> tuple[Experiment, ...]:
    """Without memory every step is by the formula of the first."""
    values = plain_values(rule, zeros)
    expected = [foretold(step, {**values, "g": g}, (t,)) for t, g in enumerate(SIGNED, start=1)]
    together = {t: number for one in expected if one is not None for t, number in one.items()}
    if len(together) < len(SIGNED):
        return ()
    return (Experiment("every step is like the first", MOVED, together, SIGNED, values),)
