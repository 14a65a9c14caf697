"""Norms in kernels: measured in one fixed tree whatever the threads, read back, and refused where they can't be."""

from __future__ import annotations

from dataclasses import replace
from textwrap import indent

import numpy as np
import pytest

from derive.errors import UserError
from derive.expr import Symbol, apply
from derive.library.lookup import find_rule
from derive.proving import assumptions_of
from derive.reading.norms import ALL, BLOCK
from derive.reading.python.expressions import read_expression
from derive.rule import Assignment, Rule
from kernels import compile
from kernels.emit import bytes_per_element, emit
from kernels.lower import goals, lower
from kernels.measuring.inputs import ordinary_arrays
from kernels.measuring.norms import norms_by_oracle
from kernels.measuring.oracle import interpret, same_bits
from kernels.norms import measured
from kernels.pipeline import parts_of, programs
from kernels.readback import equal, read_back, with_norms
from kernels.running.adding import norms_of, table
from kernels.running.pool import CHUNK, SUBNORMAL

LAMB = find_rule("lamb")


def stepping(text: str) -> Rule:
    body = (Assignment("theta", read_expression(text, file="test")),)
    return replace(find_rule("gradient_descent"), name="stepping", body=body)


def test_a_norm_is_a_scalar_of_the_step() -> None:
    found = measured(LAMB)
    assert list(found.arguments) == ["norm_theta", "norm_u"]
    assert found.arguments["norm_theta"] is Symbol("theta")
    assert not found.rule.norms
    assert found.rule.hyperparameter_names == (*LAMB.hyperparameter_names, "norm_theta", "norm_u")
    assert measured(find_rule("adam")).rule is find_rule("adam")
    twice = measured(stepping("theta - lr * norm(g) * g / (1 + norm(g))"))
    assert list(twice.arguments) == ["norm_g"]


def test_the_programs_of_a_rule_with_norms() -> None:
    assert parts_of(LAMB) == ("norms", "step")
    program = lower(stepping("theta - lr * g / norm(g)"), "float32", "norms")
    assert str(program).splitlines()[-2:] == ["  norm_g = g", "  norm_g <- norm_g"]
    assert bytes_per_element(program) == 4
    assert compile("lars").bytes_per_element == 8 + 20


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("theta - lr * norm(g * norm(theta))", "takes the norm of what holds a norm"),
        ("theta - norm(lr) * g", "takes the norm of a scalar"),
    ],
)
def test_what_no_pass_can_measure_is_refused(text: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        compile(stepping(text))
    asks = replace(find_rule("nesterov"), query=apply("norm", Symbol("theta")))
    with pytest.raises(UserError, match="in the point of a gradient"):
        compile(asks)


@pytest.mark.parametrize("size", [0, 1, 7, BLOCK, BLOCK + 1, CHUNK + 3 * BLOCK + 5])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_bits_are_the_oracles_at_every_size(dtype: str, size: int) -> None:
    kernel = compile("lamb", dtype)
    program = programs(LAMB, dtype).final
    given = ordinary_arrays(program.arrays, dtype, size, ("v",))
    scalars = {"t": 3.0, **{n: float(value) for n, value in LAMB.defaults.items()}}
    expected = interpret(program, given, scalars | norms_by_oracle(LAMB, dtype, given, scalars))
    actual = {name: a.copy() for name, a in given.items()}
    kernel.step(actual["theta"], actual["g"], {n: actual[n] for n in ("m", "v")}, t=3)
    assert all(same_bits(actual[name], values) for name, values in expected.items())


def test_the_sums_do_not_depend_on_the_parts_they_are_made_in() -> None:
    measuring = compile("lars").measuring
    assert measuring is not None
    size = 5 * BLOCK + 17
    given = ordinary_arrays(measuring.arrays, "float32", size)
    values = (1, 0.1, 0.9, 0.0, 1e-3)
    whole, pieces = table(size, 2), table(size, 2)
    measuring.entry(*given.values(), whole, *values, 0, -1, SUBNORMAL)
    for lo, hi in ((3 * BLOCK, size), (0, BLOCK), (BLOCK, 3 * BLOCK)):
        measuring.entry(*given.values(), pieces, *values, lo, hi, SUBNORMAL)
    assert same_bits(whole, pieces)
    near = [float(np.linalg.norm(given[name].astype(np.float64))) for name in ("theta", "g")]
    assert np.allclose(norms_of(whole), near, rtol=1e-14)


def test_a_step_of_a_small_tensor_is_the_anchors() -> None:
    kernel = compile("lars", "float64")
    theta = np.array([3.0, 4.0])
    state = kernel.init(theta)
    for g in ([3.0, -4.0], [5.0, -12.0], [0.0, 0.0]):
        kernel.step(theta, np.array(g), state, lr=1 / 2, mu=1 / 3, weight_decay=1 / 4, trust=2 / 3)
    assert np.allclose(theta, [13 / 24, 6043 / 990], rtol=1e-15)


def test_a_norm_that_is_no_number_is_not_positive() -> None:
    kernel = compile("lars")
    theta, g = np.ones(9, np.float32), np.ones(9, np.float32)
    g[4] = np.nan
    kernel.step(theta, g, kernel.init(theta), weight_decay=0.5)
    assert np.isnan(theta[4])
    assert np.isfinite(np.delete(theta, 4)).all()  # NaN > 0 is false, and the ratio then 1


def test_checks_come_before_anything_is_measured() -> None:
    kernel = compile("lars")
    theta = np.ones(9, np.float32)
    with pytest.raises(UserError, match="g and theta differ in size"):
        kernel.step(theta, np.ones(8, np.float32), kernel.init(theta))
    with pytest.raises(UserError, match="share memory"):
        kernel.step(theta, theta, kernel.init(theta))
    assert (theta == 1).all()


# The beginning of the last loop of `roots`.
LAST = "    for k in range(norms.shape[0]):\n        for j in range(norms.shape[1]):\n            norms"
EDITS = {
    "a changed coefficient": ("1.0 - beta1)", "1.5 - beta1)"),
    "a term left out": ("beta1_e * m[i] + one_minus_beta1_e * g[i]", "beta1_e * m[i]"),
    "a norm of something else": ("np.float64(norm_theta) * np.float64(norm_theta)",
                                 "np.float64(norm_u_element) * np.float64(norm_u_element)"),
    "a product instead of a square": ("np.float64(norm_theta) * np.float64(norm_theta)",
                                      "np.float64(norm_theta) * np.float64(norm_u_element)"),
    "a half left out": ("squares[k, i] += squares[k, i + half]", "squares[k, i] += squares[k, half]"),
    "a half counted twice": ("squares[k, i] += squares[k, i + half]", "squares[k, i] += squares[k, i]"),
    "halves too short": ("half = lanes // 2", "half = lanes // 4"),
    "what stood there before": ("squares[k, i] = 0.0", "squares[k, i] = squares[k, i]"),
    "too few zeros": ("while lanes < min(hi - lo", "while 2 * lanes < min(hi - lo"),
    "a strip left out": ("for begin in range(lo, hi, 512)", "for begin in range(lo, hi - 512, 512)"),
    "strips that overlap": ("for begin in range(lo, hi, 512)", "for begin in range(lo, hi, 256)"),
    "a strip of another array": ("strip(theta, g, m, v, squares", "strip(theta, m, g, v, squares"),
    "a sum that is not begun anew": ("sums[place, k] = squares", "sums[place, k] += squares"),
    "another place": ("sums[place, k] =", "sums[0, k] ="),
    "another place for a square": ("squares[1, i] +=", "squares[0, i] +="),
    "squares that are not added up": ("squares[1, i] +=", "squares[1, i] ="),
    "room for fewer norms": ("np.zeros((2, 512))", "np.zeros((1, 512))"),
    "shorter rows": ("np.zeros((2, 512))", "np.zeros((2, 256))"),
    "another length of blocks": ("place * 4096, min", "place * 4095, min"),
    "a block left out": ("range(lo // 4096,", "range(lo // 4096 + 1,"),
    "a tensor's blocks left out": ("range(blocks[k], blocks[k + 1])", "range(blocks[k], blocks[k] + 1)"),
    "the norm of all tensors": (LAST, indent(ALL.format(j=0), "    ") + LAST),
    "a root left out": ("norms[k, j] = np.sqrt(norms[k, j])", "norms[k, j] = norms[k, j]"),
    "an array that is not sliced": ("    g = g[lo:hi]\n", ""),
    "swapped arrays": ("block(theta, g, m, v, squares, sums, place", "block(theta, m, g, v, squares, sums, place"),
    "a store": ("        norm_theta = theta[i]", "        theta[i] = 0.0\n        norm_theta = theta[i]"),
    "a name taken": ("        norm_theta = theta[i]", "        place = theta[i]\n        norm_theta = theta[i]"),
    "fastmath": ("nogil=True)\ndef entry", "nogil=True, fastmath=True)\ndef entry"),
}  # fmt: skip


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_pass_is_refused_or_not_proved(edit: str) -> None:
    old, new = EDITS[edit]
    program = programs(LAMB, "float32", "norms").final
    source = emit(program, LAMB)
    assert old in source
    try:
        read = read_back(source.replace(old, new, 1), program)
    except UserError:
        return
    assert not equal(read, goals(LAMB, "norms"), assumptions_of(LAMB))


def test_a_step_with_another_norm_is_not_proved() -> None:
    program = programs(LAMB, "float32").final
    read, assumed = read_back(emit(program, LAMB), program), assumptions_of(LAMB)
    right = goals(LAMB, "norms")
    assert equal(with_norms(read, right), goals(LAMB), assumed)
    assert not equal(with_norms(read, {**right, "norm_theta": apply("norm", Symbol("g"))}), goals(LAMB), assumed)
    over_all = apply("global_norm", Symbol("theta"))
    assert not equal(with_norms(read, {**right, "norm_theta": over_all}), goals(LAMB), assumed)
    swapped = {"norm_theta": right["norm_u"], "norm_u": right["norm_theta"]}
    assert not equal(with_norms(read, swapped), goals(LAMB), assumed)
