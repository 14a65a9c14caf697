"""Faults of public trackers, in our own words: what is right is proved, what is wrong is not, and the line is found.

Each file in `faults` is one fault: a header, the wrong text and the right one. `left_out.txt` lists
those that are not about a formula, with the reason.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from derive.library.lookup import find_rule
from derive.matching import check_text
from derive.rule import Rule
from tests.zoo_rules import NAMES, zoo_rule

FAULTS = Path(__file__).parent / "faults"
LEFT_OUT = FAULTS / "left_out.txt"
SLOW = {"radam_eps_unused", "rprop_step_not_left_out", "adabound_correction_of_a_correction"}


@dataclass(frozen=True)
class Fault:
    name: str
    id: str
    rule: Rule
    lines: tuple[int, ...]
    given: dict[str, str]
    wrong: str
    right: str


def read(path: Path) -> Fault:
    head, texts = path.read_text("utf-8").split("--- wrong\n")
    wrong, right = texts.split("--- right\n")
    said = dict(line.split(": ", 1) for line in head.splitlines())
    assert said["source"].startswith("https://")
    assert said["about"]
    rule = zoo_rule(said["rule"]) if said["rule"] in NAMES else find_rule(said["rule"])
    given = dict(clause.split("=") for clause in said["map"].split(",")) if "map" in said else {}
    return Fault(path.stem, said["id"], rule, tuple(map(int, said["line"].split(", "))), given, wrong, right)


CASES = [read(path) for path in sorted(FAULTS.glob("*.txt")) if path != LEFT_OUT]
SHOWN = [pytest.param(c, id=c.name, marks=[pytest.mark.slow] * (c.name in SLOW)) for c in CASES]


@pytest.mark.parametrize("fault", SHOWN)
def test_the_right_text_is_proved(fault: Fault) -> None:
    match = check_text(fault.right, f"{fault.name}.txt", None, fault.rule, fault.given)
    assert match, match.verdict.message


@pytest.mark.parametrize("fault", SHOWN)
def test_the_wrong_text_is_not_and_the_line_is_named(fault: Fault) -> None:
    match = check_text(fault.wrong, f"{fault.name}.txt", None, fault.rule, fault.given)
    assert match.verdict.status in ("refuted", "conditional")
    assert match.fault is not None
    assert match.fault.lines == fault.lines, match.fault.message


def test_every_fault_is_here_or_left_out_with_a_reason() -> None:
    out = re.findall(r"^(B\d+) https://\S+: \w.*", LEFT_OUT.read_text("utf-8"), re.MULTILINE)
    both = [c.id for c in CASES] + out
    assert len(both) == len(set(both)) == 36
