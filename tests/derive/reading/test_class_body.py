"""What a class may hold beside its methods, and how the reader sees what would change an attribute unseen."""

from __future__ import annotations

from textwrap import dedent, indent

import pytest

from derive.errors import UserError
from derive.reading.read import read_text

INIT = "def __init__(self, lr=0.1):\n    self.lr = lr\n    self.m = 0\n"
STEP = "def step(self, theta, g):\n    self.m = self.beta * self.m + g\n    return theta - self.lr * self.m\n"


def a_class(*parts: str, head: str = "class f:") -> str:
    return f"{head}\n{indent(chr(10).join(parts), '    ')}"


READ = {  # lines of the class body, and the step's first line
    "beta = 0.5": "m = 0.5 * m + g",
    "beta: float = 1 / 4": "m = 0.25 * m + g",
    "beta: float\nbeta = 0.5": "m = 0.5 * m + g",
    "beta = 0.5\nname = 'heavy ball'\nother = len([1, 2])": "m = 0.5 * m + g",
    "beta = 0.5\nm = None": "m = 0.5 * m + g",
    "beta = 0.5\n@property\ndef rate(self): return 2 * self.lr": "m = 0.5 * m + g",
    "beta = 0.5\n@staticmethod\ndef step_size(beta): return beta": "m = 0.5 * m + g",
}


@pytest.mark.parametrize("lines", READ)
def test_a_constant_of_the_class(lines: str) -> None:
    assert str(read_text(a_class(lines, INIT, STEP), "f").body[0]) == READ[lines]


@pytest.mark.parametrize("head", ["class f(object):", "class f():", "from abc import ABC\nclass f(ABC):",
                                  "from typing import Generic, T\nclass f(Generic[T]):"])  # fmt: skip
def test_a_base_class_that_has_nothing(head: str) -> None:
    init = INIT + "    super().__init__()\n"
    assert str(read_text(a_class("beta = 0.5", init, STEP, head=head), "f").body[0]) == "m = 0.5 * m + g"


UNSEEN = {  # lines of the class body that make self.beta something else than 0.5
    "if True: beta = 0.25": "the class's 'beta' is a name bound more than once",
    "beta += 0.1": "the class's 'beta' is a name bound more than once",
    "beta = len([1, 2])": "the class's 'beta' is a name bound more than once",
    "@property\ndef beta(self): return 0.25": "the class's 'beta' is a name bound more than once",
    "for beta in (1, 2): pass": "the class's 'beta' is a name bound more than once",
    "print(beta := 0.25)": "the class's 'beta' is a name bound more than once",
    "del beta": "the class's 'beta' is a name bound more than once",
    "import beta": "the class's 'beta' is a name bound more than once",
    "exec('beta = 0.25')": "the class's 'beta' is a name that exec() may change",
    "locals()['beta'] = 0.25": "the class's 'beta' is a name that locals() may change",
    "@property\ndef m(self): return 2 * self._m\n@m.setter\ndef m(self, m): self._m = m":
        "the class's 'm' is a name bound more than once",
    "@property\ndef m(self): return 2 * self._m": "the class's 'm' is a definition in this file",
    "m = Doubling()": "the class's 'm' is no literal number",
    "from h import m": "the class's 'm' is no literal number",
    "def __setattr__(self, k, v): pass": "'__setattr__' may change what an attribute is",
    "__getattribute__ = h": "'__getattribute__' may change what an attribute is",
    "from h import __getattr__": "'__getattr__' may change what an attribute is",
}  # fmt: skip


@pytest.mark.parametrize("lines", UNSEEN)
def test_an_attribute_that_the_class_changes(lines: str) -> None:
    with pytest.raises(UserError) as refusal:
        read_text(a_class("beta = 0.5", lines, INIT, STEP), "f", "user.py")
    assert refusal.value.what == UNSEEN[lines]


METHODS = {  # what follows the step in the class
    "step = other": "the method 'step' is not one 'def' of the class",
    "def step(self, theta, g): return theta": "the method 'step' is not one 'def' of the class",
    "if True:\n    def step(self, theta, g): return theta": "the method 'step' is not one 'def' of the class",
    "del step": "the method 'step' is not one 'def' of the class",
    "update = step = other": "the method 'step' is not one 'def' of the class",
    "__init__ = other": "the method '__init__' is not one 'def' of the class",
    "step.rate = 1": "the method 'step' is not one 'def' of the class",
}


@pytest.mark.parametrize("lines", METHODS)
def test_a_method_that_is_bound_again(lines: str) -> None:
    with pytest.raises(UserError) as refusal:
        read_text(a_class("beta = 0.5", INIT, STEP, lines), "f", "user.py")
    assert refusal.value.what == METHODS[lines]


CLASSES = {  # a whole text, and what is said about it
    "a base class that sets an attribute": (
        """
        class Base:
            def __init__(self): self.lr = 0.5
        class f(Base):
            lr = 0.1
            def __init__(self): super().__init__()
            def step(self, theta, g): return theta - self.lr * g
        """,
        "4: the base class 'Base' may change what an attribute is; "
        "write its attributes and methods in the class itself",
    ),
    "an object of the file's own": (
        "class object: pass\nclass f(object):\n    def step(self, theta, g): return theta - g",
        "2: the base class 'object' may change what an attribute is; "
        "write its attributes and methods in the class itself",
    ),
    "a metaclass": (
        "class f(metaclass=h):\n    def step(self, theta, g): return theta - g",
        "1: 'metaclass=h' may change the class; leave it out",
    ),
    "a decorated __init__": (
        """
        class f:
            @halved
            def __init__(self, lr): self.lr = lr
            def step(self, theta, g): return theta - self.lr * g
        """,
        "3: the decorator '@halved' may change the method; leave it out",
    ),
    "an argument for nobody": (
        """
        class f:
            def __init__(self, lr):
                self.lr = lr
                super().__init__(lr)
            def step(self, theta, g): return theta - self.lr * g
        """,
        "5: the function 'super().__init__' can't be read; "
        "use +, -, *, /, **, sqrt, exp, log, tanh, abs, sign, max, min or where",
    ),
    "a number and None": (
        """
        class f:
            def __init__(self):
                self.m = 0.5
                self.m = None
            def step(self, theta, g):
                self.m = self.m + g
                return theta - self.m
        """,
        "5: 'self.m' is None and a number; give it one value",
    ),
    "two spellings of one private name": (
        """
        class f:
            def __init__(self):
                self.__m = 0
                self._f__m = 1
            def step(self, theta, g): return theta - self.__m * g
        """,
        "5: Python renames '_f__m' inside a class; use one underscore",
    ),
    "a private name of the file": (
        "__B = 0.9\nclass f:\n    def step(self, theta, g): return theta - __B * g",
        "3: Python renames '__B' inside a class; use one underscore",
    ),
    "another self": (
        """
        class f:
            def __init__(self): self.m = 0
            def step(self, theta, g):
                self = {"m": theta}
                return theta - self.m * g
        """,
        "5: the store into 'self' can't be followed; store its keys: state[\"m\"] = ...",
    ),
    "a class changed later": (
        "class f:\n    lr = 0.1\n    def step(self, theta, g): return theta - self.lr * g\nf.lr = 0.5",
        "4: 'f' is a name bound more than once; rename one",
    ),
}


@pytest.mark.parametrize("case", CLASSES)
def test_what_a_class_cannot_be(case: str) -> None:
    text, said = CLASSES[case]
    with pytest.raises(UserError) as refusal:
        read_text(dedent(text), "f", "user.py")
    assert str(refusal.value) == f"user.py:{said}"


def test_an_item_of_self_is_no_attribute() -> None:
    text = a_class("beta = 0.5", "def __getitem__(self, k): return 3", INIT, STEP.replace("* self.m", '* self["m"]'))
    with pytest.raises(UserError, match=r"'self\[.m.\]'"):
        read_text(text, "f")


@pytest.mark.parametrize("key", ["ﬁ", "two words", "lambda", "", "a.b", "\\ud800", "1"])
def test_a_key_that_is_no_name(key: str) -> None:
    text = (
        f'def f(theta, g, s):\n    if "{key}" not in s: s["{key}"] = 0\n    s["{key}"] += g\n'
        f'    return theta - s["{key}"], s\n'
    )
    with pytest.raises(UserError, match="is not a name in Python; use letters, digits and _"):
        read_text(text, "f")
    with pytest.raises(UserError, match="is not a name in Python; use letters, digits and _"):
        read_text(f'def f(theta, g, s):\n    s = {{"{key}": g, "m": s["m"]}}\n    return theta - s["m"], s\n', "f")
