"""From a statement to a verdict: proved, conditional with the condition, refuted with a counterexample, or unknown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import islice, permutations

from derive.algebra.signs import common
from derive.errors import UserError
from derive.evaluate import enclosed
from derive.expr import Apply, Expr, Symbol, apply, symbols
from derive.proving import Assumptions, Verdict
from derive.proving.certificate import Leaf, Sufficient
from derive.proving.checker import Checked, Rejected
from derive.proving.everywhere import shown
from derive.proving.obligations import of_sufficient
from derive.proving.truth import truth
from derive.relating.conditions.candidates import candidates
from derive.rule import REAL, Domain
from derive.stating.quantities import Basis, Statement, written

COMPARISONS = frozenset({"eq", "ne", "lt", "le", "gt", "ge"})
NEVER = apply("lt", 1, 0)
MOST_TRIED = 24  # conditions that are tried


def decide(statement: Statement | Verdict, condition: Statement | None = None) -> Verdict:
    """Whether a statement holds wherever its premises do, for every value of its names in their domains.

    Conditions are looked for; one that is suspected may be given. `conditional` names a condition that is
    proved sufficient, with `exact` where it is proved that the statement holds nowhere else, and with a
    counterexample off it. A verdict is returned as it is. Raises UserError for anything that is no statement.
    """
    if isinstance(statement, Verdict):
        return statement
    if not isinstance(statement, Statement):
        raise UserError(f"{statement!r} is no statement", fix="compare two formulas: weights(rule.m).weight_sum == 1")
    wanting = _unproved(statement)
    if wanting is not None:
        return wanting
    given = Assumptions(statement.basis.domains)
    verdict = truth(statement.condition, given, (*statement.premises, *statement.lemmas))
    if verdict:
        if statement.premises and truth(NEVER, given, statement.premises):
            return Verdict("unknown", message="the premises never hold together")
        return replace(verdict, relation="statement", message=str(statement))
    conditional = _under_conditions(statement, given, verdict, condition)
    if conditional is not None:
        return conditional
    return replace(verdict, message=_failure(statement, verdict)) if verdict.status == "refuted" else verdict


def using(statement: Statement, *lemmas: Statement) -> Statement:
    """The statement, to be decided with the help of others: each is decided itself, and unknown makes this unknown.

    Raises UserError for a lemma about fewer numbers than the statement.
    """
    for lemma in lemmas:
        for name, domain in lemma.basis.domains.items():
            about = statement.basis.domains.get(name, domain)
            if common(about, domain) != about:
                raise UserError(f"{lemma!r} is only about {name} in {domain}", fix=f"state it for {about}")
        fact = lemma.condition
        for premise in reversed(lemma.premises):
            fact = apply("or", apply("not", premise), fact)
        basis = statement.basis + lemma.basis + Basis({}, (), (decide(lemma),))
        statement = replace(statement, basis=basis, lemmas=(*statement.lemmas, fact))
    return statement


def _failure(statement: Statement, verdict: Verdict) -> str:
    """The statement and the point at which it fails, both sides in decimals."""
    witness = verdict.evidence.witness
    where = ", ".join(f"{written(Symbol(name))} = {value}" for name, value in witness.values.items())
    condition, sides = statement.condition, ""
    if isinstance(condition, Apply) and condition.op in COMPARISONS:
        values = enclosed(condition.args, witness.values, bits=256)
        sides = f": the sides are {' and '.join(map(_decimal, values))}"
    return f"{statement!r} fails{f' where {where}' if where else ''}{sides}"


def _decimal(value: object) -> str:
    try:
        return f"{float(value):.10g}"  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return str(value)


def _unproved(statement: Statement) -> Verdict | None:
    """What a formula rests on has to be proved itself."""
    for derivation in statement.basis.derivations:
        if not derivation.holds:
            return Verdict("unknown", message=f"it rests on a derivation that is not proved: {derivation.title}")
    for verdict in statement.basis.verdicts:
        if not verdict:
            return Verdict("unknown", message=f"it rests on what is not proved: {verdict.message}")
    given = Assumptions(statement.basis.domains)
    for need in statement.basis.needs:
        if not truth(need, given, statement.premises):
            return Verdict("unknown", message=f"what was put in for a name need not lie in its domain: {written(need)}")
    return None


def _under_conditions(
    statement: Statement, given: Assumptions, plain: Verdict, suspected: Statement | None
) -> Verdict | None:
    """The first condition under which the statement is proved; an exact one before others."""
    if plain.status != "refuted":
        return None
    first = [] if suspected is None else [suspected.condition]
    found = list(_sufficient(statement, given, first))
    for certificate in sorted(found, key=lambda c: c.exact is None):
        try:
            evidence = Checked(certificate)
        except Rejected:
            continue
        texts = [written(condition) for condition in certificate.conditions]
        exact = certificate.exact is not None
        return Verdict(
            "conditional",
            condition={"any_of": texts, "degenerate": [], "exact": exact},
            counterexample=plain.counterexample,
            message=f"{statement!r} holds where {' or where '.join(texts)}",
            evidence=evidence,
        )
    return None


def _sufficient(statement: Statement, given: Assumptions, first: Sequence[Expr]) -> Iterator[Sufficient]:
    """Certificates for conditions that are proved sufficient, together with exactness where that is proved too."""
    held: list[Expr] = []
    claimed = Sufficient(statement.condition, (), given, (), premises=statement.premises)
    for condition in first or _conditions(statement.condition, given):
        if _same_as_one_of(held, condition):
            continue
        claim = replace(claimed, conditions=(condition,), trees=(Leaf(),))
        proved = _with_trees(claim)
        if proved is None:
            continue
        held.append(condition)
        exact = _with_trees(replace(claim, exact=Leaf()))
        yield exact or proved
        if exact is not None:
            return
    if len(held) > 1:
        together = _with_trees(replace(claimed, conditions=tuple(held), trees=(Leaf(),) * len(held), exact=Leaf()))
        if together is not None:
            yield together


def _same_as_one_of(held: Sequence[Expr], condition: Expr) -> bool:
    """Whether a condition is there already, an equality either way round."""
    if condition in held:
        return True
    turned = isinstance(condition, Apply) and condition.op == "eq" and apply("eq", *reversed(condition.args))
    return turned in held


def _with_trees(claim: Sufficient) -> Sufficient | None:
    """The claim with its proofs, by exact algebra or else by ball arithmetic; None where one is missing."""
    trees = shown(of_sufficient(claim))
    if trees is None:
        return None
    if claim.exact is None:
        return replace(claim, trees=trees)
    return replace(claim, trees=trees[:-1], exact=trees[-1])


def _conditions(condition: Expr, given: Assumptions) -> Iterator[Expr]:
    """Equalities at which the two sides come together, then orders between the names."""
    domains = {n: given.domains.get(n, REAL) for n in sorted(symbols(condition))}
    yield from islice(_equalities(condition, domains), MOST_TRIED)
    constants = {n: d for n, d in domains.items() if not d.whole}
    for name, domain in constants.items():
        if Fraction(0) in domain:
            for op in ("eq", "gt") if domain.low == 0 else ("eq", "ne", "gt", "lt"):
                yield apply(op, Symbol(name), 0)
    for a, b in permutations(constants, 2):
        if (domains[a].low, domains[a].high) == (domains[b].low, domains[b].high):
            for op in ("eq", "lt", "le") if a < b else ("lt", "le"):
                yield apply(op, Symbol(a), Symbol(b))


def _equalities(condition: Expr, domains: dict[str, Domain]) -> Iterator[Expr]:
    if not isinstance(condition, Apply) or condition.op not in ("eq", "le", "ge"):
        return
    constant = {n: d for n, d in domains.items() if not d.whole}
    for found in candidates([condition.args[0] - condition.args[1]], constant):
        if found:
            tests = [apply("eq", Symbol(name), value) for name, value in found.items()]
            joined = tests[0]
            for test in tests[1:]:
                joined = apply("and", joined, test)
            yield joined
