"""Frozen dataclasses with expressions in them as JSON, and back, by the types of their fields.

Nothing is looked up by a name that stands in a document, but for a closed list of classes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from fractions import Fraction
from functools import lru_cache
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from derive.expr import Apply, Expr, Number, Symbol, fold
from derive.ops import OPS

CLASS = "is"
MOST_NODES = 100_000
NUMBER = re.compile(r"-?[0-9]{1,4000}(/[0-9]{1,4000})?")


class Malformed(Exception):
    """The document does not say what it should."""


class Packer:
    """Turns objects into plain data; expressions go into `nodes`, shared parts once."""

    def __init__(self) -> None:
        self.nodes: list[list[Any]] = []
        self._places: dict[Expr, int] = {}

    def packed(self, value: Any) -> Any:
        if isinstance(value, Expr):
            return self._place(value)
        if isinstance(value, Fraction):
            return str(value)
        if isinstance(value, Mapping):
            return {name: self.packed(inner) for name, inner in value.items()}
        if isinstance(value, frozenset):
            return sorted(value)
        if isinstance(value, tuple):
            return [self.packed(inner) for inner in value]
        if value is None or isinstance(value, str | int):
            return value
        return {CLASS: type(value).__name__} | {n: self.packed(getattr(value, n)) for n in _fields(type(value))}

    def _place(self, expr: Expr) -> int:
        [place] = fold(
            [expr],
            symbol=lambda s: self._kept(s, lambda: ["symbol", s.name]),
            number=lambda n: self._kept(n, lambda: ["number", str(n.value)]),
            apply=lambda node, args: self._kept(node, lambda: [node.op, *args]),
        )
        return place

    def _kept(self, node: Expr, row: Any) -> int:
        if node not in self._places:
            self._places[node] = len(self.nodes)
            self.nodes.append(row())
        return self._places[node]


class Unpacker:
    """Turns plain data into objects of expected types; raises Malformed where it is anything else."""

    def __init__(self, rows: Sequence[Sequence[Any]]) -> None:
        _expect(isinstance(rows, list) and len(rows) <= MOST_NODES, "no table of expressions")
        self.nodes: list[Expr] = []
        for row in rows:
            self.nodes.append(self._node(row))

    def unpacked(self, value: Any, hint: Any) -> Any:
        """The object of the type `hint` (or of one of several classes) that the plain data describe."""
        if isinstance(hint, tuple):
            return self._one_of(value, hint)
        origin, args = get_origin(hint), get_args(hint)
        if origin in (Union, UnionType):
            return self._one_of(value, args)
        if origin is not None:
            return self._collection(value, origin, args)
        if hint is Expr:
            return self._at(value)
        if hint is Fraction:
            return _fraction(value)
        if hint in (str, int, bool, type(None)):
            _expect(type(value) is hint, f"{value!r} is no {hint.__name__}")
            return value
        return self._one_of(value, (hint,))

    def _node(self, row: Any) -> Expr:
        _expect(isinstance(row, list) and len(row) > 1, "no expression")
        op, *args = row
        if op == "symbol":
            _expect(isinstance(args[0], str), "no name")
            return Symbol(args[0])
        if op == "number":
            return Number(_fraction(args[0]))
        _expect(isinstance(op, str) and op in OPS, f"no operation {op!r}")
        return Apply(op, tuple(self._at(place) for place in args))

    def _at(self, place: Any) -> Expr:
        _expect(type(place) is int and 0 <= place < len(self.nodes), f"no expression {place!r}")
        found: Expr = self.nodes[place]
        return found

    def _one_of(self, value: Any, hints: Sequence[Any]) -> Any:
        if isinstance(value, dict) and CLASS in value:
            for hint in hints:
                if getattr(hint, "__name__", "") == value[CLASS] and hasattr(hint, "__dataclass_fields__"):
                    return self._object(value, hint)
            raise Malformed(f"{value[CLASS]!r} does not belong here")
        if value is None and type(None) in hints:
            return None
        plain = [hint for hint in hints if not hasattr(hint, "__dataclass_fields__") and hint is not type(None)]
        _expect(len(plain) == 1, "something else belongs here")
        return self.unpacked(value, plain[0])

    def _object(self, value: Mapping[str, Any], cls: type) -> Any:
        hints = _hints(cls)
        _expect(set(value) == {CLASS, *_fields(cls)}, f"{cls.__name__} has other fields")
        return cls(**{name: self.unpacked(value[name], hints[name]) for name in _fields(cls)})

    def _collection(self, value: Any, origin: Any, args: tuple[Any, ...]) -> Any:
        if origin is Mapping:
            _expect(isinstance(value, dict), "no mapping")
            return {name: self.unpacked(inner, args[1]) for name, inner in value.items()}
        _expect(isinstance(value, list), "no sequence")
        if origin is frozenset:
            return frozenset(self.unpacked(inner, args[0]) for inner in value)
        if args[-1] is Ellipsis:
            return tuple(self.unpacked(inner, args[0]) for inner in value)
        _expect(len(value) == len(args), "a sequence of another length")
        return tuple(self.unpacked(inner, hint) for inner, hint in zip(value, args, strict=True))


def _fields(cls: type) -> tuple[str, ...]:
    """What makes an object what it is; where it came from does not."""
    return tuple(f.name for f in fields(cls) if f.compare)


@lru_cache(maxsize=64)
def _hints(cls: type) -> dict[str, Any]:
    return get_type_hints(cls)


def _fraction(value: Any) -> Fraction:
    _expect(isinstance(value, str) and NUMBER.fullmatch(value) is not None, "no number")
    try:
        return Fraction(value)
    except (ValueError, ZeroDivisionError) as fault:  # too many digits for Python, or a zero below
        raise Malformed("no number") from fault


def _expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Malformed(otherwise)
