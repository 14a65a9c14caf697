"""Limits as a whole number grows: propose the continuous form, let the checker decide."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from derive.algebra.case import Case
from derive.algebra.facts import Assumptions, Fact
from derive.algebra.normal import NoNormalForm, generic_case, tidy
from derive.expr import Apply, Expr, Number, Symbol, fold, substitute, symbols
from derive.ops import Undefined
from derive.proving.certificate import Limit, Path, Split, Tree
from derive.proving.checker import Checked, Rejected, described
from derive.proving.obligations import of_limit
from derive.proving.search import Differs, Undecided, propose_identity
from derive.proving.verdict import Verdict
from derive.rule import NONNEGATIVE, POSITIVE

FASTEST = 3  # the highest power of the variable that is tried beside one of a base: t^3 q^t vanishes too
ROOT = "#root"  # no name of a rule has such a sign in it


@dataclass(frozen=True)
class ProvedLimit:
    """A limit, its proof, and the cases in which the proof says nothing though the limit is written down."""

    claim: Limit
    verdict: Verdict
    exceptions: tuple[str, ...]


def limit(expr: Expr, variable: str, assumptions: Assumptions) -> ProvedLimit | None:
    """What `expr` tends to as the whole number `variable` grows, with its proof; None where none was found."""
    beside = _replaced(expr, lambda node: Number(1) if _is_power(node, variable) else None)
    for degree in (0, FASTEST) if variable in symbols(beside) else (0,):
        found = _limit(expr, variable, assumptions, degree)
        if found is not None:
            return found
    return None


def _limit(expr: Expr, variable: str, assumptions: Assumptions, degree: int) -> ProvedLimit | None:
    try:
        claim = _claimed(expr, variable, assumptions, degree)
        trees = tuple(propose_identity(pairs, assumed).tree for _, pairs, assumed in of_limit(claim))
        evidence = Checked(replace(claim, trees=trees))
    except (NoNormalForm, Undecided, Differs, Rejected, ValueError):
        return None
    exceptions = tuple(_undefined_cases(trees[-1], claim, ()))
    return ProvedLimit(claim, Verdict("proved", relation="limit", evidence=evidence), exceptions)


def _undefined_cases(tree: Tree, claim: Limit, path: Path) -> Iterator[str]:
    """The cases in which the continuous form is undefined at zero and the limit is not."""
    if isinstance(tree, Split):
        for signs, branch in tree.branches:
            yield from _undefined_cases(branch, claim, (*path, Fact(tree.quantity, signs)))
        return
    case = Case(claim.assumptions, path)
    if isinstance(case.value(claim.at_zero), Undefined) and not isinstance(case.value(claim.limit), Undefined):
        yield described(path)


def _claimed(expr: Expr, variable: str, assumptions: Assumptions, degree: int) -> Limit:
    """The claim, with a name for each variable^degree base^variable; the power alone is that times root^(2 degree)."""
    powers, sizes = _Names("#power"), _Names("#size")

    def vanishing(node: Apply) -> Expr | None:
        if not _is_power(node, variable):
            return None
        name = powers.name(node.args[0])
        return name / Symbol(variable) ** degree if degree else name

    named = _replaced(expr, vanishing)
    if variable in symbols(named):
        # Absolute values keep their name, or the normal form would take their argument as positive.
        named = _replaced(named, lambda node: sizes.name(node) if node.op == "abs" else None)
        domains = {**assumptions.domains, ROOT: POSITIVE, **dict.fromkeys(powers.known, POSITIVE),
                   **dict.fromkeys(sizes.known, NONNEGATIVE)}  # fmt: skip
        [in_root] = substitute([named], {variable: 1 / Symbol(ROOT) ** 2})
        named = sizes.restored(tidy(in_root, Assumptions(domains)))
    claim = Limit(expr, variable, expr, named, powers.known, ROOT, assumptions, (), degree)
    generic_case(claim.at_zero, assumptions)  # a limit that is undefined almost everywhere is none
    value = _replaced(claim.at_zero, lambda node: sizes.name(node) if node.op == "abs" else None)
    shown = tidy(value, Assumptions({**assumptions.domains, **dict.fromkeys(sizes.known, NONNEGATIVE)}))
    return replace(claim, limit=sizes.restored(shown))


class _Names:
    """Fresh names for expressions, the same one for the same expression."""

    def __init__(self, stem: str) -> None:
        self.stem, self.known = stem, dict[str, Expr]()

    def name(self, meaning: Expr) -> Symbol:
        found = next((n for n, e in self.known.items() if e is meaning), f"{self.stem}{len(self.known)}")
        self.known[found] = meaning
        return Symbol(found)

    def restored(self, expr: Expr) -> Expr:
        """The expression with every name given its meaning back, which may hold earlier names."""
        for name, meaning in reversed(self.known.items()):
            [expr] = substitute([expr], {name: meaning})
        return expr


def _is_power(node: Apply, variable: str) -> bool:
    return node.op == "pow" and node.args[1] is Symbol(variable) and variable not in symbols(node.args[0])


def _replaced(expr: Expr, choose: Callable[[Apply], Expr | None]) -> Expr:
    """The expression with chosen nodes replaced."""

    def rebuilt(node: Apply, args: tuple[Expr, ...]) -> Expr:
        again = node if args == node.args else Apply(node.op, args)
        return choose(again) or again

    return fold([expr], symbol=lambda s: s, number=lambda n: n, apply=rebuilt)[0]
