"""What is used more than once is computed once and named."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from derive.expr import Apply, Expr, Symbol, nodes
from derive.rule import Assignment
from kernels.program import Program, fresh, is_literal, replaced


@dataclass(frozen=True)
class Share:
    """Names every operation with several uses, once per step and for each element apart."""

    name: str = "share"

    def apply(self, program: Program) -> Program:
        prelude = _shared(program.prelude, program.taken)
        program = replace(program, prelude=prelude)
        return replace(program, body=_shared(program.body, program.taken))


def _shared(assignments: tuple[Assignment, ...], taken: Iterable[str]) -> tuple[Assignment, ...]:
    known: dict[Expr, Expr] = {}
    used = set(taken)
    often = _used_often(assignments)
    result: list[Assignment] = []
    for assignment in assignments:
        for node in nodes([assignment.value]):
            if node in often and node not in known and node is not assignment.value:
                name = fresh("shared", used)
                used.add(name)
                result.append(Assignment(name, replaced(node, known)))
                known[node] = Symbol(name)
        result.append(replace(assignment, value=replaced(assignment.value, known)))
        known.setdefault(assignment.value, Symbol(assignment.target))
    return tuple(result)


def _used_often(assignments: tuple[Assignment, ...]) -> set[Expr]:
    roots = [a.value for a in assignments]
    uses: dict[Expr, int] = {}
    for node in nodes(roots):
        for argument in node.args if isinstance(node, Apply) else ():
            uses[argument] = uses.get(argument, 0) + 1
    for root in roots:
        uses[root] = uses.get(root, 0) + 1
    return {n for n, count in uses.items() if count > 1 and isinstance(n, Apply) and not is_literal(n)}
