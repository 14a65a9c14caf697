"""The same rule with its hyperparameters called otherwise, or with some that play no part."""

from __future__ import annotations

from dataclasses import replace

import pytest

from derive.expr import Symbol
from derive.proving.certificate import Correspondence
from derive.proving.checker import Checked, Rejected
from derive.proving.verdict import Verdict
from derive.reading.read import read_text
from derive.relating import prove
from derive.rule import Rule
from derive.transforms import with_names
from tests.derive.relating.forms import RULES

TEXT = """
from derive.language import *

def eta_times_k(theta, g, *, eta=nonnegative(0.5), k=decay(0.5)):
    lr = eta * k
    return theta - lr * g

def lr_times_k(theta, g, *, lr=nonnegative(0.5), k=decay(0.5)):
    eta = lr * k
    return theta - eta * g

def product(theta, g, m=0, s=0, *, lr=positive(1), c=nonnegative(0.5)):
    m = m + g
    s = s + c * g
    return theta - lr * m * s, m, s

def product_by_four(theta, g, m=0, s=0, *, eta=positive(1), c=nonnegative(0.5)):
    m = m + g
    s = s + 4 * c * g
    return theta - eta * m * s / 4, m, s

def scaled_c(theta, g, *, lr=real(1), c=real(0.5)): return theta - lr * c * g
def scaled_d(theta, g, *, lr=real(1), d=real(0.5)): return theta - lr * d * g
def root_ac(theta, g, *, a=nonnegative(1), c=nonnegative(0.5)): return theta - sqrt(a * g**2 + c)
def root_bd(theta, g, *, b=nonnegative(1), d=nonnegative(0.5)): return theta - sqrt(b * g**2 + d)
def root_ca(theta, g, *, a=nonnegative(1), c=nonnegative(0.5)): return theta - sqrt(c * g**2 + a)
def debiased_beta(theta, g, t, *, lr=real(0.5), beta=decay(0.5)): return theta - lr * g / (1 - beta**t)
def debiased_mu(theta, g, t, *, lr=real(0.5), mu=decay(0.5)): return theta - lr * g / (1 - mu**t)
def plain(theta, g, *, lr=real(0.5)): return theta - lr * g
def called_eta(theta, g, *, eta=real(0.5)): return theta - eta * g
def idle(theta, g, *, lr=real(0.5), c=decay(0.5)): return theta - lr * g
def idle_wider(theta, g, *, eta=real(0.5), c=nonnegative(0.5)): return theta - eta * g
def cubed(theta, g, *, lr=real(1), d=real(0.5)): return theta - lr * d**3 * g - d * g**2

def sums(theta, g, *, a=real(1), b=real(1)): return theta - (a + b) * g - (a - b) * g**2
def terms(theta, g, *, a=real(1), b=real(1)): return theta - a * g - b * g**2
def one_sum(theta, g, *, a=real(1), b=real(1)): return theta - (a + b) * g - (a + b) * g**2
def half(theta, g, *, a=real(1), b=real(1)): return theta - 2 * b * g

def idle_buffer(theta, g, v=0, u=1, *, lr=nonnegative(0.01), beta=decay(0.9), c=real(3)):
    v = beta * v + lr * g
    u = c * u + v
    return theta - v, v, u

def many(theta, g, m=0, v=0, *, lr=nonnegative(0.1), b=decay(0.9), c=decay(0.9), eps=nonnegative(0), k=nonnegative(1)):
    m = b * m + (1 - b) * g
    v = c * v + (1 - c) * g**2
    return theta - lr * m / (sqrt(v) + eps) - k * theta, m, v

def otherwise(theta, g, u=0, w=0, *, p=nonnegative(0), q=nonnegative(0), r=nonnegative(0), s=decay(0.9), t1=decay(0.9)):
    u = t1 * u + (1 - t1) * g
    w = s * w + (1 - s) * g**2
    return theta - r * u / (sqrt(w) + p) - q * theta, u, w

def state_called_m(theta, g, m=0, *, alpha=nonnegative(0.01), mu=decay(0.9)):
    m = mu * m + alpha * g
    return theta - m, m

def rate_called_m(theta, g, v=0, *, m=nonnegative(0.01), mu=decay(0.9)):
    v = mu * v + m * g
    return theta - v, v

def first_step_apart(theta, g, t, buf=0, *, lr=nonnegative(0.01), momentum=decay(0.9)):
    buf = where(t == 1, g, momentum * buf + g)
    return theta - lr * buf, buf

def first_step_doubled(theta, g, t, buf=0, *, lr=nonnegative(0.01), momentum=decay(0.9)):
    buf = where(t == 1, 2 * g, momentum * buf + g)
    return theta - lr * buf, buf

def second_step_apart(theta, g, t, buf=1, *, lr=nonnegative(0.01), momentum=decay(0.9)):
    buf = where(t == 2, g, momentum * buf + g)
    return theta - lr * buf, buf

def powers(theta, g, t, *, lr=real(0.1), psi=real(1)): return theta - lr * 0.5 ** (t * psi) * g
def clipped(theta, g, *, lr=real(1), c=real(1)): return theta - lr * max(g, 50) - c
def clipped_sum(theta, g, *, lr=real(1), c=real(1)): return theta - lr * (g if g > 50 else 50) - c
"""


def rule(name: str) -> Rule:
    return RULES[name] if name in RULES else read_text(TEXT, name, "aligned.py")


def answer(a: str, b: str) -> Verdict:
    return prove(rule(a), rule(b))


EQUAL: list[tuple[str, str, dict[str, str], tuple[str, ...]]] = [
    ("eta_times_k", "lr_times_k", {"B.lr": "A.eta"}, ()),
    ("product", "product_by_four", {"B.eta": "A.lr", "B.s": "4 * A.s"}, ()),
    ("scaled_c", "scaled_d", {"B.d": "A.c"}, ()),
    ("root_ac", "root_bd", {"B.b": "A.a", "B.d": "A.c"}, ()),
    ("root_bd", "root_ca", {"B.a": "A.d", "B.c": "A.b"}, ()),
    ("root_ac", "root_ca", {"B.a": "A.c", "B.c": "A.a"}, ("B.a is A.c", "B.c is A.a")),
    ("debiased_beta", "debiased_mu", {"B.mu": "A.beta"}, ()),
    ("idle", "plain", {}, ("A.c plays no part",)),
    ("plain", "idle", {}, ("B.c plays no part",)),
    ("idle", "called_eta", {"B.eta": "A.lr"}, ("A.c plays no part",)),
    ("idle", "idle_wider", {"B.eta": "A.lr"}, ("A.c plays no part", "B.c plays no part")),
    ("state_called_m", "rate_called_m", {"B.m": "A.alpha", "B.v": "A.m"}, ()),
    ("first_step_apart", "momentum", {"B.beta": "A.momentum", "B.v": "A.lr * A.buf"}, ()),
    ("momentum", "first_step_apart", {"A.beta": "B.momentum", "A.v": "B.lr * B.buf"}, ()),
    ("powers", "powers", {}, ()),
    (
        "many",
        "otherwise",
        {"B.p": "A.eps", "B.q": "A.k", "B.r": "A.lr", "B.s": "A.c", "B.t1": "A.b", "B.u": "A.m", "B.w": "A.v"},
        (),
    ),
    ("sums", "terms", {"B.a": "A.a + A.b", "B.b": "A.a - A.b"}, ()),
    ("plain", "half", {"B.b": "A.lr / 2"}, ("B.a plays no part",)),
    ("clipped", "clipped_sum", {}, ()),
]


@pytest.mark.parametrize(("a", "b", "maps", "warnings"), EQUAL)
def test_equal_under_other_names(a: str, b: str, maps: dict[str, str], warnings: tuple[str, ...]) -> None:
    found = answer(a, b)
    assert (found.status, found.maps) == ("proved", maps)
    assert found.warnings[: len(warnings)] == warnings


def test_what_only_an_idle_buffer_reads_plays_no_part() -> None:
    found = answer("idle_buffer", "state_called_m")
    assert (found.status, found.warnings[0]) == ("proved", "A.c plays no part")


@pytest.mark.parametrize(("a", "b"), [("first_step_doubled", "momentum"), ("scaled_c", "cubed")])
def test_what_is_not_equal_parts_under_the_map_that_is_said(a: str, b: str) -> None:
    found = answer(a, b)
    assert (found.status, len(found.maps)) == ("refuted", 1)
    [(his, mine)] = found.maps.items()
    assert found.counterexample is not None
    settings = found.counterexample["hyperparameters"]
    assert settings["b"][his.removeprefix("B.")] == settings["a"][mine.removeprefix("A.")]


@pytest.mark.parametrize(("a", "b"), [("second_step_apart", "momentum"), ("momentum", "second_step_apart")])
def test_a_condition_comes_with_a_run_off_it(a: str, b: str) -> None:
    found = answer(a, b)
    assert found.status == "conditional"
    assert found.counterexample is not None


def test_the_states_at_the_start_are_no_assumption_about_later_steps() -> None:
    """A proof about a first step that differs is checked for what it claims."""
    good = answer("first_step_apart", "momentum").evidence.certificate
    assert isinstance(good, Correspondence)
    for wrong in map(rule, ("first_step_doubled", "second_step_apart")):
        claim = replace(good, a=wrong, invariants=replace(good.invariants, rule=wrong))
        with pytest.raises(Rejected):
            Checked(claim)


def test_a_local_gives_way_to_a_new_name() -> None:
    renamed = with_names(rule("lr_times_k"), {"lr": "eta"})
    assert renamed.hyperparameter_names == ("eta", "k")
    assert renamed.step["theta"] is Symbol("theta") - Symbol("eta") * Symbol("k") * Symbol("g")


def test_what_is_refuted_is_refuted_of_hyperparameters_by_their_names() -> None:
    by_name = "hyperparameters of one name are the same on both sides"
    by_map = "hyperparameters of other names correspond as the map says"
    assert answer("one_sum", "terms").assumptions == (by_name,)
    assert answer("momentum", "gradient_descent").assumptions == (by_name,)
    assert answer("called_eta", "cubed").assumptions == (by_map,)
    assert answer("scaled_c", "cubed").assumptions == (by_name, by_map)
