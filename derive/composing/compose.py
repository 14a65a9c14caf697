"""Rules made of a rule and pieces: `compose(clip_by_norm(1.0), adamw, ema_of_weights(0.999))`."""

from __future__ import annotations

from dataclasses import replace

from derive.composing.filling import filled
from derive.composing.piece import Piece, Schedule
from derive.errors import UserError
from derive.expr import Symbol, substitute
from derive.rule import REAL, Assignment, Hyperparameter, Reference, Rule
from derive.transforms import fresh_name


def composed(parts: tuple[Rule | Piece, ...], name: str = "") -> Rule:
    """One rule of a rule and the pieces around it.

    The gradient goes through them from left to right: what stands on the left has it first, what stands behind the
    rule is nearest to its step, and each sees the gradient and the parameter as those before it hand them on. So
    `compose(a, b, rule, c, d)` is a(b(d(c(rule)))). Raises UserError where there is not one rule, and where two parts
    don't fit.
    """
    rules = [place for place, part in enumerate(parts) if isinstance(part, Rule)]
    if len(rules) != 1:
        raise UserError(f"{len(rules) or 'no'} rules among what is composed", fix="give one rule, and pieces around it")
    [place] = rules
    rule = parts[place]
    assert isinstance(rule, Rule)
    result = rule
    for part in (*parts[place + 1 :], *reversed(parts[:place])):
        assert isinstance(part, Piece)
        result = filled(part, result)
    if result is rule:
        return rule if not name else replace(rule, name=name)
    pieces = [part for part in parts if isinstance(part, Piece)]
    return replace(
        result,
        name=name or "_".join(part.name for part in parts),
        reference=_reference(parts),
        doc="\n".join([rule.doc, *(f"{p.name}: {p.doc}" for p in pieces)]),
        where=rule.where,
    )


def _reference(parts: tuple[Rule | Piece, ...]) -> Reference:
    """The sources of all parts."""
    told = [part.reference for part in parts if str(part.reference)]
    return told[0] if len(told) == 1 else Reference(paper=". ".join(map(_source, told)))


def _source(reference: Reference) -> str:
    """Where it stands, without its note."""
    return reference.paper + (f" (arXiv:{reference.arxiv})" if reference.arxiv else "")


def scheduling(schedules: dict[str, Schedule]) -> Piece:
    """The piece that multiplies hyperparameters of a rule by schedules; each keeps its name and is then the factor's
    unit, the largest value where the schedule's largest is one."""
    for name, each in schedules.items():
        if not isinstance(each, Schedule):
            raise UserError(f"{name} is given no schedule", fix="write scheduled(lr=warmup_cosine(100, 1000))")
    if not schedules:
        raise UserError("nothing is scheduled", fix="write scheduled(lr=warmup_cosine(100, 1000))")
    taken = {"theta", "g", "t", *schedules}
    shared, own, before, given = list[Hyperparameter](), list[Hyperparameter](), list[Assignment](), []
    for name, each in schedules.items():
        names = {h.name: fresh_name(h.name if len(schedules) == 1 else f"{name}_{h.name}", taken)
                 for h in each.hyperparameters}  # fmt: skip
        names |= {
            a.target: fresh_name(f"{name}_factor" if a.target == "output" else a.target, taken) for a in each.body
        }
        new = {old: Symbol(called) for old, called in names.items()}
        own += [replace(h, name=names[h.name], meaning=f"of {each.name} for {name}") for h in each.hyperparameters]
        before += [Assignment(names[a.target], substitute([a.value], new)[0]) for a in each.body]
        shared.append(Hyperparameter(name, None, REAL))
        given.append((name, Symbol(name) * new["output"]))
    stepped = fresh_name("stepped", taken)
    return Piece(
        name="scheduled_" + "_".join(schedules),
        hyperparameters=(*shared, *own),
        states=(),
        before=tuple(before),
        given=(("theta", Symbol("theta")), ("g", Symbol("g")), *given),
        after=(Assignment("theta", Symbol(stepped)),),
        stepped=stepped,
        reference=_references(schedules),
        doc="; ".join(f"{name} by {each.name}" for name, each in schedules.items()),
    )


def _references(schedules: dict[str, Schedule]) -> Reference:
    told = list(dict.fromkeys(each.reference for each in schedules.values() if str(each.reference)))
    return told[0] if len(told) == 1 else Reference(paper=". ".join(map(_source, told)))
