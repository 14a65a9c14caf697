"""Verdicts as documents: stored as JSON, and believed again only after the checker or the replay has seen them.

A document holds the evidence field by field, expressions as a table of nodes that refer to earlier
ones. Loading rebuilds the evidence, which checks it; nothing in a document is run. The words around
the evidence are compared with it where they follow from it, and a checksum finds what was damaged.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from derive.errors import UserError
from derive.expr import Symbol
from derive.proving.certificate import (
    Certificate,
    Conditional,
    Correspondence,
    Exactness,
    Identity,
    Invariants,
    Limit,
)
from derive.proving.checker import Checked, Rejected
from derive.proving.replay import NotConfirmed, Point, Replayed, Separation
from derive.proving.verdict import Verdict
from derive.relating.packing import Malformed, Packer, Unpacker
from derive.relating.solving import Maps
from derive.relating.wording import condition_text, maps_text

FORMAT, VERSION = "derive-kernels verdict", 1
EVIDENCE = (Identity, Invariants, Correspondence, Exactness, Conditional, Limit, Point, Separation)
PLAIN = ("identical", "state_map", "hyperparameter_map")  # relations of which the maps say all
WORDS = ("relation", "condition", "message", "assumptions", "warnings", "maps", "tried", "branches")


def save(verdict: Verdict) -> dict[str, Any]:
    """The verdict as plain data for `json.dump`, with what is needed to check it again."""
    packer = Packer()
    evidence = None if verdict.evidence is None else packer.packed(_inner(verdict.evidence))
    document = {
        "format": FORMAT,
        "version": VERSION,
        "verdict": verdict.status,
        "words": _plain({name: getattr(verdict, name) for name in WORDS}),
        "nodes": packer.nodes,
        "evidence": evidence,
    }
    return {**document, "sha256": _checksum(document)}


def load(document: Mapping[str, Any]) -> Verdict:
    """The verdict of a document that `save` made, its evidence checked anew.

    A counterexample off a condition is no evidence and is not kept. Raises UserError where anything does not hold.
    """
    if document.get("format") != FORMAT or document.get("version") != VERSION:
        raise UserError(f"this is no {FORMAT} of version {VERSION}", fix="save the verdict again")
    rest = {name: value for name, value in document.items() if name != "sha256"}
    try:
        if _checksum(rest) != document.get("sha256"):
            raise UserError("the document was changed after it was saved", fix="save the verdict again")
        return _rebuilt(rest)
    except (Malformed, Rejected, NotConfirmed, RecursionError, TypeError, ValueError, LookupError) as fault:
        raise UserError(f"the document proves nothing: {fault}", fix="save the verdict again") from fault


def _rebuilt(document: Mapping[str, Any]) -> Verdict:
    status, words = document["verdict"], document["words"]
    if set(words) != {*WORDS}:
        raise Malformed("words are missing")
    evidence = _evidence(document)
    _compare(status, words, evidence)
    found: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in words.items()}
    if isinstance(evidence, Replayed):
        found |= {"message": evidence.message(), "counterexample": evidence.document()}
    return Verdict(status, evidence=evidence, **found)


def _evidence(document: Mapping[str, Any]) -> Checked | Replayed | None:
    """The evidence; making it checks it."""
    if document["evidence"] is None:
        return None
    made = Unpacker(document["nodes"]).unpacked(document["evidence"], EVIDENCE)
    return Replayed(made) if isinstance(made, Point | Separation) else Checked(made)


def _compare(status: str, words: Mapping[str, Any], evidence: Checked | Replayed | None) -> None:
    """Raise Malformed where the words claim more than the evidence, or something else."""
    certificate = evidence.certificate if isinstance(evidence, Checked) else None
    if status == "proved" and isinstance(certificate, Conditional | Exactness):
        raise Malformed("a condition was lost")
    if status == "conditional" and not (words["condition"] and words["condition"]["any_of"]):
        raise Malformed("a condition was lost")
    if isinstance(certificate, Correspondence) and words["maps"] and words["maps"] not in _maps(certificate):
        raise Malformed("the maps are not those of the proof")
    if isinstance(certificate, Correspondence) and status == "proved" and words["relation"] in PLAIN:
        _compare_plain(words, certificate)
    if status == "conditional":
        _compare_conditions(words, certificate)


def _compare_plain(words: Mapping[str, Any], certificate: Correspondence) -> None:
    """Raise Malformed where the map of a proof, whether it has one, or the message is not that of the proof."""
    maps = words["maps"]
    renamed = any(value is not Symbol(name) for name, value in certificate.hyperparameters.items())
    relation = "hyperparameter_map" if renamed else "state_map" if any(_maps(certificate)) else "identical"
    lines = ", ".join(f"{name} = {value}" for name, value in maps.items())
    if maps not in _maps(certificate) or words["relation"] != relation:
        raise Malformed("the maps are not those of the proof")
    if words["message"] != (f"equal with {lines}" if lines else "the same step"):
        raise Malformed("the message says something else than the maps")


def _compare_conditions(words: Mapping[str, Any], certificate: Certificate | None) -> None:
    """Raise Malformed where a condition is not one of the proof, or is said to be needed and is not proved to be."""
    said = words["condition"]
    if not isinstance(certificate, Conditional):
        if said["exact"]:
            raise Malformed("that there are no other conditions is not proved")
        return
    proved, every = _conditions(certificate), [*said["any_of"], *said["degenerate"]]
    # A condition set beforehand, or that something be constant, stands before: it says more.
    steady = certificate.constant is not None
    for text in every:
        if not (text in proved or text.endswith(tuple(f" and {p}" for p in proved)) or (steady and "constant" in text)):
            raise Malformed(f"the condition {text} is not one of the proof")
    if said["exact"] and (certificate.exactness is None or sorted(every) != sorted(proved)):
        raise Malformed("that there are no other conditions is not proved")
    if set(every) <= set(proved) and not words["message"].startswith(f"equal where {' or '.join(said['any_of'])}"):
        raise Malformed("the message says something else than the conditions")


def _conditions(c: Conditional) -> list[str]:
    return [condition_text(x, p.while_defined) for x, p in zip(c.conditions, c.correspondences, strict=True)]


def _maps(c: Correspondence) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """The maps of the proof in words, read either way."""
    maps = Maps(c.states, c.hyperparameters)
    return dict(maps_text(maps, source="A", target="B")), dict(maps_text(maps, source="B", target="A"))


def _inner(evidence: Any) -> Any:
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
