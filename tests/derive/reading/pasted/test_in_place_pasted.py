"""Tensors in pasted code: in-place methods through handles, gradients that come with a parameter, switches."""

from __future__ import annotations

from itertools import islice

import pytest

from derive.errors import UserError
from derive.reading.drafts import Candidate, candidates, read_drafts


def first(text: str, **settings: bool) -> Candidate:
    [draft] = read_drafts(text, "pasted", settings=settings)
    [candidate] = islice(candidates(draft), 1)
    return candidate


BARE = """
state['step'] += 1
exp_avg, exp_avg_sq = state['exp_avg'], state['exp_avg_sq']
exp_avg.mul_(beta1).add_(grad, alpha=1 - beta1)
exp_avg_sq.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
denom = (exp_avg_sq.sqrt() / math.sqrt(1 - beta2 ** state['step'])).add_(group['eps'])
p.data.addcdiv_(exp_avg, denom, value=-group['lr'] / (1 - beta1 ** state['step']))
"""
FUNCTION = """
def adam(p, m, v, t, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
    beta1, beta2 = betas
    grad = p.grad.data
    m.mul_(beta1).add_(grad, alpha=1 - beta1)
    v.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
    denom = (v.sqrt() / math.sqrt(1 - beta2 ** t)).add_(eps)
    p.data.addcdiv_(m, denom, value=-lr / (1 - beta1 ** t))
"""


@pytest.mark.parametrize("text", [BARE, FUNCTION])
def test_adam_in_place(text: str) -> None:
    rule = first(text).rule
    mean, square = rule.state_names
    assert [str(a) for a in rule.body] == [
        f"{mean} = {mean} * beta1",
        f"{mean} = {mean} + (1 - beta1) * g",
        f"{square} = {square} * beta2",
        f"{square} = {square} + (1 - beta2) * g * g",
        f"denom = sqrt({square}) / sqrt(1 - beta2**t) + eps",
        f"theta = theta + -lr / (1 - beta1**t) * {mean} / denom",
    ]


def test_a_switch_is_set_or_asked_for() -> None:
    text = "def f(w, dw, v, lr=0.1, nesterov=False):\n    v = 0.9 * v + dw\n    d = dw + 0.9 * v if nesterov else v\n" \
           "    return w - lr * d, v"  # fmt: skip
    with pytest.raises(UserError, match="'nesterov' is a switch"):
        read_drafts(text, "pasted")
    assert str(first(text, nesterov=False).rule.body[1]) == "d = v"
    assert str(first(text, nesterov=True).rule.body[1]) == "d = g + 0.9 * v"


CLASS = """
class Opt(Optimizer):
    def __init__(self, params, lr=0.1, beta=0.9, halve=False):
        super().__init__(params, dict(lr=lr, beta=beta, halve=halve))
    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if len(state) == 0:
                    state["m"] = torch.zeros_like(p)
                    state["n"] = p.clone()
                m = state["m"]
                m.mul_(group["beta"]).add_(p.grad)
                if group["halve"]:
                    m = m / 2
                p.add_(m, alpha=-group["lr"]).add_(state["n"])
                state["n"].mul_(0.5)
"""


def test_a_class_with_state_made_at_the_first_step() -> None:
    for halve, last in ((False, "m = m + g"), (True, "m_ = m / 2")):
        candidate = first(CLASS, halve=halve)
        assert (candidate.roles["theta"], candidate.roles["g"]) == ("theta", "g")
        assert [f"{s.name} = {s.initial}" for s in candidate.rule.states] == ["m = 0", "n = theta"]
        assert str(candidate.rule.body[2 if halve else 1]) == last


REFUSED = [
    "dw = loss(w, m.mul_(2))\nm = 0.9 * m + dw\nw -= lr * m",  # the store must not be lost in what isn't looked into
    "dw = loss(w, out=m)\nm = 0.9 * m + dw\nw -= lr * m",
    "g = p.grad\nm = other(p)['m']\np.data.add_(m, alpha=-lr)",  # the gradient is p.grad, not whatever m is
]


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_not_looked_into(text: str) -> None:
    with pytest.raises(UserError):
        read_drafts(text, "pasted")


def test_names_for_one_number_are_no_array() -> None:
    """`m = v = t = 0` starts three numbers; `m = v = zeros(3)` is one array under two names."""
    step = "g = grad(w)\n    t += 1\n    m = b * m + (1 - b) * g\n    w = w - lr * m / (1 - b**t)\n"
    text = "m = t = {}\nwhile True:\n    " + step
    assert {s.name for s in first(text.format("0")).rule.states} == {"m"}
    with pytest.raises(UserError, match="another name of the same array"):
        first(text.format("np.zeros(3)"))
