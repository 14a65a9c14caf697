"""Any update rule as an `optax.GradientTransformation`, written from the rule's Program in JAX operations.

    from kernels.optax import transformation

    optimizer = transformation("adamw", lr=1e-3, wd=0.01)
    state = optimizer.init(params)
    updates, state = optimizer.update(grads, state, params)
    params = optax.apply_updates(params, updates)

The Program is the one a compiled kernel is emitted from, proved equal to the rule. It runs under `jit`, `vmap` and
sharding like any JAX code; its bits are those of XLA, which may contract and reorder.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from inspect import Parameter, Signature
from typing import Any, NamedTuple

import numpy as np

from derive.errors import UserError
from derive.expr import Apply, Expr, Number, Symbol, fold
from derive.library.lookup import as_rule
from derive.ops import OPS
from derive.rule import Rule
from kernels.certify import certify
from kernels.checks import refuse_unfit
from kernels.driver import not_proved
from kernels.norms import measured
from kernels.pipeline import programs
from kernels.program import Program
from kernels.running import diagnose

try:
    import jax
    import jax.numpy as jnp
    import optax
except ImportError as missing:
    raise UserError(f"{missing.name} is not installed", fix="install derive-kernels[frameworks]") from missing

THETA, G = Symbol("theta"), "g"


class State(NamedTuple):
    """The steps made, and for each state of the rule a tree like the parameters."""

    count: Any
    buffers: dict[str, Any]


def transformation(rule: Rule | str | Callable[..., object], **hyperparameters: Any) -> optax.GradientTransformation:
    """The rule as a gradient transformation, to be used with `optax.apply_updates`.

    A norm over all tensors is that of all leaves of the tree.

    `rule` is a Rule, a name of the library, "PATH::NAME" or a function, which is read and never called. Hyperparameters
    left out have their defaults; one may be a number, a JAX scalar, or a schedule: a function of the steps made so far,
    from 0 on. Numbers are checked against their domains. Parameters in float16 and bfloat16 are computed with, and
    their states kept, in float32. Raises UserError for an average, a rule that takes its gradient elsewhere than at the
    parameters, a hyperparameter that is missing, unknown or outside its domain, and where the program could not be
    proved equal to the rule.
    """
    found = as_rule(rule)
    _refuse(found)
    settings = _settings(found, hyperparameters)

    def init(params: Any) -> State:
        return State(jnp.zeros((), jnp.int32), {
            state.name: jax.tree.map(lambda leaf, e=state.initial: _initial(e, leaf, settings), params)
            for state in found.states
        })  # fmt: skip

    def update(updates: Any, state: State, params: Any = None) -> tuple[Any, State]:
        if params is None:
            raise UserError(f"{found.name} needs the parameters", fix="call update(grads, state, params)")
        scalars = {n: v(state.count) if callable(v) else v for n, v in settings.items()}
        scalars["t"] = state.count + 1
        thetas = jax.tree.leaves(params)
        tree: Any = jax.tree.structure(params)
        columns = {"theta": thetas, G: tree.flatten_up_to(updates)}
        columns |= {name: tree.flatten_up_to(buffer) for name, buffer in state.buffers.items()}
        leaves = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        norms = _norms(found, leaves, scalars)
        stepped = [_step(found, leaf, {**scalars, **known}) for leaf, known in zip(leaves, norms, strict=True)]
        moved = tree.unflatten([after["theta"] for after in stepped])
        kept = {name: tree.unflatten([after[name] for after in stepped]) for name in state.buffers}
        return moved, State(optax.safe_increment(state.count), kept)

    return optax.GradientTransformation(init, update)


def factory(rule: Rule | str | Callable[..., object]) -> Callable[..., optax.GradientTransformation]:
    """A function of the rule's hyperparameters that makes its transformation: what `optax.inject_hyperparams` takes."""
    found = as_rule(rule)

    def make(**hyperparameters: Any) -> optax.GradientTransformation:
        return transformation(found, **hyperparameters)

    given = {name: float(value) for name, value in found.defaults.items()}
    words = [Parameter(name, Parameter.KEYWORD_ONLY, default=given.get(name, Parameter.empty))
             for name in found.hyperparameter_names]  # fmt: skip
    make.__signature__ = Signature(words)  # type: ignore[attr-defined]
    return make


def _refuse(rule: Rule) -> None:
    if rule.is_average:
        raise UserError(f"{rule.name} is an average: it moves no parameter", fix="take an update rule")
    if rule.query is not None:
        raise UserError(
            f"{rule.name} takes its gradient elsewhere than at theta, and optax gives it there",
            where=rule.where,
            fix="write it in the point where the gradient is taken, as nesterov_torch is",
        )
    refuse_unfit(rule)


def _settings(rule: Rule, given: Mapping[str, Any]) -> dict[str, Any]:
    known = {h.name: h for h in rule.hyperparameters}
    if given.keys() - known.keys():
        raise diagnose.unknown_hyperparameter(rule.name, given.keys() - known.keys(), tuple(known))
    settings = {**{n: float(v) for n, v in rule.defaults.items()}, **given}
    for name, hyperparameter in known.items():
        if name not in settings:
            raise UserError(f"{rule.name} needs {name}", fix=f"give {name}=...")
        if isinstance(settings[name], int | float):
            settings[name] = float(settings[name])
            diagnose.inside(rule.name, hyperparameter, settings[name])
    return settings


def _element(leaf: Any) -> str:
    """The type that a leaf is computed in."""
    return "float64" if leaf.dtype == jnp.float64 else "float32"


def _initial(initial: Expr, leaf: Any, settings: Mapping[str, Any]) -> Any:
    element = _element(leaf)
    if initial is THETA:
        return jnp.asarray(leaf, element)
    value = float(initial.value) if isinstance(initial, Number) else settings[str(initial)]
    if callable(value):
        raise UserError(f"a state begins with {initial}, which is a schedule", fix=f"give {initial} as a number")
    return jnp.full_like(leaf, value, dtype=element)


@lru_cache(maxsize=64)
def _proved(rule: Rule, dtype: str) -> Mapping[str, Program]:
    """The rule's programs: what its norms are taken of, and its step."""
    certificate, sources = certify(rule, dtype)
    if not certificate.proved:
        raise not_proved(rule, certificate)
    return {part: programs(rule, dtype, part).final for part in sources}


def _norms(rule: Rule, leaves: Sequence[Mapping[str, Any]], scalars: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The norms of each leaf, by the names that the step has for them; those of all leaves are the same for each."""
    squares = [_squares(rule, leaf, scalars) for leaf in leaves]
    whole = {name: sum(each[name] for each in squares) for name in measured(rule).over_all if squares}
    return [
        {name: jnp.asarray(jnp.sqrt(total), _element(leaf["theta"])) for name, total in {**each, **whole}.items()}
        for leaf, each in zip(leaves, squares, strict=True)
    ]


def _squares(rule: Rule, leaf: Mapping[str, Any], scalars: Mapping[str, Any]) -> dict[str, Any]:
    """The sums of squares that a leaf brings to the norms."""
    element = _element(leaf["theta"])
    program = _proved(rule, element).get("norms")
    if program is None:
        return {}
    known = {**{name: jnp.asarray(value, element) for name, value in leaf.items()}, **scalars}
    values = _evaluated(program, known, element)
    return {name: jnp.sum(jnp.square(values[local])) for name, local in program.stores}


def _step(rule: Rule, leaf: Mapping[str, Any], scalars: Mapping[str, Any]) -> dict[str, Any]:
    """The states after the step, and by how much theta moves under its name; the norms are among the scalars."""
    element = _element(leaf["theta"])
    made = _proved(rule, element)
    arrays = {name: jnp.asarray(value, element) for name, value in leaf.items()}
    values = _evaluated(made["step"], {**arrays, **scalars}, element)
    after = {name: jnp.broadcast_to(values[local], arrays[name].shape) for name, local in made["step"].stores}
    last = {line.target: line.value for line in made["step"].body}
    local = dict(made["step"].stores)["theta"]
    change = moved(last[local]) if local in last else None
    step = after["theta"] - arrays["theta"] if change is None else _value(change, values, element)
    moves = jnp.asarray(jnp.broadcast_to(step, arrays["theta"].shape), leaf["theta"].dtype)
    return {**{name: arrays[name] for name in rule.state_names}, **after, "theta": moves}


def moved(value: Expr) -> Expr | None:
    """How far theta moves, where the value is theta with terms added and subtracted; adding it to theta rounds once."""
    if not isinstance(value, Apply) or value.op not in ("add", "sub"):
        return None
    first, second = value.args
    rest = second if value.op == "add" else -second
    if first is THETA:
        return rest
    before = moved(first)
    return None if before is None else before + rest


def _evaluated(program: Program, known: Mapping[str, Any], element: str) -> dict[str, Any]:
    """Every name's value."""
    values = dict(known)
    for line in (*program.prelude, *program.body):
        values[line.target] = _value(line.value, values, element)
    return values


def _value(value: Expr, values: Mapping[str, Any], element: str) -> Any:
    """An expression in JAX; what no traced value stands in is computed in float64, when it is traced."""

    def operate(node: Apply, args: tuple[Any, ...]) -> Any:
        if node.op == "cast":
            return jnp.asarray(args[0], element)
        traced = any(isinstance(a, jax.Array) for a in args)
        if node.op == "pow" and traced:
            return jnp.power(jnp.asarray(args[0], float), args[1])
        return getattr(jnp if traced else np, OPS[node.op].numpy)(*args)

    return fold([value], symbol=lambda s: values[s.name], number=lambda n: float(n.value), apply=operate)[0]
