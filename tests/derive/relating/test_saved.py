"""Verdicts as documents: what was saved is checked and worded again; what says more than its evidence is refused."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.errors import UserError
from derive.expr import Number, Symbol
from derive.proving import Assumptions, Verdict, identity
from derive.proving.checker import Checked
from derive.reading.read import read_text
from derive.relating import prove
from derive.relating.saving.saved import _checksum, load, save
from derive.rule import Rule
from tests.derive.relating.forms import RULES

Document = dict[str, Any]

TEXT = """
def scaled(theta, g, *, c=nonnegative(1)):
    theta = theta - c * g
    return theta

def scaled_twice(theta, g, *, c=nonnegative(1)):
    theta = theta - 2 * c * g
    return theta

def divided(theta, g, *, c=nonnegative(1)):
    theta = theta - c * g * g / g
    return theta

def of_size(theta, g, *, c=nonnegative(1)):
    theta = theta - c * sqrt(g**2)
    return theta

def of_modulus(theta, g, *, c=nonnegative(1)):
    theta = theta - c * abs(g)
    return theta

def bounded_by_three(theta, g, *, c=nonnegative(1)):
    theta = theta - c * g / (3 + abs(g))
    return theta

def bounded_by_some(theta, g, *, c=nonnegative(1), k=nonnegative(1)):
    theta = theta - c * g / (k + abs(g))
    return theta

def softened(theta, g, *, c=nonnegative(1), delta=nonnegative(1)):
    theta = theta - c * g / (1 + delta * abs(g))
    return theta

def softened_late(theta, g, *, c=nonnegative(1), epsilon=nonnegative(1)):
    theta = theta - c * g / (1 + epsilon * g**2)
    return theta

def shrinking(theta, g, *, c=nonnegative(1), p=nonnegative(1), q=nonnegative(1)):
    theta = theta - c * g / (1 + p * abs(g)) - q * theta
    return theta

def shrinking_cubed(theta, g, *, c=nonnegative(1), pp=nonnegative(1), qq=nonnegative(1)):
    theta = theta - c * g / (1 + qq * abs(g)) - pp * theta**3
    return theta

def in_two_steps(theta, *, c=nonnegative(1)):
    g = grad(theta)
    theta = theta - c * g
    later = grad(theta)
    theta = theta - c * later
    return theta
"""
RULES = RULES | {name: read_text(TEXT, name, "saved.py") for name in re.findall(r"def (\w+)", TEXT)}
ZERO, g, lr, beta = Number(0), Symbol("g"), Symbol("lr"), Symbol("beta")


def rules(a: str, b: str) -> tuple[Rule, Rule]:
    return RULES[a], RULES[b]


# What is asked, by the kind of the answer.
ASKED: dict[str, tuple[tuple[str, str], dict[str, Any]]] = {
    "proved identical": (("rmsprop", "rmsprop"), {}),
    "proved identical by cases": (("of_size", "of_modulus"), {}),
    "proved state_map": (("momentum", "momentum_lr_outside"), {}),
    "proved hyperparameter_map": (("momentum_ema", "momentum"), {}),
    "proved hyperparameter_map the other way": (("scaled", "scaled_twice"), {}),
    "proved shift": (("ewma", "late_ewma"), {}),
    "conditional shift": (("late_descent", "gradient_descent"), {}),
    "proved repetition": (("scaled", "in_two_steps"), {}),
    "proved repetition under a schedule": (("in_two_steps", "scaled"), {"schedule": ["c"]}),
    "proved instance": (("bounded_by_three", "bounded_by_some"), {"instance": True}),
    "conditional of an instance": (("scaled", "softened"), {"instance": True}),
    "conditional exact": (("adam", "adamw"), {}),
    "conditional while defined": (("divided", "scaled"), {}),
    "conditional under other names": (("softened", "softened_late"), {}),
    "conditional set beforehand": (("adam", "adam_eps_hat"), {"condition": {"beta1": ZERO}}),
    "conditional set on a side": (("momentum", "gradient_descent"), {"condition": {"a.beta": ZERO}}),
    "conditional under a schedule": (("momentum", "momentum_lr_outside"), {"schedule": ["lr"]}),
    "conditional under a schedule besides": (("momentum", "gradient_descent"), {"schedule": ["lr"]}),
    "conditional under a schedule and other names": (("shrinking", "shrinking_cubed"), {"schedule": ["c"]}),
    "refuted": (("adagrad", "momentum"), {}),
    "refuted under a map": (("momentum", "momentum"), {"hyperparameters": {"lr": 2 * lr, "beta": beta}}),
}


@cache
def verdict(kind: str) -> Verdict:
    names, given = ASKED[kind]
    return prove(*rules(*names), **given)


@cache
def text(kind: str) -> str:
    return json.dumps(save(verdict(kind)))


def saved(kind: str) -> Document:
    document: Document = json.loads(text(kind))
    return document


def sealed(document: Document) -> Document:
    """The document with the checksum a forger would give it."""
    rest = {name: value for name, value in document.items() if name != "sha256"}
    return {**rest, "sha256": _checksum(rest)}


def refused(document: Document, match: str | None = None) -> None:
    with pytest.raises(UserError, match=match) as caught:
        load(sealed(document))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ASKED)
def test_what_was_saved_is_loaded(kind: str) -> None:
    before, after = verdict(kind), load(saved(kind))
    assert kind.startswith(" ".join(filter(None, (before.status, before.relation if before else None))))
    assert (after.status, after.relation, after.message) == (before.status, before.relation, before.message)
    assert after.maps == before.maps
    assert after.assumptions == before.assumptions
    assert after.condition == (None if before.status == "refuted" else before.condition)
    assert type(after.evidence) is type(before.evidence)
    assert save(after) == saved(kind)


def test_what_is_not_about_two_rules_is_not_saved() -> None:
    for other in (identity([(g, g)], Assumptions()), Verdict("unknown", message="too much")):
        with pytest.raises(UserError, match="no proof about two rules"):
            save(other)


def test_a_verdict_that_was_given_other_words_is_not_saved() -> None:
    with pytest.raises(UserError, match="does not follow from its evidence"):
        save(replace(verdict("proved identical"), message="adam is gradient descent"))


def test_a_changed_document_is_noticed() -> None:
    document = saved("proved state_map")
    document["words"]["message"] += "!"
    with pytest.raises(UserError, match="changed after it was saved"):
        load(document)


# Evidence that proves less


@pytest.mark.parametrize("kind", [kind for kind in ASKED if not kind.startswith("proved")])
def test_no_condition_and_no_counterexample_is_forgotten(kind: str) -> None:
    document = saved(kind)
    document["words"] |= {"condition": None, "relation": "identical", "message": "the same step", "maps": {}}
    refused({**document, "verdict": "proved"})


def test_equal_while_both_are_defined_is_not_equal() -> None:
    partial = verdict("conditional while defined").evidence.certificate.correspondences[0]
    assert partial.while_defined
    for status in ("proved", "conditional"):
        with pytest.raises(TypeError, match="no verdict"):
            Verdict(status, condition={"any_of": ["c = 0"]}, evidence=Checked(partial))
    document = saved("conditional while defined")
    document["evidence"] = document["evidence"]["correspondences"][0]
    document["words"] |= {"condition": None, "relation": "identical", "message": "the same step", "maps": {}}
    refused({**document, "verdict": "proved"}, "not what is proved")


def test_the_pieces_of_a_proof_prove_less() -> None:
    document = saved("conditional exact")
    proof = document["evidence"]["correspondences"][0]
    for piece in (document["evidence"]["exactness"], proof["invariants"]):
        assert piece["is"] in ("Exactness", "Invariants")
        refused({**document, "verdict": "proved", "evidence": piece}, "does not belong here")


def test_a_proof_under_conditions_needs_its_conditions() -> None:
    evidence = verdict("conditional exact").evidence
    with pytest.raises(TypeError, match="no verdict 'proved'"):
        Verdict("proved", evidence=evidence)
    with pytest.raises(TypeError, match="needs its condition"):
        Verdict("conditional", evidence=evidence)


def test_the_cases_are_checked_again() -> None:
    document = saved("proved identical by cases")
    tree = next(tree for tree in document["evidence"]["trees"] if tree["is"] == "Split")
    assert tree["branches"].pop()
    refused(document, "a case is missing")


# Evidence about something else


def on_one_rule(document: Document) -> None:
    """The same rule on both sides, with a hyperparameter of another value."""
    for part in ("claim", "evidence"):
        document[part]["b"] = copy.deepcopy(document[part]["a"])
    document["claim"]["hyperparameters"] = {}
    document["evidence"] |= {"hyperparameters_a": {"c": "1"}, "hyperparameters_b": {"c": "2"}}
    document["words"]["maps"] = {}


def scheduling(*values: dict[str, str]) -> Callable[[Document], None]:
    """The same rule on both sides, and a schedule on one of them."""

    def forge(document: Document) -> None:
        on_one_rule(document)
        document["evidence"] |= {"hyperparameters_b": {"c": "1"}, "gradients": ["1", "1"], "schedule_a": [*values]}

    return forge


def with_theta(document: Document) -> None:
    on_one_rule(document)
    document["evidence"]["hyperparameters_a"] = {"c": "1", "theta": "5"}


def off_the_map(document: Document) -> None:
    document["claim"]["hyperparameters"] = {}


@pytest.mark.parametrize(
    ("forge", "why"),
    [
        (on_one_rule, "do not correspond"),
        (scheduling({}, {"theta": "5"}), "and nothing else"),
        (scheduling({}, {"g": "5"}), "and nothing else"),
        (scheduling({"c": "-1"}), "outside its domain"),
        (scheduling({}, {"c": "3"}), "are constant"),
        (with_theta, "and nothing else"),
        (off_the_map, "do not correspond"),
    ],
)
def test_a_run_that_refutes_nothing(forge: Callable[[Document], None], why: str) -> None:
    apart = prove(*rules("scaled", "scaled"), hyperparameters={"c": 2 * Symbol("c")})
    document: Document = json.loads(json.dumps(save(apart)))
    assert load(sealed(document)).maps == {"B.c": "2 * A.c"}
    forge(document)
    refused(document, why)


@pytest.mark.parametrize("kind", [kind for kind in ASKED if kind != "proved identical"])
def test_evidence_about_other_rules(kind: str) -> None:
    document = saved(kind)
    document["claim"]["a"] |= {"body": [], "outputs": document["claim"]["a"]["outputs"]}
    refused(document)


@pytest.mark.parametrize(
    ("kind", "claim"),
    [
        ("proved shift", {"shift": 0}),
        ("proved shift", {"shift": 2}),
        ("proved shift", {"shift": -1}),
        ("proved shift", {"shift": 1_000_000_000}),
        ("conditional shift", {"shift": 0}),
        ("conditional shift", {"shift": 1}),
        ("proved identical", {"shift": 1}),
        ("proved instance", {"hyperparameters": {}}),
        ("proved identical", {"hyperparameters": {"lr": 0}}),
        ("conditional set beforehand", {"condition": {}}),
        ("conditional under other names", {"hyperparameters": {}}),
        ("conditional exact", {"degenerate": ["weight_decay = 0"]}),
        ("conditional exact", {"degenerate": []}),
        ("proved identical", {"degenerate": ["lr = 0"]}),
    ],
)
def test_claims_that_the_evidence_is_not_about(kind: str, claim: Document) -> None:
    document = saved(kind)
    assert document["claim"] != {**document["claim"], **claim}
    document["claim"] |= claim
    refused(document)


def test_a_rule_without_settings_proves_nothing() -> None:
    """Whatever is said of all hyperparameters is true where there are none."""
    document = saved("proved identical by cases")
    every = json.dumps(document).replace('"high": null', '"high": "-1"')
    refused(json.loads(every), "can have no value")


def test_names_are_names() -> None:
    every = text("conditional exact").replace('"weight_decay"', '"lr = 1 or weight_decay"')
    refused(json.loads(every), "is no name")


# Words that say more


FORGED: dict[str, list[Any]] = {
    "relation": ["identical", "shift", "repetition", "instance", "nonsense", None, 5, [1], {"a": 1}],
    "message": ["adam is gradient descent", "equal where lr = 1", "equal always", None, 5],
    "maps": [{}, {"B.lr": "A.lr"}, {"B.lr": 5}, [1], 5, None],
    "condition": [{"any_of": ["lr = 7"], "degenerate": [], "exact": True}, {"any_of": "abc"}, {}, 5, None],
    "assumptions": [["anything"], "abc", None, 5],
    "warnings": [["B.lr is A.beta"], [5], 5, None],
    "branches": [[], [5]],
    "tried": [[]],
}


@pytest.mark.parametrize("name", FORGED)
@pytest.mark.parametrize(
    "kind", ["proved hyperparameter_map", "conditional exact", "conditional under a schedule", "refuted"]
)
def test_words_are_those_of_the_evidence(kind: str, name: str) -> None:
    for value in FORGED[name]:
        document = saved(kind)
        if document["words"].get(name, document) != value:
            document["words"][name] = value
            refused(document, "proves nothing")


def test_conditions_are_neither_swapped_nor_said_to_be_the_only_ones() -> None:
    document = saved("conditional exact")
    said = document["words"]["condition"]
    document["words"]["condition"] = {**said, "any_of": said["degenerate"], "degenerate": said["any_of"]}
    refused(document, "'condition'")
    document = saved("conditional exact")
    document["evidence"]["exactness"] = None
    refused(document, "'condition'")


@pytest.mark.parametrize(
    "junk",
    [{}, *({"format": "derive-kernels verdict", "version": version} for version in (1, 2, None, "2"))],
)
def test_no_document(junk: Document) -> None:
    with pytest.raises(UserError):
        load(junk)


@pytest.mark.parametrize("part", ["words", "nodes", "claim", "evidence", "verdict"])
@pytest.mark.parametrize("value", [5, None, [], {}, "a", [5], {"is": "Rule"}])
def test_parts_of_other_types(part: str, value: Any) -> None:
    refused({**saved("proved identical"), part: value}, "proves nothing")
    refused({name: inner for name, inner in saved("proved identical").items() if name != part}, "proves nothing")


def test_numbers_are_bounded() -> None:
    document = saved("proved identical")
    document["nodes"].append(["number", "1e1000000000"])
    refused(document, "no number")


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


DATA = ("nodes", "evidence", "claim")
JUNK = st.one_of(
    st.integers(-2, 30), st.sampled_from(["g", "theta", "add", "sub", "mul", "where", "0", "1", "-1", "1/2", "Leaf"]),
    st.none(), st.just([]), st.just({}), st.just({"is": "Leaf"}), st.just({"is": "Solved", "by": "me"}),
)  # fmt: skip


@given(st.sampled_from(sorted(ASKED)), st.data())
def test_forged_data_are_refused_or_worded_for_what_they_are(kind: str, data: st.DataObject) -> None:
    """Whatever is put in whatever place: an error, or the words of before, which the evidence bears out."""
    document = saved(kind)
    *path, last = data.draw(st.sampled_from([p for p in places(document) if p[0] in DATA]))
    inner = document
    for key in path:
        inner = inner[key]
    inner[last] = data.draw(JUNK)
    try:
        found = load(sealed(document))
    except UserError:
        return
    assert (found.status, found.message) == (document["verdict"], document["words"]["message"])
    assert found.evidence is not None
