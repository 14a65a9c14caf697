"""Answers about two rules as documents: stored as JSON, and believed again only after the checks have seen them.

A document holds the two rules, what is claimed of them, and the evidence, field by field, expressions as a
table of nodes that refer to earlier ones. Loading rebuilds the evidence, which checks it, and words the
answer from it anew: of the words in the document none is believed. Nothing in a document is run. What was
tried, what transfer functions say, and runs off a condition are no part of the evidence, and are not kept.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from derive.errors import UserError
from derive.proving.certificate import Certificate, Conditional, Correspondence
from derive.proving.checker import Checked, Rejected
from derive.proving.replay import NotConfirmed, Replayed, Separation
from derive.proving.verdict import Verdict
from derive.relating.answers import Unfounded, answered
from derive.relating.claims import Claim, refuse_claim
from derive.relating.conditions.hearing import Hearing
from derive.relating.saving.packing import Malformed, Packer, Unpacker
from derive.relating.wording import condition_text

FORMAT, VERSION = "derive-kernels verdict", 2
EVIDENCE = (Correspondence, Conditional, Separation)
WORDS = ("relation", "message", "maps", "condition", "assumptions", "warnings")
PARTS = {"format", "version", "verdict", "words", "nodes", "claim", "evidence"}
REFUSED = (Malformed, Unfounded, Rejected, NotConfirmed)
FAULTS = (RecursionError, TypeError, ValueError, LookupError, ArithmeticError)  # of data that are no rules
AGAIN = "save the verdict again"


def save(verdict: Verdict) -> dict[str, Any]:
    """The verdict as plain data for `json.dump`, with what is needed to check it again.

    Raises UserError where it has no evidence about two rules, or says something else than its evidence.
    """
    if verdict.claim is None or verdict.status == "unknown":
        raise UserError("there is no proof about two rules to save")
    again = answered(verdict.claim, verdict.evidence)
    for name in ("status", "relation", "message", "maps"):
        if getattr(again, name) != getattr(verdict, name):
            raise UserError(f"the {name} of the verdict does not follow from its evidence alone")
    refuse_claim(verdict.claim)
    packer = Packer()
    document = {
        "format": FORMAT,
        "version": VERSION,
        "verdict": again.status,
        "words": _words(again),
        "claim": packer.packed(verdict.claim),
        "evidence": packer.packed(_inner(verdict.evidence)),
        "nodes": packer.nodes,
    }
    return {**document, "sha256": _checksum(document)}


def load(document: Mapping[str, Any]) -> Verdict:
    """The verdict of a document that `save` made, its evidence checked and its words made anew.

    Raises UserError where anything does not hold.
    """
    if document.get("format") != FORMAT or document.get("version") != VERSION:
        raise UserError(f"this is no {FORMAT} of version {VERSION}", fix=AGAIN)
    rest = {name: value for name, value in document.items() if name != "sha256"}
    try:
        if _checksum(rest) != document.get("sha256"):
            raise UserError("the document was changed after it was saved", fix=AGAIN)
        return _rebuilt(rest)
    except (*REFUSED, *FAULTS) as fault:
        raise UserError(f"the document proves nothing: {fault}", fix=AGAIN) from fault


def _rebuilt(document: Mapping[str, Any]) -> Verdict:
    if document.keys() != PARTS:
        raise Malformed("its parts are others")
    unpacker = Unpacker(document["nodes"])
    claim: Claim = unpacker.unpacked(document["claim"], (Claim,))
    refuse_claim(claim)
    made = unpacker.unpacked(document["evidence"], EVIDENCE)
    evidence = Replayed(made) if isinstance(made, Separation) else Checked(made)
    if {*claim.degenerate} != ({*_degenerate(made)} if isinstance(made, Conditional) else set()):
        raise Malformed("the degenerate conditions are others")
    verdict = answered(claim, evidence)
    if document["verdict"] != verdict.status:
        raise Malformed(f"it says something else than {verdict.status}, which follows from the evidence")
    for name, words in _words(verdict).items():
        if not isinstance(document["words"], dict) or document["words"].get(name) != words:
            raise Malformed(f"what it says as {name!r} does not follow from the evidence")
    if document["words"].keys() != {*WORDS}:
        raise Malformed("it has more words than follow from the evidence")
    return verdict


def _degenerate(certificate: Certificate | None) -> Iterator[str]:
    """The conditions of the certificate under which gradients play no part, in words."""
    if isinstance(certificate, Conditional):
        a, b = certificate.a, certificate.b
        domains = {h.name: h.domain for h in (*a.hyperparameters, *b.hyperparameters)}
        hearing = Hearing(a, b, domains, [])
        for condition in certificate.conditions:
            if hearing.degenerate(tuple(sorted(condition.items()))):
                yield condition_text(condition)
        yield from _degenerate(certificate.constant)


def _words(verdict: Verdict) -> dict[str, Any]:
    return {name: _plain(getattr(verdict, name)) for name in WORDS}


def _inner(evidence: Checked | Replayed) -> Any:
    return evidence.certificate if isinstance(evidence, Checked) else evidence.witness


def _plain(value: Any) -> Any:
    """Words as JSON has them."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(inner) for inner in value]
    return value


def _checksum(document: Mapping[str, Any]) -> str:
    text = json.dumps(document, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
