"""Composition: rules made of a rule and pieces around its step, each piece written as a small rule with an open `step`.

`pieces` and `schedules` name what there is; users write theirs the same way, with `piece` and `schedule`.
"""

from derive.composing.accumulating import accumulated
from derive.composing.compose import composed, scheduling
from derive.composing.gradients import clip_by_norm, clip_by_value, clip_grad_norm, coupled_decay
from derive.composing.parameters import cautious, decoupled_decay, ema_of_weights, lookahead, mean_of_weights
from derive.composing.piece import Piece, Schedule
from derive.composing.schedules import constant, cosine, inverse_sqrt, linear_warmup, warmup_cosine, wsd

PIECES: tuple[Piece, ...] = (
    clip_by_value,
    clip_by_norm,
    clip_grad_norm,
    coupled_decay,
    decoupled_decay,
    accumulated,
    ema_of_weights,
    mean_of_weights,
    cautious,
    lookahead,
)
SCHEDULES: tuple[Schedule, ...] = (constant, linear_warmup, cosine, inverse_sqrt, warmup_cosine, wsd)
KNOWN: dict[str, Piece | Schedule] = {**{p.name: p for p in PIECES}, **{s.name: s for s in SCHEDULES}}

__all__ = [
    "KNOWN", "PIECES", "SCHEDULES", "Piece", "Schedule", "accumulated", "cautious", "clip_by_norm", "clip_by_value",
    "clip_grad_norm", "composed", "constant", "cosine", "coupled_decay", "decoupled_decay", "ema_of_weights",
    "inverse_sqrt", "linear_warmup", "lookahead", "mean_of_weights", "scheduling", "warmup_cosine", "wsd",
]  # fmt: skip
