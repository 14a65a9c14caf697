"""Compositions that the frameworks make, too, in a pass over memory for each piece: clipping, a step, an average."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from derive.composing import clip_by_norm, clip_grad_norm, composed, ema_of_weights
from derive.library.lookup import find_rule
from derive.rule import Rule

BASES = ("adam", "adamw")


@cache
def _known() -> tuple[tuple[str, Rule], ...]:
    """Adam and AdamW of a clipped gradient with an average of the weights; clipped as PyTorch does it, and as optax."""
    return tuple((base, composed((clip, find_rule(base), ema_of_weights)))
                 for base in BASES for clip in (clip_grad_norm, clip_by_norm))  # fmt: skip


def base_of(rule: Rule) -> str:
    """The rule inside, where the rule makes the step of a known composition, whatever its name and defaults are."""
    for base, known in _known():
        if (rule.body, rule.states, rule.hyperparameter_names) == (
            known.body,
            known.states,
            known.hyperparameter_names,
        ):
            return base
    return ""


def in_torch(torch: Any, rule: Rule, parameters: list[Any], step: Callable[[], Any]) -> Callable[[], object]:
    """The step with `clip_grad_norm_` before it and an `AveragedModel` behind it."""
    max_norm, decay = (float(rule.defaults[name]) for name in ("max_norm", "ema_decay"))
    model = torch.nn.ParameterList(parameters)
    swa = torch.optim.swa_utils
    average = swa.AveragedModel(model, multi_avg_fn=swa.get_ema_multi_avg_fn(decay))

    def whole() -> None:
        torch.nn.utils.clip_grad_norm_(parameters, max_norm)
        step()
        average.update_parameters(model)

    return whole


def in_optax(optax: Any, rule: Rule, base: Any) -> tuple[Any, Callable[[Any, Any], Any]]:
    """The transformation of clipped gradients, and what makes an average after a step of the one before it."""
    max_norm, decay = (float(rule.defaults[name]) for name in ("max_norm", "ema_decay"))
    chained = optax.chain(optax.clip_by_global_norm(max_norm), base)
    return chained, lambda params, average: optax.incremental_update(params, average, 1 - decay)
