"""Maps and conditions in words, in the notation that `--where` reads."""

from __future__ import annotations

from collections.abc import Mapping

from derive.expr import Expr, Symbol, substitute, symbols, to_text
from derive.proving.obligations import HIS
from derive.relating.searching.solving import Maps


def maps_text(maps: Maps, *, source: str = "A", target: str = "B") -> dict[str, str]:
    """What the map changes: {"B.lr": "A.lr * (1 - A.beta)"}; names that stay as they are are left out."""
    changed = {
        name: e for name, e in {**maps.hyperparameters, **maps.states}.items() if e is not Symbol(name)
    }  # fmt: skip
    return {f"{target}.{name}": prefixed(e, source, target) for name, e in changed.items()}


def prefixed(value: Expr, source: str, target: str) -> str:
    """The expression with its names said to be those of one side; t is the same on both."""
    names = {n: Symbol(f"{source}.{n}") for n in symbols(value) if n != "t" and not n.startswith(HIS)}
    names |= {n: Symbol(f"{target}.{n.removeprefix(HIS)}") for n in symbols(value) if n.startswith(HIS)}
    return to_text(substitute([value], names)[0])


def condition_text(condition: Mapping[str, Expr], while_defined: bool = False) -> str:
    """`eps = 0 and beta1 = beta2`."""
    parts = [f"{name} = {to_text(value)}" for name, value in condition.items()]
    return " and ".join([*parts, *(["both sides are defined at every step"] if while_defined else [])])
