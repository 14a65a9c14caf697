"""What `from derive import ...` gives."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

import derive
from derive.errors import UserError
from derive.language import nonnegative


def descent(theta, g, *, lr=nonnegative(0.1)):  # type: ignore[no-untyped-def]
    return theta - g * lr


class Descent:
    def __init__(self, lr=nonnegative(0.01)):  # type: ignore[no-untyped-def]
        self.lr = lr

    def step(self, theta, g):  # type: ignore[no-untyped-def]
        return theta - self.lr * g


@pytest.mark.parametrize("own", [descent, Descent])
def test_functions_and_classes_are_rules(own: object) -> None:
    verdict = derive.prove(own, "gradient_descent")
    assert verdict.status == "proved", verdict.message
    holding, _, checked, *_ = str(derive.show(own)).splitlines()[-1].split()
    assert holding == checked


@pytest.mark.parametrize("zero", [0, 0.0, "0", Fraction(0)])
def test_conditions_are_numbers_or_text(zero: object) -> None:
    assert derive.prove("adam", "adam_eps_hat", condition={"eps": zero}).status == "conditional"  # type: ignore[dict-item]


def test_code_is_checked_against_a_rule(tmp_path: Path) -> None:
    file = tmp_path / "own.txt"
    file.write_text("w = w - lr * dw")
    assert derive.check(str(file), "gradient_descent")
    assert derive.check("v = mu * v + dw\nw -= lr * v\n", "momentum_lr_outside", names={"dw": "g"})
    wrong = derive.check("v = mu * v + dw\nw -= lr * dw\n", "momentum_lr_outside")
    assert not wrong
    assert wrong.fault is not None
    assert wrong.fault.message == "line 2 reads `dw` where the rule has `v`"
    with pytest.raises(UserError, match=r"nowhere.py: cannot be read: .*; give the path of a text with code"):
        derive.check("nowhere.py", "adam")


def test_code_of_one_line_is_no_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert derive.check("w -= lr*dw", "gradient_descent")
    monkeypatch.chdir(tmp_path)
    Path("a=b.txt").write_text("w = w + lr * dw")
    assert not derive.check("a=b.txt", "gradient_descent")
    Path("a=b.py").write_text("def f(theta, g, *, lr):\n    return theta - lr * g\n")
    assert derive.check("a=b.py::f", "gradient_descent")


@pytest.mark.parametrize("code", [descent, None, 5, Path("a.txt"), b"w -= lr * dw"])
def test_what_is_no_text_and_no_path_is_refused(code: object) -> None:
    with pytest.raises(UserError, match="is no text and no path"):
        derive.check(code, "gradient_descent")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "given",
    [{"where": 5}, {"where": [5]}, {"where": None}, {"schedule": 5}, {"states": 5}, {"condition": {5: 0}}],
)
def test_what_is_given_of_a_map_in_another_form_is_refused(given: dict[str, object]) -> None:
    with pytest.raises(UserError, match=next(iter(given))):
        derive.prove("momentum", "nesterov", **given)  # type: ignore[arg-type]
    with pytest.raises(UserError, match="names: 5 is no dictionary"):
        derive.check("w -= lr * dw", "gradient_descent", names=5)  # type: ignore[arg-type]


def test_what_is_no_rule_is_refused() -> None:
    for nonsense in (3, None, "adamm", "lr *"):
        with pytest.raises(UserError):
            derive.show(nonsense)
    with pytest.raises(UserError, match="eps"):
        derive.prove("adam", "adam", condition={"eps": "0 +"})


def test_a_verdict_is_short_to_print() -> None:
    assert len(repr(derive.prove("adam", "adam"))) < 400
