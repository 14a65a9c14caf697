"""The small checker: from a certificate to `Checked`, which a verdict `proved` needs. Nothing else makes one.

It walks each tree of cases, sees that the branches of a split cover every sign the quantity can
have, and computes both sides of every pair in exact arithmetic in each leaf. For a claim about
trajectories it works out itself what has to be shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import product

from derive.algebra.case import Case
from derive.algebra.facts import Assumptions, Fact, NeedSplit, Stuck
from derive.algebra.operations import Value
from derive.algebra.polynomials import TooLarge
from derive.algebra.work import apart
from derive.evaluate import Exact, enclosed, exact
from derive.expr import Apply, Expr, Number, Symbol, nodes, substitute, symbols
from derive.ops import Inexact, Undefined
from derive.proving.cells import check_cells
from derive.proving.certificate import (
    Boxed,
    Certificate,
    Condition,
    Conditional,
    Correspondence,
    Everywhere,
    Exactness,
    Identity,
    Induction,
    Invariants,
    Leaf,
    Limit,
    Nested,
    Pairs,
    Path,
    Sloped,
    Solved,
    Split,
    Sufficient,
    Tree,
)
from derive.proving.obligations import (
    Obligation,
    all_equal,
    is_true,
    of_correspondence,
    of_exactness,
    of_induction,
    of_invariants,
    of_limit,
    of_sloped,
    of_sufficient,
)
from derive.proving.refute import points
from derive.rule import REAL, Domain, Rule
from derive.transforms import bind, with_hyperparameters_of

WORK = 20_000_000  # for a certificate; more than was ever needed to find one

SETTINGS = 60  # at which a condition is tried
BESIDE = 8  # of them with one name at a number of the condition


class Rejected(Exception):
    """The certificate does not prove its claim."""


@dataclass(frozen=True)
class Checked:
    """A certificate that proves its claim: making one checks it, and raises Rejected where it does not."""

    certificate: Certificate

    def __post_init__(self) -> None:
        with apart(WORK):
            check_certificate(self.certificate)


def check_certificate(certificate: Certificate) -> None:
    """Raise Rejected unless the certificate proves its claim."""
    try:
        if isinstance(certificate, Identity):
            _check(certificate.tree, certificate.pairs, certificate.assumptions, Case(certificate.assumptions), ())
        elif isinstance(certificate, Invariants):
            _check_all(certificate.trees, of_invariants(certificate.rule, certificate.names))
        elif isinstance(certificate, Limit):
            _check_all(certificate.trees, of_limit(certificate))
        elif isinstance(certificate, Exactness):
            _check_all((certificate.tree,), [of_exactness(certificate)])
        elif isinstance(certificate, Conditional):
            _check_conditional(certificate)
        elif isinstance(certificate, Sufficient):
            _check_sufficient(certificate)
        elif isinstance(certificate, Induction):
            _check_all(certificate.trees, of_induction(certificate))
        elif isinstance(certificate, Sloped):
            _check_all(certificate.trees, of_sloped(certificate))
        elif isinstance(certificate, Everywhere):
            check_cells(certificate.condition, certificate.box, certificate.cells)
        else:
            _check_correspondence(certificate)
    except ValueError as fault:
        raise Rejected(str(fault)) from fault
    except (NeedSplit, Stuck, TooLarge, RecursionError) as obstacle:
        raise Rejected(f"{type(obstacle).__name__}: {obstacle}") from obstacle


def _check_sufficient(c: Sufficient) -> None:
    trees = c.trees if c.exact is None else (*c.trees, c.exact)
    if not c.conditions:
        raise Rejected("no condition")
    for condition in c.conditions:
        if not _can_hold(condition, c.premises, c.assumptions):
            raise Rejected(f"a condition that never holds: {condition}")
    _check_all(trees, of_sufficient(c))


def _can_hold(condition: Expr, premises: tuple[Expr, ...], assumptions: Assumptions) -> bool:
    """Whether the condition is seen to be true somewhere with the premises; one that gives a name its value, there."""
    given: dict[str, Expr] = {}
    if isinstance(condition, Apply) and condition.op == "eq" and isinstance(condition.args[0], Symbol):
        given = {condition.args[0].name: condition.args[1]}
    names = symbols(condition, *premises) - given.keys()
    free = {name: assumptions.domains.get(name, REAL) for name in sorted(names)}
    for values in _settings(free, (condition, *premises)):
        found = dict(zip(given, exact(given.values(), values), strict=True))
        fits = all(_may_be(value, [assumptions.domains.get(name, REAL)]) for name, value in found.items())
        here = [*premises, *([] if given else [condition])]
        if fits and all(value is True for value in enclosed(substitute(here, given), values)):
            return True
    return False


def _settings(free: Mapping[str, Domain], conditions: tuple[Expr, ...]) -> Iterator[dict[str, Fraction]]:
    """Draws from the domains, then with one name at or beside a number that a condition mentions."""
    drawn = list(points(free, SETTINGS))
    yield from drawn
    numbers = sorted({node.value for node in nodes(conditions) if isinstance(node, Number)})
    for name, number, beside in product(free, numbers, (0, 1, -1)):
        if number + beside in free[name]:
            yield from ({**values, name: number + beside} for values in drawn[:BESIDE])


def _check_correspondence(c: Correspondence) -> None:
    if c.invariants.rule != c.a:
        raise Rejected("the invariants are those of another rule")
    check_certificate(c.invariants)
    held = c.invariants.names
    maps = c.states, c.hyperparameters, c.inverse
    obligations = of_correspondence(c.a, c.b, *maps, held, c.scheduled, c.while_defined)
    _check_all(c.trees, obligations)


def _check_conditional(c: Conditional) -> None:
    for condition, proof in zip(c.conditions, c.correspondences, strict=True):
        _check_condition(condition, (c.a, c.b))
        a, b = bind(c.a, condition), bind(c.b, condition)
        both = with_hyperparameters_of(a, b), with_hyperparameters_of(b, a)
        if (proof.a, proof.b) not in (both, both[::-1]):
            raise Rejected("a proof about other rules than those of the condition")
        if not c.scheduled & {*a.hyperparameter_names, *b.hyperparameter_names} <= proof.scheduled:
            raise Rejected("a proof for constant hyperparameters that are scheduled")
        if not _by_names(proof):
            raise Rejected("a proof under which hyperparameters of one name differ")
        check_certificate(proof)
    if c.constant is not None:
        if (c.constant.a, c.constant.b) not in ((c.a, c.b), (c.b, c.a)):
            raise Rejected("a proof for constant hyperparameters about other rules")
        check_certificate(c.constant)
    if c.exactness is not None:
        _check_exactness(c, c.exactness)


def _check_exactness(c: Conditional, exactness: Exactness) -> None:
    """That nothing else makes the rules agree, constant hyperparameters included where they are scheduled."""
    if any(proof.while_defined for proof in c.correspondences):
        raise Rejected("exactness is said of whole runs only")
    if (exactness.a, exactness.b, exactness.conditions, exactness.scheduled) != (c.a, c.b, c.conditions, c.scheduled):
        raise Rejected("the conditions are proved exact for something else")
    if c.scheduled and not (isinstance(c.constant, Correspondence) and _by_names(c.constant)):
        raise Rejected("that the rules agree while nothing changes is not proved under the same names")
    check_certificate(exactness)


def _by_names(proof: Correspondence) -> bool:
    return all(value is Symbol(name) for name, value in proof.hyperparameters.items())


def _check_condition(condition: Condition, rules: tuple[Rule, Rule]) -> None:
    """A condition gives hyperparameters values in others, inside the domains for some of these, or it says nothing."""
    known = {name for rule in rules for name in rule.hyperparameter_names}
    if not condition.keys() <= known or not symbols(*condition.values()) <= known - condition.keys():
        raise Rejected("a condition on something else than hyperparameters")
    domains = {name: [r.domains[name] for r in rules if name in r.hyperparameter_names] for name in known}
    free = {name: domains[name][0] for name in sorted(symbols(*condition.values()))}
    for values in points(free, SETTINGS):
        found = exact(condition.values(), values)
        if all(_may_be(value, domains[name]) for name, value in zip(condition, found, strict=True)):
            return
    text = " and ".join(f"{name} = {value}" for name, value in condition.items())
    raise Rejected(f"a condition that never holds: {text}")


def _may_be(value: Exact, domains: list[Domain]) -> bool:
    """Whether a hyperparameter may have the value; one that is irrational it may."""
    return isinstance(value, Inexact) or (isinstance(value, Fraction) and all(value in domain for domain in domains))


def _check_all(trees: tuple[Tree, ...], obligations: list[Obligation]) -> None:
    if len(trees) != len(obligations):
        raise Rejected(f"{len(obligations)} things have to be shown, and {len(trees)} are")
    for tree, (_, pairs, assumptions) in zip(trees, obligations, strict=True):
        _check(tree, pairs, assumptions, Case(assumptions), ())


def _check(tree: Tree, pairs: Pairs, assumptions: Assumptions, case: Case, path: Path) -> None:
    if isinstance(tree, Solved):
        _check_outside(tree, pairs, assumptions, path)
    elif isinstance(tree, Boxed):
        _check_boxed(tree, pairs, assumptions)
    elif isinstance(tree, Nested):
        _check_nested(tree, pairs, assumptions)
    elif isinstance(tree, Leaf):
        if not coincide(case, pairs):
            raise Rejected("a case in which the two sides differ: " + described(path))
    else:
        with suppress(NeedSplit):
            coincide(case, pairs)  # as far as this case tells: what has a value here keeps it in the cases below
        _check_cover(case, tree)
        for signs, branch in tree.branches:
            fact = Fact(tree.quantity, signs)
            _check(branch, pairs, assumptions, case.where(fact), (*path, fact))


def _check_boxed(tree: Boxed, pairs: Pairs, assumptions: Assumptions) -> None:
    box = {name: assumptions.domains.get(name, REAL) for name in symbols(*(side for pair in pairs for side in pair))}
    check_cells(all_equal(pairs), box, tree.cells)


def _check_nested(tree: Nested, pairs: Pairs, assumptions: Assumptions) -> None:
    proof = tree.proof
    if pairs != (is_true(proof.condition, proof.premises),) or proof.assumptions != assumptions:
        raise Rejected("a proof of something else")
    check_certificate(proof)


def _check_outside(tree: Solved, pairs: Pairs, assumptions: Assumptions, path: Path) -> None:
    from derive.smt.deciding import prover, proves

    if not proves(pairs, assumptions, path):
        raise Rejected("another prover does not confirm, or cannot be asked: " + described(path))
    if tree.by != prover():  # an answer says on whose word it rests
        raise Rejected(f"{tree.by} is not the prover that confirms it: {prover()} is")


def _check_cover(case: Case, split: Split) -> None:
    possible = case.signs(case.number(split.quantity))
    covered = frozenset[int]().union(*(signs for signs, _ in split.branches))
    if not possible <= covered:
        raise Rejected(f"a case is missing: {split.quantity} can have a sign that no branch covers")


def coincide(case: Case, pairs: Pairs) -> bool:
    """Whether in this case the two sides of every pair are both undefined, or both defined and equal."""
    return case.is_impossible or all(a is b or _same(case, case.value(a), case.value(b)) for a, b in pairs)


def _same(case: Case, a: Value, b: Value) -> bool:
    if isinstance(a, Undefined) or isinstance(b, Undefined):
        return isinstance(a, Undefined) and isinstance(b, Undefined)
    return case.equal(a, b)


def described(path: Path) -> str:
    """The case in words: `beta = 0, g > 0`."""
    words = {frozenset({-1}): "<", frozenset({0}): "=", frozenset({1}): ">", frozenset({-1, 1}): "≠",
             frozenset({0, 1}): "≥", frozenset({-1, 0}): "≤"}  # fmt: skip
    return ", ".join(f"{fact.quantity} {words.get(fact.signs, '?')} 0" for fact in path) or "everywhere"
