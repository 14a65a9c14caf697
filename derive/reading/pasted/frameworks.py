"""What frameworks put around a step, as the plain statements it is.

    loss.backward(); ...; p.grad.zero_()      p.grad is the gradient, given anew at each step
    with tf.GradientTape() as tape: ...       dW is asked for at W: dW = gradient(W)
    dW, db = tape.gradient(loss, [W, b])
    self.assign_add(m, x)                     m.assign_add(x)
    m = tf.Variable(tf.zeros_like(w))         made once: if m is None: m = ...
    updates[p] = p - lr * g                   stores that are all made at the end

What is left is for `objects` and `coordinates`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from derive.errors import UserError
from derive.reading.bindings import all_args
from derive.reading.refusals import text_of
from derive.reading.scope import dotted

_CLEARING = frozenset({"zero_grad", "zero_", "detach_", "requires_grad_"})
_VARIABLES = frozenset({"tf.Variable", "tf.get_variable", "theano.shared", "shared"})
_ASSIGNING = frozenset({"assign", "assign_add", "assign_sub"})
ASKED = "gradient_of"


def without_frameworks(tree: ast.Module, file: str) -> tuple[ast.Module, frozenset[str]]:
    """The tree in plain statements, and the variables that it makes once.

    Raises UserError where a gradient belongs to no point that has a name.
    """
    takes_gradients = any(_is_backward(n) for n in ast.walk(tree))
    scopes: list[ast.FunctionDef | ast.Module] = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]
    _refuse_never_cleared(tree, file)
    _refuse_moved_after_tape(tree, file)
    for scope in scopes or [tree]:
        if takes_gradients:
            _refuse_late_backward(scope, file)
        scope.body = _at_the_end(scope.body)
    changer = _Frameworks(tree, file)
    changer.visit(tree)
    return ast.fix_missing_locations(tree), frozenset(changer.made)


class _Frameworks(ast.NodeTransformer):
    def __init__(self, tree: ast.Module, file: str) -> None:
        self.file = file
        self.made: set[str] = set()
        self.in_function = any(isinstance(n, ast.FunctionDef) for n in ast.walk(tree))
        self.tapes = {name for n in ast.walk(tree) if isinstance(n, ast.With) for name in _tapes(n)}
        grads = [n for n in ast.walk(tree) if isinstance(n, ast.Attribute) and n.attr == "grad"]
        clearing = {id(n) for s in ast.walk(tree) if isinstance(s, ast.stmt) and _clears(s) for n in ast.walk(s)}
        self.read = [n.lineno for n in grads if isinstance(n.ctx, ast.Load) and id(n) not in clearing]
        self.backward = [n.lineno for n in ast.walk(tree) if isinstance(n, ast.stmt) and _is_backward(n)]

    def visit(self, node: ast.AST) -> ast.AST | list[ast.stmt]:
        if isinstance(node, ast.stmt) and (_is_backward(node) or self._is_cleared(node)):
            return ast.copy_location(ast.Pass(), node)
        if isinstance(node, ast.stmt) and (_is_clearing_call(node) or _clears(node)):
            what = "the gradient is cleared before it is used"
            raise UserError(
                what, where=f"{self.file}:{node.lineno}", fix="clear it before backward(), or after the step"
            )
        return super().visit(node)  # type: ignore[no-any-return]

    def _is_cleared(self, node: ast.stmt) -> bool:
        """Whether a statement clears a gradient that is computed anew before anything reads it."""
        if not (_clears(node) or _is_clearing_call(node)):
            return False
        next_read = min((line for line in self.read if line > node.lineno), default=None)
        return next_read is None or any(node.lineno < line < next_read for line in self.backward)

    def visit_With(self, node: ast.With) -> ast.AST | list[ast.stmt]:
        self.generic_visit(node)
        return node.body if _tapes(node) else node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.generic_visit(node)
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
                name in _ASSIGNING
            ):
                return ast.copy_location(ast.Call(ast.Attribute(array, name, ast.Load()), [value], []), node)
        return node


# Gradients


def _tapes(node: ast.With) -> list[str]:
    return [i.optional_vars.id for i in node.items
            if isinstance(i.optional_vars, ast.Name) and isinstance(i.context_expr, ast.Call)
            and (dotted(i.context_expr.func) or "").endswith("GradientTape")]  # fmt: skip


def _points(args: list[ast.expr]) -> ast.expr | None:
    return args[1] if len(args) == 2 else None


def _asked(at: ast.expr) -> ast.expr:
    """The gradient at a point; all that can be trained goes by the name of what it belongs to."""
    trained = at.value if isinstance(at, ast.Attribute) and at.attr.startswith("trainable") else at
    return ast.Call(ast.Name(ASKED, ast.Load()), [trained], [])


def _is_backward(node: ast.AST) -> bool:
    match node:
        case ast.Expr(value=ast.Call(func=ast.Attribute(attr="backward"))):
            return True
    return False


def _is_clearing_call(node: ast.AST) -> bool:
    match node:
        case ast.Expr(value=ast.Call(func=ast.Attribute(attr="zero_grad"))):
            return True
    return False


def _clears(node: ast.stmt) -> bool:
    """Whether a statement sets a gradient to nothing: `p.grad = None`, `p.grad.data.zero_()`."""
    match node:
        case ast.Assign(targets=[ast.Attribute(attr="grad")], value=value):
            return (isinstance(value, ast.Constant) and not value.value) or "zeros" in ast.unparse(value)
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=array, attr=method), args=[])) if method in _CLEARING:
            return any(isinstance(n, ast.Attribute) and n.attr == "grad" for n in ast.walk(array))
    return False


def _refuse_never_cleared(tree: ast.AST, file: str) -> None:
    """In a loop that never clears them, gradients add up: each is the sum of all before."""
    for loop in (n for n in ast.walk(tree) if isinstance(n, ast.For | ast.While)):
        inside = [n for n in ast.walk(loop) if isinstance(n, ast.stmt)]
        backward = next((n for n in inside if _is_backward(n)), None)
        used = any(isinstance(n, ast.Attribute) and n.attr == "grad" for n in ast.walk(loop))
        if backward is not None and used and not any(_clears(n) or _is_clearing_call(n) for n in inside):
            what = "the gradients add up from step to step: nothing clears them"
            raise UserError(what, where=f"{file}:{backward.lineno}", fix="write w.grad.zero_() after the step")


def _refuse_moved_after_tape(tree: ast.AST, file: str) -> None:
    """The gradient of a tape is that at the point where the tape was recorded."""
    ends = {name: n.end_lineno or 0 for n in ast.walk(tree) if isinstance(n, ast.With) for name in _tapes(n)}
    for node in (n for n in ast.walk(tree) if isinstance(n, ast.Call) and ends):
        match node:
            case ast.Call(func=ast.Attribute(ast.Name(id=tape), "gradient"), args=[_, at]) if tape in ends:
                points = {ast.unparse(p) for p in (at.elts if isinstance(at, ast.List | ast.Tuple) else [at])}
                between = [n for n in ast.walk(tree) if isinstance(n, ast.stmt) and ends[tape] < n.lineno < node.lineno]
                for moved in sorted(points & {name for n in between for name in _changed(n)}):
                    what = f"{moved!r} is changed between the tape and its gradient"
                    raise UserError(what, where=f"{file}:{node.lineno}", fix="change it after the gradient is taken")


def _refuse_late_backward(scope: ast.AST, file: str) -> None:
    """The gradient is that at the point where `backward` is called: it has to be where the step starts."""
    owners = {ast.unparse(n.value) for n in ast.walk(scope) if isinstance(n, ast.Attribute) and n.attr == "grad"}
    lines = [n.lineno for n in ast.walk(scope) if isinstance(n, ast.stmt) and _is_backward(n)]
    for node in (n for n in ast.walk(scope) if isinstance(n, ast.stmt) and lines):
        for changed in _changed(node):
            if changed in owners and node.lineno < min(lines) and _in_one_loop(scope, node, min(lines)):
                what = f"the gradient is taken in the middle of the step, after {changed!r} is changed"
                raise UserError(what, where=f"{file}:{min(lines)}", fix="write g = grad(point)")


def _in_one_loop(scope: ast.AST, node: ast.stmt, line: int) -> bool:
    """Whether the innermost loop around a statement has the line in it too."""
    loops = [n for n in ast.walk(scope) if isinstance(n, ast.For | ast.While) and n.lineno < node.lineno
             and (n.end_lineno or 0) >= (node.end_lineno or 0)]  # fmt: skip
    inner = max(loops, key=lambda n: n.lineno, default=None)
    return inner is None or (inner.end_lineno or 0) >= line


def _changed(node: ast.stmt) -> Iterator[str]:
    match node:
        case ast.AugAssign(target=target):
            yield _owner(target)
        case ast.Assign(targets=[ast.Attribute(attr="data") | ast.Subscript() as target]):
            yield _owner(target)
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=array, attr=name))) if (
            name.endswith("_") or name in _ASSIGNING
        ):
            yield _owner(array)


def _owner(node: ast.expr) -> str:
    plain = node.value if isinstance(node, ast.Subscript) else node
    return ast.unparse(plain).removesuffix(".data")


# Stores that are made at the end


def _at_the_end(body: list[ast.stmt]) -> list[ast.stmt]:
    """The statements with what goes into `updates` stored all at once, where the dictionary or list is handed out.

    `updates[p] = x` and `updates.append((p, x))` change nothing by themselves.
    """
    made = next((n for n in body if _made(n)), None)
    name = _made(made) if made is not None else ""
    if not name or not any(_entries(n, name) for s in body for n in ast.walk(s)):
        return body
    changer = _Entries(name)
    return [changer.visit(s) for s in body if s is not made and not _hands_out(s, name)]


def _made(node: ast.stmt) -> str:
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            empty = ast.unparse(value) in ("{}", "[]", "dict()", "OrderedDict()", "collections.OrderedDict()")
            return name if empty and name == "updates" else ""
    return ""


def _hands_out(node: ast.stmt, name: str) -> bool:
    return isinstance(node, ast.Return) and isinstance(node.value, ast.Name) and node.value.id == name


def _entries(node: ast.AST, name: str) -> tuple[ast.expr, ast.expr] | None:
    """What is to be stored, and where."""
    match node:
        case ast.Assign(targets=[ast.Subscript(value=ast.Name(id=to), slice=target)], value=value) if to == name:
            return target, value
        case ast.Expr(
            value=ast.Call(func=ast.Attribute(ast.Name(id=to), "append"), args=[ast.Tuple(elts=[target, value])])
        ) if to == name:
            return target, value
    return None


class _Entries(ast.NodeTransformer):
    """The entries of each block gathered in one assignment at its end."""

    def __init__(self, name: str) -> None:
        self.name = name

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = list(self._gathered(body))  # type: ignore[attr-defined]
        return node

    def _gathered(self, body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
        targets, values, last = list[ast.expr](), list[ast.expr](), None
        for statement in body:
            entry = _entries(statement, self.name)
            if entry is None:
                yield statement
                continue
            kept = ast.Name(f"new_{len(values)}_", ast.Store())
            yield ast.copy_location(ast.Assign([kept], entry[1]), statement)
            whole = ast.Subscript(entry[0], ast.Slice(), ast.Store())
            targets, values, last = [*targets, whole], [*values, ast.Name(kept.id, ast.Load())], statement
        for target, value in zip(targets, values, strict=True):
            assert last is not None
            yield ast.copy_location(ast.Assign([target], value), last)
