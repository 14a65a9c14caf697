"""The z-transform of a linear system: from gradients to queried points, and from what it starts with.

With y(z) = sum of y[t+1] z^-t over t >= 0: y(z) = H(z) u(z) + R(z) (theta_0, 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from flint import fmpq_mpoly

from derive.algebra.polynomials import by_powers, generator, power
from derive.linear.matrices import Matrix, beside, matrix, resolvent, times
from derive.linear.ratios import Ratio, total, whole
from derive.linear.system import LinearSystem


@dataclass(frozen=True)
class Transfer:
    """`gradient` has a row for each point queried and a column for each answer, `start` one for theta_0 and for one."""

    gradient: Matrix
    start: Matrix


@lru_cache(maxsize=512)
def _powers(z: int, highest: int) -> tuple[Ratio, ...]:
    return tuple(whole(power(generator(z), k)) for k in range(highest + 1))


def characteristic(transition: Matrix, z: int) -> fmpq_mpoly:
    """The numerator of det(z - A), whose denominator has no z in it; one where there are no states."""
    coefficients = resolvent(transition)[0]
    return total(c * p for c, p in zip(coefficients, _powers(z, len(transition)), strict=True)).num


def transfer(system: LinearSystem) -> Transfer:
    """H(z) = C (z - A)^-1 B + D and R(z) = z C (z - A)^-1 start."""
    z, size = system.frame.z, system.size
    coefficients, adjugate = resolvent(system.transition)
    powers = _powers(z, size)
    below = total(c * p for c, p in zip(coefficients, powers, strict=True))
    sources = beside(system.input, system.start)
    # The output of each coefficient of the adjugate, put together entry by entry.
    seen = [times(times(system.output, part), sources) for part in adjugate]
    above = [
        [total(part[i][j] * powers[size - 1 - k] for k, part in enumerate(seen)) for j in range(len(sources[0]))]
        for i in range(len(system.output))
    ]
    width = len(system.input[0])
    gradient = matrix(
        (x / below + d for x, d in zip(row[:width], direct, strict=True))
        for row, direct in zip(above, system.feedthrough, strict=True)
    )
    return Transfer(gradient, matrix((x * powers[1] / below for x in row[width:]) for row in above))


def delay(value: Ratio, z: int) -> int:
    """How many steps pass before an impulse shows: the degree in z of the denominator over the numerator's."""
    return int(value.den.degrees()[z]) - int(value.num.degrees()[z])


def differences(mine: Ratio, his: Ratio, z: int) -> list[fmpq_mpoly]:
    """Polynomials, free of z, whose common zeros are where the two are the same function of z.

    The denominators come from monic characteristic polynomials, so they vanish nowhere identically.
    """
    common = mine.den.gcd(his.den)
    my_den, his_den = mine.den / common, his.den / common
    apart = mine.num * his_den - his.num * my_den
    if apart.is_zero():
        return []
    return list(by_powers(apart, z).values())
