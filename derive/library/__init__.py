"""The library: every rule by name, in the order they are shown. Adding a rule is one line here."""

from derive.library.adadelta import adadelta
from derive.library.adagrad import adagrad, adagrad_eps_inside
from derive.library.adam import adam, adam_eps_hat, adam_l2, adamw
from derive.library.averages import ewma, ewma_debiased
from derive.library.descent import gradient_descent
from derive.library.maxima import adamax, amsgrad, amsgrad_debiased
from derive.library.momentum import momentum, momentum_ema, momentum_lr_outside, nesterov, nesterov_torch, qhm
from derive.library.nadam import nadam, nadam_constant
from derive.library.radam import radam
from derive.library.rmsprop import rmsprop, rmsprop_centered, rmsprop_debiased, rmsprop_eps_inside, rmsprop_momentum
from derive.library.second_moments import adabelief, adopt, yogi
from derive.library.signs import lion, rprop, sign_sgd, signum
from derive.library.trust import lamb, lars
from derive.rule import Rule

LIBRARY: tuple[Rule, ...] = (
    ewma,
    ewma_debiased,
    gradient_descent,
    momentum,
    momentum_ema,
    momentum_lr_outside,
    nesterov,
    nesterov_torch,
    qhm,
    sign_sgd,
    signum,
    lion,
    rprop,
    adagrad,
    adagrad_eps_inside,
    adadelta,
    rmsprop,
    rmsprop_eps_inside,
    rmsprop_centered,
    rmsprop_momentum,
    rmsprop_debiased,
    adam,
    adam_eps_hat,
    adam_l2,
    adamw,
    adamax,
    amsgrad,
    amsgrad_debiased,
    nadam,
    nadam_constant,
    radam,
    adabelief,
    yogi,
    adopt,
    lars,
    lamb,
)
