"""The pre-commit hook runs a command that there is, and the configuration that the README shows fits it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from derive.cli.application import run

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "docs/prover.md")


def hook() -> dict[str, str]:
    """The one hook's plain keys."""
    text = (ROOT / ".pre-commit-hooks.yaml").read_text("utf-8")
    assert len(re.findall(r"^- id:", text, re.MULTILINE)) == 1
    return dict(re.findall(r"^[- ] (\w+): (\S.*)$", text, re.MULTILINE))


def configured(page: str) -> tuple[str, list[str]]:
    """The hook's id and the arguments in the page's example."""
    [block] = re.findall(r"^```yaml\n(.*?)^```$", (ROOT / page).read_text("utf-8"), re.MULTILINE | re.DOTALL)
    [name], [arguments] = re.findall(r"id: ([\w-]+)", block), re.findall(r"args: \[(.*?)\]", block)
    return name, [argument.strip() for argument in arguments.split(",")]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(("decay", "share", "status"), [("b2", "b2", 0), ("b1", "b2", 1), ("b2", "b1", 1)])
def test_the_hook_holds_while_the_code_is_the_rule(
    page: str, decay: str, share: str, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, arguments = configured(page)
    assert name == hook()["id"]
    assert hook()["pass_filenames"] == "false"  # the arguments name the file
    path, _, function = arguments[0].partition("::")
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).write_text(ADAM.format(function=function, decay=decay, share=share))
    monkeypatch.chdir(tmp_path)
    command, *words = shlex.split(hook()["entry"])
    assert command == "derive"
    assert run([*words, *arguments]) == status


ADAM = """
def {function}(w, dw, m, v, t, lr=0.001, b1=0.9, b2=0.999, eps=1e-8):
    m = b1 * m + (1 - b1) * dw
    v = b2 * v + (1 - {share}) * dw**2
    w = w - lr * (m / (1 - b1**t)) / ((v / (1 - {decay}**t))**0.5 + eps)
    return w, m, v
"""
