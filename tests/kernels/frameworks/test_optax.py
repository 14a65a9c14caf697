"""Rules as optax transformations: they step as the kernels do, under jit, vmap and sharding."""

from __future__ import annotations

from collections.abc import Callable
from textwrap import dedent
from typing import Any

import numpy as np
import pytest

from derive import compose
from derive.composing import clip_by_norm
from derive.errors import UserError
from derive.library import LIBRARY
from derive.reading.read import read_text
from derive.rule import Rule
from kernels import compile
from tests.sample import sampled

jax = pytest.importorskip("jax")
optax = pytest.importorskip("optax")
jnp = jax.numpy

from kernels.optax import factory, moved, transformation  # noqa: E402

STEPS = 12
FITTING = tuple(rule for rule in LIBRARY if not rule.is_average and rule.query is None)


def gradients(seed: int, *shape: int) -> list[Any]:
    random = np.random.default_rng(seed)
    return [random.standard_normal(shape).astype(np.float32) for _ in range(STEPS)]


def descended(optimizer: Any, params: Any, steps: list[Any], update: Any = None) -> Any:
    """The parameters after the steps, by a jitted update."""
    state, update = optimizer.init(params), update or jax.jit(optimizer.update)
    for given in steps:
        changes, state = update(given, state, params)
        params = optax.apply_updates(params, changes)
    return params


@pytest.mark.parametrize("rule", sampled(FITTING), ids=lambda rule: rule.name)
def test_it_follows_the_kernel(rule: Rule) -> None:
    given = gradients(3, 2, 5)
    start = np.linspace(-1, 1, 10, dtype=np.float32).reshape(2, 5)
    kernel, theta = compile(rule), start.copy()
    state = kernel.init(theta)
    for t, gradient in enumerate(given, start=1):
        kernel.step(theta, gradient, state, t)
    found = descended(transformation(rule), {"w": jnp.asarray(start)}, [{"w": g} for g in given])
    assert np.allclose(found["w"], theta, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize(
    ("rule", "theirs", "ours"),
    [
        ("adam", lambda: optax.adam(1e-2), {"lr": 1e-2}),
        ("adamw", lambda: optax.adamw(1e-2, weight_decay=0.1), {"lr": 1e-2, "weight_decay": 0.1}),
        ("lion", lambda: optax.lion(1e-3, b1=0.9, b2=0.99, weight_decay=0.0), {"lr": 1e-3, "weight_decay": 0.0}),
        ("rmsprop_eps_inside", lambda: optax.rmsprop(1e-2, decay=0.9), {"lr": 1e-2, "beta": 0.9, "eps": 1e-8}),
    ],
)
def test_it_follows_what_optax_has(rule: str, theirs: Callable[[], Any], ours: dict[str, float]) -> None:
    params, given = jnp.ones(6), [jnp.asarray(g) for g in gradients(5, 6)]
    found = descended(transformation(rule, **ours), params, given)
    assert np.allclose(found, descended(theirs(), params, given), rtol=1e-5, atol=1e-6)


def test_a_norm_over_all_is_that_of_the_tree() -> None:
    params = {"w": jnp.ones((2, 3)), "deep": [jnp.ones(4), jnp.asarray(0.5)]}
    random = np.random.default_rng(9)
    given = [jax.tree.map(lambda p: jnp.asarray(random.standard_normal(p.shape), p.dtype), params)
             for _ in range(STEPS)]  # fmt: skip
    ours = transformation(compose(clip_by_norm(0.5), "gradient_descent"), lr=0.1)
    theirs = optax.chain(optax.clip_by_global_norm(0.5), optax.sgd(0.1))
    found, expected = (jax.tree.leaves(descended(each, params, given)) for each in (ours, theirs))
    assert all(np.allclose(a, b, rtol=1e-5, atol=1e-6) for a, b in zip(found, expected, strict=True))
    alone = descended(ours, params["w"], [each["w"] for each in given])
    assert not np.allclose(found[-1], alone, rtol=1e-3)


def test_a_schedule_and_injected_hyperparameters() -> None:
    params, given = jnp.ones(4), [jnp.asarray(g) for g in gradients(7, 4)]
    schedule = optax.linear_schedule(0.1, 0.0, STEPS)
    ours = descended(transformation("gradient_descent", lr=schedule), params, given)
    assert np.allclose(ours, descended(optax.sgd(schedule), params, given), rtol=1e-6)
    injected = optax.inject_hyperparams(factory("gradient_descent"))(lr=0.5)
    assert np.allclose(descended(injected, params, given[:1]), params - 0.5 * given[0], rtol=1e-6)


def test_under_vmap_every_run_is_its_own() -> None:
    optimizer = transformation("adam", lr=0.1)
    starts, given = jnp.asarray(gradients(1, 3)[:4]), jnp.asarray(gradients(2, 3)[:4])
    states = jax.vmap(optimizer.init)(starts)
    together, _ = jax.jit(jax.vmap(optimizer.update))(given, states, starts)
    for k in range(4):
        alone, _ = optimizer.update(given[k], optimizer.init(starts[k]), starts[k])
        assert np.allclose(together[k], alone, rtol=1e-6)


def test_sharded_parameters_stay_sharded() -> None:
    mesh = jax.sharding.Mesh(np.array(jax.devices()), ("data",))
    spread = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("data"))
    params = jax.device_put(jnp.ones(8 * len(jax.devices())), spread)
    found = descended(transformation("adam"), params, [params] * 2)
    assert found.sharding.is_equivalent_to(spread, params.ndim)


def test_chains_masks_and_halves() -> None:
    params = {"a": jnp.ones(3, jnp.bfloat16), "b": jnp.ones(2)}
    given = {"a": jnp.full(3, 9.0, jnp.bfloat16), "b": jnp.full(2, 9.0)}
    inner = optax.masked(transformation("momentum", lr=1.0), {"a": True, "b": False})
    optimizer = optax.chain(optax.clip(1.0), inner)
    changes, state = optimizer.update(given, optimizer.init(params), params)
    assert changes["a"].dtype == jnp.bfloat16
    assert np.all(np.asarray(changes["a"], float) == -1)
    assert np.all(np.asarray(changes["b"]) == 1)  # not masked in: only clipped
    assert jax.tree.leaves(state)[-1].dtype == jnp.float32


def test_a_rule_that_a_user_wrote() -> None:
    text = """
    def halving(theta, g, last=None, *, lr=positive(0.5)):
        if last is None: last = theta
        theta, last = (theta + last) / 2 - lr * g, theta
        return theta, last
    """
    optimizer = transformation(read_text(dedent(text), "halving"))
    params = jnp.asarray([1.0])
    changes, state = optimizer.update(jnp.asarray([0.5]), optimizer.init(params), params)
    assert float(changes[0]) == -0.25
    assert float(state.buffers["last"][0]) == 1.0


def test_theta_with_terms_added_is_not_subtracted_again() -> None:
    from derive.reading.python.expressions import read_expression

    assert str(moved(read_expression("theta - a*b + c", file="t"))) == "-(a * b) + c"
    assert moved(read_expression("theta * (1 - a)", file="t")) is None


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: transformation("ewma"), "is an average"),
        (lambda: transformation("nesterov"), "elsewhere than at theta"),
        (lambda: transformation("adam", beta=0.5), "no hyperparameter 'beta'"),
        (lambda: transformation("adam", beta1=1.0), "beta1"),
        (lambda: transformation("adam").update(jnp.ones(1), transformation("adam").init(jnp.ones(1))), "parameters"),
    ],
)
def test_what_is_refused(wrong: Callable[[], object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        wrong()
