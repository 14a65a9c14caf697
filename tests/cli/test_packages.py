"""Another package called `kernels` is noticed before it is imported, and named."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from derive.cli.packages import require_own_kernels
from derive.errors import UserError


def test_our_own_package_is_accepted() -> None:
    require_own_kernels()


@pytest.mark.parametrize("module", ["__init__.py", "anything.py"], ids=["package", "namespace package"])
def test_another_package_of_the_same_name_is_named_and_not_imported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, module: str
) -> None:
    (tmp_path / "kernels").mkdir()
    (tmp_path / "kernels" / module).write_text("raise AssertionError('imported')")
    monkeypatch.delitem(sys.modules, "kernels", raising=False)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    with pytest.raises(UserError, match="another package shadows `kernels`") as caught:
        require_own_kernels()
    assert caught.value.where == str(tmp_path / "kernels")


def test_a_missing_package_is_an_error_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "kernels", raising=False)
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setattr(sys, "path_hooks", [])
    with pytest.raises(UserError, match="not installed"):
        require_own_kernels()
