"""A hazard: what goes wrong, where in the rule, from which value on, and the runs that confirm it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from derive.precision.confirming import Confirmation
from derive.precision.formats import Model
from derive.rule import Rule


@dataclass(frozen=True)
class Threshold:
    """`quantity` `relation` `value`: where the hazard occurs. `beyond` is the next value, where it does not."""

    quantity: str
    relation: str
    value: Fraction
    beyond: Fraction | None = None

    def __str__(self) -> str:
        return f"{self.quantity} {self.relation} {written(self.value)}"


@dataclass(frozen=True)
class Hazard:
    """`kind` is one of `KINDS`; `where` an assignment of the rule or a setting, `line` its line in the source, or 0.

    `certain`: it happens at the default hyperparameters whatever the gradients; else it depends on them, or on
    the length of the run, as the threshold says. Without a threshold it happens always.
    """

    kind: str
    where: str
    line: int
    part: str
    threshold: Threshold | None
    effect: str
    certain: bool
    confirmation: Confirmation


# The kinds, in the order they are shown, with a heading each.
KINDS: dict[str, str] = {
    "constant": "constant rounds away",
    "start": "the first step fails",
    "correction": "correction loses its digits",
    "decay": "buffer can't decay",
    "growth": "buffer can't grow",
    "shrink": "weight decay does nothing",
    "underflow": "underflow",
    "subnormal": "digits lost below the normal numbers",
    "overflow": "overflow",
    "cancellation": "negative by cancellation",
    "step": "step lost beside the parameter",
    "absorbed": "constant lost in a sum",
    "counter": "counter stops",
}


@dataclass(frozen=True)
class Hazards:
    """The hazards of a rule in a model of its arithmetic, certain ones first. True where none is certain."""

    rule: Rule
    model: Model
    found: tuple[Hazard, ...]

    @property
    def certain(self) -> tuple[Hazard, ...]:
        return tuple(hazard for hazard in self.found if hazard.certain)

    def __bool__(self) -> bool:
        return not self.certain

    def __str__(self) -> str:
        told = [f"- {KINDS[h.kind]}: {h.where}: {condition_of(h)}: {h.effect}" for h in self.found]
        return "\n".join([f"{self.rule.name}: {self.model}", self.summary, *told])

    def _repr_markdown_(self) -> str:
        """A table, for a notebook."""
        head = ["| | when | what happens | where |", "|---|---|---|---|"]
        rows = [
            f"| {KINDS[h.kind]} | {_plain(condition_of(h))} | {_plain(h.effect)} | `{h.where}` |" for h in self.found
        ]
        return "\n".join([f"**{self.rule.name}**: {self.model}. {self.summary}.", "", *head, *rows])

    @property
    def summary(self) -> str:
        """How many there are, in a sentence."""
        certain, others = len(self.certain), len(self.found) - len(self.certain)
        at_defaults = f"{certain} at the defaults, whatever the gradients" if certain else "none at the defaults alone"
        return f"{at_defaults}; {others} from a threshold on"


def _plain(text: str) -> str:
    """In a cell of a Markdown table."""
    return text.replace("|", "\\|").replace("*", "\\*")


def condition_of(hazard: Hazard) -> str:
    """When it happens."""
    return "always" if hazard.threshold is None else str(hazard.threshold)


def written(value: Fraction) -> str:
    """A number of a format, as people read it: `2^-25 = 2.98e-08`, `2048 = 2^11`, `0.0001726`."""
    below_one = power_of_two(1 - value)
    if below_one is not None and below_one < -4:
        return f"1 - 2^{below_one} = {float(value):.4g}"
    decimal = str(value) if value.denominator == 1 and abs(value) < 10**6 else f"{float(value):.4g}"
    power = power_of_two(value)
    if power is None or abs(power) < 4:
        return decimal
    return f"2^{power} = {decimal}"


def power_of_two(value: Fraction) -> int | None:
    """The whole n with value == 2**n, if there is one."""
    if value <= 0 or value.numerator & (value.numerator - 1) or value.denominator & (value.denominator - 1):
        return None
    return value.numerator.bit_length() - value.denominator.bit_length()
