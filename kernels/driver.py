"""The compiler: read this file first. A rule is lowered, improved, proved, emitted, read back, proved again, compiled.

What was made before is fetched from the cache, verified, and loaded; then nothing is derived or
proved a second time.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from derive.errors import UserError
from derive.rule import Rule

if TYPE_CHECKING:
    from kernels.certificate import Certificate
    from kernels.kernel import Kernel, Part
    from kernels.lower import Part as PartName
    from kernels.program import Program

DTYPES = ("float32", "float64")

_LOCK = threading.RLock()  # Numba's compiler is not safe under threads
_made: dict[tuple[str, str], Kernel] = {}


def compile(rule: Rule | str, dtype: str = "float32", *, unproved: bool = False) -> Kernel:
    """The kernel of a rule for one element type, "float32" or "float64".

    `rule` is a Rule, a name of the library, or "PATH::NAME". Raises UserError where the rule cannot
    be used, or where the kernel's program could not be proved equal to it; with `unproved=True`
    such a kernel is made all the same, and says so in its certificate and source.
    """
    rule = _rule(rule)
    name = _dtype(dtype)
    from kernels.content import content_key

    key = content_key(rule, name)
    with _LOCK:
        if (key, rule.name) not in _made:
            _made[key, rule.name] = _fetched(rule, name, key) or _built(rule, name, key)
        kernel = _made[key, rule.name]
    if not kernel.certificate.proved and not unproved:
        raise _not_proved(kernel.certificate)
    return kernel


def _rule(rule: Rule | str) -> Rule:
    if isinstance(rule, Rule):
        return rule
    if isinstance(rule, str):
        from derive.library.lookup import find_rule

        return find_rule(rule)
    raise UserError(f"{rule!r} is not a rule", fix="give a name, PATH::NAME, or a Rule")


def _dtype(dtype: object) -> str:
    for name in DTYPES:
        if dtype == name or getattr(dtype, "__name__", getattr(dtype, "name", None)) == name:
            return name
    raise UserError(f"no kernels for dtype {dtype!r}", fix=f"use {' or '.join(DTYPES)}")


def _not_proved(certificate: Certificate) -> UserError:
    what, proof = next(
        (what, proof)
        for what, proof in (("program", certificate.program), ("source", certificate.source))
        if not proof
    )
    return UserError(
        f"the kernel's {what} is not proved equal to the rule: {proof.status}, {proof.message}",
        where=certificate.rule,
        fix="unproved=True compiles it all the same",
    )


@dataclass(frozen=True)
class Programs:
    """The rule's operations in its own order, and after the passes."""

    lowered: Program
    final: Program


def programs(rule: Rule, dtype: str, part: PartName = "step") -> Programs:
    """Lower the rule and apply every pass."""
    from kernels.lower import lower
    from kernels.passes import passes

    lowered = final = lower(rule, dtype, part)
    for improvement in passes(rule.domains):
        final = improvement.apply(final)
    return Programs(lowered, final)


def parts_of(rule: Rule) -> tuple[PartName, ...]:
    return ("step",) if rule.query is None else ("step", "query")


def _built(rule: Rule, dtype: str, key: str) -> Kernel:
    """Everything from the rule."""
    from kernels import cache
    from kernels.certificate import to_json

    certificate, sources = _derived(rule, dtype)
    loaded, files = {}, {"certificate.json": json.dumps(to_json(certificate), indent=1).encode()}
    for part, source in sources.items():
        loaded[part] = _compiled(rule, dtype, key, part, source, None)
        files |= {f"{part}.py": source.encode(), f"{part}.code": loaded[part][1]}
    cache.keep(key, files)
    return _kernel(rule, dtype, certificate, {part: made for part, (made, _) in loaded.items()})


def _fetched(rule: Rule, dtype: str, key: str) -> Kernel | None:
    """Everything from the cache; None where something is missing, damaged or refused."""
    from kernels import cache
    from kernels.certificate import from_json

    files = cache.fetch(key)
    if files is None:
        return None
    try:
        certificate = from_json(json.loads(files["certificate.json"]))
        made = {}
        for part in parts_of(rule):
            source = files[f"{part}.py"].decode()
            made[part], _ = _compiled(rule, dtype, key, part, source, files[f"{part}.code"])
    except Exception:  # Whatever is wrong with machine code from another day: make it again.
        return None
    return _kernel(rule, dtype, certificate, made)


def _derived(rule: Rule, dtype: str) -> tuple[Certificate, dict[PartName, str]]:
    """The certificate, and the source of every part."""
    from derive.proving import assumptions_of, invariants
    from kernels.certificate import Certificate, Proof, proof_of
    from kernels.emit import emit
    from kernels.lower import goals
    from kernels.program import inlined
    from kernels.readback import equal, read_back
    from kernels.special import exceptions
    from kernels.version import GENERATOR

    assumptions = assumptions_of(rule)
    nonnegative = [name for name, domain in invariants(rule).items() if domain.low is not None and domain.low >= 0]
    sources: dict[PartName, str] = {}
    of_programs: list[Proof] = []
    of_sources: list[Proof] = []
    changed: list[str] = []
    for part in parts_of(rule):
        made, wanted = programs(rule, dtype, part), goals(rule, part)
        values = inlined(made.final)
        of_programs.append(proof_of(equal(values, wanted, assumptions)))
        differences = exceptions(made.lowered, made.final, rule, nonnegative)
        changed.extend(differences)
        notes = [*(f"Exception: {e}." for e in differences), _proof_note(of_programs[-1])]
        sources[part] = emit(made.final, rule, notes)
        read = read_back(sources[part], made.final)
        same = all(read.get(array) is value for array, value in values.items()) and len(read) == len(values)
        of_sources.append(of_programs[-1] if same else proof_of(equal(read, wanted, assumptions)))
    certificate = Certificate(rule.name, dtype, GENERATOR, _worst(of_programs), _worst(of_sources), tuple(changed))
    return certificate, sources


def _worst(proofs: list) -> object:  # type: ignore[type-arg]
    return next((p for p in proofs if not p), proofs[0])


def _proof_note(proof) -> str:  # type: ignore[no-untyped-def]
    if not proof:
        return f"NOT PROVED equal to the rule: {proof.status}, {proof.message}."
    assumed = f", assuming {'; '.join(proof.assumptions)}" if proof.assumptions else ""
    return f"Proved equal to the rule over the reals{assumed}."


def _compiled(
    rule: Rule, dtype: str, key: str, part: PartName, source: str, code: bytes | None
) -> tuple[Part, bytes]:
    from kernels import cache
    from kernels.checks import checks
    from kernels.emit import bytes_per_element
    from kernels.kernel import Part
    from kernels.load import load, signature

    program = programs(rule, dtype, part).final
    types = signature(dtype, program.arrays, program.stored, len(program.parameters))
    path = cache.directory(key) / f"{part}.py"
    loaded = load(f"{rule.name}_{part}_{dtype}_{key[:12]}", str(path), source, types, code)
    made = Part(
        program.arrays,
        program.stored,
        checks(program, rule.hyperparameters),
        bytes_per_element(program),
        source,
        loaded.entry,
    )
    return made, loaded.code


def _kernel(rule: Rule, dtype: str, certificate: Certificate, made: Mapping[PartName, Part]) -> Kernel:
    from kernels.kernel import Kernel

    return Kernel(rule, dtype, certificate, made["step"], made.get("query"))
