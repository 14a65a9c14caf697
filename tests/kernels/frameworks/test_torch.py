"""Rules as PyTorch optimizers: they step as the kernels do, and behave like PyTorch's own."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np
import pytest

from derive.errors import UserError
from derive.library import LIBRARY
from derive.rule import Rule
from kernels import compile
from kernels.storage import numpy_dtype
from tests.sample import sampled

torch = pytest.importorskip("torch")

from kernels.torch import optimizer  # noqa: E402

MOVING = tuple(rule for rule in LIBRARY if not rule.is_average)


def parameter(*values: float, dtype: Any = None) -> Any:
    return torch.nn.Parameter(torch.tensor(values, dtype=dtype or torch.float32))


def stepped(optim: Any, tensor: Any, gradients: list[Any]) -> Any:
    for gradient in gradients:
        tensor.grad = torch.as_tensor(gradient, dtype=tensor.dtype)
        optim.step()
    return tensor.detach().numpy()


def random_gradients(seed: int, *shape: int, steps: int = 8) -> list[Any]:
    random = np.random.default_rng(seed)
    return [random.standard_normal(shape).astype(np.float32) for _ in range(steps)]


@pytest.mark.parametrize("rule", sampled(rule for rule in MOVING if rule.query is None), ids=lambda rule: rule.name)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_it_steps_to_the_bits_of_the_kernel(rule: Rule, dtype: str) -> None:
    kernel, theta = compile(rule, dtype), np.linspace(-1, 1, 12, dtype=dtype).reshape(3, 4)
    tensor = torch.nn.Parameter(torch.from_numpy(theta.copy()))
    given = [g.astype(dtype) for g in random_gradients(1, 3, 4)]
    found = stepped(optimizer(rule)([tensor]), tensor, given)
    state = kernel.init(theta)
    for t, gradient in enumerate(given, start=1):
        kernel.step(theta, gradient, state, t)
    assert np.array_equal(found, theta)


@pytest.mark.parametrize(
    ("rule", "theirs", "ours"),
    [
        ("adam", "Adam", {}),
        ("adamw", "AdamW", {"weight_decay": 0.1}),
        ("adagrad", "Adagrad", {"lr": 0.1, "eps": 1e-10}),
        ("adadelta", "Adadelta", {"lr": 1.0, "rho": 0.9, "eps": 1e-6}),
        ("adamax", "Adamax", {"lr": 2e-3}),
        ("nadam", "NAdam", {}),
        ("radam", "RAdam", {}),
        ("rmsprop", "RMSprop", {"lr": 1e-2}),
        ("rprop", "Rprop", {}),
        ("amsgrad", "Adam", {}),
    ],
)
def test_it_follows_what_pytorch_has(rule: str, theirs: str, ours: dict[str, float]) -> None:
    ones, given = np.ones(6), [torch.from_numpy(g) for g in random_gradients(2, 6, steps=30)]
    known: dict[str, dict[str, Any]] = {"rmsprop": {"alpha": 0.9, "lr": 1e-2}, "amsgrad": {"amsgrad": True}}
    mine, other = parameter(*ones, dtype=torch.float64), parameter(*ones, dtype=torch.float64)
    class_of = getattr(torch.optim, theirs)
    settings = {**ours, **known.get(rule, {})}
    matched = {"rmsprop": {"beta": 0.9, "lr": 1e-2, "eps": 1e-8}}.get(rule, ours)
    found = stepped(optimizer(rule)([mine], **matched), mine, given)
    expected = stepped(class_of([other], **settings), other, given)
    assert np.allclose(found, expected, rtol=1e-6, atol=1e-9)


def test_groups_have_hyperparameters_of_their_own() -> None:
    a, b = parameter(1.0), parameter(1.0)
    optim = optimizer("gradient_descent")([{"params": [a]}, {"params": [b], "lr": 0.5}], lr=0.25)
    a.grad, b.grad = torch.ones(1), torch.ones(1)
    optim.step()
    assert (a.item(), b.item()) == (0.75, 0.5)
    optim.add_param_group({"params": [c := parameter(2.0)]})
    c.grad = torch.ones(1)
    optim.step()
    assert (a.item(), b.item(), c.item()) == (0.5, 0.0, 1.75)


def test_a_scheduler_sets_the_learning_rate() -> None:
    tensor = parameter(0.0)
    optim = optimizer("gradient_descent")([tensor], lr=1.0)
    schedule = torch.optim.lr_scheduler.StepLR(optim, step_size=1, gamma=0.5)
    for _ in range(3):
        tensor.grad = torch.ones(1)
        optim.step()
        schedule.step()
    assert tensor.item() == -(1 + 0.5 + 0.25)


def test_a_closure_is_called_with_gradients_on_and_its_loss_returned() -> None:
    tensor = parameter(3.0)
    optim = optimizer("gradient_descent")([tensor], lr=0.5)

    def closure() -> Any:
        optim.zero_grad()
        loss = (tensor**2).sum()
        loss.backward()
        return loss

    assert optim.step(closure).item() == 9.0
    assert tensor.item() == 0.0


def test_a_gradient_taken_elsewhere_is_the_closures() -> None:
    """Nesterov as written: the gradient at theta - beta v, by a closure, step by step as the kernel."""
    tensor, asked = parameter(1.0, -2.0, dtype=torch.float64), []
    optim = optimizer("nesterov")([tensor], lr=0.1)

    def closure() -> Any:
        asked.append(tensor.detach().numpy().copy())
        optim.zero_grad()
        loss = (tensor**2).sum() / 2
        loss.backward()
        return loss

    kernel, theta = compile("nesterov", "float64"), np.array([1.0, -2.0])
    state, point = kernel.init(theta), np.zeros(2)
    for t in range(1, 6):
        kernel.query(theta, state, point, t, lr=0.1)
        optim.step(closure)
        assert np.array_equal(asked[-1], point)
        kernel.step(theta, point.copy(), state, t, lr=0.1)
        assert np.array_equal(tensor.detach().numpy(), theta)
    with pytest.raises(UserError, match="closure"):
        optim.step()


def test_a_closure_that_fails_leaves_the_parameters_as_they_were() -> None:
    tensor = parameter(1.0)
    optim = optimizer("nesterov")([tensor], lr=0.1)
    tensor.grad = torch.ones(1)
    optim.step(lambda: None)
    before = tensor.item()

    def failing() -> None:
        raise RuntimeError("no loss")

    with pytest.raises(RuntimeError, match="no loss"):
        optim.step(failing)
    assert tensor.item() == before


def test_the_state_is_saved_and_loaded_in_another_process(tmp_path: Path) -> None:
    given = random_gradients(4, 3, steps=6)
    whole, half = parameter(1.0, 2.0, 3.0), parameter(1.0, 2.0, 3.0)
    expected = stepped(optimizer("adam")([whole]), whole, given)
    optim = optimizer("adam")([half])
    stepped(optim, half, given[:3])
    saved = {"optim": optim.state_dict(), "theta": half.detach(), "gradients": given[3:]}
    torch.save(saved, tmp_path / "saved.pt")
    program = f"""
        import torch
        from kernels.torch import optimizer
        saved = torch.load({str(tmp_path / "saved.pt")!r}, weights_only=False)
        tensor = torch.nn.Parameter(saved["theta"])
        optim = optimizer("adam")([tensor], lr=1.0)
        optim.load_state_dict(saved["optim"])
        for gradient in saved["gradients"]:
            tensor.grad = torch.from_numpy(gradient)
            optim.step()
        torch.save(tensor.detach(), {str(tmp_path / "end.pt")!r})
    """
    subprocess.run([sys.executable, "-c", dedent(program)], check=True, timeout=120)
    assert np.array_equal(torch.load(tmp_path / "end.pt").numpy(), expected)


def test_it_is_copied_and_pickled() -> None:
    tensor = parameter(1.0)
    optim = optimizer("momentum")([tensor], lr=0.5)
    stepped(optim, tensor, [np.ones(1)])
    for other in (copy.deepcopy(optim), pickle.loads(pickle.dumps(optim))):
        [theirs] = other.param_groups[0]["params"]
        theirs.grad = torch.ones(1)
        other.step()
        assert theirs.item() == pytest.approx(1 - 0.5 - 0.95)


def test_channels_last_is_stepped_where_it_lies() -> None:
    images = torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last)
    plain, laid = torch.nn.Parameter(images.contiguous()), torch.nn.Parameter(images.clone())
    assert not laid.is_contiguous()
    place = laid.data_ptr()
    for tensor in (plain, laid):
        optim = optimizer("adam")([tensor])
        for seed in range(3):
            torch.manual_seed(seed)
            tensor.grad = torch.randn(2, 3, 4, 5)
            optim.step()
    assert laid.data_ptr() == place
    assert torch.equal(plain, laid.contiguous())
    assert optim.state[laid]["m"].shape == laid.shape


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("kept", [None, "float32"])
def test_sixteen_bits_are_stepped_where_they_lie(dtype: str, kept: str | None) -> None:
    """To the kernel's bits, without a copy; states in a type of their own are saved and loaded as they are."""
    kernel, theta = compile("adamw", dtype, state=kept), np.linspace(-1, 1, 12).astype(numpy_dtype(dtype))
    tensor = torch.nn.Parameter(torch.linspace(-1, 1, 12, dtype=torch.float64).to(getattr(torch, dtype)))
    place, made = tensor.data_ptr(), optimizer("adamw", state=kept)
    optim, state = made([tensor]), kernel.init(theta)
    for t, gradient in enumerate(random_gradients(3, 12, steps=4), start=1):
        given = gradient.astype(numpy_dtype(dtype))
        tensor.grad = torch.from_numpy(given.astype(np.float32)).to(tensor.dtype)
        optim.step()
        kernel.step(theta, given, state, t)
        if t == 2:
            again = made([tensor])
            again.load_state_dict(optim.state_dict())
            assert pickle.loads(pickle.dumps(again)).kept == kept
            optim = again
        assert np.array_equal(tensor.detach().float().numpy(), theta.astype(np.float32))
    assert tensor.data_ptr() == place
    for name, buffer in state.items():
        assert str(optim.state[tensor][name].dtype) == f"torch.{buffer.dtype.name}"
        assert np.array_equal(optim.state[tensor][name].float().numpy(), buffer.astype(np.float32))


def test_a_hook_and_a_frozen_parameter() -> None:
    moving, frozen = parameter(1.0), parameter(1.0)
    optim, seen = optimizer("gradient_descent")([moving, frozen], lr=0.5), []
    optim.register_step_post_hook(lambda *_: seen.append(moving.item()))
    moving.grad = torch.ones(1)
    optim.step()
    assert (seen, frozen.item()) == ([0.5], 1.0)


def sparse() -> None:
    embedding = torch.nn.Embedding(4, 2, sparse=True)
    embedding(torch.tensor([1])).sum().backward()
    optimizer("adam")(embedding.parameters()).step()


def foreign() -> None:
    tensor = torch.nn.Parameter(torch.ones(2, device="meta"))
    tensor.grad = torch.ones(2, device="meta")
    optimizer("adam")([tensor]).step()


def whole_numbers() -> None:
    tensor = parameter(1.0, dtype=torch.complex64)
    tensor.grad = torch.ones(1, dtype=torch.complex64)
    optimizer("adam")([tensor]).step()


def with_gaps() -> None:
    tensor = torch.nn.Parameter(torch.ones(4, 4)[:, ::2])
    tensor.grad = torch.ones(4, 2)
    optimizer("adam")([tensor]).step()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (sparse, "is sparse"),
        (foreign, "is on meta"),
        (whole_numbers, "is complex64"),
        (with_gaps, "gaps in memory"),
        (lambda: optimizer("ewma"), "is an average"),
        (lambda: optimizer("adam")([parameter(1.0)], betas=0.5), "no hyperparameter 'betas'"),
        (lambda: optimizer("adam")([parameter(1.0)], beta1=1.0), "beta1"),
        (lambda: optimizer("adam")([{"params": [parameter(1.0)], "eps": -1.0}]), "eps"),
    ],
)
def test_what_is_refused(wrong: Callable[[], object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        wrong()


def test_nothing_is_stepped_where_one_tensor_is_refused() -> None:
    good, bad = parameter(1.0), torch.nn.Parameter(torch.ones(2, device="meta"))
    good.grad, bad.grad = torch.ones(1), torch.ones(2, device="meta")
    with pytest.raises(UserError, match="is on meta"):
        optimizer("gradient_descent")([good, bad], lr=0.5).step()
    assert good.item() == 1.0


def test_an_optimizer_is_one_class_with_the_rules_own_words() -> None:
    made = optimizer("adam_l2")
    assert made is optimizer("adam_l2")
    assert issubclass(made, torch.optim.Optimizer)
    assert made.__name__ == "AdamL2"
    assert "Kingma" in str(optimizer("adam").__doc__)
