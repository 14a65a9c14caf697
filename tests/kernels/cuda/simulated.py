"""What the tests ask of Numba-CUDA's simulator, which is switched on for a whole process: answers as JSON.

NUMBA_ENABLE_CUDASIM=1 python -m tests.kernels.cuda.simulated
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import kernels.cuda
from derive.composing import clip_by_norm, composed
from derive.errors import UserError
from derive.library import LIBRARY
from derive.library.lookup import find_rule
from derive.rule import Rule
from kernels.cuda import bench
from kernels.cuda.bits import compare
from kernels.cuda.load import load
from kernels.cuda.machine import machine
from kernels.measuring.inputs import Setting, settings
from kernels.measuring.norms import norms_of_list
from kernels.measuring.oracle import interpret, same_bits
from kernels.pipeline import programs
from tests.zoo import construct

Array = np.ndarray[Any, Any]
ROWS = 31
SPECIAL = ("largest", "last_place", "names_of_the_template")
IN_FLOAT64 = ("adam",)


def few(rule: Rule) -> list[Setting]:
    """The defaults late in a run; and, where no norms are measured, which takes the simulator long, a corner."""
    every = settings(rule)
    return [every[3]] if rule.norms else [every[3], every[-2]]


def bits() -> dict[str, str]:
    """Where a simulated kernel differs from the oracle, or that it does not."""
    found = {}
    for rule in [*LIBRARY, *map(construct, SPECIAL)]:
        for dtype in ["float32", *(["float64"] if rule.name in IN_FLOAT64 else [])]:
            equal, words = compare(kernels.cuda.compile(rule, dtype), ROWS, few)
            found[f"{rule.name} {dtype}"] = "equal" if equal else words
    return found


def there(array: Array) -> Any:
    return machine().to_device(array)


def tensors() -> dict[str, bool]:
    """Tensors of several shapes in one call, beside each alone."""
    kernel, random = kernels.cuda.compile("adam"), np.random.default_rng(3)
    shapes = ((2, 3), (), (0,), (5,))
    theta, g = ([random.standard_normal(s).astype(np.float32) for s in shapes] for _ in range(2))
    together, given = [there(a) for a in theta], [there(a) for a in g]
    state = kernel.init(together)
    kernel.step(together, given, state, t=3, lr=0.01, stream=machine().stream())
    found = {}
    for k, shape in enumerate(shapes):
        alone = there(theta[k])
        kept = kernel.init(alone)
        kernel.step(alone, given[k], kept, t=3, lr=0.01)
        pairs = [(alone, together[k]), *((kept[name], state[name][k]) for name in ("m", "v"))]
        found[str(shape)] = all(np.array_equal(a.copy_to_host(), b.copy_to_host()) for a, b in pairs)
    found["moved"] = bool((together[3].copy_to_host() != theta[3]).all())
    return found


def clipped() -> str:
    """Tensors in one call by a rule that takes the norm of all: where they are not the oracle's."""
    rule, random = composed((clip_by_norm, find_rule("gradient_descent"))), np.random.default_rng(5)
    given = [{name: random.standard_normal(size).astype(np.float32) for name in ("theta", "g")} for size in (2, 0, 5)]
    kernel, scalars = kernels.cuda.compile(rule), {"t": 1.0, "lr": 0.5, "max_norm": 1.0}
    theta, g = ([there(each[name]) for each in given] for name in ("theta", "g"))
    kernel.step(theta, g, {}, lr=0.5)
    program = programs(rule, "float32").final
    wanted = [interpret(program, each, scalars | norms)["theta"]
              for each, norms in zip(given, norms_of_list(rule, "float32", given, scalars), strict=True)]  # fmt: skip
    equal = [same_bits(a.copy_to_host(), b) for a, b in zip(theta, wanted, strict=True)]
    return "equal" if all(equal) else f"different: {equal}"


def refusals() -> Iterator[str]:
    """The messages for what must not be stepped, and that nothing was stored."""
    kernel = kernels.cuda.compile("adam")
    theta, g, wide = there(np.ones(4, np.float32)), there(np.ones(4, np.float32)), there(np.ones(4))
    state = kernel.init(theta)
    calls: list[Callable[[], object]] = [
        lambda: kernel.step(np.ones(4, np.float32), g, state, t=1),
        lambda: kernel.step(theta, wide, state, t=1),
        lambda: kernel.step(theta, g.reshape(2, 2), state, t=1),
        lambda: kernel.step(theta, g[::2], state, t=1),
        lambda: kernel.step(theta, theta, state, t=1),
        lambda: kernel.step([theta, theta], [g, g], {name: [a, a] for name, a in state.items()}, t=1),
        lambda: kernel.step([theta], g, state, t=1),
        lambda: kernel.step(theta, g, state),
        lambda: kernel.step(theta, g, state, t=0),
        lambda: kernel.step(theta, g, state, t=1, beta1=1.0),
        lambda: kernel.step(theta, g, state, t=1, beta3=1.0),
        lambda: kernel.step(theta, g, {}, t=1),
        lambda: kernel.query(theta, state, g, t=1),
        lambda: kernel.init(theta, lr=-1.0),
    ]
    for call in calls:
        try:
            call()
            yield "accepted"
        except UserError as error:
            yield str(error)
    yield "untouched" if (theta.copy_to_host() == 1).all() and not state["v"].copy_to_host().any() else "stored"


def mutant() -> str:
    """A kernel with another coefficient does not pass where the right one does."""
    kernel = kernels.cuda.compile("momentum")
    part = kernel.stepping
    wrong = part.source.replace("theta_1 = theta[i] - ", "theta_1 = theta[i] + ")
    assert wrong != part.source
    part.__dict__["launch"] = load("wrong", "wrong.py", wrong, part.program)
    return "equal" if compare(kernel, ROWS, few)[0] else "different"


def main() -> None:
    warnings.simplefilter("ignore", RuntimeWarning)  # NumPy's, of infinities and NaN that belong there
    table = [str(row) for row in bench.measure(LIBRARY[2], "float32", 8, rounds=2, steps=1)]
    answers = {"bits": bits(), "tensors": tensors(), "refusals": [*refusals()], "mutant": mutant(), "table": table,
               "clipped": clipped()}  # fmt: skip
    print(json.dumps(answers))


if __name__ == "__main__":
    main()
