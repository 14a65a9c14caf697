"""Which arrays a kernel takes: NumPy's own and memory maps, whatever it has been given before."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from derive.errors import UserError
from kernels import compile
from kernels.running.kernel import Kernel

SHAPE = (2, 3)

pytestmark = pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")


@pytest.fixture(scope="module")
def momentum() -> Kernel:
    return compile("momentum", "float64")


def mapped(folder: Path, name: str, value: float, mode: str = "r+") -> Any:
    np.full(SHAPE, value, np.float64).tofile(folder / name)
    return np.memmap(folder / name, np.float64, mode, shape=SHAPE)  # type: ignore[call-overload]


def test_memory_maps_are_stepped_in_place(momentum: Kernel, tmp_path: Path) -> None:
    theta, g = mapped(tmp_path, "theta", 1), mapped(tmp_path, "g", 0.5, "r")
    state = {"v": mapped(tmp_path, "v", 0)}
    momentum.step(theta, g, state, lr=0.5)
    theta.flush()
    assert np.array_equal(np.fromfile(tmp_path / "theta"), np.full(6, 0.75))
    with pytest.raises(UserError, match="theta is read-only"):
        momentum.step(g, theta, state)
    with pytest.raises(UserError, match="theta and g share memory"):
        momentum.step(theta, theta, state)


class Mine(np.ndarray[Any, Any]):
    pass


SUBCLASSES: dict[str, Callable[[], Any]] = {
    "matrix": lambda: np.asmatrix(np.ones(SHAPE)),
    "masked": lambda: np.ma.masked_array(np.ones(SHAPE), [[True, False, False], [False, False, False]]),
    "records": lambda: np.ones(SHAPE).view(np.recarray),
    "one's own": lambda: np.ones(SHAPE).view(Mine),
}


@pytest.mark.parametrize("name", SUBCLASSES)
def test_other_subclasses_are_refused_whatever_went_before(momentum: Kernel, tmp_path: Path, name: str) -> None:
    """Numba judges a subclass by the first one it has seen, and wrote through a mask."""
    for _ in range(2):
        odd, plain = SUBCLASSES[name](), np.ones(SHAPE)
        for arguments in [(odd, plain, {"v": plain}), (plain, odd, {"v": plain}), (plain, plain, {"v": odd})]:
            with pytest.raises(UserError, match="must be a plain NumPy array") as refused:
                momentum.step(*arguments)
            assert "\n" not in str(refused.value)
            assert "np.float64)" in str(refused.value)
        with pytest.raises(UserError, match="theta must be a plain NumPy array"):
            momentum.init(odd)
        assert np.all(np.asarray(odd) == 1)
        assert np.all(plain == 1)
        momentum.step(mapped(tmp_path, "theta", 1), mapped(tmp_path, "g", 1), {"v": mapped(tmp_path, "v", 0)})


def test_what_is_refused_of_an_average_has_its_own_names() -> None:
    kernel = compile("ewma", "float64")
    x, out = np.ones(2), np.empty(2)
    state = kernel.init(x)
    cases: list[tuple[tuple[Any, ...], str]] = [
        ((x.astype("f4"), out, state), "x is float32, the kernel float64; use x.astype(np.float64), or compile"),
        ((x, out.astype("f4"), state), "out is float32, the kernel float64; out = out.astype(np.float64) before"),
        ((x, np.empty(3), state), "ewma: out and x differ in size; give out the shape of x"),
        ((x, x, state), "ewma: x and out share memory; use x.copy()"),
        ((x, out, {}), "state has no 'm'; make it with init(x)"),
        ((x, out, None), "not None (NoneType); use init(x)"),
    ]
    for arguments, message in cases:
        with pytest.raises(UserError) as refused:
            kernel.step(*arguments)
        assert message in str(refused.value)
