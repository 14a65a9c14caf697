"""Optimizers of PyTorch's kind: what is read, and what would make parameters share more than their settings."""

from __future__ import annotations

from textwrap import dedent, indent

import pytest

from derive.errors import UserError
from derive.reading.read import read_text
from derive.rule import Rule

HEAD = """
import math
import torch
from torch.optim import Optimizer

class Opt(Optimizer):
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, amsgrad=False):
        if not 0.0 <= lr:
            raise ValueError("Invalid learning rate: {}".format(lr))
        if not 0.0 <= betas[0] < 1.0 or not isinstance(eps, float):
            raise ValueError(f"Invalid beta {betas[0]}")
        assert eps >= 0
        defaults = dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, amsgrad=amsgrad)
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
{group}
            for p in group["params"]:
                if p.grad is None:
                    continue
                if p.grad.is_sparse:
                    raise RuntimeError("dense gradients only")
{each}
        return loss
"""


def optimizer(each: str, group: str = "pass") -> str:
    parts = {"{group}": indent(dedent(group), " " * 12), "{each}": indent(dedent(each).strip("\n"), " " * 16)}
    text = HEAD
    for place, part in parts.items():
        text = text.replace(place, part)
    return text


def shown(rule: Rule) -> str:
    constants = ", ".join(f"{h.name}={h.default}" for h in rule.hyperparameters)
    states = ", ".join(f"{s.name}={s.initial}" for s in rule.states)
    return "\n".join([f"{', '.join(rule.inputs)}; {states}; {constants}", *map(str, rule.body)])


ADAM = """
    grad = p.grad.data
    state = self.state[p]
    if len(state) == 0:
        state["step"] = 0
        state["mean"] = torch.zeros_like(p, memory_format=torch.preserve_format)
        state["square"] = torch.zeros_like(p)
        if group["amsgrad"]:
            state["largest"] = torch.zeros_like(p)
    mean, square = state["mean"], state["square"]
    beta1, beta2 = group["betas"]
    state["step"] += 1
    if group["weight_decay"] != 0:
        grad = grad.add(p, alpha=group["weight_decay"])
    mean.mul_(beta1).add_(grad, alpha=1 - beta1)
    square.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
    if group["amsgrad"]:
        torch.maximum(state["largest"], square, out=state["largest"])
        root = state["largest"].sqrt()
    else:
        root = square.sqrt()
    denom = (root / math.sqrt(1 - beta2 ** state["step"])).add_(group["eps"])
    p.addcdiv_(mean, denom, value=-group["lr"] / (1 - beta1 ** state["step"]))
"""

CASES = {
    "Adam without its switch": (
        ADAM,
        {"amsgrad": False},
        """
        theta, g, t; mean=0, square=0; lr=1/1000, beta1=9/10, beta2=999/1000, eps=1/100000000, weight_decay=0
        grad = where(weight_decay != 0, g + weight_decay * theta, g)
        mean = mean * beta1
        mean = mean + (1 - beta1) * grad
        square = square * beta2
        square = square + (1 - beta2) * grad * grad
        root = sqrt(square)
        denom = root / sqrt(1 - beta2**t) + eps
        theta = theta + -lr / (1 - beta1**t) * mean / denom
        """,
    ),
    "Adam with it": (
        ADAM,
        {"amsgrad": True},
        """
        theta, g, t; mean=0, square=0, largest=0; lr=1/1000, beta1=9/10, beta2=999/1000, eps=1/100000000, weight_decay=0
        grad = where(weight_decay != 0, g + weight_decay * theta, g)
        mean = mean * beta1
        mean = mean + (1 - beta1) * grad
        square = square * beta2
        square = square + (1 - beta2) * grad * grad
        largest = max(largest, square)
        root = sqrt(largest)
        denom = root / sqrt(1 - beta2**t) + eps
        theta = theta + -lr / (1 - beta1**t) * mean / denom
        """,
    ),
    "a buffer made at the first step, in a branch": (
        """
        d_p = p.grad.data
        if group["weight_decay"] != 0:
            d_p.add_(group["weight_decay"], p.data)
        if group["eps"] != 0:
            param_state = self.state[p]
            if "buffer" not in param_state:
                buf = param_state["buffer"] = torch.clone(d_p).detach()
            else:
                buf = param_state["buffer"]
                buf.mul_(group["eps"]).add_(d_p)
            d_p = buf
        p.data.add_(-group["lr"], d_p)
        """,
        {},
        """
        theta, g, t; buffer=0; lr=1/1000, eps=1/100000000, weight_decay=0
        g = where(weight_decay != 0, g + weight_decay * theta, g)
        d_p = where(eps != 0, where(t == 1, g, buffer * eps + g), g)
        buffer = where(eps != 0, where(t == 1, g, buffer * eps + g), buffer)
        theta = theta + -lr * d_p
        """,
    ),
    "a local called g, and one called theta": (
        "theta = p * 2\ng = p.grad + theta\np.sub_(g, alpha=group['lr'])",
        {},
        "theta, g; ; lr=1/1000\ntheta_new = theta * 2\ng_new = g + theta_new\ntheta = theta - lr * g_new",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_reading(case: str) -> None:
    each, settings, expected = CASES[case]
    assert shown(read_text(optimizer(each), "Opt", settings=settings)) == dedent(expected).strip()


PLAIN = "p.add_(p.grad, alpha=-group['lr'])"


def test_the_numbers_of_a_parameter_replaced() -> None:
    rule = read_text(optimizer("p.data = p.data - group['lr'] * p.grad\np.data += p.grad"), "Opt")
    assert shown(rule) == "theta, g; ; lr=1/1000\ntheta = theta - lr * g\ntheta = theta + g"
    for line in (
        "p = p - p.grad",
        "for p in q: pass",
        "with a as p: pass",
        "import p",
        "del p",
        "p.data, q = p.grad, 1",
    ):
        with pytest.raises(UserError):
            read_text(optimizer(f"{line}\np.data = p.data - p.grad"), "Opt")


REFUSED = {  # what is done for each parameter, for each group, and what is said
    "a switch": ("if group['amsgrad']: p.zero_()\n" + PLAIN, "pass",
        "'amsgrad' is a switch; say which way: --map amsgrad=True, or amsgrad=False"),
    "a counter of the group, once for each parameter": (PLAIN + "\ngroup['step'] += 1", "pass", "used before|'group"),
    "a local carried to the next parameter": ("lr = lr * 2\np.sub_(p.grad * lr)", "lr = group['lr']",
        "'lr' is changed once for each parameter; keep it in the parameter's own state"),
    "an attribute": ("self.calls = 1\n" + PLAIN, "pass", "'self.calls'"),
    "a setting that is not there": ("p.sub_(p.grad * group['momentum'])", "pass", "'group"),
    "a setting that changes": (PLAIN, "group['lr'] = group['lr'] * 2", "'group.lr' is assigned to"),
    "no gradient": ("p.mul_(2)", "pass", "there is no gradient"),
    "a loop beside it": (PLAIN + "\nfor q in group['params']: q.zero_()", "pass", "a 'for' loop inside a step"),
    "two states": ("state = self.state[p]\nstate = {}\n" + PLAIN, "pass", "'state'"),
    "an unknown method of its own": ("self.project(p)\n" + PLAIN, "pass", "the function 'self.project' can't be read"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case: str) -> None:
    each, group, said = REFUSED[case]
    with pytest.raises(UserError, match=said):
        read_text(optimizer(each, group), "Opt")


def test_what_stands_after_the_settings_may_change_them() -> None:
    text = optimizer(PLAIN).replace("defaults)\n", "defaults)\n        self.param_groups[0]['lr'] = 5\n", 1)
    with pytest.raises(UserError, match="can't be read in __init__"):
        read_text(text, "Opt")


def test_an_argument_of_the_step_is_no_constant_of_the_file() -> None:
    text = "rate = 0.5\n" + optimizer("p.add_(p.grad, alpha=-rate)").replace(
        "closure=None)", "closure=None, rate=0.1)", 1
    )
    with pytest.raises(UserError, match="'rate'"):
        read_text(text, "Opt")


def test_the_parameter_of_the_group_before() -> None:
    with pytest.raises(UserError, match="'p'"):
        read_text(optimizer(PLAIN, "p.mul_(2)"), "Opt")


def test_a_counter_kept_with_the_group() -> None:
    group = "if 'step' in group:\n    group['step'] += 1\nelse:\n    group['step'] = 1"
    rule = read_text(optimizer("p.sub_(p.grad / group['step'])", group), "Opt")
    assert shown(rule).startswith("theta, g, t; step=0; \nstep = where(t == 1, 1, step + 1)")


STRUCTURES = {  # what is replaced in the class, and what is said
    "from torch.optim import Optimizer": ("from .optimizer import Optimizer", "the base class 'Optimizer' may change"),
    "super().__init__(params, defaults)": ("self.defaults = defaults", "can't be read in __init__"),
    "defaults = dict(": ("defaults = settings(", "the defaults can't be read"),
    "for group in self.param_groups:": ("for group in groups():", "beside the loop"),
    'for p in group["params"]:': ('for p in reversed(group["params"]):', "the loops over the parameters"),
    "@torch.no_grad()": ("@profiled", "the decorator '@profiled' may change the method"),
    "assert eps >= 0": ("assert log(eps)", "'assert log\\(eps\\)' can't be read in __init__"),
    "loss = None": ("self.warm_up()", "'self.warm_up\\(\\)' can't be read beside the loop"),
    "class Opt(Optimizer):": ("class Opt(Optimizer):\n    def add_param_group(self, g): pass", "'add_param_group'"),
}


@pytest.mark.parametrize("part", STRUCTURES)
def test_what_else_is_no_such_optimizer(part: str) -> None:
    text = optimizer(PLAIN)
    assert part in text
    other, said = STRUCTURES[part]
    with pytest.raises(UserError, match=said):
        read_text(text.replace(part, other, 1), "Opt")


def test_a_function_of_a_parameter_with_its_gradient() -> None:
    rule = read_text("def f(theta, lr=0.1):\n    theta.data.add_(theta.grad, alpha=-lr)\n    return theta", "f")
    assert shown(rule) == "theta, g; ; lr=1/10\ntheta = theta + -lr * g"


def test_tuples_of_hyperparameters_in_functions_and_classes() -> None:
    unpacked = "def f(theta, g, m=0, *, betas=(0.9, 0.5)):\n    beta1, beta2 = betas\n    m = beta1 * m + beta2 * g\n" \
               "    return theta - m, m"  # fmt: skip
    assert shown(read_text(unpacked, "f")) == (
        "theta, g; m=0; beta1=9/10, beta2=1/2\nm = beta1 * m + beta2 * g\ntheta = theta - m"
    )
    kept = """
        class f:
            def __init__(self, lr=1, betas=(0.9, 0.5)):
                self.lr, self.betas = lr, betas
                self.m = 0
            def step(self, theta, g):
                b, _ = self.betas
                self.m = b * self.m + self.betas[-1] * g
                return theta - self.lr * self.m
    """
    assert "m = b * m + beta2 * g" in shown(read_text(dedent(kept), "f"))


@pytest.mark.parametrize(
    "line",
    [
        "betas = (0.5, 0.5)",
        "for betas in [(0.5, 0.5)]: pass",
        "(betas := (0.5, 0.5))",
        "beta1 = 2",
        "betas += (1,)",
        "del betas",
        "d = betas",
    ],
)
def test_a_tuple_that_is_another_one(line: str) -> None:
    text = f"def f(theta, g, betas=(0.9, 0.5)):\n    {line}\n    b, c = betas\n    return theta - b * g"
    with pytest.raises(UserError):
        read_text(text, "f")


def test_a_tuple_of_an_object_that_is_another_one() -> None:
    text = (
        "class f:\n    def __init__(self, betas=(0.9, 0.5)): self.betas = betas\n    def step(self, theta, g):\n"
        "        b, c = self.betas\n        self.betas = (0.1, 0.2)\n        return theta - b * g"
    )
    with pytest.raises(UserError):
        read_text(text, "f")


def test_switches_of_functions_and_classes() -> None:
    function = (
        "def f(theta, g, m=0, lr=0.1, nesterov=False):\n    m = m + g\n    d = g + m if nesterov else m\n"
        "    if nesterov and lr > 0: d = 2 * d\n    return theta - lr * d, m"
    )
    with pytest.raises(UserError, match="'nesterov' is a switch; say which way: --map nesterov=True"):
        read_text(function, "f")
    assert "d = m\ntheta" in shown(read_text(function, "f", settings={"nesterov": False}))
    assert "d = where(lr > 0, 2 * d, d)" in shown(read_text(function, "f", settings={"nesterov": True}))
    with pytest.raises(UserError, match="there is no switch 'nestrov'; give the name of an argument"):
        read_text(function, "f", settings={"nestrov": True})
    unset = "def f(theta, g, lr=0.1, maximize=False):\n    return theta - lr * g"
    assert shown(read_text(unset, "f")) == "theta, g; ; lr=1/10\ntheta = theta - lr * g"
    changed = "def f(theta, g, flag=True):\n    flag = flag\n    if flag: flag = 2\n    return theta - g"
    with pytest.raises(UserError, match="the switch 'flag' is assigned to"):
        read_text(changed, "f")
    first = (
        "class f:\n    def __init__(self):\n        self.first = True\n    def step(self, theta, g):\n"
        "        if self.first: theta = theta - g\n        self.first = False\n        return theta"
    )
    with pytest.raises(UserError):
        read_text(first, "f")
