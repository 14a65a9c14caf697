"""In-place methods against what they do: generated steps, run with tensors of one exact number and by the rule read.

A tensor is a cell that views share, so a store through any name of it shows under every other.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, event, example, given, settings
from hypothesis import strategies as st

from derive.errors import UserError
from derive.evaluate import exact
from derive.reading.read import read_text


class Tensor:
    """One number in a cell."""

    def __init__(self, cell: list[Fraction]) -> None:
        self.cell = cell

    def detach(self) -> Tensor:
        return Tensor(self.cell)

    def clone(self) -> Tensor:
        return Tensor(list(self.cell))

    @property
    def data(self) -> Tensor:
        return Tensor(self.cell)

    @data.setter
    def data(self, other: Tensor) -> None:
        self.cell = other.cell

    def float(self) -> Tensor:
        return self

    def __getitem__(self, index: object) -> Tensor:
        return Tensor(self.cell)

    def __setitem__(self, index: object, value: Any) -> None:
        self.cell[0] = number(value)

    def __lt__(self, other: Any) -> bool:
        return number(self) < number(other)

    def __gt__(self, other: Any) -> bool:
        return number(self) > number(other)


def number(x: Any) -> Fraction:
    return x.cell[0] if isinstance(x, Tensor) else Fraction(x)


METHODS: dict[str, Callable[..., Any]] = {
    "add": lambda x, y, alpha=1: x + alpha * y,
    "sub": lambda x, y, alpha=1: x - alpha * y,
    "mul": lambda x, y: x * y,
    "neg": lambda x: -x,
    "square": lambda x: x * x,
    "abs": abs,
    "lerp": lambda x, end, weight: x + weight * (end - x),
    "addcmul": lambda x, a, b, value=1: x + value * a * b,
    "clamp": lambda x, min=None, max=None: _clamped(x, min, max),
    "copy": lambda x, y: y,
    "fill": lambda x, y: y,
    "zero": lambda x: Fraction(0),
}


def _clamped(x: Fraction, low: Fraction | None, high: Fraction | None) -> Fraction:
    x = x if low is None else max(x, low)
    return x if high is None else min(x, high)


def _define(name: str, formula: Callable[..., Fraction]) -> None:
    def value(self: Tensor, args: Any, keywords: Any) -> Fraction:
        return formula(number(self), *map(number, args), **{k: number(v) for k, v in keywords.items()})

    def fresh(self: Tensor, *args: Any, **keywords: Any) -> Tensor:
        return Tensor([value(self, args, keywords)])

    def stored(self: Tensor, *args: Any, **keywords: Any) -> Tensor:
        self.cell[0] = value(self, args, keywords)
        return self

    setattr(Tensor, name, fresh)
    setattr(Tensor, f"{name}_", stored)
    if name in ("add", "sub", "mul"):
        setattr(Tensor, f"__{name}__", fresh)
        setattr(Tensor, f"__i{name}__", stored)
        setattr(Tensor, f"__r{name}__", lambda self, other: getattr(Tensor([number(other)]), name)(self))
    if name == "neg":
        setattr(Tensor, "__neg__", fresh)  # noqa: B010 - one of several


for _name, _formula in METHODS.items():
    _define(_name, _formula)


def _into(formula: Callable[..., Fraction]) -> Callable[..., Tensor]:
    def call(*args: Any, out: Tensor | None = None) -> Tensor:
        value = formula(*map(number, args))
        if out is None:
            return Tensor([value])
        out.cell[0] = value
        return out

    return call


TORCH = SimpleNamespace(maximum=_into(max), add=_into(lambda a, b: a + b), clone=Tensor.clone)

NAMES = ("theta", "m", "v", "a", "b")
names = st.sampled_from(NAMES)
scalars = st.sampled_from(["lr", "2", "-1", "0.5"])
atoms = st.one_of(names, names, names, scalars, st.just("g"))


def _calls(receiver: st.SearchStrategy[str], inner: st.SearchStrategy[str], ending: str) -> st.SearchStrategy[str]:
    one = st.sampled_from(["neg", "square", "abs"])
    return st.one_of(
        st.tuples(receiver, one).map(lambda p: f"{p[0]}.{p[1]}{ending}()"),
        st.tuples(receiver, st.sampled_from(["add", "sub", "mul"]), inner).map(
            lambda p: f"{p[0]}.{p[1]}{ending}({p[2]})"
        ),
        st.tuples(receiver, inner, scalars).map(lambda p: f"{p[0]}.add{ending}({p[1]}, alpha={p[2]})"),
        st.tuples(receiver, inner, scalars).map(lambda p: f"{p[0]}.lerp{ending}({p[1]}, {p[2]})"),
        st.tuples(receiver, names, names, scalars).map(
            lambda p: f"{p[0]}.addcmul{ending}({p[1]}, {p[2]}, value={p[3]})"
        ),
        st.tuples(receiver, scalars).map(lambda p: f"{p[0]}.clamp{ending}(min={p[1]})"),
    )


def _tensor(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Expressions that are tensors: views, new ones, and what in-place methods return."""
    views = st.tuples(names, st.sampled_from([".detach()", ".data", "[:]", ".clone()", ".float()", ""])).map("".join)
    receivers = st.one_of(names, views, st.tuples(names, inner).map(lambda p: f"({p[0]} + {p[1]})"))
    chained = st.one_of(receivers, _calls(receivers, inner, "_"))
    return st.one_of(views, _calls(chained, inner, "_"), _calls(chained, inner, ""), _only_stored(names, inner))


def _only_stored(receiver: st.SearchStrategy[str], inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(receiver, inner).map(lambda p: f"{p[0]}.copy_({p[1]})"),
        receiver.map(lambda r: f"{r}.zero_()"),
        st.tuples(receiver, scalars).map(lambda p: f"{p[0]}.fill_({p[1]})"),
        st.tuples(names, names, receiver).map(lambda p: f"torch.maximum({p[0]}, {p[1]}, out={p[2]})"),
    )


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(_tensor(inner), st.sampled_from("+-*"), inner).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        _tensor(inner),
    )


values = st.recursive(atoms, _larger, max_leaves=4)
tensors = _tensor(atoms)
simple = st.one_of(
    st.tuples(names, st.one_of(tensors, values)).map(lambda p: [f"{p[0]} = {p[1]}"]),
    tensors.filter(lambda t: "_(" in t or "out=" in t).map(lambda t: [t]),
    st.tuples(names, st.sampled_from("+-*"), values).map(lambda p: [f"{p[0]} {p[1]}= {p[2]}"]),
    st.tuples(names, st.sampled_from("+-*"), values).map(lambda p: [f"{p[0]}.data {p[1]}= {p[2]}"]),
    st.tuples(names, names, tensors, tensors).map(lambda p: [f"{p[0]}, {p[1]} = {p[2]}, {p[3]}"]),
    st.tuples(names, names, tensors).map(lambda p: [f"{p[0]} = {p[1]} = {p[2]}"]),
    st.tuples(names, tensors).map(lambda p: [f"{p[0]}.data = {p[1]}"]),
    st.tuples(names, values).map(lambda p: [f"{p[0]}[:] = {p[1]}"]),
)


def _branching(inner: st.SearchStrategy[list[str]]) -> st.SearchStrategy[list[str]]:
    blocks = st.lists(inner, min_size=1, max_size=2).map(lambda b: [f"    {line}" for lines in b for line in lines])
    return st.tuples(names, values, blocks, blocks).map(lambda p: [f"if {p[0]} < {p[1]}:", *p[2], "else:", *p[3]])


programs = st.lists(st.one_of(simple, simple, _branching(simple)), min_size=1, max_size=5)
numbers = st.fractions(min_value=-2, max_value=2, max_denominator=3)


def compare(body: list[str], start: Fraction, gradients: list[Fraction]) -> None:
    """Where the step is read, its rule and the tensors give the same numbers."""
    lines = ["a = g.clone()", "b = theta - g", *body, "m = m + a", "v = v - b", "theta = theta - lr * v"]
    source = "\n    ".join(["def f(theta, g, m=1, v=2, *, lr=2):", *lines, "return theta, m, v"])
    try:
        rule = read_text(source, "f")
    except UserError:
        event("refused")
        assume(False)
    space: dict[str, Any] = {"torch": TORCH, "Fraction": Fraction}
    exec(compile_source(source), space)  # noqa: S102 - Python is what the reader is compared with
    theta, m, v = Tensor([start]), Tensor([Fraction(1)]), Tensor([Fraction(2)])
    expected: dict[str, Any] = {"theta": start, "m": Fraction(1), "v": Fraction(2), "lr": Fraction(2)}
    for gradient in gradients:
        try:
            theta, m, v = space["f"](theta, Tensor([gradient]), m, v, lr=Fraction(2))
        except (TypeError, AttributeError):  # a number where a tensor was: no run
            assume(False)
        expected |= {"g": gradient}
        expected |= dict(zip(rule.step, exact(rule.step.values(), expected), strict=True))
        assert [expected[n] for n in ("theta", "m", "v")] == [number(theta), number(m), number(v)], source
    event("read")


def compile_source(source: str) -> Any:
    return compile(source.replace("0.5", "Fraction(1, 2)"), "f", "exec")


@settings(suppress_health_check=list(HealthCheck))
@given(programs.map(lambda blocks: [line for block in blocks for line in block]), numbers,
       st.lists(numbers, min_size=3, max_size=3))  # fmt: skip
@example(["d = v", "d.square_()"], Fraction(1), [Fraction(1)] * 3)
@example(["a = (m + 1) * m.mul_(2)"], Fraction(1), [Fraction(1)] * 3)
@example(["a = m * m.mul_(2)"], Fraction(1), [Fraction(1)] * 3)
@example(["b = m", "a = (b + 1) * m.mul_(2)"], Fraction(1), [Fraction(1)] * 3)
@example(["m.add_(m.mul_(2))"], Fraction(1), [Fraction(1)] * 3)
@example(["b = m", "m = m + 1", "b.mul_(3)"], Fraction(1), [Fraction(1)] * 3)
@example(["if m < v:", "    b = m", "else:", "    b = v", "b.mul_(2)"], Fraction(1), [Fraction(1)] * 3)
@example(["if m < v:", "    b = m", "    b.mul_(2)", "else:", "    b = v", "a = b + 1"], Fraction(1), [Fraction(1)] * 3)
@example(["a, b = m, m.mul_(2)", "b.add_(1)"], Fraction(1), [Fraction(1)] * 3)
@example(["a = (m.clone() + 0) * m.mul_(2)"], Fraction(1), [Fraction(1)] * 3)
@example(["m = v", "m.mul_(2)"], Fraction(1), [Fraction(1)] * 3)
def test_what_is_read_is_what_the_tensors_do(body: list[str], start: Fraction, gradients: list[Fraction]) -> None:
    compare(body, start, gradients)


READ = {  # a step of theta, g, m and v, and the lines read
    "m.mul_(lr).add_(g, alpha=1 - lr)": "m = m * lr; m = m + (1 - lr) * g",
    "m.mul_(lr).add_(1 - lr, g)": "m = m * lr; m = m + (1 - lr) * g",
    "v.mul_(lr).addcmul_(1 - lr, g, g)": "v = v * lr; v = v + (1 - lr) * g * g",
    "v.mul_(lr).addcmul_(g, g, value=1 - lr)": "v = v * lr; v = v + (1 - lr) * g * g",
    "d = (v.sqrt() / 2).add_(lr); theta.data.addcdiv_(-lr, m, d)": "d = sqrt(v) / 2 + lr; theta = theta + -lr * m / d",
    "d = v.sqrt().add_(lr); theta.addcdiv_(m, d, value=-lr)": "d = sqrt(v) + lr; theta = theta + -lr * m / d",
    "m.lerp_(g, 1 - lr)": "m = m + (1 - lr) * (g - m)",
    "torch.maximum(m, v, out=m)": "m = max(m, v)",
    "torch.max(m, v, out=m)": "m = max(m, v)",
    "d = torch.max(m, v).sqrt_()": "d = sqrt(max(m, v))",
    "np.multiply(m, lr, out=m); np.add(m, g, out=m)": "m = m * lr; m = m + g",
    "np.copyto(m, g)": "m = g",
    "m *= lr; m.add_(g)": "m = m * lr; m = m + g",
    "d = m; d.mul_(2); theta = theta - d": "m = m * 2; theta = theta - m",
    "d = m.detach(); d.neg_(); theta = theta - d * m": "m = -m; theta = theta - m * m",
    "d = m.sqrt(); d.neg_(); theta = theta - d * m": "d = sqrt(m); d = -d; theta = theta - d * m",
    "d = m.clone(); d.neg_(); theta = theta - d * m": "d = m; d = -d; theta = theta - d * m",
    "m.clamp_(min=0).clamp_(max=1).clamp_(-1, 1)": "m = max(m, 0); m = min(m, 1); m = min(max(m, -1), 1)",
    "theta.data = theta.data - lr * m": "theta = theta - lr * m",
    "theta.data -= lr * m": "theta = theta - lr * m",
    "v.copy_(m); m.zero_(); v.fill_(lr)": "v = m; m = 0; v = lr",
    "m.sign_(); v.rsqrt_(); v.reciprocal_(); v.pow_(3)": "m = sign(m); v = 1 / sqrt(v); v = 1 / v; v = v**3",
    "theta.sub_(m, alpha=lr); theta.div_(2)": "theta = theta - lr * m; theta = theta / 2",
    "d = m.to(torch.float32).type_as(v) + m.astype('float64')": "d = m + m",
}


@pytest.mark.parametrize("line", READ)
def test_spellings(line: str) -> None:
    rule = read_text(f"def f(theta, g, m=0, v=0, lr=0.1):\n    {line}\n    m += g; v += g; theta -= g\n"
                     "    return theta, m, v", "f")  # fmt: skip
    assert "; ".join(str(a) for a in rule.body[:-3]) == READ[line]


def test_an_attribute_called_grad_is_no_gradient() -> None:
    text = """
class f:
    def __init__(self):
        self.grad = 1
    def step(self, theta, g):
        w = self.grad
        self.grad += g
        theta.mul_(2)
        return theta - w
"""
    with pytest.raises(UserError, match="may change 'w'"):
        read_text(text, "f")


def test_what_is_a_number_first_may_be_an_array_later() -> None:
    lines = ("w = m", "w += 1", "theta.mul_(m)", "m = torch.zeros_like(theta)", "return theta - w, m")
    with pytest.raises(UserError, match="may change 'm'"):
        read_text("\n    ".join(["def f(theta, g, m=0):", *lines]), "f")
    made = "\n    ".join(["def f(theta, g, m=None):", "if m is None: m = torch.zeros_like(theta)", *lines[:3],
                         "m = torch.zeros_like(theta)", "return theta - w - g, m"])  # fmt: skip
    assert [str(a) for a in read_text(made, "f").body][:2] == ["m = m + 1", "theta = theta * m"]


REFUSED = {  # the same, and what is said
    "d = m.float(); d.mul_(2); theta = theta - m": "may change 'm'",
    "d = m if g > 0 else v; d.mul_(2)": "may change",
    "d = max(m, v); d.mul_(2)": "may change",
    "m = theta; theta.mul_(2)": "may change 'm'",
    "m[g > 0].mul_(2)": "the index in",
    "m.masked_fill_(g > 0, 0)": "the in-place method 'masked_fill_' can't be read",
    "m.data = v": "may then be 'v' itself",
    "m.max(0)": "mixes coordinates",
    "m = m.max(v)": "mixes coordinates",
    "d = np.asarray(m); d.mul_(2)": "may change 'm'",
    "m.to(torch.int32)": "may change the numbers",
    "m.type_as(torch.int64)": "may change the numbers",
    "d = m > 0 and v.mul_(2) > 0": "beside an in-place store",
    "d = g > 0 and v.mul_(2) > 0 or g < 0": "beside an in-place store",
    "d = v.mul_(2) if g > 0 else m": "may not happen",
    "m.mul_(2) + 1": "is not used",
}


@pytest.mark.parametrize("line", REFUSED)
def test_what_cannot_be_followed(line: str) -> None:
    body = f"    {line}\n    m = m + g; v = v + g + m\n    theta = theta - v\n    return theta, m, v"
    with pytest.raises(UserError, match=REFUSED[line]):
        read_text(f"def f(theta, g, m=0, v=0, lr=0.1):\n{body}", "f")
