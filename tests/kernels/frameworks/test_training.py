"""A real small model on real data: the frameworks' own optimizers and ours follow the same losses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from kernels.measuring.tolerance import tolerance

torch = pytest.importorskip("torch")
datasets = pytest.importorskip("sklearn.datasets")

from kernels.torch import optimizer  # noqa: E402

STEPS = 40

# A rule, the class of PyTorch and its arguments, ours where they are called otherwise.
PAIRS: list[tuple[str, str, dict[str, Any], dict[str, str | None]]] = [
    ("gradient_descent", "SGD", {"lr": 0.1}, {}),
    ("momentum_lr_outside", "SGD", {"lr": 0.05, "momentum": 0.9}, {"momentum": "beta"}),
    ("nesterov_torch", "SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True}, {"momentum": "beta", "nesterov": None}),
    ("adam", "Adam", {"lr": 1e-2}, {}),
    ("amsgrad", "Adam", {"lr": 1e-2, "amsgrad": True}, {"amsgrad": None}),
    ("adamw", "AdamW", {"lr": 1e-2, "weight_decay": 0.1}, {}),
    ("adagrad", "Adagrad", {"lr": 0.05, "eps": 1e-10}, {}),
    ("adamax", "Adamax", {"lr": 1e-2}, {}),
    ("adadelta", "Adadelta", {"lr": 1.0, "rho": 0.9, "eps": 1e-6}, {}),
    ("nadam", "NAdam", {"lr": 1e-2}, {}),
    ("radam", "RAdam", {"lr": 1e-2}, {}),
    ("rmsprop", "RMSprop", {"lr": 1e-3, "alpha": 0.9, "eps": 1e-8}, {"alpha": "beta"}),
    ("rmsprop_centered", "RMSprop", {"lr": 1e-3, "alpha": 0.9, "eps": 1e-8, "centered": True},
     {"alpha": "beta", "centered": None}),
    ("rmsprop_momentum", "RMSprop", {"lr": 1e-3, "alpha": 0.9, "eps": 1e-8, "momentum": 0.5},
     {"alpha": "beta", "momentum": "mu"}),
    ("rprop", "Rprop", {"lr": 1e-2}, {}),
]  # fmt: skip


def settings_of(given: dict[str, Any], called: dict[str, str | None]) -> dict[str, Any]:
    names = {name: called.get(name, name) for name in given}
    return {new: given[old] for old, new in names.items() if new is not None}


def model(dtype: Any) -> Any:
    torch.manual_seed(0)
    layers = torch.nn.Sequential(torch.nn.Linear(64, 24), torch.nn.Tanh(), torch.nn.Linear(24, 10))
    return layers.to(dtype)


def digits(dtype: Any) -> tuple[Any, Any]:
    data = datasets.load_digits()
    return torch.tensor(data.data / 16, dtype=dtype), torch.tensor(data.target)


def trained(make: Callable[[Any], Any], dtype: Any) -> list[float]:
    """The loss before every step, over batches in one order."""
    net, (images, labels) = model(dtype), digits(dtype)
    optim, losses = make(net.parameters()), []
    for step in range(STEPS):
        batch = slice(step * 97 % 1600, step * 97 % 1600 + 128)
        optim.zero_grad()
        loss = torch.nn.functional.cross_entropy(net(images[batch]), labels[batch])
        loss.backward()
        optim.step()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize(("rule", "name", "theirs", "called"), PAIRS, ids=[pair[0] for pair in PAIRS])
def test_losses_on_digits(rule: str, name: str, theirs: dict[str, Any], called: dict[str, str | None]) -> None:
    """In float64, where rounding is small enough for the runs not to part."""
    ours = trained(lambda p: optimizer(rule)(p, **settings_of(theirs, called)), torch.float64)
    expected = trained(lambda p: getattr(torch.optim, name)(p, **theirs), torch.float64)
    assert np.allclose(ours, expected, rtol=1e-8)
    assert ours[-1] < ours[0]


@pytest.mark.parametrize("rule", ["adam", "adagrad", "adamax"])
def test_parameters_part_by_no_more_than_rounding(rule: str) -> None:
    """In float32, both given the gradients of one run: every watched parameter within the rounding bound."""
    [(_, name, theirs, called)] = [pair for pair in PAIRS if pair[0] == rule]
    own, other = model(torch.float32), model(torch.float32)
    ours = optimizer(rule)(own.parameters(), **settings_of(theirs, called))
    peer = getattr(torch.optim, name)(other.parameters(), **theirs)
    images, labels = digits(torch.float32)
    watched, start = [3, 100, 700], own[0].weight.detach().flatten().clone()
    gradients, apart = [], []
    for _ in range(STEPS):
        ours.zero_grad()
        torch.nn.functional.cross_entropy(own(images[:256]), labels[:256]).backward()
        for mine, yours in zip(own.parameters(), other.parameters(), strict=True):
            yours.grad = mine.grad.clone()
        ours.step()
        peer.step()
        gradients.append(own[0].weight.grad.flatten()[watched].numpy())
        apart.append((own[0].weight - other[0].weight).detach().abs().flatten()[watched].numpy())
    for k, place in enumerate(watched):
        bound = tolerance(rule, [g[k] for g in gradients], start=float(start[place]), **settings_of(theirs, called))
        assert np.all(np.array([a[k] for a in apart]) <= bound)


def test_optax_on_digits() -> None:
    optax, jax = pytest.importorskip("optax"), pytest.importorskip("jax")
    from kernels.optax import transformation

    data = datasets.load_digits()
    images, labels = jax.numpy.asarray(data.data / 16, "float32"), jax.numpy.asarray(data.target)

    def loss(weights: Any) -> Any:
        return optax.softmax_cross_entropy_with_integer_labels(images @ weights, labels).mean()

    def losses(optim: Any) -> list[float]:
        weights, found = jax.numpy.zeros((64, 10)), []
        state, update = optim.init(weights), jax.jit(optim.update)
        for _ in range(STEPS):
            value, gradient = jax.value_and_grad(loss)(weights)
            changes, state = update(gradient, state, weights)
            weights = optax.apply_updates(weights, changes)
            found.append(float(value))
        return found

    for rule, theirs, given in (
        ("adam", optax.adam(0.05), {"lr": 0.05}),
        ("lion", optax.lion(0.01, weight_decay=0.0), {"lr": 0.01, "weight_decay": 0.0}),
        ("adamax", optax.adamax(0.05), {"lr": 0.05}),
    ):
        assert np.allclose(losses(transformation(rule, **given)), losses(theirs), rtol=2e-4)
