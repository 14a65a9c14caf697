"""PyTorch's parameters together: norms over all of them, and what is looked at again when it is no longer as it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from derive import compose
from derive.composing import clip_grad_norm
from derive.errors import UserError
from kernels.running import many

torch = pytest.importorskip("torch")

from kernels.torch import optimizer  # noqa: E402

CLIPPED = compose(clip_grad_norm(0.5), "adamw")
SHAPES = [(5,), (3, 4), (), (2, 3), (7,)]


def parameters(*, narrow: bool = False) -> list[Any]:
    torch.manual_seed(0)
    made = [torch.nn.Parameter(torch.randn(shape, dtype=torch.float64)) for shape in SHAPES]
    return [torch.nn.Parameter(p.detach().float()) if narrow and k == 3 else p for k, p in enumerate(made)]


def gradients(tensors: list[Any], seed: int) -> None:
    """New ones; the second parameter has none in every other step."""
    torch.manual_seed(seed)
    for k, tensor in enumerate(tensors):
        gradient = torch.randn(tensor.shape, dtype=torch.float64).to(tensor.dtype)
        tensor.grad = None if k == 1 and seed % 2 else gradient


def groups(tensors: list[Any]) -> list[dict[str, Any]]:
    return [{"params": tensors[:2], "lr": 0.1}, {"params": tensors[2:], "weight_decay": 0.3}]


@pytest.mark.parametrize("narrow", [False, True], ids=["one type", "two types"])
def test_clipping_is_by_the_norm_of_every_parameter_that_has_a_gradient(narrow: bool) -> None:
    ours, theirs = parameters(narrow=narrow), parameters(narrow=narrow)
    mine, known = optimizer(CLIPPED)(groups(ours), lr=1e-2), torch.optim.AdamW(groups(theirs), lr=1e-2)
    for seed in range(6):
        gradients(ours, seed)
        gradients(theirs, seed)
        mine.step()
        torch.nn.utils.clip_grad_norm_(theirs, 0.5)
        known.step()
    for a, b in zip(ours, theirs, strict=True):
        close = 1e-12 if not narrow else 1e-6
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=close, atol=close)
    assert mine.state[ours[1]]["t"] == 3


def stepped(times: int = 2) -> tuple[Any, list[Any]]:
    """An optimizer that knows its tensors."""
    tensors = [torch.nn.Parameter(torch.arange(9.0).reshape(3, 3)), torch.nn.Parameter(torch.ones(2))]
    optim = optimizer("momentum")(tensors, lr=0.5)
    for _ in range(times):
        for tensor in tensors:
            tensor.grad = torch.ones_like(tensor)
        optim.step()
    return optim, tensors


def turned(optim: Any, tensors: list[Any]) -> None:
    tensors[0].data = tensors[0].data.t()


def shortened(optim: Any, tensors: list[Any]) -> None:
    optim.state[tensors[1]]["v"].data = optim.state[tensors[1]]["v"].data[:1]


def widened(optim: Any, tensors: list[Any]) -> None:
    tensors[1].data = tensors[1].data.double()
    tensors[1].grad = torch.ones(2, dtype=torch.float64)


def sparse(optim: Any, tensors: list[Any]) -> None:
    tensors[0].grad = torch.ones(3, 3).to_sparse()


@pytest.mark.parametrize("wrong", [turned, shortened, widened, sparse])
def test_what_has_become_unfit_is_refused_and_nothing_is_stepped(wrong: Callable[[Any, list[Any]], None]) -> None:
    optim, tensors = stepped()
    wrong(optim, tensors)
    before = [tensor.detach().clone() for tensor in tensors]
    with pytest.raises(UserError, match=r"not a tensor that lies as it does|is sparse"):
        optim.step()
    assert all(torch.equal(a, b) for a, b in zip(before, tensors, strict=True))


def test_what_has_moved_is_followed() -> None:
    optim, tensors = stepped()
    plain, others = stepped()
    tensors[0].data = tensors[0].data.clone()
    optim.state[tensors[1]]["v"] = optim.state[tensors[1]]["v"].clone()
    tensors[0].grad = torch.ones(3, 1).expand(3, 3)
    for each in (optim, plain, optim, plain):
        each.step()
    assert all(torch.equal(a, b) for a, b in zip(tensors, others, strict=True))
    optim.load_state_dict(plain.state_dict())
    optim.step()
    assert [optim.state[tensor]["t"] for tensor in tensors] == [5, 5]


def test_groups_that_share_memory_are_refused() -> None:
    memory, apart = torch.ones(6), torch.nn.Parameter(torch.ones(2, dtype=torch.float64))
    tensors = [torch.nn.Parameter(memory[:4]), torch.nn.Parameter(memory[3:])]
    optim = optimizer("gradient_descent")([{"params": [p]} for p in (apart, *tensors)], lr=0.5)
    for tensor in (apart, *tensors):
        tensor.grad = torch.ones_like(tensor)
    with pytest.raises(UserError, match="two groups share memory"):
        optim.step()
    assert (memory == 1).all()
    tensors[0].data, tensors[1].data = memory[:3], torch.ones(3)
    tensors[0].grad = tensors[1].grad = torch.ones(3)  # gradients may share theirs
    optim.step()
    assert (memory[:3] == 0.5).all()


def test_the_state_says_what_is_stepped_where_ctrl_c_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = torch.nn.Parameter(torch.ones(3)), torch.nn.Parameter(torch.ones(3))
    optim = optimizer("gradient_descent")([{"params": [first]}, {"params": [second]}], lr=0.5)

    def interrupted(work: Any, done: Any) -> None:
        work(0)
        raise KeyboardInterrupt

    first.grad, second.grad = torch.ones(3), torch.ones(3)
    monkeypatch.setattr(many, "ENOUGH_FOR_THREADS", -1)
    monkeypatch.setattr(many, "crew", lambda: 2)
    monkeypatch.setattr(many, "share", interrupted)
    with pytest.raises(KeyboardInterrupt):
        optim.step()
    assert (first[0].item(), second[0].item()) == (0.5, 1)
    assert (optim.state[first]["t"], optim.state[second]["t"]) == (1, 0)
