"""What the pages are made of."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

for package in ("sphinx", "math_core", "matplotlib"):
    pytest.importorskip(package, reason=f"the extra `docs` is not installed: no {package}")

from matplotlib.figure import Figure

from derive.claims import Claim, Finding
from derive.expr import Symbol, apply, to_text
from derive.library import LIBRARY
from derive.ops import OPS
from derive.rendering.latex import to_latex
from derive.rendering.page import indexed_body
from derive.stating import find as find_rule
from derive.stating import weights
from docs.site.claims import claim_page, undecided, write_ledger
from docs.site.figures import find, read_arguments, svg_of
from docs.site.generate import write_folder
from docs.site.markdown import code, plain
from docs.site.mathml import to_mathml
from docs.site.plots import plots_of
from docs.site.plots import section as section_of_plots
from docs.site.relations import compare, pairs, section
from docs.site.sentences import read_back, said


@pytest.mark.parametrize("name", OPS)
def test_every_operation_has_a_formula_that_can_be_shown(name: str) -> None:
    for names in (("beta1", "m_hat[t-1]", "v'"), ("g'[t]", "m_hat'[t]", "lr")):
        formula = to_latex(apply(name, *map(Symbol, names[: OPS[name].arity])))
        assert to_mathml(formula, block=False).startswith("<math>")


def test_every_formula_of_the_library_can_be_shown() -> None:
    for line in (line for rule in LIBRARY for line in indexed_body(rule)):
        assert to_mathml(to_latex(line.value), block=True).startswith('<math display="block">')


def test_an_unknown_command_of_latex_is_no_formula() -> None:
    from math_core import LatexError

    with pytest.raises(LatexError):
        to_mathml(r"\nosuchcommand{x}", block=False)


@pytest.mark.parametrize("text", ["W[t]", "effective_lr[t] * g", "1 / (1 - beta1**t)", "lr / (abs(g) + eps)"])
def test_formulas_in_sentences_are_read_back_exactly(text: str) -> None:
    expr = read_back(text)
    assert expr is not None
    assert to_text(expr) == text


@pytest.mark.parametrize("text", ["beta = 0", "derive show", "1-t", "'x'", "2 * (t"])
def test_what_is_not_read_back_exactly_stays_code(text: str) -> None:
    assert read_back(text) is None
    assert said(f"so `{text}` holds") == f"so `{text}` holds"


def test_sentences_take_nothing_else_for_their_own() -> None:
    assert said("a*b* is `m[t]`") == r"a\*b\* is {math}`m_{t}`"
    assert plain("[a](b) <c> _d_ `e`") == r"\[a\](b) \<c\> \_d\_ \`e\`"
    assert code("a\n```\nb").startswith("````python\n")


def test_a_pair_of_rules_is_asked_once_and_shown_on_both_pages() -> None:
    assert pairs(["momentum", "momentum_ema"]) == [("momentum_ema", "momentum")]
    compared = compare("momentum_ema", "momentum")
    assert compared.status == "proved"
    for name, other in (("momentum", "momentum_ema"), ("momentum_ema", "momentum")):
        shown = section(name, [compared])
        assert f"]({other}.md)" in shown
        assert f"]({name}.md)" not in shown
        assert "B.lr = A.lr" in shown
    assert section("adam", [compared]) == ""


def test_a_folder_holds_what_was_written_last_and_untouched_pages_stay_as_they_are(tmp_path: Path) -> None:
    folder = tmp_path / "rules"
    write_folder(folder, {"a.md": "one", "b.md": "two"})
    os.utime(folder / "a.md", (1, 1))
    write_folder(folder, {"a.md": "one", "c.md": "three"})
    assert sorted(path.name for path in folder.iterdir()) == ["a.md", "c.md"]
    assert (folder / "a.md").stat().st_mtime == 1


def a_figure(steps: int = 3) -> Figure | None:
    """What the test below draws."""
    if not steps:
        return None
    figure = Figure()
    figure.add_subplot(xlabel="steps").plot(range(steps))
    return figure


def test_a_figure_is_the_same_text_each_time_and_a_large_one_is_pixels() -> None:
    small, again, large = a_figure(4), a_figure(4), Figure()
    assert small is not None
    assert again is not None
    assert svg_of(small) == svg_of(again)
    large.add_subplot().vlines(range(5000), 0, 1)
    assert "<image" in svg_of(large)


def test_a_rule_has_the_plots_that_apply_to_it() -> None:
    average, descent = plots_of(find_rule("ewma")), plots_of(find_rule("gradient_descent"))
    assert [plot.file for plot in average][:2] == ["ewma-weight_profile-m.svg", "ewma-frequency_response-m.svg"]
    assert "ewma-effective_rates.svg" not in [plot.file for plot in average]
    assert "gradient_descent-effective_rates.svg" in [plot.file for plot in descent]
    assert ":alt: Weights of ewma.m" in section_of_plots(average)


def test_a_figure_is_found_by_name_and_given_literals_only() -> None:
    assert find("pathlib:Path") is Path
    assert read_arguments('("adam", steps=[1, 2])') == (["adam"], {"steps": [1, 2]})
    assert read_arguments("()") == ([], {})
    for wrong in ("(open('x'))", "(1, )()", "(x)", "(**{'a': 1})", ""):
        with pytest.raises(ValueError, match="no list of literals"):
            read_arguments(wrong)
    with pytest.raises(ValueError, match="no function pathlib:nothing"):
        find("pathlib:nothing")


def test_a_claim_is_shown_with_its_reading_what_was_decided_and_what_it_rests_on() -> None:
    page = claim_page("C005")
    assert page.status == "proved"
    assert "weight_sum(ewma) == 1 - beta**t" in page.text
    assert "### Unrolled weights of m" in page.text
    assert "[arXiv:1412.6980](https://arxiv.org/abs/1412.6980)" in page.text
    assert "[The weights of an" in write_ledger([page])
    assert "1 claims: 1 " in write_ledger([page])


def test_a_claim_shows_its_condition_and_where_it_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    average: Any = find_rule("ewma")
    claim = Claim(
        "X", "They sum to *one*.", ("A_b, https://example.org/a_b.",), "The sum is 1.",
        lambda: weights(average.m).weight_sum == 1, "proved", "Not at first.",
        (Finding("the weights are all one", lambda: weights(average.m) == 1),),
    )  # fmt: skip
    monkeypatch.setattr("docs.site.claims.find_claim", lambda name: claim)
    page = claim_page("X")
    assert page.status == "conditional"
    assert page.words == r"They sum to \*one\*."
    assert "where beta == 0 (and nowhere else)" in page.text
    assert "It fails, for one, at beta = 1/2, t = 1." in page.text
    assert "The ledger has it as" in page.text
    assert 'the weights are all one: <span class="verdict refuted">' in page.text
    assert r"- A\_b, <https://example.org/a_b>." in page.text
    late = undecided("X", "took longer than 120 s and was ended")
    assert (late.status, "took longer than 120 s" in late.text) == ("unknown", True)
