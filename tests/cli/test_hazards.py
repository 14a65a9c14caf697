"""`derive hazards`: two tables, an exit status, and a document with exact thresholds."""

from __future__ import annotations

import json

import pytest

from derive.cli.application import run
from derive.precision.formats import NAMES


def test_hazards_at_the_defaults_show_in_the_exit_status(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["hazards", "adam", "--dtype", "float16"]) == 1
    out = capsys.readouterr().out
    assert "|eps| <= 2^-25 = 2.98e-08" in out
    assert out.index("at the defaults") < out.index("from a threshold on")
    assert run(["hazards", "adam", "--dtype", "float32"]) == 0


def test_the_document_has_every_threshold_exactly(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["hazards", "adam", "--dtype", "bfloat16", "--arithmetic", "float32", "--json"]) == 1
    shown = json.loads(capsys.readouterr().out)
    assert (shown["rule"], shown["dtype"], shown["arithmetic"], shown["certain"]) == ("adam", "bfloat16", "float32", 2)
    [counter] = [row for row in shown["rows"] if row["kind"] == "counter"]
    assert counter["threshold"]["value"] == {"exact": str(2**24), "decimal": 2.0**24}
    assert counter["threshold"]["power_of_two"] == 24
    stuck = shown["rows"][0]
    assert (stuck["kind"], stuck["threshold"]["value"]["exact"]) == ("decay", "511/512")
    assert stuck["line"] > 0


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["adam"], "Missing option '--dtype'"),
        (["adam", "--dtype", "half"], "'half' is not one of"),
        (["adam", "--dtype", "float32", "--arithmetic", "float16"], "float16 does not hold every number of float32"),
        (["adam", "--dtype", "float32", "--set", "epsilon=1"], "there is no hyperparameter 'epsilon'"),
        (["adam", "--dtype", "float32", "--set", "eps"], "'eps' is no setting"),
        (["adam", "--dtype", "float32", "--set", "eps=small"], "'small' is no number"),
        (["adam", "--dtype", "float32", "--set", "beta1=1"], "beta1 = 1 is outside [0, 1)"),
        (["adm", "--dtype", "float32"], "no rule 'adm'"),
    ],
)
def test_what_cannot_be_used_is_said(capsys: pytest.CaptureFixture[str], arguments: list[str], what: str) -> None:
    assert run(["hazards", *arguments]) == 2
    assert what in capsys.readouterr().err


def test_another_value_than_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    run(["hazards", "adam", "--dtype", "float16", "--set", "eps = 1e-4", "--json"])
    assert not [row for row in json.loads(capsys.readouterr().out)["rows"] if row["part"] == "eps"]


def test_every_format_can_be_named() -> None:
    assert {"float16", "bfloat16", "float32", "float64"} <= set(NAMES)
