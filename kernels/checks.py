"""What a kernel refuses, in the order it looks: one table for the compiled conditions and for their messages.

The compiled entry returns the number of the first check that fails, before anything is stored;
Python turns the number into the message.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations

from derive.errors import UserError
from derive.rule import Domain, Hyperparameter, Rule
from kernels.norms import measured
from kernels.program import Program

ENOUGH_FOR_THREADS = 1 << 18  # elements; below it a second thread costs more than it brings
LARGE = -1  # what the entry returns when everything is right and the work should be divided


@dataclass(frozen=True)
class Check:
    """`condition` is Python source in the names of the entry; True means refused."""

    condition: str
    what: str
    fix: str


def refuse_unfit(rule: Rule) -> None:
    """Raises UserError for a rule that no call of a kernel could carry out.

    A step that asks for several gradients, norms of norms, or a hyperparameter with the name of an argument of the
    calls.
    """
    if rule.asked:
        what = f"{rule.name} asks for {len(rule.questions)} gradients in a step, and a kernel is given one"
        raise UserError(what, where=rule.where, fix="write one step for each gradient")
    measured(rule)
    for name in ("state", "guard", "seed") if rule.query is None else ("state", "guard", "seed", "out"):
        if name in rule.hyperparameter_names:
            what = f"the hyperparameter {name!r} has the name of an argument of the kernel's calls"
            raise UserError(what, where=rule.where, fix="call it otherwise")


def checks(program: Program, hyperparameters: tuple[Hyperparameter, ...]) -> tuple[Check, ...]:
    """Every check of the entry, in order."""
    return (*_sizes(program), *_overlaps(program), *scalar_checks(hyperparameters))


def scalar_checks(hyperparameters: tuple[Hyperparameter, ...]) -> tuple[Check, ...]:
    """The checks of what is no array, in order."""
    return (
        Check("t < 1", "t must be at least 1", "count the steps from 1"),
        *(domain_check(h) for h in hyperparameters),
        Check(
            "smallest + smallest == 0.0",
            "this thread flushes subnormal numbers to zero, so results would differ",
            "a library loaded here set that mode (often by -Ofast); load it elsewhere or clear the mode",
        ),
    )


def _sizes(program: Program) -> Iterator[Check]:
    first = program.arrays[0]
    for array in program.arrays[1:]:
        yield Check(
            f"{array}.size != {first}.size",
            f"{array} and {first} differ in size",
            f"give {array} the shape of {first}",
        )


def _overlaps(program: Program) -> Iterator[Check]:
    for a, b in combinations(program.arrays, 2):
        if a in program.stored or b in program.stored:
            yield Check(f"overlap({a}, {b})", f"{a} and {b} share memory", _apart(program, a, b))


def _apart(program: Program, a: str, b: str) -> str:
    """Of two stored arrays the second is a buffer of the state; otherwise a copy of what is only read will do."""
    if a in program.stored and b in program.stored:
        return f'state["{b}"] = state["{b}"].copy() before the step'
    return f"use {b if a in program.stored else a}.copy()"


def domain_check(h: Hyperparameter) -> Check:
    """Negated comparisons, so that NaN is refused too."""
    name, domain = h.name, h.domain
    low = f"-math.inf < {name}" if domain.low is None else f"{_end(domain.low)} {_less(domain.low_open)} {name}"
    high = f"{name} < math.inf" if domain.high is None else f"{name} {_less(domain.high_open)} {_end(domain.high)}"
    whole = f" and {name} == math.floor({name})" if domain.whole else ""
    return Check(f"not ({low} and {high}{whole})", f"{name} must be {_words(domain)}", _remedy(h))


def _remedy(h: Hyperparameter) -> str:
    return f"give {h.name} a value there" + ("" if h.default is None else f"; its default is {float(h.default):g}")


def _end(value: Fraction) -> str:
    return repr(float(value))


def _less(is_open: bool) -> str:
    return "<" if is_open else "<="


def _words(domain: Domain) -> str:
    if domain.low is None and domain.high is None:
        return "a finite number"
    return f"a finite number in {domain}"
