"""Two linear rules: every branch, none too many, each with a map that a step keeps; in text in `relations.txt`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import islice, product
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.algebra.work import OutOfWork, bounded, spend
from derive.evaluate import exact, trajectory
from derive.expr import Expr, Number, Symbol, apply, substitute
from derive.linear import Branch, LinearRelation, relate
from derive.proving.obligations import of_correspondence
from derive.proving.search import Differs, Undecided, propose_identity
from derive.reading.read import read_text
from derive.relating import prove
from derive.rule import Assignment, Domain, Rule, State
from derive.transforms import bind, delayed
from tests.linear_zoo import EVERY, MEANS, RULES

GOLDEN = Path(__file__).with_name("relations.txt")
GROUPS = (RULES, MEANS)


TENTH_OF_A_SECOND = 100_000  # in counted units of work, of which a machine does at least a million in a second
MOST = 1000 * TENTH_OF_A_SECOND


@cache
def measured(a: str, b: str) -> tuple[LinearRelation, int]:
    """The relation, and what it took: the work of one tenth of a second, of three, or more."""
    with bounded(MOST):
        relation, tenths = relate(EVERY[a], EVERY[b]), 1000
        with suppress(OutOfWork):
            spend(MOST - 3 * TENTH_OF_A_SECOND)
            tenths = 3
            spend(2 * TENTH_OF_A_SECOND)
            tenths = 1
    assert relation is not None
    assert relation.open == ()
    return relation, tenths


def related(a: str, b: str) -> LinearRelation:
    return measured(a, b)[0]


def branches(a: str, b: str) -> list[str]:
    return [str(branch) for branch in related(a, b).branches if not branch.degenerate]


# What must come out


CLAIMS: dict[tuple[str, str], list[str]] = {
    ("momentum_ema", "momentum"): ["equal: B.lr = A.lr * (1 - A.beta)"],
    ("momentum_lr_outside", "momentum"): ["equal: the same names"],
    ("nesterov", "nesterov_keras"): ["equal: the same names"],
    ("nesterov", "nesterov_pytorch"): ["equal: the same names"],
    ("nesterov_keras", "nesterov_sequences"): ["equal: the same names"],
    ("momentum", "heavy_ball"): ["equal: the same names"],
    ("momentum", "gradient_descent"): ["conditional: A.beta = 0"],
    ("gradient_descent", "momentum"): ["instance: B.beta = 0"],
    ("descent_l2", "descent_decoupled"): ["equal: the same names"],
    ("ewma", "ewma_alpha"): ["instance: B.alpha = 1 - A.beta"],
    ("double", "autoregressive"): [
        "instance: B.a = A.beta1 + A.beta2, B.b = -(A.beta1 * A.beta2), B.c = (1 - A.beta1) * (1 - A.beta2)"
    ],
    # Every branch: the velocities may be exchanged.
    ("cascade", "cascade"): ["equal: B.beta1 = A.beta2, B.beta2 = A.beta1", "equal: the same names"],
    # Nesterov's acceleration as quasi-hyperbolic momentum, and the two cases in which both are plain descent.
    ("nesterov", "qhm"): [
        "instance: B.lr = A.lr / (1 - A.beta), B.nu = B.beta",
        "conditional: A.beta = 0, B.beta = 0, any B.nu",
        "conditional: A.beta = 0, B.nu = 0, any B.beta",
    ],
    ("gradient_descent", "stale"): ["equal 1 step later: the same names"],
    ("ewma", "ewma_before"): ["equal 1 step later: the same names"],
}


@pytest.mark.parametrize(("pair", "expected"), CLAIMS.items(), ids=map(" ".join, CLAIMS))
def test_every_branch(pair: tuple[str, str], expected: list[str]) -> None:
    assert branches(*pair) == expected


def test_momentum_forms_have_a_state_map() -> None:
    [branch] = (b for b in related("momentum_ema", "momentum").branches if b.kind == "equal")
    lr, beta, v = map(Symbol, ("lr", "beta", "v"))
    assert branch.states == {"theta": Symbol("theta"), "v": lr * v}
    assert branch.inverse == {"lr": lr / (1 - beta), "beta": beta}


def test_degenerate_branches_are_marked() -> None:
    found = [str(b) for b in related("momentum", "gradient_descent").branches if b.degenerate]
    assert found == ["degenerate: A.lr = 0, B.lr = 0, any A.beta"]


def test_a_growing_mode_is_named_and_the_rules_are_equal_all_the_same() -> None:
    relation = related("momentum", "with_growing_buffer")
    assert relation.equivalent
    assert [str(mode) for mode in relation.hidden_b] == ["e never shows: z - 2 = 0, grows"]


def test_the_transfer_functions_are_told() -> None:
    relation = related("momentum", "nesterov")
    assert str(relation.transfer_a) == "-(lr * z / ((z - beta) * (z - 1)))"
    assert str(relation.transfer_b) == "-(b.lr * (b.beta * z + z - b.beta) / ((z - b.beta) * (z - 1)))"


def test_a_system_that_shows_no_state() -> None:
    """Without memory an average is its input, whatever the buffer."""
    bare = bind(EVERY["ewma"], {"beta": Number(0)})
    relation = relate(bare, bind(EVERY["ewma_summed"], {"beta": Number(0)}))
    assert relation is not None
    assert [branch.states for branch in relation.branches] == [{}]
    assert [str(mode) for mode in relation.hidden_a] == ["m never shows: z = 0, dies out"]


def test_what_goes_beyond_the_bounds_is_left_open() -> None:
    names = [f"h{i}" for i in range(20)]
    total = " + ".join(f"{name} * g" for name in names)
    head = f"def f(theta, g, *, {', '.join(f'{name}=0.5' for name in names)}):"
    wide = read_text(f"{head}\n    theta = theta - ({total})\n    return theta", "f")
    relation = relate(wide, wide)
    assert relation is not None
    assert relation.branches == ()
    assert relation.open == ("more than 32 independent quantities",)


def test_an_irrational_branch_has_a_formula_a_polynomial_and_an_interval() -> None:
    found = [b for b in related("second_order", "cascade").branches if not b.degenerate]
    assert [str(b.hyperparameters["beta2"]) for b in found] == [
        "(p + sqrt(p**2 + 4 * q)) / 2",
        "(p - sqrt(p**2 + 4 * q)) / 2",
    ]
    [root] = found[0].roots
    assert str(root.polynomial) == "b.beta2**2 - p * b.beta2 - q"
    assert root.enclosures is not None
    assert [text.split()[0] for text in root.enclosures] == ["[0.229843788128", "[0.870156211872"]


def test_a_cubic_stays_a_polynomial() -> None:
    text = """
def a(theta, g, u=0, v=0, w=0, *, p=real(1), q=real(-0.3), r=real(0.02)):
    new = p * u + q * v + r * w + g
    w = v
    v = u
    u = new
    theta = theta - u
    return theta, u, v, w
def b(theta, g, u=0, v=0, w=0, *, k=real(0.5), l=real(0.3), m=real(0.1)):
    u = k * u + g
    v = l * v + u
    w = m * w + v
    theta = theta - w
    return theta, u, v, w
"""
    relation = relate(read_text(text, "a"), read_text(text, "b"))
    assert relation is not None
    assert relation.open == ()
    [branch] = relation.branches
    assert str(branch) == (
        "conditional: B.k = A.p - B.l - B.m, "
        "B.l: B.l**2 + B.l * B.m + B.m**2 - A.p * B.l - A.p * B.m - A.q = 0, "
        "B.m: B.m**3 - A.p * B.m**2 - A.q * B.m - A.r = 0"
    )
    [_, cubic] = sorted(branch.roots, key=lambda root: root.name)
    assert cubic.enclosures is not None
    assert [text.split()[0] for text in cubic.enclosures] == ["[0.0926052463808"]


def test_rules_that_vary_in_time_are_not_of_this_kind() -> None:
    text = "def f(theta, g, t, m=0, *, lr=0.1, b=decay(0.9)):\n    m = b * m + (1 - b) * g\n"
    corrected = read_text(text + "    theta = theta - lr * m / (1 - b**t)\n    return theta, m", "f")
    assert relate(corrected, EVERY["heavy_ball"]) is None
    assert relate(EVERY["momentum"], EVERY["ewma"]) is None


def test_where_a_step_starts_counts() -> None:
    """Momentum that starts with a velocity is momentum only where the velocity is forgotten at once."""
    text = "def f(theta, g, v=1, *, lr=nonnegative(0.01), beta=decay(0.9)):\n    v = beta * v + lr * g\n"
    started = read_text(text + "    theta = theta - v\n    return theta, v", "f")
    relation = relate(started, EVERY["momentum"])
    assert relation is not None
    assert [str(b) for b in relation.branches if not b.degenerate] == ["conditional: A.beta = 0, B.beta = 0"]


# None too many, none too few: runs at simple settings, against what the branches say

VALUES = tuple(map(Fraction, ("0", "1/2", "1/3", "1", "2", "-1/2", "2/3", "1/6", "5/6", "3/2")))
STEPS = 8  # two runs of eight steps tell linear rules with up to four states apart


def settings_of(rule: Rule, count: int) -> list[dict[str, Fraction]]:
    choices = [[v for v in VALUES if v in h.domain] for h in rule.hyperparameters]
    every = list(product(*choices))
    Random(rule.name).shuffle(every)
    return [dict(zip(rule.hyperparameter_names, point, strict=True)) for point in every[:count]]


def shown(rule: Rule, setting: Mapping[str, Fraction]) -> tuple[object, ...]:
    """All that is seen of the answer to one gradient, and of the start."""
    found: list[object] = []
    seen = [rule.step[n] for n in rule.outputs] if rule.is_average else [point for _, point in rule.questions]
    for theta, gradients in ((1, [Fraction(0)] * STEPS), (0, [Fraction(1)] + [Fraction(0)] * (STEPS - 1))):
        before: dict[str, Fraction] = {**setting, "theta": Fraction(theta)}
        start = exact([s.initial for s in rule.states], before)
        now = {**before, **dict(zip(rule.state_names, start, strict=True))}
        for t, (values, gradient) in enumerate(
            zip(trajectory(rule, setting, theta, gradients), gradients, strict=True)
        ):
            answer = {"x": gradient} if rule.is_average else {"g": gradient}
            found += exact(seen, {**now, **answer, "t": Fraction(t + 1)})  # type: ignore[dict-item]
            now = {**now, **{n: v for n, v in values.items() if n in now}}
    return tuple(found)


def holds(branch: Branch, a: Mapping[str, Fraction], b: Mapping[str, Fraction]) -> bool:
    """Whether the branch has this setting of both sides."""
    everything = {**a, **{f"a.{n}": v for n, v in a.items()}, **{f"b.{n}": v for n, v in b.items()}}
    claims: list[tuple[Expr, Fraction, Mapping[str, Fraction]]] = []
    claims += [(e, b[n], everything) for n, e in branch.hyperparameters.items()]
    for name, value in branch.condition.items():
        side = a if name.startswith("a.") else b
        claims.append((value, side[name[2:]], {**everything, **side}))
    claims += [(root.polynomial, Fraction(0), everything) for root in branch.roots]
    met = all(exact([value], names)[0] == wanted for value, wanted, names in claims)
    return met and all(exact([test], everything)[0] is True for test in branch.where)


@pytest.mark.parametrize("group", GROUPS, ids=["updates", "averages"])
def test_two_settings_show_the_same_exactly_where_a_branch_says_so(group: dict[str, Rule]) -> None:
    runs = {name: [(s, shown(rule, s)) for s in settings_of(rule, 7)] for name, rule in group.items()}
    equal = 0
    for a, b in product(group, group):
        found = [branch for branch in related(a, b).branches if not branch.shift]
        for mine, left in runs[a]:
            for his, right in runs[b]:
                equal += left == right
                assert any(holds(branch, mine, his) for branch in found) is (left == right), (a, mine, b, his)
    assert equal > 50


# The maps


def inner(rule: Rule) -> Rule:
    """The rule inside its domains: no hyperparameter at an end."""

    def opened(domain: Domain) -> Domain:
        return replace(domain, low_open=domain.low is not None, high_open=domain.high is not None)

    return replace(rule, hyperparameters=tuple(replace(h, domain=opened(h.domain)) for h in rule.hyperparameters))


def settled(branch: Branch, a: Rule, b: Rule) -> tuple[Rule, Rule, dict[str, Expr], dict[str, Expr]]:
    """Both rules under the branch's conditions, what is free set to a half; the maps of states and hyperparameters."""
    half: dict[str, Expr] = {n: Number(Fraction(1, 2)) for n in branch.free}
    his = {n: e for n, e in half.items() if n.startswith("b.")}
    own = {side: {n[2:]: e for n, e in half.items() if n.startswith(side)} for side in ("a.", "b.")}
    bound: dict[str, dict[str, Expr]] = {"a.": dict(own["a."]), "b.": dict(own["b."])}
    for name, value in branch.condition.items():
        bound[name[:2]][name[2:]] = substitute([value], {**own[name[:2]], **his})[0]
    mine = {**bound["a."]}
    states = {n: substitute([e], {**his, **mine})[0] for n, e in (branch.states or {}).items()}
    hypers = {n: substitute([e], {**his, **mine})[0] for n, e in branch.hyperparameters.items()}
    source = delayed(a, branch.shift, branch.first) if branch.shift else a
    return bind(source, bound["a."]), bind(b, bound["b."]), states, hypers


def is_kept(branch: Branch, a: Rule, b: Rule) -> bool:
    """Whether the start has the branch's map, a step keeps it, and what is seen agrees: all but the bijection."""
    left, right, states, hypers = settled(branch, a, b)
    unused = {h.name: Number(0) for h in left.hyperparameters}
    for _, pairs, assumed in of_correspondence(left, right, states, hypers, unused, ())[:3]:
        guarded = pairs
        for test in branch.where:
            guarded = tuple((apply("where", test, x, 0), apply("where", test, y, 0)) for x, y in guarded)
        try:
            propose_identity(guarded, assumed)
        except (Differs, Undecided):
            return False
    return True


def mapped(group: dict[str, Rule]) -> Iterator[tuple[str, str, Branch]]:
    for a, b in product(group, group):
        for branch in related(a, b).branches:
            if branch.states is not None and not (branch.where and branch.free) and not branch.roots:
                yield a, b, branch


@pytest.mark.parametrize("group", GROUPS, ids=["updates", "averages"])
def test_a_step_keeps_the_state_maps(group: dict[str, Rule]) -> None:
    every = list(mapped(group))
    Random(5).shuffle(every)
    for a, b, branch in islice(every, 80):
        assert is_kept(branch, inner(EVERY[a]), inner(EVERY[b])), (a, b, str(branch))


def test_the_check_of_maps_can_say_no() -> None:
    [branch] = (b for b in related("momentum_ema", "momentum").branches if b.kind == "equal")
    wrong = replace(branch, states={**(branch.states or {}), "v": Symbol("v")})
    assert is_kept(branch, EVERY["momentum_ema"], EVERY["momentum"])
    assert not is_kept(wrong, EVERY["momentum_ema"], EVERY["momentum"])


PROVED = [("momentum_ema", "momentum"), ("momentum", "heavy_ball"), ("nesterov", "nesterov_keras"),
          ("momentum_ema", "heavy_ball"), ("nesterov", "nesterov_sequences"), ("descent_l2", "descent_decoupled"),
          ("momentum", "with_growing_buffer"), ("gradient_descent", "stale"), ("ewma", "ewma_before")]  # fmt: skip


@pytest.mark.parametrize(("a", "b"), PROVED)
def test_the_prover_takes_the_maps(a: str, b: str) -> None:
    [branch] = (branch for branch in related(a, b).branches if branch.kind == "equal")
    assert branch.states is not None
    source = delayed(EVERY[a], branch.shift, branch.first) if branch.shift else EVERY[a]
    verdict = prove(source, EVERY[b], states=branch.states, hyperparameters=branch.hyperparameters)
    assert verdict.status == "proved", verdict.message


# Random systems

NUMBERS = st.sampled_from(list(map(Fraction, ("0", "1", "-1", "1/2", "2", "-1/3", "3/4"))))


def numbers(count: int) -> st.SearchStrategy[list[Fraction]]:
    return st.lists(NUMBERS, min_size=count, max_size=count)


def weighted(weights: list[Fraction], names: list[Expr]) -> Expr:
    total: Expr = Number(0)
    for weight, name in zip(weights, names, strict=True):
        if weight:
            total = total + Number(weight) * name
    return total


def rule_of(steps: dict[str, Expr], starts: dict[str, Expr], query: Expr) -> Rule:
    new = {name: f"{name}_new" for name in steps}
    body = [Assignment(new[name], value) for name, value in steps.items()]
    body += [Assignment(name, Symbol(new[name])) for name in steps]
    states = tuple(State(name, start) for name, start in starts.items())
    return Rule(
        "random", ("theta", "g"), (), states, tuple(body), ("theta",), None if query is Symbol("theta") else query
    )


@st.composite
def systems(draw: st.DrawFn) -> Rule:
    names = ["theta", *(f"s{i}" for i in range(draw(st.integers(0, 3))))]
    inputs: list[Expr] = [*map(Symbol, names), Symbol("g")]
    steps = {name: weighted(draw(numbers(len(inputs))), inputs) for name in names}
    starts: dict[str, Expr] = {}
    for name in names[1:]:
        a, b = draw(numbers(2))
        starts[name] = weighted([a, b], [Symbol("theta"), Number(1)])
    return rule_of(steps, starts, weighted(draw(numbers(len(names))), inputs[:-1]))


@st.composite
def rewritten(draw: st.DrawFn, rule: Rule) -> Rule:
    """The same in other coordinates: each new state a state plus a multiple of another; and a mode that never shows."""
    steps, starts = dict(rule.step), {s.name: s.initial for s in rule.states}
    query = rule.questions[0][1]
    names = [*rule.state_names]
    for _ in range(draw(st.integers(0, 3)) if names else 0):
        target = draw(st.sampled_from(names))
        source = draw(st.sampled_from(["theta", *(n for n in names if n != target)]))
        factor = draw(NUMBERS)
        # The new state is new = old + factor * source, so old = new - factor * source everywhere.
        back = {target: Symbol(target) - Number(factor) * Symbol(source)}
        steps = dict(zip(steps, substitute(steps.values(), back), strict=True))
        [query] = substitute([query], back)
        steps[target] = steps[target] + Number(factor) * steps[source]
        starts[target] = starts[target] + Number(factor) * (Symbol("theta") if source == "theta" else starts[source])
    if draw(st.booleans()):
        kept, answer = draw(numbers(2))
        steps["hidden"] = Number(kept) * Symbol("hidden") + Number(answer) * Symbol("g") + weighted(
            draw(numbers(len(names))), [Symbol(n) for n in names]
        )  # fmt: skip
        starts["hidden"] = Number(draw(NUMBERS))
    return rule_of(steps, starts, query)


@given(st.data())
def test_other_coordinates_and_hidden_modes_change_nothing(data: st.DataObject) -> None:
    rule = data.draw(systems())
    other = data.draw(rewritten(rule))
    relation = relate(rule, other)
    assert relation is not None
    assert [branch.kind in ("equal", "degenerate") for branch in relation.branches] == [True]
    [branch] = relation.branches
    if branch.states is not None:
        assert is_kept(branch, rule, other)


@given(st.data())
def test_a_perturbed_system_is_the_same_only_where_every_run_is(data: st.DataObject) -> None:
    rule = data.draw(systems())
    other = data.draw(rewritten(rule))
    name = data.draw(st.sampled_from([*other.state_names, "theta"]))
    change = Number(data.draw(NUMBERS)) * Symbol(data.draw(st.sampled_from(["theta", "g", *other.state_names])))
    steps = {**other.step, name: other.step[name] + change}
    changed = rule_of(steps, {s.name: s.initial for s in other.states}, other.questions[0][1])
    relation = relate(rule, changed)
    assert relation is not None
    same = shown(rule, {}) == shown(changed, {})
    assert bool([b for b in relation.branches if not b.shift]) is same


# In text


def table() -> str:
    lines = []
    for group in GROUPS:
        names = list(group)
        for index, a in enumerate(names):
            for b in names[index:]:
                lines += [f"{a} / {b}", *(f"  {line}" for line in told(related(a, b)))]
    return "\n".join(lines) + "\n"


def told(relation: LinearRelation) -> list[str]:
    lines = [str(branch) for branch in relation.branches if not branch.degenerate]
    count = sum(branch.degenerate for branch in relation.branches)
    lines += [f"degenerate: {count}"] if count else []
    return [
        *lines,
        *(f"A hides {mode}" for mode in relation.hidden_a),
        *(f"B hides {mode}" for mode in relation.hidden_b),
    ]


def test_the_table_is_the_one_committed(pytestconfig: pytest.Config) -> None:
    """The same with every version of SymPy and FLINT that is supported; `--update` writes it anew."""
    found = table()
    if pytestconfig.getoption("--update"):
        GOLDEN.write_text(found, encoding="utf-8")
    assert found == GOLDEN.read_text(encoding="utf-8")


def test_no_sympy() -> None:
    """Nothing here can change with SymPy: it is not loaded."""
    code = "import sys; import derive.linear; print('sympy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_few_pairs_take_the_work_of_a_tenth_of_a_second() -> None:
    tenths = {pair: measured(*pair)[1] for pair in product(RULES, RULES)}
    assert [pair for pair, found in tenths.items() if found > 3] == []
    assert list(tenths.values()).count(1) > 0.95 * len(tenths)


def test_work_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(a: Rule, b: Rule) -> LinearRelation:
        spend(work)
        return related("momentum", "momentum")

    monkeypatch.setattr(sys.modules[__name__], "relate", busy)
    for units, tenths in ((1, 1), (1.5, 3), (4, 1000)):
        work = int(units * TENTH_OF_A_SECOND)
        assert measured.__wrapped__("momentum", "momentum")[1] == tenths


# Where one side is undefined and the other is not, they are not the same

DIVIDED = """
def plain(theta, g, v=0, *, lr=nonnegative(0.01), beta=unit(0.9)):
    v = beta * v + g
    theta = theta - lr * v
    return theta, v

def divided(theta, g, v=0, *, lr=nonnegative(0.01), beta=unit(0.9)):
    v = (beta * (1 - beta) * v + g) / (1 - beta)
    theta = theta - lr * (1 - beta) * v
    return theta, v
"""


def test_a_setting_at_which_one_side_divides_by_zero_is_in_no_branch() -> None:
    a, b = (read_text(DIVIDED, name, "divided.py") for name in ("plain", "divided"))
    for relation in (relate(a, b), relate(b, a)):
        assert relation is not None
        assert relation.branches
        assert all("1 - " in str(branch) and "!= 0" in str(branch) for branch in relation.branches)
    same = relate(b, replace(b, name="again"))
    assert same is not None
    assert [str(branch) for branch in same.branches if not branch.degenerate] == ["equal: the same names"]


def test_an_average_without_a_state_is_linear() -> None:
    text = "def plain(x, *, c=real(1)):\n    output = c * x\n    return output\n"
    rule = read_text(text, "plain", "plain.py")
    relation = relate(rule, rule)
    assert relation is not None
    assert list(map(str, relation.branches)) == ["equal: the same names"]
