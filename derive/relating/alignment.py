"""Hyperparameters under different names: which of one rule may be which of the other, where no map was found.

It only chooses what a counterexample and a condition are said of; nothing is proved by it.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher

from derive.relating.attempts import Request
from derive.transforms import with_names

MOST = 4


def alignments(request: Request) -> list[tuple[Request, dict[str, str]]]:
    """The request with hyperparameters that only b has called like those that only a has, and what was renamed.

    As many as have the same domain, the more alike in name the sooner; itself where there are none.
    """
    a, b = request.a, request.b
    if request.states or request.hyperparameters:
        return [(request, {})]
    taken = {*b.inputs, *b.state_names, *(line.target for line in b.body)}
    mine = {h.name: h.domain for h in a.hyperparameters if h.name not in {*b.hyperparameter_names, *taken}}
    his = {h.name: h.domain for h in b.hyperparameters if h.name not in {*a.hyperparameter_names, *taken}}
    partners = {n: [m for m in mine if mine[m] == domain] for n, domain in his.items()}
    found = list(_pairings({n: names for n, names in partners.items() if names}))
    most = max(map(len, found))
    best = sorted((p for p in found if len(p) == most), key=lambda p: (-_likeness(p), sorted(p.items())))
    return [_renamed(request, chosen) for chosen in best[:MOST]]


def aligned(request: Request) -> tuple[Request, dict[str, str]]:
    """The likeliest of the alignments."""
    return alignments(request)[0]


def _pairings(partners: dict[str, list[str]]) -> Iterator[dict[str, str]]:
    """Every way to give some of the names partners of their own."""
    if not partners:
        yield {}
        return
    (name, names), *rest = partners.items()
    for chosen in _pairings(dict(rest)):
        yield chosen
        yield from ({name: partner, **chosen} for partner in names if partner not in chosen.values())


def _likeness(pairing: dict[str, str]) -> float:
    return sum(SequenceMatcher(None, name, partner).ratio() for name, partner in pairing.items())


def _renamed(request: Request, chosen: dict[str, str]) -> tuple[Request, dict[str, str]]:
    scheduled = frozenset(chosen.get(name, name) for name in request.scheduled)
    return Request(request.a, with_names(request.b, chosen), scheduled=scheduled), chosen
