"""The problems that an emitted descent goes down, as text: gradients and losses, 64 runs side by side.

Coordinate j of run i stands at `64 * j + i` of `points` and `slopes`. A problem whose gradient in a coordinate needs
no other coordinate is *apart*: it has the gradient of one number, `slope`, in place of that of all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

LANES = 64  # runs side by side: their states stay in the first cache

STRICT = '@njit(error_model="numpy", nogil=True)\n'

_QUADRATIC = '''\
def slope(x, curvature):
    """The gradient of curvature x² / 2."""
    return curvature * x


def loss_at(points, i, data, size):
    """The sum of curvature x² / 2 over the coordinates."""
    total = 0.0
    for j in range(size):
        x = points[64 * j + i]
        total += data[j] * x * x
    return total / 2.0
'''

# Where the coordinates are walked together all the same.
EVERY_SLOPE = '''\
def gradient(points, slopes, data, size):
    """Of every coordinate for itself."""
    for j in range(size):
        here, there = points[64 * j : 64 * j + 64], slopes[64 * j : 64 * j + 64]
        for i in range(64):
            there[i] = slope(here[i], data[j])
'''

_ROSENBROCK = '''\
def gradient(points, slopes, data, size):
    """Of the sum of a (y - x²)² + (1 - x)² over neighbouring coordinates x and y."""
    a = data[0]
    slopes[:] = 0.0
    for j in range(size - 1):
        here, there = points[64 * j : 64 * j + 128], slopes[64 * j : 64 * j + 128]
        for i in range(64):
            x, y = here[i], here[64 + i]
            rise = y - x * x
            there[i] += -4.0 * a * x * rise - 2.0 * (1.0 - x)
            there[64 + i] += 2.0 * a * rise


def loss_at(points, i, data, size):
    """The sum of a (y - x²)² + (1 - x)² over neighbouring coordinates x and y."""
    a, total = data[0], 0.0
    for j in range(size - 1):
        x, y = points[64 * j + i], points[64 * j + 64 + i]
        rise = y - x * x
        total += a * rise * rise + (1.0 - x) * (1.0 - x)
    return total
'''

_LOGISTIC = '''\
def gradient(points, slopes, data, size):
    """Of the mean of log(1 + exp(-z w)) over the signed samples z, and l2 |w|² / 2."""
    l2, samples = data[0], data[1:].reshape((data.size - 1) // size, size)
    margins = np.empty(64)
    for j in range(size):
        here, there = points[64 * j : 64 * j + 64], slopes[64 * j : 64 * j + 64]
        for i in range(64):
            there[i] = l2 * here[i]
    for n in range(samples.shape[0]):
        margins[:] = 0.0
        for j in range(size):
            z, here = samples[n, j], points[64 * j : 64 * j + 64]
            for i in range(64):
                margins[i] += z * here[i]
        for i in range(64):
            margins[i] = 1.0 / (float(samples.shape[0]) * (1.0 + math.exp(margins[i])))
        for j in range(size):
            z, there = samples[n, j], slopes[64 * j : 64 * j + 64]
            for i in range(64):
                there[i] -= z * margins[i]


def loss_at(points, i, data, size):
    """The mean of log(1 + exp(-z w)) over the signed samples z, and l2 |w|² / 2."""
    l2, samples = data[0], data[1:].reshape((data.size - 1) // size, size)
    total = squares = 0.0
    for n in range(samples.shape[0]):
        margin = 0.0
        for j in range(size):
            margin += samples[n, j] * points[64 * j + i]
        total += math.log1p(math.exp(-abs(margin))) + (-margin if margin < 0.0 else 0.0)
    for j in range(size):
        squares += points[64 * j + i] * points[64 * j + i]
    return total / float(samples.shape[0]) + l2 * squares / 2.0
'''

_GIVEN = '''\
def gradient(points, slopes, here, there, size, gradient_given):
    """Of each run by the function given, `gradient_given(theta, out)`."""
    for i in range(64):
        for j in range(size):
            here[j], there[j] = points[64 * j + i], 0.0
        gradient_given(here, there)
        for j in range(size):
            slopes[64 * j + i] = there[j]


def loss_at(points, i, here, size, loss_given):
    """By the function given, `loss_given(theta)`."""
    for j in range(size):
        here[j] = points[64 * j + i]
    return loss_given(here)
'''


@dataclass(frozen=True)
class Landscape:
    """A kind of problem: its functions' text, whether its coordinates are apart, whether a user's functions come in.

    `names` are those of its functions, in order.
    """

    text: str
    names: tuple[str, ...]
    apart: bool = False
    given: bool = False


LANDSCAPES = {
    "quadratic": Landscape(_QUADRATIC, ("slope", "loss_at"), apart=True),
    "rosenbrock": Landscape(_ROSENBROCK, ("gradient", "loss_at")),
    "logistic": Landscape(_LOGISTIC, ("gradient", "loss_at")),
    "given": Landscape(_GIVEN, ("gradient", "loss_at"), given=True),
}


def landscape(kind: str, together: bool = False) -> Landscape:
    """A kind of problem; `together`, with the gradient of all coordinates in any case."""
    found = LANDSCAPES[kind]
    if not together or not found.apart:
        return found
    return replace(found, text=f"{found.text}\n\n{EVERY_SLOPE}", names=(*found.names, "gradient"), apart=False)


def functions_of(problem: Landscape) -> str:
    """The text of a problem's functions, each compiled strictly."""
    return problem.text.replace("def ", f"{STRICT}def ")
