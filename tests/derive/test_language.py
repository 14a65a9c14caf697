"""The rule language from a user's side: the decorator, the domain words, and what importing costs."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import derive
from derive.errors import UserError
from derive.language import cbrt, decay, grad, nonnegative, positive, real, rule, sqrt, tanh, unit
from derive.library.lookup import as_rule
from derive.rule import Rule


def test_the_decorator_reads_the_function_it_stands_before() -> None:
    @rule(paper="Nobody 2024", arxiv="2401.00001", note="as printed")
    def halving(theta, g, *, lr=nonnegative(1e-3)):  # type: ignore[no-untyped-def]
        """Half of it."""
        theta = theta - lr * g / 2
        return theta  # noqa: RET504 - as rules are written

    assert isinstance(halving, Rule)
    assert (halving.name, halving.doc, str(halving.body[0])) == ("halving", "Half of it.", "theta = theta - lr * g / 2")
    assert str(halving.reference) == "Nobody 2024; arXiv:2401.00001; as printed"
    assert halving.where.startswith("test_language.py:")


def test_the_decorator_needs_no_brackets_and_never_calls() -> None:
    @rule
    def steps(theta, g):  # type: ignore[no-untyped-def]
        theta = theta - sqrt(abs(g))  # calling sqrt would raise
        return theta  # noqa: RET504 - as rules are written

    assert str(steps.body[0]) == "theta = theta - sqrt(abs(g))"


def test_names_of_an_enclosing_function_are_not_taken_for_the_languages_own() -> None:
    def sqrt(x: float) -> float:
        return x + 1

    with pytest.raises(UserError, match="the function 'sqrt' can't be read"):

        @rule
        def steps(theta, g):  # type: ignore[no-untyped-def]
            theta = theta - sqrt(g)
            return theta  # noqa: RET504 - as rules are written


@pytest.mark.parametrize("word", [decay, nonnegative, positive, unit, real])
def test_a_domain_word_is_the_default_it_is_given(word) -> None:  # type: ignore[no-untyped-def]
    assert word(0.5) == 0.5
    assert type(word(0.5)) is float
    assert word() is None


@pytest.mark.parametrize(
    ("word", "default", "said"),
    [
        (decay, 1, "the default in decay(1) is outside [0, 1); change one of them"),
        (nonnegative, -1e-3, "the default in nonnegative(-0.001) is outside [0, ∞); change one of them"),
        (positive, 0.0, "the default in positive(0.0) is outside (0, ∞); change one of them"),
        (unit, 2, "the default in unit(2) is outside [0, 1]; change one of them"),
        (real, float("nan"), "the default in real(nan) is not a real number; write real(0.5)"),
        (real, "1", "the default in real('1') is not a real number; write real(0.5)"),
    ],
)
def test_a_default_outside_its_domain(word, default, said) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UserError) as error:
        word(default)
    assert str(error.value) == said


class HeavyBall:
    """A class that declares its domains, runs, and is read."""

    def __init__(self, lr: float = nonnegative(0.5), beta: float = decay(0.75)) -> None:
        self.lr, self.beta, self.v = lr, beta, 0.0

    def step(self, theta: float, g: float) -> float:
        self.v = self.beta * self.v + g
        return theta - self.lr * self.v


def test_a_class_with_domains_runs_and_is_read() -> None:
    running, theta = HeavyBall(), 1.0
    assert [theta := running.step(theta, 2.0) for _ in range(2)] == [0.0, -1.75]
    read = as_rule(HeavyBall)
    assert [f"{h.name}={h.default} in {h.domain}" for h in read.hyperparameters] == [
        "lr=1/2 in [0, ∞)",
        "beta=3/4 in [0, 1)",
    ]
    assert [str(a) for a in read.body] == ["v = beta * v + g", "theta = theta - lr * v"]


@pytest.mark.parametrize("word", [grad, sqrt, tanh, cbrt])
def test_the_words_are_not_functions(word) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(TypeError, match=f"{word.__name__} is a word of the rule language"):
        word(1.0)


def test_without_a_source_the_error_names_the_remedy() -> None:
    code = "from derive import rule\n@rule\ndef f(theta, g):\n    return theta - g\n"
    code = f"exec(compile({code!r}, '<nowhere>', 'exec'))"  # the text of -c itself is known from Python 3.13 on
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.stderr.splitlines()[-1].endswith("the source of 'f' is not available; save the rule to a .py file")


def test_a_decorated_file_can_be_imported_and_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("from derive import rule\n\n@rule\ndef f(theta, g):\n    theta = theta - g\n    return theta\n")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from mine import f; print(f.where, *f.body)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "mine.py:4 theta = theta - g"


def test_rule_is_the_decorator_although_a_module_has_its_name() -> None:
    importlib.import_module("derive.rule")  # must not replace the decorator
    assert derive.rule is rule
    assert [r.name for r in derive.rules()][:3] == ["ewma", "ewma_debiased", "gradient_descent"]


def test_importing_derive_and_reading_the_library_imports_nothing_heavy() -> None:
    code = (
        "import sys, derive; derive.rules(); "
        "print(*({'sympy', 'numpy', 'flint', 'numba', 'rich', 'click', 'kernels'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""
