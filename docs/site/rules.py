"""The page of a rule, made from the rule itself, and the page that lists them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from derive.expr import Number, Symbol, to_text
from derive.library.lookup import find_rule
from derive.rendering.equations import invariants, rule_equations
from derive.rendering.formulas import latex
from derive.rendering.page import Page, page
from derive.rule import Hyperparameter, Reference
from docs.site import derivations, kernels, plots, precision
from docs.site.markdown import aligned, code, joined, math, plain, table
from docs.site.plots import Plot


@dataclass(frozen=True)
class RulePage:
    """What is written for one rule; the part on its siblings is made apart."""

    name: str
    what: str
    holding: int
    checked: int
    rule: str
    derived: str
    precision: str
    kernel: str
    plots: tuple[Plot, ...]


def rule_page(name: str) -> RulePage:
    """Derive everything, make the kernel's source, and write both down."""
    rule = find_rule(name)
    shown = page(rule)
    holding, checked = shown.counted
    runs = kernels.runs(rule, shown.derivations)
    sections = map(derivations.section, shown.derivations, runs)
    derived = joined(*sections) or plain(rule.advice or "Nothing is derived for this rule yet.")
    what = plain(rule.doc.strip().split("\n")[0])
    return RulePage(
        rule.name,
        what,
        holding,
        checked,
        _rule(shown),
        derived,
        precision.section(rule),
        kernels.section(rule),
        plots.plots_of(rule),
    )


def write(made: RulePage, siblings: str) -> str:
    """The whole page."""
    counted = f"{made.holding} of {made.checked} steps of its derivations are proved." if made.checked else ""
    return joined(
        f"# {plain(made.name)}",
        made.rule,
        f"## What follows\n\n{counted}",
        made.derived,
        f"## Plots\n\n{plots.section(made.plots)}" if made.plots else "",
        f"## Beside its siblings\n\n{siblings}" if siblings else "",
        f"## In low precision\n\n{made.precision}",
        f"## The kernel\n\n{made.kernel}",
        _again(made.name),
    )


def write_index(pages: Sequence[RulePage]) -> str:
    """All rules, a row each."""
    rows = ((f"[{plain(p.name)}]({p.name}.md)", p.what, f"{p.holding} of {p.checked}") for p in pages)
    tree = "\n".join(["```{toctree}", ":hidden:", "", *(p.name for p in pages), "```"])
    return joined(
        "# The rules",
        "Every rule of the library: its equations, what follows from them with each step checked, how it compares"
        " with its siblings, and its generated kernel. These pages are made from the rules when the site is built.",
        table(["rule", "what sets it apart", "steps proved"], rows),
        tree,
    )


def _rule(shown: Page) -> str:
    rule = shown.rule
    return joined(
        plain(rule.doc.strip()),
        _reference(rule.reference),
        aligned(rule_equations(shown)),
        f"Always {math(invariants(shown))}, by induction." if shown.nonnegative else "",
        _hyperparameters(rule.hyperparameters),
        "As it stands in the library:" if rule.source else "",
        code(rule.source) if rule.source else "",
    )


def _reference(reference: Reference) -> str:
    link = f"[arXiv:{reference.arxiv}](https://arxiv.org/abs/{reference.arxiv})" if reference.arxiv else ""
    parts = [plain(reference.paper), link, plain(reference.note)]
    return f"*{'; '.join(filter(None, parts))}*" if any(parts) else ""


def _hyperparameters(given: Sequence[Hyperparameter]) -> str:
    if not given:
        return ""
    meanings = ["meaning"] if any(h.meaning for h in given) else []
    return table(["hyperparameter", "in formulas", "domain", "default", *meanings], map(_row, given))


def _row(h: Hyperparameter) -> Iterable[str]:
    default = "none" if h.default is None else to_text(Number(h.default))
    yield from (f"`{h.name}`", math(latex(Symbol(h.name), {})), plain(str(h.domain)), default)
    if h.meaning:
        yield plain(h.meaning)


def _again(name: str) -> str:
    lines = (f"$ derive {command} {name}" for command in ("show", "kernel", "verify", "hazards --dtype float16"))
    return joined("## Again, on your machine", code("\n".join(lines), "console"))
