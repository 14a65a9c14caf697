"""A pytest plugin: where `assert prove(a, b)` fails, the counterexample stands below the traceback.

pytest cuts what it says of a value to one line; the whole verdict is taken from the failing frame.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Generator, Iterator
from typing import Any

import pytest

ANSWERS = (("derive.proving.verdict", "Verdict"), ("derive.matching.match", "Match"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(call: pytest.CallInfo[None]) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the verdicts that a failed assertion was about to the report."""
    report = yield
    if call.excinfo is not None and call.excinfo.errisinstance(AssertionError):
        said = str(call.excinfo.value)
        report.sections += [("derive", text) for text in dict.fromkeys(_verdicts(call.excinfo)) if text not in said]
    return report


def _verdicts(failure: pytest.ExceptionInfo[BaseException]) -> Iterator[str]:
    """Each answer in the failing line that is not proved."""
    made = [(sys.modules.get(module), name) for module, name in ANSWERS]
    kinds = tuple(getattr(module, name) for module, name in made if module is not None)  # imported where one was asked
    named = set(re.findall(r"\w+", _line(failure)))
    values: dict[str, Any] = failure.traceback[-1].frame.f_locals
    for name, value in values.items():
        # pytest keeps the parts of a failing assertion in variables of its own.
        if isinstance(value, kinds) and not value and (name in named or name.startswith("@py_")):
            yield str(value)


def _line(failure: pytest.ExceptionInfo[BaseException]) -> str:
    """The statement that failed; empty where its text is not to be had: code made at run time, a file since changed."""
    try:
        return str(failure.traceback[-1].statement)
    except (AssertionError, IndexError):
        return ""
