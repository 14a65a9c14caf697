"""The rule language from a user's side: the decorator, the domain words, and what importing costs."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import derive
from derive.errors import UserError
from derive.language import Declared, cbrt, decay, grad, nonnegative, rule, sqrt, tanh
from derive.rule import DECAY, Rule


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


def test_domain_words_leave_a_marker() -> None:
    assert decay(0.9) == Declared(0.9, DECAY)


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
