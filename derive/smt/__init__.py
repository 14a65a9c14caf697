"""Claims for other provers: as SMT-LIB text, and decided by z3 in a process of its own."""

from derive.smt.export import to_smtlib
from derive.smt.solver import Answer, confirm, is_installed

__all__ = ["Answer", "confirm", "is_installed", "to_smtlib"]
