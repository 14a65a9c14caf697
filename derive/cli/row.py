"""One row of `derive verify`: a rule through every stage, each stage's result a cell.

A stage that fails or is undecided says so in its cell; the stages after it still run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from derive.errors import UserError
from derive.rule import NONNEGATIVE, POSITIVE, Domain, Rule

if TYPE_CHECKING:
    from derive.proving.verdict import Verdict
    from kernels.certificate import Proof

Status = Literal["ok", "none", "undecided", "failed"]
ORDER: tuple[Status, ...] = ("none", "ok", "undecided", "failed")
DTYPES = ("float32", "float64")
FROM_RULE = ("read", "anchors", "invariants", "derivations")
FROM_KERNEL = ("program", "source", "bits", "rounding", "special")
PROOFS = ("derivations", "program", "source")
MARK = "*"  # beside a result that holds on a part of the inputs only
FROM_RUNS = ("runs",)
COLUMNS = (*FROM_RULE, *FROM_KERNEL, *FROM_RUNS)


@dataclass(frozen=True)
class Cell:
    """One stage's result: `text` for the table, `message` where there is more to say, a line for each thing."""

    status: Status
    text: str
    message: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """The cell for `--json`: its parts and its details side by side."""
        return {"status": self.status, "text": self.text, "message": self.message, **self.details}


@dataclass(frozen=True)
class Row:
    """One rule's results, a cell for every column."""

    rule: str
    cells: Mapping[str, Cell]
    seconds: float

    @property
    def status(self) -> Status:
        """The worst of the cells."""
        return worst(cell.status for cell in self.cells.values())

    @property
    def regions(self) -> dict[str, str]:
        """By precision, where no rounding bound holds."""
        both = self.cells["rounding"].details
        return {dtype: both[dtype]["region"] for dtype in DTYPES if both.get(dtype, {}).get("region")}

    def document(self) -> dict[str, Any]:
        """The row for `--json`."""
        words = {"ok": "verified", "none": "verified", "undecided": "undecided", "failed": "failed"}
        cells = {name: cell.document() for name, cell in self.cells.items()}
        return {"rule": self.rule, "status": words[self.status], **cells, "seconds": round(self.seconds, 3)}


def worst(statuses: Iterable[Status]) -> Status:
    """The status of the whole: failed before undecided before ok."""
    return max(statuses, key=ORDER.index, default="ok")


def unanswered_row(rule: str, status: Status, message: str) -> Row:
    """The row of a rule whose worker did not answer."""
    return Row(rule, {column: Cell(status, status, message) for column in COLUMNS}, 0.0)


def verify_rule(name: str, rule: Rule, fresh: bool = False) -> Row:
    """Put one rule through every stage. `name` is what the user called it; `fresh` uses no report made before."""
    started = time.monotonic()
    stages: dict[str, Callable[[], Cell]] = {
        "read": lambda: read(name, rule),
        "anchors": lambda: anchors(rule),
        "invariants": lambda: proved_invariants(rule),
        "derivations": lambda: checked_derivations(rule),
    }
    cells = {column: attempt(stage) for column, stage in stages.items()} | kernel_cells(rule, fresh)
    cells["runs"] = attempt(lambda: confirmed_runs(rule))
    return Row(rule.name, advised(rule, cells), time.monotonic() - started)


def advised(rule: Rule, cells: Mapping[str, Cell]) -> dict[str, Cell]:
    """The cells; a proof that does not hold says which domains were left open, the usual reason."""
    advice = rule.advice
    wanting = {c for c in PROOFS if advice and cells[c].message and cells[c].status in ("undecided", "failed")}
    return {n: replace(c, message=f"{c.message}\n{advice}") if n in wanting else c for n, c in cells.items()}


def attempt(stage: Callable[[], Cell]) -> Cell:
    """The stage's cell; what it raises becomes a failed cell, so that the stages after it still run."""
    try:
        return stage()
    except UserError as error:
        return Cell("failed", "failed", str(error))
    except Exception as error:
        return Cell("failed", "error", f"{type(error).__name__}: {error}")


def read(name: str, rule: Rule) -> Cell:
    """Read the rule again, in this process: reading must not depend on the process that reads.

    A rule that is undefined for all inputs agrees with everything made from it, and is good for nothing.
    """
    from derive.library.lookup import find_rule

    if find_rule(name) != rule:
        return Cell("failed", "differs", "reading the rule twice gave two different rules")
    nowhere = undefined_everywhere(rule)
    if nowhere:
        return Cell("failed", "undefined", f"the step of {', '.join(nowhere)} is undefined for all inputs")
    return Cell("ok", "ok")


def undefined_everywhere(rule: Rule) -> list[str]:
    """The outputs and states whose step is proved to be undefined for all inputs: the same as 1/0."""
    from derive.expr import Number
    from derive.proving import assumptions_of, identity

    assumptions = assumptions_of(rule)
    undefined = Number(1) / Number(0)
    return [name for name, value in rule.step.items() if identity([(value, undefined)], assumptions)]


def anchors(rule: Rule) -> Cell:
    """Compare the rule with the trajectory and the relations that are kept apart from it."""
    from derive.anchors import check_anchors

    report = check_anchors(rule)
    if not report.total:
        return Cell("none", "none", "no anchors are declared for this rule")
    return Cell("ok" if report.ok else "failed", f"{report.passed}/{report.total}", report.message)


def proved_invariants(rule: Rule) -> Cell:
    """What is proved of the states by induction."""
    from derive.proving import invariants

    proved = [_in_words(name, domain) for name, domain in invariants(rule).items()]
    return Cell("ok", ", ".join(proved)) if proved else Cell("none", "none")


def _in_words(name: str, domain: Domain) -> str:
    signs = {NONNEGATIVE: "≥ 0", POSITIVE: "> 0"}
    return f"{name} {signs.get(domain, f'in {domain}')}"


def checked_derivations(rule: Rule) -> Cell:
    """Check every step of everything derived from the rule; definitions are not counted."""
    from derive.deriving import derivations

    verdicts = [
        step.verdict for derivation in derivations(rule) for step in derivation.checked if step.verdict is not None
    ]
    if not verdicts:
        return Cell("none", "none", "nothing is derived for this rule yet")
    reasons = dict.fromkeys(_reason(verdict) for verdict in verdicts if not verdict)
    return Cell(worst(map(_of_verdict, verdicts)), f"{sum(map(bool, verdicts))}/{len(verdicts)}", "\n".join(reasons))


def _reason(verdict: Verdict | Proof) -> str:
    return f"{verdict.status}: {verdict.message}"


def _of_verdict(verdict: Verdict | Proof) -> Status:
    return "ok" if verdict else "undecided" if verdict.status == "unknown" else "failed"


def kernel_cells(rule: Rule, fresh: bool = False) -> dict[str, Cell]:
    """The cells of the kernels in both precisions, the worse of the two in each column."""
    try:
        from kernels.verification import verify_kernel

        reports = {dtype: verify_kernel(rule, dtype, fresh=fresh) for dtype in DTYPES}
    except Exception as error:
        message = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
        return {column: Cell("failed", "error", message) for column in FROM_KERNEL}
    return {
        column: _both({dtype: _cell(column, report) for dtype, report in reports.items()}) for column in FROM_KERNEL
    }


def confirmed_runs(rule: Rule) -> Cell:
    """Have the compiled kernel make every run of which a derivation foretells something."""
    from derive.deriving import derivations
    from kernels.driver import compile
    from kernels.measuring.experiments import confirm

    experiments = [experiment for derivation in derivations(rule) for experiment in derivation.experiments]
    if not experiments:
        return Cell("none", "none", "no derivation foretells a run")
    kernel = compile(rule, "float64", unproved=True)
    faults = [fault for experiment in experiments if (fault := confirm(kernel, experiment))]
    held = f"{len(experiments) - len(faults)}/{len(experiments)}"
    return Cell("failed" if faults else "ok", held, "\n".join(faults))


def _cell(column: str, report: Any) -> Cell:
    """One column of one kernel's report (`kernels.verification.KernelReport`)."""
    if column in ("program", "source"):
        proof = report.program_proved if column == "program" else report.readback_proved
        return Cell(_of_verdict(proof), proof.status, "" if proof else _reason(proof), {"verdict": proof.status})
    holds, message, *region = getattr(report, column)
    shown = "failed" if not holds else f"ok{MARK}" if any(region) else "ok"
    return Cell("ok" if holds else "failed", shown, message, {"region": region[0]} if region else {})


def _both(cells: Mapping[str, Cell]) -> Cell:
    """The worse of the precisions' cells, with each of them among the details."""
    dtype, shown = max(
        cells.items(), key=lambda item: (ORDER.index(item[1].status), bool(item[1].details.get("region")))
    )
    alike = len({cell.message for cell in cells.values()}) == 1
    message = shown.message if alike or not shown.message else f"{dtype}: {shown.message}"
    return Cell(shown.status, shown.text, message, {dtype: cell.document() for dtype, cell in cells.items()})
