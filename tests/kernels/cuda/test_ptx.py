"""PTX, where a compiler for cards is installed: nothing is contracted, and memory is touched as often as need be."""

from __future__ import annotations

import re

import pytest

import kernels.cuda
from derive.errors import UserError
from derive.library.lookup import find_rule
from derive.reading.read import read_text
from kernels.cuda.load import ptx_of
from kernels.cuda.machine import refuse_no_compiler
from kernels.cuda.ptx import loose, refuse_loose
from kernels.pipeline import programs

ROUNDED = """\
\tmul.rn.f32 \t%f1, %f2, %f3;
\tadd.f32 \t%f4, %f1, %f5;
\tdiv.rn.f32 \t%f6, %f4, %f5;
\tsqrt.rn.f64 \t%fd1, %fd2;
\tmad.lo.s64 \t%rd1, %rd2, %rd3, %rd4;
\tmul.wide.s32 \t%rd5, %r1, 4; // not fma.rn.f32
"""
LOOSE = ("fma.rn.f32 %f1, %f2, %f3, %f4;", "mul.f32 %f1, %f2, %f3;", "mul.ftz.f32 %f1, %f2, %f3;", "mad.rn.f64 %fd1;",
         "div.full.f32 %f1, %f2, %f3;", "sqrt.approx.f32 %f1, %f2;", "add.ftz.f32 %f1, %f2, %f3;",
         "fma.rn.ftz.f32 %f1;", "mul.f64 %fd1, %fd2, %fd3;")  # fmt: skip


@pytest.fixture
def compiler() -> None:
    pytest.importorskip("numba_cuda")
    try:
        refuse_no_compiler()
    except UserError as missing:
        pytest.skip(missing.what)


def test_instructions_that_round_otherwise_are_found() -> None:
    assert loose(ROUNDED) == ()
    for line in LOOSE:
        assert loose(ROUNDED + f"\t{line}\n") == (line,)


def test_a_step_compiled_to_them_is_refused_but_for_library_functions() -> None:
    exact = programs(find_rule("adam"), "float32").final
    refuse_loose(ROUNDED, exact)
    with pytest.raises(UserError, match=r"adam: .* not kept to IEEE 754: fma\.rn\.f32"):
        refuse_loose(ROUNDED + LOOSE[0], exact)
    text = "def f(theta, g, *, lr=nonnegative(0.1)):\n    theta = theta - lr * tanh(g)\n    return theta\n"
    refuse_loose(ROUNDED + LOOSE[0], programs(read_text(text, "f", "f.py"), "float32").final)


@pytest.mark.usefixtures("compiler")
@pytest.mark.parametrize(("name", "dtype"), [("adam", "float32"), ("amsgrad", "float64")])
def test_every_array_is_read_and_written_once_and_every_product_rounded(name: str, dtype: str) -> None:
    kernel = kernels.cuda.compile(name, dtype)
    program, text = kernel.stepping.program, kernel.ptx((9, 0))
    refuse_loose(text, program)
    width = dtype[-2:]
    assert len(re.findall(rf"\bld\.global\.\w+{width}\b", text)) == len(program.loads)
    assert len(re.findall(rf"\bst\.global\.\w+{width}\b", text)) == len(program.stores)
    assert ".local" not in text
    assert f"div.rn.f{width}" in text
    assert f"sqrt.rn.f{width}" in text


@pytest.mark.usefixtures("compiler")
def test_plain_products_are_contracted_which_is_why_there_are_none() -> None:
    part = kernels.cuda.compile("momentum").stepping
    plain = re.sub(r"fmul_rn\((\w+), (\S+)\)", r"\1 * \2", part.source)
    assert plain != part.source
    text = ptx_of("plain", "plain.py", plain, part.program, (9, 0))
    assert any(line.startswith("fma.rn.f32") for line in loose(text))
    with pytest.raises(UserError, match="not kept to IEEE 754"):
        refuse_loose(text, part.program)


@pytest.mark.usefixtures("compiler")
def test_a_measuring_pass_adds_squares_that_are_rounded() -> None:
    part = kernels.cuda.compile("lamb").measuring
    assert part is not None
    text = ptx_of(part.name, part.path, part.source, part.program, (7, 5))
    refuse_loose(text, part.program)
    assert "bar.sync" in text
    assert ".shared" in text
