"""The one kind of error a user sees: what is wrong, where, and how to fix it, on one line."""

from __future__ import annotations


class UserError(Exception):
    """Input that cannot be used. `str()` is one line; the parts are kept for `--json`."""

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        self.what, self.where, self.fix = what, where, fix
        super().__init__((f"{where}: " if where else "") + what + (f"; {fix}" if fix else ""))
