"""Any update rule as a `torch.optim.Optimizer`, stepped by its compiled kernel in the tensors' own memory.

from kernels.torch import optimizer

Adamw = optimizer("adamw")
optim = Adamw(model.parameters(), lr=1e-3, weight_decay=0.01)
...
optim.step()
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from inspect import Parameter, Signature
from operator import attrgetter, itemgetter
from typing import Any, ClassVar

import numpy as np

from derive.errors import UserError
from derive.library.lookup import as_rule
from derive.rule import Rule
from kernels.checks import refuse_unfit
from kernels.driver import compile
from kernels.running import diagnose
from kernels.running.kernel import Array, Kernel
from kernels.running.many import Batch, step_batches
from kernels.storage import storage_of

try:
    import torch
except ImportError as missing:
    raise UserError("torch is not installed", fix="install derive-kernels[frameworks]") from missing

from kernels.tensors import (
    KNOWN,
    Rows,
    Tensors,
    addresses,
    are_plain,
    array_of,
    lay,
    order_of,
    refuse,
    sizes,
    tensor_of,
)

_GRADIENT = attrgetter("grad")
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
    parameters needs a closure, which is called with the parameters moved there. A norm over all tensors is that of
    every parameter that has a gradient in the step, in all groups. Raises UserError for an average, and when the
    optimizer is made or stepped, for tensors it cannot step, before any is changed.
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
            batches = [batch for place in range(len(self.param_groups)) for batch in self._batches(place)]
            # All have been looked at before the first is stepped.
            step_batches([batch.work for batch in batches], lambda number: batches[number].count())
            return loss

    def _asked(self, closure: Callable[[], Any]) -> Any:
        """The closure at the points where the rule wants its gradients; the parameters are then as they were."""
        here = [(p, p.clone()) for group in self.param_groups for p in group["params"] if p.requires_grad]
        try:
            groups = [together for group in self.param_groups for together in self._together(group, asking=True)]
            for together in groups:
                together.query()
            return _called(closure)
        finally:
            for parameter, value in here:
                parameter.copy_(value)

    @cached_property
    def _known(self) -> dict[int, Rows | None]:
        """For each group, by its place, what its tensors were when each was last looked at."""
        return {}

    def _batches(self, place: int) -> Sequence[_Batch]:
        """The parameters of a group to step."""
        batch = self._batch_as_known(place)
        if batch is not None:
            return [batch]
        found = [together.batch() for together in self._together(self.param_groups[place])]
        self._known[place] = found[0].rows if len(found) == 1 else None
        return found

    def _batch_as_known(self, place: int) -> _Batch | None:
        """The parameters of a group, where they and their states are as they were when each was looked at, where their
        gradients have no gaps, and all have made as many steps."""
        known, group = self._known.get(place), self.param_groups[place]
        parameters, gradients = group["params"], [*map(_GRADIENT, group["params"])]
        if type(None) in {*map(type, gradients)}:
            parameters = [p for p, g in zip(parameters, gradients, strict=True) if g is not None]
            gradients = [g for g in gradients if g is not None]
        if known is None or len(gradients) != known.columns:
            return None
        states = [self.state[parameter] for parameter in parameters]
        try:
            steps = {*map(itemgetter(COUNT), states)}
            buffers = [state[name] for name in self.buffers for state in states]
        except KeyError:  # of a parameter that has made no step
            return None
        elements, dtype = known.elements[: known.columns], parameters[0].dtype
        if len(steps) != 1 or not known.still([*parameters, *buffers]) or not are_plain(gradients, dtype, elements):
            return None
        settings, kernel = self._settings(group), self._kernel(KNOWN[dtype])
        return _Batch(kernel, steps.pop() + 1, settings, states, known.table(gradients), elements, gradients, known)

    def _settings(self, group: Mapping[str, Any]) -> dict[str, float]:
        return {name: _number(name, group[name]) for name in self.rule.hyperparameter_names}

    def _together(self, group: Mapping[str, Any], *, asking: bool = False) -> Iterator[_Together]:
        """The parameters of a group, each looked at, those together that have all but their tensors in common."""
        settings = self._settings(group)
        together: dict[tuple[str, int], list[Tensors]] = defaultdict(list)
        for parameter in group["params"]:
            gradient = parameter.grad
            if gradient is None and not (asking and parameter.requires_grad):
                continue
            dtype = refuse(parameter, gradient, self.rule)
            state = self.state[parameter]
            if not state:
                state |= {COUNT: 0, **_begun(self._kernel(dtype), parameter, settings)}
            together[dtype, state[COUNT]].append((parameter, gradient, state))
        for (dtype, steps), tensors in together.items():
            yield _Together(self._kernel(dtype), self.buffers, steps + 1, settings, tensors)

    def _kernel(self, dtype: str) -> Kernel:
        if dtype not in self.kernels:
            self.kernels[dtype] = compile(self.rule, dtype, state=self.kept)
        return self.kernels[dtype]


@dataclass(frozen=True)
class _Batch:
    """Parameters that make the same step, as the kernel takes them; `held` is to live until it is made."""

    kernel: Kernel
    t: int
    settings: Mapping[str, float]
    states: Sequence[dict[str, Any]]
    addresses: Array
    elements: Array
    held: Any
    rows: Rows | None  # where none of them, nor a state, is laid out otherwise than in order

    @property
    def work(self) -> Batch:
        return self.kernel.batch(self.addresses, self.elements, self.t, self.settings)

    def count(self) -> None:
        """The step is made."""
        for state in self.states:
            state[COUNT] = self.t


@dataclass(frozen=True)
class _Together:
    """Parameters that make the same step: each with its gradient and its state."""

    kernel: Kernel
    buffers: tuple[str, ...]
    t: int
    settings: Mapping[str, float]
    tensors: list[Tensors]

    def batch(self) -> _Batch:
        """All of them for one call of the kernel."""
        kept = getattr(torch, self.kernel.storage.state)
        laid = [lay(tensors, self.buffers, kept) for tensors in self.tensors]
        rows = [list(row) for row in zip(*laid, strict=True)]
        table, elements = np.stack([addresses(row) for row in rows]), sizes(rows[0])
        states = [state for _, _, state in self.tensors]
        plain = all(a is parameter for a, (parameter, _, _) in zip(rows[0], self.tensors, strict=True))
        known = Rows.of([rows[0], *rows[2:]]) if plain else None
        return _Batch(self.kernel, self.t, self.settings, states, table, elements, rows, known)

    def query(self) -> None:
        """Every parameter moved to where its gradient is wanted."""
        for parameter, _, state in self.tensors:
            order = order_of(parameter)
            theta = array_of(parameter, order)
            buffers = {name: array_of(state[name], order) for name in self.buffers}
            self.kernel.query(theta.copy(), buffers, theta, self.t, **self.settings)


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


def _begun(kernel: Kernel, parameter: Any, settings: Mapping[str, float]) -> dict[str, Any]:
    """The state before the first step, laid out like the parameter."""
    order = order_of(parameter)
    back = None if order is None else [order.index(d) for d in range(len(order))]
    made = kernel.init(array_of(parameter, order), **settings)
    tensors = {name: tensor_of(array) for name, array in made.items()}
    return tensors if back is None else {name: tensor.permute(back) for name, tensor in tensors.items()}
