"""Derivations of the symmetries: what each state does under the move, and what breaks it or restores it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from derive.algebra.normal import readable
from derive.deriving.derivation import Derivation, Step, code, equal, holds, letter, names_of
from derive.deriving.experiment import Experiment
from derive.deriving.nonzero import Nonzero, branches, while_nonzero
from derive.deriving.symmetries.coordinates import (
    assumptions_of_coordinates,
    parted,
    permutation,
    permutation_pairs,
    rotation,
    rotation_pairs,
)
from derive.deriving.symmetries.deciding import Decided, proved, said
from derive.deriving.symmetries.dimensions import joint_scalings
from derive.deriving.symmetries.kinds import NONE, Kind, decide_kind
from derive.deriving.symmetries.runs import along, apart, apart_when_turned, exchanged, turned
from derive.deriving.symmetries.transformation import Transformation, conjugated, scaling, with_free
from derive.evaluate import enclosed
from derive.expr import Expr, Number, Symbol, apply, of_one_element, substitute
from derive.ops import Undefined
from derive.proving import Assumptions, Verdict, assumptions_of
from derive.proving.checker import Checked
from derive.proving.replay import Replayed, Separation
from derive.rule import Rule
from derive.transforms import bind


@dataclass(frozen=True)
class _Part:
    """What a derivation of a symmetry is made of."""

    statement: str
    steps: tuple[Step, ...] = ()
    assumptions: tuple[str, ...] = ()
    quantities: Mapping[str, Expr] = field(default_factory=dict)
    experiments: tuple[Experiment, ...] = ()


def of_kind(rule: Rule, kind: Kind) -> Derivation | None:
    """The symmetry with its proof; where it fails a run that shows it, and what restores it."""
    decided, asks = decide_kind(rule, kind), kind.asks.format(c=letter(rule, "c"))
    status = decided.verdict.status
    found = while_nonzero(rule) if status in ("refuted", "unknown") else None
    if status == "unknown":
        return None if found is None else _derivation(rule, kind.title, asks, [_while_nonzero(rule, kind, found)])
    parts = [_kept(rule, decided)] if status != "refuted" else [_Part("It does not hold.")]
    parts += [_broken(rule, decided)] if status != "proved" else []
    restoring = _restoring(rule, kind) if status != "proved" else None
    if restoring is not None:
        parts.append(_restored(rule, *restoring))
    if found is not None:
        parts.append(_while_nonzero(rule, kind, found, restored=restoring is not None))
    return _derivation(rule, kind.title, asks, parts)


def _derivation(rule: Rule, title: str, asks: str, parts: list[_Part]) -> Derivation | None:
    steps = tuple(step for part in parts for step in part.steps)
    quantities = {name: e for part in parts for name, e in part.quantities.items()}
    return Derivation(
        title=title,
        statement=" ".join([f"Asked: {asks}.", *(part.statement for part in parts if part.statement)]),
        assumptions=tuple(line for part in parts for line in part.assumptions),
        steps=steps,
        result=next(iter(quantities.values()), Number(1)),
        names=names_of(rule),
        quantities=quantities,
        experiments=tuple(run for part in parts for run in part.experiments),
    ) if steps else None  # fmt: skip


def _kept(rule: Rule, decided: Decided) -> _Part:
    """The map after a step, state by state, under the first condition where one is needed."""
    zeros: dict[str, Expr] = dict.fromkeys(decided.zeros[0], Number(0)) if decided.zeros else {}
    bound, move = bind(rule, zeros), decided.move
    a_step, b_step = bound.step, conjugated(bound, move).step
    assumed = _assumed(bound, move)
    steps = []
    mapped = {n: Symbol(n) if n == "theta" else move.states[n] for n in ("theta", *rule.state_names)}
    for name, moved in mapped.items():
        [before] = _at(b_step[name], mapped)
        [after] = _at(moved, a_step)
        label = Symbol(f"{name}'[t]")
        steps.append(equal(label, before, after, why=f"the step with everything moved leaves `{name}` moved alike",
                           given=assumed))  # fmt: skip
    if decided.verdict.status == "proved":
        sentence = "It holds" + ("." if not move.moved_states else f", the states moving too: {_moves(move)}.")
    else:
        sentence = f"It holds where {_alternatives(decided)}{_exactly(decided.verdict)}."
    return _Part(sentence, tuple(steps), tuple(f"`{n} = 0`" for n in zeros), _quantities(move),
                 along(bound, move, tuple(zeros)))  # fmt: skip


def _at(expr: Expr, values: Mapping[str, Expr]) -> list[Expr]:
    return substitute([expr], values)


def _assumed(rule: Rule, move: Transformation) -> Assumptions:
    own = assumptions_of(with_free(rule, move))
    return own if move.free is None else own.extended({move.free.name: move.free.domain})


def _moves(move: Transformation) -> str:
    return ", ".join(code(e) + f" for `{n}`" for n, e in move.moved_states.items())


def _quantities(move: Transformation) -> dict[str, Expr]:
    return {f"moved {n}": e for n, e in {**move.states, **move.hyperparameters}.items()}


def _alternatives(decided: Decided) -> str:
    return " or ".join(" and ".join(f"`{n} = 0`" for n in names) for names in decided.zeros)


def _exactly(verdict: Verdict) -> str:
    exact = verdict.condition is not None and verdict.condition.get("exact")
    degenerate = (verdict.condition or {}).get("degenerate", [])
    but = f" (and trivially where {' or '.join(f'`{c}`' for c in degenerate)})" if degenerate else ""
    return f"{but}, and nowhere else" if exact else but


def _broken(rule: Rule, decided: Decided) -> _Part:
    """The run on which the two part, as numbers that are checked to differ."""
    witness = getattr(decided.verdict.counterexample, "witness", None)
    if not isinstance(witness, Separation):
        return _Part("")
    found = Replayed(witness).difference
    assert found is not None
    runs = apart(rule, decided.move, witness)
    given = ", ".join(f"{n} = {v}" for n, v in witness.hyperparameters_a.items())
    run = f"gradients {', '.join(map(str, witness.gradients))} from theta = {witness.theta}, where {given}"
    if isinstance(found.sides[0], str) or isinstance(found.sides[1], str):
        return _Part(f"Against it: {run}: {found.name} is {found.sides[0]}, and moved {found.sides[1]}.",
                     experiments=runs)  # fmt: skip
    if not _have_values(found.sides):
        return _Part(f"Against it: {run}: one side of `{found.name}` is undefined after step {found.step}.",
                     experiments=runs)  # fmt: skip
    straight, moved = (readable(of_one_element(side), Assumptions()) for side in found.sides)
    step = holds(apply("ne", straight, moved), given=Assumptions(),
                 why=f"`{found.name}` after step {found.step}, plainly and seen through the move: {run}")  # fmt: skip
    return _Part("A run shows where it fails.", (step,), experiments=runs)


def _have_values(sides: Iterable[Expr | str]) -> bool:
    """Whether both sides of a difference are numbers: where one is undefined there is nothing to compare."""
    exprs = [side for side in sides if not isinstance(side, str)]
    return not any(isinstance(value, Undefined) for value in enclosed(exprs, {}))


def _restored(rule: Rule, move: Transformation, proof: Checked) -> _Part:
    """Hyperparameters that, scaled along, make the step scale as asked; proved by induction like the rest."""
    hypers, verdict = move.hyperparameters, said(proof)
    scaled = ", ".join(f"`{n}` as {code(e)}" for n, e in hypers.items())
    conditions = [apply("eq", Symbol(f"{n}'"), e) for n, e in hypers.items()]
    steps = [Step(None, (c,), "by induction every step is then the one asked for", verdict) for c in conditions]
    return _Part(f"It holds again with {scaled}.", tuple(steps), quantities=_quantities(move),
                 experiments=along(rule, move))  # fmt: skip


def _restoring(rule: Rule, kind: Kind) -> tuple[Transformation, Checked] | None:
    """The scaling of hyperparameters with its proof, where there is one."""
    if kind.scales is None:
        return None
    answers = {name: kind.scales.get("g", NONE) for name, _ in rule.questions}
    wanted = {"theta": kind.scales.get("theta", NONE), **answers}
    for found in joint_scalings(rule, wanted):
        move = scaling(rule, found)
        proof = proved(rule, move)
        if proof is not None:
            return move, proof
    return None


def _while_nonzero(rule: Rule, kind: Kind, found: Nonzero, *, restored: bool = False) -> _Part:
    """The symmetry as long as the norms are not zero that the rule asks about, where it holds then.

    What restores it then is left out where it is `restored` anyway.
    """
    decided = decide_kind(found.rule, kind)
    held = decided.verdict.status in ("proved", "conditional")
    restoring = None if held or restored else _restoring(found.rule, kind)
    if not held and restoring is None:
        return _Part("")
    part = _kept(found.rule, decided) if restoring is None else _restored(found.rule, *restoring)
    move = decided.move if restoring is None else restoring[0]
    zeros = decided.zeros[0] if restoring is None and decided.zeros else ()
    asked = " and ".join(f"`{condition}`" for condition in dict.fromkeys(c for t in found.taken for c in t.conditions))
    sentence = f"As long as {asked}: {part.statement[:1].lower()}{part.statement[1:]}"
    return replace(part, statement=sentence, steps=(*branches(rule, found), *_lasting(found, move, zeros), *part.steps))


def _lasting(found: Nonzero, move: Transformation, zeros: Iterable[str]) -> Iterator[Step]:
    """That the norms of the moved run are not zero either."""
    bound = bind(found.rule, dict.fromkeys(zeros, Number(0)))
    moved = {"theta": move.there, **move.states, **move.hyperparameters}
    moved |= {name: _at(move.answer, {"g": Symbol(name)})[0] for name, _ in bound.questions}
    for condition in substitute(found.conditions, dict.fromkeys(zeros, Number(0))):
        [after] = _at(condition, moved)
        if after is not condition:
            yield holds(after, when=(condition,), given=_assumed(bound, move), why="nor is it zero in the moved run")


def of_permutation(rule: Rule) -> Derivation | None:
    """Coordinates in another order: nothing mixes them."""
    verdict = permutation(rule)
    if verdict.status != "proved":
        return None
    pair = permutation_pairs(rule)[0]
    step = Step(None, pair, "the formulas of two coordinates, exchanged before the step or after it",
                verdict)  # fmt: skip
    mixed = "norms, which mix them, do not see their order" if rule.norms else "no formula mixes coordinates"
    part = _Part(f"It holds: {mixed}.", (step,), experiments=exchanged(rule))
    asks = "coordinates in another order do the same in that order"
    return _derivation(rule, "Permutation of the coordinates", asks, [part])


def of_rotation(rule: Rule) -> Derivation | None:
    """Two coordinates turned by an angle."""
    verdict, asks = rotation(rule), "coordinates turned by an angle do the same, turned"
    if verdict.status == "unknown":
        return None
    if verdict:
        steps = tuple(
            equal(None, *pair, why="turned before the step or after it", given=assumptions_of_coordinates(rule))
            for pair in rotation_pairs(rule)[:2]
        )
        linear = "the step is linear, with the same coefficients in every coordinate"
        linear += ", but for norms, which turning does not change" if rule.norms else ""
        part = _Part(f"It holds: {linear}.", steps, experiments=turned(rule))
    else:
        witness, found = parted(rule), verdict.evidence
        assert isinstance(found, Replayed)
        assert found.difference is not None
        values = {n: Number(v) for n, v in found.difference.values.items()}
        plain = [_at(side, values)[0] for side in found.difference.sides]  # type: ignore[arg-type]
        if not _have_values(plain):
            return None
        sides = [readable(side, Assumptions()) for side in plain]
        step = holds(apply("ne", *sides), given=Assumptions(), why=verdict.message)
        part = _Part("It does not hold: the step is not linear in the gradients, so it depends on the axes.",
                     (step,), experiments=() if witness is None else apart_when_turned(witness))  # fmt: skip
    return _derivation(rule, "Rotation of the coordinates", asks, [part])
