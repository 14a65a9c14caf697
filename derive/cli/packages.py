"""Whether `kernels` is the package of this distribution: PyPI has another one of the same name."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import derive
from derive.errors import UserError

REINSTALL = "uninstall the other package, or use a virtual environment of its own, and install derive-kernels again"


def require_own_kernels() -> None:
    """Raise a `UserError` unless the `kernels` that would be imported lies beside `derive`. Imports nothing."""
    spec = find_spec("kernels")
    if spec is None:
        raise UserError("the package `kernels` of derive-kernels is not installed", fix=REINSTALL)
    found = Path(spec.origin).parent if spec.origin else Path(next(iter(spec.submodule_search_locations or [""])))
    expected = Path(derive.__file__).parent.parent / "kernels"
    if found.resolve() != expected.resolve():
        raise UserError("another package shadows `kernels` of derive-kernels", where=str(found), fix=REINSTALL)
