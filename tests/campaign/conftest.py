"""How large the campaign is: `python -m pytest tests/campaign --mutants 10000`."""

from __future__ import annotations

import pytest

DEFAULT = 20


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("campaign")
    group.addoption("--mutants", type=int, default=DEFAULT, help="mutants of rules, and a third as many rewritings")
    group.addoption("--stride", type=int, default=10_007, help="of the float32 numbers that are converted; 1 is all")
    group.addoption("--campaign-seed", type=int, default=1, help="another seed makes another campaign")


@pytest.fixture(scope="session")
def size(pytestconfig: pytest.Config) -> int:
    """How many mutants; small where the folder is not named on the command line, which then has no such option."""
    return int(pytestconfig.getoption("--mutants", default=DEFAULT))


@pytest.fixture(scope="session")
def seed(pytestconfig: pytest.Config) -> int:
    return int(pytestconfig.getoption("--campaign-seed", default=1))
