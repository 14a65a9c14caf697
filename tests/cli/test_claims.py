"""`derive claims`: what a claim rests on, every step where asked for, and a document that fits the schema."""

from __future__ import annotations

import json
from importlib.resources import files

import jsonschema
import pytest

from derive.cli.application import run

SCHEMA = json.loads(files("derive.cli").joinpath("schema.json").read_text("utf-8"))


def test_a_claim_shows_what_it_rests_on(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["claims", "C014"]) == 0
    out = capsys.readouterr().out
    assert "It rests on:" in out
    assert "1. Mean age of m: After t steps" in out
    assert "proved: divided by" not in out
    assert out.index("It rests on:") < out.index("source:")


def test_with_every_step(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["claims", "C026", "--steps"]) == 0
    out = capsys.readouterr().out
    assert "proved: is kept by the update" in out
    assert "→ lr / (1 - beta)" in out


def test_a_claim_about_two_rules_rests_on_no_derivation(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["claims", "C043"]) == 0
    assert "It rests on:" not in capsys.readouterr().out


@pytest.mark.parametrize("steps", [False, True])
def test_the_document_has_the_derivations(capsys: pytest.CaptureFixture[str], steps: bool) -> None:
    assert run(["claims", "C026", "--json", *(["--steps"] if steps else [])]) == 0
    shown = json.loads(capsys.readouterr().out)
    jsonschema.Draft202012Validator(SCHEMA).validate(shown)
    [derivation] = shown["rows"][0]["derivations"]
    assert derivation["title"].startswith("Effective learning rate")
    assert bool(derivation["steps"]) is steps
    assert not steps or {step["verdict"] for step in derivation["steps"]} == {None, "proved"}
