"""Branches become `where`: statements to straight-line assignments, in which a query may stand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from derive.errors import UserError
from derive.expr import Symbol, substitute
from derive.reading.step.statements import Branch, Initialise, Query, Statement, Store, merged
from derive.rule import Assignment

Line = Assignment | Query


def flatten(statements: Iterable[Statement], known: Iterable[str], file: str) -> list[Line]:
    """The statements without branches; `known` are the names that hold a value before them."""
    defined, lines = set(known), list[Line]()
    for statement in statements:
        before = len(lines)
        match statement:
            case Branch(then=then, otherwise=otherwise):
                both = [_stores_only(flatten(side, defined, file), file) for side in (then, otherwise)]
                lines += merged(statement, both[0], both[1], defined)
            case Initialise():
                raise UserError("a first-step initialisation inside a branch can't be read",
                                where=f"{file}:{statement.line}", fix="move it to the top of the step")  # fmt: skip
            case Query():
                lines.append(statement)
            case Store(target=target, value=value, line=line):
                if value is not Symbol(target):
                    lines.append(Assignment(target, value, line))
        defined |= {line.target for line in lines[before:]}
    return lines


def _stores_only(lines: Sequence[Line], file: str) -> list[Assignment]:
    for line in lines:
        if isinstance(line, Query):
            raise UserError("a gradient asked for in one branch only can't be read",
                            where=f"{file}:{line.line}", fix="ask for it before the 'if'")  # fmt: skip
    return assignments(lines)


def assignments(lines: Iterable[Line]) -> list[Assignment]:
    """The lines that are assignments."""
    return [line for line in lines if isinstance(line, Assignment)]


def renamed(lines: Iterable[Line], names: Mapping[str, str]) -> list[Line]:
    """The lines with names changed, as targets and in values, all at once."""
    values = {old: Symbol(new) for old, new in names.items()}

    def rename(line: Line) -> Line:
        target = names.get(line.target, line.target)
        if isinstance(line, Query):
            return Query(target, substitute([line.point], values)[0], line.line)
        return Assignment(target, substitute([line.value], values)[0], line.line)

    return [rename(line) for line in lines]
