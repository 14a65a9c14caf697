"""Rules made from rules: some hyperparameters set, answers that come later, several steps in one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from derive.errors import UserError
from derive.expr import Expr, Number, Symbol, apply, norms_in, substitute, symbols
from derive.rule import WORDS, Assignment, Hyperparameter, Rule, State, inline


def bind(rule: Rule, values: Mapping[str, Expr]) -> Rule:
    """The rule with these hyperparameters set to expressions in its others, and no longer hyperparameters."""
    here = {n: e for n, e in values.items() if n in rule.hyperparameter_names}
    if not here:
        return rule
    return replace(
        rule,
        hyperparameters=tuple(h for h in rule.hyperparameters if h.name not in here),
        # Set first, so that a body that assigns such a name again still means its own.
        body=(*(Assignment(n, e) for n, e in here.items()), *rule.body),
        states=tuple(State(s.name, substitute([s.initial], here)[0]) for s in rule.states),
        query=None if rule.query is None else substitute([rule.query], here)[0],
        asked=tuple((name, substitute([point], here)[0]) for name, point in rule.asked),
    )


def with_hyperparameters_of(rule: Rule, other: Rule) -> Rule:
    """The rule with the hyperparameters that only the other has, which play no part in it."""
    return with_more(rule, [h for h in other.hyperparameters if h.name not in rule.hyperparameter_names])


def with_more(rule: Rule, hyperparameters: Sequence[Hyperparameter]) -> Rule:
    """The rule with these hyperparameters too, which play no part in it; the same object where there are none."""
    return replace(rule, hyperparameters=(*rule.hyperparameters, *hyperparameters)) if hyperparameters else rule


def without_idle_hyperparameters(rule: Rule, kept: Collection[str] = ()) -> Rule:
    """The rule without the hyperparameters that no formula of it mentions, those in `kept` aside."""
    said = symbols(*(a.value for a in rule.body), *(s.initial for s in rule.states), *(q for _, q in rule.questions))
    left = tuple(h for h in rule.hyperparameters if h.name in said or h.name in kept)
    return rule if len(left) == len(rule.hyperparameters) else replace(rule, hyperparameters=left)


def without_onlookers(rule: Rule) -> Rule:
    """The rule without the states that neither the parameter nor a question ever depends on, such as an average of it.

    The same object where there are none.
    """
    if rule.is_average:
        return rule
    before = {name: symbols(value) for name, value in rule.step.items()}
    behind = before.get("theta", frozenset()).union(*(symbols(point) for _, point in rule.questions))
    while more := frozenset[str]().union(*(before.get(name, frozenset()) for name in behind)) - behind:
        behind |= more
    kept = tuple(s for s in rule.states if s.name in behind)
    if len(kept) == len(rule.states):
        return rule
    return replace(rule, states=kept, body=without_unread(rule.body, {"theta", *(s.name for s in kept)}))


def without_unread(body: Sequence[Assignment], kept: Collection[str]) -> tuple[Assignment, ...]:
    """The lines that have a part in what the names in `kept` hold at the end."""
    wanted, left = frozenset(kept), list[Assignment]()
    for line in reversed(body):
        if line.target in wanted:
            wanted = (wanted - {line.target}) | symbols(line.value)
            left.append(line)
    return tuple(reversed(left))


def handed_on(rule: Rule) -> tuple[str, Rule] | None:
    """The name through which alone the gradient reaches the parameter and the states, and the rule with that for its
    gradient: of a rule with clipped gradients, the rule without clipping. None where there is no such name.

    Where it is made of the parameter or a state too, those it is made of count as given with it.
    """
    if rule.is_average or rule.asked:
        return None
    kept = {"theta", *rule.state_names}
    for place, line in enumerate(rule.body):
        if line.target in kept:
            return None
        values, rest = inline(rule.body[: place + 1]), rule.body[place + 1 :]
        mixed = {"g", *(name for name, value in values.items() if "g" in symbols(value) or norms_in(value))}
        free = [each for each in rule.body[:place] if each.target not in mixed]
        if line.target not in mixed or mixed & _given((*free, Assignment(line.target, Number(0)), *rest)):
            continue
        return line.target, replace(
            rule, body=without_unread((*free, Assignment(line.target, Symbol("g")), *rest), kept)
        )
    return None


def _given(body: Sequence[Assignment]) -> frozenset[str]:
    """The names that are read before anything is assigned to them."""
    made, read = set[str](), set[str]()
    for line in body:
        read |= symbols(line.value) - made
        made.add(line.target)
    return frozenset(read)


def with_names(rule: Rule, names: Mapping[str, str]) -> Rule:
    """The rule with hyperparameters called otherwise; what its body calls so gives way.

    The new names must not be those of what it is given, keeps or shows.
    """
    if not names:
        return rule
    new: dict[str, Expr] = {old: Symbol(name) for old, name in names.items()}
    return replace(
        rule,
        hyperparameters=tuple(replace(h, name=names.get(h.name, h.name)) for h in rule.hyperparameters),
        states=tuple(State(s.name, substitute([s.initial], new)[0]) for s in rule.states),
        body=_renamed(rule, names),
        query=None if rule.query is None else substitute([rule.query], new)[0],
        asked=tuple((name, substitute([point], new)[0]) for name, point in rule.asked),
    )


def _renamed(rule: Rule, names: Mapping[str, str]) -> tuple[Assignment, ...]:
    """The body under the new names; a line that sets one of the names, old or new, sets another instead."""
    now: dict[str, Expr] = {old: Symbol(name) for old, name in names.items()}
    taken, body = names_of(rule) | {*names.values()}, list[Assignment]()
    for line in rule.body:
        [value] = substitute([line.value], now)
        target = line.target
        if target in {*names, *names.values()}:
            target = fresh_name(target, taken)
            now[line.target] = Symbol(target)
        body.append(replace(line, target=target, value=value))
    return tuple(body)


def answer_buffers(rule: Rule, steps: int) -> tuple[str, ...]:
    """The names under which `delayed` keeps the last answers, the newest first."""
    answer = "x" if rule.is_average else "g"
    taken = names_of(rule)
    return tuple([fresh_name(f"{answer}_{age}", taken) for age in range(1, steps + 1)])


def delayed(rule: Rule, steps: int, first: Sequence[Expr] = ()) -> Rule:
    """The rule some steps later: at step t + `steps` it asks what `rule` asks at step t, as a function of the answers.

    Its first points are `first`, in theta and the hyperparameters; left out, it asks where the rule begins
    (an average shows zero). It keeps the last answers, and its states stay as they start until the first counts.
    """
    if rule.asked or steps < 1 or len(first) not in (0, steps):
        fix = "give a rule with one gradient in a step, at least one step, and as many first points as steps"
        raise UserError(f"{rule.name} can't be delayed by {steps} steps", where=rule.where, fix=fix)
    t, kept = Symbol("t"), answer_buffers(rule, steps)
    answer = "x" if rule.is_average else "g"
    begun: dict[str, Expr] = {s.name: _after(steps + 1, Symbol(s.name), s.initial) for s in rule.states}
    now = {**begun, answer: Symbol(kept[-1]), "t": t - steps}
    begins = [] if rule.is_average else [substitute([rule.questions[0][1]], _beginning(rule))[0]]
    early = tuple(first) or (Number(0) if rule.is_average else begins[0],) * steps
    stepped = dict(zip(rule.step, substitute(rule.step.values(), now), strict=True))
    changed = {name: _after(steps, value, Symbol(name)) for name, value in stepped.items()}
    if rule.is_average:
        changed |= {name: _early(early, stepped[name]) for name in rule.outputs}
    queried = None if rule.is_average else _early(early, substitute([rule.questions[0][1]], now)[0])
    shifted = dict(zip(kept, (Symbol(answer), *map(Symbol, kept[:-1])), strict=True))
    return replace(
        rule,
        name=f"{rule.name}_delayed",
        inputs=tuple(dict.fromkeys((*rule.inputs, "t"))),
        states=(*rule.states, *(State(name, Number(0)) for name in kept)),
        body=_at_once({**changed, **shifted}, names_of(rule) | {*kept}),
        query=None if rule.query is None and not first else queried,
    )


def _after(steps: int, value: Expr, before: Expr) -> Expr:
    """`value` after the first steps, `before` in them."""
    return apply("where", apply("gt", Symbol("t"), steps), value, before)


def _early(early: Sequence[Expr], value: Expr) -> Expr:
    """`value`, after the first steps with values of their own."""
    result = _after(len(early), value, early[-1])
    for step in range(len(early) - 1, 0, -1):
        result = _after(step, result, early[step - 1])
    return result


def _beginning(rule: Rule) -> dict[str, Expr]:
    return {**{s.name: s.initial for s in rule.states}, "t": Number(1)}


def _at_once(values: Mapping[str, Expr], taken: set[str]) -> tuple[Assignment, ...]:
    """Assignments after which each name has its value, all in what they held before."""
    changed = {name: value for name, value in values.items() if value is not Symbol(name)}
    new = {name: fresh_name(f"{name}_new", taken) for name in changed}
    made = [Assignment(new[name], value) for name, value in changed.items()]
    return (*made, *(Assignment(name, Symbol(new[name])) for name in changed))


def repeated(rule: Rule, times: int) -> Rule:
    """Several steps of the rule as one, which asks for as many gradients."""
    if rule.is_average or times < 1:
        fix = "give an update rule, and at least one step"
        raise UserError(f"{rule.name} can't be repeated {times} times", where=rule.where, fix=fix)
    kept, taken = ("theta", *rule.state_names), names_of(rule)
    body: list[Assignment] = []
    asked: list[tuple[str, Expr]] = []
    for step in range(times):
        count = {"t": times * (Symbol("t") - 1) + (step + 1)} if times > 1 else {}
        names: dict[str, Expr] = dict(count)
        for name, point in rule.questions:
            new = name if step == 0 else fresh_name(f"g{len(asked) + 1}", taken)
            [where] = substitute([point], names)
            asked.append((new, substitute([where], inline(body))[0]))
            names[name] = Symbol(new)
        for line in rule.body:
            [value] = substitute([line.value], names)
            # What a line calls by the name of an input or a hyperparameter is not what the next step means by it.
            own = step == 0 and line.target not in (*rule.inputs, *rule.hyperparameter_names)
            target = line.target if own or line.target in kept else fresh_name(line.target, taken)
            body.append(replace(line, target=target, value=value))
            names[line.target] = Symbol(target)
    counted = "t" in rule.inputs
    return replace(
        rule,
        name=rule.name if times == 1 else f"{rule.name}_{times}_times",
        body=tuple(body),
        query=None if asked[0][1] is Symbol("theta") else asked[0][1],
        asked=tuple(asked[1:]),
        inputs=rule.inputs if counted or "t" not in symbols(*(a.value for a in body)) else (*rule.inputs, "t"),
    )


def names_of(rule: Rule) -> set[str]:
    """Every name the rule uses, and those of the language."""
    local = {name for line in rule.body for name in (line.target, *symbols(line.value))}
    answers = {name for name, _ in rule.questions}
    return local | answers | {*rule.inputs, *rule.state_names, *rule.hyperparameter_names, *WORDS}


def fresh_name(stem: str, taken: set[str]) -> str:
    """A name like `stem` that nothing has yet; from then on it is taken."""
    name, count = stem, 1
    while name in taken:
        name, count = f"{stem}_{count}", count + 1
    taken.add(name)
    return name
