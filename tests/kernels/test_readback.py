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


def test_an_array_stored_without_being_asked_for_is_not_equal() -> None:
    rule = find_rule("gradient_descent")
    values = inlined(programs(rule, "float32").final)
    assert equal(values, goals(rule), assumptions_of(rule))
    assert not equal({**values, "g": values["theta"]}, goals(rule), assumptions_of(rule))
