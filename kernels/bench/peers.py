"""Who is compared: each makes the step of a rule on tensors of given sizes, from the same numbers.

A peer that is not installed, or does not have the rule, raises UserError, and is named as skipped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from derive.errors import UserError
from derive.rule import Rule
from kernels.bench.composed import base_of, in_optax, in_torch
from kernels.bench.frameworks import OPTAX, TORCH, Peer
from kernels.bench.streams import reads_gradients_first, streams
from kernels.bench.written import Step, c_step, numba_step, numpy_step
from kernels.driver import compile

Array = np.ndarray[Any, Any]
SEED = 7


@dataclass(frozen=True)
class Ready:
    """A peer with its tensors: `step(t)` makes a step, `theta()` shows the parameters; it takes `gradients`."""

    step: Callable[[int], object]
    theta: Callable[[], list[Array]]
    gradients: Sequence[Array] = ()


SHOWN = 100  # elements of a tensor, in how many of them


def moved(ready: Ready, steps: int) -> list[float]:
    """How far the first steps move the first elements of the first tensors.

    The gradients there are given anew for every step: PyTorch's foreach changes them where it looks ahead.
    """

    def shown(arrays: Sequence[Array]) -> list[Array]:
        return [a.reshape(-1)[:SHOWN].copy() for a in arrays[:SHOWN]]

    begin, given = shown(ready.theta()), shown(ready.gradients)
    for t in range(1, steps + 1):
        ready.step(t)
        for gradient, kept in zip(ready.gradients, given, strict=False):
            gradient.reshape(-1)[:SHOWN] = kept
    ends = shown(ready.theta())
    return [float(x) for a, b in zip(ends, begin, strict=True) for x in a.astype(float) - b.astype(float)]


Maker = Callable[[Rule, str, Sequence[int]], Ready]


def tensors(dtype: str, sizes: Sequence[int]) -> tuple[list[Array], list[Array]]:
    """Parameters and gradients, the same for all."""
    random = np.random.default_rng(SEED)
    drawn = [[random.standard_normal(size, np.float32).astype(dtype) for size in sizes] for _ in range(2)]
    return drawn[0], drawn[1]


def kernel(rule: Rule, dtype: str, sizes: Sequence[int], *, guard: bool = False) -> Ready:
    """The generated kernel; several tensors are one call. With `guard` gradients are looked at first."""
    made = compile(rule, dtype)
    thetas, gradients = tensors(dtype, sizes)
    if len(sizes) == 1:
        [theta], [gradient] = thetas, gradients
        state = made.init(theta)
        return Ready(lambda t: made.step(theta, gradient, state, t, guard=guard), lambda: thetas, gradients)
    states = made.init(thetas)
    return Ready(lambda t: made.step(thetas, gradients, states, t, guard=guard), lambda: thetas, gradients)


def floor(rule: Rule, dtype: str, sizes: Sequence[int]) -> Ready:
    """The same memory read and written, with next to no arithmetic.

    Where the norm of the gradient is measured first the guard reads that once more, and does nothing else.
    """
    return kernel(streams(rule), dtype, sizes, guard=reads_gradients_first(rule))


def _written(make: Callable[[Rule, str], Step]) -> Maker:
    """A step written over arrays, one tensor after the other."""

    def made(rule: Rule, dtype: str, sizes: Sequence[int]) -> Ready:
        if rule.norms:
            raise UserError(f"{rule.name} takes norms", fix="compare with another peer")
        step, kernel_of = make(rule, dtype), compile(rule, dtype)
        thetas, gradients = tensors(dtype, sizes)
        rows = [{"theta": theta, "g": gradient, **kernel_of.init(theta)}
                for theta, gradient in zip(thetas, gradients, strict=True)]  # fmt: skip

        def all_of_them(t: int) -> None:
            for row in rows:
                step(row, t)

        return Ready(all_of_them, lambda: thetas, gradients)

    return made


def _torch(**how: Any) -> Maker:
    """An optimizer of PyTorch; `how` says which of its implementations."""

    def made(rule: Rule, dtype: str, sizes: Sequence[int]) -> Ready:
        base = base_of(rule)
        peer = TORCH[base] if base else _known(rule, TORCH, "PyTorch")
        torch = _imported("torch")
        class_of = getattr(torch.optim, peer.name)
        thetas, gradients = tensors(dtype, sizes)
        parameters = [torch.nn.Parameter(torch.from_numpy(theta)) for theta in thetas]
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = torch.from_numpy(gradient)
        compiled = how.get("compiled", False)
        options = {name: value for name, value in how.items() if name != "compiled"}
        try:
            optimizer = class_of(parameters, **peer.settings(rule), **options)
        except (TypeError, RuntimeError) as error:
            raise UserError(f"{peer.name} has no such version", fix=str(error).splitlines()[0]) from error
        step = torch.compile(optimizer.step) if compiled else optimizer.step
        if not base:
            return Ready(lambda t: step(), lambda: thetas, gradients)
        whole = in_torch(torch, rule, parameters, step)  # clips the gradients where they are, and then not again
        return Ready(lambda t: whole(), lambda: thetas)

    return made


def optax(rule: Rule, dtype: str, sizes: Sequence[int]) -> Ready:
    """A transformation of optax and its updates applied, in one jitted function that may overwrite what it is given."""
    base = base_of(rule)
    peer = OPTAX[base] if base else _known(rule, OPTAX, "optax")
    jax, library = _imported("jax"), _imported("optax")
    if dtype == "float64":
        jax.config.update("jax_enable_x64", True)
    transformation = getattr(library, peer.name)(**peer.settings(rule))
    thetas, gradients = (list(map(jax.numpy.asarray, arrays)) for arrays in tensors(dtype, sizes))
    averaged = None
    if base:
        transformation, averaged = in_optax(library, rule, transformation)
    copies = [theta.copy() for theta in thetas] if averaged else None
    now = {"params": thetas, "state": transformation.init(thetas), "average": copies}

    def stepped(params: Any, state: Any, average: Any, given: Any) -> Any:
        updates, state = transformation.update(given, state, params)
        params = library.apply_updates(params, updates)
        return {"params": params, "state": state, "average": averaged(params, average) if averaged else None}

    jitted = jax.jit(stepped, donate_argnums=(0, 1, 2))

    def step(t: int) -> None:
        now.update(jax.block_until_ready(jitted(now["params"], now["state"], now["average"], gradients)))

    return Ready(step, lambda: [np.asarray(theta) for theta in now["params"]])


def _known(rule: Rule, table: Mapping[str, Peer], whose: str) -> Peer:
    if rule.name not in table:
        raise UserError(f"{whose} has no {rule.name}", fix="compare with another peer")
    return table[rule.name]


def _imported(name: str) -> Any:
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError as missing:
        raise UserError(f"{name} is not installed", fix="install derive-kernels[frameworks]") from missing


PEERS: Mapping[str, Maker] = {
    "kernel": kernel,
    "floor": floor,
    "torch fused": _torch(fused=True),
    "torch foreach": _torch(foreach=True),
    "torch single": _torch(foreach=False),
    "torch compiled": _torch(compiled=True),
    "optax": optax,
    "c": _written(c_step),
    "numba": _written(numba_step),
    "numpy": _written(numpy_step),
}
