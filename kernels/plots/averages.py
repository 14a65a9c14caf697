"""Averages drawn: what each input counts, with everything that is called the window; bias; what they let through."""

from __future__ import annotations

import math
from contextlib import suppress
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from derive.curves import curve
from derive.deriving.linear import AGE
from derive.errors import UserError
from derive.expr import symbols
from derive.rule import REAL
from derive.stating.properties import correction_multiplier
from derive.stating.quantities import Quantity
from derive.stating.vocabulary import Buffer, linear_buffer, weights
from kernels.plots.style import COLOURS, drawn

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# The five numbers of steps that are called the window of an average, and how they are named in the figure.
WINDOWS = {
    "half_life": "half-life",
    "mean_age": "mean age",
    "time_constant": "time constant",
    "nominal_window": "1/(1 - b)",
    "effective_sample_size": "effective sample size",
}


def weight_profile(buffer: Buffer, **hyperparameters: float) -> Figure:
    """What an input of k steps ago counts in a buffer, `weight_profile(rule.m)`, with its five windows marked.

    Hyperparameters left out have their defaults. Raises UserError for a buffer that is not linear or does not fade,
    and without Matplotlib.
    """
    weight = weights(buffer)
    settings = _settings(weight, hyperparameters)
    marks = {said: _number(weight, name, settings) for name, said in WINDOWS.items()}
    ages = np.arange(int(np.ceil(1.6 * max(marks.values()))) + 2)
    height = curve(weight.expr, {**settings, AGE: ages})
    with drawn(7.0, 3.6) as (figure, [axes]):
        axes.vlines(ages, 0, height, color=COLOURS[5], linewidth=max(0.3, 180 / ages.size))
        for colour, (said, at) in zip((*COLOURS[:5],), marks.items(), strict=True):
            axes.axvline(at, color=colour, linewidth=1.4, label=f"{said}: {at:.4g}")
        axes.set(xlabel="age k of the input, steps", ylabel="weight", ylim=(0, None),
                 title=f"Weights of {buffer!r}{_said(settings, weight)}")  # fmt: skip
        figure.legend(fontsize="small", loc="outside right upper")
    return figure


def bias_correction(rule: Any, steps: int = 5000, **hyperparameters: float) -> Figure:
    """By what factor the step is off without bias correction, over the steps.

    Hyperparameters left out have their defaults. Raises UserError where no such factor is derived, and without
    Matplotlib.
    """
    multiplier, title = _multiplier(rule)
    settings = _settings(multiplier, hyperparameters)
    t = np.unique(np.geomspace(1, steps, 400).round())
    with drawn(7.0, 3.6) as (figure, [axes]):
        axes.plot(t, curve(multiplier.expr, {**settings, "t": t}))
        axes.axhline(1, color="black", linewidth=0.8)
        axes.axhspan(0.95, 1.05, alpha=0.15, label="within 5 %")
        axes.set(xscale="log", yscale="log", xlabel="step t", ylabel="step / corrected step",
                 title=f"{title}{_said(settings, multiplier)}")  # fmt: skip
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter("{x:g}")
        axes.legend(fontsize="small")
    return figure


def _multiplier(rule: Any) -> tuple[Quantity, str]:
    """Of the rule without its corrections; of the rule as it is where it has none."""
    with suppress(UserError):
        return correction_multiplier(rule, without=True), "The step without its bias corrections"
    with suppress(UserError):
        return correction_multiplier(rule), "The step, which lacks bias correction"
    raise UserError("no factor of missing corrections is derived for this rule", fix="take adam or rmsprop")


def frequency_response(buffer: Buffer, **hyperparameters: float) -> Figure:
    """Gain relative to that at rest and phase of a buffer over frequency (a Bode plot), and its cut-off if it has one.

    Hyperparameters left out have their defaults. Raises UserError as `weight_profile` does.
    """
    weight = weights(buffer)
    settings = _settings(weight, hyperparameters)
    _number(weight, "mean_age", settings)  # a buffer that does not fade has no response to speak of
    decay = float(curve(linear_buffer(buffer).decay, settings))
    omega = np.geomspace(1e-4, np.pi, 600)
    response = (1 - decay) / (1 - decay * np.exp(-1j * omega))
    with drawn(7.0, 5.0, rows=2) as (figure, [above, below]):
        above.plot(omega, 20 * np.log10(np.abs(response)))
        below.plot(omega, np.degrees(np.angle(response)))
        cosine = float(curve(weight.cutoff_cosine.expr, settings)) if decay > 0 else -2.0
        if abs(cosine) <= 1:
            cutoff = float(np.arccos(cosine))
            for axes in (above, below):
                axes.axvline(cutoff, color=COLOURS[1], linewidth=1, label=f"cut-off {cutoff:.4g} rad/step")
            above.legend(fontsize="small")
        above.set(xscale="log", ylabel="gain, dB", title=f"Frequency response of {buffer!r}{_said(settings, weight)}")
        below.set(xscale="log", ylabel="phase, degrees", xlabel="frequency, radians a step")
    return figure


def _settings(known: Quantity, given: dict[str, float]) -> dict[str, float]:
    """The defaults of the rule, and what is given in their places."""
    unknown = given.keys() - known.defaults.keys()
    if unknown:
        raise UserError(f"there is no hyperparameter {min(unknown)!r}", fix=f"there is {', '.join(known.defaults)}")
    for name, value in given.items():
        domain = known.basis.domains.get(name, REAL)
        if not math.isfinite(value) or Fraction(repr(float(value))) not in domain:
            raise UserError(f"{name} = {value!r} is outside {domain}", fix="take a value inside")
    return {**{name: float(value) for name, value in known.defaults.items()}, **given}


def _number(weight: Quantity, name: str, settings: dict[str, float]) -> float:
    part = weight.parts.get(name)
    if not isinstance(part, Quantity):
        raise UserError("nothing fades in this buffer", fix="take one with a decay below 1")
    return float(curve(part.expr, settings))


def _said(settings: dict[str, float], formula: Quantity) -> str:
    """The hyperparameters that matter, in words, for a title."""
    used = symbols(formula.expr)
    return "".join(f", {name} = {value:g}" for name, value in settings.items() if name in used)
