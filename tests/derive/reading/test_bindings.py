"""Whatever may bind a name anew is seen: the name is no constant then, and a function under it is not read."""

from __future__ import annotations

from textwrap import dedent, indent

import pytest

from derive.errors import UserError
from derive.reading.read import read_text

STEP = "def f(theta, g):\n    return theta - B * g\n"

REBOUND = {  # what stands beside `B = 0.9` in the file, and what B is then said to be
    "match 1:\n    case _: B = 0.5": "bound more than once",
    "match 1:\n    case B: pass": "bound more than once",
    "match [1]:\n    case [*B]: pass": "bound more than once",
    "match {}:\n    case {**B}: pass": "bound more than once",
    "from os import *": "a name that a later 'import *' may bind",
    "try: h()\nexcept E as B: pass": "bound more than once",
    "try: pass\nfinally: B = 0.5": "bound more than once",
    "try: pass\nexcept* E: B = 0.5": "bound more than once",
    "print(B := 0.5)": "bound more than once",
    "h = [B := 0.5 for i in range(3)]": "bound more than once",
    "def h(x=(B := 0.5)): pass": "bound more than once",
    "class h(k(B := 0.5)): pass": "bound more than once",
    "for B in range(3): pass": "bound more than once",
    "for a, (b, *B) in h: pass": "bound more than once",
    "with h() as B: pass": "bound more than once",
    "while h(): B = 0.5": "bound more than once",
    "del B": "bound more than once",
    "B += 1": "bound more than once",
    "B: float = 0.5": "bound more than once",
    "import B": "bound more than once",
    "import h as B": "bound more than once",
    "from h import B": "bound more than once",
    "from .h import B": "bound more than once",
    "class B: pass": "bound more than once",
    "def B(): pass": "bound more than once",
    "async def B(): pass": "bound more than once",
    "def h():\n    global B\n    B = 0.5": "a global that a function changes",
    "class h:\n    global B\n    B = 0.5": "a global that a function changes",
    "async def h():\n    def k():\n        global B\n        B = 0.5": "a global that a function changes",
    "globals()['B'] = 0.5": "a name that globals() may change",
    "def h(): globals().update(B=0.5)": "a name that globals() may change",
    "exec('B = 0.5')": "a name that exec() may change",
}


@pytest.mark.parametrize("other", REBOUND)
def test_a_constant_that_something_else_binds(other: str) -> None:
    with pytest.raises(UserError) as refusal:
        read_text(f"B = 0.9\n{other}\n{STEP}", "f")
    assert f"{REBOUND[other]} (line " in refusal.value.what
    if "import *" not in other:
        with pytest.raises(UserError):
            read_text(f"{other}\nB = 0.9\n{STEP}", "f")


@pytest.mark.parametrize("other", REBOUND)
def test_the_same_in_an_enclosing_function(other: str) -> None:
    with pytest.raises(UserError):
        read_text(f"def outer():\n{indent(f'B = 0.9{chr(10)}{other}{chr(10)}{STEP}', '    ')}", "f")


HARMLESS = [  # what binds another name, or B in a scope of its own
    "from os import *",
    "from derive.language import *",
    "B: float",
    "h = [B for B in range(3)]",
    "h = lambda B: B",
    "def h(B):\n    B = 0.5",
    "class h:\n    B = 0.5",
    "if B > 0: print(B)",
    "h = B",
]


@pytest.mark.parametrize("other", HARMLESS)
def test_what_leaves_a_constant_as_it_is(other: str) -> None:
    assert str(read_text(f"{other}\nB = 0.9\n{STEP}", "f").body[0]) == "theta = theta - 0.9 * g"


SHADOWED = {  # a whole text in which a name is not what it is elsewhere
    "a sibling's nonlocal": """
        def outer():
            B = 0.9
            def change():
                nonlocal B
                B = 0.5
            def f(theta, g):
                return theta - B * g
        """,
    "an argument rebound": """
        def outer(B):
            def f(theta, g):
                return theta - B * g
            f(1, 2)
            B = 0.9
        """,
    "a name without a value": """
        B = 0.9
        def outer():
            B: float
            def f(theta, g):
                return theta - B * g
        """,
    "an import beside the file": """
        from . import sqrt
        def f(theta, g):
            return theta - sqrt(g)
        """,
    "an import of a file called math": """
        from .math import sqrt
        def f(theta, g):
            return theta - sqrt(g)
        """,
    "a word that a star import brings": """
        sqrt = 0.9
        from derive.language import *
        def f(theta, g):
            return theta - sqrt * g
        """,
    "a module whose function is replaced": """
        import numpy as np
        np.sqrt = print
        def f(theta, g):
            return theta - np.sqrt(g)
        """,
    "a function replaced": """
        def f(theta, g):
            return theta - g
        f = h
        """,
    "a function deleted": """
        def f(theta, g):
            return theta - g
        del f
        """,
    "a function whose defaults are replaced": """
        def f(theta, g, lr=0.1):
            return theta - lr * g
        f.__defaults__ = (0.5,)
        """,
    "a context's value": """
        def f(theta, g):
            with torch.no_grad() as g:
                theta = theta - g
            return theta
        """,
}


@pytest.mark.parametrize("case", SHADOWED)
def test_names_that_are_not_what_they_seem(case: str) -> None:
    with pytest.raises(UserError):
        read_text(dedent(SHADOWED[case]), "f")


USES = {
    "range": "def f(theta, gs, n):\n    for t in range(n): theta = theta - gs[t]\n    return theta\n",
    "enumerate": "def f(theta, gs):\n    for t, g in enumerate(gs): theta = theta - g\n    return theta\n",
    "len": "def f(theta, g, s):\n    if len(s) == 0: s['m'] = 0\n    s['m'] += g\n    return theta - s['m'], s\n",
    "abs": "def f(theta, g):\n    return theta - abs(g)\n",
    "max": "def f(theta, g):\n    return theta - max(g, 0)\n",
    "min": "def f(theta, g):\n    return theta - min(g, 0)\n",
    "float": "def f(theta, g):\n    return theta - float(g)\n",
    "pow": "def f(theta, g):\n    return theta - pow(g, 2)\n",
    "sqrt": "def f(theta, g):\n    return theta - sqrt(g)\n",
    "np": "def f(theta, g):\n    return theta - np.sqrt(g)\n",
    "grad": "def f(theta):\n    return theta - grad(theta)\n",
}


@pytest.mark.parametrize("name", USES)
def test_a_builtin_or_word_that_the_file_defines_itself(name: str) -> None:
    assert read_text(USES[name], "f")
    for other in (f"def {name}(n): return [3] * n", f"from h import {name}", "from h import *", f"if h(): {name} = h"):
        with pytest.raises(UserError):
            read_text(f"{other}\n{USES[name]}", "f")
        with pytest.raises(UserError):
            read_text(f"def outer({name}):\n{indent(USES[name], '    ')}", "f")


def test_a_method_has_the_names_around_its_class() -> None:
    text = "B = 0.9\nclass f:\n    B = 0.5\n    def step(self, theta, g): return theta - B * g\n"
    assert str(read_text(text, "f").body[0]) == "theta = theta - 0.9 * g"
