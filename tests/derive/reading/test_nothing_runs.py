"""Reading a text executes none of it: not its imports, its defaults, its decorators or its body."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from derive.errors import UserError
from derive.reading.read import read_path

HOSTILE = """
import no_such_package_at_all
from pathlib import Path
open({marker!r}, "w").write("the module ran")
raise SystemExit("the module ran")

def mark(f=None, **k):
    open({marker!r}, "w").write("a decorator ran")
    return f

class Sneaky:
    open({marker!r}, "w").write("a class body ran")
    def __init__(self): open({marker!r}, "w").write("__init__ ran")
    def step(self, theta, g): return theta - g

@mark
def decorated(theta, g): return theta - g

def default(theta, g, *, lr=open({marker!r}, "w")): return theta - lr * g

def body(theta, g):
    theta = theta - exec("raise SystemExit")
    return theta

def harmless(theta, g, *, lr=0.1):
    theta = theta - lr * g
    return theta
"""


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    path = tmp_path / "hostile.py"
    path.write_text(HOSTILE.format(marker=str(tmp_path / "marker")))
    return path


def test_a_harmless_step_of_a_hostile_file_is_read(hostile: Path) -> None:
    assert str(read_path(str(hostile), "harmless").body[0]) == "theta = theta - lr * g"
    assert not (hostile.parent / "marker").exists()
    assert "hostile" not in sys.modules


@pytest.mark.parametrize("name", ["Sneaky", "decorated", "default", "body"])
def test_the_rest_is_refused_without_being_run(hostile: Path, name: str) -> None:
    with pytest.raises(UserError):
        read_path(str(hostile), name)
    assert not (hostile.parent / "marker").exists()
