"""What the reader refuses, and in which words: the line, the construct, and what would work."""

from __future__ import annotations

from textwrap import dedent, indent

import pytest

from derive.errors import UserError
from derive.reading.read import read_text

STEP = {  # a line inside a step of theta, g and m, and what is said about it
    "while g > 0: g = g / 2": "a 'while' loop can't be read; write one step as straight-line assignments",
    "for i in range(3): m = m + g": "a rule is one step, not a loop; leave out the loop",
    "assert g > 0": "'assert' can't be read; declare the domain instead, as in beta=decay(0.9)",
    "if not 0 <= lr < 1: raise ValueError": "'raise' can't be read; declare the domain instead, as in beta=decay(0.9)",
    "if m > 0: return theta": "'return' before the end can't be read; "
    "assign in the branches and return once, at the end",
    "import math": "an import inside a step can't be read; import at the top of the file",
    "global m": "'global' can't be read; pass the value as an argument",
    "del m": "'del' can't be read; leave it out",
    "m = lambda x: x": "a lambda can't be read; write the expression itself",
    "m = [g, g]": "a list can't be read; write one name for each buffer",
    "m = (n := g)": "':=' can't be read; assign the name in a line of its own",
    "m = [x for x in g]": "a comprehension can't be read; write the step for one coordinate",
    "m = g @ g": "'@' mixes coordinates and can't be read yet; write the step for one coordinate",
    "m = np.linalg.norm(g)": "'np.linalg.norm' mixes coordinates and can't be read yet; "
    "write the step for one coordinate",
    "m = g.mean()": "'g.mean' mixes coordinates and can't be read yet; write the step for one coordinate",
    "m = max(g)": "'max' mixes coordinates and can't be read yet; write the step for one coordinate",
    "m = torch.max(g, 0)": "'torch.max' mixes coordinates and can't be read yet; write the step for one coordinate",
    "m = g // 2": "the operator in 'g // 2' can't be read; use +, -, *, / or **",
    "m //= 2": "the operator in 'm //= 2' can't be read; use +=, -=, *=, /= or **=",
    "m = g in m": "the comparison 'g in m' can't be read; use <, <=, >, >=, == or !=",
    "m = m_hat": "unknown name 'm_hat'; make it an argument, or a constant of the file",
    "m = late; late = g": "'late' is used before it is assigned; "
    "if it is state, make it an argument with its initial value: late=0",
    "if m > 0: late = g\nm = late": "'late' is used before it is assigned; "
    "if it is state, make it an argument with its initial value: late=0",
    "m[g > 0] = 1": "the store into 'm[g > 0]' can't be followed; assign the whole array: m = where(mask, new, m)",
    "m[0] = 1": "the store into 'm[0]' can't be followed; assign the whole array: m = where(mask, new, m)",
    "m.data = g": "'m.data' may then be 'g' itself; copy it: .clone()",
    "m = g[0]": "the index in 'g[0]' can't be read; write the step for one coordinate",
    "m = g.T": "the attribute 'g.T' can't be read; pass its value as an argument",
    "m.cauchy_(0.9)": "the in-place method 'cauchy_' can't be read; write an assignment: m = ...",
    "m = m.cauchy_(0.9)": "the in-place method 'cauchy_' can't be read; write an assignment: m = ...",
    "np.sqrt(g, out=m, where=g > 0)": "'where=' of 'np.sqrt' can't be read; "
    "write the result as an assignment: name = expression",
    "np.sqrt(g, out=m[0])": "'np.sqrt(g, out=m[0])' stores into what can't be followed; give the array a name: m = ...",
    "m.float().mul_(g)": "'m.float().mul_(g)' stores into what can't be followed; give the array a name: m = ...",
    "m = m.mul_(2) if g > 0 else m": "the store in 'm.mul_(2)' may not happen; write an 'if'",
    "m = max(m, g) + m.mul_(2)": "'max(m, g)' beside an in-place store can't be read; write two lines",
    "np.sqrt(g)": "the result of 'np.sqrt(g)' is not used; assign it to a name",
    "m = np.sqrt(g, m)": "'np.sqrt' is read with the arguments (x) only",
    "m = print(g)": "the function 'print' can't be read; "
    "use +, -, *, /, **, sqrt, exp, log, tanh, abs, sign, max, min or where",
    "m = g and m": "'g' is a number where a truth value is needed; compare it: x != 0",
    "m = g if m else 0": "'m' is a number where a truth value is needed; compare it: x != 0",
    "m = True": "True is not a real number; write a number or a comparison",
    "m = -False": "False is not a real number; write a number or a comparison",
    "m = 1j": "1j is not a real number; write a number or a comparison",
    "m = 1e999": "a number too large for a double can't be read; write it as a power",
    "m = helper(g)": "the function 'helper' can't be read; "
    "use +, -, *, /, **, sqrt, exp, log, tanh, abs, sign, max, min or where",
    "m = CHANGING * g": "'CHANGING' is a name bound more than once (line 6); pass it as an argument",
    "m = TEXT * g": "'TEXT' is not a literal constant; pass it as an argument",
    "m = HUGE * g": "'HUGE' is not a literal constant; pass it as an argument",
    "m = math.pi": "the attribute 'math.pi' can't be read; pass its value as an argument",
    "m = sqrt(g)": "the function 'sqrt' can't be read; "
    "use +, -, *, /, **, sqrt, exp, log, tanh, abs, sign, max, min or where",
    "m, g = m": "a tuple on the left needs as many expressions on the right; write one assignment for each name",
    "lr = lr / 2": "the hyperparameter 'lr' is assigned to; use another name, such as lr_t",
    "if m is None: m = 0": "'m' has a value already; initialise each state once, at the top of the step",
    "g = grad(theta) + grad(m)": "two gradients in one statement can't be read; "
    "give each a line of its own: g2 = grad(...)",
    "g = grad(theta - g)": "the gradient 'g' and another one can't be read; write g = grad(theta) where it is meant",
    "m = m + grad(theta - m)": "the gradient 'g' and another one can't be read; write g = grad(theta)"
    " where it is meant",
    "if m > 0: g = grad(m)": "a gradient asked for in one branch only can't be read; ask for it before the 'if'",
}

MODULE = """
import math
import numpy as np
CHANGING = 1
if CHANGING:
    CHANGING = 2
TEXT = "one"
HUGE = 9**9**9**9
def helper(x): return x
def sqrt(x): return x + 1
@rule
def f(theta, g, m=0, *, lr=0.1):
"""


@pytest.mark.parametrize("line", STEP)
def test_what_a_step_cannot_have(line: str) -> None:
    text = MODULE + indent(f"{line}\nm = m + g\ntheta = theta - lr * m * g\nreturn theta, m\n", "    ")
    with pytest.raises(UserError) as refusal:
        read_text(text, "f", "rules/user.py")
    where, _, said = str(refusal.value).partition(": ")
    assert said == STEP[line]
    assert where.startswith("user.py:")


DEFINITIONS = {  # a whole text, and the line and words of its refusal
    "state that is never returned": (
        "@rule\ndef f(theta, g, m=0):\n    m = m + g\n    theta = theta - m\n    return theta",
        "5: the state 'm' is not returned; end with 'return theta, m'",
    ),
    "state that is never updated": (
        "@rule\ndef f(theta, g, m=0):\n    theta = theta - g\n    return theta, m",
        "2: the state 'm' is never updated; assign it: m = ...",
    ),
    "state that is never initialised": (
        "@rule\ndef f(theta, g, m):\n    m = m + g\n    theta = theta - m\n    return theta, m",
        "2: the state 'm' is never initialised; give it an initial value: m=0",
    ),
    "state that only says None": (
        "def f(theta, g, m=None):\n    m = m + g\n    theta = theta - m\n    return theta, m",
        "1: the state 'm' is never initialised; give it an initial value: m = 0",
    ),
    "output that is missing": (
        "@rule\ndef f(theta, g, m=0):\n    m = m + g\n    return m",
        "4: the output 'theta' is not returned; end with 'return theta, m'",
    ),
    "output of an average that is missing": (
        "@rule\ndef f(x, m=0):\n    m = m + x\n    return m",
        "4: the output 'output' is not returned; add 'output = m' and end with 'return output, m'",
    ),
    "output of an average under another name": (
        "@rule\ndef f(x, m=0):\n    m = m + x\n    y = m / 2\n    return y",
        "5: the state 'm' is not returned; add 'output = y' and end with 'return output, m'",
    ),
    "output that is never updated": (
        "@rule\ndef f(theta, g):\n    d = g\n    return theta",
        "2: the output 'theta' is never updated; assign it: theta = ...",
    ),
    "the update in place of the parameter": (
        "def f(theta, g, lr=0.1):\n    return -lr * g",
        "2: what is returned first is not made from 'theta'; return the new theta",
    ),
    "a value that nobody waits for": (
        "@rule\ndef f(theta, g, *, lr=0.1):\n    theta = theta - g\n    return theta, g",
        "4: 'g' is returned in no one's place; end with 'return theta'",
    ),
    "nothing returned": (
        "@rule\ndef f(theta, g):\n    theta = theta - g",
        "3: the output 'theta' is not returned; end with 'return theta'",
    ),
    "no parameter": ("def f(a, b):\n    return a - b",
        "1: there is neither an argument 'theta' nor an input 'x'; "
        "call the parameter theta and the gradient g, or the input of an average x"),
    "a gradient under another name": ("@rule\ndef f(theta, grad):\n    theta = theta - grad\n    return theta",
        "2: the state 'grad' is never initialised; "
        "give it an initial value: grad=0, or call it g if it is the gradient"),
    "a gradient that looks like a hyperparameter": ("def f(theta, grad):\n    theta = theta - grad\n    return theta",
        "1: there is no gradient; call the gradient g, or write g = grad(theta)"),
    "a parameter that is no argument": (
        "def f(x, g):\n    theta = x - g\n    return theta", "1: 'theta' is assigned to but is no argument; add it"),
    "a gradient at a fixed point": (
        "def f(theta, g, *, lr=0.1):\n    g = grad(lr)\n    return theta - g",
        "2: the gradient is asked for at a point that never moves"),
    "two sequences": (
        "def f(theta, gs, rates, n):\n    for t in range(n): theta = theta - rates[t] * gs[t]\n    return theta",
        "2: a loop over more than one sequence can't be read; give the gradients only"),
    "an argument called like the counter": (
        "def f(theta, gs, t):\n    for g in gs: theta = theta - t * g\n    return theta",
        "2: 't' is an argument and not the loop's counter; give the argument another name"),
    "the start of the parameter in the loop": (
        "def f(start, gs):\n    theta = start\n    for g in gs: theta = theta - g * start\n    return theta",
        "3: 'start', where theta starts, can't be read in the loop; pass it as another argument"),
    "the start of the parameter under a name of its own": (
        "def f(theta, gs):\n    anchor = theta.copy()\n    for g in gs: theta = theta - g * anchor\n    return theta",
        "1: 'anchor', where theta starts, can't be read in the loop; pass it as another argument"),
    "the start of the parameter in an attribute": (
        "class f:\n    def __init__(self, w):\n        self.theta = w\n        self.anchor = w.copy()\n"
        "    def step(self, g): self.theta = self.theta - g * self.anchor",
        "1: 'self.anchor', where theta starts, can't be read; pass it as another argument"),
    "a parameter replaced": (
        "def f(theta, start, gs):\n    prev = theta\n    theta = start\n    for g in gs: theta, prev = theta - g, theta"
        "\n    return theta",
        "2: the argument 'theta' is replaced before the loop; start at theta"),
    "a result that is not the parameter": (
        "def f(theta, gs):\n    m = 0\n    for g in gs:\n        theta = theta - g\n        m = m + theta\n"
        "    return m",
        "1: the loop's result is not 'theta'; end with 'return theta'"),
    "a gradient that never changes": (
        "def f(theta, g, n):\n    for t in range(n): theta = theta - g\n    return theta",
        "2: 'g' is the same at every step of the loop; write g = gs[t - 1]"),
    "a class whose attributes are something else": (
        "class f:\n    def __setattr__(self, k, v): pass\n    def step(self, theta, g): return theta - g",
        "2: '__setattr__' may change what an attribute is; leave it out"),
    "a method by itself": (
        "class h:\n    def f(self, theta, g): return theta - g", " no function or class 'f'; defined there: h"),
    "no gradient": ("def f(theta):\n    return theta / 2",
        "1: there is no gradient; call the gradient g, or write g = grad(theta)"),
    "an unknown domain": ("@rule\ndef f(theta, g, *, lr=small(1)):\n    return theta - lr * g",
        "2: 'small' is not a domain; the domains are real, nonnegative, positive, decay, unit, whole"),
    "a default outside its domain": ("@rule\ndef f(theta, g, *, b=decay(1.0)):\n    return theta - b * g",
        "2: the default b=1 is outside [0, 1); change one of them"),
    "a default that is no number": ("def f(theta, g, *, lr='x'):\n    return theta - lr * g",
        "1: the default of 'lr' is not a literal number; write a number, as in 1e-3"),
    "more arguments than have names": ("def f(theta, g, **more):\n    return theta - g",
        "1: '*args' and '**kwargs' can't be read; name every argument"),
    "a decorator that may change it": ("@faster\ndef f(theta, g):\n    return theta - g",
        "1: the decorator '@faster' may change the function; leave it out"),
    "a reference that is computed": ("@rule(paper=name())\ndef f(theta, g):\n    return theta - g",
        '1: a reference is written as literal text; as in paper="..."'),
    "a class without a step": ("class f:\n    def move(self, theta, g): return theta - g",
        "1: the class 'f' has no step; name it 'step'"),
    "an attribute that stays None": (
        "class f:\n    def __init__(self): self.c = None\n    def step(self, theta, g): return theta - self.c * g",
        "1: 'self.c' is None and the step never assigns it; give it a value in __init__"),
    "two gradients for one parameter": (
        "def f(theta, g, v=0):\n    v = v + g\n    g = grad(theta - v)\n    return theta - g, v",
        "3: the gradient 'g' and another one can't be read; write g = grad(theta) where it is meant"),
    "a guard that is not what it guards": (
        "def f(theta, g, m=None, v=None):\n    if m is None:\n        v = 0\n    m = v + g\n    v = m\n"
        "    return theta - m, m, v",
        "2: this initialisation never gives 'm' a value; initialise each state once, at the top of the step"),
    "a guard that is never true": (
        "def f(theta, g, state):\n    if 'v' not in state: state['v'] = 0\n    if not state: state['m'] = 1\n"
        "    state['v'] = state['v'] + state['m']\n    state['m'] = g\n    return theta - state['v'], state",
        "3: 'state' has a value already; initialise each state once, at the top of the step"),
    "a loop over something else": (
        "def f(theta, n):\n    for t in count(): theta = theta - grad(theta)\n    return theta",
        "2: the loop over 'count()' can't be read; write for t in range(1, n + 1)"),
    "an item of another step": (
        "def f(theta, gs, n):\n    for t in range(1, n): theta = theta - gs[t]\n    return theta",
        "2: the index in 'gs[t]' can't be read; write the step for one coordinate"),
    "not Python": ("def f(theta, g):\n    return theta -", "2: not valid Python: invalid syntax"),
}  # fmt: skip

AVERAGE = "call it otherwise, m for instance, and end with output = m"
CLASHES = {  # a whole text, and the line and words of its refusal
    "@rule\ndef f(x, output=0, *, beta=0.9):\n    output = beta * output + (1 - beta) * x\n    return output":
        f"2: the state 'output' has the name of an average's output; {AVERAGE}",
    "def f(x,\n      output=0):\n    output = output + x\n    return output":
        f"2: the state 'output' has the name of an average's output; {AVERAGE}",
    "def f(xs):\n    output = 0\n    for x in xs: output = output + x\n    return output":
        f"1: the state 'output' has the name of an average's output; {AVERAGE}",
    "def f(theta, g, output=0):\n    output = output + g\n    return theta - output, output":
        f"1: the state 'output' has the name of an average's output; {AVERAGE}",
    "def f(theta, g, x=0):\n    x = x + g\n    theta = theta - x\n    return theta, x":
        "1: the state 'x' has the name of an average's input; call it otherwise, m for instance",
    "def f(theta, g, t=1):\n    t = 2 * t\n    theta = theta - g / t\n    return theta, t":
        "1: the state 't' has the name of the step counter; call it otherwise, m for instance",
    "def f(theta, gs):\n    t = 1\n    for g in gs:\n        t = 2 * t\n        theta -= g / t\n    return theta":
        "1: the state 't' has the name of the step counter; call it otherwise, m for instance",
    "@rule\ndef f(theta, g, t=0):\n    theta = theta - g / t\n    return theta":
        "2: the state 't' has the name of the step counter; call it otherwise, m for instance",
    "@rule\ndef f(theta, g=0):\n    theta = theta - g\n    return theta":
        "2: the state 'g' has the name of the gradient; call it otherwise, m for instance",
    "@rule\ndef f(theta=None, g=None):\n    theta = theta - g\n    return theta":
        "2: the state 'theta' has the name of the parameter; call it otherwise, m for instance",
    "def f(theta, g, *, t=0.1):\n    theta = theta - t * g\n    return theta":
        "1: the hyperparameter 't' has the name of the step counter; call it otherwise",
    "def f(theta, g, *, t=decay()):\n    theta = theta - t * g\n    return theta":
        "1: the hyperparameter 't' has the name of the step counter; call it otherwise",
    "@rule\ndef f(theta, *, g):\n    theta = theta - g\n    return theta":
        "2: the hyperparameter 'g' has the name of the gradient; call it otherwise",
    "def f(x, m=0, *, g=0.1):\n    m = m + g * x\n    return m, m":
        "1: the hyperparameter 'g' has the name of the gradient; call it otherwise",
    "@rule\ndef f(theta, g, *,\n      x=0.1, output=1):\n    theta = theta - x * g\n    return theta":
        "3: the hyperparameter 'x' has the name of an average's input; call it otherwise",
    "@rule\ndef f(theta, g, *, output=1):\n    theta = theta - output * g\n    return theta":
        "2: the hyperparameter 'output' has the name of an average's output; call it otherwise",
}  # fmt: skip


@pytest.mark.parametrize("text", CLASHES)
def test_states_and_hyperparameters_have_names_of_their_own(text: str) -> None:
    with pytest.raises(UserError) as refusal:
        read_text(text, "f", "user.py")
    assert str(refusal.value) == f"user.py:{CLASHES[text]}"


@pytest.mark.parametrize("case", DEFINITIONS)
def test_what_a_definition_cannot_be(case: str) -> None:
    text, said = DEFINITIONS[case]
    with pytest.raises(UserError) as refusal:
        read_text(text, "f", "user.py")
    assert str(refusal.value) == f"user.py:{said}"


def test_a_name_that_is_not_there_and_one_that_is_there_twice() -> None:
    text = dedent("""
        def f(theta, g): return theta - g
        def f(theta, g): return theta - 2 * g
        def h(theta, g): return theta - g
    """)
    with pytest.raises(UserError, match=r"user.py: no function or class 'q'; defined there: f, h"):
        read_text(text, "q", "user.py")
    with pytest.raises(UserError, match=r"user.py: 'f' is defined more than once \(lines 2, 3\); rename one"):
        read_text(text, "f", "user.py")
