"""The library: every rule by name, in the order they are shown. Adding a rule is one line here."""

from derive.library.adagrad import adagrad, adagrad_eps_inside
from derive.library.adam import adam, adam_eps_hat, adam_l2, adamw
from derive.library.averages import ewma, ewma_debiased
from derive.library.descent import gradient_descent
from derive.library.momentum import momentum, momentum_ema, momentum_lr_outside, nesterov
from derive.library.rmsprop import rmsprop, rmsprop_eps_inside
from derive.rule import Rule

LIBRARY: tuple[Rule, ...] = (
    ewma,
    ewma_debiased,
    gradient_descent,
    momentum,
    momentum_ema,
    momentum_lr_outside,
    nesterov,
    adagrad,
    adagrad_eps_inside,
    rmsprop,
    rmsprop_eps_inside,
    adam,
    adam_eps_hat,
    adam_l2,
    adamw,
)
