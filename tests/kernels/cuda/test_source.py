"""Modules for cards as text: read back as the program, and refused where anything was changed."""

from __future__ import annotations

import pytest

import kernels.cuda
from derive.errors import UserError
from derive.library import LIBRARY
from derive.library.lookup import find_rule
from derive.proving import assumptions_of
from derive.reading.read import read_text
from derive.rule import Rule
from kernels.certify import stored
from kernels.cuda.emit import emit_cuda
from kernels.lower import goals
from kernels.pipeline import parts_of, programs
from kernels.readback import equal, read_back_cuda
from tests.zoo import NAMES, construct

ODD = """
def names_of_the_template(theta, g, row=0, sums=0, *, walk=decay(0.9), cuda=real(2), stream_1=real(1), size=unit(0.5)):
    row = walk * row + cuda * g
    sums = size * sums + stream_1 * row
    theta = theta - sums / (1 + norm(row))
    return theta, row, sums

def nothing_to_hand_on(theta, g, m=0):
    m = m + g
    theta = theta - m
    return theta, m
"""
EVERY = [*LIBRARY, *map(construct, NAMES),
         *(read_text(ODD, name, "odd.py") for name in ("names_of_the_template", "nothing_to_hand_on"))]  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rule", EVERY, ids=lambda r: r.name)
def test_what_is_read_is_the_program(rule: Rule, dtype: str) -> None:
    for part in parts_of(rule):
        program = programs(rule, dtype, part).final
        assert read_back_cuda(emit_cuda(program, rule), program) == stored(program)


def test_source_and_certificate_need_neither_a_card_nor_numba_cuda() -> None:
    kernel = kernels.cuda.compile("lamb", "float64")
    assert kernel.certificate.proved
    assert "Proved equal to the rule" in kernel.source
    assert "dmul_rn" in kernel.source
    assert kernel.bytes_per_element == 8 * (4 + 7)
    assert kernels.cuda.compile("lamb", "float64").source == kernel.source  # from the cache


EDITS = {
    "a changed coefficient": ("1.0 - beta1)", "1.5 - beta1)"),
    "a dropped term": ("fmul_rn(beta1_e, m[i]) + fmul_rn(one_minus_beta1_e, g[i])", "fmul_rn(beta1_e, m[i])"),
    "a product that may be contracted": ("fmul_rn(beta1_e, m[i])", "beta1_e * m[i]"),
    "a product of another type": ("fmul_rn(beta1_e, m[i])", "dmul_rn(beta1_e, m[i])"),
    "swapped stores": ("m[i] = m_1\n        v[i] = v_1", "m[i] = v_1\n        v[i] = m_1"),
    "a store before the last load": ("        theta_1 = theta", "        theta[i] = m_1\n        theta_1 = theta"),
    "another walk": ("        i += walk", "        i += walk + walk"),
    "a walk that is signed": ("np.uint64(cuda.grid(1))", "np.int64(cuda.grid(1))"),
    "elements left out": ("while i < size:", "while i + 1 < size:"),
    "a store after the walk": ("        i += walk\n", "        i += walk\n    theta[0] = g[0]\n"),
    "the grid of one axis as of two": ("cuda.grid(1)", "cuda.grid(2)"),
    "fastmath": ("@cuda.jit(fastmath=False)", "@cuda.jit(fastmath=True)"),
    "fastmath on the host": ("nogil=True, inline", "nogil=True, fastmath=True, inline"),
    "an off-by-one t": ("prelude(float(t),", "prelude(float(t) + 1,"),
    "swapped buffers at the launch": ("stream](theta, g, m, v,", "stream](theta, g, v, m,"),
    "swapped scalars": ("element(beta1_e), element(one_minus_beta1_e)", "element(one_minus_beta1_e), element(beta1_e)"),
    "a scalar that is not rounded": ("element(beta1_e),", "beta1_e,"),
    "a default": ("threads, stream):", "threads, stream=0):"),
    "another element type": ("element = np.float32", "element = np.float64"),
    "another import": ("import math\n", "import math, os\n"),
    "a function besides": ("\n\ndef launch", "\n\ndef other():\n    pass\n\n\ndef launch"),
}

NORMS = {
    "another coefficient": ("1.0 - beta1)", "1.5 - beta1)"),
    "another square": (
        "np.float64(norm_theta), np.float64(norm_theta)",
        "np.float64(norm_theta), np.float64(theta[i])",
    ),
    "squares that may be contracted": (
        "dmul_rn(np.float64(norm_theta), np.float64(norm_theta))",
        "np.float64(norm_theta) * np.float64(norm_theta)",
    ),
    "squares in the element type": ("dmul_rn(np.float64(norm_theta), np.float64(norm_theta))", "norm_theta"),
    "threads that do not wait": ("        cuda.syncthreads()\n        half //= 2", "        half //= 2"),
    "sums of another order": ("row[k] += row[k + half]", "row[k] += row[half - k]"),
    "elements left out": ("first + size, 512)", "first + size - 1, 512)"),
    "too few lanes": ("min(size, 512)", "min(size, 256)"),
    "a norm of all tensors": ("    return ()", "    return (0,)"),
    "a norm that there is not": ("    return ()", "    return (2,)"),
    "no zeros before": ("        row[k] = 0.0\n", "        row[k] = 1.0\n"),
    "swapped norms": ("sums[place, 0] = row[0]", "sums[place, 1] = row[0]"),
    "a store besides": (
        "            norm_theta = theta[i]",
        "            theta[i] = g[i]\n            norm_theta = theta[i]",
    ),
    "a name of the template": (
        "            norm_theta = theta[i]",
        "            width = theta[i]\n            norm_theta = width",
    ),
    "one section": (
        "    cuda.syncthreads()\n\n\ndef launch",
        "    cuda.syncthreads()\n    sums[0, 0] = 0.0\n\n\ndef launch",
    ),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_step_is_refused_or_not_proved(edit: str) -> None:
    rule = find_rule("adam")
    program = programs(rule, "float32").final
    source = emit_cuda(program, rule)
    assert EDITS[edit][0] in source
    try:
        read = read_back_cuda(source.replace(*EDITS[edit], 1), program)
    except UserError:
        return
    assert not equal(read, goals(rule), assumptions_of(rule))


@pytest.mark.parametrize("edit", NORMS)
def test_an_edited_measuring_pass_is_refused_or_not_proved(edit: str) -> None:
    rule = find_rule("lamb")
    program = programs(rule, "float32", "norms").final
    source = emit_cuda(program, rule)
    assert NORMS[edit][0] in source
    try:
        read = read_back_cuda(source.replace(*NORMS[edit], 1), program)
    except UserError:
        return
    assert not equal(read, goals(rule, "norms"), assumptions_of(rule))


def test_an_argument_of_the_calls_is_no_hyperparameter() -> None:
    text = "def f(theta, g, *, stream=nonnegative(0.1)):\n    theta = theta - stream * g\n    return theta\n"
    with pytest.raises(UserError, match="'stream' has the name of an argument"):
        kernels.cuda.compile(read_text(text, "f", "f.py"))
