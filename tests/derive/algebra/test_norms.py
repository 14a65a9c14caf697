"""Norms of whole tensors: what is proved of them never rests on one coordinate."""

from __future__ import annotations

import ast
from dataclasses import replace

import pytest

from derive.deriving import derivations
from derive.deriving.bounds import step_bound
from derive.deriving.decay import decoupled_decay
from derive.deriving.linear import linear_buffers
from derive.deriving.rates import effective_lr, first_step
from derive.deriving.stability import stable_region
from derive.evaluate import over
from derive.expr import Expr, Number, Symbol, apply
from derive.library import LIBRARY
from derive.linear.system import linear_system
from derive.ops import Inexact
from derive.precision.report import hazards_of
from derive.proving import Assumptions, identity
from derive.proving.certificate import Identity, Leaf, Split
from derive.proving.checker import Checked, Rejected
from derive.proving.everywhere import everywhere
from derive.reading.python.expressions import read_expression
from derive.relating import prove
from derive.rule import NONNEGATIVE, POSITIVE, UNIT, Assignment, Rule
from derive.smt.encode import Encoding, Untranslatable
from derive.smt.export import question
from derive.smt.solver import is_installed
from derive.tensors import by_coordinates

RULES = {r.name: r for r in LIBRARY}
ANYTHING = Assumptions()


def read(text: str) -> Expr:
    return read_expression(text, file="test")


def verdict(left: str, right: str, assumptions: Assumptions = ANYTHING) -> str:
    return identity([(read(left), read(right))], assumptions).status


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("norm(g * (theta + 1))", "norm(g + theta * g)"),
        ("norm(where(g > 0, g, g))", "norm(g)"),
        ("abs(norm(g))", "norm(g)"),
        ("norm(g - theta)", "norm(theta - g)"),
        ("sqrt(norm(g) ** 2)", "norm(g)"),
        ("where(norm(g) > 0, 1 / norm(g) * norm(g), 1)", "1"),
        ("where(norm(g) == 0, norm(g), 0)", "0"),
    ],
)
def test_the_same_at_every_coordinate_has_the_same_norm(left: str, right: str) -> None:
    assert verdict(left, right) == "proved"


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("norm(g)", "abs(g)"),
        ("where(g == 0, norm(g), 0)", "0"),
        ("where(g == theta, norm(g) - norm(theta), 0)", "0"),
        ("where(g > 0, norm(g) - norm(abs(g)), 0)", "0"),
        ("norm(g * theta)", "norm(g) * norm(theta)"),
        ("norm(lr * g)", "abs(lr) * norm(g)"),  # nobody says that lr is one number
        ("where(g == 2, norm(g * theta), 0)", "where(g == 2, 2 * norm(theta), 0)"),
        ("norm(norm(g))", "norm(g)"),  # the norm of a tensor of equal numbers is more than one of them
    ],
)
def test_nothing_is_proved_of_one_coordinate(left: str, right: str) -> None:
    assert verdict(left, right) == "unknown"  # with one coordinate the sides are equal, so nothing refutes them


ONE_NUMBER = Assumptions({"lr": NONNEGATIVE, "c": POSITIVE}, frozenset({"lr", "c", "d"}))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("norm(-3 * g)", "3 * norm(g)"),
        ("norm(lr * g)", "lr * norm(g)"),
        ("norm(d * g)", "abs(d) * norm(g)"),
        ("norm(g / c)", "norm(g) / c"),
        ("norm(g * norm(theta))", "norm(g) * norm(theta)"),
        ("norm(lr * g + c * lr * theta)", "lr * norm(g + c * theta)"),
        ("where(norm(g) > 0, norm(theta / norm(g)) * norm(g), norm(theta))", "norm(theta)"),
        ("where(lr == c, norm(lr * g), 0)", "where(lr == c, c * norm(g), 0)"),
        ("norm(3)", "3 * norm(1)"),
    ],
)
def test_what_is_one_number_for_the_tensor_is_drawn_out_of_a_norm(left: str, right: str) -> None:
    assert verdict(left, right, ONE_NUMBER) == "proved"


@pytest.mark.parametrize(
    ("left", "right", "status"),
    [
        ("norm(d * g)", "d * norm(g)", "refuted"),
        ("norm(g * theta)", "abs(g) * norm(theta)", "unknown"),  # equal for one coordinate, and for no others
        ("norm(abs(x) * g)", "abs(x) * norm(g)", "unknown"),
        ("where(g == lr, norm(g * theta), 0)", "where(g == lr, lr * norm(theta), 0)", "unknown"),
        ("where(theta == g * lr, norm(theta), 0)", "where(theta == g * lr, lr * norm(g), 0)", "unknown"),
        ("norm(g + theta)", "norm(g) + norm(theta)", "refuted"),
    ],
)
def test_what_is_not_one_number_stays_inside(left: str, right: str, status: str) -> None:
    assert verdict(left, right, ONE_NUMBER) == status


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("norm(g - g)", "0"),
        ("norm(0 * g)", "0"),
        ("where(norm(g) == 0, g, 0)", "0"),
        ("where(norm(g) == 0, norm(g + lr * theta), 0)", "where(norm(g) == 0, lr * norm(theta), 0)"),
        ("where(g == 0, 1, where(norm(g) > 0, 1, 0))", "1"),
    ],
)
def test_a_norm_is_zero_where_the_tensor_is_and_nowhere_else(left: str, right: str) -> None:
    assert verdict(left, right, ONE_NUMBER) == "proved"


def test_no_coordinate_is_larger_than_the_norm() -> None:
    assert verdict("maximum(abs(g), norm(g))", "norm(g)") == "proved"
    assert verdict("maximum(g - theta / 2, norm(2 * g - theta) / 2)", "norm(2 * g - theta) / 2") == "proved"
    assert verdict("maximum(2 * g, norm(g))", "norm(g)") == "refuted"
    assert verdict("maximum(abs(theta), norm(g))", "norm(g)") == "refuted"
    assert verdict("maximum(abs(g), norm(g) / 2)", "abs(g)") == "unknown"  # of five ones the half is more


def test_a_certificate_that_draws_a_coordinate_out_of_a_norm_is_refused() -> None:
    pair = (read("norm(g * theta)"), read("abs(g) * norm(theta)"))
    signs = tuple((frozenset({s}), Leaf()) for s in (-1, 0, 1))
    for tree in (Leaf(), Split(Symbol("g"), signs)):
        with pytest.raises(Rejected):
            Checked(Identity((pair,), ANYTHING, tree))
    assert Checked(Identity((pair,), Assumptions({}, frozenset({"g"})), Split(Symbol("g"), signs)))


@pytest.mark.parametrize("name", ["g", "theta"])
def test_a_domain_of_a_coordinate_says_nothing_of_the_tensor(name: str) -> None:
    positive = Assumptions({name: POSITIVE})
    assert verdict(f"norm({name})", name, positive) == "unknown"
    assert verdict(f"norm({name})", f"norm(abs({name}))", positive) == "unknown"


def test_one_coordinate_is_enough_to_refute() -> None:
    found = identity([(read("norm(g + 1)"), read("norm(g) + 1"))], ANYTHING)
    assert found.status == "refuted"


def test_what_is_perhaps_undefined_elsewhere_has_no_norm_to_speak_of() -> None:
    assert verdict("where(g == 0, theta, theta + 0 * norm(1 / g))", "theta") == "unknown"
    assert verdict("norm(sqrt(v))", "norm(sqrt(v) * 1)") == "unknown"
    assert verdict("norm(sqrt(v))", "norm(sqrt(v) * 1)", Assumptions({"v": NONNEGATIVE})) == "proved"
    assert verdict("norm(1 / g)", "abs(1 / g)") == "unknown"


def test_balls_over_a_box_say_nothing_of_norms() -> None:
    box = {"g": UNIT}
    assert isinstance(over([read("norm(g)")], box)[0], Inexact)
    assert everywhere(read("norm(g) <= 2"), box).status == "unknown"  # of five ones it is more
    assert everywhere(read("abs(g) <= 2"), box).status == "proved"


@pytest.mark.skipif(not is_installed(), reason="z3 is not installed")
def test_another_prover_knows_no_more_of_norms() -> None:
    from derive.smt.deciding import proves

    g, theta = Symbol("g"), Symbol("theta")
    of_g, of_theta = apply("norm", g), apply("norm", theta)
    assert proves(((apply("max", of_g, 0), of_g),), ANYTHING)
    for condition, difference in ((apply("eq", g, theta), of_g - of_theta), (apply("eq", g, 0), of_g)):
        assert not proves(((apply("where", condition, difference, 0), Number(0)),), ANYTHING)


def test_a_norm_is_exported_as_a_number_of_its_own() -> None:
    script = question(((read("norm(g) + norm(g)"), read("norm(theta)")),), ANYTHING)
    assert script.count("declare-const") == 4  # two names, two norms
    assert "powers, whole numbers or functions stand for more" in script
    with pytest.raises(Untranslatable):
        Encoding(ANYTHING).term(read("norm(1 / g)"))


def test_a_norm_over_written_out_coordinates() -> None:
    pair = (Number(3), Number(-4))
    [found] = by_coordinates([read("norm(g) * g")], {"g": pair}, 2)
    assert identity([(found[0], Number(15)), (found[1], Number(-20))], ANYTHING)


# Norms of all tensors


class OverAll(ast.NodeTransformer):
    """`all(x)` for the norm of all tensors."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if ast.unparse(node.func) == "all":
            return ast.parse(f'norm({ast.unparse(node.args[0])}, over="all")', mode="eval").body
        return node


def over_all(text: str) -> str:
    return ast.unparse(OverAll().visit(ast.parse(text, mode="eval")))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("all(g * (theta + 1))", "all(g + theta * g)"),
        ("all(d * g)", "abs(d) * all(g)"),
        ("norm(all(g) * theta)", "all(g) * norm(theta)"),
        ("all(theta) * all(g)", 'norm(norm(g, over="all") * theta, over="all")'),
        ("where(all(g) == 0, g, 0)", "0"),
        ("where(all(g) == 0, norm(g), 0)", "0"),
        ("where(all(g) == lr, all(lr * theta), 0)", "where(all(g) == lr, all(g) * all(theta), 0)"),
        ("maximum(abs(g), all(g))", "all(g)"),
        ("all(where(norm(g) > 0, theta, theta))", "all(theta)"),
    ],
)
def test_what_is_one_number_for_all_tensors_is_drawn_out_of_their_norm(left: str, right: str) -> None:
    assert verdict(over_all(left), over_all(right), ONE_NUMBER) == "proved"


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("all(g)", "norm(g)"),
        ("all(norm(g) * theta)", "norm(g) * all(theta)"),
        ("where(norm(g) == 0, all(g), 0)", "0"),  # the other tensors may have gradients
        ("where(norm(g) == 0, all(g * theta), 0)", "0"),
        ("where(norm(g) == lr, all(norm(g) * theta), 0)", "where(norm(g) == lr, lr * all(theta), 0)"),
        ("where(norm(g) > 0, all(theta / norm(g)) * norm(g), 0)", "where(norm(g) > 0, all(theta), 0)"),
        ("where(norm(g) > 0, all(where(norm(g) > 0, theta, 0)), 0)", "where(norm(g) > 0, all(theta), 0)"),
        ("all(norm(g))", "all(g)"),
        ("all(norm(g))", "norm(g)"),
        ("norm(norm(g))", "all(norm(g))"),
    ],
)
def test_nothing_is_proved_of_all_tensors_from_one(left: str, right: str) -> None:
    assert verdict(over_all(left), over_all(right), ONE_NUMBER) == "unknown"  # with one tensor of one element all agree


def test_norms_over_tensors_that_are_written_out() -> None:
    values = {"g": tuple(map(Number, (3, -4, 12)))}
    [alone], [together] = (
        by_coordinates([read(text)], values, 3, sizes=(2, 1)) for text in ("norm(g)", over_all("all(g)"))
    )
    assert identity([(alone[0], Number(5)), (alone[1], Number(5)), (alone[2], Number(12))], ANYTHING)
    assert identity([(each, Number(13)) for each in together], ANYTHING)


def test_rules_that_clip_each_tensor_and_all_are_not_the_same() -> None:
    each, of_all = (stepping(name, f"theta - lr * g / maximum(1, {over_all(norm)})")
                    for name, norm in (("each", "norm(g)"), ("of_all", "all(g)")))  # fmt: skip
    assert prove(each, of_all).status == "unknown"
    assert prove(of_all, stepping("other", over_all("theta - lr * g / maximum(all(-g), 1)"))).status == "proved"


# Rules


def stepping(name: str, text: str) -> Rule:
    """Gradient descent with another step."""
    return replace(RULES["gradient_descent"], name=name, body=(Assignment("theta", read(text)),))


def normalised() -> Rule:
    return stepping("normalised", "theta - lr * g / norm(g)")


def test_a_normalised_step_is_not_that_of_each_coordinate() -> None:
    assert prove(normalised(), stepping("alone", "theta - lr * g / abs(g)")).status == "unknown"


@pytest.mark.parametrize("name", ["lars"])
def test_a_rule_written_otherwise_is_the_rule_and_one_without_other_coordinates_is_not(name: str) -> None:
    known = RULES[name]
    [line] = [a for a in known.body if a.target == "ratio"]
    doubled = replace(line, value=line.value / 2 + line.value / 2)
    rewritten = replace(known, name="rewritten", body=tuple(doubled if a is line else a for a in known.body))
    assert prove(known, rewritten).status == "proved"
    alone = tuple(
        replace(a, value=apply("abs", a.value.args[0])) if getattr(a.value, "op", "") == "norm" else a  # type: ignore[attr-defined]
        for a in known.body
    )
    assert prove(known, replace(known, name="alone", body=alone)).status == "unknown"
    off = replace(line, value=2 * line.value)
    wrong = replace(known, name="wrong", body=tuple(off if a is line else a for a in known.body))
    assert prove(known, wrong).status == "refuted"


def test_a_rule_with_norms_is_not_linear_and_follows_no_coordinate() -> None:
    for each in (RULES["lars"], RULES["lamb"], normalised()):
        assert linear_system(each) is None
        for derive in (step_bound, effective_lr, first_step, decoupled_decay, stable_region):
            assert derive(each) is None, derive.__name__
    [buffer] = linear_buffers(RULES["lars"])  # whose input mixes coordinates, and is an input all the same
    assert (buffer.name, str(buffer.decay), str(buffer.gain)) == ("v", "mu", "lr")
    [line] = [a for a in RULES["lars"].body if a.target == "v"]
    inside = replace(line, value=line.value + 0 * apply("norm", Symbol("v")))
    mixed = tuple(inside if a is line else a for a in RULES["lars"].body)
    assert linear_buffers(replace(RULES["lars"], body=mixed)) == ()
    assert [b.name for b in linear_buffers(RULES["lamb"])] == ["m", "v"]


def test_what_is_derived_of_them_holds() -> None:
    for name in ("lars", "lamb"):
        assert all(d.holds for d in derivations(RULES[name]))


def test_hazards_are_about_one_coordinate() -> None:
    assert not [h for h in hazards_of(RULES["lamb"], "float16").found if h.kind in ("start", "shrink")]
    assert [h for h in hazards_of(RULES["adamw"], "float16").found if h.kind == "shrink"]
    said = [h.effect for h in hazards_of(RULES["lars"], "float16").found if h.kind == "step"]
    assert said
    assert not any("the first one at g = 1" in effect for effect in said)
