"""The cache: loaded without proving again, and rebuilt wherever something is wrong with it."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from derive.errors import UserError
from derive.library import LIBRARY
from derive.library.lookup import find_rule
from kernels import compile, driver
from kernels.running import cache
from kernels.running.content import content_key
from kernels.running.library import library_rule

RULE = find_rule("gradient_descent")


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own, and nothing remembered in the process."""
    monkeypatch.setenv("DERIVE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(driver, "_made", {})
    monkeypatch.setattr(cache, "_noticed", set())
    return tmp_path / "cache"


def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "_made", {})


def steps() -> bool:
    theta = np.ones(3, np.float32)
    compile(RULE).step(theta, np.ones(3, np.float32), {}, lr=0.5)
    return np.array_equal(theta, np.full(3, 0.5, np.float32))


def place() -> Path:
    return cache.directory(content_key(RULE, "float32"))


def test_a_kernel_is_kept_with_checksums_for_its_owner_only(empty: Path) -> None:
    assert steps()
    names = sorted(p.name for p in place().iterdir())
    assert names == ["certificate.json", "manifest.json", "parts", "step.code", "step.py"]
    assert place().stat().st_mode & 0o777 == 0o700
    assert set(json.loads((place() / "manifest.json").read_text())["files"]) == set(names) - {"manifest.json"}
    assert [p.name for p in place().parent.iterdir()] == [place().name]


def test_the_second_time_nothing_is_proved_or_compiled(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert steps()
    forget(monkeypatch)
    monkeypatch.setattr(driver, "_built", lambda *_: pytest.fail("built again"))
    assert steps()
    assert compile(RULE).certificate.proved


DAMAGE: dict[str, Callable[[Path], object]] = {
    "truncated code": lambda p: (p / "step.code").write_bytes((p / "step.code").read_bytes()[:100]),
    "empty code": lambda p: (p / "step.code").write_bytes(b""),
    "one flipped bit": lambda p: (p / "step.code").write_bytes(b"\x00" + (p / "step.code").read_bytes()[1:]),
    "edited source": lambda p: (p / "step.py").write_text("raise SystemExit"),
    "no code": lambda p: (p / "step.code").unlink(),
    "no manifest": lambda p: (p / "manifest.json").unlink(),
    "manifest is not JSON": lambda p: (p / "manifest.json").write_text("{"),
    "manifest is a list": lambda p: (p / "manifest.json").write_text("[]"),
    "manifest names another place": lambda p: (p / "manifest.json").write_text('{"files": {"../x": ""}}'),
    "manifest names nothing": lambda p: (p / "manifest.json").write_text('{"files": {}}'),
    "writable by others": lambda p: p.chmod(0o777),
    "code that is not Numba's": lambda p: reseal(p, b"not a pickle"),
}


def reseal(p: Path, code: bytes) -> None:
    """Damage with the right checksum: what another version of a library might leave."""
    (p / "step.code").write_bytes(code)
    manifest = json.loads((p / "manifest.json").read_text())
    manifest["files"]["step.code"] = cache._checksum(code)
    (p / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_cache_is_rebuilt(empty: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    assert steps()
    DAMAGE[name](place())
    forget(monkeypatch)
    assert steps()
    assert cache.fetch(content_key(RULE, "float32")) is not None
    forget(monkeypatch)
    monkeypatch.setattr(driver, "_built", lambda *_: pytest.fail("the damage is still there"))
    assert steps()


def test_damaged_code_is_never_unpickled(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
            return os.system, (f"touch {empty}/trapped",)

    assert steps()
    (place() / "step.code").write_bytes(pickle.dumps(Trap()))
    forget(monkeypatch)
    assert steps()
    assert not (empty / "trapped").exists()


def test_a_place_that_cannot_be_written_gives_one_notice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DERIVE_CACHE_DIR", str(tmp_path / "file" / "below"))
    for _ in range(2):
        assert steps()
        forget(monkeypatch)
    assert [r.levelname for r in caplog.records] == ["WARNING"]
    assert "kept in memory only" in caplog.text


def test_the_notice_is_one_line_without_source(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    process = run(SECOND, tmp_path / "file")
    answer, notice = process.communicate(timeout=120)
    assert answer.strip() == "True False 0.999"
    assert notice == (
        f"kernels are kept in memory only: {tmp_path / 'file'} cannot be written (Not a directory);"
        " let DERIVE_CACHE_DIR name a folder that can\n"
    )


def test_a_place_may_be_named_from_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("DERIVE_CACHE_DIR", "~/kept")
    assert cache.root() == tmp_path / "kept"


SECOND = """
import sys, numpy as np
from kernels import compile
k = compile("adam")
theta = np.ones(3, np.float32)
k.step(theta, theta * 2, k.init(theta), t=1)
print(k.certificate.proved, "sympy" in sys.modules, round(float(theta[0]), 6))
"""


def run(code: str, directory: Path) -> subprocess.Popen[str]:
    root = Path(driver.__file__).parents[1]
    environment = {**os.environ, "DERIVE_CACHE_DIR": str(directory), "PYTHONPATH": str(root)}
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, "-c", code], env=environment, text=True, stdout=pipe, stderr=pipe)


def test_concurrent_writers_and_then_a_second_process_without_sympy(empty: Path) -> None:
    first = [run(SECOND, empty) for _ in range(2)]
    outputs = [p.communicate(timeout=120)[0].strip() for p in first]
    assert outputs == ["True False 0.999"] * 2
    kept = [p for p in (empty / "kernels").iterdir() if not p.name.startswith(".")]
    assert sorted(p.name for k in kept for p in k.iterdir() if p.name in ("rule", "step.code")) == ["rule", "step.code"]
    assert not [p for p in (empty / "kernels").iterdir() if p.name.startswith(".")]
    guarded = "from kernels import driver\ndriver._built = None\n" + SECOND
    assert run(guarded, empty).communicate(timeout=120)[0].strip() == "True False 0.999"


FIRST_USE = """
import sys, numpy as np
from kernels import compile
rows = [np.linspace(0.5, 2, 600000).astype(np.float32) for _ in range(4)]
k = compile("adam")  # functions of C's library, and the loop of large steps
k.step(rows[0], rows[1], {"m": rows[2], "v": rows[3]}, t=2)
heavy = [m for m in ("numba.np.arraymath", "derive.library", "derive.proving", "flint") if m in sys.modules]
print(rows[0].tobytes().hex()[:64], float(rows[0].sum()), *heavy)
"""


def test_a_kernel_of_another_day_needs_no_compiler_reader_or_prover(empty: Path) -> None:
    first, second = (run(FIRST_USE, empty).communicate(timeout=120)[0].split() for _ in range(2))
    assert first[:2] == second[:2]
    assert (len(first), len(second)) == (6, 2)


def test_what_machine_code_asks_for_is_looked_up_before_it_is_linked(
    empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name without an address would end the process."""
    from numba.core.registry import cpu_target

    asked: list[int] = []
    assert steps()
    for known in (1, None):
        forget(monkeypatch)
        monkeypatch.setattr("kernels.running.load.llvm.address_of_symbol", lambda name, known=known: known)
        monkeypatch.setattr(cpu_target.target_context, "refresh", lambda known=known: asked.append(known or 0))
        assert steps()
    assert asked == [0]


def test_a_rule_of_the_library_is_kept_as_it_was_read(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for known in LIBRARY:
        assert pickle.loads(pickle.dumps(known)) == known
    assert library_rule(RULE.name) is RULE
    monkeypatch.delitem(sys.modules, "derive.library")  # as in a process that has not imported it
    kept = library_rule(RULE.name)
    assert kept == RULE
    assert kept is not RULE
    [file] = empty.glob("kernels/*/rule")
    file.write_bytes(b"damaged")
    assert library_rule(RULE.name) is RULE
    with pytest.raises(UserError, match="no rule 'adm'; did you mean"):
        library_rule("adm")


def test_a_debugger_finds_the_source(empty: Path) -> None:
    import linecache

    kernel = compile(RULE)
    path = kernel.stepping.entry.py_func.__code__.co_filename  # type: ignore[attr-defined]
    assert Path(path).read_text() == kernel.source
    assert "def prelude" in "".join(linecache.getlines(path))
