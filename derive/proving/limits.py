"""Limits as a whole number grows: propose the continuous form, let the checker decide."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from derive.expr import Apply, Expr, Symbol, fold, substitute, symbols
from derive.proving.certificate import Limit
from derive.proving.checker import Checked, Rejected
from derive.proving.normal import NoNormalForm, tidy
from derive.proving.obligations import of_limit
from derive.proving.search import Differs, Undecided, propose_identity
from derive.proving.verdict import Assumptions, Verdict
from derive.rule import NONNEGATIVE, POSITIVE

ROOT = "s"


def limit(expr: Expr, variable: str, assumptions: Assumptions) -> tuple[Limit, Verdict] | None:
    """What `expr` tends to as the whole number `variable` grows, with its proof; None where none was found."""
    try:
        claim = _claimed(expr, variable, assumptions)
        trees = tuple(propose_identity(pairs, assumed).tree for _, pairs, assumed in of_limit(claim))
        evidence = Checked(replace(claim, trees=trees))
    except (NoNormalForm, Undecided, Differs, Rejected, ValueError):
        return None
    return claim, Verdict("proved", relation="limit", evidence=evidence)


def _claimed(expr: Expr, variable: str, assumptions: Assumptions) -> Limit:
    powers, sizes = _Names("p"), _Names("size")
    named = _replaced(expr, lambda node: powers.name(node.args[0]) if _is_power(node, variable) else None)
    if variable in symbols(named):
        # Absolute values keep their name, or the normal form would take their argument as positive.
        named = _replaced(named, lambda node: sizes.name(node) if node.op == "abs" else None)
        domains = {**assumptions.domains, ROOT: POSITIVE, **dict.fromkeys(powers.known, POSITIVE),
                   **dict.fromkeys(sizes.known, NONNEGATIVE)}  # fmt: skip
        [in_root] = substitute([named], {variable: 1 / Symbol(ROOT) ** 2})
        [named] = substitute([tidy(in_root, Assumptions(domains))], sizes.known)
    claim = Limit(expr, variable, expr, named, powers.known, ROOT, assumptions, ())
    value = _replaced(claim.at_zero, lambda node: sizes.name(node) if node.op == "abs" else None)
    shown = tidy(value, Assumptions({**assumptions.domains, **dict.fromkeys(sizes.known, NONNEGATIVE)}))
    return replace(claim, limit=substitute([shown], sizes.known)[0])


class _Names:
    """Fresh names for expressions, the same one for the same expression."""

    def __init__(self, stem: str) -> None:
        self.stem, self.known = stem, dict[str, Expr]()

    def name(self, meaning: Expr) -> Symbol:
        found = next((n for n, e in self.known.items() if e is meaning), f"{self.stem}{len(self.known)}")
        self.known[found] = meaning
        return Symbol(found)


def _is_power(node: Apply, variable: str) -> bool:
    return node.op == "pow" and node.args[1] is Symbol(variable) and variable not in symbols(node.args[0])


def _replaced(expr: Expr, choose: Callable[[Apply], Expr | None]) -> Expr:
    """The expression with chosen nodes replaced."""

    def rebuilt(node: Apply, args: tuple[Expr, ...]) -> Expr:
        again = node if args == node.args else Apply(node.op, args)
        return choose(again) or again

    return fold([expr], symbol=lambda s: s, number=lambda n: n, apply=rebuilt)[0]
