"""Classes, loops, stores, branches and helpers are read as what Python does with them: random texts, really run.

The texts are made here, so that running them is safe; a text that is given is only ever read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derive.errors import UserError
from derive.evaluate import QUERY, exact, trajectory
from derive.reading.drafts import Candidate, candidates, read_drafts

NUMBERS = {"lr": Fraction(1, 3), "mu": Fraction(3, 5)}
OTHER = Fraction(2, 7)
THETA = Fraction(7, 2)
GRADIENTS = (Fraction(2), Fraction(-5, 3), Fraction(11, 7))
Run = Callable[[dict[str, Any], dict[str, Fraction]], list[Any] | None]


# Words of the texts


def one_of(draw: st.DrawFn, *choices: str) -> str:
    return draw(st.sampled_from(choices))


def formula(draw: st.DrawFn, names: Sequence[str]) -> str:
    left, right = draw(st.sampled_from(names)), draw(st.sampled_from((*names, "2", "(1 - mu)")))
    if draw(st.booleans()):
        return f"{left} {one_of(draw, '+', '-', '*')} {right}"
    return f"{left} {one_of(draw, '-', '+')} {one_of(draw, 'lr', 'mu')} * {right}"


def lines(draw: st.DrawFn, names: Sequence[str], new: Sequence[str] = ("a",), most: int = 4) -> list[str]:
    """Statements of every kind that stores something, each name read once it is there."""
    known, found = [*names], list[str]()
    arrays = [n for n in names if n not in ("lr", "mu", "t")]
    for _ in range(draw(st.integers(1, most))):
        target, value = draw(st.sampled_from((*arrays, *new))), formula(draw, known)
        other = draw(st.sampled_from((*arrays, *new)))
        kind = draw(st.integers(0, 9))
        if kind == 0 and target in known:
            found.append(f"{target} {one_of(draw, '+', '-', '*')}= {value}")
        elif kind == 1 and target in arrays:
            found.append(f"{target}[:] = {value}")
        elif kind == 2 and target in arrays:
            found.append(
                f"np.{one_of(draw, 'add', 'subtract', 'multiply')}({one_of(draw, *arrays)}, {value}, out={target})"
            )
        elif kind == 3 and target != other:
            found.append(f"{target}, {other} = {value}, {formula(draw, known)}")
            known.append(other)
        elif kind == 4 and target != other:
            found.append(f"{target} = {other} = {value}")
            known.append(other)
        elif kind == 5:
            found.append(f"{target} = {one_of(draw, *arrays)}{one_of(draw, '', '.copy()')}")
        elif kind == 6 and target in known:
            test = one_of(draw, "t == 1", "t > 1", "mu") if "t" in known else one_of(draw, "mu", "mu > 1", "lr != 0")
            found.append(f"if {test}:\n    {target} = {value}")
            if draw(st.booleans()):
                found[-1] += f"\nelse:\n    {target} {one_of(draw, '=', '+=')} {formula(draw, known)}"
        elif kind == 7:
            found.append(f"{target} = {value} if {one_of(draw, 'mu > 1', 'lr != 0')} else {formula(draw, known)}")
        else:
            found.append(f"{target} = {value}")
        known.append(target)
    return found


def indented(statements: Sequence[str], depth: int) -> str:
    return "\n".join(" " * depth + line for s in statements for line in s.split("\n")) + "\n"


def array(value: Any) -> Any:
    """One number in an array, exact."""
    return np.array([value], dtype=object)


def defined(text: str) -> dict[str, Any]:
    space: dict[str, Any] = {"np": np}
    exec(compile(text, "step.py", "exec"), space)  # noqa: S102  # its text was made here
    return space


# What is read


def readings(text: str) -> list[Candidate]:
    try:
        found = [c for draft in read_drafts(text, "step.py") for c in candidates(draft, {})]
    except UserError:
        return []
    return [c for c in found if not c.rule.is_average]


def numbers(candidate: Candidate) -> dict[str, Fraction]:
    """The hyperparameters: what the text gives a value has that."""
    given = {h.name: h.default for h in candidate.rule.hyperparameters if h.default is not None}
    return {
        n: given[n] if n in given else NUMBERS.get(candidate.roles[n], OTHER)
        for n in candidate.rule.hyperparameter_names
    }


def said(candidate: Candidate, gradients: Sequence[Fraction] = GRADIENTS) -> tuple[list[Any], list[Any]]:
    """What theta is after each step of a reading, and the points that it asks for a gradient at."""
    steps = list(trajectory(candidate.rule, numbers(candidate), THETA, gradients))
    return [s["theta"] for s in steps], [s.get(QUERY) for s in steps]


def starts(candidate: Candidate) -> dict[str, Any]:
    """What each kept name holds before the first step, by its name in the text."""
    rule = candidate.rule
    values = exact([s.initial for s in rule.states], {**numbers(candidate), "theta": THETA})
    return {candidate.roles[n]: v for n, v in zip(rule.state_names, values, strict=True)}


def is_given(name: str, text: str) -> bool:
    """Whether nothing in the text makes what a reading calls the gradient: it may have made a formula the gradient."""
    using = next(
        (line for line in text.splitlines() if re.search(rf"(?<![.\w]){name}\b", line.partition("def ")[0])), ""
    )
    using = re.sub(r"np.*\((.*), out=(\w+)\)", r"\2 = \1", using)
    *targets, value = using.split(" = ")
    return not (re.search(rf"\b{name}\b", " ".join(targets)) and not re.search(rf"\b{name}\b", value))


def given_readings(text: str) -> list[Candidate]:
    return [
        c
        for c in readings(text)
        if not c.roles["g"].startswith("self.")
        and is_given(c.roles["g"], text)
        and c.rule.query is None
        and not c.rule.asked
    ]


# Loops and bare statements


@st.composite
def loops(draw: st.DrawFn) -> str:
    """A loop over the steps, or statements alone, with a state and perhaps a counter set before."""
    head = one_of(
        draw,
        "for t in range(1, 9):",
        "for t in range(9):",
        "for t in range(2, 9):",
        "while not done:",
        "",
        "for t in count(1):",
    )
    counted = head.startswith("for")
    names = ["w", "dw", "v", "lr", "mu", *(["t"] if counted or draw(st.booleans()) else [])]
    before = (
        [one_of(draw, "v = np.zeros_like(w)", "v = np.ones_like(w)", "v = w.copy()", "v = w")]
        if head and draw(st.booleans())
        else []
    )
    body = lines(draw, names)
    if "t" in names and not counted:
        before += ["t = 0"] if head else []
        body.insert(draw(st.integers(0, len(body))), "t += 1" if draw(st.integers(0, 5)) else "t += 2")
    elif counted and not draw(st.integers(0, 9)):
        body.insert(draw(st.integers(0, len(body))), "t += 1")
    return indented(before, 0) * bool(before) + (f"{head}\n" if head else "") + indented(body, 4 if head else 0)


def runs_like(text: str, candidate: Candidate) -> bool | None:
    """Whether the text, run, gives what the reading says; None where Python can't run it."""
    theta, g = candidate.roles["theta"], candidate.roles["g"]
    thetas, _ = said(candidate)
    for first in (1, 0):
        space: dict[str, Any] = {
            n: array(Fraction(v)) for n, v in {**dict.fromkeys(("w", "dw", "v"), OTHER), **starts(candidate)}.items()
        }
        space |= {
            "lr": NUMBERS["lr"],
            "mu": NUMBERS["mu"],
            "t": first - 1 if "t" not in starts(candidate) else starts(candidate)["t"],
            "np": np,
        }
        space |= {candidate.roles[n]: v for n, v in numbers(candidate).items()}
        for name in ("w", "dw", "v"):
            space[name] = space[name] if isinstance(space[name], np.ndarray) else array(space[name])
        space |= {
            name: Fraction(start) for name, start in re.findall(r"(\w+) is (\d+) before", " ".join(candidate.assumed))
        }
        space[theta] = array(THETA)
        if text.startswith("v = w") and {theta, *(candidate.roles[n] for n in numbers(candidate))} >= {"v", "w"}:
            return None  # a constant is where theta starts
        found = list[Any]()

        def rounds(space: dict[str, Any] = space, found: list[Any] = found, first: int = first) -> Iterator[int]:
            for k, gradient in enumerate(GRADIENTS):
                if k == 0 and theta in text.split(":")[0]:  # the text says where theta starts
                    space[theta][:] = THETA
                space[g] = array(gradient)
                if "t" in candidate.roles:
                    space[candidate.roles["t"]] = k + first
                yield k
                found.append(np.array(space[theta]).reshape(-1)[0])

        try:
            _run(text, space, rounds)
        except (TypeError, ValueError, AttributeError, NameError):
            return None
        if found == thetas:
            return True
    return False


def _run(text: str, space: dict[str, Any], rounds: Callable[[], Iterator[int]]) -> None:
    code = compile(text, "step.py", "exec")
    if "for t in" in text or "while" in text:
        each = rounds()

        class Done:
            def __bool__(self) -> bool:
                return next(each, None) is None

        space["range"] = lambda *a: (i for i, _ in zip(range(*a), rounds(), strict=False))
        space["count"] = lambda a: (i + a for i in rounds())
        space["done"] = Done()
        exec(code, space)  # noqa: S102  # its text was made here
        return
    for _ in rounds():
        exec(code, space)  # noqa: S102  # its text was made here


@given(loops())
@settings(max_examples=150, deadline=None)
def test_loops(text: str) -> None:
    for candidate in given_readings(text):
        assert runs_like(text, candidate) is not False, (candidate.roles, str(candidate.rule), text)


# Functions, with helpers, branches and early returns


@st.composite
def functions(draw: st.DrawFn) -> str:
    """A function of arrays, numbers and perhaps a count, with helpers and constants around it."""
    known = ["w", "dw", "v", "lr", "mu", *(["t"] if draw(st.booleans()) else [])]
    head = one_of(draw, "w, dw, v", "w, dw, v=0", "w, dw, v=None") + ", t" * ("t" in known)
    before = list[str]()
    if not draw(st.integers(0, 4)):
        before.append(one_of(draw, "C = 2", "C = 2\nC = 3", "lr = 5", "C = -1"))
        known += ["C"] * ("C" in before[0])
    helper = one_of(
        draw,
        *("",) * 9,
        "def f(x, y):\n    return x - mu0 * y",
        "def f(x, y=2):\n    x *= y\n    return x",
        "def f(dw, w):\n    return w - dw",
        "f = lambda x, y: x + 2 * y",
    )
    before += [helper.replace("mu0", "2")] if helper else []
    body = lines(draw, known)
    if helper:
        body.insert(
            draw(st.integers(0, len(body))),
            f"{one_of(draw, 'w', 'dw', 'a')} = f({one_of(draw, 'w', 'dw', 'v')}, {one_of(draw, 'w', 'dw', 'lr')})",
        )
    if "v=None" in head:
        body.insert(
            draw(st.integers(0, 1)),
            one_of(
                draw,
                "if v is None:\n    v = np.zeros_like(w)",
                "if v is None:\n    v = dw",
                "v = np.ones_like(w) if v is None else v",
            ),
        )
    if not draw(st.integers(0, 9)):
        body.insert(
            draw(st.integers(0, len(body))),
            f"if {one_of(draw, 'mu', 'mu > 1', 'lr != 0')}:\n    return {formula(draw, known)}, v",
        )
    body.append(
        one_of(
            draw,
            "return w, v",
            f"return {formula(draw, known)}, v",
            f"return w, {formula(draw, known)}",
            "return w, v",
            "return v, w",
            "pass",
        )
    )
    star = one_of(draw, "", "*, ")
    if "=" in head:
        head = head.replace(", t", "") + (", t=1" if "t" in known else "")
    return indented(before, 0) * bool(before) + f"def step({head}, {star}lr=0.1, mu=0.9):\n" + indented(body, 4)


def function_like(text: str, candidate: Candidate) -> bool | None:
    """Whether there is a way to call the function that gives what the reading says; None where Python can't."""
    spelled, answers = candidate.roles, list[bool | None]()
    thetas = said(candidate)[0]
    names = [spelled["theta"], *(spelled[s] for s in candidate.rule.state_names)]
    for places in product((0, 1, None), repeat=len(names)):
        if len({p for p in places if p is not None}) + places.count(None) == len(names):
            found = [called(text, candidate, dict(zip(names, places, strict=True)), first) for first in (1, 0)]
            answers += [f == thetas for f in found if f is not None]
    return any(answers) if answers else None


def called(text: str, candidate: Candidate, places: dict[str, int | None], first: int) -> list[Any] | None:
    """What the parameter is after each call: kept names are given back where they are returned."""
    roles = candidate.roles
    function = defined(text)["step"]
    arguments = function.__code__.co_varnames[: function.__code__.co_argcount + function.__code__.co_kwonlyargcount]
    now: dict[str, Any] = {n: array(v) for n, v in {**starts(candidate), roles["theta"]: THETA}.items()}
    fixed = {roles[n]: v for n, v in numbers(candidate).items()}
    fixed |= {
        name: Fraction(start) for name, start in re.findall(r"(\w+) is (\d+) before", " ".join(candidate.assumed))
    }
    found = list[Any]()
    for k, gradient in enumerate(GRADIENTS):
        given_now = {**fixed, **now, roles["g"]: array(gradient), **({roles["t"]: k + first} if "t" in roles else {})}
        for n, start in re.findall(r"(\w+)=(None|0)(?![.\d])", text.partition("def step")[2].partition("\n")[0]):
            if k == 0 and n not in candidate.open_starts and n in starts(candidate):
                given_now[n] = None if start == "None" else array(Fraction(0))
        scalars = {n: v for n, v in given_now.items() if n in ("lr", "mu", "t") and isinstance(v, Fraction | int)}
        passed = {n: scalars.get(n, given_now.get(n, OTHER)) for n in arguments}
        try:
            returned = function(
                **{
                    n: v if n in ("lr", "mu", "t") or v is None or isinstance(v, np.ndarray) else array(v)
                    for n, v in passed.items()
                }
            )
        except (TypeError, ValueError, AttributeError, NameError):
            return None
        returned = returned if isinstance(returned, tuple) else (returned,)
        for n, place in places.items():
            if place is not None:
                if place >= len(returned) or returned[place] is None:
                    return None
                now[n] = returned[place]
            elif n in now and k == 0 and given_now.get(n) is not None:
                now[n] = given_now[n]
        value = now[roles["theta"]]
        found.append(np.array(value).reshape(-1)[0])
    return found


@given(functions())
@settings(max_examples=150, deadline=None)
def test_functions(text: str) -> None:
    for candidate in given_readings(text):
        assert function_like(text, candidate) is not False, (candidate.roles, str(candidate.rule), text)


# Classes


@st.composite
def classes(draw: st.DrawFn) -> str:
    """A class with its state in `self`: numbers, arrays, a dictionary, or nothing until the first step."""
    state = one_of(draw, "self.v", "self.v", 'self.s["v"]')
    counting = draw(st.booleans())
    start = one_of(draw, "0", "1", "None") if state == "self.v" else "0"
    init = ["self.lr = lr", "self.mu = mu", *(['self.s = {"v": 0}'] if state != "self.v" else [f"self.v = {start}"])]
    init += [f"self.t = {one_of(draw, '0', '0', '1')}"] if counting else []
    init += (
        [one_of(draw, "self.mu = 1 - mu", "self.lr = 2 * lr", "self.mu, self.lr = lr, mu")]
        if not draw(st.integers(0, 4))
        else []
    )
    known = ["w", "dw", state, "self.lr", "self.mu", *(["self.t"] if counting else [])]
    body = [re.sub(r"(?<![.\w])(lr|mu)\b", r"self.\1", line) for line in lines(draw, known)]
    if start == "None":
        value = one_of(draw, "np.zeros_like(w)", "np.ones_like(w)", "dw", "w", "0")
        body.insert(0, f"if self.v is None:\n    self.v = {value}")
    if counting:
        body.insert(draw(st.integers(0, len(body))), "self.t += 1")
    extra = one_of(
        draw,
        "",
        "",
        "",
        "    v = 3\n",
        "    def reset(self):\n        self.v = 0\n",
        "    @property\n    def rate(self):\n        return 2 * self.lr\n",
    )
    if "rate" in extra:
        body = [line.replace("self.lr", "self.rate") for line in body]
    end = one_of(
        draw,
        "return w",
        "return w - self.lr * dw",
        f"return w - {state}",
        "pass",
        f"return w + {state}",
        "return w, dw",
    )
    body.append(end)
    head = f"class Opt:\n{extra}    def __init__(self, lr=0.1, mu=0.9):\n{indented(init, 8)}"
    return f"{head}    def step(self, w, dw):\n{indented(body, 8)}"


def class_like(text: str, candidate: Candidate) -> bool | None:
    """Whether an object of the class, stepped, gives what the reading says; None where Python can't."""
    roles, thetas, answers = candidate.roles, said(candidate)[0], list[bool]()
    for place in (0, 1, None):
        by_name = {roles[n]: v for n, v in numbers(candidate).items()}
        try:
            kept = defined(text)["Opt"](lr=by_name.get("lr", OTHER), mu=by_name.get("mu", OTHER))
            found, now = list[Any](), {**by_name, roles["theta"]: array(THETA)}
            for gradient in GRADIENTS:
                now[roles["g"]] = array(gradient)
                returned = kept.step(*(now.get(n, array(OTHER)) for n in ("w", "dw")))
                if roles["theta"] in ("w", "dw"):
                    if place is not None:
                        now[roles["theta"]] = (returned if isinstance(returned, tuple) else (returned,))[place]
                    value = now[roles["theta"]]
                else:
                    return None
                found.append(np.array(value).reshape(-1)[0])
        except (TypeError, ValueError, AttributeError, NameError, IndexError):
            continue
        answers.append(found == thetas)
    return any(answers) if answers else None


@given(classes())
@settings(max_examples=150, deadline=None)
def test_classes(text: str) -> None:
    for candidate in given_readings(text):
        assert class_like(text, candidate) is not False, (candidate.roles, str(candidate.rule), text)


# Several arrays at once


@st.composite
def parts(draw: st.DrawFn) -> str:
    """A step of several arrays: by key, by item, by index."""
    head, *names = draw(
        st.sampled_from(
            (
                ("for k in ps:", "ps[k]", "gs[k]", "vs[k]"),
                ("for k, p in ps.items():", "p", "gs[k]", "vs[k]"),
                ("for i, p in enumerate(ps):", "p", "gs[i]", "vs[i]"),
                ("for i in range(len(ps)):", "ps[i]", "gs[i]", "vs[i]"),
                ("for p, g, v in zip(ps, gs, vs):", "p", "g", "v"),
                ("for p, g, v in zip(ps, gs[1:], vs):", "p", "g", "v"),
                ("for i, (p, g) in enumerate(zip(ps, gs)):", "p", "g", "vs[i]"),
            )
        )
    )
    written = dict(zip(("w", "dw", "v"), names, strict=True))
    body = [
        re.sub(r"\b(w|dw|v)\b", lambda found: written[found[0]], line)
        for line in lines(draw, ["w", "dw", "v", "lr", "mu"])
    ]
    return f"{head}\n{indented(body, 4)}"


def parts_like(text: str, candidate: Candidate) -> bool | None:
    """Whether each array goes as the reading says; None where Python can't run the text."""
    roles, rule = candidate.roles, candidate.rule
    keys: list[Any] = ["W", "b"] if "for k" in text else [0, 1]
    if {roles["theta"], roles["g"], *starts(candidate)} - {"ps", "gs", "vs"} - ({"p", "g", "v"} & set(roles.values())):
        return None
    container = {"p": "ps", "g": "gs", "v": "vs"}
    space: dict[str, Any] = {n: {k: array(OTHER) for k in keys} for n in ("ps", "gs", "vs")}
    for role, value in {**starts(candidate), roles["theta"]: THETA}.items():
        space[container.get(role, role)] = {k: array(value) for k in keys}
    if keys == [0, 1]:
        space = {n: list(c.values()) for n, c in space.items()}
    space |= {"np": np, "lr": NUMBERS["lr"], "mu": NUMBERS["mu"]}
    given_at = {k: [gradient * (j + 1) for gradient in GRADIENTS] for j, k in enumerate(keys)}
    found = {k: list[Any]() for k in keys}
    theta, g = (container.get(roles[n], roles[n]) for n in ("theta", "g"))
    if not isinstance(space.get(g), dict | list):
        return None
    for step in range(len(GRADIENTS)):
        for k in keys:
            space[g][k] = array(given_at[k][step])
        if "t" in roles:
            space[roles["t"]] = step + 1
        try:
            exec(compile(text, "step.py", "exec"), space)  # noqa: S102  # its text was made here
        except (TypeError, ValueError, AttributeError, NameError):
            return None
        for k in keys:
            found[k].append(np.array(space[theta][k]).reshape(-1)[0])
    values = numbers(candidate)
    return all(found[k] == [s["theta"] for s in trajectory(rule, values, THETA, given_at[k])] for k in keys)


@given(parts())
@settings(max_examples=150, deadline=None)
def test_parts(text: str) -> None:
    for candidate in given_readings(text):
        assert parts_like(text, candidate) is not False, (candidate.roles, str(candidate.rule), text)


@pytest.mark.parametrize(
    ("strategy", "follows"),
    [(loops, runs_like), (functions, function_like), (classes, class_like), (parts, parts_like)],
)
def test_the_comparison_would_notice(
    strategy: Callable[[], st.SearchStrategy[str]], follows: Callable[[str, Candidate], bool | None]
) -> None:
    """The reading of one text is no way to run another."""
    line = {loops: "w = w - lr * dw", parts: "ps[k] -= lr * gs[k]"}.get(strategy, "return w - lr * dw")
    around = {
        loops: "for t in range(9):\n    w = 2 * w\n    {}\n",
        parts: "for k in ps:\n    ps[k] *= 2\n    {}\n",
        functions: "def step(w, dw, v=0, lr=0.1, mu=0.9):\n    w = 2 * w\n    {}\n",
        classes: "class Opt:\n    def __init__(self, lr=0.1, mu=0.9):\n        self.lr = lr\n"
        "    def step(self, w, dw):\n        w = 2 * w\n        {}\n",
    }[strategy]
    text = around.format(line.replace("lr", "self.lr") if strategy is classes else line)
    plain = re.sub(r"\n *(w|ps\[k\]) \*?= 2.*", "", text)
    assert given_readings(plain)
    assert all(follows(plain, candidate) for candidate in given_readings(plain) if candidate.roles["g"] in ("dw", "gs"))
    assert not any(follows(text, candidate) for candidate in given_readings(plain))
