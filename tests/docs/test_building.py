"""What Sphinx itself does with formulas and figures: shown, or said to be wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

for package in ("sphinx", "myst_parser", "math_core", "matplotlib"):
    pytest.importorskip(package, reason=f"the extra `docs` is not installed: no {package}")

ROOT = Path(__file__).parents[2]
CONF = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from docs.site import figures, mathml
extensions = ["myst_parser"]
html_math_renderer = "mathml"
def setup(app):
    mathml.setup(app)
    figures.setup(app)
"""
GOOD = """# Page

So {math}`m_{t} = \\beta \\, m_{t-1}`, and

```{math}
W_{t} \\to 1
```

```{drawn} tests.docs.test_pages:a_figure(steps=5)
:alt: a line that rises

The line, {math}`\\beta` times.
```

```{drawn} tests.docs.test_pages:a_figure(0)
:alt: nothing
```
"""


def built(folder: Path, page: str) -> subprocess.CompletedProcess[str]:
    (folder / "conf.py").write_text(CONF, "utf-8")
    (folder / "index.md").write_text(page, "utf-8")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", ".", "built"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_formulas_and_figures_are_shown(tmp_path: Path) -> None:
    done = built(tmp_path, GOOD)
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "built" / "index.html").read_text("utf-8")
    assert text.count("<math>") == 2
    assert '<div class="formula"><math display="block">' in text
    assert text.count('alt="a line that rises"') == 1
    assert text.count("<figure") == 1
    assert [path.suffix for path in (tmp_path / "built" / "_images").iterdir()] == [".svg"]


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("# P\n\n{math}`\\nosuchcommand`", "a formula can't be shown"),
        ('# P\n\n```{drawn} tests.docs.test_pages:a_figure(open("x"))\n```', "no list of literals"),
        ("# P\n\n```{drawn} tests.docs.test_pages:nothing\n```", "no function tests.docs.test_pages:nothing"),
    ],
)
def test_what_cannot_be_shown_is_an_error(page: str, said: str, tmp_path: Path) -> None:
    done = built(tmp_path, page)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
