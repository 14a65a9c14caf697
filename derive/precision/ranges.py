"""Powers and products of one value that leave the range of the format: zero, below the normal numbers, or too large."""

from __future__ import annotations

from collections.abc import Iterator

from derive.deriving.linear import is_driven_by_input, linear_buffers
from derive.expr import Apply, Expr, Symbol, apply, nodes, to_text
from derive.precision.arithmetic import calculated, chain_of
from derive.precision.confirming import confirmed
from derive.precision.formats import Model
from derive.precision.hazard import Hazard, Threshold, written
from derive.precision.probing import OVERFLOWS, VANISHES, Boundary, Effect, Probe, Side, below, boundary, numbers
from derive.precision.scope import Line, at_rest, data_of, is_constant, parts
from derive.rule import Assignment, Rule

OPAQUE = Symbol("#x")  # stands for what a power is of
Told = tuple[str, str, object]  # the target, the kind, the threshold
NOTABLE = 4  # times the smallest number, or of the largest: what is nearer to them needs no telling


def range_hazards(rule: Rule, model: Model) -> Iterator[Hazard]:
    """For each power and product of one value: from which size on; then what is stored of a first input."""
    told: set[Told] = set()
    for line, part in parts(rule):
        found = _of_one_value(rule, part)
        if found is not None and not _is_nothing(rule, part, model):
            varied, formula, shown = found
            for hazard in _leaving(rule, line, formula, varied, shown, to_text(part), model):
                key: Told = (line.assignment.target, hazard.kind, hazard.threshold and hazard.threshold.value)
                if key not in told:
                    told.add(key)
                    yield hazard
    for hazard, key in _stored_at_first(rule, model):
        if key not in told:
            yield hazard


def _is_nothing(rule: Rule, part: Apply, model: Model) -> bool:
    """Whether a constant in it is zero: then so is all of it, which is said of the constant."""
    constants = [node for node in nodes([part]) if is_constant(rule, node)]
    return 0 in calculated(constants, rule.defaults, model.arithmetic)


def _of_one_value(rule: Rule, part: Apply) -> tuple[str, Expr, str] | None:
    """The name varied, the formula in it, and how it is called: a monomial in one name, or a power of anything."""
    data = data_of(rule, part)
    if len(data) == 1 and not is_constant(rule, part) and _is_monomial(rule, part) and _changes_size(rule, part):
        [name] = data
        return name, part, name
    if chain_of(part) and data and isinstance(part.args[0], Apply):
        return OPAQUE.name, apply("pow", OPAQUE, part.args[1]), to_text(part.args[0])
    return None


def _is_monomial(rule: Rule, expr: Expr) -> bool:
    """A constant times a positive whole power of one name, by its own operations; t plays no part."""
    if isinstance(expr, Symbol):
        return expr.name != "t"
    if is_constant(rule, expr):
        return True
    if not isinstance(expr, Apply):
        return False
    if expr.op == "div":
        return _is_monomial(rule, expr.args[0]) and is_constant(rule, expr.args[1])
    if expr.op == "pow":
        return chain_of(expr) is not None and _is_monomial(rule, expr.args[0])
    return expr.op in {"mul", "neg", "abs"} and all(_is_monomial(rule, arg) for arg in expr.args)


def _changes_size(rule: Rule, part: Apply) -> bool:
    return part.op in {"mul", "div", "pow"}


def _leaving(
    rule: Rule, line: Line, formula: Expr, varied: str, shown: str, text: str, model: Model
) -> Iterator[Hazard]:
    kept = model.arithmetic
    grid = numbers(model.storage)
    normal = below(kept.smallest_normal)
    looked_for: list[tuple[str, Effect, Side, str]] = [
        ("underflow", VANISHES, "<=", f"{text} is 0: its exact value is at most {written(kept.vanishing)}"),
        ("overflow", OVERFLOWS, ">=", f"{text} is beyond the largest number {written(kept.largest)}"),
    ]
    if _degree(formula, varied) > 1:
        looked_for.insert(
            1, ("subnormal", normal, "<=", f"{text} is below {written(kept.smallest_normal)}, with fewer bits")
        )
    for kind, effect, side, said in looked_for:
        found = boundary(Probe(formula, varied, grid, rule.defaults, effect), side, model)
        if found is not None and _is_notable(found, model):
            threshold = Threshold(f"|{shown}|", side, found.value, found.neighbour)
            checked = confirmed(found, model)
            yield Hazard(kind, line.text, line.assignment.line, text, threshold, said, False, checked)


def _degree(expr: Expr, name: str) -> int:
    """Of a monomial, in its one name."""
    if not isinstance(expr, Apply):
        return int(expr is Symbol(name))
    if factors := chain_of(expr):
        return factors * _degree(expr.args[0], name)
    return sum(_degree(arg, name) for arg in expr.args)


def _is_notable(found: Boundary, model: Model) -> bool:
    """Not where nothing is there at all (a constant is zero: said elsewhere), nor at the edge of the range itself."""
    if found.everywhere:
        return False
    if found.side == "<=":
        return found.value >= NOTABLE * model.storage.smallest
    return found.value <= model.storage.largest / NOTABLE


def _stored_at_first(rule: Rule, model: Model) -> Iterator[tuple[Hazard, Told]]:
    """What a buffer that starts at zero keeps of its first input, as a function of the input alone."""
    values = at_rest(rule)
    source = "x" if rule.is_average else "g"
    if values is None:
        return
    for buffer in linear_buffers(rule):
        if not buffer.starts_at_zero or not is_driven_by_input(rule, buffer):
            continue
        others = {name: value for name, value in values.items() if name != source}
        for kind, effect, side, said in (
            ("underflow", VANISHES, "<=", f"{buffer.name} stays 0"),
            (
                "overflow",
                OVERFLOWS,
                ">=",
                f"{buffer.name} is beyond the largest number {written(model.storage.largest)}",
            ),
        ):
            probe = Probe(rule.step[buffer.name], source, numbers(model.storage), others, effect, is_stored=True)
            found = boundary(probe, side, model)  # type: ignore[arg-type]
            if found is not None and _is_notable(found, model):
                where = last_line(rule, buffer.name)
                threshold = Threshold(f"|{source}|", side, found.value, found.neighbour)
                hazard = Hazard(
                    kind, str(where), where.line, buffer.name, threshold, f"{said} at the first step", False,
                    confirmed(found, model),
                )  # fmt: skip
                yield hazard, (buffer.name, kind, found.value)


def last_line(rule: Rule, target: str) -> Assignment:
    """The assignment that gives a name its value after the step."""
    return [a for a in rule.body if a.target == target][-1]
