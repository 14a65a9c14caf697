"""Formulas in lines that fit a page."""

from __future__ import annotations

import pytest

for package in ("sphinx", "math_core", "matplotlib"):
    pytest.importorskip(package, reason=f"the extra `docs` is not installed: no {package}")

from docs.site.chains import LINE, chain, parts, width


@pytest.mark.parametrize(
    ("latex", "expected"),
    [
        (r"\beta_{1} \, m_{t-1} + g", 8),
        (r"\frac{\mathrm{lr} \, \hat{m}_{t}}{\sqrt{\hat{v}_{t}} + \varepsilon}", 4),
        (r"\left(1 - \beta\right)", 5),
        (r"\frac{\frac{a}{b + c}}{2}", 3),
    ],
)
def test_width_is_about_the_number_of_signs(latex: str, expected: int) -> None:
    assert width(latex) == expected


@pytest.mark.parametrize(
    ("latex", "expected"),
    [
        (r"a + \left(b + c\right) - \frac{d + e}{f}", ["a", r"+ \left(b + c\right)", r"- \frac{d + e}{f}"]),
        (r"a > 0 \wedge b > 0 \quad\text{where } c, d", ["a > 0", r"\wedge b > 0", r"\quad\text{where } c,", "d"]),
        (
            r"\begin{cases} a + b & \text{if } c \end{cases} + d",
            [r"\begin{cases} a + b & \text{if } c \end{cases}", "+ d"],
        ),
        (r"a \, b", [r"a \, b"]),
    ],
)
def test_a_formula_is_cut_at_its_outermost_signs_and_loses_nothing(latex: str, expected: list[str]) -> None:
    assert parts(latex) == expected
    assert " ".join(expected) == latex


def test_a_short_chain_is_one_line_and_a_long_one_has_its_signs_under_each_other() -> None:
    assert chain(["a", "= b", "= c"]) == "```{math}\na = b = c\n```"
    long = " + ".join("abcdefghij")
    text = chain(["y", f"= {long} + {long}", f"= {long} + {long} + {long} + {long} + {long}"])
    assert text.count("&=") == 2
    lines = text.split("\n")[2:-2]
    assert len(lines) == 3
    assert all(width(line) <= LINE + 5 for line in lines)
    assert text.count(r"&\qquad + ") == 1


def test_a_long_left_side_has_lines_of_its_own() -> None:
    text = chain([" + ".join("abcdefghijklmnopqrstuvwxyz"), r"\iff " + " + ".join("abcdefghijklmnopqrstuvwxyz")])
    assert [line[:6] for line in text.split("\n")[2:-2]] == ["&a + b", r"&\iff "]
