"""The one expression graph: symbols, exact rationals, and operations of the table in `derive.ops`.

Nodes are hash-consed: structurally equal expressions are the same object, so a shared
subexpression is stored, proved and computed once, and `is` is structural equality.
Nothing here simplifies: an expression stays as its author wrote it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from fractions import Fraction
from typing import TypeVar
from weakref import WeakValueDictionary

from derive.ops import OPS, TRUTHS, takes_truth

T = TypeVar("T")
Operand = "Expr | int | Fraction"


class Expr:
    """A node of the graph. Build with `Symbol`, `Number`, `apply` and Python's operators."""

    __slots__ = ("__weakref__",)

    def __add__(self, other: Expr | int | Fraction) -> Expr:
        return apply("add", self, other)

    def __radd__(self, other: int | Fraction) -> Expr:
        return apply("add", other, self)

    def __sub__(self, other: Expr | int | Fraction) -> Expr:
        return apply("sub", self, other)

    def __rsub__(self, other: int | Fraction) -> Expr:
        return apply("sub", other, self)

    def __mul__(self, other: Expr | int | Fraction) -> Expr:
        return apply("mul", self, other)

    def __rmul__(self, other: int | Fraction) -> Expr:
        return apply("mul", other, self)

    def __truediv__(self, other: Expr | int | Fraction) -> Expr:
        return apply("div", self, other)

    def __rtruediv__(self, other: int | Fraction) -> Expr:
        return apply("div", other, self)

    def __pow__(self, other: Expr | int | Fraction) -> Expr:
        return apply("pow", self, other)

    def __neg__(self) -> Expr:
        return apply("neg", self)

    def __repr__(self) -> str:
        return to_text(self)


class Symbol(Expr):
    """A named real (or, where its domain says so, whole) number."""

    __slots__ = ("name",)
    name: str

    def __new__(cls, name: str) -> Symbol:
        node = _NODES.get(("symbol", name))
        if node is None:
            node = super().__new__(cls)
            node.name = name
            node = _NODES.setdefault(("symbol", name), node)
        assert isinstance(node, Symbol)
        return node

    def __reduce__(self) -> tuple[type[Symbol], tuple[str]]:
        return Symbol, (self.name,)


class Number(Expr):
    """An exact rational constant."""

    __slots__ = ("value",)
    value: Fraction

    def __new__(cls, value: int | Fraction | str) -> Number:
        exact = Fraction(value)
        node = _NODES.get(("number", exact))
        if node is None:
            node = super().__new__(cls)
            node.value = exact
            node = _NODES.setdefault(("number", exact), node)
        assert isinstance(node, Number)
        return node

    def __reduce__(self) -> tuple[type[Number], tuple[Fraction]]:
        return Number, (self.value,)


class Apply(Expr):
    """An operation of the table applied to its arguments."""

    __slots__ = ("args", "op")
    op: str
    args: tuple[Expr, ...]

    def __new__(cls, op: str, args: tuple[Expr, ...]) -> Apply:
        node = _NODES.get((op, args))
        if node is None:
            if len(args) != OPS[op].arity:
                raise TypeError(f"{op} takes {OPS[op].arity} arguments, not {len(args)}")
            for position, arg in enumerate(args):
                if not isinstance(arg, Symbol) and is_truth(arg) is not takes_truth(op, position):
                    raise TypeError(f"{op} takes no {'truth value' if is_truth(arg) else 'number'} at place {position}")
            node = super().__new__(cls)
            node.op, node.args = op, args
            node = _NODES.setdefault((op, args), node)
        assert isinstance(node, Apply)
        return node

    def __reduce__(self) -> tuple[type[Apply], tuple[str, tuple[Expr, ...]]]:
        return Apply, (self.op, self.args)


def is_truth(node: Expr) -> bool:
    """Whether the node is a condition; of a symbol alone this is not known."""
    return isinstance(node, Apply) and node.op in TRUTHS


_NODES: WeakValueDictionary[object, Expr] = WeakValueDictionary()


def as_expr(value: Expr | int | Fraction) -> Expr:
    """An expression as it is; an exact number as a `Number`. Floats are refused: they are not exact."""
    if isinstance(value, Expr):
        return value
    if isinstance(value, int | Fraction):
        return Number(value)
    raise TypeError(f"{value!r} is not an exact number; write it as a Fraction")


def apply(op: str, *args: Expr | int | Fraction) -> Expr:
    """The node `op(*args)`; `op` is a name of the table of operations."""
    return Apply(op, tuple(as_expr(a) for a in args))


def fold(
    roots: Iterable[Expr],
    *,
    symbol: Callable[[Symbol], T],
    number: Callable[[Number], T],
    apply: Callable[[Apply, tuple[T, ...]], T],
) -> list[T]:
    """Evaluate every root bottom-up, each shared node once, without recursion."""
    wanted = list(roots)
    done: dict[Expr, T] = {}
    stack = wanted[::-1]
    while stack:
        node = stack[-1]
        if node in done:
            stack.pop()
        elif isinstance(node, Apply):
            above = len(stack)
            for arg in reversed(node.args):
                if arg not in done:
                    stack.append(arg)
            if len(stack) == above:
                done[node] = apply(node, tuple([done[arg] for arg in node.args]))
                stack.pop()
        else:
            done[node] = symbol(node) if isinstance(node, Symbol) else number(node)  # type: ignore[arg-type]
            stack.pop()
    return [done[r] for r in wanted]


def nodes(roots: Iterable[Expr]) -> tuple[Expr, ...]:
    """Every distinct node below the roots, arguments before the operations that use them."""
    order: list[Expr] = []

    def keep(node: Expr, *_: object) -> Expr:
        order.append(node)
        return node

    fold(roots, symbol=keep, number=keep, apply=keep)
    return tuple(order)


def symbols(*roots: Expr) -> frozenset[str]:
    """The names that occur below the roots."""
    return frozenset(n.name for n in nodes(roots) if isinstance(n, Symbol))


NORM, GLOBAL_NORM = "norm", "global_norm"  # of a tensor, and of all tensors that are stepped together
NORMS = frozenset({NORM, GLOBAL_NORM})
GLOBAL = frozenset({GLOBAL_NORM})


def norms_of(*roots: Expr) -> tuple[Apply, ...]:
    """The norms that are taken below the roots, inner ones first."""
    return tuple(n for n in nodes(roots) if isinstance(n, Apply) and n.op in NORMS)


def norms_in(*roots: Expr) -> tuple[Expr, ...]:
    """What norms are taken of below the roots: where there are any, coordinates are not alone."""
    return tuple(n.args[0] for n in norms_of(*roots))


def is_uniform(root: Expr, names: Collection[str], norms: Collection[str] = NORMS) -> bool:
    """Whether it is one number for a whole tensor where these names are: whatever else it has is inside of norms.

    With `norms=GLOBAL`, whether it is one number for all tensors: a norm of one of them is not.
    """
    [found] = fold(
        [root],
        symbol=lambda s: s.name in names,
        number=lambda _: True,
        apply=lambda node, args: node.op in norms if node.op in NORMS else all(args),
    )
    return found


def of_one_element(root: Expr) -> Expr:
    """What it is for a tensor of one element: there, alone, a norm is an absolute value."""
    [found] = fold(
        [root],
        symbol=lambda s: s,
        number=lambda n: n,
        apply=lambda node, args: Apply("abs" if node.op in NORMS else node.op, args),
    )
    return found


def substitute(roots: Iterable[Expr], values: Mapping[str, Expr]) -> list[Expr]:
    """The roots with every symbol named in `values` replaced, all at once."""
    return fold(
        roots,
        symbol=lambda s: values.get(s.name, s),
        number=lambda n: n,
        apply=lambda node, args: node if args == node.args else Apply(node.op, args),
    )


INFIX = {"or": ("or", 1), "and": ("and", 2), "lt": ("<", 4), "le": ("<=", 4), "gt": (">", 4), "ge": (">=", 4),
          "eq": ("==", 4), "ne": ("!=", 4), "add": ("+", 5), "sub": ("-", 5), "mul": ("*", 6), "div": ("/", 6),
          "pow": ("**", 8)}  # fmt: skip
_NOT, _COMPARISON, _FRACTION, _NEGATION, _ATOM = 3, 4, 6, 7, 10


def to_text(root: Expr) -> str:
    """The expression in the rule language, with no more brackets than it needs."""
    return fold([root], symbol=lambda s: (s.name, _ATOM), number=_number_text, apply=_apply_text)[0][0]


LONGEST_NUMBER_BITS = 10_000  # beyond, Python refuses to write decimals


def _number_text(number: Number) -> tuple[str, int]:
    value = number.value
    if max(abs(value.numerator), value.denominator).bit_length() > LONGEST_NUMBER_BITS:
        return f"({hex(value.numerator)} / {hex(value.denominator)})", _ATOM
    if value.denominator == 1:
        return str(value), _ATOM if value >= 0 else _NEGATION
    return decimal_text(value) or str(value), (_ATOM if value >= 0 else _NEGATION) if decimal_text(value) else _FRACTION


def decimal_text(value: Fraction) -> str | None:
    """The fraction as a finite decimal (`1e-8`, `0.999`), or None where it has none."""
    denominator, digits = value.denominator, 0
    while denominator % 10 == 0:
        denominator, digits = denominator // 10, digits + 1
    while denominator > 1:
        step = 2 if denominator % 2 == 0 else 5 if denominator % 5 == 0 else 0
        if not step:
            return None
        denominator, digits = denominator // step, digits + 1
    if digits > 30:
        return None
    if abs(value) < 1 << 1000 and Fraction(short := repr(float(value))) == value:
        return short
    whole = str(abs(value.numerator) * 10**digits // value.denominator).rjust(digits + 1, "0")
    text = f"{whole[:-digits]}.{whole[-digits:]}" if digits else whole
    return text if value >= 0 else f"-{text}"


LONGEST_TEXT = 20_000  # a shared graph can be exponentially longer in writing than in memory


def _apply_text(node: Apply, args: tuple[tuple[str, int], ...]) -> tuple[str, int]:
    if sum(len(text) for text, _ in args) > LONGEST_TEXT:
        return "…", _ATOM  # nothing reads this back as another expression
    if node.op == "neg":
        return "-" + _bracket(args[0], _NEGATION), _NEGATION
    if node.op == "not":
        return "not " + _bracket(args[0], _NOT), _NOT
    if node.op == GLOBAL_NORM:
        return f'norm({args[0][0]}, over="all")', _ATOM
    if node.op not in INFIX:
        return f"{node.op}({', '.join(text for text, _ in args)})", _ATOM
    sign, level = INFIX[node.op]
    left, right = args
    # Left-associative; comparisons and powers bracket both sides of their own level.
    left_level = level + 1 if level == _COMPARISON or sign == "**" else level
    right_level = level if sign == "**" else level + 1
    spaced = sign if sign == "**" else f" {sign} "
    return _bracket(left, left_level) + spaced + _bracket(right, right_level), level


def _bracket(item: tuple[str, int], level: int) -> str:
    return item[0] if item[1] >= level else f"({item[0]})"
