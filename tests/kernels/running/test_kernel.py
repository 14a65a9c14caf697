"""The surface of a kernel: what it accepts, what it refuses in one line, and that it never does half a step."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from derive.errors import UserError
from derive.library.lookup import find_rule
from derive.rule import Rule
from kernels import compile
from kernels.checks import ENOUGH_FOR_THREADS
from kernels.running.kernel import Kernel
from tests.zoo import construct

Case = Callable[[Kernel, dict[str, Any]], None]


@pytest.fixture(scope="module")
def adam() -> Kernel:
    return compile("adam")


def given() -> dict[str, Any]:
    """Arguments that are right; the cases spoil one."""
    shape = (2, 3)
    theta, g = np.ones(shape, np.float32), np.full(shape, 0.5, np.float32)
    state = {"m": np.full(shape, 0.25, np.float32), "v": np.full(shape, 0.5, np.float32)}
    return {"theta": theta, "g": g, "state": state, "t": 1}


def read_only(a: Any) -> Any:
    a = a.copy()
    a.flags.writeable = False
    return a


REFUSALS: list[tuple[str, dict[str, Any] | Callable[[dict[str, Any]], dict[str, Any]], str]] = [
    ("float64 gradient", lambda a: {"g": a["g"].astype("f8")}, "g is float64, the kernel float32; use g.astype"),
    ("foreign byte order", lambda a: {"g": a["g"].astype(">f4")}, "g is >f4, the kernel float32"),
    ("whole numbers", lambda a: {"theta": np.ones((2, 3), int)}, "theta is int64, the kernel float32"),
    ("another shape", lambda a: {"g": a["g"][:1].copy()}, "g has shape (1, 3), theta (2, 3); give g the shape"),
    ("same size, other shape", lambda a: {"g": a["g"].reshape(3, 2)}, "g has shape (3, 2), theta (2, 3)"),
    ("same size, flat", lambda a: {"theta": a["theta"].reshape(-1)}, "g has shape (2, 3), theta (6,)"),
    ("transposed", lambda a: {"g": a["g"].T}, "g is not C-contiguous; use np.ascontiguousarray(g)"),
    (
        "transposed parameter",
        lambda a: {"theta": a["theta"].T},
        "theta is not C-contiguous; theta = np.ascontiguousarray(theta) before the step",
    ),
    ("float64 parameter", lambda a: {"theta": np.ones((2, 3))}, "theta = theta.astype(np.float32) before the step, or"),
    ("every other", lambda a: {"g": np.ones((2, 6), "f4")[:, ::2]}, "g is not C-contiguous"),
    (
        "read-only parameter",
        lambda a: {"theta": read_only(a["theta"])},
        "into it; theta = theta.copy() before the step",
    ),
    (
        "read-only state",
        lambda a: {"state": {**a["state"], "m": read_only(a["g"])}},
        'm is read-only, but the step stores into it; state["m"] = state["m"].copy() before the step',
    ),
    ("the gradient is the parameter", lambda a: {"g": a["theta"]}, "adam: theta and g share memory; use g.copy()"),
    (
        "aliased state",
        lambda a: {"state": {"m": a["state"]["v"], "v": a["state"]["v"]}},
        'm and v share memory; state["v"] = state["v"].copy() before the step',
    ),
    (
        "a list",
        lambda a: {"g": [1.0]},
        "g must be a plain NumPy array, not [1.0] (list); use np.asarray(g, np.float32)",
    ),
    (
        "a masked array",
        lambda a: {"theta": np.ma.masked_array(a["theta"])},
        "theta = np.asarray(theta, np.float32) before the step, keeping only its data",
    ),
    ("a matrix", lambda a: {"g": np.asmatrix(a["g"])}, "g must be a plain NumPy array, not matrix("),
    ("no t", {"t": None}, "adam counts its steps; give t=1, 2, ..."),
    ("no state", {"state": {}}, "state has no 'm'; make it with init(theta)"),
    ("state is None", {"state": None}, "state must be the dictionary that init(...) made"),
    ("t = 0", {"t": 0}, "adam: t must be at least 1; count the steps from 1"),
    ("t = 1.5", {"t": 1.5}, "t must be a whole number, not 1.5 (float)"),
    ("t = 2.0", {"t": 2.0}, "t must be a whole number, not 2.0 (float)"),
    ("t = True", {"t": True}, "t must be a whole number, not a truth value"),
    ("t too large", {"t": 2**70}, "t is beyond 2**63"),
    ("negative lr", {"lr": -1e-3}, "adam: lr must be a finite number in [0, ∞)"),
    ("infinite lr", {"lr": np.inf}, "lr must be a finite number"),
    ("NaN eps", {"eps": np.nan}, "eps must be a finite number in [0, ∞)"),
    ("beta = 1", {"beta1": 1}, "beta1 must be a finite number in [0, 1); give beta1 a value there; its default is 0.9"),
    ("text", {"lr": "0.1"}, "lr must be a finite number, not '0.1' (str)"),
    ("a truth value", {"lr": True}, "lr must be a finite number, not True (bool)"),
    ("an array", {"lr": np.ones(2)}, "lr must be a finite number"),
    ("an unknown name", {"beta_1": 0.9}, "adam has no hyperparameter 'beta_1'; did you mean beta1"),
]


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
@pytest.mark.parametrize(("name", "change", "message"), REFUSALS, ids=[r[0] for r in REFUSALS])
def test_bad_input_is_one_line_and_nothing_is_stored(adam: Kernel, name: str, change: Any, message: str) -> None:
    arguments = given()
    arguments |= change(arguments) if callable(change) else change
    theta, g, state = arguments.pop("theta"), arguments.pop("g"), arguments.pop("state")
    buffers = [a for a in (theta, g, *(state or {}).values()) if isinstance(a, np.ndarray)]
    before = [a.copy() for a in buffers]
    with pytest.raises(UserError) as refused:
        adam.step(theta, g, state, **arguments)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)
    assert all(np.array_equal(a, b) for a, b in zip(buffers, before, strict=True))


def test_a_step_is_in_place_and_the_same_in_every_shape(adam: Kernel) -> None:
    results = []
    for shape in [(6,), (2, 3), (1, 6, 1)]:
        a = given()
        arrays = [x.reshape(shape) for x in (a["theta"], a["g"], *a["state"].values())]
        adam.step(arrays[0], arrays[1], {"m": arrays[2], "v": arrays[3]}, t=3)
        results.append(arrays[0].reshape(-1))
    assert not np.array_equal(results[0], np.ones(6, np.float32))
    assert all(np.array_equal(r, results[0]) for r in results)


def test_scalars_and_empty_arrays(adam: Kernel) -> None:
    theta = np.array(1.0, np.float32)
    state = adam.init(theta)
    adam.step(theta, np.array(2.0, np.float32), state, t=1)
    assert theta == np.float32(1) - np.float32(1e-3)
    nothing = np.empty((0, 4), np.float32)
    adam.step(nothing, nothing.copy(), adam.init(nothing), t=1)


def test_neighbours_in_one_buffer_do_not_overlap(adam: Kernel) -> None:
    buffer = np.ones(12, np.float32)
    theta, g, m, v = (buffer[k : k + 3] for k in range(0, 12, 3))
    adam.step(theta, g, {"m": m, "v": v}, t=1)
    with pytest.raises(UserError, match="theta and g share memory"):
        adam.step(buffer[:3], buffer[2:5], {"m": buffer[6:9], "v": buffer[9:]}, t=1)


def test_a_read_only_gradient_is_welcome(adam: Kernel) -> None:
    a = given()
    adam.step(a["theta"], read_only(a["g"]), a["state"], t=1)


def test_whole_numbers_of_numpy_and_plain_ones_for_hyperparameters(adam: Kernel) -> None:
    a, b = given(), given()
    adam.step(a["theta"], a["g"], a["state"], t=np.int32(2), lr=1, eps=np.float32(0.5))  # type: ignore[arg-type]
    adam.step(b["theta"], b["g"], b["state"], t=2, lr=1.0, eps=0.5)
    assert np.array_equal(a["theta"], b["theta"])


def test_defaults_come_from_the_rule(adam: Kernel) -> None:
    a, b = given(), given()
    adam.step(a["theta"], a["g"], a["state"], t=1)
    adam.step(b["theta"], b["g"], b["state"], t=1, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8)
    assert np.array_equal(a["theta"], b["theta"])


def test_the_counter_is_needed_where_the_rule_counts() -> None:
    """A step at t = 1 by default would be a wrong Adam, and nobody would notice."""
    theta = np.ones(2)
    plain = compile("gradient_descent", "float64")
    plain.step(theta, np.ones(2), {}, lr=0.5)
    plain.step(theta, np.ones(2), {}, t=7, lr=0.5)
    assert np.array_equal(theta, [0, 0])
    with pytest.raises(UserError, match="t must be at least 1"):
        plain.step(theta, np.ones(2), {}, t=0)
    with pytest.raises(UserError, match=r"t must be a whole number, not 1\.5"):
        plain.step(theta, np.ones(2), {}, t=1.5)  # type: ignore[arg-type]
    average = compile("ewma_debiased", "float64")
    with pytest.raises(UserError, match=r"ewma_debiased counts its steps; give t=1, 2, \.\.\."):
        average.step(theta, np.empty(2), average.init(theta))
    kernel = compile(looking_ahead(), "float64")
    with pytest.raises(UserError, match="looking_ahead counts its steps"):
        kernel.query(theta, {}, np.empty(2))


def looking_ahead() -> Rule:
    from derive.reading.read import read_text

    text = "def looking_ahead(theta, g, t, *, lr=nonnegative(0.5)):\n"
    return read_text(text + "    g = grad(theta / t)\n    theta = theta - lr * g\n    return theta\n", "looking_ahead")


def test_an_average_writes_into_out() -> None:
    kernel = compile("ewma_debiased", "float64")
    x, out = np.array([1.0, 2.0]), np.empty(2)
    state = kernel.init(x)
    kernel.step(x, out, state, t=1)
    assert np.allclose(out, x)
    with pytest.raises(UserError, match="x and out share memory"):
        kernel.step(x, x, state, t=2)


def test_the_query_point_of_nesterov() -> None:
    kernel = compile("nesterov", "float64")
    theta, out = np.array([1.0, 2.0]), np.empty(2)
    state = {"v": np.array([0.5, -1.0])}
    kernel.query(theta, state, out, t=1, beta=0.5)
    assert np.array_equal(out, [0.75, 2.5])
    with pytest.raises(UserError, match="theta and out share memory"):
        kernel.query(theta, state, theta)
    with pytest.raises(UserError, match="adam takes its gradient at theta"):
        compile("adam").query(theta, state, out)


def test_the_initial_state_is_a_constant_a_hyperparameter_or_the_parameter() -> None:
    theta = np.array([[1.0, 2.0]])
    assert np.array_equal(compile("adam", "float64").init(theta)["m"], np.zeros((1, 2)))
    started = compile(construct("started"), "float64")
    assert np.array_equal(started.init(theta)["s"], [[0.1, 0.1]])
    assert np.array_equal(started.init(theta, s0=0.5)["s"], [[0.5, 0.5]])
    last = compile(construct("last_place"), "float64").init(theta)["previous"]
    assert np.array_equal(last, theta)
    assert not np.shares_memory(last, theta)
    with pytest.raises(UserError, match="theta is float32"):
        started.init(theta.astype(np.float32))
    with pytest.raises(UserError, match="started has no hyperparameter 's1'; it has s0, lr"):
        started.init(theta, s1=0.5)
    with pytest.raises(UserError, match=r"started: s0 must be a finite number in \(0, ∞\)"):
        started.init(theta, s0=0)
    with pytest.raises(UserError, match="lr must be a finite number in"):
        compile("adam", "float64").init(theta, lr=float("nan"))


def test_a_kernel_shows_itself(adam: Kernel) -> None:
    assert repr(adam) == str(adam) == "Kernel(adam, float32, proved)"
    shown = adam._repr_markdown_()
    assert shown.startswith("**adam**, float32, proved\n")
    assert str(adam.certificate) in shown
    assert adam.source in shown
    assert compile("nesterov")._repr_markdown_().count("```python\n") == 2


def test_a_hyperparameter_without_a_default_must_be_given() -> None:
    from derive.reading.read import read_text

    rule = read_text("def some(theta, g, *, lr=nonnegative()):\n    theta = theta - lr * g\n    return theta\n", "some")
    kernel = compile(rule, "float64")
    with pytest.raises(UserError, match=r"some needs lr; give lr=\.\.\. at the call"):
        kernel.step(np.ones(2), np.ones(2), {})
    theta = np.ones(2)
    kernel.step(theta, np.ones(2), {}, lr=0.5)
    assert np.array_equal(theta, [0.5, 0.5])


@pytest.mark.parametrize("name", ["adm", "momentm"])
def test_an_unknown_rule_names_the_nearest(name: str) -> None:
    with pytest.raises(UserError, match="did you mean"):
        compile(name)


def test_an_unknown_dtype() -> None:
    with pytest.raises(UserError, match="no kernels for dtype 'int8'; use float32, float64, bfloat16 or float16"):
        compile("adam", "int8")


def test_a_dtype_may_be_numpys_own() -> None:
    assert compile("adam", np.float64) is compile(find_rule("adam"), np.dtype("float64"))


def test_numba_switched_off_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    import numba

    from kernels.running.load import module_from_text

    monkeypatch.setattr(numba.config, "DISABLE_JIT", True)
    with pytest.raises(UserError, match="unset NUMBA_DISABLE_JIT"):
        module_from_text("some", "<some>", "")


def test_the_generator_has_the_version_of_the_distribution() -> None:
    import tomllib

    from kernels.version import VERSION

    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())
    assert project["project"]["version"] == VERSION


def test_a_path_names_a_rule(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("def mine(theta, g, *, lr=0.5):\n    theta = theta - lr * g\n    return theta\n")
    theta = np.ones(2)
    compile(f"{file}::mine", "float64").step(theta, np.ones(2), {})
    assert np.array_equal(theta, [0.5, 0.5])


def test_bytes_per_element() -> None:
    assert compile("adam").bytes_per_element == 28
    assert compile("adam", "float64").bytes_per_element == 56
    assert compile("gradient_descent").bytes_per_element == 12


def test_large_work_is_refused_before_it_is_divided(adam: Kernel) -> None:
    n = ENOUGH_FOR_THREADS + 1
    theta, g = np.ones(n, np.float32), np.ones(n, np.float32)
    state = adam.init(theta)
    with pytest.raises(UserError, match="theta and g share memory"):
        adam.step(theta, theta, state, t=1)
    with pytest.raises(UserError, match="lr must be"):
        adam.step(theta, g, state, t=1, lr=-1.0)
    assert np.all(theta == 1)
    adam.step(theta, g, state, t=1)
    assert np.all(theta == theta[0])
    assert theta[0] < 1


def test_importing_kernels_is_light() -> None:
    import subprocess
    import sys

    code = "import sys, kernels; print([m for m in ('numpy', 'numba', 'sympy', 'flint') if m in sys.modules])"
    root = str(Path(__file__).parents[3])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, timeout=60)
    assert done.stdout.strip() == "[]", done.stderr


def test_a_call_costs_no_exception_for_matrices(adam: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numba's refusal of a second dimension costs 200 microseconds; matrices must not go that way."""
    monkeypatch.setattr(Kernel, "_diagnose", lambda *_: pytest.fail("looked for a mistake"))
    a = given()
    adam.step(a["theta"], a["g"], a["state"], t=1)
