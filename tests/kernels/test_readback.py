"""The emitted text is read as a stranger would read it: same meaning, or refused."""

from __future__ import annotations

import pytest

from derive.errors import UserError
from derive.expr import Expr
from derive.library import LIBRARY
from derive.library.lookup import find_rule
from derive.proving import assumptions_of
from derive.rule import Rule
from kernels.emit import emit
from kernels.lower import goals
from kernels.pipeline import parts_of, programs
from kernels.program import inlined
from kernels.readback import equal, read_back, with_norms
from kernels.storage import Storage
from tests.zoo import NAMES, construct


@pytest.mark.parametrize("rule", [*LIBRARY, *map(construct, NAMES)], ids=lambda r: r.name)
def test_what_is_read_is_the_program(rule: Rule) -> None:
    norms: dict[str, Expr] = {}
    for part in parts_of(rule):
        program = programs(rule, "float32", part).final
        read = read_back(emit(program, rule), program)
        assert read.keys() == inlined(program).keys()
        norms |= read if part == "norms" else {}
        verdict = equal(with_norms(read, norms), goals(rule, part), assumptions_of(rule))
        assert verdict or rule.name == "functions", verdict.message


def adam_source() -> str:
    rule = find_rule("adam")
    return emit(programs(rule, "float32").final, rule)


EDITS = {
    "a changed coefficient": ("1.0 - beta1)", "1.5 - beta1)"),
    "a dropped term": ("beta1_e * m[i] + one_minus_beta1_e * g[i]", "beta1_e * m[i]"),
    "a moved eps": (
        "(math.sqrt(one_over_one_minus_beta2_to_t_e * v_1) + eps_e)",
        "math.sqrt(one_over_one_minus_beta2_to_t_e * v_1 + eps_e)",
    ),
    "an off-by-one t": ("prelude(float(t),", "prelude(float(t) + 1,"),
    "an off-by-one t in the prelude": ("math.expm1(t * ", "math.expm1((t - 1) * "),
    "swapped stores": ("m[i] = m_1\n        v[i] = v_1", "m[i] = v_1\n        v[i] = m_1"),
    "swapped buffers at the call": ("span(theta, g, m, v, lo, hi, beta1_e,", "span(theta, g, v, m, lo, hi, beta1_e,"),
    "a store before the last load": (
        "        theta_1 = theta[i] - ",
        "        theta[i] = m_1\n        theta_1 = theta[i] - ",
    ),
    "swapped scalars": ("return (beta1_e, one_minus_beta1_e,", "return (one_minus_beta1_e, beta1_e,"),
    "fastmath": ("nogil=True)\ndef entry", "nogil=True, fastmath=True)\ndef entry"),
    "a store in the entry": ("    if hi < 0:\n", "    theta[0] = 1.0\n    if hi < 0:\n"),
    "another element type": ("element = np.float32", "element = np.float64"),
    "another import": ("import math\n", "import math, os\n"),
    "beta = 0 left out": (
        "1.0 if beta1 == 0.0 else -math.expm1(t * math.log1p(beta1 - 1.0))",
        "-math.expm1(t * math.log1p(beta1 - 1.0))",
    ),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_source_is_refused_or_not_proved(edit: str) -> None:
    old, new = EDITS[edit]
    source = adam_source()
    assert source.count(old) >= 1
    rule = find_rule("adam")
    try:
        read = read_back(source.replace(old, new, 1), programs(rule, "float32").final)
    except UserError:
        return
    assert not equal(read, goals(rule), assumptions_of(rule))


NARROW_EDITS = {
    "bits taken for numbers": ("from_bfloat16(g[i])", "g[i]"),
    "bits of another format": ("from_bfloat16(theta[i])", "from_float16(theta[i])"),
    "a number stored as it is": ("theta[i] = to_bfloat16_by(theta_1, bits_0)", "theta[i] = theta_1"),
    "a conversion inside": ("m_1 = beta1_e", "m_1 = from_bfloat16(beta1_e)"),
    "another value stored": ("to_bfloat16_by(theta_1, bits_0)", "to_bfloat16_by(m_1, bits_0)"),
    "bits that another has": ("np.uint32(bits_0 >> np.uint32(16))", "bits_0"),
    "bits of its own choice": ("        theta[i] = to_", "        bits_0 = np.uint32(0)\n        theta[i] = to_"),
    "bits of the place in the chunk": ("np.uint32(lo + i),", "np.uint32(i),"),
    "a key of its own": ("key = key_of(seed, t, 0)", "key = key_of(seed, 0, 0)"),
    "another key": ("lo, hi, key, beta1_e", "lo, hi, hi, beta1_e"),
    "a changed conversion": ("np.uint32(bits) << np.uint32(16)", "np.uint32(bits) << np.uint32(15)"),
    "a changed generator": ("y << np.uint32(26)", "y << np.uint32(25)"),
    "a conversion defined twice": ("def key_of(", "def threefry(x):\n    return x\n\n\ndef key_of("),
    "a name that a conversion has": ("m_1", "threefry"),
    "no seed": ("t, seed, lr", "seed, t, lr"),
}


@pytest.mark.parametrize("edit", NARROW_EDITS)
def test_an_edited_source_of_sixteen_bits_is_refused_or_not_proved(edit: str) -> None:
    old, new = NARROW_EDITS[edit]
    rule, storage = find_rule("adam"), Storage("bfloat16", "bfloat16", "stochastic")
    program = programs(rule, storage).final
    source = emit(program, rule)
    assert equal(read_back(source, program), goals(rule), assumptions_of(rule))
    assert source.count(old) >= 1
    try:
        read = read_back(source.replace(old, new), program)
    except UserError:
        return
    assert not equal(read, goals(rule), assumptions_of(rule))


def test_a_source_that_keeps_other_arrays_is_another() -> None:
    rule = find_rule("adam")
    source = emit(programs(rule, Storage("bfloat16", "bfloat16")).final, rule)
    for other in (
        Storage("bfloat16", "float32"),
        Storage("float16", "float16"),
        Storage("bfloat16", "bfloat16", "stochastic"),
    ):
        with pytest.raises(UserError, match="does not keep its arrays, or round them, as the program does"):
            read_back(source, programs(rule, other).final)


def test_an_array_stored_without_being_asked_for_is_not_equal() -> None:
    rule = find_rule("gradient_descent")
    values = inlined(programs(rule, "float32").final)
    assert equal(values, goals(rule), assumptions_of(rule))
    assert not equal({**values, "g": values["theta"]}, goals(rule), assumptions_of(rule))
