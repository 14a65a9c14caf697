"""Which known rule a text is: all that it is, in order, and what holds of the nearest ones."""

from __future__ import annotations

from derive import identify
from derive.matching import identify_text
from derive.matching.identify import identified, in_order
from derive.matching.wording import row
from tests.derive.matching.test_texts import ADAM


def test_the_library_is_searched() -> None:
    found = identify_text("s = ρ*s + (1-ρ)*g^2\nw = w - η*g/(√s + ε)", "pasted.txt", None)
    assert (found[0].rule.name, found[0].verdict.status) == ("rmsprop", "proved")
    assert found[1].verdict.status == "conditional"


def test_all_forms_of_one_rule_are_found() -> None:
    found = identify_text("v = beta * v + g\nw = w - lr * v", "pasted.txt", None)
    names = {match.rule.name for match in found if match}
    assert {"momentum", "momentum_ema", "momentum_lr_outside"} <= names


def test_the_nearest_rule_is_found_by_its_repair() -> None:
    found = identify_text(ADAM.replace("(1 - β2^t)", "(1 - β2)"), "pasted.txt", None)
    assert found[0].rule.name == "adam"
    assert found[0].fault is not None
    assert found[0].fault.message == "line 5 reads `β2` where the rule has `β2**t`"


def test_a_slip_of_the_right_rule_comes_before_rules_switched_off() -> None:
    inside = ADAM.replace("(√S_corr + ε)", "√(S_corr + ε)")
    first, *others = (row(match) for match in identify_text(inside, "pasted.txt", None))
    assert first[:2] == ("adam", "conditional")
    assert first[2].endswith("line 6 reads `sqrt(S_corr + ε)` where the rule has `sqrt(S_corr) + ε`")
    assert "rmsprop" not in [name for name, *_ in others[:1]]


def test_what_is_found_in_time_is_the_answer_and_the_rest_is_unknown() -> None:
    slip = ADAM.replace("(1 - β2^t)", "(1 - β2)")
    asked = iter(range(1000))
    found = in_order(identified(slip, "pasted.txt", None, {}, lambda: next(asked) > 14))
    assert {match.verdict.status for match in found} >= {"unknown"}
    assert found[-1].verdict.message == "the time was over before it was looked at"
    assert {m.rule.name for m in found} <= {m.rule.name for m in identify_text(slip, "pasted.txt", None)}


# PyTorch's: the buffer starts as the first gradient, and the decay is inside it.
DECAYED = """
class SGD(Optimizer):
    def __init__(self, params, lr=0.01, momentum=0.9, weight_decay=0):
        super().__init__(params, dict(lr=lr, momentum=momentum, weight_decay=weight_decay))

    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                d_p = p.grad
                if group["weight_decay"] != 0:
                    d_p = d_p.add(p, alpha=group["weight_decay"])
                state = self.state[p]
                if "buf" not in state:
                    buf = state["buf"] = torch.clone(d_p).detach()
                else:
                    buf = state["buf"]
                    buf.mul_(group["momentum"]).add_(d_p)
                p.add_(buf, alpha=-group["lr"])
"""


def test_what_holds_under_one_condition_comes_first_and_repairs_after_conditions() -> None:
    found = identify(DECAYED)
    first = {row(match)[0]: row(match)[2] for match in found[:2]}
    assert first == dict.fromkeys(("momentum", "momentum_lr_outside"), 'where group["weight_decay"] = 0')
    statuses = [match.verdict.status for match in found]
    assert statuses == sorted(statuses)  # conditional, refuted
    assert all(len(how) < 210 for _, _, how in map(row, found))


def test_names_may_be_given() -> None:
    switch = """
def f(w, g, v, mu, lr, nesterov=False):
    v = mu * v + g
    w = w - lr * (g + mu * v if nesterov else v)
    return w, v
"""
    assert {m.rule.name for m in identify(switch, {"nesterov": True}) if m} == {"nesterov", "nesterov_torch"}
    assert "momentum" in {m.rule.name for m in identify(switch, {"nesterov": False}) if m}
    assert not any(identify("v = mu * v + g\nw -= lr * v", {"mu": "lr"}))


def test_a_text_of_numbers_is_as_large_as_the_rule_they_stand_in() -> None:
    text = "m = 0.9*m + 0.1*g\nv = 0.999*v + 0.001*g**2\nw -= 0.001 * (m/(1-0.9*t)) / ((v/(1-0.999**t))**0.5 + 1e-8)"
    first = identify_text(text, "pasted", None)[0]
    assert first.rule.name == "adam"
    assert first.fault is not None
