"""Kernels read back: the template gives its arithmetic, and whatever departs from the template is refused."""

from __future__ import annotations

import pytest

from derive.errors import UserError
from derive.expr import to_text
from derive.reading.kernel import read_kernel

KERNEL = '''\
# momentum, float32.

import math

import numpy as np
from numba import njit

element = np.float32


@njit(error_model="numpy", nogil=True, inline="always")
def prelude(t, lr, beta):
    """The scalars of one step."""
    share = 1.0 if beta == 0.0 else -math.expm1(t * math.log1p(beta - 1.0))
    beta_e = element(beta)
    lr_e = element(lr / share)
    return (beta_e, lr_e)


@njit(error_model="numpy", nogil=True, inline="always")
def span(theta, g, v, lo, hi, beta_e, lr_e):
    """One step of the elements lo to hi."""
    theta = theta[lo:hi]
    g = g[lo:hi]
    v = v[lo:hi]
    for i in range(theta.size):
        v_1 = beta_e * v[i] + lr_e * (g[i] * g[i])
        theta_1 = theta[i] - (v_1 if v_1 < 0.5 else math.sqrt(v_1))
        theta[i] = theta_1
        v[i] = v_1


@njit(error_model="numpy", nogil=True, inline="always")
def overlap(a, b):
    """Whether two arrays of one size share memory."""
    first, second, size = a.ctypes.data, b.ctypes.data, a.size * a.itemsize
    return size > 0 and first < second + size and second < first + size


@njit(error_model="numpy", nogil=True)
def entry(theta, g, v, t, lr, beta, lo, hi, smallest):
    """Check, then step."""
    if hi < 0:
        if g.size != theta.size:
            return 1
        if overlap(theta, v):
            return 2
        lo, hi = 0, theta.size
        if hi > 131072:
            return -1
    (beta_e, lr_e) = prelude(float(t), lr, beta)
    span(theta, g, v, lo, hi, beta_e, lr_e)
    return 0
'''

SHARE = "where(beta == 0, 1, -expm1(t * log1p(beta - 1)))"
V = f"cast(beta) * v + cast(lr / {SHARE}) * (g * g)"


def test_the_step_of_a_kernel() -> None:
    kernel = read_kernel(KERNEL)
    assert (kernel.dtype, kernel.parameters, kernel.arrays) == ("float32", ("t", "lr", "beta"), ("theta", "g", "v"))
    assert kernel.stores == ("theta", "v")
    assert {name: to_text(value) for name, value in kernel.step.items()} == {
        "v": V,
        "theta": f"theta - where({V} < 0.5, {V}, sqrt({V}))",
    }


def test_an_element_read_after_its_store_is_the_new_one() -> None:
    stored_first = KERNEL.replace("        v_1 = beta_e", "        v[i] = g[i]\n        v_1 = beta_e")
    assert to_text(read_kernel(stored_first).step["v"]) == V.replace("* v +", "* g +")


CHANGES = {  # what is changed in the source, and what is said
    "a lookalike module": ("import numpy as np", "import nympy as np", "three imports"),
    "a further import": ("import math\n", "import math\nimport os\n", "three imports"),
    "another element type": ("element = np.float32", "element = np.float16", "three imports"),
    "a statement at the top": ("element = np.float32\n", "element = np.float32\nmath.sqrt = abs\n", "three imports"),
    "a further function": (
        "@njit(error_model=\"numpy\", nogil=True)\n", "def sqrt(x): return x\n", "has the functions"),
    "fast mathematics": ("nogil=True, inline", "nogil=True, fastmath=True, inline", "is not compiled strictly"),
    "Python's division": ('error_model="numpy", nogil=True)', "nogil=True)", "is not compiled strictly"),
    "no compilation": ('@njit(error_model="numpy", nogil=True)', "", "is not compiled strictly"),
    "a default": ("def prelude(t, lr, beta)", "def prelude(t, lr, beta=0.5)", "takes plain arguments only"),
    "a loop in the prelude": (
        "    beta_e = element(beta)", "    for k in range(3): beta_e = element(beta)", "not part"),
    "a value handed on twice": ("return (beta_e, lr_e)", "return (beta_e, beta_e)", "not part of a kernel"),
    "values handed on swapped": ("return (beta_e, lr_e)", "return (lr_e, beta_e)", "'span' takes the arrays"),
    "values unpacked swapped": ("(beta_e, lr_e) = prelude", "(lr_e, beta_e) = prelude", "does not hand on"),
    "arguments swapped": ("prelude(float(t), lr, beta)", "prelude(float(t), beta, lr)", "does not hand on"),
    "another step counter": ("prelude(float(t),", "prelude(float(t + 1),", "does not hand on"),
    "buffers swapped in the call": ("    span(theta, g, v, lo,", "    span(theta, v, g, lo,", "does not hand on"),
    "buffers swapped in the entry": ("def entry(theta, g, v,", "def entry(theta, v, g,", "'entry' takes the arrays"),
    "an array not sliced": ("    v = v[lo:hi]\n", "", "slices every array"),
    "an array sliced from another": ("    v = v[lo:hi]", "    v = g[lo:hi]", "slices every array"),
    "a slice with a step": ("    v = v[lo:hi]", "    v = v[lo:hi:2]", "slices every array"),
    "a loop over a part": ("range(theta.size)", "range(theta.size - 1)", "walks the first array"),
    "a loop from 1": ("range(theta.size)", "range(1, theta.size)", "walks the first array"),
    "another element": ("* v[i]", "* v[i - 1]", "the index in 'v[i - 1]' can't be read"),
    "a store elsewhere": ("        v[i] = v_1", "        v[0] = v_1", "not part of a kernel"),
    "a store to all": ("        v[i] = v_1", "        v[:] = v_1", "not part of a kernel"),
    "a store in place": ("        v[i] = v_1", "        v[i] += v_1", "not part of a kernel"),
    "an array rebound": (
        "        theta_1 = theta[i]", "        v = beta_e\n        theta_1 = theta[i]", "stands for two"),
    "the loop's counter changed": (
        "        theta_1 = theta[i]", "        i = 0\n        theta_1 = theta[i]", "not part"),
    "a conversion redefined": ("        v_1 = beta_e", "        element = beta_e\n        v_1 = beta_e", "not part"),
    "a name of nobody": ("v_1 = beta_e", "v_1 = beta_x", "unknown name 'beta_x'"),
    "the counter as a value": ("v_1 = beta_e *", "v_1 = i *", "unknown name 'i'"),
    "an early end": ("        theta[i] = theta_1", "        if v_1 > 0: break\n        theta[i] = theta_1", "not part"),
    "a store in a check": ("            return 1", "            theta[0] = 0.0", "not part of a kernel"),
    "a check that assigns": ("if overlap(theta, v)", "if (t := 3) > 4", "not part of a kernel"),
    "a shorter span": ("lo, hi = 0, theta.size", "lo, hi = 1, theta.size", "not part of a kernel"),
    "a store in overlap": ("    first, second", "    a[0] = 1.0\n    first, second", "not part of a kernel"),
    "a second step": (
        "    return 0\n", "    span(theta, g, v, lo, hi, beta_e, lr_e)\n    return 0\n", "does not hand on"),
    "no Python": ("return 0", "return return", "not valid Python"),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_refused(change: str) -> None:
    old, new, said = CHANGES[change]
    assert KERNEL.count(old) >= 1
    with pytest.raises(UserError, match=said.replace("(", r"\(").replace("[", r"\[")):
        read_kernel(KERNEL.replace(old, new), "kernel.py")
