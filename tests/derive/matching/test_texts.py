"""Pasted texts against rules, as people ask: the verdict, who is who, what was assumed, which line to mend."""

from __future__ import annotations

import pytest

from derive.errors import UserError
from derive.library.lookup import find_rule
from derive.matching import Match, check_text
from derive.matching.wording import document, lines, row


def check(text: str, rule: str, **given: str) -> Match:
    return check_text(text.lstrip("\n"), "pasted.txt", None, find_rule(rule), given)


ADAM = """
V_dW = β1 V_dW + (1 - β1) dW
S_dW = β2 S_dW + (1 - β2) dW²
V_corr = V_dW / (1 - β1^t)
S_corr = S_dW / (1 - β2^t)
W = W - α V_corr / (√S_corr + ε)
"""


def test_any_names_will_do() -> None:
    match = check(ADAM, "adam")
    assert match
    assert match.verdict.relation == "identical"
    assert match.roles == {"theta": "W", "g": "dW", "t": "t"}
    assert match.hyperparameters == {"lr": "α", "beta1": "β1", "beta2": "β2", "eps": "ε"}
    assert match.states == {"m": "V_dW", "v": "S_dW"}
    assert {"V_dW = 0", "S_dW = 0"} <= set(match.assumed)


def test_a_buffer_read_for_another_is_found() -> None:
    match = check(ADAM.replace("S_corr = S_dW", "S_corr = V_dW"), "adam")
    assert match.verdict.status == "refuted"
    assert match.fault is not None
    assert match.fault.message == "line 4 reads `V_dW` where the rule has `S_dW`"
    assert match.fault.lines == (4,)
    assert "S_corr = S_dW / (1 - β2**t)" in match.fault.mended


def test_numbers_in_the_text_make_it_an_instance() -> None:
    match = check("v = 0.9 v + 0.1 dw\nw = w - α v", "momentum_ema")
    assert match.verdict.relation == "instance"
    assert match.hyperparameters == {"lr": "α", "beta": "0.9"}
    assert not check("v = 0.9 v + 0.2 dw\nw = w - 0.01 v", "momentum_ema")


def test_the_other_share_is_as_good() -> None:
    match = check("m = (1 - rate) * m + rate * g\nw = w - lr * m", "momentum_ema", rate="beta")
    assert match.verdict.relation == "hyperparameter_map"
    assert match.hyperparameters["beta"] == "1 - rate"


@pytest.mark.parametrize(
    ("text", "maps"),
    [
        ("buf.mul_(momentum).add_(d_p)\np.add_(buf, alpha=-lr)", {"B.v": "A.lr * A.buf"}),
        ("v = momentum * v - rate * g\nw = w + v", {"B.v": "-A.v_"}),
        ("v = beta * v + (1 - beta) * g\nw = w - lr * v", {"B.lr": "A.lr * (1 - A.beta)", "B.v": "A.lr * A.v_"}),
    ],
)
def test_forms_of_momentum_are_one(text: str, maps: dict[str, str]) -> None:
    match = check(text, "momentum")
    assert match
    assert set(match.verdict.maps) == set(maps)


def test_swapped_names_and_other_defaults_are_said() -> None:
    text = """
def f(p, g, t, m=0, v=0, *, lr=0.01, beta2=0.9, beta1=0.999, eps=1e-8):
    m = beta2 * m + (1 - beta2) * g
    v = beta1 * v + (1 - beta1) * g * g
    p = p - lr * (m / (1 - beta2**t)) / (sqrt(v / (1 - beta1**t)) + eps)
    return p, m, v
"""
    match = check(text, "adam")
    assert match
    assert match.otherwise == {"beta1": "beta2", "beta2": "beta1"}
    assert "with the rule's beta1 = beta2, the rule's beta2 = beta1; under the names as they stand" in str(match)
    assert any("lr 0.01" in warning for warning in match.warnings)


def test_counting_from_zero_divides_by_zero() -> None:
    text = """
for t in range(steps):
    g = gradient(x)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    x = x - alpha * m_hat / (np.sqrt(v_hat) + eps)
"""
    match = check(text, "adam")
    assert match.verdict.status == "refuted"
    assert "division by zero, line 5" in match.verdict.message
    assert match.fault is not None
    assert match.fault.message == "the steps are counted from 0 where the rule counts from 1"


def test_storing_the_corrected_moment_back_is_not_adam() -> None:
    text = """
m = beta1 * m + (1 - beta1) * g
v = beta2 * v + (1 - beta2) * g**2
m = m / (1 - beta1**t)
v = v / (1 - beta2**t)
theta = theta - lr * m / (sqrt(v) + eps)
"""
    match = check(text, "adam")
    assert match.verdict.status in ("refuted", "conditional")
    assert match.fault is not None
    assert match.fault.lines == (3, 4)


def test_squares_kept_in_one_buffer_and_read_from_another() -> None:
    text = "SdW = beta * SdW + (1 - beta) * dW**2\nW = W - alpha * dW / (sqrt(VdW) + epsilon)"
    match = check(text, "rmsprop")
    assert match.verdict.status == "refuted"
    assert match.fault is not None
    assert match.fault.message == "line 2 reads `VdW` where the rule has `SdW`"
    assert not match.parts


TWO = """
SdW = beta * SdW + (1 - beta) * dW**2
Sdb = beta * Sdb + (1 - beta) * db**2
W = W - alpha * dW / (sqrt(SdW) + epsilon)
b = b - alpha * db / (sqrt(Sdb) + epsilon)
"""


def test_each_parameter_must_hold() -> None:
    match = check(TWO, "rmsprop")
    assert match
    assert [part.parameter for part in match.parts] == ["W", "b"]


def test_the_parameter_that_fails_is_named() -> None:
    match = check(TWO.replace("db / (sqrt(Sdb)", "db / (sqrt(SdW)"), "rmsprop")
    assert [part.verdict.status for part in match.parts] == ["proved", "refuted"]
    assert match.verdict.message.startswith("b: ")
    assert match.fault is not None
    assert match.fault.message == "line 4 reads `SdW` where the rule has `Sdb`"


def test_what_the_text_has_not_is_a_condition() -> None:
    match = check("cache = decay * cache + (1 - decay) * dx**2\nx -= rate * dx / sqrt(cache)", "rmsprop")
    assert match.verdict.status == "conditional"
    assert match.verdict.condition is not None
    assert match.verdict.condition["any_of"] == ["eps = 0"]


def test_missing_brackets_are_one_slip() -> None:
    match = check("m = beta * m + 1 - beta * g\nw = w - lr * m", "momentum_ema")
    assert match.fault is not None
    assert (
        match.fault.message == "line 1 reads `beta * m + 1 - beta * g` where the rule has `beta * m + (1 - beta) * g`"
    )


def test_a_map_decides_who_is_who() -> None:
    match = check("a = a - b * c", "gradient_descent", c="g", b="lr")
    assert match.hyperparameters == {"lr": "b"}
    assert check("a = a - b * c", "gradient_descent", b="g").hyperparameters == {"lr": "c"}


def test_an_average_is_no_update() -> None:
    assert check("v = beta * v + (1 - beta) * x\nv_corrected = v / (1 - beta**t)", "ewma_debiased")
    with pytest.raises(UserError):
        check("print('hello')", "adam")


def test_answers_are_the_same_each_time() -> None:
    wrong = ADAM.replace("dW²", "dW")
    first, second = check(wrong, "adam"), check(wrong, "adam")
    assert document(first) == document(second)


def test_the_answer_in_words() -> None:
    match = check("cache += dx**2\nx += - rate * dx / (np.sqrt(cache + eps))", "adagrad")
    said = [line.text for line in lines(match)]
    assert said[0].startswith("conditional against adagrad")
    assert "line 2 reads `sqrt(cache + eps)` where the rule has `sqrt(cache) + eps`" in said
    assert row(match)[:2] == ("adagrad", "conditional")
    assert document(match)["fault"]["lines"] == [2]


def test_a_mended_line_keeps_who_is_who() -> None:
    match = check("m = b * m + (1 - b) * g\nx -= lr * m", "gradient_descent")
    assert match.verdict.condition is not None
    assert match.verdict.condition["any_of"] == ["b = 0"]
    assert match.fault is None  # `b * g` would be the rule, with another step size than the one named
    assert "m = 0" in match.assumed
    assert not match.warnings


def test_what_is_called_a_gradient_is_it() -> None:
    match = check("x = x - lr * g ** g ** g ** g ** g", "gradient_descent")
    assert match.verdict.status == "refuted"
    assert (match.roles["g"], match.hyperparameters) == ("g", {"lr": "lr"})
    assert match.fault is None


DECAYED = """
def step(p, grad, m=0, v=0, t=0, lr=0.001, b1=0.9, b2=0.999, eps=1e-8, wd=0):
    t = t + 1
    if wd != 0:
        grad = grad + wd * p
    m = b1 * m + (1 - b1) * grad
    v = b2 * v + (1 - b2) * grad**2
    p = p - lr * (m / (1 - b1**t)) / (sqrt(v / (1 - b2**t)) + eps)
    return p, m, v, t
"""


def test_a_line_too_many_is_shown_as_it_stands() -> None:
    match = check(DECAYED, "adam")
    assert match.fault is not None
    assert match.fault.message == "line 4, `grad = grad + wd * p`, is not in the rule"
    assert not any("wd" in warning for warning in match.warnings)


def test_a_proof_through_another_meaning_of_a_name_says_so() -> None:
    match = check(ADAM.replace("(1 - β1) dW", "(1 - β2) dW"), "adam")
    assert match
    first, second, third, *_ = str(match).splitlines()
    assert "the rule's lr = α * (1 - β2) / (1 - β1)" in first
    assert first.endswith("; under the names as they stand they differ")
    assert second == "line 1 reads `β2` where the rule has `β1`"
    assert third == "mending this line makes it adam (proved, under the names as they stand)"
    assert not match.warnings


def test_names_made_for_the_prover_are_not_shown() -> None:
    said = str(check("v = beta * v + (1 - beta) * g\nw = w - lr * v", "momentum"))
    assert "the rule's v = lr * v" in said
    assert "v_" not in said


def test_a_start_that_the_text_states_is_not_taken_for_the_rules() -> None:
    average = "avg = values[0]\nfor x in values:\n    avg = b * avg + (1 - b) * x\n"
    assert check(average.replace("values[0]", "0"), "ewma")
    with pytest.raises(UserError, match=r"'avg' is 'values\[0\]' before the first step"):
        check(average, "ewma")
    kept = "class A:\n    def __init__(self, lr):\n        self.lr = lr\n        self.h = START\n"
    step = (
        "    def step(self, w, g):\n        self.h += g**2\n        return w - self.lr * g / np.sqrt(self.h + 1e-8)\n"
    )
    assert check((kept + step).replace("START", "Tensor.zeros(3)"), "adagrad_eps_inside")
    with pytest.raises(UserError, match=r"'self.h' is 'np.random.rand\(3\)' before the first step"):
        check((kept + step).replace("START", "np.random.rand(3)"), "adagrad_eps_inside")


def test_a_sum_that_is_overwritten_is_found() -> None:
    match = check("cache = dx**2\nx += -lr * dx / (np.sqrt(cache) + eps)", "adagrad")
    assert match.fault is not None
    assert match.fault.message == "line 1 reads `cache = dx**2` where the rule has `cache = cache + dx**2`"


def test_numbers_everywhere_and_a_slip_among_them() -> None:
    text = "m = 0.9*m + 0.1*g\nv = 0.999*v + 0.001*g**2\nw -= 0.001 * (m/(1-0.9*t)) / ((v/(1-0.999**t))**0.5 + 1e-8)"
    match = check(text, "adam")
    assert match.fault is not None
    assert match.fault.message == "line 3 reads `0.9 * t` where the rule has `0.9**t`"
    assert check(text.replace("0.9*t", "0.9**t"), "adam").hyperparameters["lr"] == "0.001"


def test_a_number_with_a_sign_may_be_a_hyperparameter() -> None:
    text = "s.mul_(0.99).addcmul_(g, g, value=0.01)\np.addcdiv_(g, s.sqrt().add_(1e-8), value=-1e-3)"
    assert check(text, "rmsprop").hyperparameters == {"lr": "0.001", "beta": "0.99", "eps": "1e-08"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("v_{t+1} = μ v_t - ε ∇f(θ_t - μ v_t)\nθ_{t+1} = θ_t + v_{t+1}",
         "line 1: the gradient is taken at `θ - μ * v` where the rule takes it at `θ + μ * v`"),
        ("v = mu * v - lr * grad\nw = w + v",
         "the gradient is taken at `w` where the rule takes it at `w + mu * v`"),
    ],
)  # fmt: skip
def test_a_gradient_taken_elsewhere_is_found(text: str, message: str) -> None:
    match = check(text, "nesterov")
    assert match.fault is not None
    assert match.fault.message == message


def test_the_step_may_take_the_gradients_name() -> None:
    text = "buf.mul_(momentum).add_(grad)\ngrad = grad.add(buf, alpha=momentum)\nparam.add_(grad, alpha=-lr)"
    match = check(text, "nesterov")
    assert match.verdict.relation == "state_map"
    assert "grad is given anew at each step" in match.assumed


def test_a_text_that_is_another_rule_of_the_library_is_called_so() -> None:
    l2 = ADAM.replace("(1 - β1) dW", "(1 - β1) (dW + λ W)")
    l2 = l2.replace("(1 - β2) dW²", "(1 - β2) (dW + λ W)²")
    said = str(check(l2, "adamw")).splitlines()
    assert said[2] == "this is adam_l2 (proved)"
    assert not any(line.startswith("line ") for line in said)
    assert document(check(l2, "adamw"))["known"] == "adam_l2"


def test_a_value_kept_under_another_values_name_is_told_apart() -> None:
    match = check("def f(w, dw, lr):\n    w = 2 * w\n    return w - lr * dw", "gradient_descent")
    assert match.fault is not None
    assert match.fault.message == "line 3 reads `w` as line 2 left it where the rule has it as it was before the step"


def test_where_no_small_change_mends_it_that_is_said() -> None:
    said = str(check("v = mu * v + dw\nw = w - lr * sqrt(abs(v)) * dw / (1 + w**2)", "adam")).splitlines()
    assert "no change of one line or two was found that makes it adam" in said


def test_an_answer_is_in_the_texts_names_and_says_things_once() -> None:
    match = check("v = mu * v + rate * dw\nw = w + v", "momentum")
    said = str(match)
    assert said.splitlines()[0].startswith("refuted against momentum: at step 1 w is ")
    assert "\n  rate = 1, mu = 1/2\n" in said
    assert "theta " not in said.partition("counterexample")[2]
    assert "\nassumed at the start, since the text does not say: v = 0\n" in said
    crossed = check(ADAM.replace("1 - β1^t", "1 - β2^t", 1).replace("S_dW / (1 - β2^t", "S_dW / (1 - β1^t"), "adam")
    first, second, *rest = str(crossed).splitlines()
    assert (first, second) == ("conditional against adam: equal where β1 = β2", "  (and nowhere else)")
    assert "assumed: t counts the steps from 1" in rest


def test_two_names_exchanged_in_a_line_are_one_slip() -> None:
    match = check("buf = mu * buf + grad\np = p - lr * (buf + mu * grad)", "nesterov")
    assert match.fault is not None
    assert match.fault.message == "line 2 reads `buf + mu * grad` where the rule has `grad + mu * buf`"
