"""Any update rule as a `torch.optim.Optimizer`, stepped by its compiled kernel in the tensors' own memory.

from kernels.torch import optimizer

Adamw = optimizer("adamw")
optim = Adamw(model.parameters(), lr=1e-3, weight_decay=0.01)
...
optim.step()
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from inspect import Parameter, Signature
from typing import Any, ClassVar, TypeAlias

from derive.errors import UserError
from derive.library.lookup import as_rule
from derive.rule import Rule
from kernels.checks import refuse_unfit
from kernels.driver import compile
from kernels.running import diagnose
from kernels.running.kernel import Array, Kernel
from kernels.storage import DTYPES, storage_of

try:
    import torch
except ImportError as missing:
    raise UserError("torch is not installed", fix="install derive-kernels[frameworks]") from missing

_Tensors: TypeAlias = "tuple[Any, Any, dict[str, Any]]"  # a parameter, its gradient and its state
KNOWN: dict[Any, str] = {getattr(torch, name): name for name in DTYPES}
COUNT = "t"  # where the state of a parameter keeps the number of its steps; no state of a rule has that name


@lru_cache(maxsize=64)
def _optimizer(rule: Rule, kept: str | None = None) -> type[RuleOptimizer]:
    if rule.is_average:
        raise UserError(f"{rule.name} is an average: it moves no parameter", fix="take an update rule")
    refuse_unfit(rule)
    name = "".join(word.capitalize() for word in rule.name.split("_"))
    known = {h.name: Parameter(h.name, Parameter.KEYWORD_ONLY, default=Parameter.empty if h.default is None
                               else float(h.default)) for h in rule.hyperparameters}  # fmt: skip
    params = Parameter("params", Parameter.POSITIONAL_OR_KEYWORD)
    said = f"{rule.name}, stepped by its compiled kernel. {rule.reference}".strip()
    made = {"rule": rule, "buffers": rule.state_names, "kept": kept, "kernels": {}, "__doc__": said,
            "__module__": __name__, "__signature__": Signature([params, *known.values()])}  # fmt: skip
    return type(name, (RuleOptimizer,), made)


def optimizer(rule: Rule | str | Callable[..., object], *, state: object = None) -> type[RuleOptimizer]:
    """The class of optimizers that step by this rule.

    `rule` is a Rule, a name of the library, "PATH::NAME" or a function, which is read and never called. The class takes
    parameters or groups of them and the rule's hyperparameters by name, each with its default; every group may have
    values of its own. Its instances are optimizers like PyTorch's: closures, learning-rate schedulers (of a
    hyperparameter called `lr`), hooks, `state_dict` and `load_state_dict`. Parameters are dense tensors on the CPU in
    float32, float64, bfloat16 or float16, and are changed in place without copies; states have the type of their
    parameter, or that of `state`, "float32" for instance. A rule that takes its gradient elsewhere than at the
    parameters needs a closure, which is called with the parameters moved there. Raises UserError for an average, and
    when the optimizer is made or stepped, for tensors it cannot step, before any is changed.
    """
    return _optimizer(as_rule(rule), None if state is None else storage_of(state).state)


class RuleOptimizer(torch.optim.Optimizer):  # type: ignore[misc]
    """What every class that `optimizer` makes has in common."""

    rule: ClassVar[Rule]
    buffers: ClassVar[tuple[str, ...]]
    kept: ClassVar[str | None]  # the type of states, where it is not that of their parameter
    kernels: ClassVar[dict[str, Kernel]]  # by type, as they are needed

    def __init__(self, params: Any, **hyperparameters: Any) -> None:
        known = self.rule.hyperparameter_names
        if hyperparameters.keys() - {*known}:
            raise diagnose.unknown_hyperparameter(self.rule.name, hyperparameters.keys() - {*known}, known)
        defaults = {h.name: torch.optim.optimizer.required if h.default is None else float(h.default)
                    for h in self.rule.hyperparameters}  # fmt: skip
        super().__init__(params, {**defaults, **hyperparameters})

    def __reduce__(self) -> tuple[Any, ...]:
        return _remade, (self.rule, self.kept), self.__getstate__()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over a state that was saved; what is kept in a type of its own PyTorch alone would round to another."""
        super().load_state_dict(state_dict)
        if self.kept is None:
            return
        places = [place for group in state_dict["param_groups"] for place in group["params"]]
        parameters = [parameter for group in self.param_groups for parameter in group["params"]]
        for place, parameter in zip(places, parameters, strict=True):
            for name, value in state_dict["state"].get(place, {}).items():
                if name in self.buffers:
                    self.state[parameter][name] = value.detach().to(getattr(torch, self.kept), copy=True)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group of parameters with hyperparameters of its own; refused where one is outside its domain."""
        super().add_param_group(param_group)
        for h in self.rule.hyperparameters:
            diagnose.inside(self.rule.name, h, _number(h.name, self.param_groups[-1][h.name]))

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step of every parameter that has a gradient; the loss that `closure` returns, if one is given."""
        with torch.no_grad():
            if self.rule.query is None:
                loss = _called(closure)
            elif closure is None:
                raise UserError(f"{self.rule.name} takes its gradient elsewhere than at the parameters",
                                fix="give step a closure that computes the loss and its gradients")  # fmt: skip
            else:
                loss = self._asked(closure)
            for batch in [*self._batches()]:  # all are looked at before the first is stepped
                batch.step()
            return loss

    def _asked(self, closure: Callable[[], Any]) -> Any:
        """The closure at the points where the rule wants its gradients; the parameters are then as they were."""
        here = [(p, p.clone()) for group in self.param_groups for p in group["params"] if p.requires_grad]
        try:
            for batch in [*self._batches(asking=True)]:
                batch.query()
            return _called(closure)
        finally:
            for parameter, value in here:
                parameter.copy_(value)

    def _batches(self, *, asking: bool = False) -> Iterator[_Batch]:
        """The parameters to step, those together that have everything but their tensors in common."""
        for group in self.param_groups:
            settings = {name: _number(name, group[name]) for name in self.rule.hyperparameter_names}
            together: dict[tuple[str, int], list[_Tensors]] = defaultdict(list)
            for parameter in group["params"]:
                gradient = parameter.grad
                if gradient is None and not (asking and parameter.requires_grad):
                    continue
                dtype = _refuse(parameter, gradient, self.rule)
                state = self.state[parameter]
                if not state:
                    state |= {COUNT: 0, **_begun(self._kernel(dtype), parameter, settings)}
                together[dtype, state[COUNT]].append((parameter, gradient, state))
            for (dtype, steps), tensors in together.items():
                yield _Batch(self._kernel(dtype), self.buffers, steps + 1, settings, tensors)

    def _kernel(self, dtype: str) -> Kernel:
        if dtype not in self.kernels:
            self.kernels[dtype] = compile(self.rule, dtype, state=self.kept)
        return self.kernels[dtype]


@dataclass(frozen=True)
class _Batch:
    """Parameters that make the same step: each with its gradient and its state."""

    kernel: Kernel
    buffers: tuple[str, ...]
    t: int
    settings: Mapping[str, float]
    tensors: list[_Tensors]

    def step(self) -> None:
        """All of them in one call of the kernel."""
        kept = getattr(torch, self.kernel.storage.state)
        laid = [_laid(tensors, self.buffers, kept) for tensors in self.tensors]
        addresses = [[tensor.data_ptr() for tensor in row] for row in zip(*laid, strict=True)]
        self.kernel.step_addresses(addresses, [row[0].numel() for row in laid], self.t, **self.settings)
        for _, _, state in self.tensors:
            state[COUNT] = self.t

    def query(self) -> None:
        """Every parameter moved to where its gradient is wanted."""
        for parameter, _, state in self.tensors:
            order = _order(parameter)
            theta = _array(parameter, order)
            buffers = {name: _array(state[name], order) for name in self.buffers}
            self.kernel.query(theta.copy(), buffers, theta, self.t, **self.settings)


def _laid(tensors: _Tensors, names: tuple[str, ...], kept: Any) -> list[Any]:
    """Parameter, gradient and buffers as they lie in memory, the gradient copied where it lies otherwise.

    Raises UserError for a buffer that does not lie as its parameter does, or is not `kept` in the kernel's type.
    """
    theta, gradient, state = tensors
    dtype, size = theta.dtype, theta.numel()
    if gradient.dtype is not dtype:
        gradient = gradient.to(dtype)
    laid = [theta, gradient, *[state[name] for name in names]]
    order = _order(theta)
    if order is not None:
        laid = [tensor.permute(order) for tensor in laid]
    laid[1] = laid[1].contiguous()
    for place, buffer in enumerate(laid[2:]):
        if buffer.dtype is not kept or buffer.numel() != size or not buffer.is_contiguous() or not buffer.is_cpu:
            raise UserError(f"the state {names[place]!r} of {_said(theta)} is not a tensor that lies as it does",
                            fix="load a state_dict that fits, or let the optimizer make the state")  # fmt: skip
    return laid


def _remade(rule: Rule, kept: str | None = None) -> RuleOptimizer:
    made = _optimizer(rule, kept)
    return made.__new__(made)


def _called(closure: Callable[[], Any] | None) -> Any:
    if closure is None:
        return None
    with torch.enable_grad():
        return closure()


def _number(name: str, value: Any) -> float:
    return value if type(value) is float else diagnose.real(name, value)


def _said(parameter: Any) -> str:
    return f"a parameter of shape {tuple(parameter.shape)}"


def _refuse(parameter: Any, gradient: Any, rule: Rule) -> str:
    """The name of the parameter's type; UserError for a tensor, or gradient, that a kernel cannot step."""
    for tensor, of in ((parameter, ""), (gradient, "the gradient of ")):
        if tensor is None:
            continue
        if tensor.layout is not torch.strided:
            raise UserError(
                f"{of}{_said(parameter)} is sparse", where=rule.name, fix="use dense gradients (sparse=False)"
            )
        if not tensor.is_cpu:
            what = f"{of}{_said(parameter)} is on {tensor.device}, and kernels step tensors on the CPU"
            raise UserError(what, where=rule.name, fix="move the model to the CPU, or use an optimizer of PyTorch's")
    if parameter.dtype not in KNOWN:
        what = f"{_said(parameter)} is {str(parameter.dtype).removeprefix('torch.')}"
        raise UserError(what, where=rule.name, fix=f"use {', '.join(DTYPES[:-1])} or {DTYPES[-1]}")
    return KNOWN[parameter.dtype]


def _order(parameter: Any) -> tuple[int, ...] | None:
    """The order of the dimensions in memory, where it is another than theirs; channels come last in some images."""
    if parameter.is_contiguous():
        return None
    order = tuple(sorted(range(parameter.dim()), key=lambda d: -parameter.stride(d)))
    if not parameter.permute(order).is_contiguous():
        raise UserError(f"{_said(parameter)} has gaps in memory, or shares it with itself",
                        fix="make it a tensor of its own, by clone()")  # fmt: skip
    return order


def _array(tensor: Any, order: tuple[int, ...] | None) -> Array:
    """The tensor's memory as an array; a copy only where it is laid out otherwise than its parameter."""
    laid = tensor.detach() if order is None else tensor.detach().permute(order)
    laid = laid.contiguous()
    if laid.dtype is torch.bfloat16:  # which NumPy has only from ml_dtypes, and PyTorch does not know that
        import ml_dtypes

        bits: Array = laid.view(torch.int16).numpy()
        return bits.view(ml_dtypes.bfloat16)
    array: Array = laid.numpy()
    return array


def _tensor(array: Array) -> Any:
    """The array's memory as a tensor."""
    if array.dtype.name == "bfloat16":
        return torch.from_numpy(array.view("int16")).view(torch.bfloat16)
    return torch.from_numpy(array)


def _begun(kernel: Kernel, parameter: Any, settings: Mapping[str, float]) -> dict[str, Any]:
    """The state before the first step, laid out like the parameter."""
    order = _order(parameter)
    back = None if order is None else [order.index(d) for d in range(len(order))]
    made = kernel.init(_array(parameter, order), **settings)
    tensors = {name: _tensor(array) for name, array in made.items()}
    return tensors if back is None else {name: tensor.permute(back) for name, tensor in tensors.items()}
