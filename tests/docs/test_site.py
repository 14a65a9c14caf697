"""The site is built without a warning, asks no other host for anything, and can be read in a browser."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.docs.browser import PHONE, chromium, look

for package in ("sphinx", "myst_parser", "furo", "math_core", "matplotlib"):
    pytest.importorskip(package, reason=f"the extra `docs` is not installed: no {package}")

ROOT = Path(__file__).parents[2]
RULES = ("ewma", "momentum", "momentum_ema")
CLAIMS = ("C005", "C022")
BROWSER = chromium()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site with the pages of a few rules, built from a copy of docs/."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(
        ROOT / "docs", folder / "docs", ignore=shutil.ignore_patterns("rules", "ledger", "figures", "__pycache__")
    )
    shutil.copy(ROOT / "README.md", folder)
    chosen = ["-D", f"site_rules={','.join(RULES)}", "-D", f"site_claims={','.join(CLAIMS)}"]
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-n", *chosen]
    done = subprocess.run(
        [*command, "docs", "built"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return folder / "built"


def pages(site: Path) -> list[str]:
    return sorted(path.relative_to(site).as_posix() for path in site.rglob("*.html"))


def test_every_rule_has_its_page_and_every_prose_page_is_there(site: Path) -> None:
    prose = {f"{path.stem}.html" for path in (ROOT / "docs").glob("*.md")}
    made = {f"rules/{name}.html" for name in (*RULES, "index")} | {f"ledger/{name}.html" for name in (*CLAIMS, "index")}
    assert prose | made <= {*pages(site)}


def test_a_rule_is_shown_with_its_steps_its_siblings_and_its_kernel(site: Path) -> None:
    text = (site / "rules" / "momentum.html").read_text("utf-8")
    [(proved, checked)] = re.findall(r"(\d+) of (\d+) steps of its derivations are proved", text)
    derived = text.partition('id="beside-its-siblings"')[0]
    assert proved == checked == str(derived.count('class="verdict proved"'))
    assert 'href="momentum_ema.html"' in text
    assert "<math" in text
    assert "Proved equal to the rule over the reals" in text


class Resources(HTMLParser):
    """What a page loads by itself; a link that one follows is not that."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = ("src", "srcset", "poster", "data") if tag != "link" else ("href",)
        self.found += [value for name, value in attrs if name in names and value]


def elsewhere(text: str) -> list[str]:
    """The resources of a page that are not its own host's."""
    parser = Resources()
    parser.feed(text)
    return [address for address in parser.found if re.match(r"(?:[a-z]+:)?//", address)]


def test_no_page_and_no_style_loads_anything_from_another_host(site: Path) -> None:
    assert {page: elsewhere((site / page).read_text("utf-8")) for page in pages(site)} == {p: [] for p in pages(site)}
    for style in site.rglob("*.css"):
        assert not re.search(r"""(?:url\(|@import)\s*["']?(?:https?:)?//""", style.read_text("utf-8")), style


def test_what_a_page_loads_is_told_from_what_it_links_to() -> None:
    assert elsewhere('<a href="https://a.org">a</a><img src="b.svg"><link rel="stylesheet" href="c.css">') == []
    loading = '<img src="//a.org/b.png"><script src="https://c.org/d.js"></script><link href="http://e.org">'
    assert elsewhere(loading) == ["//a.org/b.png", "https://c.org/d.js", "http://e.org"]


@pytest.mark.skipif(BROWSER is None, reason="no Chromium here")
def test_a_browser_finds_everything_and_complains_of_nothing_and_a_phone_shows_it(site: Path, tmp_path: Path) -> None:
    seen = look(BROWSER or "", site, pages(site), tmp_path / "profile")
    assert (seen.missing, seen.console) == ([], [])
    assert [page["page"][1:] for page in seen.pages] == pages(site)
    assert [page for page in seen.pages if page["wide"] > PHONE or page["unseen"]] == []
    assert sum(page["formulas"] for page in seen.pages) > 100


@pytest.mark.skipif(BROWSER is None, reason="no Chromium here")
def test_the_browser_tells_what_is_wrong_with_a_page(tmp_path: Path) -> None:
    wrong = {
        "host": '<img src="http://localhost:9/a.png">',
        "missing": '<img src="nowhere.png">',
        "error": "<script>nothing.there()</script>",
        "wide": '<p style="width: 900px">wide</p>',
    }
    for name, text in wrong.items():
        (tmp_path / f"{name}.html").write_text(f"<!doctype html><title>{name}</title>{text}", "utf-8")
    seen = look(BROWSER or "", tmp_path, [f"{name}.html" for name in wrong], tmp_path / "profile")
    assert seen.missing == ["/nowhere.png"]
    assert any("localhost:9" in line for line in seen.console)
    assert any("nothing is not defined" in line for line in seen.console)
    assert [page["wide"] > PHONE for page in seen.pages] == [False, False, False, True]
