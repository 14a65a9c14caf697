"""From what a user types to a rule."""

from __future__ import annotations

from pathlib import Path

import pytest

from derive.errors import UserError
from derive.language import decay, sqrt
from derive.library.lookup import as_rule, find_rule, rules


def test_the_names_of_the_library() -> None:
    assert [r.name for r in rules()] == [
        "ewma", "ewma_debiased", "gradient_descent", "momentum", "momentum_ema", "momentum_lr_outside", "nesterov",
        "nesterov_torch", "qhm", "sign_sgd", "signum", "lion", "rprop", "adagrad", "adagrad_eps_inside", "adadelta",
        "rmsprop", "rmsprop_eps_inside", "rmsprop_centered", "rmsprop_momentum", "rmsprop_debiased", "adam",
        "adam_eps_hat", "adam_l2", "adamw", "adamax", "amsgrad", "amsgrad_debiased", "nadam", "nadam_constant", "radam",
        "adabelief", "yogi", "adopt", "lars", "lamb",
    ]  # fmt: skip
    assert all(find_rule(r.name) is r for r in rules())


def test_every_rule_has_a_reference_and_a_description() -> None:
    assert all(r.reference.paper and r.doc and r.where for r in rules())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("adamm", "no rule 'adamm'; did you mean adam or radam or nadam?"),
        ("xyz", "no rule 'xyz'; 'derive rules' lists them; a file's rule is PATH::NAME"),
        ("mine.py", "no rule 'mine.py'; say which rule of the file: mine.py::NAME"),
        ("::adam", "there is no path before '::'; write adam for the library's rule"),
        ("::adamm", "there is no path before '::'; write PATH::NAME"),
        ("mine.py::", "mine.py: there is no name after '::'; write PATH::NAME"),
        ("none.py::f", "none.py: cannot be read: No such file or directory; give the path of a .py file"),
    ],
)
def test_what_is_not_there(text: str, said: str) -> None:
    with pytest.raises(UserError) as error:
        find_rule(text)
    assert str(error.value) == said


def test_a_rule_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("def f(theta, g):\n    return theta - g\n")
    assert str(find_rule(f"{path}::f").body[0]) == "theta = theta - g"
    with pytest.raises(UserError, match=r"mine\.py: no function or class 'h'; defined there: f"):
        find_rule(f"{path}::h")
    with pytest.raises(UserError, match=r"mine\.py: no function or class 'ff'; did you mean f\?"):
        find_rule(f"{path}::ff")
    path.write_text("".join(f"def rule_{n}(theta, g): return theta - g\n" for n in range(12)))
    with pytest.raises(UserError, match=r"defined there: rule_0, .*, rule_9, \.\.\.$"):
        find_rule(f"{path}::adam")


def descent(theta, g, *, lr=0.1):  # type: ignore[no-untyped-def]
    return theta - lr * sqrt(g)  # calling it would raise


class Averaging:
    """A class of which no method may be called."""

    def __init__(self, beta: float = decay(0.9)) -> None:
        self.beta, self.m = beta, 0

    def step(self, x):  # type: ignore[no-untyped-def]
        self.m = self.beta * self.m + (1 - self.beta) * sqrt(x)
        return self.m


class Later:
    """A class whose step is replaced after it is defined."""

    def step(self, theta, g):  # type: ignore[no-untyped-def]
        return theta - g


def ascent(self, theta, g):  # type: ignore[no-untyped-def]
    return theta + g


def test_whatever_can_be_a_rule(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("def f(theta, g):\n    return theta - g\n")
    adam = find_rule("adam")
    assert as_rule(adam) is as_rule("adam") is adam
    assert as_rule(f"{path}::f") == find_rule(f"{path}::f")
    assert [str(a) for a in as_rule(descent).body] == ["theta = theta - lr * sqrt(g)"]
    assert [str(a) for a in as_rule(Averaging).body] == ["m = beta * m + (1 - beta) * sqrt(x)", "output = m"]


def test_a_class_inside_a_function() -> None:
    class Averaging:
        def step(self, theta, g):  # type: ignore[no-untyped-def]
            return theta - 2 * g

    assert [str(a) for a in as_rule(Averaging).body] == ["theta = theta - 2 * g"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (3, "'int' is no rule, and no function or class that can be read as one; "
            "give a rule, its name, PATH::NAME, or the function or class itself"),
        (None, "'NoneType' is no rule, and no"),
        (Averaging(), "'Averaging' is no rule, and no"),
        (print, "'builtin_function_or_method' is no rule, and no"),
        (dict, "the class 'dict' has no methods in Python; give a class with a step method"),
        (Averaging.step, ": 'step' is a method; give its class"),
        (lambda theta, g: theta - g, ": a lambda can't be read; write it as a function with def"),
        (eval("lambda theta, g: theta - g"), "<string>:1: a lambda can't be read"),  # noqa: S307
    ],
)  # fmt: skip
def test_what_can_be_no_rule(given: object, said: str) -> None:
    with pytest.raises(UserError) as error:
        as_rule(given)
    assert said in str(error.value)


def test_a_class_that_is_not_what_its_source_says(monkeypatch: pytest.MonkeyPatch) -> None:
    assert str(as_rule(Later).body[0]) == "theta = theta - g"
    monkeypatch.setattr(Later, "step", ascent)
    with pytest.raises(UserError, match="no methods in Python"):
        as_rule(Later)
    monkeypatch.setattr(Averaging, "step", ascent)
    with pytest.raises(UserError, match="the method 'step' has been replaced; write it in the class"):
        as_rule(Averaging)
