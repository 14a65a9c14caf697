"""Exact verdicts: strategies propose, one small checker decides, one replay refutes."""

from derive.algebra.facts import Assumptions
from derive.proving.identity import identity
from derive.proving.invariants import assumptions_of, invariants
from derive.proving.verdict import Verdict

__all__ = ["Assumptions", "Verdict", "assumptions_of", "identity", "invariants"]
