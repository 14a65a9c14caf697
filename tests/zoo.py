"""The test suite's vocabulary: rules with one construct each, and strategies for what a kernel is given."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from derive.reading.read import read_text
from derive.rule import Domain, Rule

# What the library does not need yet, and the compiler must do all the same.
CONSTRUCTS = """
def signs(theta, g, m=0, *, lr=nonnegative(1e-4), beta1=decay(0.9), beta2=decay(0.99)):
    u = sign(beta1 * m + (1 - beta1) * g)
    m = beta2 * m + (1 - beta2) * g
    theta = theta - lr * u
    return theta, m

def largest(theta, g, t, m=0, u=0, *,
            lr=nonnegative(2e-3), beta1=decay(0.9), beta2=decay(0.999), eps=nonnegative(1e-8)):
    m = beta1 * m + (1 - beta1) * g
    u = max(beta2 * u, abs(g))
    theta = theta - lr / (1 - beta1**t) * m / (u + eps)
    return theta, m, u

def clipped(theta, g, *, lr=nonnegative(0.1), bound=positive(1)):
    g = min(max(g, -bound), bound)
    theta = theta - lr * g
    return theta

def last_place(theta, g, previous=None, *, lr=nonnegative(0.1), beta=decay(0.9)):
    if previous is None: previous = theta
    new = theta - lr * g + beta * (theta - previous)
    previous = theta
    theta = new
    return theta, previous

def first_step(theta, g, t, m=0, *, lr=nonnegative(0.1), beta=decay(0.9)):
    m = g if t == 1 else beta * m + (1 - beta) * g
    theta = theta - lr * m / 3
    return theta, m

def schedule(theta, g, t, *, lr=nonnegative(0.1)):
    theta = theta - lr / sqrt(t) * g
    return theta

def thirds(theta, g, *, lr=nonnegative(0.1)):
    theta = theta - lr * g * (1 / 3)
    return theta

def names_of_the_template(theta, g, element=0, *, lo=nonnegative(0.1), hi=decay(0.9), i=real(2), span=real(1)):
    element = hi * element + i * g
    theta = theta - lo * element * span
    return theta, element

def no_scalars(theta, g):
    theta = theta - g
    return theta

def powers(theta, g, *, lr=nonnegative(0.1)):
    theta = theta - lr * g**3 / (1 + g**6) + 0.5 * theta**-2
    return theta

def functions(theta, g, *, lr=nonnegative(0.1), p=positive(0.25)):
    theta = theta - lr * tanh(g) * exp(-abs(theta)) / (1 + abs(g))**p
    return theta

def started(theta, g, s=None, *, s0=positive(0.1), lr=nonnegative(0.1)):
    if s is None: s = s0
    s = s + g**2
    theta = theta - lr * g / sqrt(s)
    return theta, s
"""

NAMES = tuple(re.findall(r"def (\w+)", CONSTRUCTS))


def construct(name: str) -> Rule:
    """The rule of that name."""
    return read_text(CONSTRUCTS, name, "zoo.py")


def element_values(dtype: str) -> st.SearchStrategy[float]:
    """Any number of the element type: zeros of both signs, subnormals, infinities, NaN."""
    width = 32 if dtype == "float32" else 64
    limits = np.finfo(dtype)
    special = [0.0, -0.0, float(limits.smallest_subnormal), float(limits.tiny), float(limits.max), np.inf, np.nan, 1.0]
    return st.one_of(st.sampled_from(special), st.floats(width=width))  # type: ignore[arg-type]


def columns(names: Iterable[str], dtype: str, max_size: int = 40) -> st.SearchStrategy[dict[str, Any]]:
    """An array for each name, all of one shape."""

    def of_shape(shape: tuple[int, ...]) -> st.SearchStrategy[dict[str, Any]]:
        column = npst.arrays(dtype, shape, elements=element_values(dtype))
        return st.fixed_dictionaries(dict.fromkeys(names, column))

    flat = st.integers(0, max_size).map(lambda n: (n,))
    return st.one_of(flat, npst.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)).flatmap(of_shape)


def counters() -> st.SearchStrategy[int]:
    return st.one_of(st.integers(1, 5), st.integers(1, 10**6))


def inside(domain: Domain) -> st.SearchStrategy[float]:
    """Finite floats of the domain, its ends included."""
    low = None if domain.low is None else float(domain.low)
    high = None if domain.high is None else float(domain.high)
    return st.floats(
        low,
        high,
        exclude_min=domain.low_open and low is not None,
        exclude_max=domain.high_open and high is not None,
        allow_nan=False,
        allow_infinity=False,
    ).filter(lambda v: Fraction(v) in domain)


def hyperparameters(rule: Rule) -> st.SearchStrategy[dict[str, float]]:
    """Some of them given, the others left to their defaults."""
    given = {h.name: inside(h.domain) for h in rule.hyperparameters}
    return st.fixed_dictionaries({}, optional=given)
