"""Verdicts as people see them, and counterexamples as Python that runs."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from itertools import islice
from pathlib import Path
from textwrap import dedent

import pytest

from derive.expr import Expr, Symbol
from derive.library import LIBRARY
from derive.proving.refute import separating_trajectory
from derive.proving.replay import Replayed, Separation
from derive.proving.verdict import Verdict
from derive.reading.read import read_text
from derive.relating import prove
from derive.rendering.parting import rows
from derive.rendering.reproduce import script
from derive.rendering.verdicts import document, markdown, text
from derive.rule import Assignment, Hyperparameter, Rule
from tests.mutation import rule_mutants
from tests.zoo import NAMES, construct

RULES = {rule.name: rule for rule in LIBRARY}
ODD = """
def plain(theta, g, *, lr=nonnegative(0.1)):
    theta = theta - lr * g
    return theta

def counted_from_zero(theta, g, t, *, lr=nonnegative(0.1)):
    theta = theta - lr * g / (t - 1)
    return theta

def chosen(theta, g, *, lr=nonnegative(0.1)):
    inverse = 1 / (g - 1)
    theta = theta - lr * (2 * g if g == 1 else inverse)
    return theta

def named_oddly(theta, g, F=0, *, sqrt=nonnegative(0.1), gradients=real(2), zip=real(2)):
    F = F + g**2
    theta = theta - sqrt * g / (F + 1)**0.5 * (1 / 3) ** -zip * gradients
    return theta, F

def roots_of_negative_numbers(theta, g, *, lr=nonnegative(0.1)):
    theta = theta - lr * (g - 2)**(1/2)
    return theta

def wanders(theta, g, v=0, *, lr=nonnegative(0.1)):
    g = grad(theta - v / 3)
    v = v + g
    theta = theta - lr * v
    return theta, v
"""


def rule(name: str) -> Rule:
    return RULES[name] if name in RULES else read_text(ODD, name, "odd.py")


def parted(a: Rule, b: Rule) -> Replayed:
    """A counterexample; hyperparameters of the same name have the same value."""
    found = separating_trajectory(a, b, {name: Symbol(name) for name in b.hyperparameter_names})
    assert found is not None
    return found


def ran(python: str) -> list[str]:
    """What the lines print, one for each rule, without the rules' names."""
    done = subprocess.run([sys.executable, "-I", "-c", python], capture_output=True, text=True, check=True)
    assert not done.stderr
    return [line.partition(": ")[2] for line in done.stdout.splitlines()]


# The table


def test_a_counterexample_is_followed_line_by_line() -> None:
    verdict = refuted("momentum_ema", "nesterov")
    assert text(verdict, code=False) == dedent("""\
        refuted: at step 1 the queried point is 1/2 in momentum_ema and -1/2 in nesterov

        counterexample
          lr = 1, beta = 1/2

        step   value     A momentum_ema  B nesterov
        start  theta     1               1
               v         0               0
        1      asked at  1               1
               g         1               1
               v         1/2             1
               theta     1/2             0
        2      asked at  1/2             -1/2  <- here they part""")


def refuted(a: str, b: str) -> Verdict:
    found = parted(rule(a), rule(b))
    return Verdict("refuted", counterexample=found.document(), message=found.message(), evidence=found)


def test_lines_of_one_rule_leave_the_other_blank() -> None:
    shown = text(refuted("adam", "adam_eps_hat"), code=False)
    assert "\n       v_hat  1\n       lr_t           sqrt(2) = 1.4142136\n" in shown


def test_the_last_line_of_the_name_that_differs_is_the_one_marked() -> None:
    """Clipping sets g anew: two rows are called g."""
    one, two = Fraction(1), Fraction(2)
    settings = ({"lr": one}, {"lr": one, "bound": one})
    found = rows(Replayed(Separation(rule("plain"), construct("clipped"), *settings, one, (two,))))
    assert [(row.step, row.name, row.a is None) for row in found[1:]] == [
        (1, "g", False), (1, "g", True), (1, "theta", False),
    ]  # fmt: skip
    assert [row.parts for row in found] == [False, False, False, True]


def test_the_rows_hold_what_the_verdict_says() -> None:
    for a, b in (("adam", "adam_eps_hat"), ("rmsprop", "adagrad"), ("ewma", "ewma_debiased"), ("nesterov", "momentum")):
        shown = document(refuted(a, b))["counterexample"]
        [row] = [row for row in shown["rows"] if row["parts"]]
        assert (row["a"], row["b"]) == (shown["expected"], shown["actual"])


def test_schedules_are_shown() -> None:
    a, b = rule("momentum_ema"), rule("momentum")
    half, one = Fraction(1, 2), Fraction(1)
    settings = ({"lr": one, "beta": half}, {"lr": half, "beta": half})
    gradients = (one, one)
    found = Replayed(
        Separation(a, b, *settings, one, gradients, ({"lr": one}, {"lr": half}), ({"lr": half}, {"lr": half / 2}))
    )
    verdict = Verdict("refuted", counterexample=found.document(), message=found.message(), evidence=found)
    assert "  A.beta = 1/2; A.lr = 1, then 1/2\n  B.beta = 1/2; B.lr = 1/2, then 1/4\n" in text(verdict)
    assert ran(script(found) or "") == [str(value) for value in found.sides]


def twice(point: Expr) -> Rule:
    """Gradient descent that asks for a second gradient in each step, at this point."""
    theta, lr, g, g2 = map(Symbol, ("theta", "lr", "g", "g2"))
    body = (Assignment("theta", theta - lr * g - lr * g2, line=3),)
    return replace(rule("plain"), name="twice", body=body, asked=(("g2", point),))


def test_a_second_gradient_of_a_step_is_asked_for_in_its_place() -> None:
    theta, lr, g = map(Symbol, ("theta", "lr", "g"))
    one, half = {"lr": Fraction(1)}, Fraction(1, 2)
    runs = Separation(twice(theta - lr * g), twice(theta - 2 * lr * g), one, one, half, (Fraction(1),))
    found = Replayed(runs)
    assert found.message() == "at the start the queried point of g2 is -1/2 in A and -3/2 in B"
    assert [(row.step, row.name, str(row.a), row.parts) for row in rows(found)] == [
        (0, "theta", "1/2", False), (1, "asked at", "1/2", False), (1, "g", "1", False), (1, "asked at", "-1/2", True),
    ]  # fmt: skip
    assert "gradients = [(F(1), None)]" in (script(found) or "")
    assert ran(script(found) or "") == ["-1/2", "-3/2"]


def test_both_gradients_of_a_step_count() -> None:
    other = replace(twice(Symbol("theta")), body=(Assignment("theta", Symbol("theta") - Symbol("g2"), line=3),))
    one = {"lr": Fraction(1)}
    found = Replayed(Separation(twice(Symbol("theta")), other, one, one, Fraction(1), (Fraction(2), Fraction(3))))
    assert ran(script(found) or "") == [str(value) for value in found.sides] == ["-4", "-2"]


# Everything else a verdict says


def test_a_proof_shows_its_map_and_what_it_rests_on() -> None:
    shown = text(prove(rule("momentum_ema"), rule("momentum")))
    assert shown == "proved (hyperparameter_map): equal with B.lr = A.lr * (1 - A.beta), B.v = A.lr * A.v"
    assert "assumptions\n  v ≥ 0 (proved by induction)" in text(prove(rule("adam"), rule("adam")))


def test_a_map_that_the_headline_leaves_out_is_listed() -> None:
    proof = replace(prove(rule("momentum_ema"), rule("momentum")), message="equal")
    assert text(proof).endswith("map\n  B.lr = A.lr * (1 - A.beta)\n  B.v = A.lr * A.v")


def branch(kind: str, shift: int = 0, **said: object) -> dict[str, object]:
    """What `derive.linear.relation` writes of a branch."""
    nothing: dict[str, object] = {
        "hyperparameters": {},
        "condition": {},
        "where": [],
        "free": [],
        "roots": [],
        "states": None,
    }
    return {"kind": kind, "shift": shift, **nothing, **said}


EQUAL = branch("equal", hyperparameters={"B.lr": "A.lr"})
NO_BETA = branch("conditional", hyperparameters={"B.lr": "A.lr"}, condition={"A.beta": "0", "B.beta": "0"})
STILL = branch("degenerate", condition={"A.lr": "0", "B.lr": "0"})
EVERY = "every choice of hyperparameters, each side its own, under which they agree\n"


def conditional(any_of: str, *branches: dict[str, object]) -> str:
    found = prove(rule("momentum"), rule("nesterov"))
    condition = {"any_of": [any_of], "degenerate": [], "exact": False}
    return text(replace(found, condition=condition, message=f"equal where {any_of}", branches=branches))


def test_choices_that_the_headline_has_are_not_listed_again() -> None:
    proof = prove(rule("momentum_lr_outside"), rule("momentum"))
    assert EVERY not in text(replace(proof, branches=(EQUAL, STILL)))
    for pair in (("momentum_ema", "momentum"), ("momentum", "momentum_ema"), ("momentum", "nesterov")):
        verdict = prove(rule(pair[0]), rule(pair[1]))
        assert verdict.branches
        assert EVERY not in text(verdict)
    assert EVERY not in conditional("beta = 0", NO_BETA, STILL)
    assert EVERY not in conditional("A.beta = 0 and B.beta = 0", NO_BETA, STILL)
    assert EVERY not in conditional("beta = 0", {**NO_BETA, "free": ["A.nu"]})


def test_a_further_choice_is_listed_with_all_of_them() -> None:
    proof = prove(rule("momentum_lr_outside"), rule("momentum"))
    shown = text(replace(proof, branches=(EQUAL, branch("equal", hyperparameters={"B.lr": "-A.lr"}), STILL)))
    assert f"{EVERY}  equal: the same hyperparameters in both\n  equal: B.lr = -A.lr\n  degenerate: " in shown
    assert EVERY in text(replace(proof, branches=(EQUAL, branch("equal", shift=1))))
    for more in (
        branch("conditional", condition={"A.beta": "1/2", "B.beta": "1/3"}),
        branch("conditional", condition={"B.beta": "0"}, free=["A.lr", "B.lr"]),
        branch("conditional", where=["A.lr != 0"]),
    ):
        assert EVERY in conditional("beta = 0", NO_BETA, more)
    assert EVERY in conditional("A.beta = 0", NO_BETA)


def test_conditions_are_apart_from_degenerate_ones() -> None:
    proof = prove(rule("adam"), rule("adam"))
    condition = {"any_of": ["eps = 0", "beta2 = 0"], "degenerate": ["lr = 0"], "exact": True}
    shown = text(replace(proof, status="conditional", condition=condition))
    assert "the same where any of these holds\n  eps = 0\n  beta2 = 0\n  (and nowhere else)\ndegenerate" in shown
    shown = text(replace(proof, status="conditional", condition={**condition, "any_of": ["eps = 0"], "exact": False}))
    assert "the same where\n  eps = 0\n  (sufficient; whether they agree elsewhere is not decided)\n" in shown


def test_conditions_of_the_headline_are_not_repeated() -> None:
    shown = text(prove(rule("adam"), rule("adam_eps_hat")))
    assert shown.startswith("conditional: equal where beta2 = 0 or eps = 0\n  (and nowhere else)\ndegenerate: ")


def test_degenerate_conditions_alone_are_no_conditions() -> None:
    condition = {"any_of": [], "degenerate": ["lr = 0"], "exact": False}
    shown = text(replace(refuted("adam", "adagrad"), condition=condition), code=False)
    assert "the same where\n" not in shown
    assert "degenerate: the same, but little is left of the rules, where\n  lr = 0\n" in shown


def test_what_was_tried_is_said_when_asked_for() -> None:
    verdict = Verdict("unknown", message="no map was found", tried=("the same names", "linear maps"), warnings=("w",))
    assert text(verdict) == "unknown: no map was found\nwarnings\n  w"
    assert text(verdict, explain=True).endswith("tried\n  the same names\n  linear maps")


def test_a_verdict_prints_in_full_and_is_one_line_in_a_list() -> None:
    verdict = refuted("momentum", "gradient_descent")
    assert str(verdict) == text(verdict, code=False)
    assert repr([verdict]) == f"[<refuted: {verdict.message}>]"


def test_markdown_has_the_table_and_the_code() -> None:
    shown = markdown(refuted("adam", "adam_eps_hat"))
    assert verdict_row(shown, "theta") == "|  | **theta** | **1/2** | **2 / (sqrt(2) + 2) = 0.58578644** |"
    assert "| v\\_hat |" in shown
    assert ran(shown.partition("```python\n")[2].rpartition("```")[0])[0] == "0.5"


def verdict_row(shown: str, name: str) -> str:
    return [line for line in shown.splitlines() if f"**{name}**" in line][-1]


def test_markdown_takes_nothing_for_its_own() -> None:
    assert markdown(Verdict("unknown", message="a*b | c_d`e`")) == r"**unknown**: a\*b \| c\_d\`e\`"


def test_the_document_is_plain_data_and_the_same_each_time() -> None:
    verdict = refuted("adam", "adam_eps_hat")
    content = json.dumps(document(verdict), allow_nan=False)
    assert content == json.dumps(document(refuted("adam", "adam_eps_hat")), allow_nan=False)
    assert content == json.dumps(document(pickle.loads(pickle.dumps(verdict))), allow_nan=False)


# Python that reproduces it


PAIRS = [
    ("momentum_ema", "momentum"),
    ("adam", "adam_eps_hat"),
    ("adam", "gradient_descent"),
    ("rmsprop", "rmsprop_eps_inside"),
    ("nesterov", "momentum"),
    ("momentum", "wanders"),
    ("ewma", "ewma_debiased"),
    ("plain", "chosen"),
    ("plain", "counted_from_zero"),
    ("plain", "named_oddly"),
    ("plain", "roots_of_negative_numbers"),
    *(("plain", name) for name in NAMES),
]


@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_the_lines_of_python_print_both_values(a: str, b: str) -> None:
    left = rule(a)
    right = construct(b) if b in NAMES else rule(b)
    found = parted(left, right)
    prints_both_values(found, ran(script(found) or ""))


def test_mutants_of_the_library_are_told_apart_in_python_too(tmp_path: Path) -> None:
    """All in one process: each file is one counterexample's lines."""
    runs = []
    for original in LIBRARY[::2]:
        for _, mutant in islice(rule_mutants(original), 0, 60, 7):
            found = separating_trajectory(original, mutant, {h: Symbol(h) for h in mutant.hyperparameter_names})
            if found is not None:
                runs.append(found)
    for index, found in enumerate(runs):
        (tmp_path / f"{index:03}.py").write_text(script(found) or "")
    driver = "import runpy, sys\nfor path in sys.argv[1:]: runpy.run_path(path)"
    command = [sys.executable, "-I", "-c", driver, *map(str, sorted(tmp_path.iterdir()))]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    printed = [line.partition(": ")[2] for line in done.stdout.splitlines()]
    assert len(printed) == 2 * len(runs) > 100
    for index, found in enumerate(runs):
        prints_both_values(found, printed[2 * index : 2 * index + 2])


def prints_both_values(found: Replayed, printed: list[str]) -> None:
    assert len(set(printed)) == 2, found.message()
    for value, line in zip(found.sides, printed, strict=True):
        if value.word:
            assert line.startswith("undefined, ")
        elif value.digits or "." in line:
            assert float(line) == pytest.approx(value.decimal)
        else:
            assert Fraction(line) == Fraction(value.exact or "")


def test_two_rules_of_one_name_stay_two() -> None:
    other = replace(rule("momentum"), name="plain")
    printed = script(
        parted(rule("plain"), replace(other, hyperparameters=(Hyperparameter("lr", None), *other.hyperparameters[1:])))
    )
    assert "def plain(" in (printed or "")
    assert "def plain_(" in (printed or "")


def test_numbers_that_python_would_choke_on_get_no_lines() -> None:
    huge = read_text(
        "def huge(theta, g, *, lr=0.1):\n    return theta - lr * abs(1e300**20 * g)**1e9\n", "huge", "h.py"
    )
    one = {"lr": Fraction(1)}
    assert script(Replayed(Separation(rule("plain"), huge, one, one, Fraction(1), (Fraction(1),)))) is None
