"""Who can be what, from what the step does with each name; what a name is called decides only the order."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from derive.expr import Apply, Expr, Number, Symbol, apply, nodes
from derive.reading.pasted.code.opaque import is_surely_a_gradient
from derive.reading.pasted.draft import Draft
from derive.reading.pasted.flow import dependencies, reads
from derive.reading.python.scope import ASKED
from derive.reading.step.statements import Branch, Initialise, Query, Statement, Store, stored
from derive.rule import WORDS


@dataclass(frozen=True)
class Part:
    """Who is who: the parameter (or an average's output), the gradient (or its input), the counter."""

    theta: str
    g: str
    t: str | None
    average: bool = False


def parts(draft: Draft, wanted: Mapping[str, str]) -> Iterator[Part]:
    """Every consistent choice. Raises UserError where a value that is not looked into can't be the gradient."""
    questions = [q.target for q in draft.questions]
    inputs = questions or _opened(draft) or _inputs(draft)
    told = [n for n in inputs if is_surely_a_gradient(n) and n not in draft.step.unknown]
    if told:  # what is made of data alone is another thing: a schedule
        inputs = [n for n in inputs if draft.step.unknown.get(n, {n}) or is_surely_a_gradient(n)]
    if draft.step.anew in draft.free:  # any other name that is stored into keeps what is stored
        inputs = [n for n in inputs if n == draft.step.anew]
    _refuse_another_gradient(draft, wanted)
    made = _made_over_steps(draft)
    counters = _counters(draft)
    for theta, g in product(_by_name(_thetas(draft), _PARAMETER), _by_name(_weights_last(inputs, draft), _GRADIENT)):
        said = wanted.get(theta) == "theta" and wanted.get(g) == "g"
        if (said or _is_parameter(theta, g, made, draft)) and _allowed(wanted, {theta: "theta", g: "g"}):
            yield from (
                Part(theta, g, t) for t in counters
                if t not in (theta, g) and _allowed(wanted, {theta: "theta", g: "g", **({t: "t"} if t else {})})
            )  # fmt: skip
    if not questions:
        yield from _averages(draft, wanted, counters)


def _opened(draft: Draft) -> list[str]:
    """The names whose values the step makes from what it carries, and that are not looked into."""
    return [n for n in draft.free if draft.step.unknown.get(n)]


def _refuse_another_gradient(draft: Draft, wanted: Mapping[str, str]) -> None:
    """What a step makes from its parameter and is not looked into is the gradient, or the step can't be read.

    It is no gradient where there is another by its name: `s = trust_ratio(w); w = w - s * grad`.
    """
    made = [*(q.target for q in draft.questions if q.target != ASKED), *_opened(draft)]
    if not made or any(wanted.get(n) == "g" for n in made):
        return
    constants = {p.name for p in draft.step.parameters if p.default is not None} | draft.step.starts.keys()
    given = [n for n in draft.free if n not in {*made, *constants} and is_surely_a_gradient(n)]
    others = _opened(draft)[0 if draft.questions else 1 :]
    for name in given or others:
        what = f"{draft.shown(made[0])!r} is made from what the step changes and is not looked into"
        fix = f"write its formula out; or say that it is the gradient and {draft.shown(name)} is not: {made[0]}=g"
        raise draft.step.definition.error(what, fix=fix)


def _inputs(draft: Draft) -> list[str]:
    """The names that may be given anew at each step: not those that hold one value through a loop."""
    step = draft.step
    fixed = {*step.starts, *((p.name for p in step.parameters) if step.looped else ())} - {*step.unknown}
    return [n for n in draft.free if n != step.counter and n not in fixed | step.numbers]


def _allowed(wanted: Mapping[str, str], roles: Mapping[str, str]) -> bool:
    """Whether an assignment gives every wanted role to its name, and to no other."""
    special = {n: r for n, r in wanted.items() if r in WORDS}
    return all(wanted.get(n, r) == r for n, r in roles.items()) and all(roles.get(n) == r for n, r in special.items())


def _averages(draft: Draft, wanted: Mapping[str, str], counters: Sequence[str | None]) -> Iterator[Part]:
    made = dependencies(draft.step.statements)
    loose = [n for n in stored(draft.step.statements) if n not in draft.states
             and not any(n in reads(s) for s in draft.step.statements)]  # fmt: skip
    for output in [*loose, *draft.last]:
        for x in _by_name(_weights_last(_inputs(draft), draft), _INPUT):
            for t in counters:
                roles = {output: "output", x: "x", **({t: "t"} if t else {})}
                if t != x and x in made[output] and _allowed(wanted, roles):
                    yield Part(output, x, t, average=True)


def _thetas(draft: Draft) -> list[str]:
    """The states that can be the parameter: the last ones, or those a question asks about."""
    asked = {n for q in draft.questions for n in reads(q)}
    before = dependencies(_before_first_question(draft))
    asked = {o for n in asked for o in before.get(n, frozenset({n}))} & set(draft.states)
    return [s for s in draft.states if s in asked] if asked else list(draft.last)


def _before_first_question(draft: Draft) -> list[Statement]:
    kept: list[Statement] = []
    for s in draft.step.statements:
        if isinstance(s, Query):
            break
        kept.append(s)
    return kept


def _made_over_steps(draft: Draft) -> dict[str, set[str]]:
    """For each state, all it is made from in any number of steps, answers of questions included."""
    opened = [s for s in draft.step.statements if not isinstance(s, Query)]
    made = {n: set(d) for n, d in dependencies(opened).items()}
    for _ in draft.states:
        for s in draft.states:
            for o in list(made.get(s, ())):
                made[s] |= made.get(o, set()) if o in draft.states else set()
    return made


def _is_parameter(theta: str, g: str, made: Mapping[str, set[str]], draft: Draft) -> bool:
    """Whether theta is made from itself and from g, and the values behind g only from parameters."""
    behind = draft.step.unknown.get(g, frozenset())
    return {g, theta} <= made.get(theta, set()) and behind <= draft.parameters | set(draft.last)


def _counters(draft: Draft) -> list[str | None]:
    if draft.step.counter:
        return [draft.step.counter if draft.step.counter in draft.free else None]
    found = [n for n in _inputs(draft) if n in _counting(draft) and n not in draft.step.items]
    likely = [n for n in found if _COUNTER.fullmatch(n)]
    return [*likely, None, *(n for n in found if n not in likely)]


def first_count(draft: Draft, counter: str) -> int:
    """The number of the first step: what a loop says, or 0 for a counter that stands in `counter + 1` only."""
    if draft.step.counter == counter:
        return draft.step.first
    inside = list(nodes(_values(draft.step.statements)))
    one = {apply("add", Symbol(counter), 1), apply("add", 1, Symbol(counter))}
    loose = [n for n in inside if isinstance(n, Apply) and Symbol(counter) in n.args and n not in one]
    return 1 if loose or not one & set(inside) else 0


def _counting(draft: Draft) -> set[str]:
    """The names in exponents, conditions, divisors and roots, and those they are made from."""
    found: set[str] = set()
    for value in _values(draft.step.statements):
        for node in nodes([value]):
            if isinstance(node, Apply):
                inside = {"pow": node.args[1:], "div": node.args[1:], "sqrt": node.args}.get(node.op, ())
                if node.op in ("eq", "ne", "lt", "le", "gt", "ge"):
                    inside = node.args
                found |= {n.name for arg in inside for n in nodes([arg]) if isinstance(n, Symbol)}
    made = dependencies(draft.step.statements)  # t = iterations + 1, and t in the exponent
    return found.union(*(made.get(n, frozenset()) for n in found))


def _values(statements: Sequence[Statement]) -> Iterator[Expr]:
    for s in statements:
        match s:
            case Store(value=value) | Query(point=value):
                yield value
            case Branch(condition=condition, then=then, otherwise=otherwise):
                yield condition
                yield from _values((*then, *otherwise))
            case Initialise(stores=stores, otherwise=otherwise):
                yield from _values((*stores, *otherwise))


def _weights_last(names: Sequence[str], draft: Draft) -> list[str]:
    """The names, those that stand in `1 - name` or under a power that is no number last: they weigh."""
    weighing: set[Expr] = set()
    for value in _values(draft.step.statements):
        for node in nodes([value]):
            if isinstance(node, Apply) and (
                (node.op == "sub" and node.args[0] is Number(1))
                or (node.op == "pow" and not isinstance(node.args[1], Number))
            ):
                weighing |= set(node.args)
    return sorted(names, key=lambda n: Symbol(n) in weighing)


# What names suggest: the order only

_PARAMETER = re.compile(r"theta|params?(eters?)?|weights?|w|x|p|W|b")
_GRADIENT = re.compile(r".*grad.*|.*nabla.*|d(?!ecay|elta|amp)[a-zA-Z]\w*|.*\.d\w+|g|g_.*|.*_g")
_COUNTER = re.compile(r"t|step|steps|iteration|iter|i|k|n|epoch|.*_step|.*step.*")
_INPUT = re.compile(r"x|value|.*grad.*|g|theta|y")


def _by_name(names: Sequence[str], likely: re.Pattern[str]) -> list[str]:
    return sorted(names, key=lambda n: likely.fullmatch(n.removeprefix("self.").removeprefix("__init__.")) is None)
