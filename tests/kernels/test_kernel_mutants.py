"""Single mistakes in the program and in the emitted source: refuted, or different in bits, or proved equivalent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import islice
from random import Random

import numpy as np
import pytest

from derive.evaluate import ball
from derive.expr import Expr, Symbol
from derive.library.lookup import find_rule
from derive.ops import Undefined
from derive.proving import assumptions_of
from derive.rule import Rule
from kernels.checks import SUBNORMAL
from kernels.emit import emit
from kernels.lower import goals
from kernels.measuring.inputs import arrays, settings
from kernels.measuring.oracle import interpret, same_bits
from kernels.pipeline import programs
from kernels.program import Program, inlined
from kernels.readback import equal, read_back
from kernels.running.load import load, signature
from tests.kernels.test_readback import EDITS, adam_source
from tests.mutation import body_mutants
from tests.sample import SAMPLE

PER_RULE = 12


def mutants(program: Program) -> Iterator[tuple[str, Program]]:
    """Every mutant of the scalars and of the elements; and every pair of stores exchanged."""
    for what, prelude in body_mutants(program.prelude, program.parameters):
        if {a.target for a in prelude} >= set(program.handed).difference(program.parameters):
            yield what, replace(program, prelude=prelude)
    for what, body in body_mutants(program.body, (*program.arrays, *program.handed)):
        if {a.target for a in body} >= {name for _, name in program.stores}:
            yield what, replace(program, body=body)
    for k in range(len(program.stores) - 1):
        (a, x), (b, y) = program.stores[k : k + 2]
        if x != y:
            yield (
                f"{a} and {b} exchanged",
                replace(program, stores=(*program.stores[:k], (a, y), (b, x), *program.stores[k + 2 :])),
            )


def sampled(rule: Rule) -> list[tuple[str, Program]]:
    every = [(what, mutant) for what, mutant in mutants(programs(rule, "float64").final) if is_typed(mutant)]
    return Random(rule.name).sample(every, min(PER_RULE, len(every)))


def is_typed(program: Program) -> bool:
    """Whether no number stands where a truth value is wanted; the mutants of a name may be of the other kind."""
    try:
        inlined(program)
    except TypeError:
        return False
    return True


def differs_in_bits(rule: Rule, program: Program, mutant: Program) -> bool:
    given = arrays(program.arrays, program.dtype, 60)
    for setting in settings(rule):
        expected = interpret(program, given, setting.scalars)
        try:
            actual = interpret(mutant, given, setting.scalars)
        except TypeError:  # the mutant mixes types, which the oracle refuses
            return True
        if any(not same_bits(expected[a], actual[a]) for a in expected):
            return True
    return False


def agree_somewhere(rule: Rule, one: dict[str, Expr], other: dict[str, Expr]) -> bool:
    """Whether both have overlapping values at a few points: a second opinion on a proved equivalence."""
    names = [*rule.inputs, *rule.state_names]
    defaults = {h.name: h.default or Fraction(1, 2) for h in rule.hyperparameters}
    for k in range(3):
        values = {n: Fraction(3 * i + 2 * k + 1, 2) for i, n in enumerate(names)} | defaults | {"t": Fraction(k + 1)}
        for a, b in zip(ball(one.values(), values), ball([other[n] for n in one], values), strict=True):
            undefined = isinstance(a, Undefined), isinstance(b, Undefined)
            if undefined != (True, True) and (any(undefined) or not a.overlaps(b)):  # type: ignore[union-attr]
                return False
    return True


@pytest.mark.parametrize("rule", SAMPLE, ids=lambda r: r.name)
def test_a_mistake_in_the_program_is_caught_or_changes_nothing(rule: Rule) -> None:
    program, assumptions = programs(rule, "float64").final, assumptions_of(rule)
    caught = 0
    for what, mutant in sampled(rule):
        verdict = equal(inlined(mutant), goals(rule), assumptions)
        if verdict:
            assert agree_somewhere(rule, inlined(program), inlined(mutant)), f"wrongly proved: {what}"
        else:
            assert verdict.status == "refuted" or differs_in_bits(rule, program, mutant), what
            caught += 1
    assert caught >= PER_RULE // 2


@pytest.mark.parametrize("name", ["momentum", "rmsprop", "ewma_debiased"])
def test_a_mistake_in_the_source_reads_back_as_the_mistake(name: str) -> None:
    """The proof of the source sees what the proof of the program sees."""
    rule = find_rule(name)
    for what, mutant in islice(mutants(programs(rule, "float32").final), 0, None, 9):
        if mutant.handed != programs(rule, "float32").final.handed:
            continue  # the template hands on other names
        read = read_back(emit(mutant, rule), mutant)
        wanted = inlined(mutant)
        same = read.keys() == wanted.keys() and all(read[a] is wanted[a] for a in read)
        assert same or equal(read, wanted, assumptions_of(rule)), what


WRONG_RESULTS = [
    "a changed coefficient", "a dropped term", "a moved eps", "an off-by-one t", "swapped stores",
    "swapped buffers at the call", "swapped scalars", "fastmath", "a store before the last load",
]  # fmt: skip


@pytest.mark.parametrize("edit", WRONG_RESULTS)
def test_a_mistake_in_the_source_changes_bits(edit: str) -> None:
    rule = find_rule("adam")
    program = programs(rule, "float32").final
    old, new = EDITS[edit]
    source = adam_source().replace(old, new, 1)
    if edit == "fastmath":  # said of every function, so that it reaches the loop
        source = source.replace("nogil=True", "nogil=True, fastmath=True").replace(
            ", fastmath=True, fastmath", ", fastmath"
        )
    types = signature(
        map(program.type_of, program.arrays), [a in program.stored for a in program.arrays], len(program.parameters)
    )
    entry = load(f"mutant_{edit.replace(' ', '_').replace('-', '_')}", f"<{edit}>", source, types).entry
    given = arrays(program.arrays, "float32", 203)
    different = False
    for setting in settings(rule):
        copies = [np.array(given[n]) for n in program.arrays]
        assert entry(*copies, setting.t, *setting.hyperparameters.values(), 0, -1, SUBNORMAL) == 0
        expected = interpret(program, given, setting.scalars)
        actual = dict(zip(program.arrays, copies, strict=True))
        different |= any(not same_bits(actual[a], expected[a]) for a in expected)
    assert different


def test_the_unmutated_program_passes_the_same_examination() -> None:
    rule = find_rule("adam")
    program = programs(rule, "float64").final
    assert not differs_in_bits(rule, program, program)
    assert agree_somewhere(rule, {n: Symbol(n) for n in ("m",)}, {"m": Symbol("m")})
