"""Steps of small tensors, every coordinate written out: what a norm is where there is more than one of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, pairwise
from types import MappingProxyType

from derive.expr import NORM, NORMS, Apply, Expr, Number, apply, fold
from derive.rule import Rule

Tensor = tuple[Expr, ...]
NOTHING: Mapping[Expr, Expr] = MappingProxyType({})


def by_coordinates(
    exprs: Iterable[Expr],
    values: Mapping[str, Tensor],
    size: int,
    beside: Mapping[Expr, Expr] = NOTHING,
    sizes: Sequence[int] = (),
) -> list[Tensor]:
    """Each expression at every coordinate, names standing for tensors of that size; a norm is the same at all.

    These may be a few coordinates of a larger tensor, or of several: `beside` gives for each norm the sum of the other
    squares. With `sizes` they are those of several tensors, end to end.
    """
    ends = list(accumulate(sizes or (size,), initial=0))

    def norm(node: Apply, of: Tensor) -> Expr:
        # In the same order whatever that of the coordinates: then exchanging two of them changes nothing.
        squares = sorted((x * x for x in of), key=str) + ([beside[node]] if node in beside else [])
        return apply("sqrt", sum(squares[1:], squares[0])) if squares else Number(0)

    def made(node: Apply, args: tuple[Tensor, ...]) -> Tensor:
        if node.op in NORMS:
            taken = pairwise(ends) if node.op == NORM else [(0, size)]
            return tuple(root for lo, hi in taken for root in (norm(node, args[0][lo:hi]),) * (hi - lo))
        return tuple(Apply(node.op, row) for row in zip(*args, strict=True))

    return fold(exprs, symbol=lambda s: values[s.name], number=lambda n: (n,) * size, apply=made)


def unrolled_tensor(
    rule: Rule, hyperparameters: Mapping[str, Expr], theta: Tensor, gradients: Sequence[Tensor]
) -> tuple[dict[str, Tensor], ...]:
    """Every step of a rule that takes its gradient at theta: each output and state at every coordinate."""
    size = len(theta)
    now: dict[str, Tensor] = {name: (value,) * size for name, value in hyperparameters.items()}
    now["theta"] = theta
    starts = by_coordinates([s.initial for s in rule.states], now, size)
    now.update(zip(rule.state_names, starts, strict=True))
    steps = []
    for t, g in enumerate(gradients, start=1):
        values = by_coordinates(rule.step.values(), {**now, "g": g, "t": (Number(t),) * size}, size)
        steps.append(dict(zip(rule.step, values, strict=True)))
        now.update(steps[-1])
    return tuple(steps)
