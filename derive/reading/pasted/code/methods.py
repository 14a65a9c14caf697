"""A pasted class as one that says all it needs: which method is the step, and what is given from outside.

A base class that is not in the text, what `__init__` makes in ways that can't be read (`list(params)`)
and attributes that nothing sets are what whoever uses the class gives: arguments of `__init__`. So is
what another method counts: it is called once after each step.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field

from derive.reading.pasted.code.own import with_own_parameter
from derive.reading.python.bindings import all_args, bindings
from derive.reading.python.class_body import HOOKS, STEP_METHODS
from derive.reading.python.functions import dictionaries
from derive.reading.python.scope import dotted
from derive.reading.python.spellings import CUSTOMARY

# What people call the method that makes a step, the likeliest first.
_LIKELY = ("update_step", "update_params", "update_parameters", "update_weights", "apply_gradients", "apply_gradient",
           "apply", "optimize", "get_updates", "minimize", "fit", "train")  # fmt: skip
_NO_STEPS = frozenset({"zero_grad", "build", "get_config", "reset", "state_dict", "load_state_dict", "set_lr"})


@dataclass(frozen=True)
class Class:
    """A class whose step is called so, the attributes that are given from outside, and what is taken for granted.

    `spelled` is how the text writes attributes that it has elsewhere.
    """

    node: ast.ClassDef
    opened: frozenset[str] = frozenset()
    assumed: tuple[str, ...] = ()
    spelled: Mapping[str, str] = field(default_factory=dict)


def with_step(node: ast.ClassDef, file: str, method: str | None = None) -> Class:
    """The class with `method`, or the likeliest, as its step. Raises UserError where the step is lost."""
    node = deepcopy(node)
    bases = [dotted(b) or "" for b in node.bases]
    assumed = [f"{b} changes nothing of this" for b in bases if b not in ("object", "ABC", "abc.ABC")]
    node.bases, node.keywords = [], []
    found = {n.name: n for n in node.body if isinstance(n, ast.FunctionDef)}
    name = method or next((m for m in (*STEP_METHODS, *_LIKELY) if m in found), None)
    if name is None or not found[name].args.args or found[name].args.args[0].arg != "self":
        return Class(node)
    step = found[name]
    step.name = "step"
    spelled = with_own_parameter(node, step, file)
    init = found.get("__init__") or (_of_fields(node, step) if _is_dataclass(node) else _empty_init(node))
    node.body = [n for n in node.body if n is step or n is init or not _is_method(n) or _sets(n) or _shows(n, node)]
    own = {n.attr for n in ast.walk(step) if _is_own(n) and not isinstance(n.ctx, ast.Load)}  # type: ignore[attr-defined]
    counting = {id(n): c for n in node.body if n is not step and n is not init and (c := _counts(n, own)) is not None}
    step.body = [*_without_return(step.body), *counting.values(), *_return(step.body)]
    helpers = [n.name for n in node.body if id(n) in counting and isinstance(n, ast.FunctionDef)]
    assumed += [f"{helper} is called once after each step" for helper in helpers]
    node.body = [n for n in node.body if id(n) not in counting]
    init.body = [one for s in init.body if not _is_super(s) for one in _one_by_one(s)]
    init.args.vararg = init.args.kwarg = None
    _without_words(init.args)
    opened = _opened(init, step, frozenset(bindings(node.body)))
    return Class(ast.fix_missing_locations(node), opened, tuple(assumed), spelled)


def likely_steps(node: ast.ClassDef) -> list[str]:
    """The methods that may be the step: the one called so, or any that takes arguments and is no helper's."""
    names = [n.name for n in node.body if isinstance(n, ast.FunctionDef)]
    for sure in (*STEP_METHODS, *_LIKELY):
        if sure in names:
            return [_delegate(node, sure) or sure]
    return [n for n in names if not n.startswith("__") and n not in _NO_STEPS]


def _delegate(node: ast.ClassDef, method: str) -> str | None:
    """The method that makes the step of each parameter: `for p in self.params: self.update(p)`."""
    names = {n.name: n for n in node.body if isinstance(n, ast.FunctionDef)}
    match [s for s in names[method].body if not isinstance(s, ast.Pass)]:
        case [
            ast.For(
                body=[ast.Expr(value=ast.Call(func=ast.Attribute(attr=name) as called, args=args, keywords=[]))],
                orelse=[],
            )
        ] if _is_own(called) and name in names and all(isinstance(a, ast.Name | ast.Attribute) for a in args):
            return None if _shares(names[name]) else name
    return None


def _shares(method: ast.FunctionDef) -> bool:
    """Whether a method changes what is the same for every parameter: `self.t += 1`, `self.v.mul_(b)`."""
    given = {a.arg for a in method.args.args}
    for node in ast.walk(method):
        match node:
            case ast.Attribute(ctx=ast.Store()) if _is_own(node):
                return True
            case ast.Call(func=ast.Attribute(value=array, attr=name)) if _is_own(array) and name.endswith("_"):
                return True
            case ast.Subscript(value=array, slice=index, ctx=ast.Store()) if _is_own(array):
                if not (isinstance(index, ast.Name) and index.id in given):
                    return True
    return False


def _is_method(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef)


def _sets(node: ast.stmt) -> bool:
    """Whether a method changes an attribute of `self`."""
    return any(_is_own(n) and not isinstance(n.ctx, ast.Load) for n in ast.walk(node))  # type: ignore[attr-defined]


def _shows(method: ast.stmt, node: ast.ClassDef) -> bool:
    """Whether a method makes what an attribute is: one of Python's hooks, or a property that is read."""
    called = {id(n.func) for n in ast.walk(node) if isinstance(n, ast.Call)}
    read = {n.attr for n in ast.walk(node) if _is_own(n) and id(n) not in called}  # type: ignore[attr-defined]
    return isinstance(method, ast.FunctionDef) and method.name in {*HOOKS, *read}


def _is_own(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"


def _empty_init(node: ast.ClassDef) -> ast.FunctionDef:
    arguments = ast.arguments([], [ast.arg("self")], None, [], [], None, [])
    init = ast.FunctionDef("__init__", arguments, [ast.Pass()], [], None, None)
    node.body.insert(0, ast.fix_missing_locations(ast.copy_location(init, node)))
    return init


def _is_dataclass(node: ast.ClassDef) -> bool:
    names = [dotted(d.func if isinstance(d, ast.Call) else d) for d in node.decorator_list]
    return any(n in ("dataclass", "dataclasses.dataclass") for n in names)


def _of_fields(node: ast.ClassDef, step: ast.FunctionDef) -> ast.FunctionDef:
    """The `__init__` that a dataclass has: state starts at its default, all else is an argument."""
    init = _empty_init(node)
    node.decorator_list = []
    changed = {n.attr for n in ast.walk(step) if _is_own(n) and not isinstance(n.ctx, ast.Load)}  # type: ignore[attr-defined]
    for one in [n for n in node.body if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)]:
        assert isinstance(one.target, ast.Name)
        name, value = one.target.id, one.value
        if value is None or name not in changed:
            init.args.kwonlyargs.append(ast.copy_location(ast.arg(name), one))
            init.args.kw_defaults.append(value)
            value = ast.Name(name, ast.Load())
        init.body.append(_set(name, value, one))
        node.body.remove(one)
    later = next((n for n in node.body if isinstance(n, ast.FunctionDef) and n.name == "__post_init__"), None)
    init.body += later.body if later is not None and len(later.args.args) == 1 else []
    return init


def _without_words(args: ast.arguments) -> None:
    """Leaves out arguments that are words by default: `name="adam"`."""
    plain: list[ast.expr | None] = [None] * (len(args.args) - len(args.defaults))
    pairs = [p for p in zip(args.args, [*plain, *args.defaults], strict=True) if not _is_word(p[1])]
    args.args, args.defaults = [a for a, _ in pairs], [d for _, d in pairs if d is not None]
    named = [p for p in zip(args.kwonlyargs, args.kw_defaults, strict=True) if not _is_word(p[1])]
    args.kwonlyargs, args.kw_defaults = [a for a, _ in named], [d for _, d in named]


def _is_word(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _is_super(node: ast.stmt) -> bool:
    match node:
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=base, attr="__init__"))):
            return isinstance(base, ast.Name) or (isinstance(base, ast.Call) and dotted(base.func) == "super")
    return False


def _counts(node: ast.stmt, own: Collection[str]) -> ast.stmt | None:
    """The one statement `self.t += 1` of a method that does nothing else, where the step does not count by itself."""
    if not isinstance(node, ast.FunctionDef):
        return None
    body = [s for s in node.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
    match body:
        case [
            ast.AugAssign(target=ast.Attribute(attr=name) as target, op=ast.Add(), value=ast.Constant(value=1)) as one
        ]:
            return one if _is_own(target) and name not in own else None
    return None


def _without_return(body: Sequence[ast.stmt]) -> list[ast.stmt]:
    return list(body[:-1] if body and isinstance(body[-1], ast.Return) else body)


def _return(body: Sequence[ast.stmt]) -> list[ast.stmt]:
    return [s for s in body[-1:] if isinstance(s, ast.Return)]


# What is given from outside


def _opened(init: ast.FunctionDef, step: ast.FunctionDef, bound: frozenset[str]) -> frozenset[str]:
    """The attributes that the step uses and `__init__` doesn't make from what can be read, each now an argument.

    Those that are `bound` by the class itself are not given from outside.
    """
    used = dict.fromkeys(n.attr for n in ast.walk(step) if _is_own(n))  # type: ignore[attr-defined]
    called = {n.func.attr for n in ast.walk(step) if isinstance(n, ast.Call) and _is_own(n.func)}  # type: ignore[attr-defined]
    opaque = {name: s for s in init.body for name in _made_opaquely(s)}
    init.body = [s for s in init.body if s not in opaque.values()] or [ast.Pass()]
    made = {n.attr for n in ast.walk(init) if _is_own(n) and not isinstance(n.ctx, ast.Load)}  # type: ignore[attr-defined]
    taken = {a.arg for a in all_args(init)}
    missing = [name for name in used if name not in made | called | bound and f"self.{name}" not in dictionaries(step)]
    asked = [n for n in ast.walk(step) if isinstance(n, ast.Compare) and isinstance(n.ops[0], ast.Is)]
    empty = {n.left.attr for n in asked if isinstance(n.left, ast.Attribute)}  # if self.m is None: ...
    init.body += [_set(name, ast.Constant(None), init) for name in missing if name in empty]
    opened = [name for name in missing if name not in empty]
    unused = taken - {n.id for n in ast.walk(init) if isinstance(n, ast.Name)}
    for name in opened:
        argument = name if name not in taken - unused else f"{name}_given"
        if argument not in unused:
            init.args.kwonlyargs.append(ast.copy_location(ast.arg(argument), init))
            init.args.kw_defaults.append(None)
        init.body.append(_set(name, ast.Name(argument, ast.Load()), opaque.get(name, init)))
    return frozenset(f"self.{name}" for name in opened)


def _one_by_one(node: ast.stmt) -> list[ast.stmt]:
    """`self.a, self.b = a, list(b)` as two assignments, where no value is one of the targets."""
    match node:
        case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)) if len(targets) == len(
            values
        ) and {*map(ast.unparse, targets)}.isdisjoint(_parts_of(values)):
            return [ast.copy_location(ast.Assign([t], v), node) for t, v in zip(targets, values, strict=True)]
    return [node]


def _parts_of(values: Sequence[ast.expr]) -> set[str]:
    return {ast.unparse(n) for v in values for n in ast.walk(v) if isinstance(n, ast.expr)}


def _set(name: str, value: ast.expr, at: ast.stmt) -> ast.stmt:
    """`self.name = value`."""
    target = ast.Attribute(ast.Name("self", ast.Load()), name, ast.Store())
    return ast.fix_missing_locations(ast.copy_location(ast.Assign([target], value), at))


_KNOWN = frozenset({"zeros_like", "ones_like", "zeros", "ones", "float", "array", "asarray", "full_like", "sqrt"})


def _made_opaquely(node: ast.stmt) -> Iterator[str]:
    """The attribute that a statement sets to what a call or container makes of what is given: `list(params)`."""
    match node:
        case ast.Assign(targets=[ast.Attribute(attr=name) as target], value=value) if _is_own(target):
            if isinstance(value, ast.Dict | ast.List) or (
                isinstance(value, ast.Call | ast.ListComp) and not _is_start(value)
            ):
                yield name


def _is_start(node: ast.expr) -> bool:
    """Whether a value, or each item of a comprehension, is a number or an array of numbers."""
    value = node.elt if isinstance(node, ast.ListComp) else node
    path = (dotted(value.func) if isinstance(value, ast.Call) else None) or ""
    root, name = path.split(".")[0], path.rsplit(".", 1)[-1]
    return isinstance(value, ast.Constant) or (name in _KNOWN and (root == name or root in CUSTOMARY))
