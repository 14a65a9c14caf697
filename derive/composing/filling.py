"""A piece around a rule: its open step filled with the rule's own, as one rule.

The rule's lines stay as they are but for what the step is given and for names that clash. What the piece brings gives
way: its states and hyperparameters are then called after it, its locals are numbered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from derive.composing.piece import Piece
from derive.composing.tidying import tidy
from derive.errors import UserError
from derive.expr import Apply, Expr, Number, Symbol, apply, fold, substitute, symbols
from derive.rule import WORDS, Assignment, Rule, State, inline
from derive.transforms import fresh_name, names_of

Names = dict[str, Expr]


def filled(piece: Piece, rule: Rule) -> Rule:
    """The rule with the piece around each of its steps.

    Raises UserError for an average, which has no parameter; for a rule that lacks a hyperparameter which the piece
    takes from it; and where the two ask for gradients in ways that can't be joined.
    """
    _refuse_unfit(piece, rule)
    piece, taken = _with_free_names(piece, rule)
    given, lines = _given(piece, taken)
    inner, after = _stepped(piece, rule, given, taken)
    body = tidy((*piece.before, *lines, *inner, *after), {"theta", *rule.state_names, *(s.name for s in piece.states)})
    states = (*rule.states, *piece.states)
    query, asked = _questions(piece, rule, (*piece.before, *lines), given)
    own = tuple(replace(h, meaning=h.meaning or f"of {piece.name}") for h in piece.own)
    said = symbols(*(a.value for a in body), *(s.initial for s in states), *([query] if query is not None else []))
    hyperparameters = (*(h for h in rule.hyperparameters if h.name in said or h.name not in given), *own)
    counted = "t" in rule.inputs or "t" in said
    return replace(
        rule,
        name=f"{piece.name}_{rule.name}",
        inputs=("theta", "g", "t") if counted else ("theta", "g"),
        hyperparameters=hyperparameters,
        states=states,
        body=body,
        query=query,
        asked=asked,
        source="",
    )


def _refuse_unfit(piece: Piece, rule: Rule) -> None:
    def error(what: str, fix: str) -> UserError:
        return UserError(f"{piece.name} can't be put around {rule.name}: {what}", where=piece.where, fix=fix)

    if rule.is_average:
        raise error("it is an average, and has no parameter to step", "compose the pieces of an update rule")
    shared = {h.name for h in piece.hyperparameters} - {h.name for h in piece.own}
    overridden = {name for name, _ in piece.given} - {"theta", "g", "t"}
    for name in sorted((shared | overridden) - set(rule.hyperparameter_names)):
        there = ", ".join(rule.hyperparameter_names) or "none"
        raise error(f"there is no hyperparameter {name!r}", f"the rule's are {there}")
    if rule.asked or ((piece.query is not None or piece.asked) and rule.query is not None):
        raise error("both would say where gradients are taken", "put what asks for gradients outermost")
    for state in rule.states:
        for name in sorted(overridden & symbols(state.initial)):
            raise error(f"{state.name!r} starts at {name}, which would change", "leave that hyperparameter constant")


# Names


def _with_free_names(piece: Piece, rule: Rule) -> tuple[Piece, set[str]]:
    """The piece under names that the rule does not use, and every name that is taken."""
    shared = {h.name for h in piece.hyperparameters} - {h.name for h in piece.own}
    public = [*(h.name for h in piece.own), *(s.name for s in piece.states)]
    local = [*(a.target for a in (*piece.before, *piece.after)), *(name for name, _ in piece.asked)]
    theirs, names = names_of(rule), dict[str, str]()
    taken = theirs | {*public, *local, *WORDS}
    for name in dict.fromkeys(public):
        if name in theirs:
            names[name] = fresh_name(f"{piece.name}_{name}", taken)
    for name in dict.fromkeys(local):
        if name in theirs and name not in (*public, *WORDS, *shared):
            names[name] = fresh_name(f"{name}_1", taken)
    return (_renamed(piece, names) if names else piece), taken


def _renamed(piece: Piece, names: Mapping[str, str]) -> Piece:
    new: Names = {old: Symbol(name) for old, name in names.items()}

    def called(name: str) -> str:
        return names.get(name, name)

    def said(value: Expr) -> Expr:
        return substitute([value], new)[0]

    def lines(assignments: Iterable[Assignment]) -> tuple[Assignment, ...]:
        return tuple(Assignment(called(a.target), said(a.value), a.line) for a in assignments)

    shared = {h.name for h in piece.hyperparameters if h.default is None}
    return replace(
        piece,
        hyperparameters=tuple(
            h if h.name in shared else replace(h, name=called(h.name)) for h in piece.hyperparameters
        ),
        states=tuple(State(called(s.name), said(s.initial)) for s in piece.states),
        before=lines(piece.before),
        given=tuple((name, said(value)) for name, value in piece.given),
        after=lines(piece.after),
        only_if=None if piece.only_if is None else said(piece.only_if),
        query=None if piece.query is None else said(piece.query),
        asked=tuple((called(name), said(point)) for name, point in piece.asked),
    )


# The body


def _given(piece: Piece, taken: set[str]) -> tuple[Names, list[Assignment]]:
    """What the rule's own names mean in the step it is asked for, and lines for what is no name yet."""
    names, lines = Names(), list[Assignment]()
    for name, value in piece.given:
        if isinstance(value, Symbol | Number):
            names[name] = value
            continue
        new = fresh_name(f"{name}_step" if name in WORDS else f"{name}_t", taken)
        lines.append(Assignment(new, value))
        names[name] = Symbol(new)
    return names, lines


def _stepped(piece: Piece, rule: Rule, given: Names, taken: set[str]) -> tuple[list[Assignment], list[Assignment]]:
    """The rule's lines as the piece wants its step made, and what the piece does with it."""
    guarded = () if piece.only_if is None else rule.state_names
    moved = {value.name for name, value in given.items() if isinstance(value, Symbol) and value.name != name}
    wanted = {"theta", *guarded, *moved, *symbols(*(a.value for a in piece.after))} - ({*rule.state_names} - {*guarded})
    now, places, lines = dict(given), dict[str, str](), list[Assignment]()
    if piece.only_if is not None:
        stepping = fresh_name("stepping", taken)
        lines.append(Assignment(stepping, piece.only_if))
    for line in rule.body:
        [value] = substitute([line.value], now)
        target = line.target
        if target in wanted:  # what the piece still needs is not overwritten
            if target not in places:
                places[target] = fresh_name("stepped" if target == "theta" else f"{target}_new", taken)
            target = places[target]
        now[line.target] = Symbol(target)
        lines.append(replace(line, target=target, value=value))
    held = [n for n in guarded if n in places]
    lines += [Assignment(n, apply("where", Symbol(stepping), Symbol(places[n]), Symbol(n))) for n in held]
    after = [replace(a, value=substitute([a.value], {piece.stepped: now["theta"]})[0]) for a in piece.after]
    if piece.only_if is not None and symbols(piece.only_if).isdisjoint(a.target for a in (*lines, *after)):
        after = [replace(a, value=_named(a.value, piece.only_if, stepping)) for a in after]
    return lines, after


def _named(value: Expr, known: Expr, name: str) -> Expr:
    """The value with a name for something in it."""

    def swap(node: Apply, args: tuple[Expr, ...]) -> Expr:
        return Symbol(name) if node is known else Apply(node.op, args)

    return fold([value], symbol=lambda s: s, number=lambda n: n, apply=swap)[0]


# The questions


def _questions(
    piece: Piece, rule: Rule, lines: Iterable[Assignment], given: Names
) -> tuple[Expr | None, tuple[tuple[str, Expr], ...]]:
    """Where the whole takes its gradients, in the values before the step."""
    if rule.query is None:
        return piece.query, piece.asked
    values = inline(lines)
    names = dict(zip(given, substitute(given.values(), values), strict=True))
    [point] = substitute([rule.query], names)
    if "g" in symbols(point):
        what = f"{rule.name} takes its gradient at a point that {piece.name} makes from the gradient"
        raise UserError(what, where=piece.where, fix="compose it with another rule")
    return point, ()
