"""Expressions: a Python syntax tree to an `Expr`, in a scope that says what its names may mean."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache

from derive.errors import UserError
from derive.expr import Apply, Expr, Number, Symbol, apply, substitute
from derive.ops import OPS
from derive.reading.limits import parse
from derive.reading.source import Binding, Constant, Imported, Opaque
from derive.reading.spellings import CUSTOMARY, REDUCTIONS, ROWS, STORAGE_KEYWORDS, VARIADIC, VIEWS

NUMBER_BITS = 2_000
TRUTH_ARGUMENTS = frozenset({"c", "d"})  # of the table of spellings
TRUTHS = frozenset({"lt", "le", "gt", "ge", "eq", "ne", "and", "or", "not"})
_BINARY: dict[type[ast.operator], str] = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div", ast.Pow: "pow",
}  # fmt: skip
_COMPARE: dict[type[ast.cmpop], str] = {
    ast.Lt: "lt", ast.LtE: "le", ast.Gt: "gt", ast.GtE: "ge", ast.Eq: "eq", ast.NotEq: "ne",
}  # fmt: skip
_LOGIC: dict[type[ast.operator], str] = {ast.BitAnd: "and", ast.BitOr: "or"}


@dataclass
class Scope:
    """What names mean at one point of a text.

    `known` are the places (names, `self.m`, `state["m"]`) that hold a value here, `truths` those
    that hold a truth value. `records` are the names whose attributes or string keys are places.
    `outer` binds the free names; `oracles` are the functions that answer a gradient. Gradients
    asked for inside an expression collect in `asked`.
    """

    file: str
    known: set[str] = field(default_factory=set)
    truths: set[str] = field(default_factory=set)
    later: frozenset[str] = frozenset()
    records: frozenset[str] = frozenset()
    oracles: frozenset[str] = frozenset()
    outer: Mapping[str, Binding] = field(default_factory=dict)
    asked: list[tuple[Expr, int]] = field(default_factory=list)
    functions: Mapping[str, str] = field(default_factory=dict)  # further names of operations of one argument

    def error(self, what: str, at: ast.AST, fix: str = "") -> UserError:
        """The error to raise about `what` at a node."""
        return UserError(what, where=f"{self.file}:{getattr(at, 'lineno', 1)}", fix=fix)


def read_expression(text: str, names: Iterable[str] = (), file: str = "expression") -> Expr:
    """One expression of the rule language over the given names (any name where none are given)."""
    tree = parse(text.strip(), file)
    match tree.body:
        case [ast.Expr(value=value)]:
            used = {n.id for n in ast.walk(value) if isinstance(n, ast.Name)}
            called = {n.func.id for n in ast.walk(value) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
            return to_expr(value, Scope(file, known=set(names) or used - called))
    raise UserError(f"{text!r} is not one expression", where=file)


def to_expr(node: ast.expr, scope: Scope) -> Expr:
    """The expression a syntax tree means as a number. A truth value in a number's place counts as 1 or 0."""
    value = _value(node, scope)
    return apply("where", value, 1, 0) if is_truth(value, scope.truths) else value


def to_truth(node: ast.expr, scope: Scope) -> Expr:
    """The truth value a syntax tree means. A number where a truth value belongs is refused."""
    value = _value(node, scope)
    if not is_truth(value, scope.truths):
        raise scope.error("a number where a truth value is needed can't be read", node, "compare it, as in 'x != 0'")
    return value


def to_value(node: ast.expr, scope: Scope) -> Expr:
    """The expression a syntax tree means, number or truth value."""
    return _value(node, scope)


def is_truth(value: Expr, truths: Iterable[str] = ()) -> bool:
    """Whether an expression is a truth value; `truths` names the symbols that are."""
    if isinstance(value, Symbol):
        return value.name in truths
    return isinstance(value, Apply) and value.op in TRUTHS


def place(node: ast.expr, scope: Scope) -> str | None:
    """The place a node names: a plain name, an attribute of `self`, a string key of a dictionary of buffers."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=ast.Name(id=root), attr=key) if root in scope.records:
            return f"{root}.{key}"
        case ast.Subscript(value=base, slice=ast.Constant(value=str(key))):
            root = place(base, scope)
            return f"{root}.{key}" if root and root in scope.records else None
    return None


def _value(node: ast.expr, scope: Scope) -> Expr:
    match node:
        case ast.Constant(value=value):
            return _constant(value, node, scope)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return Number(-_number(value, node, scope))
        case ast.Name() | ast.Attribute():
            return _name(node, scope)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return apply("neg", to_expr(operand, scope))
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return to_expr(operand, scope)
        case ast.UnaryOp(op=ast.Not() | ast.Invert(), operand=operand):
            return apply("not", to_truth(operand, scope))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            return apply(_BINARY[type(op)], to_expr(left, scope), to_expr(right, scope))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _LOGIC:
            return apply(_LOGIC[type(op)], to_truth(left, scope), to_truth(right, scope))
        case ast.BoolOp(op=op, values=values):
            return _joined("and" if isinstance(op, ast.And) else "or", [to_truth(v, scope) for v in values])
        case ast.Compare() if all(type(op) in _COMPARE for op in node.ops):
            return _comparison(node, scope)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return apply("where", to_truth(test, scope), to_expr(body, scope), to_expr(orelse, scope))
        case ast.Call():
            return _call(node, scope)
        case ast.Subscript():
            return _subscript(node, scope)
    raise _unreadable(node, scope)


def _constant(value: object, node: ast.expr, scope: Scope) -> Expr:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise scope.error(f"{value!r} is not a real number", node, "write a number or a comparison")
    return Number(_number(value, node, scope))


def _number(value: int | float, node: ast.expr, scope: Scope) -> Fraction:
    """The shortest decimal that gives the double is what the author meant: 0.9 is 9/10."""
    text = repr(value)
    if text in ("inf", "nan"):
        raise scope.error("a number too large for a double", node, "write it as a power")
    return Fraction(text)


def _name(node: ast.Name | ast.Attribute, scope: Scope) -> Expr:
    name = place(node, scope)
    if name is not None and name in scope.known:
        return Symbol(name)
    path = dotted(node)
    if path in ("math.pi", "numpy.pi", "torch.pi", "math.e", "numpy.e"):
        raise scope.error(f"the constant {path} can't be read", node, "make it a hyperparameter")
    if isinstance(node, ast.Attribute):
        raise scope.error(f"the attribute '{ast.unparse(node)}' can't be read", node, "pass its value as an argument")
    return _free_name(node, scope)


def _free_name(node: ast.Name, scope: Scope) -> Expr:
    if node.id in scope.later:
        fix = f"if it is state, make it an argument with its initial value: {node.id}=0"
        raise scope.error(f"{node.id!r} is used before it is assigned", node, fix)
    match scope.outer.get(node.id):
        case Constant(value=value):
            number = constant_value(value, scope)
            if number is not None:
                return Number(number)
            raise scope.error(f"{node.id!r} is not a literal constant", node, "pass it as an argument")
        case Opaque(what=what, line=line):
            raise scope.error(f"{node.id!r} is {what} (line {line})", node, "pass it as an argument")
    raise scope.error(f"unknown name {node.id!r}", node, "make it an argument, or a constant of the file")


def constant_value(node: ast.expr, scope: Scope) -> Fraction | None:
    """The exact value of literals joined by + - * / ** and constants of the file; None for anything else."""
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return _number(value, node, scope)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            inner = constant_value(operand, scope)
            return None if inner is None else -inner
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            a, b = constant_value(left, scope), constant_value(right, scope)
            return None if a is None or b is None else _constant_operation(_BINARY[type(op)], a, b)
    return None


def _constant_operation(op: str, a: Fraction, b: Fraction) -> Fraction | None:
    bits = max(x.bit_length() for x in (a.numerator, a.denominator, b.numerator, b.denominator))
    if bits > NUMBER_BITS or (op == "pow" and (abs(b) > NUMBER_BITS or bits * abs(b) > NUMBER_BITS)):
        return None
    value = OPS[op].exact(a, b)
    return value if isinstance(value, Fraction) else None


def _joined(op: str, values: list[Expr]) -> Expr:
    result = values[0]
    for value in values[1:]:
        result = apply(op, result, value)
    return result


def _comparison(node: ast.Compare, scope: Scope) -> Expr:
    terms = [to_expr(n, scope) for n in (node.left, *node.comparators)]
    pairs = zip(node.ops, terms, terms[1:], strict=False)
    return _joined("and", [apply(_COMPARE[type(op)], a, b) for op, a, b in pairs])


def _subscript(node: ast.Subscript, scope: Scope) -> Expr:
    name = place(node, scope)
    if name is not None and name in scope.known:
        return Symbol(name)
    if name is not None:
        raise scope.error(f"'{ast.unparse(node)}' is used before it is assigned", node, "initialise it first")
    if whole(node.slice):
        return to_expr(node.value, scope)
    raise scope.error(f"indexing '{ast.unparse(node)}' can't be read", node, "write the step for one coordinate")


def whole(index: ast.expr) -> bool:
    """Whether an index takes the whole array: `[:]` or `[...]`."""
    return isinstance(index, ast.Slice) and not (index.lower or index.upper or index.step) or (
        isinstance(index, ast.Constant) and index.value is ...
    )


# Calls


def dotted(node: ast.expr) -> str | None:
    """`np.linalg.norm` as text; None where the root is not a name."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=attr):
            root = dotted(value)
            return f"{root}.{attr}" if root else None
    return None


def callee(node: ast.expr, scope: Scope) -> str | None:
    """What a call's function is: `numpy.sqrt`, `builtins.abs`, `.sqrt` for a method; None where it can't be known."""
    path = dotted(node)
    root, _, rest = (path or "").partition(".")
    if isinstance(node, ast.Attribute) and (not path or root in scope.known or root in scope.records):
        return f".{node.attr}"
    match scope.outer.get(root):
        case Imported(path=module):
            full = f"{module}.{rest}" if rest else module
            return "derive.language." + full.removeprefix("derive.") if full.count(".") == 1 and full.startswith("derive.") else full  # fmt: skip
        case None if not rest and root not in scope.known | scope.later:
            return f"builtins.{root}" if f"builtins.{root}" in _meanings() or f"builtins.{root}" in VARIADIC else f"derive.language.{root}"  # fmt: skip
        case None if root in CUSTOMARY and root not in scope.known | scope.later:
            return f"{CUSTOMARY[root]}.{rest}"
    return None


def shares_first_argument(name: str | None) -> bool:
    """Whether the result of a call may be its first argument's own array."""
    return name in VIEWS or name in VARIADIC


def _call(node: ast.Call, scope: Scope) -> Expr:
    if isinstance(node.func, ast.Name) and node.func.id in scope.functions:
        return apply(scope.functions[node.func.id], *(to_expr(a, scope) for a in node.args))
    name = callee(node.func, scope)
    if name == "derive.language.grad" or (isinstance(node.func, ast.Name) and node.func.id in scope.oracles):
        return _gradient(node, scope)
    receiver = [node.func.value] if name and name.startswith(".") and isinstance(node.func, ast.Attribute) else []
    arguments = [*receiver, *node.args]
    if name in VARIADIC and len(arguments) > 1 and not node.keywords:
        return _joined(VARIADIC[name], [to_expr(a, scope) for a in arguments])
    meaning = _meanings().get(name or "")
    if meaning is None:
        raise _unknown_call(node, name, scope)
    return _expanded(node, meaning, arguments, scope)


def _gradient(node: ast.Call, scope: Scope) -> Expr:
    if len(node.args) != 1 or node.keywords:
        raise scope.error("'grad' takes one point", node, "write grad(theta)")
    scope.asked.append((to_expr(node.args[0], scope), node.lineno))
    return Symbol(ASKED)


ASKED = "grad()"  # the place of an answer asked for inside an expression


@dataclass(frozen=True)
class _Meaning:
    names: tuple[str, ...]
    defaults: Mapping[str, Expr]
    formula: Expr


@cache
def _meanings() -> dict[str, _Meaning]:
    rows = {path: _meaning(signature, formula) for signature, formula, paths in ROWS for path in paths}
    return {**rows, **dict.fromkeys(VIEWS, _meaning("x", "x"))}


def _meaning(signature: str, formula: str) -> _Meaning:
    [function] = ast.parse(f"def f({signature}): return {formula}").body
    assert isinstance(function, ast.FunctionDef) and isinstance(function.body[0], ast.Return)
    names = tuple(a.arg for a in function.args.args)
    bare = Scope("spellings", known=set(names), truths=set(TRUTH_ARGUMENTS))
    defaults = [_formula(d, bare) for d in function.args.defaults]
    body = function.body[0].value
    assert body is not None
    return _Meaning(names, dict(zip(names[len(names) - len(defaults) :], defaults, strict=True)), _formula(body, bare))


def _formula(node: ast.expr, scope: Scope) -> Expr:
    """A formula of the table, where a function is an operation's own name."""
    match node:
        case ast.Call(func=ast.Name(id=op), args=args):
            return apply(op.removesuffix("imum"), *(_formula(a, scope) for a in args))
        case ast.BinOp(left=left, op=op, right=right):
            return apply(_BINARY[type(op)], _formula(left, scope), _formula(right, scope))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return apply("neg", _formula(operand, scope))
    return _value(node, scope)


def _expanded(node: ast.Call, meaning: _Meaning, arguments: list[ast.expr], scope: Scope) -> Expr:
    given = dict(zip(meaning.names, arguments, strict=False))
    for keyword in node.keywords:
        if keyword.arg in STORAGE_KEYWORDS:
            continue
        if keyword.arg not in meaning.names or keyword.arg in given:
            raise scope.error(f"'{keyword.arg or '**'}=' of '{_text(node.func)}' can't be read", node, _plain_fix(node))
        given[keyword.arg] = keyword.value
    missing = [n for n in meaning.names if n not in given and n not in meaning.defaults]
    if missing or len(arguments) > len(meaning.names) or any(isinstance(a, ast.Starred) for a in arguments):
        raise scope.error(f"'{_text(node.func)}' is read with the arguments ({', '.join(meaning.names)})", node)
    values = {n: (to_truth if n in TRUTH_ARGUMENTS else to_expr)(a, scope) for n, a in given.items()}
    return substitute([meaning.formula], {**meaning.defaults, **values})[0]


def _plain_fix(node: ast.Call) -> str:
    return "write the result as an assignment: name = expression"


def _text(node: ast.expr) -> str:
    return ast.unparse(node)[:60]


def _unknown_call(node: ast.Call, name: str | None, scope: Scope) -> UserError:
    last = (name or _text(node.func)).split(".")[-1]
    if name and name.startswith(".") and last.endswith("_"):
        return scope.error(f"the in-place method '{last}' can't be read", node, "write it as an assignment: m = ...")
    if last in REDUCTIONS or (name or "").startswith(("numpy.linalg.", "torch.linalg.", "jax.numpy.linalg.")):
        return scope.error(
            f"'{_text(node.func)}' mixes coordinates and can't be read yet", node, "write a rule that acts on each coordinate"
        )
    return scope.error(f"the function '{_text(node.func)}' can't be read", node, "use +, -, *, /, **, sqrt, exp, log, tanh, abs, sign, max, min or where")  # fmt: skip


_CONSTRUCTS: dict[type[ast.expr], tuple[str, str]] = {
    ast.Lambda: ("a lambda", "write the expression itself"),
    ast.NamedExpr: ("':='", "assign the name in a line of its own"),
    ast.List: ("a list", "write one name for each buffer"),
    ast.Tuple: ("a tuple inside an expression", "write one assignment for each name"),
    ast.Dict: ("a dictionary", "write one name for each buffer"),
    ast.ListComp: ("a comprehension", "write the step for one coordinate"),
    ast.GeneratorExp: ("a comprehension", "write the step for one coordinate"),
    ast.Await: ("'await'", "write plain assignments"),
    ast.Yield: ("'yield'", "return the result"),
}


def _unreadable(node: ast.expr, scope: Scope) -> UserError:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        return scope.error("'@' mixes coordinates and can't be read yet", node, "write a rule that acts on each coordinate")  # fmt: skip
    if isinstance(node, ast.BinOp):
        return scope.error(f"the operator in '{_text(node)}' can't be read", node, "use +, -, *, / or **")
    if isinstance(node, ast.Compare):
        return scope.error(f"the comparison '{_text(node)}' can't be read", node, "use <, <=, >, >=, == or !=")
    what, fix = _CONSTRUCTS.get(type(node), (f"'{_text(node)}'", "write arithmetic on names and numbers"))
    return scope.error(f"{what} can't be read", node, fix)
