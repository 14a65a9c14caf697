"""Every example in the README and in docs/ is run, every link followed.

A page is a doctest as it stands, ```console blocks are command lines of `derive` with what they print, and
```python blocks are rule files, ```text blocks are pasted code; one after <!-- file: NAME --> is there for the command
lines under that name. A page with <!-- needs: MODULES --> is left out where one of them is not installed.
"""

from __future__ import annotations

import ast
import doctest
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

import pytest

from derive.claims import LEDGER
from derive.cli.application import run
from derive.library.lookup import find_rule

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/*.md"))]
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@dataclass(frozen=True)
class Block:
    """A fenced block: where it stands, its language, its text, the name of the file it is."""

    page: Path
    line: int
    language: str
    text: str
    file: str | None

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def blocks(language: str) -> list[Block]:
    pattern = re.compile(r"(?:^<!-- file: (\S+) -->\n)?^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    found = []
    for page in PAGES:
        text = page.read_text("utf-8")
        for match in pattern.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            found.append(Block(page, line, match[2], match[3], match[1]))
    return [block for block in found if block.language == language]


@pytest.mark.parametrize("page", sorted({block.page for block in blocks("pycon")}), ids=lambda page: page.name)
def test_python_examples_print_what_they_say(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for needed in re.findall(r"^<!-- needs: (.*) -->$", page.read_text("utf-8"), re.MULTILINE):
        for module in needed.split():
            pytest.importorskip(module)
    results = doctest.testfile(str(page), module_relative=False, optionflags=OPTIONS)
    assert results.attempted
    assert not results.failed, capsys.readouterr().out


@pytest.mark.parametrize("block", blocks("console"), ids=str)
def test_command_lines_print_what_they_say(
    block: Block, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    given = [*blocks("python"), *blocks("text")]
    for file in (b for b in given if b.page == block.page and b.file is not None):
        Path(file.file or "").write_text(file.text, "utf-8")
    for command, expected in re.findall(r"^\$ derive (.*)\n((?:(?!\$ ).*\n)*)", block.text, re.MULTILINE):
        run(shlex.split(command))
        printed = capsys.readouterr().out
        assert doctest.OutputChecker().check_output(expected, printed, OPTIONS), printed


@pytest.mark.parametrize("block", blocks("python"), ids=str)
def test_rules_in_examples_can_be_read(block: Block, tmp_path: Path) -> None:
    file = tmp_path / "example.py"
    file.write_text(block.text, "utf-8")
    names = [node.name for node in ast.parse(block.text).body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    assert [find_rule(f"{file}::{name}").name for name in names] == names


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
    assert [t for t in targets if "://" not in t and not (page.parent / t).exists()] == []


def test_every_page_is_reached_from_the_readme() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert [page.name for page in PAGES if page.parent.name == "docs" and f"(docs/{page.name})" not in readme] == []


def test_paths_that_the_pages_name_exist() -> None:
    named = {
        path for page in PAGES for path in re.findall(r"`((?:derive|kernels|docs)/[\w/.]+)`", page.read_text("utf-8"))
    }
    assert sorted(path for path in named if not (ROOT / path).exists()) == []


def test_claims_that_the_pages_name_are_in_the_ledger() -> None:
    named = {name for page in PAGES for name in re.findall(r"`(?:derive claims )?(C\d{3})`", page.read_text("utf-8"))}
    assert named
    assert sorted(named - {claim.id for claim in LEDGER}) == []
