"""However large, deep or malformed a text is, the answer comes at once and is one line."""

from __future__ import annotations

import re
import time

import pytest

from derive.errors import UserError
from derive.reading.limits import parse
from derive.reading.read import read_path, read_text

HEAD = "def f(theta, g):\n"

GROWS_WITHOUT_BOUND = 30.0  # seconds of the processor; what is bounded takes one


def refusal(text: str) -> str:
    """What is said about a text, within a second and a half."""
    started = time.process_time()
    with pytest.raises(UserError) as error:
        read_text(text, "f", "big.py")
    assert time.process_time() - started < GROWS_WITHOUT_BOUND
    assert "\n" not in str(error.value)
    return str(error.value)


# Where Python's own parser gives up, which depends on its version, there is no line.
@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEAD + "    theta = theta - g\n" * 100_000, "big.py: 2200017 bytes are too many to read"),
        (HEAD + "\n" * 100_000, "big.py: 100002 lines are too many to read"),
        (HEAD + f"    theta = {'(' * 3000}g{')' * 3000}\n", "big.py:2: more than 60 nested brackets"),
        (
            HEAD + f"    theta = {'-' * 3000}g\n",
            r"big.py(:2)?: nested too deeply to be read",
        ),
        (HEAD + f"    theta = {'not ' * 3000}g\n", r"big.py(:2)?: nested too deeply to be read"),
        (HEAD + f"    theta = g{' + g' * 2400}\n", "big.py:2: nested too deeply to be read"),
        (HEAD + f"    theta = g{'**g' * 2400}\n", "big.py:2: nested too deeply to be read"),
        (HEAD + f"    theta = {'g if g else ' * 1000}g\n", "big.py:2: nested too deeply to be read"),
        (HEAD + f"    theta = g{' + g' * 3000}\n", "big.py:2: too long to be read"),
        (HEAD + f"    theta = g * {'9' * 5000}\n", "big.py:2: a number of 5000 characters"),
        (HEAD + "    theta = (g\n", r"big.py:2: not valid Python: '\(' was never closed"),
        (HEAD + "    theta = 'g\n", "big.py:2: not valid Python"),
        (HEAD + "  theta = g\n     theta = g\n", "big.py:3: not valid Python"),
        (HEAD + "    theta = g\0\n", "big.py"),
        ("".join(f"{' ' * i}if g:\n" for i in range(120)), "big.py"),
    ],
)
def test_it_is_refused_at_once(text: str, said: str) -> None:
    assert re.match(said, refusal(text))


def test_a_tower_of_powers_is_not_computed() -> None:
    started = time.process_time()
    rule = read_text(HEAD + "    theta = theta - g * 9**9**9**9\n    return theta", "f")
    assert str(rule.body[0]) == "theta = theta - g * 9**9**9**9"
    assert "not a literal" in refusal("def f(theta, g, *, lr=9**9**9**9):\n    return theta - lr * g")
    assert time.process_time() - started < GROWS_WITHOUT_BOUND


def test_expressions_of_an_ordinary_file_are_within_the_limits() -> None:
    parse(HEAD + f"    theta = g{' + g' * 100}\n" + "    theta = ((((((((g))))))))\n" * 5000, "file.py")


def test_a_text_of_values_doubled_again_and_again_stays_small() -> None:
    doubled = "".join("    g = g * g + g\n" for _ in range(900))
    rule = read_text(HEAD + doubled + "    theta = theta - g\n    return theta", "f")
    assert len(rule.step) == 1


def test_files_that_cannot_be_read(tmp_path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UserError, match="cannot be read: No such file or directory; give the path"):
        read_path(str(tmp_path / "none.py"), "f")
    with pytest.raises(UserError, match="cannot be read: Is a directory"):
        read_path(str(tmp_path), "f")
    (tmp_path / "latin.py").write_bytes(b"# \xe9")
    with pytest.raises(UserError, match="is not UTF-8 text; save it as UTF-8"):
        read_path(str(tmp_path / "latin.py"), "f")
    (tmp_path / "big.py").write_bytes(b"#" * 3_000_000)
    with pytest.raises(UserError, match="bytes are too many to read"):
        read_path(str(tmp_path / "big.py"), "f")
