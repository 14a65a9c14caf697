"""From a rule to source text with a certificate: lowered, improved, proved, emitted, read back, proved again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from derive.expr import Expr
from derive.proving import Assumptions, assumptions_of, invariants
from derive.rule import Rule
from kernels.certificate import Certificate, Proof, proof_of
from kernels.descent import Descending, emit_descent, refuse_what_does_not_descend
from kernels.emit import emit
from kernels.lower import PartName, goals
from kernels.measuring.special import exceptions
from kernels.norms import measured
from kernels.pipeline import parts_of, programs
from kernels.program import Program, inlined
from kernels.readback import equal, norms_of, read_back, read_back_descent, read_back_through, with_norms
from kernels.storage import Storage
from kernels.through import emit_through, refuse_what_does_not_run
from kernels.version import GENERATOR

Sources: TypeAlias = dict[PartName, str]


@dataclass(frozen=True)
class Template:
    """How a program becomes a module, and how that is read again."""

    emit: Callable[[Program, Rule, Iterable[str]], str]
    read_back: Callable[[str, Program], dict[str, Expr]]


STEP = Template(emit, read_back)
THROUGH_TIME = Template(emit_through, read_back_through)


@dataclass(frozen=True)
class Certified:
    """One part's source, what was proved of it, and where the passes changed what is finite."""

    source: str
    program: Proof
    readback: Proof
    exceptions: tuple[str, ...]
    values: Mapping[str, Expr] = field(default_factory=dict)
    read: Mapping[str, Expr] = field(default_factory=dict)


def proved_nonnegative(rule: Rule) -> tuple[str, ...]:
    """The states that are never negative, by induction."""
    return tuple(name for name, domain in invariants(rule).items() if domain.low is not None and domain.low >= 0)


def certify(rule: Rule, dtype: str | Storage, template: Template = STEP) -> tuple[Certificate, Sources]:
    """The certificate of a rule's kernel and the source of its parts."""
    assumptions, nonnegative = assumptions_of(rule), proved_nonnegative(rule)
    parts: dict[PartName, Certified] = {}
    for part in parts_of(rule):
        measured_by = parts["norms"] if "norms" in parts and part == "step" else None
        parts[part] = _certified(rule, dtype, part, assumptions, nonnegative, measured_by, template)
    certificate = Certificate(
        rule.name,
        str(dtype),
        GENERATOR,
        _weakest([made.program for made in parts.values()]),
        _weakest([made.readback for made in parts.values()]),
        tuple(e for made in parts.values() for e in made.exceptions),
    )
    return certificate, {part: made.source for part, made in parts.items()}


def certify_through(rule: Rule, dtype: str) -> tuple[Certificate, str]:
    """The certificate and the source of an average that runs through data: every step it makes is the rule's."""
    refuse_what_does_not_run(rule)
    made = _certified(rule, dtype, "step", assumptions_of(rule), proved_nonnegative(rule), template=THROUGH_TIME)
    return Certificate(rule.name, dtype, GENERATOR, made.program, made.readback, made.exceptions), made.source


def certify_descent(rule: Rule, kind: str) -> tuple[Certificate, str]:
    """The certificate and the source of a rule that goes down a kind of problem, in float64: every step it makes is the
    rule's, its gradient is taken where the rule takes it, and its states begin as the rule's."""
    refuse_what_does_not_descend(rule)
    assumptions, nonnegative = assumptions_of(rule), proved_nonnegative(rule)
    made = {part: programs(rule, "float64", part) for part in parts_of(rule)}
    norms, query = (made[part].final if part in made else None for part in ("norms", "query"))
    finals = Descending(made["step"].final, query, norms)
    kept: tuple[PartName, ...] = ("step",) if query is None else ("step", "query")
    wanted = {part: goals(rule, part) for part in kept}
    measures = {} if norms is None else norms_of(inlined(norms), norms)
    values = {part: with_norms(inlined(made[part].final), measures) for part in kept}
    program = _weakest([proof_of(equal(values[part], wanted[part], assumptions)) for part in kept])
    coordinatewise = measured(rule).rule
    differences = tuple(e for m in made.values() for e in exceptions(m.lowered, m.final, coordinatewise, nonnegative))
    source = emit_descent(finals, rule, kind, [_note(program), *(f"Exception: {e}." for e in differences)])
    step, point, begun = read_back_descent(source, finals, kind)
    read = _weakest([proof_of(equal(found, wanted[part], assumptions))
                     for part, found in zip(kept, (step, point), strict=False)])  # fmt: skip
    if begun != tuple(state.initial for state in rule.states):
        read = Proof("refuted", "the states do not begin as the rule's")
    return Certificate(rule.name, "float64", GENERATOR, program, read, differences), source


def _certified(
    rule: Rule,
    dtype: str | Storage,
    part: PartName,
    assumptions: Assumptions,
    nonnegative: tuple[str, ...],
    measured_by: Certified | None = None,
    template: Template = STEP,
) -> Certified:
    """One part; of a step whose norms another part measures, each norm is that of what is measured there."""
    made, wanted = programs(rule, dtype, part), goals(rule, part)
    values = with_norms(stored(made.final), {} if measured_by is None else measured_by.values)
    proof = proof_of(equal(values, wanted, assumptions))
    differences = exceptions(made.lowered, made.final, measured(rule).rule, nonnegative)
    source = template.emit(made.final, rule, [_note(proof), *(f"Exception: {e}." for e in differences)])
    read = with_norms(template.read_back(source, made.final), {} if measured_by is None else measured_by.read)
    same = read.keys() == values.keys() and all(read[array] is values[array] for array in read)
    reproved = proof if same else proof_of(equal(read, wanted, assumptions))
    return Certified(source, proof, reproved, differences, values, read)


def stored(program: Program) -> dict[str, Expr]:
    """What a program stores into each array; the norms that it measures."""
    return norms_of(inlined(program), program) if program.measures else inlined(program)


def _note(proof: Proof) -> str:
    if not proof:
        return f"NOT PROVED equal to the rule: {proof.status}. {proof.message}"
    assumed = f", assuming {'; '.join(proof.assumptions)}" if proof.assumptions else ""
    return f"Proved equal to the rule over the reals{assumed}."


def _weakest(proofs: list[Proof]) -> Proof:
    return next((p for p in proofs if not p), proofs[0])
