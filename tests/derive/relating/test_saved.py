"""Verdicts as documents: what was saved is checked again, and what was changed is refused."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derive.errors import UserError
from derive.expr import Number, Symbol, apply
from derive.library import LIBRARY
from derive.proving import Assumptions, Verdict, identity
from derive.relating import prove
from derive.relating.saved import _checksum, load, save

RULES = {rule.name: rule for rule in LIBRARY}
g = Symbol("g")


def verdicts() -> dict[str, Verdict]:
    return {
        "an identity": identity([(apply("sqrt", g**2), apply("abs", g))], Assumptions()),
        "a point": identity([(apply("sqrt", g**2), g)], Assumptions()),
        "a map": prove(RULES["momentum"], RULES["momentum_ema"]),
        "the same step": prove(RULES["rmsprop"], RULES["rmsprop"]),
        "a condition": prove(RULES["adam"], RULES["adamw"]),
        "a run": prove(RULES["adagrad"], RULES["momentum"]),
    }


SAVED = {name: json.dumps(save(verdict)) for name, verdict in verdicts().items()}


def sealed(document: dict[str, Any]) -> dict[str, Any]:
    """The document with the checksum a forger would give it."""
    rest = {name: value for name, value in document.items() if name != "sha256"}
    return {**rest, "sha256": _checksum(rest)}


@pytest.mark.parametrize("name", SAVED)
def test_what_was_saved_is_loaded(name: str) -> None:
    document = json.loads(SAVED[name])
    before, after = verdicts()[name], load(document)
    assert after.status == document["verdict"] == before.status
    assert (after.message, after.maps, after.condition) == (before.message, before.maps, before.condition)
    assert type(after.evidence) is type(before.evidence)
    assert save(after) == document


def test_unknown_is_saved_without_evidence() -> None:
    verdict = Verdict("unknown", message="too much", tried=("this", "that"))
    assert load(json.loads(json.dumps(save(verdict)))) == verdict


def test_a_changed_document_is_noticed() -> None:
    document = json.loads(SAVED["a map"])
    document["words"]["message"] += "!"
    with pytest.raises(UserError, match="changed after it was saved"):
        load(document)


def test_a_condition_is_not_forgotten() -> None:
    document = json.loads(SAVED["a condition"])
    with pytest.raises(UserError, match="a condition was lost"):
        load(sealed({**document, "verdict": "proved"}))


def test_other_maps_are_not_those_of_the_proof() -> None:
    document = json.loads(SAVED["a map"])
    document["words"]["maps"] = dict.fromkeys(document["words"]["maps"], "A.lr")
    with pytest.raises(UserError, match="not those of the proof"):
        load(sealed(document))


def test_a_refutation_is_no_proof() -> None:
    document = json.loads(SAVED["a run"])
    with pytest.raises(UserError):
        load(sealed({**document, "verdict": "proved"}))


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every leaf of the plain data."""
    if isinstance(value, dict):
        for key in sorted(value):
            yield from places(value[key], (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from places(inner, (*path, index))
    else:
        yield path


EVIDENCE = {
    name: [p for p in places(json.loads(text)) if p[0] in ("nodes", "evidence")] for name, text in SAVED.items()
}
JUNK = st.one_of(
    st.integers(-2, 30), st.sampled_from(["g", "theta", "add", "sub", "mul", "where", "0", "1", "-1", "1/2", "Leaf"]),
    st.none(), st.just([]), st.just({}), st.just({"is": "Leaf"}), st.just({"is": "Solved", "by": "me"}),
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(SAVED)), st.data())
def test_forged_evidence_is_refused_or_proves_what_it_says(name: str, data: st.DataObject) -> None:
    """Whatever is put in whatever place: an error, or evidence that passes the checks for its own claim."""
    document = json.loads(SAVED[name])
    *path, last = data.draw(st.sampled_from(EVIDENCE[name]))
    inner = document
    for key in path:
        inner = inner[key]
    inner[last] = data.draw(JUNK)
    try:
        verdict = load(sealed(document))
    except UserError:
        return
    assert verdict.evidence is not None


@pytest.mark.parametrize(
    "junk", [{}, {"format": "derive-kernels verdict"}, {"format": "derive-kernels verdict", "version": 1}]
)
def test_no_document(junk: dict[str, Any]) -> None:
    with pytest.raises(UserError):
        load(junk)


def test_the_cases_are_checked_again() -> None:
    """The tree of |g| with a branch cut off."""
    document = json.loads(SAVED["an identity"])
    whole = copy.deepcopy(document)
    assert document["evidence"]["tree"]["branches"].pop()
    assert load(sealed(whole))
    with pytest.raises(UserError, match="a case is missing"):
        load(sealed(document))


def test_numbers_are_bounded() -> None:
    document = json.loads(SAVED["an identity"])
    document["nodes"].append(["number", "1e1000000000"])
    with pytest.raises(UserError, match="no number"):
        load(sealed(document))


@pytest.mark.parametrize(
    "words",
    [
        {"condition": {"any_of": ["lr > 0"], "degenerate": [], "exact": True}, "message": "equal where lr > 0"},
        {"condition": {"any_of": ["beta1 = 0"], "degenerate": [], "exact": False}, "message": "equal where beta1 = 0"},
        {"message": "equal where beta1 = 0"},
    ],
)
def test_other_conditions_are_not_those_of_the_proof(words: dict[str, Any]) -> None:
    document = json.loads(SAVED["a condition"])
    document["words"] |= words
    with pytest.raises(UserError, match="proves nothing"):
        load(sealed(document))


def test_that_there_are_no_other_conditions_needs_its_proof() -> None:
    document = json.loads(SAVED["a map"])
    document["words"]["condition"] = {"any_of": ["beta = 0"], "degenerate": [], "exact": True}
    with pytest.raises(UserError, match="no other conditions"):
        load(sealed({**document, "verdict": "conditional"}))


def test_schedules_and_conditions_set_beforehand_are_loaded() -> None:
    a, b = RULES["momentum"], RULES["momentum_lr_outside"]
    for verdict in (
        prove(a, b, schedule=["lr"]),
        prove(a, b, schedule=["beta"]),
        prove(RULES["adam"], RULES["adam_eps_hat"], condition={"beta1": Number(0)}),
        prove(RULES["adam"], RULES["adam_eps_hat"], condition={"eps": Number(0)}),
    ):
        assert load(json.loads(json.dumps(save(verdict)))).condition == verdict.condition


def test_a_proof_under_conditions_makes_no_verdict_proved() -> None:
    evidence = verdicts()["a condition"].evidence
    with pytest.raises(TypeError, match="under conditions"):
        Verdict("proved", evidence=evidence)


@pytest.mark.parametrize("words", [{"message": "momentum is adam"}, {"relation": "identical"}, {"maps": {}}])
def test_the_words_about_a_map_are_those_of_the_proof(words: dict[str, Any]) -> None:
    document = json.loads(SAVED["a map"])
    document["words"] |= words
    with pytest.raises(UserError, match="proves nothing"):
        load(sealed(document))
