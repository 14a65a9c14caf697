"""What a proof or a run says, as a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from derive.expr import Expr, Symbol
from derive.proving.certificate import Correspondence, decided_by
from derive.proving.checker import Checked
from derive.proving.replay import Replayed
from derive.proving.verdict import Verdict
from derive.relating.attempts import Record, Request
from derive.relating.shifts import Shift
from derive.relating.solving import Maps
from derive.relating.wording import maps_text
from derive.rule import Rule

BY_NAME = "hyperparameters of one name are the same on both sides"
BY_MAP = "hyperparameters of other names correspond as the map says"


def proved_by(proof: Checked, request: Request, record: Record) -> Verdict:
    c = proof.certificate
    assert isinstance(c, Correspondence)
    sides = ("A", "B") if c.a == request.a else ("B", "A")
    maps = maps_text(Maps(c.states, c.hyperparameters), source=sides[0], target=sides[1])
    renamed = any(e is not Symbol(n) for n, e in c.hyperparameters.items())
    relation = "hyperparameter_map" if renamed else "state_map" if maps else "identical"
    lines = ", ".join(f"{name} = {value}" for name, value in maps.items())
    return Verdict(
        "proved",
        relation=relation,
        maps=maps,
        warnings=_swapped(c.hyperparameters, *sides),
        assumptions=(
            *(f"{n} ≥ 0 (proved by induction)" for n in c.invariants.names),
            *(f"{n} changes too, as the map says" for n in sorted(c.scheduled - request.scheduled)),
            *decided_by(*c.trees),
        ),
        message=f"equal with {lines}" if lines else "the same step",
        tried=tuple(record.lines),
        evidence=proof,
    )


def proved_aligned(proof: Checked, aligned: Request, whole: Request, record: Record) -> Verdict:
    """The verdict for rules with each other's hyperparameters added, where these turned out to play no part."""
    verdict = proved_by(proof, aligned, record)
    idle = play_no_part((aligned.b, whole.b), (aligned.a, whole.a))
    return replace(verdict, warnings=(*idle, *verdict.warnings))


def shifted_by(shift: Shift, record: Record) -> Verdict:
    when = "a step later" if shift.steps == 1 else f"{shift.steps} steps later"
    text = f"{shift.late} asks {when} what {shift.early} asks: at step t + {shift.steps} what it asks at step t"
    return Verdict("proved", relation="shift", message=text, tried=tuple(record.lines), evidence=shift.proof)


def refuted_by(apart: Replayed, request: Request, called: Mapping[str, str], tried: tuple[str, ...]) -> Verdict:
    """The answer that a run gives; `called` are the names under which the rules were compared."""
    twins = {*request.a.hyperparameter_names} & {*request.b.hyperparameter_names} - {*called, *request.hyperparameters}
    said = tuple(text for text, holds in ((BY_NAME, twins), (BY_MAP, called)) if holds)
    return Verdict("refuted", counterexample=apart.document(), message=apart.message(), maps=named(called),
                   assumptions=said, tried=tried, evidence=apart)  # fmt: skip


def _swapped(hyperparameters: Mapping[str, Expr], source: str, target: str) -> tuple[str, ...]:
    """Names that both rules have, for different things."""
    return tuple(
        f"{target}.{name} is {source}.{value.name}"
        for name, value in hyperparameters.items()
        if isinstance(value, Symbol) and value.name != name and value.name in hyperparameters
    )


def play_no_part(*sides: tuple[Rule, Rule]) -> tuple[str, ...]:
    """What each side has and leaves out, in words."""
    return tuple(
        f"{side}.{name} plays no part"
        for side, (whole, less) in zip("AB", sides, strict=True)
        for name in whole.hyperparameter_names
        if name not in less.hyperparameter_names
    )


def called_alike(verdict: Verdict) -> dict[str, str]:
    """The names under which the rules of a conditional verdict were compared."""
    return {his.removeprefix("B."): mine.removeprefix("A.") for his, mine in verdict.maps.items()}


def named(called: Mapping[str, str]) -> dict[str, str]:
    return {f"B.{his}": f"A.{mine}" for his, mine in called.items()}


def with_names_said(called: Mapping[str, str]) -> str:
    return f", with {', '.join(f'{his} = {mine}' for his, mine in named(called).items())}" if called else ""
