"""Optimizer rules: read once as their papers write them, derived, proved and compiled.

`rule` is bound here to the decorator, eagerly, since `derive.rule` is also a module.
"""

from __future__ import annotations

from derive.language import rule
from derive.rule import Rule


def rules() -> tuple[Rule, ...]:
    """Every rule of the library, in the order they are shown."""
    from derive.library.lookup import rules as library

    return library()


__all__ = ["Rule", "rule", "rules"]
