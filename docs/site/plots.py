"""The plots of `kernels.plots` that apply to a rule, for its page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from derive.errors import UserError
from derive.rule import Rule
from derive.stating.vocabulary import Buffer
from docs.site.figures import svg_of
from docs.site.markdown import joined


@dataclass(frozen=True)
class Plot:
    """A figure as a file beside the page, and what is to be seen in it."""

    file: str
    title: str
    svg: str


def plots_of(rule: Rule) -> tuple[Plot, ...]:
    """Every plot that applies: the functions refuse a rule for which there is nothing to draw."""
    made = []
    for name, draw in _functions(rule):
        try:
            figure = draw()
        except UserError:
            continue
        title = next((axes.get_title() for axes in figure.axes if axes.get_title()), name)
        made.append(Plot(f"{rule.name}-{name}.svg", title, svg_of(figure)))
    return tuple(made)


def section(plots: tuple[Plot, ...]) -> str:
    """The plots below one another, each loaded when it comes into view."""
    shown = (f"```{{image}} {plot.file}\n:alt: {plot.title}\n:class: drawn\n:loading: lazy\n```" for plot in plots)
    return joined(*shown)


def _functions(rule: Rule) -> Iterator[tuple[str, Callable[[], Any]]]:
    from kernels import plots

    for state in rule.state_names:
        for function in (plots.weight_profile, plots.frequency_response):
            yield f"{function.__name__}-{state}", partial(function, Buffer(rule, state))
        yield f"precision_staircase-{state}", partial(plots.precision_staircase, rule, state)
    for of_rule in (plots.bias_correction, plots.effective_rates, plots.step_bound_map, plots.stability_region):
        yield of_rule.__name__, partial(of_rule, rule)
    yield "trajectories", partial(plots.trajectories, [rule])
