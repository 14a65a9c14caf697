"""Runs through time as text: read back as the program, and refused where anything was changed."""

from __future__ import annotations

import pytest

from derive.errors import UserError
from derive.library.averages import ewma, ewma_debiased
from derive.library.lookup import find_rule
from derive.proving import assumptions_of
from derive.reading.read import read_text
from derive.rule import Rule
from kernels.averages import rules
from kernels.averages.least import answering_from
from kernels.certify import certify_through
from kernels.lower import goals
from kernels.pipeline import programs
from kernels.program import inlined
from kernels.readback import equal, read_back_through
from kernels.through import emit_through

ODD = """
def names_of_the_template(x, here=0, m=0, *, k=decay(0.9), steady=real(2), m_now_0=real(1), update=unit(0.5)):
    here = k * here + steady * x
    m = update * m + m_now_0 * here
    output = here - m
    return output, here, m

def no_state(x, t, *, lr=nonnegative(0.1)):
    output = x * lr / sqrt(t)
    return output

def nothing_to_hand_on(x, m=0):
    m = m + x
    output = m
    return output, m

def kept(x, m=3, n=0):
    n = n + m * x
    m = m + 0
    output = n
    return output, m, n
"""
WITH_HOLES = [rule for name, rule in vars(rules).items() if isinstance(rule, Rule)]
EVERY = [ewma, ewma_debiased, *WITH_HOLES, answering_from(ewma), *(read_text(ODD, name, "odd.py") for name in
         ("names_of_the_template", "no_state", "nothing_to_hand_on", "kept"))]  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rule", EVERY, ids=lambda r: r.name)
def test_what_is_read_is_the_program(rule: Rule, dtype: str) -> None:
    program = programs(rule, dtype).final
    read, values = read_back_through(emit_through(program, rule), program), inlined(program)
    assert read == values
    assert certify_through(rule, dtype)[0].proved


EDITS = {
    "a changed coefficient": ("element(1.0 - beta)", "element(1.5 - beta)"),
    "a dropped term": ("beta_e * m + one_minus_beta_e * x", "beta_e * m"),
    "an off-by-one t": ("prelude(float(t + k)", "prelude(float(t + k + 1)"),
    "a row left out": ("k += 4", "k += 5"),
    "a step twice": ("            k += 1\n", "            k += 0\n"),
    "swapped results": ("return (output, m_1)", "return (m_1, output)"),
    "settled too early": ("+ 64.0 <= 0.0", "+ 6.0 <= 0.0"),
    "settled at once": ("return t * math.log1p(beta - 1.0) + 64.0 <= 0.0", "return True"),
    "a row beside its place": ("m_now_1 = m[i + 1]", "m_now_1 = m[i]"),
    "a state not stored": ("        m[i + 3] = m_now_3\n", ""),
    "another axis": ("if along:", "if not along:"),
    "fastmath": ("nogil=True)\ndef update", "nogil=True, fastmath=True)\ndef update"),
    "a store in the entry": ("    if hi < 0:\n", "    m[0] = 1.0\n    if hi < 0:\n"),
    "another element type": ("element = np.float64", "element = np.float32"),
    "swapped scalars": ("return (beta_e, one_minus_beta_e", "return (one_minus_beta_e, beta_e"),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_source_is_refused_or_not_proved(edit: str) -> None:
    old, new = EDITS[edit]
    program = programs(ewma_debiased, "float64").final
    source = emit_through(program, ewma_debiased)
    assert source.count(old) >= 1
    try:
        read = read_back_through(source.replace(old, new, 1), program)
    except UserError:
        return
    assert not equal(read, goals(ewma_debiased), assumptions_of(ewma_debiased))


@pytest.mark.parametrize(("name", "message"), [("adam", "data are run through averages"), ("normed", "takes a norm")])
def test_rules_that_no_data_run_through(name: str, message: str) -> None:
    normed = "def normed(x):\n    output = x / norm(x)\n    return output\n"
    rule = read_text(normed, name, "f.py") if name == "normed" else find_rule(name)
    with pytest.raises(UserError, match=message):
        certify_through(rule, "float64")
