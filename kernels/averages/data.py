"""Averages of data: a series, or many at once, whole or as it comes in.

The functions choose a rule and run it; what they compute is written in `kernels.averages.rules` and, for the plain
averages, in the library.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import TYPE_CHECKING, Any, Literal

from derive.errors import UserError
from derive.rule import Rule

if TYPE_CHECKING:  # NumPy and Numba come with the first call
    from kernels.running.through import Array

Start = Literal["zero", "first"]
Missing = Literal["fade", "skip", "spread"]
Carried = MutableMapping[str, Any]


def over(
    rule: Rule | str | Callable[..., object],
    data: Any,
    axis: int = 0,
    *,
    state: Carried | None = None,
    out: Array | None = None,
    **hyperparameters: float,
) -> Array:
    """The rule's output for every element of the data: each line along the axis is a stream of its own.

    `rule` is an average: a Rule, a name of the library, "PATH::NAME", or a function of the rule language, which returns
    an `output`. `data` are float32 or float64, and the output has their type; whole numbers become float64. The values
    are those of `compile(rule).step`, element by element, to the bit.

    With `state`, a dictionary that is empty before the first piece of the data, the average goes on where it stopped:
    it then holds `t`, how many steps were made, and an array for each state. `out` is a C-contiguous array for the
    output.

    Raises UserError before anything is stored, NotProved as `compile` does.
    """
    from kernels.driver import compile_run

    given = _as_data(data)
    return compile_run(rule, given.dtype.name).over(given, axis, state, out, hyperparameters)


def ewma(
    data: Any,
    beta: float = 0.9,
    *,
    debias: bool = True,
    start: Start = "zero",
    missing: Missing = "fade",
    min_periods: int = 1,
    axis: int = 0,
    state: Carried | None = None,
    out: Array | None = None,
) -> Array:
    """The exponentially weighted mean along an axis: a value that is k steps old weighs beta^k.

    `debias` divides by the sum of the weights: pandas' ewm(alpha=1 - beta, adjust=True). Without it the average of the
    library that starts at zero; with start="first" it starts at the first value, and the weights add up to one as they
    are: pandas' adjust=False.

    NaN and infinity are missing values, as in pandas. "fade": the older weights fade meanwhile (ignore_na=False);
    "skip": the place counts for nothing (ignore_na=True); "spread": they are numbers like others, and spoil what
    follows. Before `min_periods` values the mean is NaN.

    Data, `state`, `out` and errors are those of `over`.
    """
    from derive.library.averages import ewma as from_zero
    from derive.library.averages import ewma_debiased
    from kernels.averages import rules

    _one_of("start", start, ("zero", "first"))
    plain = rules.ewma_from_first if start == "first" else ewma_debiased if debias else from_zero
    with_holes = {
        from_zero.name: rules.ewma_with_holes,
        ewma_debiased.name: rules.ewma_debiased_with_holes,
        rules.ewma_from_first.name: rules.ewma_from_first_with_holes,
    }
    return _run(plain, with_holes[plain.name], data, beta, missing, min_periods, axis, state, out)


mean = ewma


def variance(
    data: Any,
    beta: float = 0.9,
    *,
    bias: bool = False,
    start: Start = "zero",
    missing: Missing = "fade",
    min_periods: int = 1,
    axis: int = 0,
    state: Carried | None = None,
    out: Array | None = None,
) -> Array:
    """The exponentially weighted variance about the weighted mean; its root is the standard deviation.

    With `bias` the mean of the squared distances under the weights; without, over 1 - r for r the sum of the squared
    weights, so that independent values give their own variance on average. The weights are those of the debiased mean,
    or of the mean that starts at the first value: pandas' ewm(alpha=1 - beta, adjust=...).var(bias=...).

    The other arguments are those of `ewma`.
    """
    from kernels.averages import rules

    _one_of("start", start, ("zero", "first"))
    plain, with_holes = {
        ("zero", True): (rules.ewm_variance, rules.ewm_variance_with_holes),
        ("zero", False): (rules.ewm_variance_unbiased, rules.ewm_variance_unbiased_with_holes),
        ("first", True): (rules.ewm_variance_from_first, rules.ewm_variance_from_first_with_holes),
        ("first", False): (rules.ewm_variance_from_first_unbiased, rules.ewm_variance_from_first_unbiased_with_holes),
    }[start, bool(bias)]
    return _run(plain, with_holes, data, beta, missing, min_periods, axis, state, out)


def _run(
    plain: Rule,
    with_holes: Rule,
    data: Any,
    beta: float,
    missing: Missing,
    min_periods: int,
    axis: int,
    state: Carried | None,
    out: Array | None,
) -> Array:
    from kernels.averages.least import answering_from

    _one_of("missing", missing, ("fade", "skip", "spread"))
    settings = {"beta": beta}
    if missing != "spread":
        settings["fade"] = beta if missing == "fade" else 1.0
    rule = plain if missing == "spread" else with_holes
    if min_periods > 1:
        rule, settings["least"] = answering_from(rule), float(min_periods)
    return over(rule, data, axis, state=state, out=out, **settings)


def _one_of(name: str, value: str, words: tuple[str, ...]) -> None:
    if value not in words:
        raise UserError(f"{name} must be one of {', '.join(words)}, not {value!r}", fix=f"write {name}={words[0]!r}")


def _as_data(data: Any) -> Array:
    """The data as an array of floats. Raises UserError for what is none."""
    import numpy as np

    if isinstance(data, np.ma.MaskedArray):
        raise UserError("a masked array is not run through", fix="use data.filled(np.nan)")
    array = np.asarray(data)
    if array.dtype.kind in "iu":
        return array.astype(np.float64)
    if array.dtype.name not in ("float32", "float64") or not array.dtype.isnative:
        raise UserError(f"the data are {array.dtype}, no float32 or float64", fix="use data.astype(np.float64)")
    return array
