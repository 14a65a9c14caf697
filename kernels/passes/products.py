"""Scalar factors of an element's product are multiplied once per step, in float64.

`lr * (m / c) / d` becomes `(lr / c) * m / d`, and `v / c` becomes `(1 / c) * v`: one rounded
factor instead of several operations on every element. The elements keep their order.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from derive.expr import Apply, Expr, Number, Symbol, apply, fold, nodes, substitute
from derive.rule import Assignment
from kernels.program import Program, cast, map_values, without_unused


@dataclass(frozen=True)
class Factored:
    """An expression as scalars above and below the line, and an element; None: it has no element.

    `inside` is how many products deep on the left the scalars stood: there they stay, so that in `lr * m * f` it
    is still m that is made small before f makes it large. An element's divisor is never turned over: x/(y/z) is
    undefined at z = 0, x*z/y is not.
    """

    plain: Expr
    scalars: tuple[Expr, ...] = ()
    divisors: tuple[Expr, ...] = ()
    element: Expr | None = None
    inside: int = 0

    @property
    def has_scalars(self) -> bool:
        return bool(self.scalars or self.divisors)

    def whole(self) -> Expr:
        """The scalars multiplied once, or the expression as it was where that gains nothing."""
        if len(self.scalars) + 2 * len(self.divisors) < 2:
            return self.plain
        top, bottom = _product(self.scalars), _product(self.divisors)
        scalar = cast(top if bottom is None else apply("div", top or Number(1), bottom))  # type: ignore[arg-type]
        return scalar if self.element is None else _scaled(scalar, self.element, self.inside)


@dataclass(frozen=True)
class Products:
    """Gathers the scalar factors of every product in which there is more than one, or a scalar divisor."""

    name: str = "products"

    def apply(self, program: Program) -> Program:
        return map_values(_with_single_uses_written_out(program), _rewrite)


def _with_single_uses_written_out(program: Program) -> Program:
    """Intermediates used once stand where they are used, so that a product is seen whole."""
    once = _used_once(program)
    written: dict[str, Expr] = {}
    body: list[Assignment] = []
    for assignment in program.body:
        [value] = substitute([assignment.value], written)
        if assignment.target in once and _is_product(value):
            written[assignment.target] = value
        else:
            body.append(replace(assignment, value=value))
    return without_unused(replace(program, body=tuple(body)))


def _used_once(program: Program) -> set[str]:
    stored = {name for _, name in program.stores}
    uses: dict[str, int] = dict.fromkeys(stored, 2)
    for node in nodes(a.value for a in program.body):
        for argument in node.args if isinstance(node, Apply) else ():
            if isinstance(argument, Symbol):
                uses[argument.name] = uses.get(argument.name, 0) + 1
    return {a.target for a in program.body if uses.get(a.target, 0) == 1}


def _is_product(value: Expr) -> bool:
    return isinstance(value, Apply) and value.op in ("mul", "div")


def _rewrite(value: Expr) -> Expr:
    def factored(node: Apply, args: tuple[Factored, ...]) -> Factored:
        if node.op == "cast":
            return Factored(node, scalars=node.args)
        if node.op == "mul":
            return _times(node, *args)
        if node.op == "div":
            return _over(node, *args)
        whole = apply(node.op, *(a.whole() for a in args))
        return Factored(whole, element=whole)

    def leaf(node: Expr) -> Factored:
        return Factored(node, element=node)

    return fold([value], symbol=leaf, number=leaf, apply=factored)[0].whole()


def _times(node: Apply, a: Factored, b: Factored) -> Factored:
    element = apply("mul", a.element, b.element) if a.element and b.element else a.element or b.element
    inside = a.inside + 1 if a.element and b.element and a.has_scalars and not b.has_scalars else 0
    return Factored(apply("mul", a.plain, b.plain), a.scalars + b.scalars, a.divisors + b.divisors, element, inside)


def _over(node: Apply, a: Factored, b: Factored) -> Factored:
    if b.element is None:
        plain = apply("div", a.plain, b.plain)
        return Factored(plain, a.scalars + b.divisors, a.divisors + b.scalars, a.element, a.inside)
    if a.element is None:
        whole = apply("div", a.whole(), b.whole())
        return Factored(whole, element=whole)
    divisor = b.whole()
    return Factored(apply("div", a.plain, divisor), a.scalars, a.divisors, apply("div", a.element, divisor), a.inside)


def _scaled(scalar: Expr, element: Expr, inside: int) -> Expr:
    """The scalar times the element, or the factor so deep inside it; of a quotient it scales the numerator."""
    if isinstance(element, Apply) and element.op == "div":
        return apply("div", _scaled(scalar, element.args[0], inside), element.args[1])
    if isinstance(element, Apply) and element.op == "mul" and inside:
        return apply("mul", _scaled(scalar, element.args[0], inside - 1), element.args[1])
    return apply("mul", scalar, element)


def _product(factors: tuple[Expr, ...]) -> Expr | None:
    product: Expr | None = None
    for factor in factors:
        product = factor if product is None else apply("mul", product, factor)
    return product
