"""What is known about a kernel when it is made: two proofs over the reals, and where passes changed what is finite.

Part 1 of what DESIGN calls the certificate is here; bits, rounding and special values are
measured when asked for, by `kernels.verification`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # a kernel of another day needs no prover
    from derive.proving.verdict import Status, Verdict


@dataclass(frozen=True)
class Proof:
    """One identity over the reals: its verdict in words that can be stored. True only when proved."""

    status: Status
    message: str = ""
    assumptions: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.status == "proved"


@dataclass(frozen=True)
class Certificate:
    """`program`: the final program equals the rule. `source`: the emitted text, read back, equals the rule."""

    rule: str
    dtype: str
    generator: str
    program: Proof
    source: Proof
    exceptions: tuple[str, ...] = ()

    @property
    def proved(self) -> bool:
        return bool(self.program) and bool(self.source)

    def __str__(self) -> str:
        lines = [f"{self.rule}, {self.dtype}, by {self.generator}"]
        for what, proof in (("program", self.program), ("source", self.source)):
            lines.append(f"{what} equal to the rule: {proof.status}{f' ({proof.message})' if proof.message else ''}")
        assumed = dict.fromkeys((*self.program.assumptions, *self.source.assumptions))
        lines += [f"assuming {a}" for a in assumed] + [f"exception: {e}" for e in self.exceptions]
        return "\n".join(lines)


def proof_of(verdict: Verdict) -> Proof:
    return Proof(verdict.status, verdict.message, verdict.assumptions)


def to_json(certificate: Certificate) -> dict[str, Any]:
    """The certificate as plain data."""
    return {
        "rule": certificate.rule,
        "dtype": certificate.dtype,
        "generator": certificate.generator,
        "program": _proof_data(certificate.program),
        "source": _proof_data(certificate.source),
        "exceptions": list(certificate.exceptions),
    }


def from_json(data: Mapping[str, Any]) -> Certificate:
    """The certificate that `to_json` wrote."""
    return Certificate(
        data["rule"],
        data["dtype"],
        data["generator"],
        _proof(data["program"]),
        _proof(data["source"]),
        tuple(data["exceptions"]),
    )


def _proof_data(proof: Proof) -> dict[str, Any]:
    return {"status": proof.status, "message": proof.message, "assumptions": list(proof.assumptions)}


def _proof(data: Mapping[str, Any]) -> Proof:
    return Proof(data["status"], data["message"], tuple(data["assumptions"]))
