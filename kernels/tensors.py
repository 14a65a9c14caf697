"""PyTorch's tensors many at a time: where they lie, and whether they are as they were when each was looked at.

Asking a tensor one thing takes fifty nanoseconds where it is asked by `map`, and several times that in a loop; so a
thousand of them are asked by `map`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter, is_
from typing import Any

import numpy as np
import torch

from kernels.running.kernel import Array

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
