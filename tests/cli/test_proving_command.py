"""`derive prove`: the four verdicts with their exit statuses, for people and for programs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from derive.cli import proving
from derive.cli.application import run
from derive.cli.proving import scheduled
from derive.cli.workers import LimitExceeded

CONTRIVED = """
from derive.language import nonnegative

def one(theta, g, *, lr=nonnegative(0.1)):
    return theta - lr * g

def other(theta, g, *, lr=nonnegative(0.1)):
    return theta - lr * g**2
"""


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, object]]:
    status = run(["prove", *arguments, "--json"])
    return status, json.loads(capsys.readouterr().out)


def test_a_map_that_is_found_proves(capsys: pytest.CaptureFixture[str]) -> None:
    status, content = answer(capsys, "momentum_ema", "momentum")
    assert (status, content["verdict"], content["relation"]) == (0, "proved", "hyperparameter_map")
    assert content["maps"] == {"B.lr": "A.lr * (1 - A.beta)", "B.v": "A.lr * A.v"}
    assert (content["a"], content["b"]) == ("momentum_ema", "momentum")


def test_a_map_may_be_given(capsys: pytest.CaptureFixture[str]) -> None:
    status, content = answer(capsys, "momentum_ema", "momentum", "--where", "B.lr = A.lr*(1-A.beta); B.v = A.lr*A.v")
    assert (status, content["verdict"]) == (0, "proved")


def test_a_condition_may_be_given(capsys: pytest.CaptureFixture[str]) -> None:
    status, content = answer(capsys, "momentum", "gradient_descent", "--where", "beta=0")
    assert (status, content["verdict"]) == (1, "conditional")


def test_where_rules_part_the_run_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["prove", "adam", "adam_eps_hat", "--where", "eps = 1/2, beta2 = 1/2"]) == 1
    out = capsys.readouterr().out
    assert "<- here they part" in out
    assert "\x1b" not in out


def test_the_run_is_a_script_too_when_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, script in (([], False), (["--python"], True), (["--python", "--explain"], True)):
        run(["prove", "adam", "adam_eps_hat", *arguments])
        out, err = capsys.readouterr()
        assert ("from fractions import Fraction" in out) is script
        assert err == ("" if script else "--python prints the same run as a script\n")
    run(["prove", "momentum_ema", "momentum"])
    assert capsys.readouterr().err == ""
    _, content = answer(capsys, "adam", "adam_eps_hat")
    assert "from fractions import Fraction" in json.dumps(content)


def test_a_schedule_is_no_place_for_choices_under_constant_ones(capsys: pytest.CaptureFixture[str]) -> None:
    for pair in (("momentum", "momentum_lr_outside"), ("nesterov", "momentum"), ("momentum_ema", "nesterov")):
        _, content = answer(capsys, *pair, "--schedule", "lr")
        assert content["branches"] == []


def test_expected_and_actual_are_exact_with_a_decimal_beside(capsys: pytest.CaptureFixture[str]) -> None:
    _, content = answer(capsys, "adam", "adam_eps_hat")
    shown = content["counterexample"]
    assert isinstance(shown, dict)
    assert shown["expected"] == {"exact": "1/2", "decimal": 0.5}
    assert shown["actual"] == {"exact": "2 / (sqrt(2) + 2)", "decimal": pytest.approx(0.58578643762)}
    assert shown["hyperparameters"]["a"]["beta1"] == {"exact": "1/2", "decimal": 0.5}


def test_rules_of_a_file_are_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "own.py"
    file.write_text(CONTRIVED)
    status, content = answer(capsys, f"{file}::one", f"{file}::other")
    assert (status, content["verdict"]) == (1, "refuted")


def test_explain_says_what_was_tried(capsys: pytest.CaptureFixture[str]) -> None:
    run(["prove", "adam", "adam_eps_hat"])
    assert "\ntried\n" not in capsys.readouterr().out
    run(["prove", "adam", "adam_eps_hat", "--explain"])
    assert "\ntried\n  " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["adam", "adm"], "no rule 'adm'; did you mean"),
        (["adam", "adam", "--where", "eps"], "--where 'eps': it is not an equation"),
        (["adam", "adam", "--where", "B.lr = A.lrr"], "did you mean A.lr?"),
        (["adam", "ewma"], "adam and ewma are not comparable"),
        (["adam"], "Missing argument 'B'"),
    ],
)
def test_what_cannot_be_asked_is_one_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert run(["prove", *arguments]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert message in err


def test_a_limit_exceeded_is_an_answer(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def slow(*_: object, **__: object) -> None:
        raise LimitExceeded("took longer than 10 s and was ended")

    monkeypatch.setattr(proving, "in_worker", slow)
    assert run(["prove", "adam", "adam", "--explain"]) == 3
    out = capsys.readouterr().out
    assert out.startswith("unknown: the prover took longer than 10 s and was ended\ntried\n")


@pytest.mark.parametrize(
    ("rules", "status"),
    [(("momentum_ema", "momentum"), 0), (("momentum", "gradient_descent"), 1), (("adam", "adagrad"), 1)],
)
def test_evidence_is_saved_and_checked_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], rules: tuple[str, str], status: int
) -> None:
    file = str(tmp_path / "proof.json")
    assert run(["prove", *rules, "--save", file]) == status
    before = capsys.readouterr().out.splitlines()[0]
    assert run(["prove", "--recheck", file]) == status
    assert capsys.readouterr().out.splitlines()[0] == before
    assert answer(capsys, "--recheck", file)[1]["a"] == rules[0]


def test_a_proof_that_was_changed_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "proof.json"
    run(["prove", "momentum_ema", "momentum", "--save", str(file)])
    file.write_text(file.read_text().replace("lr", "rl"))
    capsys.readouterr()
    assert run(["prove", "--recheck", str(file)]) == 2
    assert capsys.readouterr().err.startswith(f"error: {file}: ")


@pytest.mark.parametrize("content", ["", "[]", "{}", "{" * 5000, "null"])
def test_a_file_that_holds_no_proof_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    file = tmp_path / "proof.json"
    file.write_text(content)
    assert run(["prove", "--recheck", str(file)]) == 2
    assert run(["prove", "--recheck", str(tmp_path / "nowhere")]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 2)


def test_a_proof_is_exported_for_other_provers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "proof.smt2"
    assert run(["prove", "momentum_ema", "momentum", "--smtlib", str(file)]) == 0
    assert file.read_text().count("(check-sat)") > 1
    nothing = tmp_path / "nothing.smt2"
    assert run(["prove", "adam", "adagrad", "--smtlib", str(nothing)]) == 1
    assert "nothing.smt2 is not written: the answer is refuted" in capsys.readouterr().err
    assert not nothing.exists()


def test_a_recheck_takes_no_rules(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["prove", "adam", "adam", "--recheck", "x"]) == 2
    assert "--recheck stands alone" in capsys.readouterr().err


def test_names_of_schedules_are_given_together_or_apart() -> None:
    assert scheduled(["lr, beta", "lr", ""]) == ("lr", "beta")


def test_the_answer_is_the_same_in_every_process() -> None:
    command = [sys.executable, "-m", "derive.cli", "prove", "adam_l2", "adamw", "--json"]
    runs = [subprocess.run(command, capture_output=True, text=True, check=False).stdout for _ in range(2)]
    assert runs[0] == runs[1] != ""


def test_code_that_is_no_rule_is_for_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, text in (("notes.md", "w -= lr * dw"), ("own.py", "def f(w, dw, lr):\n    return w - lr * dw")):
        (tmp_path / name).write_text(text)
    for code in (f"{tmp_path}/notes.md", f"{tmp_path}/own.py::f"):
        assert run(["prove", code, "gradient_descent"]) == 2
        err = capsys.readouterr().err
        assert err.endswith(f"code as it is found is read by `derive check {code} --against gradient_descent`\n")
        assert err.count("\n") == 1
