"""Any update rule as a `torch.optim.Optimizer`, stepped by its compiled kernel in the tensors' own memory.

from kernels.torch import optimizer

Adamw = optimizer("adamw")
optim = Adamw(model.parameters(), lr=1e-3, weight_decay=0.01)
...
optim.step()
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from inspect import Parameter, Signature
from typing import Any, ClassVar

from derive.errors import UserError
from derive.library.lookup import as_rule
from derive.rule import Rule
from kernels.checks import refuse_unfit
from kernels.driver import DTYPES, compile
from kernels.running import diagnose
from kernels.running.kernel import Array, Kernel

try:
    import torch
except ImportError as missing:
    raise UserError("torch is not installed", fix="install derive-kernels[frameworks]") from missing

COUNT = "t"  # where the state of a parameter keeps the number of its steps; no state of a rule has that name


@lru_cache(maxsize=64)
def _optimizer(rule: Rule) -> type[RuleOptimizer]:
    if rule.is_average:
        raise UserError(f"{rule.name} is an average: it moves no parameter", fix="take an update rule")
    refuse_unfit(rule)
    name = "".join(word.capitalize() for word in rule.name.split("_"))
    known = {h.name: Parameter(h.name, Parameter.KEYWORD_ONLY, default=Parameter.empty if h.default is None
                               else float(h.default)) for h in rule.hyperparameters}  # fmt: skip
    params = Parameter("params", Parameter.POSITIONAL_OR_KEYWORD)
    said = f"{rule.name}, stepped by its compiled kernel. {rule.reference}".strip()
    made = {"rule": rule, "__doc__": said, "__module__": __name__,
            "__signature__": Signature([params, *known.values()])}  # fmt: skip
    return type(name, (RuleOptimizer,), made)


def optimizer(rule: Rule | str | Callable[..., object]) -> type[RuleOptimizer]:
    """The class of optimizers that step by this rule.

    `rule` is a Rule, a name of the library, "PATH::NAME" or a function, which is read and never called. The class takes
    parameters or groups of them and the rule's hyperparameters by name, each with its default; every group may have
    values of its own. Its instances are optimizers like PyTorch's: closures, learning-rate schedulers (of a
    hyperparameter called `lr`), hooks, `state_dict` and `load_state_dict`. Parameters are dense tensors on the CPU in
    float32 or float64, and are changed in place without copies. A rule that takes its gradient elsewhere than at the
    parameters needs a closure, which is called with the parameters moved there. Raises UserError for an average, and
    when the optimizer is made or stepped, for tensors it cannot step, before any is changed.
    """
    return _optimizer(as_rule(rule))


class RuleOptimizer(torch.optim.Optimizer):  # type: ignore[misc]
    """What every class that `optimizer` makes has in common."""

    rule: ClassVar[Rule]

    def __init__(self, params: Any, **hyperparameters: Any) -> None:
        known = self.rule.hyperparameter_names
        if hyperparameters.keys() - {*known}:
            raise diagnose.unknown_hyperparameter(self.rule.name, hyperparameters.keys() - {*known}, known)
        defaults = {h.name: torch.optim.optimizer.required if h.default is None else float(h.default)
                    for h in self.rule.hyperparameters}  # fmt: skip
        super().__init__(params, {**defaults, **hyperparameters})

    def __reduce__(self) -> tuple[Any, ...]:
        return _remade, (self.rule,), self.__getstate__()

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
            for batch in list(self._batches()):
                batch.step()
            return loss

    def _asked(self, closure: Callable[[], Any]) -> Any:
        """The closure at the points where the rule wants its gradients; the parameters are then as they were."""
        here = [(p, p.clone()) for group in self.param_groups for p in group["params"] if p.requires_grad]
        try:
            for batch in list(self._batches(asking=True)):
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
                if parameter.grad is None and not (asking and parameter.requires_grad):
                    continue
                dtype = _refuse(parameter, self.rule)
                state = self.state[parameter]
                if not state:
                    state |= {COUNT: 0, **_begun(compile(self.rule, dtype), parameter, settings)}
                together[dtype, state[COUNT]].append(_Tensors(parameter, state))
            for (dtype, steps), tensors in together.items():
                yield _Batch(compile(self.rule, dtype), steps + 1, settings, tensors)


@dataclass(frozen=True)
class _Tensors:
    """A parameter and its state."""

    parameter: Any
    state: dict[str, Any]

    def arrays(self, names: Iterable[str]) -> tuple[Array, dict[str, Array]]:
        """theta and the buffers of the state in their own memory."""
        order = _order(self.parameter)
        return _array(self.parameter, order), {name: _array(self.state[name], order) for name in names}


@dataclass(frozen=True)
class _Batch:
    """Parameters that make the same step."""

    kernel: Kernel
    t: int
    settings: Mapping[str, float]
    tensors: list[_Tensors]

    def step(self) -> None:
        for tensors in self.tensors:
            theta, state = tensors.arrays(self.kernel.rule.state_names)
            gradient = _array(tensors.parameter.grad.to(tensors.parameter.dtype), _order(tensors.parameter))
            self.kernel.step(theta, gradient, state, self.t, **self.settings)
            tensors.state[COUNT] = self.t

    def query(self) -> None:
        for tensors in self.tensors:
            theta, state = tensors.arrays(self.kernel.rule.state_names)
            self.kernel.query(theta.copy(), state, theta, self.t, **self.settings)


def _remade(rule: Rule) -> RuleOptimizer:
    made = _optimizer(rule)
    return made.__new__(made)


def _called(closure: Callable[[], Any] | None) -> Any:
    if closure is None:
        return None
    with torch.enable_grad():
        return closure()


def _number(name: str, value: Any) -> float:
    return value if type(value) is float else diagnose.real(name, value)


def _refuse(parameter: Any, rule: Rule) -> str:
    """The name of the parameter's type; UserError for a tensor, or gradient, that a kernel cannot step."""
    gradient = parameter.grad
    what = f"a parameter of shape {tuple(parameter.shape)}"
    for tensor, whose in ((parameter, what), (gradient, f"the gradient of {what}")):
        if tensor is None:
            continue
        if tensor.layout is not torch.strided:
            raise UserError(f"{whose} is sparse", where=rule.name, fix="use dense gradients (sparse=False)")
        if tensor.device.type != "cpu":
            fix = "move the model to the CPU, or use an optimizer of PyTorch's for it"
            raise UserError(
                f"{whose} is on {tensor.device}, and kernels step tensors on the CPU", where=rule.name, fix=fix
            )
    dtype = str(parameter.dtype).removeprefix("torch.")
    if dtype not in DTYPES:
        raise UserError(f"{what} is {dtype}", where=rule.name, fix=f"use {' or '.join(DTYPES)}")
    return dtype


def _order(parameter: Any) -> tuple[int, ...] | None:
    """The order of the dimensions in memory, where it is another than theirs; channels come last in some images."""
    if parameter.is_contiguous():
        return None
    order = tuple(sorted(range(parameter.dim()), key=lambda d: -parameter.stride(d)))
    if not parameter.permute(order).is_contiguous():
        raise UserError(f"a parameter of shape {tuple(parameter.shape)} has gaps in memory, or shares it with itself",
                        fix="make it a tensor of its own, by clone()")  # fmt: skip
    return order


def _array(tensor: Any, order: tuple[int, ...] | None) -> Array:
    """The tensor's memory as an array; a copy only where it is laid out otherwise than its parameter."""
    laid = tensor.detach() if order is None else tensor.detach().permute(order)
    array: Array = laid.contiguous().numpy()
    return array


def _begun(kernel: Kernel, parameter: Any, settings: Mapping[str, float]) -> dict[str, Any]:
    """The state before the first step, laid out like the parameter."""
    order = _order(parameter)
    back = None if order is None else [order.index(d) for d in range(len(order))]
    made = kernel.init(_array(parameter, order), **settings)
    tensors = {name: torch.from_numpy(array) for name, array in made.items()}
    return tensors if back is None else {name: tensor.permute(back) for name, tensor in tensors.items()}
