"""From evidence to the answer: every word of a verdict about two rules follows from what was checked or replayed.

The prover words what it has found by these functions, and a saved document is worded by them again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from derive.evaluate import exact
from derive.expr import Expr, Number, Symbol, symbols, to_text
from derive.proving.certificate import Certificate, Conditional, Correspondence, decided_by
from derive.proving.checker import Checked
from derive.proving.replay import Replayed, Separation
from derive.proving.verdict import Verdict
from derive.relating.claims import Claim
from derive.relating.searching.solving import Maps
from derive.relating.shifts import LONGEST
from derive.relating.wording import condition_text, maps_text
from derive.rule import Rule
from derive.transforms import bind, delayed, with_names, without_idle_hyperparameters

BY_NAME = "hyperparameters of one name are the same on both sides"
BY_MAP = "hyperparameters of other names correspond as the map says"
ANSWERED_ALIKE = "the gradients answered do not depend on where they are taken"


class Unfounded(Exception):
    """The evidence is about something else than what is claimed."""


@dataclass(frozen=True)
class Words:
    """What a certificate says; with `any_of`, only where one of these holds."""

    message: str
    relation: str | None = None
    maps: Mapping[str, str] = field(default_factory=dict)
    any_of: tuple[str, ...] = ()
    degenerate: tuple[str, ...] = ()
    exact: bool = False
    assumptions: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def condition(self) -> dict[str, object] | None:
        if not self.any_of:
            return None
        return {"any_of": list(self.any_of), "degenerate": list(self.degenerate), "exact": self.exact}


def answered(claim: Claim, evidence: Checked | Replayed) -> Verdict:
    """The verdict for which the evidence stands. Raises Unfounded where it is evidence of something else."""
    if isinstance(evidence, Replayed):
        return _refuted(claim, evidence)
    words = _under(claim, _repeated(claim, evidence.certificate, _said(claim, claim.rules, evidence.certificate)))
    return Verdict(
        "conditional" if words.any_of else "proved",
        relation=words.relation,
        condition=words.condition,
        assumptions=words.assumptions,
        warnings=words.warnings,
        message=words.message,
        maps=words.maps,
        evidence=evidence,
        claim=claim,
    )


def _said(claim: Claim, rules: tuple[Rule, Rule], c: Certificate) -> Words:
    if isinstance(c, Conditional | Correspondence):
        known = {*c.a.hyperparameter_names, *c.b.hyperparameter_names}
        if not c.scheduled <= known:
            raise Unfounded("what is scheduled is no hyperparameter")
    if isinstance(c, Conditional):
        return _conditional(claim, rules, c)
    if not isinstance(c, Correspondence) or c.while_defined:
        raise Unfounded("that the two rules are equal is not what is proved")
    return _shifted(claim, rules, c) if claim.shift else _equal(claim, rules, c)


# Proofs


def _equal(claim: Claim, rules: tuple[Rule, Rule], c: Correspondence) -> Words:
    """Equal under the maps; where hyperparameters of b have values, an instance of it."""
    a, b = rules
    values = claim.hyperparameters
    for name, value in values.items():
        if name not in b.hyperparameter_names or not isinstance(value, Number) or value.value not in b.domains[name]:
            raise Unfounded(f"{name} has no such value in {b.name}")
    said = _mapped(c, (a, bind(b, values)))
    if not values:
        return said
    fixed = {f"B.{name}": to_text(value) for name, value in values.items()}
    text = condition_text({f"B.{name}": value for name, value in values.items()})
    said = replace(said, maps={**said.maps, **fixed}, message=f"{said.message}, where {text}")
    # Zeros switch a part off, and are a condition; other numbers make an instance.
    return replace(said, any_of=(text,)) if Number(0) in values.values() else replace(said, relation="instance")


def _mapped(c: Correspondence, rules: tuple[Rule, Rule]) -> Words:
    source, target = _sides(c, rules)
    maps = maps_text(Maps(c.states, c.hyperparameters), source=source, target=target)
    renamed = any(value is not Symbol(name) for name, value in c.hyperparameters.items())
    lines = ", ".join(f"{name} = {value}" for name, value in maps.items())
    proved = (c.a, c.b) if source == "A" else (c.b, c.a)
    return Words(
        f"equal with {lines}" if lines else "the same step",
        "hyperparameter_map" if renamed else "state_map" if maps else "identical",
        maps,
        assumptions=_assumptions(c),
        warnings=(*_play_no_part(rules, proved), *_swapped(c.hyperparameters, source, target)),
    )


def _sides(c: Correspondence, rules: tuple[Rule, Rule]) -> tuple[str, str]:
    """Which of the two rules the map starts from, and which it leads to."""
    if _are((c.a, c.b), rules):
        return "A", "B"
    if _are((c.b, c.a), rules):
        return "B", "A"
    raise Unfounded("the proof is about other rules")


def _are(proved: tuple[Rule, Rule], rules: tuple[Rule, Rule]) -> bool:
    """Whether these are the rules, but for hyperparameters that no formula mentions."""
    return all(
        one == rule or without_idle_hyperparameters(one) == without_idle_hyperparameters(rule)
        for one, rule in zip(proved, rules, strict=True)
    )


def _play_no_part(rules: tuple[Rule, Rule], proved: tuple[Rule, Rule]) -> tuple[str, ...]:
    """What a proof leaves out of a rule, or gives the other one where it can't matter, in words."""
    names, shown = ([set(r.hyperparameter_names) for r in pair] for pair in (rules, proved))
    idle = [
        (side, name)
        for here, there, side in ((0, 1, "A"), (1, 0, "B"))
        for name in rules[here].hyperparameter_names
        if name not in shown[here] or (name in shown[there] and name not in names[there])
    ]
    return tuple(f"{side}.{name} plays no part" for side, name in idle)


def _shifted(claim: Claim, rules: tuple[Rule, Rule], c: Correspondence) -> Words:
    steps = abs(claim.shift)
    if steps > LONGEST or claim.hyperparameters or c.scheduled:
        raise Unfounded("no such shift is proved")
    names, (early, late) = (("A", "B"), rules) if claim.shift > 0 else (("B", "A"), rules[::-1])
    if not _are((c.a, c.b), (delayed(early, steps), late)):
        raise Unfounded("the proof is about other rules")
    # The states hold answers that wait; of the map a reader wants the hyperparameters.
    maps = maps_text(Maps({}, c.hyperparameters), source=names[0], target=names[1])
    return _later(names, steps, c.a.is_average, Words(_with(maps), "shift", maps, assumptions=_assumptions(c)))


def _later(names: tuple[str, str], steps: int, averages: bool, said: Words) -> Words:
    """One shows later what the other shows. An average does so whatever it is given; a parameter is where its
    gradient is taken, so that the same answers at other points are a condition: a gradient used late is another."""
    early, late = names
    when = "a step later" if steps == 1 else f"{steps} steps later"
    if averages:
        text = f"{late} gives {when} what {early} gives: at step t + {steps} what it gives at step t"
        return replace(said, message=text + said.message)
    text = f"{late} asks {when} what {early} asks, where {ANSWERED_ALIKE}"
    warning = f"{late} uses each gradient {when} than {early} does"
    return replace(said, message=text + said.message, any_of=(ANSWERED_ALIKE,), warnings=(warning,))


def _assumptions(c: Correspondence) -> tuple[str, ...]:
    held = tuple(f"{name} ≥ 0 (proved by induction)" for name in c.invariants.names)
    images = {n: sorted(symbols(e) & c.scheduled) for n, e in c.hyperparameters.items() if e is not Symbol(n)}
    moved = tuple(f"{name} changes with {', '.join(behind)}" for name, behind in images.items() if behind)
    return (*held, *moved, *decided_by(*c.trees, *c.invariants.trees))


def _by_their_names(rules: tuple[Rule, Rule], maps: Mapping[str, Expr]) -> tuple[str, ...]:
    """What an answer that is no proof of equality takes for granted of the hyperparameters."""
    a, b = rules
    twins = {*a.hyperparameter_names} & {*b.hyperparameter_names} - maps.keys()
    return tuple(text for text, holds in ((BY_NAME, twins), (BY_MAP, maps)) if holds)


def _swapped(hyperparameters: Mapping[str, Expr], source: str, target: str) -> tuple[str, ...]:
    """Names that both rules have, for different things."""
    return tuple(
        f"{target}.{name} is {source}.{value.name}"
        for name, value in hyperparameters.items()
        if isinstance(value, Symbol) and value.name != name and value.name in hyperparameters
    )


def _repeated(claim: Claim, c: Certificate, said: Words) -> Words:
    """Equal rules of which one makes several steps for each step of the other."""
    few, many = sorted(((len(claim.a.questions), "A"), (len(claim.b.questions), "B")))
    if few[0] == many[0] or said.any_of:
        return said
    steady = tuple(sorted(c.scheduled)) if isinstance(c, Correspondence) else ()
    same = (f"{', '.join(steady)} the same in all the steps that make one",) if steady else ()
    message = f"{many[0] // few[0]} steps of {few[1]} are one of {many[1]}: {said.message}"
    return replace(said, relation="repetition", message=message, assumptions=(*said.assumptions, *same))


# Conditions


def _conditional(claim: Claim, rules: tuple[Rule, Rule], c: Conditional) -> Words:
    """Equal where one of the conditions holds, hyperparameters of both sides having one value by their names."""
    a, b = rules
    names = _names(claim, a, b)
    if not _are((c.a, c.b), (a, with_names(b, names))) or claim.shift:
        raise Unfounded("the proof is about other rules")
    found = [condition_text(x, p.while_defined) for x, p in zip(c.conditions, c.correspondences, strict=True)]
    any_of = [text for text in found if text not in claim.degenerate]
    proofs = [tree for p in c.correspondences for tree in (*p.trees, *p.invariants.trees)]
    exactness = () if c.exactness is None else (c.exactness.tree,)
    said = Words(
        "",
        maps={f"B.{his}": f"A.{mine}" for his, mine in names.items()},
        degenerate=tuple(text for text in found if text in claim.degenerate),
        exact=bool(exactness),
        assumptions=(*_by_their_names(rules, claim.hyperparameters), *decided_by(*proofs, *exactness)),
        warnings=_play_no_part((a, with_names(b, names)), (c.a, c.b)),
    )
    if c.constant is not None:
        said, any_of = _steady(claim, c, said, any_of)
    if not all(any_of) or not any_of:
        raise Unfounded("a condition was lost")
    renamed = _with({f"B.{his}": f"A.{mine}" for his, mine in names.items()})
    return replace(said, any_of=tuple(any_of), message=f"equal where {' or '.join(any_of)}{renamed}")


def _steady(claim: Claim, c: Conditional, said: Words, always: list[str]) -> tuple[Words, list[str]]:
    """The conditions with those before them under which the two agree while what is scheduled is constant."""
    assert c.constant is not None
    if not c.scheduled or (isinstance(c.constant, Correspondence) and (claim.hyperparameters or claim.shift)):
        raise Unfounded("nothing is scheduled")
    rules = (c.a, c.b) if isinstance(c.constant, Correspondence) else claim.rules
    constant = _said(claim, rules, c.constant)
    steady = f"{', '.join(sorted(c.scheduled))} constant"
    only = [text for text in constant.any_of or ("",) if text not in always]
    assumptions = tuple(dict.fromkeys((*constant.assumptions, *said.assumptions)))
    words = replace(constant, degenerate=said.degenerate, exact=said.exact, assumptions=assumptions)
    return words, [*(" and ".join(filter(None, (steady, text))) for text in only), *always]


def _names(claim: Claim, a: Rule, b: Rule) -> dict[str, str]:
    """Hyperparameters that only b has, called as some are that only a has; nothing that b is given or keeps is."""
    names = {his: e.name for his, e in claim.hyperparameters.items() if isinstance(e, Symbol)}
    taken = {*b.inputs, *b.state_names, *b.hyperparameter_names, *b.outputs, *(name for name, _ in b.questions)}
    alone = names.keys() <= {*b.hyperparameter_names} - {*a.hyperparameter_names}
    if len(names) != len(claim.hyperparameters) or not alone or len({*names.values()}) < len(names):
        raise Unfounded("no such names of the hyperparameters")
    if not {*names.values()} <= {*a.hyperparameter_names} - taken:
        raise Unfounded("no such names of the hyperparameters")
    return names


def _with(maps: Mapping[str, str]) -> str:
    return "".join(f", with {his} = {mine}" for his, mine in maps.items())


def _under(claim: Claim, said: Words) -> Words:
    """The same, said of the rules as they were before the condition."""
    if not claim.condition:
        return said
    both = {name: value for name, value in claim.condition.items() if "." not in name}
    sided = {name[0].upper() + name[1:]: value for name, value in claim.condition.items() if "." in name}
    text = condition_text({**both, **sided})
    any_of = tuple(" and ".join(filter(None, (text, more))) for more in said.any_of or ("",))
    degenerate = tuple(f"{text} and {more}" for more in said.degenerate)
    return replace(said, any_of=any_of, degenerate=degenerate, exact=False, message=f"{said.message}, where {text}")


# Runs


def _refuted(claim: Claim, found: Replayed) -> Verdict:
    """A run on which the two part, hyperparameters being those claimed, and constant."""
    w = found.witness
    if not isinstance(w, Separation) or not _are((w.a, w.b), claim.rules) or claim.shift:
        raise Unfounded("the run is one of other rules")
    if w.schedule_a or w.schedule_b:
        raise Unfounded("the run changes hyperparameters that are constant")
    maps = {**{name: Symbol(name) for name in w.b.hyperparameter_names}, **claim.hyperparameters}
    values = exact(maps.values(), {**w.hyperparameters_b, **w.hyperparameters_a})
    if dict(zip(maps, values, strict=True)) != dict(w.hyperparameters_b):
        raise Unfounded("the hyperparameters of the run do not correspond")
    said = maps_text(Maps({}, maps))
    return Verdict(
        "refuted",
        counterexample=found.document(),
        message=found.message() + _with(said),
        maps=said,
        assumptions=_by_their_names((w.a, w.b), claim.hyperparameters),
        warnings=_play_no_part(claim.rules, (w.a, w.b)),
        evidence=found,
        claim=claim,
    )
