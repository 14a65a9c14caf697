"""Normalising keeps lines and meaning, refuses in one line, and never fails otherwise."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.errors import UserError
from derive.library import LIBRARY
from derive.reading.drafts import candidates, read_drafts
from derive.reading.pasted.text.normalise import normalise
from derive.reading.read import read_text
from derive.rule import Rule

# What pasted texts are made of, so that chance comes across what nearly has a meaning.
FRAGMENTS = [
    *[
        "w",
        "m",
        "v_t",
        "m_{t-1}",
        "θ_{t+1}",
        "β₁",
        "β^t",
        "g²",
        "x'",
        "m̂",
        "v̂ₜ",
        "∇f(θ)",
        "∇",
        "∂L/∂w",
        "dL/dw",
        "√",
        "|",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "[t+1]",
        "^",
        "_",
        "**",
        "·",
        "−",
        "←",
        ":=",
        "<-",
        ",",
        ";",
        ":",
    ],
    *[
        "\\frac",
        "\\sqrt",
        "\\hat",
        "{v}",
        "\\left(",
        "\\right)",
        "\\theta",
        "\\beta_1",
        "\\\\",
        "&",
        "$",
        "2",
        "0.9",
        "1e-8",
        "where",
        "the",
        "lambda",
        "'",
        '"',
        "sqrt(",
        "self.m",
    ],
    *(
        "np.sqrt(v)",
        "grad(w)",
        'd["W" + str(k)]',
        " = ",
        " += ",
        " ",
        "  ",
        "\t",
        "\n",
        "\n    ",
        "# note",
        "- ",
        "1. ",
    ),
    *("for t = 1 to T do", "end", "if t = 1 then", "else", "repeat", "def f(w, g):", "return w", "for k in p:", "```"),
    ">>> ",
]
texts = st.one_of(st.text(max_size=60), st.lists(st.sampled_from(FRAGMENTS), max_size=25).map("".join))


@given(texts)
def test_any_text_is_read_or_refused_in_one_line(text: str) -> None:
    try:
        normalised = normalise(text, "pasted")
    except UserError as error:
        said = str(error)
    else:
        said = ""
        assert len(normalised.text.split("\n")) == max(len(text.splitlines()), 1)
    assert "\n" not in said


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=25).map("".join), st.sampled_from(["", "\nw = w - lr g"]))
def test_any_draft_is_read_or_refused_in_one_line(text: str, ending: str) -> None:
    said, count = "", len((text + ending).splitlines())
    try:
        for draft in read_drafts(text + ending, "pasted"):
            assert all(a.line <= count for c in candidates(draft) for a in c.rule.body)
    except UserError as error:
        said = str(error)
    assert "\n" not in said


@pytest.mark.parametrize("rule", LIBRARY, ids=lambda rule: rule.name)
def test_a_rule_s_own_text_is_python_already(rule: Rule) -> None:
    normalised = normalise(rule.source, "rule")
    assert (normalised.is_code, normalised.text) == (True, rule.source)
    head = "from derive.language import *\n"
    assert read_text(head + normalised.text, rule.name).body == read_text(head + rule.source, rule.name).body


# Cases are written in words or with a brace, not as a function of three.
WITHOUT_CASES = [rule for rule in LIBRARY if not any("where(" in str(line) for line in rule.body)]


@pytest.mark.parametrize("rule", WITHOUT_CASES, ids=lambda rule: rule.name)
def test_a_rule_written_as_mathematics_is_that_rule(rule: Rule) -> None:
    asked = [] if rule.query is None else [f"g = grad({rule.query})"]
    text = "\n".join([*asked, *map(str, rule.body)])
    for code, typed in TYPED.items():
        text = text.replace(code, typed)
    found = [c for d in read_drafts(text, "pasted") for c in candidates(d)]
    back = {"epsilon": "eps"}
    written = [[back_to(str(a), back) for a in c.rule.body] for c in found]
    assert [str(a) for a in rule.body] in written


TYPED = {
    "theta": "θ", "beta1": "β₁", "beta2": "β₂", "beta": "β", "eps": "ε", "**2": "²", "**t": "^t", " * ": " ",
    "sqrt(v_hat)": "√v̂", "m_hat": "m̂", "v_hat": "v̂",
}  # fmt: skip


def back_to(text: str, names: dict[str, str]) -> str:
    for new, old in names.items():
        text = text.replace(new, old)
    return text


@pytest.mark.parametrize(
    ("text", "python"),
    [
        ("w = w - α·g", "w = w - alpha * g"),
        ("x = 2^-3 y", "x = 2**(-3) * y"),
        ("x = g^2_t", "x = g_t**2"),
        ("s = ρ s + (1−ρ) g∘g", "s = rho * s + (1 - rho) * g * g"),
        ("y = \\sqrt{\\frac{a}{b}} c", "y = sqrt(((a) / (b))) * c"),
        ("y = |a| |b|", "y = abs(a) * abs(b)"),
        ("λ = λ - g", "lam = lam - g"),
        ("m_1 = β_1 m_1", "m_1 = beta1 * m_1"),
        ("w' = w − η g", "w_new = w - eta * g"),
        ("x = x - lr (1 - b)", "x = x - lr * (1 - b)"),
        ("x = x - b(1 - b)", "x = x - b * (1 - b)"),
        ("x = \\max\\{a, b\\} 2", "x = max(a, b) * 2"),
        ("x = a / 2 b", "x = a / 2 * b"),
        ("x = 1/2 b", "x = 1 / 2 * b"),
        ("x = np.sqrt(v) y", "x = np.sqrt(v) * y"),
        ("x = a  // the old value", "x = a"),
        ("x = a b % the old value", "x = a * b"),
    ],
)
def test_notation(text: str, python: str) -> None:
    assert normalise(text, "pasted").text == python


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("x = a % b y", "'%' can't be read"),
        ("x = a // 2 b", "'//'"),
        ("x = (a b", "is missing"),
        ("x = a b)", "closes nothing"),
        ("x = " + "(" * 100 + "a b" + ")" * 100, "nested brackets"),
        ("x = " + "√" * 100 + "a b", "nested brackets"),
        ("x = a b " + "+ c " * 1000, "characters"),
        ("x = a b\n" * 2000, "lines"),
        ("\0", "no text"),
        ("x = \\foo{a} b", "the command"),
        ("x = a ⊗ b", "the sign"),
        ("x_{t+1} = x_t - g_{k-1}", "both count time"),
        ("x = ∇(a) b", "gradient of nothing"),
    ],
)
def test_refusals(text: str, what: str) -> None:
    with pytest.raises(UserError, match=what):
        normalise(text, "pasted")
