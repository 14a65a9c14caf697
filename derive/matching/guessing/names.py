"""How likely two names mean the same hyperparameter. Names only put guesses in order; what is true is computed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import product

# Words that texts use for one another.
_KINDS = (
    {"lr", "learningrate", "alpha", "eta", "stepsize", "a", "rate", "gamma"},
    {"beta", "rho", "gamma", "mu", "momentum", "decay", "decayrate", "alpha", "discount", "smoothing", "b"},
    {"beta1", "b1", "rho1", "betam", "momentum"},
    {"beta2", "b2", "rho2", "betav", "rho", "gamma"},
    {"eps", "epsilon", "e", "delta", "damping", "small"},
    {"weightdecay", "wd", "lambda", "lambd", "lam", "l2", "decay"},
)


@lru_cache(maxsize=4096)
def distance(mine: str, his: str) -> int:
    """0 for the same name, 1 for words of one kind, more the less they look alike."""
    a, b = _plain(mine), _plain(his)
    if a == b:
        return 0
    if any(a in kind and b in kind for kind in _KINDS):
        return 1
    alike = SequenceMatcher(None, a, b).ratio()
    return 2 if alike > 0.6 and _digits(a) == _digits(b) else 4 if _digits(a) != _digits(b) else 3


def recognised(mine: Sequence[str], his: Sequence[str]) -> dict[str, str]:
    """The names of a rule that are names of a text too; of the others, those that one name alone is like, and it alone
    like them."""
    same = {h: h for h in his if h in mine}
    rest, free = [n for n in mine if n not in same], [h for h in his if h not in same]
    alike = [(h, n) for h, n in product(free, rest) if distance(n, h) <= 1]
    once = Counter(name for pair in alike for name in (("his", pair[0]), ("mine", pair[1])))
    return {**same, **{h: n for h, n in alike if once["his", h] == once["mine", n] == 1}}


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.rsplit(".", 1)[-1].lower())


def _digits(name: str) -> str:
    return re.sub(r"\D", "", name)


def is_like_a_gradient(name: str) -> bool:
    """Whether texts call gradients so: `g`, `grad_w`, `dW`, `∇`."""
    if any(_plain(name) in kind for kind in _KINDS):  # `decay`, `delta`
        return False
    return re.fullmatch(r"g|g_.*|.*grad.*|d[a-zA-Z]\w*|.*[.\"]d\w+\W*|.*∇.*", name, re.IGNORECASE) is not None


def is_like_a_counter(name: str) -> bool:
    """Whether texts count steps so: `t`, `step`, `state["step"]`."""
    return re.fullmatch(r"t|k|n|i|.*step.*|.*iter.*|.*epoch.*|.*count.*", name, re.IGNORECASE) is not None
