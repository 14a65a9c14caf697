"""A text in another rule's words is the same text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from derive.library.lookup import find_rule
from derive.matching.guessing.correspondence import Correspondence, correspondences, probes
from derive.matching.guessing.readings import needed
from derive.matching.guessing.runs import COARSE, seen
from derive.matching.mending.dressing import in_its_words
from derive.reading.read import read_text

TEXT = """
def f(theta, g, t, lr=0, m_hat=0, *, v, a, b, c):
    lr = (1 - v) * lr + v * g
    m_hat = a * m_hat + (1 - a) * g**2
    beta1 = lr / (1 - (1 - v)**t)
    theta = theta - b * beta1 / (sqrt(m_hat / (1 - a**t)) + c)
    return theta, lr, m_hat
"""


def test_names_in_the_way_are_renamed() -> None:
    adam = find_rule("adam")
    text = read_text(TEXT, "f")
    way = Correspondence({"beta1": "v", "beta2": "a", "lr": "b", "eps": "c"}, frozenset({"beta1"}))
    dressed = in_its_words(text, adam, way, {"m": "lr", "v": "m_hat"})
    assert set(dressed.hyperparameter_names) == set(adam.hyperparameter_names)
    assert dressed.state_names == ("m", "v")
    assert all(dressed.domains[n] == adam.domains[n] for n in adam.hyperparameter_names)
    for settings in probes(adam):
        assert seen(dressed, settings, COARSE) == seen(text, way.values(settings), COARSE)


@given(st.permutations(["v", "a", "b", "c"]), st.sets(st.sampled_from(["beta1", "beta2"])))
def test_a_text_does_the_same_under_every_correspondence(order: list[str], reflected: set[str]) -> None:
    adam, text = find_rule("adam"), read_text(TEXT, "f")
    way = Correspondence(dict(zip(adam.hyperparameter_names, order, strict=True)), frozenset(reflected))
    dressed = in_its_words(text, adam, way, {})
    settings = probes(adam)[0]
    mine, his = seen(dressed, settings, COARSE), seen(text, way.values(settings), COARSE)
    assert len(mine) == len(his)
    assert all(abs(a - b) < 1e-9 * max(1.0, abs(a)) or a != a for a, b in zip(mine, his, strict=True))


def test_likely_names_come_first() -> None:
    text = read_text("def f(theta, g, m=0, *, rate, rho):\n    m = rho * m + rate * g\n    theta = theta - m\n"
                     "    return theta, m\n", "f")  # fmt: skip
    first = next(correspondences(text, find_rule("momentum"), {}))
    assert first.names == {"lr": "rate", "beta": "rho"}
    given_names = next(correspondences(text, find_rule("momentum"), {"lr": "rho"}))
    assert given_names.names == {"lr": "rho", "beta": "rate"}


def test_what_outputs_do_not_need_is_left_out() -> None:
    rule = read_text("def f(theta, g, m=0, k=0, *, lr=0.1, b=0.9):\n    m = b * m + g\n    k = k + m\n"
                     "    theta = theta - lr * g\n    return theta, m, k\n", "f")  # fmt: skip
    assert [str(a) for a in needed(rule).body] == ["theta = theta - lr * g"]
    assert needed(rule).state_names == ()
    assert needed(rule).hyperparameter_names == ("lr",)
