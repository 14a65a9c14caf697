"""Where a proof is looked for, in order: the same names, then a map with open coefficients, either way round.

Each attempt is one line of what `--explain` shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from derive.expr import Expr, Number, Symbol, symbols
from derive.proving.checker import Checked
from derive.proving.obligations import tracked
from derive.proving.search import Differs, Undecided
from derive.relating.searching.ansatz import Ansatz, hyper_unknown, relevant
from derive.relating.searching.induction import induction
from derive.relating.searching.solving import Maps, candidate_maps
from derive.relating.searching.traces import map_by_runs
from derive.relating.wording import maps_text
from derive.rule import Rule


@dataclass(frozen=True)
class Request:
    """Two rules, what is given of the map from `a` to `b`, and what may change from step to step."""

    a: Rule
    b: Rule
    states: Mapping[str, Expr] = field(default_factory=dict)
    hyperparameters: Mapping[str, Expr] = field(default_factory=dict)
    scheduled: frozenset[str] = frozenset()
    while_defined: bool = False

    @property
    def shared(self) -> dict[str, Expr]:
        """The hyperparameters of b with the values given, or those of the same name in a."""
        same = {n: Symbol(n) for n in self.b.hyperparameter_names if n in self.a.hyperparameter_names}
        return {**same, **self.hyperparameters}

    @property
    def reversed(self) -> Request | None:
        """The other way round, where nothing was given that reads only one way: names for names read both ways."""
        back = {e.name: Symbol(n) for n, e in self.hyperparameters.items() if isinstance(e, Symbol)}
        if self.states or len(back) < len(self.hyperparameters):
            return None
        return replace(self, a=self.b, b=self.a, hyperparameters=back)


@dataclass
class Record:
    """What was tried, and the maps met that give hyperparameters of b a value: they hold under a condition."""

    lines: list[str] = field(default_factory=list)
    specialised: list[Maps] = field(default_factory=list)

    def note(self, line: str) -> None:
        if line not in self.lines:
            self.lines.append(line)


def with_same_names(request: Request, record: Record) -> Checked | None:
    """The proof under the map that leaves every name as it is, given values aside."""
    a, b = request.a, request.b
    kept = {"t", *a.state_names, *a.hyperparameter_names, *(() if a.is_average else ("theta",))}
    needed = {*relevant(b), *request.states, *(n for n in tracked(b) if n in kept)}
    states = {n: request.states.get(n, Symbol(n)) for n in tracked(b) if n in needed}
    hypers = request.shared
    if len(hypers) < len(b.hyperparameter_names) or not symbols(*states.values()) <= kept:
        return None
    return _proved(request, Maps(states, hypers), record)


def with_map_of_runs(request: Request, record: Record) -> Checked | None:
    """The proof under the map that runs of both suggest, either way, hyperparameters keeping their names."""
    if request.states:
        return None
    for direction in filter(None, (request, request.reversed)):
        whole = len(direction.shared) == len(direction.b.hyperparameter_names)
        maps = map_by_runs(direction.a, direction.b, direction.shared) if whole else None
        proof = None if maps is None else _proved(direction, maps, record)
        if proof is not None:
            return proof
    return None


def with_open_map(request: Request, record: Record, *, same_hyperparameters: bool) -> Checked | None:
    """The proof under a map found by solving for its coefficients (and, where not kept, for hyperparameters)."""
    for direction in _directions(request):
        candidates = 0
        for varying in (False, True) if _counts(direction) else (False,):
            for maps in _candidates(direction, varying, same_hyperparameters):
                candidates += 1
                if _specialises(maps):
                    if direction == request:
                        record.specialised.append(maps)
                    continue
                proof = _proved(direction, maps, record)
                if proof is not None:
                    return proof
        if not candidates and len(relevant(request.a)) == len(relevant(request.b)):
            break  # a map the other way round would have an inverse
    record.note(f"maps linear in the states{'' if same_hyperparameters else ' and for the hyperparameters'}: none left")
    return None


def _directions(request: Request) -> list[Request]:
    """Both ways, first from the rule with more states, which can tell all of the other's."""
    other = request.reversed
    if other is None:
        return [request]
    return [request, other] if len(request.a.states) >= len(request.b.states) else [other, request]


def _candidates(request: Request, varying: bool, same: bool) -> Iterator[Maps]:
    ansatz = Ansatz(request.a, request.b, varying, request.states)
    fixed = request.shared if same else request.hyperparameters
    yield from candidate_maps(ansatz, {hyper_unknown(n): e for n, e in fixed.items()})


def _counts(request: Request) -> bool:
    """Whether a state of either is stepped by t: a map that varies is of no use between two that are not."""
    return any("t" in symbols(rule.step[n]) for rule in (request.a, request.b) for n in rule.state_names)


def _specialises(maps: Maps) -> bool:
    """Whether the map gives a hyperparameter a number, or one value to two of them."""
    values = list(maps.hyperparameters.values())
    return any(isinstance(e, Number) for e in values) or len(set(values)) < len(values)


def _proved(request: Request, maps: Maps, record: Record) -> Checked | None:
    text = ", ".join(f"{n} = {e}" for n, e in maps_text(maps).items()) or "the same names"
    try:
        return induction(request.a, request.b, maps, request.scheduled, request.while_defined)
    except Differs as obstacle:
        record.note(f"{text}: a step does not keep it where {obstacle}")
    except Undecided as obstacle:
        record.note(f"{text}: {obstacle}")
    return None
