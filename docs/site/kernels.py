"""The generated kernel of a rule, as a section of its page."""

from __future__ import annotations

from derive.errors import UserError
from derive.rule import Rule
from docs.site.markdown import badge, code, folded, joined, plain


def section(rule: Rule) -> str:
    """The float32 kernel's source with what is proved of it, or why there is none."""
    from kernels import compile as compile_kernel

    try:
        kernel = compile_kernel(rule, dtype="float32", unproved=True)
    except UserError as error:
        return f"There is none: {plain(str(error))}"
    certificate = kernel.certificate
    proofs = f"Program {badge(certificate.program.status)}, source {badge(certificate.source.status)}"
    return joined(
        f"{proofs}, each as equal to the rule over the reals."
        if certificate.program and certificate.source
        else f"{proofs}.",
        folded(f"The generated source, float32, {len(kernel.source.splitlines())} lines", code(kernel.source)),
    )
