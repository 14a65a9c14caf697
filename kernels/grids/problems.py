"""What rules are tried on: bowls, a curved valley, logistic regression, and the user's own gradient.

Each has a minimum, from which distances are measured. Their gradients are written in `derive.reading.landscapes`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from derive.errors import UserError

if TYPE_CHECKING:
    from kernels.running.descent import Array

MOST = 100_000  # coordinates
NEWTON = 100  # steps to the minimum of a logistic regression


@dataclass(frozen=True, eq=False)
class Problem:
    """A loss to be made small: its kind, its numbers, its minimum, and a user's own functions.

    `cost` is about how many operations the gradient takes for each coordinate.
    """

    kind: str
    said: str
    data: Array = field(repr=False)
    minimum: Array = field(repr=False)
    functions: tuple[Any, ...] = field(default=(), repr=False)
    cost: int = 1
    has_loss: bool = True

    @property
    def size(self) -> int:
        """How many coordinates theta has."""
        return int(self.minimum.size)

    @property
    def content(self) -> str:
        """A checksum of everything that decides its gradients."""
        total = hashlib.sha256(f"{self.kind} {self.data.size} {self.size}".encode())
        total.update(self.data.tobytes() + self.minimum.tobytes())
        for function in self.functions:
            total.update(repr(_described(function.py_func)).encode())
        return total.hexdigest()


def quadratic(spectrum: float | Sequence[float]) -> Problem:
    """The sum of h x² / 2 over the coordinates, h being the spectrum: the curvatures, in any order."""
    curvatures = _numbers("the spectrum", spectrum, 1)
    shown = ", ".join(f"{h:g}" for h in curvatures[:4]) + (", ..." if curvatures.size > 4 else "")
    return Problem("quadratic", f"quadratic of curvatures {shown}", curvatures, 0 * curvatures)


def rosenbrock(size: int = 2, steepness: float = 100.0) -> Problem:
    """The sum of a (y - x²)² + (1 - x)² over neighbouring coordinates x and y: a curved valley (Rosenbrock 1960).

    The minimum is at one in every coordinate; `steepness` is a.
    """
    import numpy as np

    if type(size) is not int or size < 2:
        raise UserError(f"Rosenbrock's valley has two coordinates or more, not {size!r}", fix="give size=2")
    return Problem("rosenbrock", f"Rosenbrock in {size}", _numbers("steepness", steepness, 1), np.ones(size), cost=8)


def logistic(samples: Any, labels: Any, l2: float = 1e-3) -> Problem:
    """Logistic regression on data: the mean of log(1 + exp(-s x·theta)) and l2 |theta|² / 2.

    `samples` has a row for each sample, `labels` two values, of which the larger is s = 1 and the other s = -1. For an
    intercept give a column of ones. The minimum is found by Newton's method. Raises UserError for data that have none
    in reach, as where l2 = 0 and a plane parts the labels.
    """
    import numpy as np

    x, y = _numbers("samples", samples, 2), np.asarray(labels).reshape(-1)
    values = np.unique(y)
    if values.size != 2 or y.size != len(x):
        what = f"{y.size} labels of {values.size} values for {len(x)} samples"
        raise UserError(what, where="logistic", fix="give one label a sample, two values in all")
    weight = float(_numbers("l2", l2, 1)[0])
    if weight < 0:
        raise UserError(f"l2 = {weight!r} is negative", where="logistic", fix="give l2=1e-3")
    signed = x * np.where(y == values[1], 1.0, -1.0)[:, None]
    data = np.concatenate([[weight], signed.reshape(-1)])
    minimum = _newton(signed, weight)
    return Problem("logistic", f"logistic regression on {len(x)} samples", data, minimum, cost=3 * len(x) + 1)


def custom(
    gradient: Callable[..., Any],
    minimum: float | Sequence[float],
    loss: Callable[..., Any] | None = None,
) -> Problem:
    """A gradient of one's own: a function `gradient(theta, out)`, compiled by Numba or not yet, that writes into `out`,
    which is zero before.

    `minimum` says from where distances are measured, and how many coordinates there are. `loss(theta)` returns a float.
    Both are called with float64 arrays of one axis.
    """
    from kernels.running.load import GRADIENT, LOSS

    least = _numbers("minimum", minimum, 1)
    compiled = _compiled(gradient, GRADIENT, "gradient(theta, out)")
    losses = _compiled(_none if loss is None else loss, LOSS, "loss(theta)")
    name = compiled.py_func.__name__
    return Problem("given", name, 0 * least[:0], least, (compiled, losses), cost=8, has_loss=loss is not None)


def _none(theta: Any) -> Any:
    return float("inf")


def _compiled(function: Any, signature: Any, called: str) -> Any:
    """The function compiled for the arrays it will be given."""
    import numba
    from numba.core.errors import NumbaError

    from kernels.running.load import LOSS

    name = getattr(function, "__name__", repr(function))
    if not callable(function):
        raise UserError(f"{name} is no function", fix=f"give one that is called {called}")
    made = function if hasattr(function, "py_func") else numba.njit(nogil=True)(function)
    try:
        if signature.args not in made.overloads:
            made.compile(signature.args)
    except (NumbaError, RuntimeError) as error:
        what = f"{name} can't be compiled as {called}: {' '.join(str(error).split())[:200]}"
        raise UserError(what, fix="write it for Numba, see numba.njit") from None
    returned = made.overloads[signature.args].signature.return_type
    if returned != signature.return_type:
        wanted = "returns a float64" if signature is LOSS else "returns nothing"
        raise UserError(f"{name} returns {returned}", fix=f"{called} {wanted}")
    return made


def _described(value: Any, around: Mapping[str, Any] | None = None, depth: int = 8) -> Any:
    """What a function does, as plain data: its code, and what it takes from around it. No names of files or lines."""
    import numpy as np

    value = getattr(value, "py_func", value)
    code = getattr(value, "__code__", value)
    if not hasattr(code, "co_code"):
        if isinstance(value, np.ndarray):
            return (str(value.dtype), value.shape, value.tobytes())
        return sorted(map(repr, value)) if isinstance(value, frozenset) else getattr(value, "__name__", repr(value))
    if depth == 0:
        return code.co_code
    around = getattr(value, "__globals__", around or {})
    cells = [cell.cell_contents for cell in (getattr(value, "__closure__", None) or ())]
    defaults = getattr(value, "__defaults__", None) or ()
    used = [around[name] for name in code.co_names if name in around]
    inside = [_described(c, around, depth - 1) for c in (*code.co_consts, *cells, *defaults, *used)]
    return (code.co_code, code.co_names, code.co_varnames, inside)


def _numbers(name: str, values: Any, axes: int) -> Array:
    """The numbers as a float64 array of their own with so many axes; a single one makes one axis."""
    import numpy as np

    try:
        array = np.array(values, dtype=np.float64, order="C")
    except (TypeError, ValueError):
        raise UserError(f"{name} must be numbers, not {str(values)[:40]!r}", fix="give a list of floats") from None
    array = array.reshape(1) if array.ndim == 0 and axes == 1 else array
    if array.ndim != axes or not array.size or not np.isfinite(array).all():
        what = f"{name} must be finite numbers in {axes} ax{'i' if axes == 1 else 'e'}s, not of shape {array.shape}"
        raise UserError(what, fix="leave out what is not finite")
    if array.shape[-1] > MOST:
        raise UserError(f"{name} has {array.shape[-1]} coordinates", fix=f"stay below {MOST}, or use kernels.compile")
    return array


def _newton(signed: Array, l2: float) -> Array:
    """Where the gradient vanishes, by Newton's method with the step halved while the loss would grow."""
    import numpy as np

    count, size = signed.shape

    def loss(w: Array) -> float:
        return float(np.logaddexp(0, -signed @ w).mean() + l2 * (w @ w) / 2)

    theta = np.zeros(size)
    for _ in range(NEWTON):
        away = 1 / (1 + np.exp(np.minimum(signed @ theta, 700)))
        gradient = l2 * theta - signed.T @ away / count
        if np.abs(gradient).max() <= 1e-13 * max(1.0, float(np.abs(signed).max())):
            if not l2 and (signed @ theta).min() > 0:  # a plane parts the labels: the loss only tends to zero
                break
            return theta
        curvature = (signed.T * (away * (1 - away))) @ signed / count + l2 * np.eye(size)
        try:
            step = np.linalg.solve(curvature, gradient)
        except np.linalg.LinAlgError:
            break
        scale = 1.0
        while scale > 1e-10 and loss(theta - scale * step) > loss(theta) + 1e-15:
            scale /= 2
        theta = theta - scale * step
        if not np.isfinite(theta).all():
            break
    raise UserError("this logistic regression has no minimum in reach", where="logistic", fix="give l2=1e-3")
