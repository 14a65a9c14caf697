"""`derive rules` and `derive show`: complete, and the same for people and for programs."""

from __future__ import annotations

import json

import pytest

from derive.cli.application import run
from derive.cli.library import exit_status
from derive.library.lookup import rules
from derive.proving.verdict import Status


def test_rules_is_a_line_for_each_rule(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rules"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == [rule.name for rule in rules()]
    assert any("Kingma & Ba 2015, Algorithm 1" in line and "arXiv:1412.6980" in line for line in lines)


def test_rules_as_a_document_keeps_every_number_exact(capsys: pytest.CaptureFixture[str]) -> None:
    run(["rules", "--json"])
    [adam] = [row for row in json.loads(capsys.readouterr().out)["rows"] if row["rule"] == "adam"]
    assert [h["default"]["exact"] for h in adam["hyperparameters"]] == ["1/1000", "9/10", "999/1000", "1/100000000"]
    assert adam["hyperparameters"][1]["domain"] == "[0, 1)"
    assert adam["body"][2] == "m_hat = m / (1 - beta1**t)"


@pytest.mark.parametrize("style", ["text", "latex", "markdown"])
def test_show_renders_in_every_format(capsys: pytest.CaptureFixture[str], style: str) -> None:
    assert run(["show", "momentum_ema", "--format", style]) == 0
    out = capsys.readouterr().out
    assert "momentum" in out.lower()
    assert "\x1b" not in out


def test_show_as_a_document_has_the_verdict_of_each_step(capsys: pytest.CaptureFixture[str]) -> None:
    run(["show", "rmsprop", "--json"])
    shown = json.loads(capsys.readouterr().out)
    verdicts = [step["verdict"] for derivation in shown["rows"] for step in derivation["steps"]]
    assert verdicts.count("proved") == shown["steps"]["proved"] == shown["steps"]["checked"] > 0
    assert shown["invariants"] == ["v ≥ 0"]
    assert shown["hyperparameters"][1]["name"] == "beta"


@pytest.mark.parametrize(
    ("verdicts", "status"),
    [([], 0), (["proved"], 0), (["proved", "unknown"], 3), (["unknown", "refuted"], 1), (["conditional"], 1)],
)
def test_a_step_that_is_not_proved_shows_in_the_exit_status(verdicts: list[Status], status: int) -> None:
    assert exit_status(verdicts) == status
