"""Where two rules differ: under which settings of their hyperparameters they agree all the same.

Along a few short runs both sides are computed with the hyperparameters left open. Whatever makes
the rules agree makes every difference vanish, so the conditions are read off the factors of their
numerators, one after another. Each is then proved sufficient; that nothing else does is proved
apart, by the same runs telling the two apart at every other setting.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations

from flint import fmpq_mpoly

from derive.algebra.case import Case
from derive.algebra.facts import Assumptions
from derive.algebra.normal import NoNormalForm, factored, generic_case
from derive.algebra.polynomials import TooLarge, by_powers, factors, product, quotient
from derive.errors import UserError
from derive.evaluate import exact
from derive.expr import Expr, Number, Symbol, substitute, symbols
from derive.proving.certificate import Condition, Conditional, Correspondence, Exactness, Leaf
from derive.proving.checker import Checked
from derive.proving.identity import identity
from derive.proving.obligations import inside, of_exactness, point_after
from derive.proving.replay import difference_at
from derive.proving.search import Differs, Undecided, propose_identity
from derive.relating.attempts import Record, Request, with_open_map, with_same_names
from derive.relating.wording import condition_text
from derive.rule import Domain, Rule
from derive.transforms import bind, with_hyperparameters_of

Key = tuple[tuple[str, Expr], ...]
Run = tuple[Fraction, tuple[Fraction, ...]]

GRADIENTS = ((1,), (2,), (1, 1), (1, -1), (2, 1), (1, 1, 1), (1, -2, 1))
RUNS: tuple[Run, ...] = tuple((Fraction(1), tuple(map(Fraction, g))) for g in GRADIENTS)
ZERO = Number(0)
SHORT_RUNS = 5  # the shorter ones
OTHER_VALUES = (Fraction(1, 2), Fraction(6, 7))
OTHER_GRADIENTS = ((1, 1), (-1, 2), (3, -2))
FAR_GRADIENTS = (
    (1,) * 8,
    (-60, 1, 70, -80, 90, -50, 40, -30),
    (60, -1, -70, 80, -90, 50, -40, 30),
)  # past any clipping
MOST_AT_ONCE = 3
FEW_STATES = 2  # of both together: under a condition a map is searched for these, or where the names tell of none
MOST_CANDIDATES = 16  # looked at, whether they make the differences vanish or lead on


@dataclass(frozen=True)
class Conditions:
    """What was found, in words: proved conditions, apart those under which gradients play no part; and the proof."""

    any_of: tuple[str, ...]
    degenerate: tuple[str, ...]
    texts: tuple[str, ...]
    evidence: Checked

    @property
    def fewest(self) -> int:
        """How many hyperparameters the least demanding condition gives a value."""
        certificate = self.evidence.certificate
        assert isinstance(certificate, Conditional)
        sizes = [len(c) for c, text in zip(certificate.conditions, self.texts, strict=True) if text in self.any_of]
        return min(sizes, default=MOST_AT_ONCE + 1)

    @property
    def document(self) -> dict[str, object]:
        certificate = self.evidence.certificate
        assert isinstance(certificate, Conditional)
        exact = certificate.exactness is not None
        return {"any_of": list(self.any_of), "degenerate": list(self.degenerate), "exact": exact}


def conditions(request: Request, record: Record) -> Conditions | None:
    """The conditions on hyperparameters, taken by their names on both sides, under which the rules agree."""
    domains = _domains(request.a, request.b)
    if domains is None:
        return None
    a, b = request.a, request.b
    differences = _differences(a, b, request.scheduled)
    runs = _Runs(a, b, domains, differences)
    held = _sufficient(_candidates(differences, domains), request, runs, record)
    if all(runs.degenerate(key) for key in held):
        held |= _sufficient(_zeros(differences[:SHORT_RUNS], domains), request, runs, record)
    if not held:
        record.note("conditions on the hyperparameters: none found")
        return None
    found = [dict(key) for key in held]
    part = [runs.degenerate(key) for key in held]
    partly = [proof.while_defined for proof in held.values()]
    exact = None if request.scheduled or any(partly) else _exactness(a, b, tuple(found))
    evidence = Checked(Conditional(a, b, tuple(found), tuple(held.values()), exact, request.scheduled))
    texts = [condition_text(c, p) for c, p in zip(found, partly, strict=True)]
    any_of, degenerate = (tuple(x for x, d in zip(texts, part, strict=True) if d is kind) for kind in (False, True))
    return Conditions(any_of, degenerate, tuple(texts), evidence)


def _sufficient(
    candidates: Iterator[dict[str, Expr]], request: Request, runs: _Runs, record: Record
) -> dict[Key, Correspondence]:
    """The candidates that are proved, none of which says more than another."""
    held: dict[Key, Correspondence] = {}
    for candidate in candidates:
        key = tuple(sorted(candidate.items()))
        if any(set(known) <= set(key) for known in held):
            continue
        condition = dict(key)
        proof = _proof(request, condition, record) if key else None
        if proof is None and not runs.degenerate(key) and runs.defined(key):
            proof = _proof(replace(request, while_defined=True), condition, record)
        if proof is not None:
            held = {k: p for k, p in held.items() if not set(key) <= set(k)} | {key: proof}
    return held


def _domains(a: Rule, b: Rule) -> dict[str, Domain] | None:
    """Every hyperparameter of the two by name; None where a name has two domains, or two meanings."""
    domains = {h.name: h.domain for h in a.hyperparameters}
    if any(domains.setdefault(h.name, h.domain) != h.domain for h in b.hyperparameters):
        return None
    names = {*a.state_names, *b.state_names, *(n.target for n in (*a.body, *b.body))}
    return domains if domains.keys().isdisjoint(names) else None


def _differences(a: Rule, b: Rule, scheduled: frozenset[str]) -> list[Expr]:
    """What the runs tell apart; a scheduled hyperparameter has a name of its own at every step."""
    found = []
    for theta, gradients in RUNS:
        steps = range(len(gradients) + 1) if scheduled else ()
        changes = [{n: Symbol(_at_step(n, k)) for n in scheduled} for k in steps]
        mine, his = ([{n: c[n] for n in c if n in r.hyperparameter_names} for c in changes] for r in (a, b))
        found.append(point_after(a, theta, gradients, mine) - point_after(b, theta, gradients, his))
    return found


def _at_step(name: str, step: int) -> str:
    return f"{name}@{step}" if step else name


# Candidates: what makes every difference vanish


def _candidates(differences: list[Expr], domains: Mapping[str, Domain]) -> Iterator[dict[str, Expr]]:
    waiting: list[dict[str, Expr]] = [{}]
    for _ in range(MOST_CANDIDATES):
        if not waiting:
            return
        bound = waiting.pop(0)
        here = substitute(differences, bound)
        factor = _first_nonzero((d for d in here if _certain(d, domains)), domains)
        if factor is None:
            yield bound
        elif len(bound) < MOST_AT_ONCE:
            for name, value in _roots(*factor, domains):
                merged = _merged(bound, name, value)
                outside = any(isinstance(e, Number) and e.value not in domains[n] for n, e in merged.items())
                if merged not in waiting and not outside:
                    waiting.append(merged)


def _zeros(differences: list[Expr], domains: Mapping[str, Domain]) -> Iterator[dict[str, Expr]]:
    """Hyperparameters that must vanish together, as no factor shows: tried at a few points."""
    names = [n for n, domain in domains.items() if Fraction(0) in domain]
    for size in range(1, MOST_AT_ONCE + 1):
        for chosen in combinations(names, size):
            if all(_may_vanish(differences, domains, chosen, value) for value in OTHER_VALUES):
                yield dict.fromkeys(chosen, Number(0))


def _may_vanish(
    differences: list[Expr], domains: Mapping[str, Domain], zeros: tuple[str, ...], value: Fraction
) -> bool:
    """Whether no difference is certain where these are zero and the others have values about `value`."""
    values = _point(domains, value) | dict.fromkeys(zeros, Fraction(0))
    return not any(_differs(d, values) for d in differences)


def _certain(difference: Expr, domains: Mapping[str, Domain], other: Expr = ZERO) -> bool:
    """Whether the difference is not zero (or `other`) at one point or another."""
    return any(_differs(difference, _point(domains, value), other) for value in OTHER_VALUES)


def _point(domains: Mapping[str, Domain], value: Fraction) -> dict[str, Fraction]:
    return {n: value / (1 + index) for index, n in enumerate(domains)}


def _differs(difference: Expr, values: Mapping[str, Fraction], other: Expr = ZERO) -> bool:
    """Whether the two certainly differ there; the names that a schedule has given have values too."""
    extra = {n: Fraction(2 + index, 3) for index, n in enumerate(sorted(symbols(difference) - values.keys()))}
    return difference_at(((difference, other),), {**values, **extra}) is not None


def _merged(bound: Mapping[str, Expr], name: str, value: Expr) -> dict[str, Expr]:
    """The values with one more, in each of the others too; what holds no name any more is a number."""
    found = {**{n: substitute([e], {name: value})[0] for n, e in bound.items()}, name: value}
    return {n: e if symbols(e) else _closed(e) for n, e in found.items()}


def _closed(value: Expr) -> Expr:
    [number] = exact([value], {})
    return Number(number) if isinstance(number, Fraction) else value


def _first_nonzero(differences: Iterable[Expr], domains: Mapping[str, Domain]) -> tuple[Case, fmpq_mpoly] | None:
    """The numerator of the first difference that does not vanish; what has no normal form says nothing."""
    for difference in differences:
        try:
            case, value = generic_case(difference, Assumptions(domains))
        except NoNormalForm:
            continue
        if not value.is_zero():
            return case, value.num
    return None


def _roots(case: Case, poly: fmpq_mpoly, domains: Mapping[str, Domain]) -> Iterator[tuple[str, Expr]]:
    """Values of one hyperparameter, inside its domain, at which the polynomial vanishes; constants first."""
    found: dict[tuple[str, Expr], None] = {}
    for part, _ in factors(poly)[1]:
        for rational, _ in _factors_without_roots(case, part):
            found.update(dict.fromkeys(_solutions(case, rational, domains)))
    yield from sorted(found, key=lambda item: (not isinstance(item[1], Number), item[0], str(item[1])))


def _factors_without_roots(case: Case, part: fmpq_mpoly) -> tuple[tuple[fmpq_mpoly, int], ...]:
    """The factors of the product of the polynomial with its conjugates: it vanishes wherever the polynomial does."""
    try:
        for index in reversed(range(len(case.generators))):
            radicand = case.generators[index].radicand
            if radicand is not None and part.degrees()[index]:
                split = by_powers(part, index)
                free, with_root = split.get(0, part - part), split.get(1, part - part)
                part = case.without_squares(product(free, free) - product(product(with_root, with_root), radicand))
        return () if part.is_zero() else factors(part)[1]
    except TooLarge:
        return ()


def _solutions(case: Case, part: fmpq_mpoly, domains: Mapping[str, Domain]) -> Iterator[tuple[str, Expr]]:
    for index, degree in enumerate(part.degrees()):
        meaning = case.generators[index].meaning if degree == 1 and len(part) <= 2 else None
        if isinstance(meaning, Symbol) and meaning.name in domains:
            slope = part.derivative(index)
            rest = part - slope * part.context().gen(index)
            value = Number(0) if rest.is_zero() else factored(case, quotient(-rest, slope))
            if symbols(value) <= domains.keys() and _fits(meaning.name, value, domains):
                yield meaning.name, value


def _fits(name: str, value: Expr, domains: Mapping[str, Domain]) -> bool:
    if isinstance(value, Number):
        return value.value in domains[name]
    return bool(identity([inside(value, domains[name])], Assumptions(domains)))


# Proofs


def _proof(request: Request, condition: Condition, record: Record) -> Correspondence | None:
    try:
        a, b = bind(request.a, condition), bind(request.b, condition)
        a, b = with_hyperparameters_of(a, b), with_hyperparameters_of(b, a)
    except UserError:
        return None
    bound = Request(a, b, scheduled=request.scheduled, while_defined=request.while_defined)
    tried = Record()
    proof = with_same_names(bound, tried)
    if proof is None and (not tried.lines or len(a.states) + len(b.states) <= FEW_STATES):
        proof = with_open_map(bound, tried, same_hyperparameters=True)
    text = condition_text(condition, request.while_defined)
    record.note(f"{text}: {'enough' if proof else 'not proved to be enough'}")
    if proof is None:
        return None
    assert isinstance(proof.certificate, Correspondence)
    return proof.certificate


def _exactness(a: Rule, b: Rule, found: tuple[Condition, ...]) -> Exactness | None:
    """The proof that nothing else makes the two agree, by one run or by two."""
    short = RUNS[:SHORT_RUNS]
    for runs in (*((run,) for run in short), *combinations(short, 2)):
        claim = Exactness(a, b, found, runs, Leaf())
        try:
            _, pairs, assumed = of_exactness(claim)
            return Exactness(a, b, found, runs, propose_identity(pairs, assumed).tree)
        except (Differs, Undecided, ValueError):
            continue
    return None


class _Runs:
    """What short runs of two rules tell about a condition; where something is undefined they tell nothing."""

    def __init__(self, a: Rule, b: Rule, domains: Mapping[str, Domain], differences: list[Expr]) -> None:
        self.changes, self.far_changes = (
            [*_changes(a, gradients), *_changes(b, gradients)] for gradients in (OTHER_GRADIENTS, FAR_GRADIENTS)
        )
        self.domains, self.differences, self.known = domains, differences, dict[Key, bool]()

    def degenerate(self, condition: Key) -> bool:
        """Whether the gradients play no part: other answers, the same points."""
        if condition not in self.known:
            changes, far = (
                [change + 0 * change for change in substitute(each, dict(condition))]
                for each in (self.changes, self.far_changes)
            )
            moves = self._moves(changes) or _first_nonzero(changes, self.domains) is not None or self._moves(far)
            self.known[condition] = not moves
        return self.known[condition]

    def _moves(self, changes: list[Expr]) -> bool:
        return any(_certain(change, self.domains, 0 * change) for change in changes)

    def defined(self, condition: Key) -> bool:
        """Whether both rules are ever defined."""
        zeros = [d - d for d in substitute(self.differences, dict(condition))]
        return any(_certain(zero, self.domains, zero + 1) for zero in zeros)


def _changes(rule: Rule, gradients: tuple[tuple[int, ...], ...]) -> list[Expr]:
    """What other answers than the first ones change in what is seen."""
    first, *others = [point_after(rule, Fraction(1), tuple(map(Fraction, g))) for g in gradients]
    return [other - first for other in others]
