"""Which optimizers of PyTorch and optax make the step of which rule, and how they call its hyperparameters.

A text is the name of a hyperparameter, a tuple one of several; anything else is what the framework is given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from derive.rule import Rule


@dataclass(frozen=True)
class Peer:
    """A class or function of a framework and its arguments."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def settings(self, rule: Rule) -> dict[str, Any]:
        """The arguments at the rule's defaults."""
        return {name: _value(said, rule) for name, said in self.arguments.items()}


def _value(said: Any, rule: Rule) -> Any:
    if isinstance(said, str):
        return float(rule.defaults[said])
    return tuple(_value(each, rule) for each in said) if isinstance(said, tuple) else said


_BETAS = {"lr": "lr", "betas": ("beta1", "beta2")}
_RMS = {"lr": "lr", "alpha": "beta", "eps": "eps"}
_ADAMS = {"learning_rate": "lr", "b1": "beta1", "b2": "beta2"}

TORCH: Mapping[str, Peer] = {
    "gradient_descent": Peer("SGD", {"lr": "lr"}),
    "momentum_lr_outside": Peer("SGD", {"lr": "lr", "momentum": "beta"}),
    "nesterov_torch": Peer("SGD", {"lr": "lr", "momentum": "beta", "nesterov": True}),
    "adagrad": Peer("Adagrad", {"lr": "lr", "eps": "eps"}),
    "adadelta": Peer("Adadelta", {"lr": "lr", "rho": "rho", "eps": "eps"}),
    "rmsprop": Peer("RMSprop", _RMS),
    "rmsprop_centered": Peer("RMSprop", {**_RMS, "centered": True}),
    "rmsprop_momentum": Peer("RMSprop", {**_RMS, "momentum": "mu"}),
    "adam": Peer("Adam", {**_BETAS, "eps": "eps"}),
    "amsgrad": Peer("Adam", {**_BETAS, "eps": "eps", "amsgrad": True}),
    "adam_l2": Peer("Adam", {**_BETAS, "eps": "eps", "weight_decay": "weight_decay"}),
    "adamw": Peer("AdamW", {**_BETAS, "eps": "eps", "weight_decay": "weight_decay"}),
    "adamax": Peer("Adamax", {**_BETAS, "eps": "eps"}),
    "nadam": Peer("NAdam", {**_BETAS, "eps": "eps", "momentum_decay": "psi"}),
    "radam": Peer("RAdam", {**_BETAS, "eps": "eps"}),
    "rprop": Peer("Rprop", {"lr": "lr", "etas": ("eta_minus", "eta_plus"), "step_sizes": ("step_min", "step_max")}),
}

OPTAX: Mapping[str, Peer] = {
    "gradient_descent": Peer("sgd", {"learning_rate": "lr"}),
    "momentum_lr_outside": Peer("sgd", {"learning_rate": "lr", "momentum": "beta"}),
    "nesterov_torch": Peer("sgd", {"learning_rate": "lr", "momentum": "beta", "nesterov": True}),
    "rmsprop_eps_inside": Peer("rmsprop", {"learning_rate": "lr", "decay": "beta", "eps": "eps"}),
    "adam": Peer("adam", {**_ADAMS, "eps": "eps"}),
    "adamw": Peer("adamw", {**_ADAMS, "eps": "eps", "weight_decay": "weight_decay"}),
    "adamax": Peer("adamax", {**_ADAMS, "eps": "eps"}),
    "amsgrad_debiased": Peer("amsgrad", {**_ADAMS, "eps": "eps"}),
    "nadam_constant": Peer("nadam", {**_ADAMS, "eps": "eps"}),
    "adabelief": Peer("adabelief", {**_ADAMS, "eps": "eps", "eps_root": "eps"}),
    "lion": Peer("lion", {**_ADAMS, "weight_decay": "weight_decay"}),
}
