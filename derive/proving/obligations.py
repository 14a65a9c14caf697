"""What has to be shown, as equalities of one-step expressions, for a claim about whole trajectories.

Induction over the steps: the claim holds at the start, and a step keeps it. The same functions
tell a strategy what to prove and the checker what must have been proved.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache, reduce

from derive.algebra.differentiating import NoDerivative, derivative
from derive.algebra.facts import Assumptions
from derive.evaluate import unrolled
from derive.expr import Apply, Expr, Number, Symbol, apply, fold, nodes, of_one_element, substitute, symbols
from derive.proving.certificate import Exactness, Induction, Limit, Pairs, Sloped, Sufficient
from derive.rule import DECAY, NONNEGATIVE, REAL, WORDS, Domain, Rule

Obligation = tuple[str, Pairs, Assumptions]
COMPARISONS = frozenset({"eq", "ne", "lt", "le", "gt", "ge"})
HIS = "b."  # the other rule's names, where both occur


def nonnegative(value: Expr) -> tuple[Expr, Expr]:
    """value >= 0 wherever it is defined, as an equality."""
    return apply("max", value, 0), value


def inside(value: Expr, domain: Domain) -> tuple[Expr, Expr]:
    """value is defined and lies in the domain, as an equality."""
    tests: list[Expr] = []
    if domain.low is not None:
        tests.append(apply("gt" if domain.low_open else "ge", value, domain.low))
    if domain.high is not None:
        tests.append(apply("lt" if domain.high_open else "le", value, domain.high))
    if not tests:
        return value - value, Number(0)
    test = tests[0] if len(tests) == 1 else apply("and", *tests)
    return apply("where", test, 1, 0), Number(1)


def assumptions_with(rule: Rule, nonnegative_states: Iterable[str]) -> Assumptions:
    return Assumptions({**rule.domains, **dict.fromkeys(nonnegative_states, NONNEGATIVE)}, rule.uniform)


def of_invariants(rule: Rule, names: tuple[str, ...]) -> list[Obligation]:
    """Each named state is nonnegative at the start, and after a step if all were before it."""
    at_start = {s.name: s.initial for s in rule.states}
    before, during = assumptions_with(rule, ()), assumptions_with(rule, names)
    found: list[Obligation] = []
    for name in names:
        found.append((f"{name} ≥ 0 at the start", (nonnegative(at_start[name]),), before))
        found.append((f"{name} ≥ 0 after a step", (nonnegative(rule.step[name]),), during))
    return found


def of_correspondence(
    a: Rule,
    b: Rule,
    states: Mapping[str, Expr],
    hyperparameters: Mapping[str, Expr],
    inverse: Mapping[str, Expr],
    invariants: tuple[str, ...],
    scheduled: frozenset[str] = frozenset(),
    while_defined: bool = False,
) -> list[Obligation]:
    """The maps hold at the start, a step keeps them, and what can be seen from outside agrees.

    With `while_defined` only of the steps that both sides define.
    """
    refuse_open(a)
    refuse_open(b)
    _refuse_keys("state", states, tracked(b), every=False)
    _refuse_keys("hyperparameter", hyperparameters, b.hyperparameter_names)
    _refuse_keys("hyperparameter", inverse, a.hyperparameter_names)
    _refuse_fractions(b, hyperparameters, a.domains)
    _refuse_fractions(a, inverse, {HIS + name: domain for name, domain in b.domains.items()})
    constants = set(a.hyperparameter_names) - scheduled
    free = {HIS + n for n in tracked(b) if n not in states}
    _refuse_names("a state map", states, {"theta", "t", *a.state_names, *constants, *free})
    _refuse_names("a hyperparameter map", hyperparameters, set(a.hyperparameter_names))
    fixed = {n: e for n, e in hyperparameters.items() if n not in scheduled}
    _refuse_names("the map of a constant hyperparameter", fixed, constants)
    _refuse_names("the inverse map", inverse, {HIS + name for name in b.hyperparameter_names})
    # A hyperparameter that changes on one side only would be the image of a constant.
    fixed_back = {n: e for n, e in inverse.items() if n not in scheduled}
    lasting = {HIS + name for name in set(b.hyperparameter_names) - scheduled}
    _refuse_names("the inverse map of a constant hyperparameter", fixed_back, lasting)
    declared, during = assumptions_with(a, ()), assumptions_with(a, invariants)
    begun = _begun(a, scheduled) if _looks_at_t(a) or _looks_at_t(b) else {}
    return [
        ("the same at the start", _start(a, b, states, hyperparameters), declared),
        ("the map exists after a step", _with(begun, _kept(a, b, states, hyperparameters)), during),
        ("the same after a step", _with(begun, _step(a, b, states, hyperparameters, while_defined)), during),
        *_bijection(a, b, hyperparameters, inverse),
    ]


def _begun(a: Rule, scheduled: frozenset[str]) -> dict[str, Expr]:
    """The states of a as they are before a step: any values, but in the first step those they start with."""
    later = apply("gt", Symbol("t"), 1)
    steady = [s for s in a.states if symbols(s.initial).isdisjoint(scheduled)]
    return {s.name: apply("where", later, Symbol(s.name), s.initial) for s in steady}


@lru_cache(maxsize=256)
def _looks_at_t(rule: Rule) -> bool:
    """Whether a step compares t with something, so that the first step may be another than those after it."""
    return any(isinstance(n, Apply) and n.op in COMPARISONS and "t" in symbols(n) for n in nodes(rule.step.values()))


def _with(values: Mapping[str, Expr], pairs: Pairs) -> Pairs:
    left, right = (substitute([pair[side] for pair in pairs], values) for side in (0, 1))
    return tuple(zip(left, right, strict=True))


def _refuse_names(what: str, maps: Mapping[str, Expr], known: set[str]) -> None:
    """A map depends on what is the same at every step of a run, or kept between steps; never on a gradient."""
    unknown = symbols(*maps.values()) - known
    if unknown:
        raise ValueError(f"{what} depends on {min(unknown)}")


def _refuse_keys(kind: str, maps: Mapping[str, Expr], known: Collection[str], every: bool = True) -> None:
    """A map gives a value to nothing else than what it is for: a gradient would be lost."""
    for name in sorted(maps.keys() - set(known)):
        raise ValueError(f"{name} is no {kind} a map can give")
    for name in sorted(set(known) - maps.keys()) if every else ():
        raise ValueError(f"the {kind} {name} is given no value")


def refuse_open(rule: Rule) -> None:
    """A rule mentions what it declares and nothing else: another name would be read as one of the other rule's."""
    answers = {name for name, _ in rule.questions}
    given = {*rule.inputs, *answers, *rule.hyperparameter_names, *WORDS}
    used = symbols(*rule.step.values(), *(point for _, point in rule.questions)) - {*given, *rule.state_names}
    used |= symbols(*(s.initial for s in rule.states)) - given
    if used:
        raise ValueError(f"{rule.name} does not say what {min(used)} is")


def _refuse_fractions(rule: Rule, maps: Mapping[str, Expr], domains: Mapping[str, Domain]) -> None:
    """A hyperparameter that is a whole number is made of whole numbers by sums and products."""
    for h in rule.hyperparameters:
        if h.domain.whole and not _is_whole(maps[h.name], domains):
            raise ValueError(f"that {h.name} is a whole number does not follow")


def _is_whole(value: Expr, domains: Mapping[str, Domain]) -> bool:
    """Whether it is certainly a whole number: sums and products of such, and what is divided by one."""

    def joined(node: Apply, args: tuple[bool, ...]) -> bool:
        if node.op == "div":
            return args[0] and node.args[1] is Number(1)
        return node.op in ("add", "sub", "mul", "neg") and all(args)

    return fold(
        [value],
        symbol=lambda s: domains.get(s.name, REAL).whole,
        number=lambda n: n.value.denominator == 1,
        apply=joined,
    )[0]


def _defined(values: Iterable[Expr]) -> Expr:
    """Zero, where every one of the values is defined."""
    total: Expr = Number(0)
    for value in values:
        total = total + (value - value)
    return total


def _in_a(a: Rule, b: Rule, states: Mapping[str, Expr], hyperparameters: Mapping[str, Expr]) -> dict[str, Expr]:
    """Every name of b before the step, and each answer, in the names of a; a state that no map gives stays itself."""
    if len(a.questions) != len(b.questions):
        raise ValueError(f"{a.name} and {b.name} do not ask for the same number of gradients in a step")
    answers = {his: Symbol(mine) for (his, _), (mine, _) in zip(b.questions, a.questions, strict=True)}
    return {**answers, **{n: states.get(n, Symbol(HIS + n)) for n in tracked(b)}, **hyperparameters}


def _moved(a: Rule, b: Rule, states: Mapping[str, Expr], hyperparameters: Mapping[str, Expr]) -> list[Expr]:
    """The state map after a step of both, in the names before it."""
    free = [n for n in tracked(b) if n not in states]
    stepped = substitute([b.step[n] for n in free], _in_a(a, b, states, hyperparameters))
    after = {HIS + n: e for n, e in zip(free, stepped, strict=True)}
    return substitute(states.values(), {**a.step, **after, "t": Symbol("t") + 1})


def _kept(a: Rule, b: Rule, states: Mapping[str, Expr], hyperparameters: Mapping[str, Expr]) -> Pairs:
    """Wherever the steps are defined the map of their results is too; of what a step gives itself it is clear."""
    theirs = substitute(b.step.values(), _in_a(a, b, states, hyperparameters))
    given = [*a.step.values(), *theirs]
    stepped = _defined(given)
    made = [e for e in _moved(a, b, states, hyperparameters) if e not in given]
    return ((stepped, stepped + _defined(made) if made else stepped),)


def tracked(b: Rule) -> tuple[str, ...]:
    """What a state map can give: the states of b, and its parameter where it has one."""
    return b.state_names if b.is_average else ("theta", *b.state_names)


def _start(a: Rule, b: Rule, states: Mapping[str, Expr], hyperparameters: Mapping[str, Expr]) -> Pairs:
    initial_a: dict[str, Expr] = {s.name: s.initial for s in a.states}
    initial_b: dict[str, Expr] = {"theta": Symbol("theta"), **{s.name: s.initial for s in b.states}}
    wanted = dict(zip(initial_b, substitute(initial_b.values(), hyperparameters), strict=True))
    free = {HIS + n: e for n, e in wanted.items() if n not in states}
    mapped = substitute(states.values(), {**initial_a, **free, "t": Number(1)})
    return tuple(zip(mapped, [wanted[n] for n in states], strict=True))


def _step(
    a: Rule, b: Rule, states: Mapping[str, Expr], hyperparameters: Mapping[str, Expr], while_defined: bool
) -> Pairs:
    """Both sides in the names of a, before the step, value by value; and the two are undefined as a whole together.

    A run ends with the first step in which anything is undefined, so what no map mentions counts too.
    """
    moved, in_a = _moved(a, b, states, hyperparameters), _in_a(a, b, states, hyperparameters)
    stepped = substitute([b.step[n] for n in states], in_a)
    seen_b, seen_a = ([point for _, point in rule.questions] for rule in (b, a))
    outputs_a = [a.step[n] for n in a.outputs if n != "theta"]
    outputs_b = [b.step[n] for n in b.outputs if n != "theta"]
    shown = substitute([*seen_b, *outputs_b], in_a)
    whole = (_defined(a.step.values()), _defined(substitute(b.step.values(), in_a)))
    pairs = (*zip(moved, stepped, strict=True), *zip([*seen_a, *outputs_a], shown, strict=True))
    if while_defined:
        both = whole[0] + whole[1]
        return tuple((x + both, y + both) for x, y in pairs)
    return (*pairs, whole)


def _bijection(a: Rule, b: Rule, hyperparameters: Mapping[str, Expr], inverse: Mapping[str, Expr]) -> list[Obligation]:
    """The hyperparameters of the two correspond one to one, domain onto domain."""
    his = {h.name: Symbol(HIS + h.name) for h in b.hyperparameters}
    domains_b = {HIS + h.name: h.domain for h in b.hyperparameters}
    forth = [hyperparameters[h.name] for h in b.hyperparameters]
    back = [inverse[h.name] for h in a.hyperparameters]
    into_b = tuple(inside(e, h.domain) for e, h in zip(forth, b.hyperparameters, strict=True))
    into_a = tuple(inside(e, h.domain) for e, h in zip(back, a.hyperparameters, strict=True))
    there = {HIS + h.name: hyperparameters[h.name] for h in b.hyperparameters}
    round_a = zip(substitute(back, there), [Symbol(h.name) for h in a.hyperparameters], strict=True)
    round_b = zip(substitute(forth, dict(inverse)), [his[h.name] for h in b.hyperparameters], strict=True)
    return [
        ("hyperparameters map into the domains", (*into_b, *round_a), Assumptions(a.domains)),
        ("and back", (*into_a, *round_b), Assumptions(domains_b)),
    ]


def of_exactness(claim: Exactness) -> Obligation:
    """At every setting a condition holds, or a run is defined on both sides and ends at different points."""
    a, b = claim.a, claim.b
    domains = {h.name: h.domain for h in a.hyperparameters}
    for h in b.hyperparameters:
        if domains.setdefault(h.name, h.domain) != h.domain:
            raise ValueError(f"{h.name} has another domain in {b.name}")
    held: Expr = apply("eq", 0, 1)
    for condition in claim.conditions:
        _refuse_names("a condition", {**condition, **{n: Symbol(n) for n in condition}}, set(domains))
        if claim.scheduled.isdisjoint({*condition, *symbols(*condition.values())}):  # else it says too little here
            held = apply("or", held, _all(apply("eq", Symbol(name), value) for name, value in condition.items()))
    if claim.scheduled:
        held = apply("or", held, _all(apply("eq", Symbol(n), _at_step(n, 1)) for n in sorted(claim.scheduled)))
    for theta, gradients in claim.runs:
        if claim.scheduled and len(gradients) != 2:
            raise ValueError("a run under a schedule has two steps, between which it changes")
        held = apply("or", held, apply("ne", *(last_point(r, theta, gradients, claim.scheduled) for r in (a, b))))
    resting = [pair for rule in (a, b) for pair in _resting(rule, claim.scheduled)] if claim.scheduled else []
    domains |= {_at_step(n, k).name: domains[n] for n in claim.scheduled for k in (1, 2)}
    return (
        "a condition or a difference",
        ((apply("where", held, 1, 0), Number(1)), *resting),
        Assumptions(domains, frozenset(domains)),
    )


def _all(tests: Iterable[Expr]) -> Expr:
    return reduce(lambda x, y: apply("and", x, y), tests)


def _at_step(name: str, step: int) -> Symbol:
    """What a scheduled hyperparameter is some steps after the first: any other value of its domain."""
    return Symbol(f"{name}@{step}" if step else name)


def _resting(rule: Rule, scheduled: frozenset[str]) -> Pairs:
    """While the answers are zero nothing of the rule moves from where it starts, whatever the step."""
    started: dict[str, Expr] = {s.name: s.initial for s in rule.states}
    if "t" in symbols(*rule.step.values(), *(point for _, point in rule.questions)):
        raise ValueError(f"{rule.name} varies in time")
    if not symbols(*started.values()).isdisjoint(scheduled):
        raise ValueError(f"{rule.name} starts with what is scheduled")
    answers = ("x",) if rule.is_average else tuple(name for name, _ in rule.questions)
    now = {**started, **dict.fromkeys(answers, Number(0))}
    kept = started if rule.is_average else {"theta": Symbol("theta"), **started}
    return tuple(zip(substitute([rule.step[name] for name in kept], now), kept.values(), strict=True))


def last_point(rule: Rule, theta: Fraction, gradients: tuple[Fraction, ...], scheduled: Collection[str] = ()) -> Expr:
    """What is seen after these gradients, in the rule's hyperparameters; undefined where anything before it is."""
    names = [n for n in rule.hyperparameter_names if n in scheduled]
    schedule = [{n: _at_step(n, k) for n in names} for k in range(len(gradients) + 1)] if names else []
    steps = _steps(rule, theta, gradients, schedule)
    every = (value for step in steps for value in step.values())
    return of_one_element(point_after(rule, theta, gradients, schedule) + _defined(every))


def point_after(
    rule: Rule, theta: Fraction, gradients: tuple[Fraction, ...], schedule: Sequence[Mapping[str, Expr]] = ()
) -> Expr:
    """What is seen after these gradients, in the rule's hyperparameters, whatever came before it."""
    steps = _steps(rule, theta, gradients, schedule)
    last = steps[-1]
    if rule.is_average:
        return last[rule.outputs[0]]
    if rule.query is None:
        return last["theta"]
    now = {**_settings(rule), **last, "t": Number(len(steps) + 1)}
    now.update(schedule[min(len(steps), len(schedule) - 1)] if schedule else {})
    return substitute([rule.query], now)[0]


def _steps(
    rule: Rule, theta: Fraction, gradients: tuple[Fraction, ...], schedule: Sequence[Mapping[str, Expr]]
) -> tuple[dict[str, Expr], ...]:
    return unrolled(rule, _settings(rule), theta, gradients, schedule)


def _settings(rule: Rule) -> dict[str, Expr]:
    return {n: Symbol(n) for n in rule.hyperparameter_names}


def is_true(statement: Expr, premises: Iterable[Expr] = ()) -> tuple[Expr, Expr]:
    """The statement is defined and true wherever the premises are true, as an equality; they have to be defined."""
    claimed: Expr = apply("where", statement, 1, 0)
    for premise in premises:
        claimed = apply("where", premise, claimed, 1)
    return claimed, Number(1)


def stated(claimed: Expr) -> tuple[Expr, tuple[Expr, ...]]:
    """The statement and the premises of which `is_true` made the left side."""
    premises: list[Expr] = []
    while isinstance(claimed, Apply) and claimed.op == "where" and claimed.args[2] is Number(1):
        premises.append(claimed.args[0])
        claimed = claimed.args[1]
    if not isinstance(claimed, Apply) or claimed.op != "where":
        raise ValueError(f"{claimed} states nothing")
    return claimed.args[0], tuple(reversed(premises))


def all_equal(pairs: Pairs) -> Expr:
    """The condition that the two sides of every pair are equal."""
    return reduce(lambda x, y: apply("and", x, y), [apply("eq", *pair) for pair in pairs])


def of_sufficient(claim: Sufficient) -> list[Obligation]:
    """Each condition implies the statement; for exactness, where none of them holds it is not true."""
    found: list[Obligation] = [
        (f"where {c}", (is_true(claim.statement, (*claim.premises, c)),), claim.assumptions) for c in claim.conditions
    ]
    if claim.exact is not None:
        some = apply("where", reduce(lambda x, y: apply("or", x, y), claim.conditions), 1, 0)
        # Where the statement is undefined it is not true, and both sides are undefined.
        sides = (apply("where", claim.statement, some, 1), apply("where", claim.statement, 1, 1))
        for premise in claim.premises:
            sides = (apply("where", premise, sides[0], 1), apply("where", premise, sides[1], 1))
        found.append(("nowhere else", (sides,), claim.assumptions))
    return found


BETWEEN = "#between"  # no name of a rule has such a sign in it


def fresh(*used: Expr) -> str:
    """A name for a number between two others."""
    known, name = symbols(*used), BETWEEN
    while name in known:
        name += "'"
    return name


def of_sloped(claim: Sloped) -> list[Obligation]:
    """f is not negative at the number, and has a value and a slope of the right sign from there to wherever `name` is.

    Between two points of a domain, which is an interval, everything lies in the domain.
    """
    condition, domain = claim.condition, claim.assumptions.domains.get(claim.name, REAL)
    if not isinstance(condition, Apply) or condition.op not in ("lt", "le", "gt", "ge"):
        raise ValueError(f"{condition} is no inequality")
    if domain.whole or not _touches(domain, claim.at):
        raise ValueError(f"{claim.name} does not come near {claim.at}")
    low, high = condition.args if condition.op in ("lt", "le") else condition.args[::-1]
    name, end, s = Symbol(claim.name), Number(claim.at), Symbol(fresh(condition, *claim.premises))
    difference = high - low
    try:
        rate = derivative(difference, claim.name)
    except NoDerivative as fault:
        raise ValueError(f"no derivative of {fault}") from fault
    [at_end] = substitute([difference], {claim.name: end})
    here, slope = substitute([difference, rate], {claim.name: s})
    defined = apply("eq", here - here, 0)
    given = claim.assumptions.extended({s.name: domain})
    below = (*claim.premises, apply("le", name, s), apply("lt", s, end))
    above = (*claim.premises, apply("gt", s, end), apply("le", s, name))
    found: list[Obligation] = [
        ("not negative there", (is_true(apply("ge", at_end, 0), claim.premises),), claim.assumptions),
        ("defined before it", (is_true(defined, below),), given),
        ("falling before it", (is_true(apply("lt", slope, 0), below),), given),
        ("defined after it", (is_true(defined, above),), given),
        ("rising after it", (is_true(apply("gt", slope, 0), above),), given),
    ]
    if condition.op in ("lt", "gt"):
        found.append(("never there", (is_true(apply("ne", name, end), claim.premises),), claim.assumptions))
    return found


def of_induction(claim: Induction) -> list[Obligation]:
    """The condition at the least number, and at the next number where it is true at one."""
    domain = claim.assumptions.domains.get(claim.name, REAL)
    begins = domain.whole and domain.low is not None and domain.low.denominator == 1
    if not begins or domain.low is None or claim.name in symbols(*claim.premises):
        raise ValueError(f"no induction over {claim.name}")
    name = Symbol(claim.name)
    [first] = substitute([claim.condition], {claim.name: Number(domain.low)})
    [following] = substitute([claim.condition], {claim.name: name + 1})
    return [
        ("at the start", (is_true(first, claim.premises),), claim.assumptions),
        ("and a step later", (is_true(following, (claim.condition, *claim.premises)),), claim.assumptions),
    ]


def _touches(domain: Domain, value: Fraction) -> bool:
    """Whether a number is in the domain or at one of its ends."""
    return (domain.low is None or value >= domain.low) and (domain.high is None or value <= domain.high)


# Operations through which limits pass wherever the result is defined; a radicand is looked at apart.
CONTINUOUS = frozenset({"add", "sub", "mul", "div", "neg", "abs", "min", "max", "sqrt", "exp", "tanh"})


def of_limit(claim: Limit) -> list[Obligation]:
    """The continuous form is the expression, its powers vanish, its roots stay real, at zero it is the limit."""
    for node in nodes([claim.continuous]):
        if isinstance(node, Apply) and not _is_continuous(node):
            raise ValueError(f"{node} need not be continuous")
    if claim.variable in symbols(claim.continuous, claim.limit, *claim.powers.values()):
        raise ValueError(f"{claim.variable} is left in the limit")
    domain = claim.assumptions.domains.get(claim.variable)
    if domain is None or not domain.whole or domain.high is not None:
        raise ValueError(f"{claim.variable} is not a whole number that grows without bound")
    vanishing = [*claim.powers, claim.root]
    if symbols(claim.expr, claim.limit, *claim.powers.values()) & set(vanishing):
        raise ValueError("a name of the continuous form has a meaning already")
    if claim.degree < 0:
        raise ValueError("a power is multiplied by a whole power of its exponent")
    t = Symbol(claim.variable)
    actual: dict[str, Expr] = {name: power_times(base, t, claim.degree) for name, base in claim.powers.items()}
    actual[claim.root] = 1 / apply("sqrt", t)
    [same] = substitute([claim.continuous], actual)
    radicands = [n.args[0] for n in nodes([claim.continuous]) if isinstance(n, Apply) and n.op == "sqrt"]
    real = tuple(nonnegative(r) for r in substitute(radicands, actual))
    return [
        ("the continuous form", ((claim.expr, same),), claim.assumptions),
        ("the powers vanish", tuple(inside(base, DECAY) for base in claim.powers.values()), claim.assumptions),
        ("the radicands are not negative", real, claim.assumptions),
        (
            "the value where they vanish",
            ((claim.at_zero, claim.limit + (claim.at_zero - claim.at_zero)),),
            claim.assumptions,
        ),
    ]


def power_times(base: Expr, variable: Expr, degree: int) -> Expr:
    """variable^degree base^variable."""
    power = apply("pow", base, variable)
    return power if degree == 0 else variable**degree * power


def _is_continuous(node: Apply) -> bool:
    if node.op == "pow":
        exponent = node.args[1]
        return isinstance(exponent, Number) and exponent.value.denominator == 1 and exponent.value >= 0
    return node.op in CONTINUOUS
