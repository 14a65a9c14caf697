"""Hyperparameters under different names: which of one rule may be which of the other.

An alignment gives hyperparameters of b the names of others of a, of the same domain. What no run speaks against
is compared like any two rules; the names that are left over on a side must then turn out to play no part.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from difflib import SequenceMatcher
from itertools import combinations, islice, permutations, product

from derive.errors import UserError
from derive.expr import Symbol
from derive.proving.checker import Checked
from derive.proving.refute import separating_trajectory
from derive.relating.searching.attempts import Record, Request, with_map_of_runs, with_open_map, with_same_names
from derive.rule import Rule
from derive.transforms import with_more, with_names

MOST = 4  # under which conditions are looked for
MOST_TRIED = 120  # under which the two are run side by side
MOST_LISTED = 1000
FIRST_TRIES = 12  # most rules that differ do so soon

Alignment = Mapping[str, str]


def with_aligned_names(request: Request, record: Record) -> Checked | None:
    """The proof under an alignment of the names that only one rule has."""
    return _first_proof(plausible(request), record)


def with_swapped_names(request: Request, record: Record) -> Checked | None:
    """The proof under two names having changed places."""
    mine = {(h.name, h.domain) for h in request.a.hyperparameters}
    shared = [h for h in request.b.hyperparameters if (h.name, h.domain) in mine]
    pairs = [(x.name, y.name) for x, y in combinations(shared, 2) if x.domain == y.domain]
    return _first_proof(_not_parted(request, ({x: y, y: x} for x, y in pairs[:MOST_TRIED])), record)


def plausible(request: Request) -> Iterator[Request]:
    """The request under each alignment of the names that only one rule has, where no run speaks against it."""
    if {*request.a.hyperparameter_names} != {*request.b.hyperparameter_names}:
        yield from _not_parted(request, _pairings(request.a, request.b)[:MOST_TRIED])


def _not_parted(request: Request, chosen: Iterable[Alignment]) -> Iterator[Request]:
    if request.states or request.hyperparameters:
        return
    for each in chosen:
        aligned = _completed(request, each)
        if aligned is not None and not separating_trajectory(
            aligned.a, aligned.b, aligned.shared, FIRST_TRIES, sorted(aligned.scheduled), simplest=False
        ):
            yield aligned


def _first_proof(requests: Iterable[Request], record: Record) -> Checked | None:
    for request in requests:
        proof = (
            with_same_names(request, record)
            or with_map_of_runs(request, record)
            or with_open_map(request, record, same_hyperparameters=True)
        )
        if proof is not None:
            return proof
    return None


def _completed(request: Request, chosen: Alignment) -> Request | None:
    """The request under the alignment, each rule with what only the other has left; None where a name is taken."""
    a, b = request.a, request.b
    twins = {n for n in b.hyperparameter_names if n in a.hyperparameter_names} - chosen.keys()
    mine = [h for h in a.hyperparameters if h.name not in {*twins, *chosen.values()}]
    his = [h for h in b.hyperparameters if h.name not in {*twins, *chosen}]
    try:
        a, b = (with_more(r, more) for r, more in ((a, his), (b, mine)))
    except UserError:
        return None
    return replace(request, a=a, b=b, hyperparameters={n: Symbol(m) for n, m in chosen.items()})


def alignments(request: Request) -> list[tuple[Request, Alignment]]:
    """The request with hyperparameters that only b has called like those that only a has, and what was renamed.

    As many as have the same domain, the more alike in name the sooner; itself where there are none.
    """
    if request.states or request.hyperparameters:
        return [(request, {})]
    b = request.b
    taken = {*b.inputs, *b.state_names, *b.outputs}
    found = (chosen for chosen in _pairings(request.a, b) if taken.isdisjoint(chosen.values()))
    return [_renamed(request, chosen) for chosen in islice(found, MOST)] or [(request, {})]


def aligned(request: Request) -> tuple[Request, Alignment]:
    """The likeliest of the alignments."""
    return alignments(request)[0]


def _pairings(a: Rule, b: Rule) -> list[dict[str, str]]:
    """The ways to give what only b has names that only a has, as many as have the same domain; the likeliest first."""
    mine, his = ([h for h in x.hyperparameters if h.name not in y.hyperparameter_names] for x, y in ((a, b), (b, a)))
    domains = dict.fromkeys(h.domain for h in his)
    groups = [[[h.name for h in side if h.domain == domain] for side in (his, mine)] for domain in domains]
    listed = islice(product(*(list(islice(_injections(*group), MOST_LISTED)) for group in groups)), MOST_LISTED)
    found = [{name: partner for part in parts for name, partner in part.items()} for parts in listed]
    return sorted(found, key=lambda p: (-_likeness(p), sorted(p.items())))


def _injections(names: list[str], partners: list[str]) -> Iterator[dict[str, str]]:
    """Every way to give as many of the names as can be partners of their own."""
    if len(names) <= len(partners):
        yield from (dict(zip(names, chosen, strict=True)) for chosen in permutations(partners, len(names)))
    else:
        yield from (dict(zip(chosen, partners, strict=True)) for chosen in permutations(names, len(partners)))


def _likeness(pairing: Alignment) -> float:
    return sum(SequenceMatcher(None, name, partner).ratio() for name, partner in pairing.items())


def _renamed(request: Request, chosen: Alignment) -> tuple[Request, Alignment]:
    scheduled = frozenset(chosen.get(name, name) for name in request.scheduled)
    return Request(request.a, with_names(request.b, chosen), scheduled=scheduled), chosen
