"""Where our own algebra ends: what z3 settles, within counted work."""

from __future__ import annotations

import atexit
from collections.abc import Sequence
from functools import lru_cache
from threading import Lock

from derive.algebra.facts import Assumptions, Fact
from derive.proving.certificate import Pairs
from derive.smt.encode import Untranslatable
from derive.smt.export import question
from derive.smt.solver import Z3, Answer, is_installed

WORK = 1_000_000  # of z3's units: a second or two
SECONDS = 5.0
LONGEST_QUESTION = 400_000

_Z3 = Z3(WORK)
_ONE_AT_A_TIME = Lock()
atexit.register(_Z3.stop)


def proves(pairs: Pairs, assumptions: Assumptions, path: Sequence[Fact] = ()) -> bool:
    """Whether z3 finds that the two sides of every pair coincide wherever the assumptions and the facts hold."""
    if not is_installed():
        return False
    try:
        script = question(pairs, assumptions, path)
    except Untranslatable:
        return False
    return len(script) <= LONGEST_QUESTION and _answer(script) == "unsat"


def prover() -> str:
    """The prover by name and version."""
    return f"z3 {_Z3.version}"


@lru_cache(maxsize=64)
def _answer(script: str) -> Answer:
    with _ONE_AT_A_TIME:
        return _Z3.ask(script, SECONDS)
