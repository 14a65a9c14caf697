"""The compiled kernel of a rule: its source as a section of the page, and its runs beside what is derived."""

from __future__ import annotations

from collections.abc import Sequence

from derive.deriving import Derivation
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
    proofs = (("program", kernel.certificate.program), ("source", kernel.certificate.source))
    said = "; ".join(f"its {name} equal to the rule over the reals: {badge(proof.status)}" for name, proof in proofs)
    title = f"The generated source, float32, {len(kernel.source.splitlines())} lines"
    return joined(f"{said[0].upper()}{said[1:]}.", folded(title, code(kernel.source)))


def runs(rule: Rule, derivations: Sequence[Derivation]) -> list[list[str]]:
    """For each derivation what the float64 kernel's runs did otherwise than foretold, each or empty."""
    from kernels import compile as compile_kernel
    from kernels.measuring.experiments import confirm

    if not any(d.experiments for d in derivations):
        return [[] for _ in derivations]
    try:
        kernel = compile_kernel(rule, dtype="float64", unproved=True)
    except UserError:
        return [[] for _ in derivations]
    return [[confirm(kernel, experiment) for experiment in d.experiments] for d in derivations]
