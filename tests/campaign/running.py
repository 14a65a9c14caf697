"""Running a campaign: every pair gets a verdict, every verdict is looked at again, and the figures are added up."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random
from statistics import median

from derive.errors import UserError
from derive.relating import prove
from derive.smt.solver import Z3, is_installed
from tests.campaign.confirming import contradiction, opinion
from tests.campaign.pairs import Pair

STATUSES = ("proved", "conditional", "refuted", "unknown")
Z3_WORK = 400_000


@dataclass
class Figures:
    """What came of one kind of pair."""

    verdicts: Counter[str] = field(default_factory=Counter)
    by_z3: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    contradictions: list[str] = field(default_factory=list)
    open_pairs: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        return sum(self.verdicts.values())

    def share(self, status: str) -> float:
        return self.verdicts[status] / max(1, self.total)

    def row(self, name: str) -> str:
        """The figures as a line of the table below `HEAD`."""
        counts = " ".join(f"{self.verdicts[status]:>11}" for status in STATUSES)
        times = f"{1000 * median(self.seconds):>9.0f} {1000 * max(self.seconds):>7.0f}" if self.seconds else ""
        confirmed = f"{self.by_z3['unsat']:>7}/{sum(self.by_z3.values())}"
        return f"{name:<11} {self.total:>6} {counts} {len(self.contradictions):>14} {confirmed:>12} {times}"


HEAD = (
    f"{'':<11} {'pairs':>6} {'proved':>11} {'conditional':>11} {'refuted':>11} {'unknown':>11} "
    f"{'contradictions':>14} {'z3 confirms':>12} {'median ms':>9} {'max ms':>7}"
)


def run(pairs: Iterable[Pair], seed: int) -> Figures:
    """Verdicts for all pairs, in processor time, each looked at again."""
    figures, random = Figures(), Random(seed)
    with Z3(Z3_WORK) as process:
        z3 = process if is_installed() else None
        for pair in pairs:
            _one(pair, figures, random, z3)
    return figures


def _one(pair: Pair, figures: Figures, random: Random, z3: Z3 | None) -> None:
    start = time.process_time()
    try:
        verdict = prove(pair.rule, pair.other)
    except UserError as refusal:  # the mutant is no rule, or not comparable
        figures.refused[refusal.what] += 1
        return
    except Exception as crash:  # any other exception is a fault of the prover, and the campaign goes on
        figures.contradictions.append(f"crashed: {type(crash).__name__}: {crash}\n  {pair}")
        return
    figures.seconds.append(time.process_time() - start)
    figures.verdicts[verdict.status] += 1
    against = contradiction(pair, verdict, random, z3)
    if against is not None:
        figures.contradictions.append(f"{against}\n  {pair}")
    if verdict.status == "proved" and z3 is not None:
        word = opinion(verdict.evidence.certificate, z3)
        figures.by_z3[word] += 1
        if word == "sat":
            figures.contradictions.append(f"proved, and z3 has a model of the opposite\n  {pair}")
    if verdict.status == "unknown" or (pair.is_equal and not verdict):
        figures.open_pairs.append(f"{verdict.status}: {verdict.message}\n  {pair}")
