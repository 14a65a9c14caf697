"""What frameworks put around a step, as the plain statements it is.

    loss.backward(); ...; p.grad.zero_()      p.grad is the gradient, given anew at each step
    with tf.GradientTape() as tape: ...       dW is asked for at W: dW = gradient(W)
    dW, db = tape.gradient(loss, [W, b])
    self.assign_add(m, x)                     m.assign_add(x)
    m = tf.Variable(tf.zeros_like(w))         made once: if m is None: m = ...
    updates[p] = p - lr * g                   stores that are all made at the end
    torch._foreach_mul_(ms, beta)             for all arrays at once: ms.mul_(beta)

What is left is for `objects` and `coordinates`.
"""

from __future__ import annotations

import ast

from derive.errors import UserError
from derive.reading.pasted.code.backward import (
    ASSIGNING,
    clears,
    is_backward,
    is_clearing_call,
    refuse_late_backward,
    refuse_moved_after_tape,
    refuse_never_cleared,
    tapes,
)
from derive.reading.pasted.code.updates import at_the_end
from derive.reading.python.bindings import all_args
from derive.reading.python.refusals import text_of
from derive.reading.python.scope import dotted

_VARIABLES = frozenset({"tf.Variable", "tf.get_variable", "theano.shared", "shared"})
ASKED = "gradient_of"
_FOR_EACH = "_foreach_"


def without_frameworks(tree: ast.Module, file: str) -> tuple[ast.Module, frozenset[str]]:
    """The tree in plain statements, and the variables that it makes once.

    Raises UserError where a gradient belongs to no point that has a name.
    """
    takes_gradients = any(is_backward(n) for n in ast.walk(tree))
    scopes: list[ast.FunctionDef | ast.Module] = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]
    refuse_never_cleared(tree, file)
    refuse_moved_after_tape(tree, file)
    for scope in scopes or [tree]:
        if takes_gradients:
            refuse_late_backward(scope, file)
        scope.body = at_the_end(scope.body)
    changer = _Frameworks(tree, file)
    changer.visit(tree)
    return ast.fix_missing_locations(tree), frozenset(changer.made)


class _Frameworks(ast.NodeTransformer):
    def __init__(self, tree: ast.Module, file: str) -> None:
        self.file = file
        self.made: set[str] = set()
        self.in_function = any(isinstance(n, ast.FunctionDef) for n in ast.walk(tree))
        self.tapes = {name for n in ast.walk(tree) if isinstance(n, ast.With) for name in tapes(n)}
        self.read, self.backward = _lines(tree)

    def visit(self, node: ast.AST) -> ast.AST | list[ast.stmt]:
        if isinstance(node, ast.stmt) and (is_backward(node) or self._is_cleared(node)):
            return ast.copy_location(ast.Pass(), node)
        if isinstance(node, ast.stmt) and (is_clearing_call(node) or clears(node)):
            what = "the gradient is cleared before it is used"
            raise UserError(
                what, where=f"{self.file}:{node.lineno}", fix="clear it before backward(), or after the step"
            )
        return super().visit(node)  # type: ignore[no-any-return]

    def _is_cleared(self, node: ast.stmt) -> bool:
        """Whether a statement clears a gradient that is computed anew before anything reads it."""
        if not (clears(node) or is_clearing_call(node)):
            return False
        next_read = min((line for line in self.read if line > node.lineno), default=None)
        return next_read is None or any(node.lineno < line < next_read for line in self.backward)

    def visit_With(self, node: ast.With) -> ast.AST | list[ast.stmt]:
        self.generic_visit(node)
        return node.body if tapes(node) else node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        outer = self.read, self.backward
        self.read, self.backward = _lines(node)
        self.generic_visit(node)
        self.read, self.backward = outer
        given = {a.arg for a in all_args(node)}
        for name in sorted(self.made - given):
            node.args.kwonlyargs.append(ast.copy_location(ast.arg(name), node))
            node.args.kw_defaults.append(ast.Constant(None))
        return node

    def visit_For(self, node: ast.For) -> ast.AST:
        self.generic_visit(node)
        return ast.copy_location(ast.Pass(), node) if all(isinstance(s, ast.Pass) for s in node.body) else node

    def visit_Assign(self, node: ast.Assign) -> ast.AST | list[ast.stmt]:
        self.generic_visit(node)
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=function, args=[start, *_])) if (
                self.in_function and dotted(function) in _VARIABLES
            ):
                test = ast.Compare(ast.Name(name, ast.Load()), [ast.Is()], [ast.Constant(None)])
                node.value = start
                self.made.add(name)
                return ast.copy_location(ast.If(test, [node], []), node)
            case ast.Assign(
                targets=[target], value=ast.Call(func=ast.Attribute(ast.Name(id=tape), "gradient"), args=args)
            ):
                at = _points(args) if tape in self.tapes else None
                if at is not None:
                    return self._gradients(target, at, node)
        return node

    def _gradients(self, target: ast.expr, at: ast.expr, node: ast.stmt) -> list[ast.stmt]:
        targets = target.elts if isinstance(target, ast.Tuple) else [target]
        points = at.elts if isinstance(at, ast.List | ast.Tuple) else [at]
        if len(targets) == len(points):
            pairs = zip(targets, points, strict=True)
            return [ast.copy_location(ast.Assign([t], _asked(p)), node) for t, p in pairs]
        what = f"the gradients in '{text_of(node)}' have no names"
        raise UserError(what, where=f"{self.file}:{node.lineno}", fix="write dw, db = tape.gradient(loss, [w, b])")

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """`self.assign_add(m, x)`, Keras's way to write m.assign_add(x)."""
        self.generic_visit(node)
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="self"), attr=name), args=[array, value]) if (
                name in ASSIGNING
            ):
                return ast.copy_location(ast.Call(ast.Attribute(array, name, ast.Load()), [value], []), node)
            case ast.Call(func=ast.Attribute(value=ast.Name(id="torch"), attr=name)) if name.startswith(_FOR_EACH):
                return _for_each(node, name.removeprefix(_FOR_EACH))
        return node


def _for_each(node: ast.Call, name: str) -> ast.AST:
    """The same function of one array; the factor of a product or quotient that is added stands last here."""
    array, *rest = node.args
    keywords = list(node.keywords)
    if name.startswith(("addcmul", "addcdiv")) and len(rest) == 3:
        keywords.append(ast.keyword("value", rest.pop()))
    if name.endswith("_"):
        function, arguments = ast.Attribute(array, name, ast.Load()), rest
    else:
        function, arguments = ast.Attribute(ast.Name("torch", ast.Load()), name, ast.Load()), [array, *rest]
    return ast.copy_location(ast.Call(function, arguments, keywords), node)


def _points(args: list[ast.expr]) -> ast.expr | None:
    return args[1] if len(args) == 2 else None


def _asked(at: ast.expr) -> ast.expr:
    """The gradient at a point; all that can be trained goes by the name of what it belongs to."""
    trained = at.value if isinstance(at, ast.Attribute) and at.attr.startswith("trainable") else at
    return ast.Call(ast.Name(ASKED, ast.Load()), [trained], [])


def _lines(scope: ast.AST) -> tuple[list[int], list[int]]:
    """The lines that read a gradient, and those that compute it."""
    grads = [n for n in ast.walk(scope) if isinstance(n, ast.Attribute) and n.attr == "grad"]
    clearing = {id(n) for s in ast.walk(scope) if isinstance(s, ast.stmt) and clears(s) for n in ast.walk(s)}
    read = [n.lineno for n in grads if isinstance(n.ctx, ast.Load) and id(n) not in clearing]
    return read, [n.lineno for n in ast.walk(scope) if isinstance(n, ast.stmt) and is_backward(n)]
