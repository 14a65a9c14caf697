"""Numbers as tests: `if wd: g = g + wd * w` asks whether wd is other than 0."""

from __future__ import annotations

import ast


class Compared(ast.NodeTransformer):
    """What is added or multiplied under its own test is a number there, and no switch."""

    def visit_If(self, node: ast.If) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.test, ast.Name | ast.Attribute | ast.Subscript) and _is_operand(node.test, node.body):
            node.test = ast.copy_location(ast.Compare(node.test, [ast.NotEq()], [ast.Constant(0)]), node.test)
        return ast.fix_missing_locations(node)


def _is_operand(wanted: ast.expr, body: list[ast.stmt]) -> bool:
    """Whether a formula has it as an operand, or a call as a factor: `g.add(p, alpha=wd)`."""
    inside = [n for s in body for n in ast.walk(s)]
    operands = [o for n in inside if isinstance(n, ast.BinOp) for o in (n.left, n.right)]
    operands += [k.value for n in inside if isinstance(n, ast.Call) for k in n.keywords if k.arg in ("alpha", "value")]
    operands += [a for n in inside if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute) for a in n.args]
    return ast.unparse(wanted) in map(ast.unparse, operands)
