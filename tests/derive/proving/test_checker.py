"""Forged certificates: the checker must say no to each."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from derive.expr import Expr, Number, Symbol, apply, symbols
from derive.library import LIBRARY
from derive.proving import Assumptions, Verdict, assumptions_of
from derive.proving.certificate import Correspondence, Identity, Invariants, Leaf, Limit, Split, Tree
from derive.proving.checker import Checked, Rejected
from derive.proving.invariants import invariant_certificate
from derive.proving.limits import limit
from derive.proving.obligations import of_correspondence
from derive.proving.replay import NotConfirmed, Point, Replayed, Separation
from derive.proving.search import Differs, Undecided, propose_identity
from derive.relating import prove
from derive.rule import COUNTER, DECAY, NONNEGATIVE, REAL, Assignment, Hyperparameter, Rule, State

RULES = {rule.name: rule for rule in LIBRARY}
g, v, beta, t, eps = map(Symbol, ["g", "v", "beta", "t", "eps"])
NEGATIVE, ZERO, POSITIVE = frozenset({-1}), frozenset({0}), frozenset({1})


def size_of_g() -> Identity:
    return propose_identity(((apply("sqrt", g**2), apply("abs", g)),), Assumptions())


def test_the_true_certificate_passes() -> None:
    assert Checked(size_of_g())


def test_a_dropped_case() -> None:
    true = size_of_g()
    assert isinstance(true.tree, Split)
    for index in range(len(true.tree.branches)):
        kept = true.tree.branches[:index] + true.tree.branches[index + 1 :]
        with pytest.raises(Rejected, match="a case is missing"):
            Checked(replace(true, tree=replace(true.tree, branches=kept)))


def test_no_cases_where_they_are_needed() -> None:
    with pytest.raises(Rejected):
        Checked(replace(size_of_g(), tree=Leaf()))


def test_a_false_sign() -> None:
    """A branch that claims another sign than the quantity can have there does not cover it."""
    forged = Split(g, ((POSITIVE, Leaf()), (ZERO, Leaf()), (POSITIVE, Leaf())))
    with pytest.raises(Rejected, match="a case is missing"):
        Checked(replace(size_of_g(), tree=forged))


def test_a_claim_swapped_under_a_true_tree() -> None:
    true = size_of_g()
    with pytest.raises(Rejected, match="differ"):
        Checked(replace(true, pairs=((apply("sqrt", g**2), g),)))


def test_an_assumption_dropped() -> None:
    pair = (apply("sqrt", v * v), v)
    true = propose_identity((pair,), Assumptions({"v": NONNEGATIVE}))
    assert Checked(true)
    with pytest.raises(Rejected):
        Checked(replace(true, assumptions=Assumptions({"v": REAL})))


def test_the_gap_at_decay_zero_cannot_be_skipped() -> None:
    pair = (beta ** (t - 1), beta**t / beta)
    domains = Assumptions({"beta": DECAY, "t": COUNTER})
    for tree in (Leaf(), Split(beta, ((POSITIVE, Leaf()),)), Split(beta, ((ZERO, Leaf()), (POSITIVE, Leaf())))):
        with pytest.raises(Rejected):
            Checked(Identity((pair,), domains, tree))


def ema_form() -> Correspondence:
    lr, b = Symbol("lr"), Symbol("beta")
    verdict = prove(RULES["momentum_ema"], RULES["momentum"], states={"v": lr * Symbol("v")},
                    hyperparameters={"lr": lr * (1 - b)})  # fmt: skip
    certificate = verdict.evidence.certificate
    assert verdict
    assert isinstance(certificate, Correspondence)
    return certificate


@pytest.mark.parametrize(
    "forged",
    [
        {"states": {"theta": Symbol("theta"), "v": Symbol("v")}},
        {"states": {"theta": Symbol("theta") + 1, "v": Symbol("lr") * Symbol("v")}},
        {"hyperparameters": {"lr": Symbol("lr"), "beta": Symbol("beta")}},
        {"hyperparameters": {"lr": Symbol("lr") * (1 - Symbol("beta")), "beta": Symbol("beta") ** 2}},
        {"inverse": {"lr": Symbol("b.lr"), "beta": Symbol("b.beta")}},
        {"trees": ()},
        {"b": RULES["nesterov"]},
        {"a": RULES["momentum"]},
    ],
    ids=["state map", "shifted parameter", "no hyperparameter map", "not one to one", "inverse", "no proofs", "b", "a"],
)
def test_a_wrong_map(forged: dict[str, object]) -> None:
    with pytest.raises(Rejected):
        Checked(replace(ema_form(), **forged))  # type: ignore[arg-type]


def test_a_map_that_leaves_the_domain() -> None:
    """-lr is no learning rate, though the algebra of the step would not mind."""
    lr = Symbol("lr")
    verdict = prove(RULES["gradient_descent"], RULES["gradient_descent"], hyperparameters={"lr": -lr})
    assert verdict.status == "refuted" or verdict.status == "unknown"


def test_a_false_invariant() -> None:
    true = invariant_certificate(RULES["adam"]).certificate
    assert isinstance(true, Invariants)
    assert true.names == ("v",)
    with pytest.raises(Rejected):
        Checked(replace(true, names=("m", "v"), trees=true.trees * 2))
    with pytest.raises(Rejected):
        Checked(replace(true, names=("m",)))


def a_limit() -> Limit:
    found = limit(1 - beta**t, "t", Assumptions({"beta": DECAY, "t": COUNTER}))
    assert found is not None
    return found.claim


def limit_with(claim: Limit, **changes: object) -> Limit:
    trees: tuple[Tree, ...] = (Leaf(),) * 4
    return replace(claim, trees=trees, **changes)  # type: ignore[arg-type]


def test_a_limit_is_accepted_with_its_proof() -> None:
    claim = a_limit()
    assert claim.limit is Number(1)


@pytest.mark.parametrize(
    "changes",
    [
        {"limit": Number(2)},
        {"continuous": 1 - Symbol("#power0") ** 2},
        {"powers": {"#power0": beta + 1}},
        {"variable": "u"},
        {"assumptions": Assumptions({"beta": DECAY, "t": replace(COUNTER, high=COUNTER.low)})},
    ],
    ids=["value", "form", "a base of one or more", "another variable", "a bounded variable"],
)
def test_a_false_limit(changes: dict[str, object]) -> None:
    with pytest.raises(Rejected):
        Checked(limit_with(a_limit(), **changes))


def test_a_nested_radicand_does_not_hide_behind_its_own() -> None:
    """sqrt(sqrt(-beta^t)) is undefined for every t, however small beta^t gets."""
    nested = 5 + apply("sqrt", apply("sqrt", -(beta**t)))
    assert limit(nested, "t", Assumptions({"beta": DECAY, "t": COUNTER})) is None


def test_names_of_a_limit_are_those_of_its_expression() -> None:
    share = (1 - beta**t) / beta**t
    found = limit(apply("abs", apply("abs", beta**t - g)), "t", Assumptions({"beta": DECAY, "t": COUNTER}))
    assert found is not None
    assert symbols(found.claim.limit) <= {"g", "beta"}
    assert limit(apply("abs", apply("abs", share)), "t", Assumptions({"beta": DECAY, "t": COUNTER})) is None


def own(step: dict[str, Expr], start: dict[str, Expr]) -> Rule:
    """A rule with a learning rate, from what a step makes of theta and its states."""
    return Rule(
        name="own",
        inputs=("theta", "g"),
        hyperparameters=(Hyperparameter("lr", None),),
        states=tuple(State(name, value) for name, value in start.items()),
        body=(
            *(Assignment(f"new_{n}", e) for n, e in step.items()),
            *(Assignment(n, Symbol(f"new_{n}")) for n in step),
        ),
        outputs=("theta",),
    )


theta, lr, m, u, c = map(Symbol, ("theta", "lr", "m", "u", "c"))


def forged(a: Rule, b: Rule, states: dict[str, Expr], hypers: dict[str, Expr], back: dict[str, Expr]) -> Correspondence:
    """The best certificate a strategy could propose for a claim, obligations it cannot prove left without cases."""
    certificate = invariant_certificate(a).certificate
    assert isinstance(certificate, Invariants)
    trees: list[Tree] = []
    for _, pairs, assumed in of_correspondence(a, b, states, hypers, back, certificate.names):
        try:
            trees.append(propose_identity(pairs, assumed).tree)
        except (Differs, Undecided):
            trees.append(Leaf())
    return Correspondence(a, b, states, hypers, back, certificate, tuple(trees))


def part_only_where_undefined(a: Rule, b: Rule) -> bool:
    verdict = prove(a, b)
    assert verdict.status == "conditional"
    assert verdict.counterexample is not None
    return bool(verdict.condition and verdict.condition["any_of"] == ["both sides are defined at every step"])


def test_a_state_that_becomes_undefined_is_seen_though_no_map_mentions_it() -> None:
    a = own({"theta": theta - lr * g + (u - u), "u": 1 / g}, {"u": Number(0)})
    b = own({"theta": theta - lr * g}, {})
    assert part_only_where_undefined(a, b)
    with pytest.raises(Rejected):
        Checked(forged(a, b, {"theta": theta}, {"lr": lr}, {"lr": Symbol("b.lr")}))


def test_a_step_that_is_undefined_hides_no_difference() -> None:
    """u = 1/g is never read; where g = 0 both runs end, and theta had better be the same in that step too."""
    zero = apply("eq", g, 0)
    a = own({"theta": theta - lr * apply("where", zero, 1, g), "u": 1 / g}, {"u": Number(0)})
    b = own({"theta": theta - lr * apply("where", zero, 2, g), "u": 1 / g}, {"u": Number(0)})
    assert part_only_where_undefined(a, b)
    assert prove(a, a).status == "proved"
    narrower = own({"theta": theta - lr * g * g / g, "u": 1 / g}, {"u": Number(0)})
    wider = own({"theta": theta - lr * g, "u": 1 / g}, {"u": Number(0)})
    assert part_only_where_undefined(wider, narrower)


def test_a_run_ends_with_its_first_undefined_step() -> None:
    """After it a spoilt u makes one theta undefined and not the other; the runs had ended before."""
    a = own({"theta": theta - lr * g + (u - u), "u": 1 / g}, {"u": Number(0)})
    b = own({"theta": theta - lr * g, "u": 1 / g}, {"u": Number(0)})
    assert prove(a, b).status == "proved"
    with pytest.raises(NotConfirmed):
        Replayed(Separation(a, b, {"lr": Fraction(1)}, {"lr": Fraction(1)}, Fraction(0), (Fraction(0), Fraction(1))))


def test_a_map_that_breaks_down_is_no_map() -> None:
    """c = 1/m holds until a gradient is zero; then a goes on and b does not."""
    a = own({"theta": theta - lr * g, "m": m * g}, {"m": Number(1)})
    b = own({"theta": theta - lr * g * (c - c + 1), "c": c / g}, {"c": Number(1)})
    assert prove(a, b, states={"c": 1 / m}).status == "refuted"
    with pytest.raises(Rejected):
        Checked(forged(a, b, {"theta": theta, "c": 1 / m}, {"lr": lr}, {"lr": Symbol("b.lr")}))


def test_maps_do_not_look_at_gradients() -> None:
    a, b = own({"theta": theta - lr * g}, {}), own({"theta": theta - (lr + g) * g}, {})
    with pytest.raises((Rejected, ValueError), match="depends on g"):
        Checked(forged(a, b, {"theta": theta}, {"lr": lr - g}, {"lr": Symbol("b.lr") + g}))
    a = own({"theta": theta - lr * m * g, "m": Number(1)}, {"m": Number(0)})
    b = own({"theta": theta - lr * c, "c": g}, {"c": Number(0)})
    with pytest.raises((Rejected, ValueError), match="depends on g"):
        Checked(forged(a, b, {"theta": theta, "c": m * g}, {"lr": lr}, {"lr": Symbol("b.lr")}))


def test_what_was_checked_cannot_be_changed_afterwards() -> None:
    checked = Checked(propose_identity(((apply("abs", v), v),), Assumptions({"v": NONNEGATIVE})))
    assert isinstance(checked.certificate, Identity)
    with pytest.raises(TypeError):
        checked.certificate.assumptions.domains["v"] = REAL  # type: ignore[index]


def test_no_limit_through_a_jump() -> None:
    """sign(beta^t) is 1 for every t and 0 at the limit of beta^t: sign is not continuous."""
    jump: Expr = apply("sign", beta**t)
    assert limit(jump, "t", Assumptions({"beta": replace(DECAY, low_open=True), "t": COUNTER})) is None


def test_verdicts_need_their_evidence() -> None:
    for status in ("proved", "conditional", "refuted"):
        with pytest.raises(TypeError, match="needs evidence"):
            Verdict(status)
    with pytest.raises(TypeError, match="needs evidence"):
        Verdict("refuted", evidence=Checked(size_of_g()))


def test_a_witness_that_separates_nothing() -> None:
    with pytest.raises(NotConfirmed):
        Replayed(Point(((g, g + 0),), {"g": Fraction(1)}, Assumptions()))
    outside = Assumptions({"g": NONNEGATIVE})
    with pytest.raises(NotConfirmed):
        Replayed(Point(((apply("abs", g), g),), {"g": Fraction(-1)}, outside))


def test_certificates_of_the_library_are_checked_again() -> None:
    for rule in LIBRARY:
        certificate = invariant_certificate(rule).certificate
        assert Checked(certificate).certificate is certificate
        assert assumptions_of(rule).domains
