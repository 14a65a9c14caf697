"""PyTorch's tensors: what a kernel can step, how each lies in memory, and many at a time, whether they still do.

Asking a tensor one thing takes fifty nanoseconds where it is asked by `map`, and several times that in a loop; so a
thousand of them are asked by `map`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter, is_
from typing import Any, TypeAlias

import numpy as np
import torch

from derive.errors import UserError
from derive.rule import Rule
from kernels.running.kernel import Array
from kernels.storage import DTYPES

Tensors: TypeAlias = "tuple[Any, Any, dict[str, Any]]"  # a parameter, its gradient and its state
KNOWN: dict[Any, str] = {getattr(torch, name): name for name in DTYPES}
_KIND = attrgetter("dtype", "layout", "is_cpu")


def addresses(tensors: Sequence[Any]) -> Array:
    """Where their first elements lie."""
    return np.fromiter(map(torch.Tensor.data_ptr, tensors), np.int64, len(tensors))


def sizes(tensors: Sequence[Any]) -> Array:
    """How many elements they have."""
    return np.fromiter(map(torch.Tensor.numel, tensors), np.int64, len(tensors))


def are_plain(tensors: Sequence[Any], dtype: Any, elements: Array) -> bool:
    """Whether they are dense tensors of PyTorch's own class on the CPU, of this type and these sizes, without gaps."""
    return (
        {*map(type, tensors)} <= {torch.Tensor}
        and {*map(_KIND, tensors)} <= {(dtype, torch.strided, True)}
        and all(map(torch.Tensor.is_contiguous, tensors))
        and np.array_equal(sizes(tensors), elements)
    )


@dataclass(frozen=True)
class Rows:
    """Parameters, and then their buffers row by row, that were all found to be right and to have no gaps."""

    tensors: tuple[Any, ...]
    columns: int
    addresses: Array
    elements: Array

    @staticmethod
    def of(rows: Sequence[Sequence[Any]]) -> Rows:
        """The rows as they are now."""
        tensors = tuple(tensor for row in rows for tensor in row)
        return Rows(tensors, len(rows[0]), addresses(tensors), sizes(tensors))

    def still(self, tensors: Sequence[Any]) -> bool:
        """Whether these are the same objects, with as many elements in the same memory, and have no gaps."""
        return (
            len(tensors) == len(self.tensors)
            and all(map(is_, tensors, self.tensors))
            and all(map(torch.Tensor.is_contiguous, tensors))
            and np.array_equal(addresses(tensors), self.addresses)
            and np.array_equal(sizes(tensors), self.elements)
        )

    def table(self, gradients: Sequence[Any]) -> Array:
        """The addresses in the order of a kernel's arguments: the gradients come second."""
        first, *others = self.addresses.reshape(-1, self.columns)
        return np.stack([first, addresses(gradients), *others])


# One at a time


def refuse(parameter: Any, gradient: Any, rule: Rule) -> str:
    """The name of the parameter's type; UserError for a tensor, or gradient, that a kernel cannot step."""
    for tensor, of in ((parameter, ""), (gradient, "the gradient of ")):
        if tensor is None:
            continue
        if tensor.layout is not torch.strided:
            raise UserError(
                f"{of}{said(parameter)} is sparse", where=rule.name, fix="use dense gradients (sparse=False)"
            )
        if not tensor.is_cpu:
            what = f"{of}{said(parameter)} is on {tensor.device}, and kernels step tensors on the CPU"
            raise UserError(what, where=rule.name, fix="move the model to the CPU, or use an optimizer of PyTorch's")
    if parameter.dtype not in KNOWN:
        what = f"{said(parameter)} is {str(parameter.dtype).removeprefix('torch.')}"
        raise UserError(what, where=rule.name, fix=f"use {', '.join(DTYPES[:-1])} or {DTYPES[-1]}")
    return KNOWN[parameter.dtype]


def lay(tensors: Tensors, names: tuple[str, ...], kept: Any) -> list[Any]:
    """Parameter, gradient and buffers as they lie in memory, the gradient copied where it lies otherwise.

    Raises UserError for a buffer that does not lie as its parameter does, or is not `kept` in the kernel's type.
    """
    theta, gradient, state = tensors
    dtype, size = theta.dtype, theta.numel()
    if gradient.dtype is not dtype:
        gradient = gradient.to(dtype)
    laid = [theta, gradient, *[state[name] for name in names]]
    order = order_of(theta)
    if order is not None:
        laid = [tensor.permute(order) for tensor in laid]
    laid[1] = laid[1].contiguous()
    for place, buffer in enumerate(laid[2:]):
        if buffer.dtype is not kept or buffer.numel() != size or not buffer.is_contiguous() or not buffer.is_cpu:
            raise UserError(f"the state {names[place]!r} of {said(theta)} is not a tensor that lies as it does",
                            fix="load a state_dict that fits, or let the optimizer make the state")  # fmt: skip
    return laid


def order_of(parameter: Any) -> tuple[int, ...] | None:
    """The order of the dimensions in memory, where it is another than theirs; channels come last in some images."""
    if parameter.is_contiguous():
        return None
    order = tuple(sorted(range(parameter.dim()), key=lambda d: -parameter.stride(d)))
    if not parameter.permute(order).is_contiguous():
        raise UserError(f"{said(parameter)} has gaps in memory, or shares it with itself",
                        fix="make it a tensor of its own, by clone()")  # fmt: skip
    return order


def array_of(tensor: Any, order: tuple[int, ...] | None) -> Array:
    """The tensor's memory as an array; a copy only where it is laid out otherwise than its parameter."""
    laid = tensor.detach() if order is None else tensor.detach().permute(order)
    laid = laid.contiguous()
    if laid.dtype is torch.bfloat16:  # which NumPy has only from ml_dtypes, and PyTorch does not know that
        import ml_dtypes

        bits: Array = laid.view(torch.int16).numpy()
        return bits.view(ml_dtypes.bfloat16)
    array: Array = laid.numpy()
    return array


def tensor_of(array: Array) -> Any:
    """The array's memory as a tensor."""
    if array.dtype.name == "bfloat16":
        return torch.from_numpy(array.view("int16")).view(torch.bfloat16)
    return torch.from_numpy(array)


def said(parameter: Any) -> str:
    return f"a parameter of shape {tuple(parameter.shape)}"
