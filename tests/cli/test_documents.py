"""Every command's document fits the committed schema, and the schema refuses what is not one."""

from __future__ import annotations

import json
from fractions import Fraction
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

import derive
from derive.cli.application import application, run
from derive.cli.documents import document, exact_value

SCHEMA = json.loads(files("derive.cli").joinpath("schema.json").read_text("utf-8"))
LIBRARY = Path(derive.__file__).parent / "library"
COMMAND_LINES = [
    ["rules", "--json"],
    ["show", "rmsprop", "--json"],
    ["show", "ewma", "--json"],
    ["prove", "momentum_ema", "momentum", "--json"],
    ["prove", "adam", "adam_eps_hat", "--json"],
    ["prove", "momentum_ema", "momentum", "--where", "B.lr = A.lr", "--json"],
    ["prove", "momentum", "gradient_descent", "--where", "beta = 0", "--json"],
    ["prove", "ewma", "ewma_debiased", "--explain", "--json"],
    ["prove", "adam", "ewma", "--json"],
    ["check", f"{LIBRARY}/adam.py::adam", "--against", "adam", "--json"],
    ["check", f"{LIBRARY}/momentum.py::momentum_ema", "--against", "momentum", "--json"],
    ["check", f"{LIBRARY}/momentum.py::momentum_ema", "--against", "adam", "--json"],
    ["check", "nowhere.py::f", "--against", "adam", "--json"],
    ["identify", f"{LIBRARY}/momentum.py::momentum", "--json"],
    ["hazards", "adam", "--dtype", "float16", "--json"],
    ["hazards", "adam", "--dtype", "bfloat16", "--arithmetic", "float32", "--json"],
    ["hazards", "ewma", "--dtype", "float64", "--json"],
    ["bench", "lamb", "--sizes", "5", "--rounds", "1", "--peers", "c", "--json"],
    ["map", "momentum", "--grid", "lr=0.01:1:4:log,beta=0.5", "--starts", "2", "--steps", "50", "--json"],
    ["claims", "C112", "--json"],
    ["kernel", "adam", "--json"],
    ["kernel", "ewma", "--dtype", "float64", "--json"],
    ["kernel", "adam", "--dtype", "bfloat16", "--state", "float32", "--rounding", "stochastic", "--json"],
    ["verify", "nesterov", "--json"],
    ["verify", "nothing", "--json"],
    ["show", "--json"],
]


def valid(content: Any) -> bool:
    return jsonschema.Draft202012Validator(SCHEMA).is_valid(content)


def test_the_schema_is_itself_valid() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("arguments", COMMAND_LINES, ids=lambda words: " ".join(words).replace(str(LIBRARY), ""))
def test_the_document_fits_the_schema(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    run(arguments)
    content = json.loads(capsys.readouterr().out)  # one document, and nothing else, on standard output
    jsonschema.validate(content, SCHEMA)
    assert content["schema"] == 1


def test_every_command_is_among_the_lines_above() -> None:
    assert set(application.commands) == {line[0] for line in COMMAND_LINES}


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"schema": 2, "error": {"what": "w", "where": "", "fix": ""}},
        {"schema": 1, "error": {"what": ""}},
        document("rules"),
        document("rules", rows=[{"rule": "adam"}]),
        document("verify", status="fine", seconds=1, rows=[]),
        document(
            "kernel",
            rule="adam",
            dtype="float8",
            state="float8",
            rounding="nearest",
            source="x",
            proved=True,
            path=None,
        ),
        document("unheard of", rows=[]),
        document("hazards", rule="adam", dtype="float16", arithmetic="float16", certain=0, message="", rows=[{}]),
        document("identify", rows=[{"rule": "adam"}]),
        document("prove", a="adam", b="adam", verdict="proved"),
        document(
            "prove",
            a="adam",
            b="adam",
            verdict="true",
            relation=None,
            maps={},
            condition=None,
            counterexample=None,
            assumptions=[],
            warnings=[],
            branches=[],
            tried=[],
            message="",
        ),
    ],
)
def test_the_schema_refuses(wrong: Any) -> None:
    assert not valid(wrong)


@given(st.fractions())
def test_an_exact_value_is_read_back_exactly(value: Fraction) -> None:
    written = json.loads(json.dumps(exact_value(value), allow_nan=False))
    assert Fraction(written["exact"]) == value
    assert written["decimal"] == float(value)


def test_a_value_beyond_every_float_has_no_decimal() -> None:
    assert exact_value(Fraction(10**400)) == {"exact": str(10**400), "decimal": None}
