"""Hyperparameters under different names: which of one rule may be which of the other, where no map was found.

It only chooses what a counterexample and a condition are said of; nothing is proved by it.
"""

from __future__ import annotations

from difflib import SequenceMatcher

from derive.relating.attempts import Request
from derive.transforms import with_names


def aligned(request: Request) -> tuple[Request, dict[str, str]]:
    """The request with hyperparameters that only b has called like those that only a has, and what was renamed.

    The more alike in name the sooner, and only where the domain is the same.
    """
    a, b = request.a, request.b
    if request.states or request.hyperparameters:
        return request, {}
    mine = {h.name: h.domain for h in a.hyperparameters if h.name not in b.hyperparameter_names}
    taken = {*b.inputs, *b.state_names, *(line.target for line in b.body)}
    his = {h.name: h.domain for h in b.hyperparameters if h.name not in {*a.hyperparameter_names, *taken}}
    pairs = sorted((-SequenceMatcher(None, n, m).ratio(), n, m) for n in his for m in mine if his[n] == mine[m])
    chosen: dict[str, str] = {}
    for _, name, new in pairs:
        if name not in chosen and new not in chosen.values() and new not in taken:
            chosen[name] = new
    scheduled = frozenset(chosen.get(name, name) for name in request.scheduled)
    return Request(a, with_names(b, chosen), scheduled=scheduled), chosen
