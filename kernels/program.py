"""A rule as a typed program: scalars once per step in float64, then the same few operations on every element.

The expressions are those of `derive.expr`; what a program adds is where each is computed and in
which precision. An expression is an *element* when an array stands below it, otherwise a *scalar*;
a scalar enters an element's operation through `cast`, which rounds it once to the element type.
Every name is assigned once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from derive.expr import Apply, Expr, Number, Symbol, apply, fold, nodes, symbols
from derive.rule import Assignment, inline

TRUTHS = frozenset({"lt", "le", "gt", "ge", "eq", "ne", "and", "or", "not"})


@dataclass(frozen=True)
class Program:
    """What a kernel computes.

    `dtype` is the element type, in which elements are computed. `arrays` are the elements it reads or stores, in the
    order of the kernel's arguments; `parameters` its scalars, `t` first; `stores` says which value each stored array
    receives. `kept` are the arrays that have another type in memory, with this type: exactly converted when they are
    read, and rounded when they are stored, as `rounding` says. Of a
    program that measures norms, `over_all` are those of all tensors.
    """

    name: str
    dtype: str
    arrays: tuple[str, ...]
    parameters: tuple[str, ...]
    prelude: tuple[Assignment, ...]
    body: tuple[Assignment, ...]
    stores: tuple[tuple[str, str], ...]
    kept: tuple[tuple[str, str], ...] = ()
    rounding: str = "nearest"
    over_all: frozenset[str] = frozenset()

    @property
    def elements(self) -> frozenset[str]:
        """The names that hold one value for each element."""
        return frozenset((*self.arrays, *(a.target for a in self.body)))

    @property
    def taken(self) -> frozenset[str]:
        """Every name in use."""
        return self.elements | {*self.parameters, *(a.target for a in self.prelude)}

    @property
    def handed(self) -> tuple[str, ...]:
        """The scalars the elements use, in the order they are computed."""
        used = symbols(*(a.value for a in self.body))
        return tuple(name for name in (*self.parameters, *(a.target for a in self.prelude)) if name in used)

    @property
    def loads(self) -> tuple[str, ...]:
        """The arrays that are read."""
        used = symbols(*(a.value for a in self.body)) | {name for _, name in self.stores}
        return tuple(name for name in self.arrays if name in used)

    def type_of(self, array: str) -> str:
        """The type that an array has in memory."""
        return dict(self.kept).get(array, self.dtype)

    @property
    def drawn(self) -> bool:
        """Whether anything is rounded by random bits."""
        return self.rounding == "stochastic" and any(array in dict(self.kept) for array in self.stored)

    @property
    def measures(self) -> bool:
        """Whether it adds up squares of elements, and stores into no array."""
        return not {*self.stored} & {*self.arrays}

    @property
    def stored(self) -> tuple[str, ...]:
        return tuple(array for array, _ in self.stores)

    def __str__(self) -> str:
        prelude = [f"  {a}" for a in self.prelude]
        body = [f"  {a}" for a in self.body]
        stores = [f"  {array} <- {name}" for array, name in self.stores]
        return "\n".join([f"{self.name} {self.dtype}", "once", *prelude, "for each element", *body, *stores])


def inlined(program: Program) -> dict[str, Expr]:
    """What each stored array receives, in the values before the step."""
    values = inline((*program.prelude, *program.body))
    return {array: values.get(name, Symbol(name)) for array, name in program.stores}


def is_truth(value: Expr) -> bool:
    return isinstance(value, Apply) and value.op in TRUTHS


def is_literal(value: Expr) -> bool:
    """A number written where it is used, cast or not."""
    return isinstance(value, Number) or (isinstance(value, Apply) and value.op == "cast" and is_literal(value.args[0]))


def cast(value: Expr) -> Expr:
    """The scalar rounded to the element type; truth values have no rounding."""
    return value if is_truth(value) else apply("cast", value)


def map_values(program: Program, change: Callable[[Expr], Expr]) -> Program:
    """The program with every assigned value changed, and without what nothing uses afterwards."""
    return without_unused(
        replace(
            program,
            prelude=tuple(replace(a, value=change(a.value)) for a in program.prelude),
            body=tuple(replace(a, value=change(a.value)) for a in program.body),
        )
    )


def rewritten(value: Expr, change: Callable[[Apply, tuple[Expr, ...]], Expr]) -> Expr:
    """The value rebuilt from the leaves up, every operation by `change(node, its arguments rebuilt)`."""
    return fold([value], symbol=_same, number=_same, apply=change)[0]


def _same(leaf: Expr) -> Expr:
    return leaf


def replaced(value: Expr, known: Mapping[Expr, Expr]) -> Expr:
    """The value with some operations replaced, the outermost first."""

    def swap(node: Apply, args: tuple[Expr, ...]) -> Expr:
        return known.get(node) or (node if args == node.args else Apply(node.op, args))

    return rewritten(value, swap)


def without_unused(program: Program) -> Program:
    """The program without assignments that reach no store."""
    body, wanted = _reaching(program.body, {name for _, name in program.stores})
    prelude, _ = _reaching(program.prelude, wanted)
    return replace(program, prelude=prelude, body=body)


def _reaching(assignments: Iterable[Assignment], wanted: set[str]) -> tuple[tuple[Assignment, ...], set[str]]:
    kept: list[Assignment] = []
    for assignment in reversed(tuple(assignments)):
        if assignment.target in wanted:
            kept.append(assignment)
            wanted = wanted | symbols(assignment.value)
    return tuple(reversed(kept)), wanted


def fresh(name: str, taken: Iterable[str]) -> str:
    """The name, numbered where it is taken."""
    used = frozenset(taken)
    if name not in used:
        return name
    return next(f"{name}_{k}" for k in range(1, len(used) + 2) if f"{name}_{k}" not in used)


def operations(program: Program) -> dict[str, int]:
    """How often each operation is done for one element; numbers and their casts cost nothing."""
    counts: dict[str, int] = {}
    for node in nodes(a.value for a in program.body):
        if isinstance(node, Apply) and not is_literal(node):
            counts[node.op] = counts.get(node.op, 0) + 1
    return dict(sorted(counts.items()))
