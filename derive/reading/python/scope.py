"""What names mean at one point of a text: values, places, and the functions behind dotted names."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from keyword import iskeyword
from unicodedata import normalize

from derive.errors import UserError
from derive.reading.python.bindings import STAR, Binding, Imported
from derive.reading.python.spellings import BUILTINS, CUSTOMARY
from derive.reading.step.statements import Query, Store

ASKED = "grad()"  # the place of a gradient asked for inside an expression


@dataclass
class Scope:
    """The names at one point of a text.

    `known` are the places (names, `self.m`, `state["m"]`) that hold a value here, `truths` those
    that hold a truth value, `later` the names the function binds anywhere. `records` are `self`,
    whose attributes are places, and the dictionaries whose string keys are. `outer` binds the free
    names, `oracles` are the functions that answer a gradient, `items` the sequences with the text of
    the index that is this step's, `functions` further names of operations. What an expression does
    beside giving a value (a gradient asked for, an in-place store) collects in `asked`, in the order
    Python does it; `kept` are the nodes whose values are needed as they were before it. `absent` are
    arguments that are not given: functions that may be left out, a closure for instance. `switches`
    are the places that hold True or False, with which it is (None: nobody has said). `tensors` are
    names that hold a tensor whatever they hold, for `.item()` is asked of them. `statements` have been
    read, in `blocks` one inside another.
    """

    file: str
    known: set[str] = field(default_factory=set)
    truths: set[str] = field(default_factory=set)
    later: frozenset[str] = frozenset()
    records: frozenset[str] = frozenset()
    outer: Mapping[str, Binding] = field(default_factory=dict)
    oracles: frozenset[str] = frozenset()
    items: Mapping[str, str] = field(default_factory=dict)
    functions: Mapping[str, str] = field(default_factory=dict)
    asked: list[Query | Store] = field(default_factory=list)
    kept: set[int] = field(default_factory=set)
    absent: frozenset[str] = frozenset()
    switches: dict[str, bool | None] = field(default_factory=dict)
    tensors: frozenset[str] = frozenset()
    statements: int = 0
    blocks: int = 0

    def error(self, what: str, at: ast.AST, fix: str = "") -> UserError:
        """The error to raise about `what` at a node."""
        return UserError(what, where=f"{self.file}:{getattr(at, 'lineno', 1)}", fix=fix)

    def is_local(self, name: str) -> bool:
        """Whether a name belongs to the function, now or later."""
        return any(name in names for names in (self.known, self.later, self.records, self.absent, self.switches))


def place(node: ast.expr, scope: Scope) -> str | None:
    """The place a node names: a plain name, an attribute of `self`, a string key of a dictionary of buffers."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=ast.Name(id="self"), attr=key) if "self" in scope.records:
            return f"self.{key}"
        case ast.Attribute(value=base, attr="data", ctx=ast.Load()):
            array = place(base, scope)
            return array if array in scope.known else None
        case ast.Attribute(value=base, attr="grad"):
            gradient = f"{place(base, scope)}.grad"
            return gradient if gradient in scope.known else None
        case ast.Subscript(value=base, slice=ast.Constant(value=str(key))):
            record = place(base, scope)
            if record is None or record == "self" or record not in scope.records:
                return None
            refuse_odd_key(key, node, scope)
            return f"{record}.{key}"
        case ast.Subscript(value=ast.Name(id=sequence), slice=index) if sequence in scope.items:
            return f"{sequence}[]" if ast.unparse(index) == scope.items[sequence] else None
    return None


def refuse_odd_key(key: str, node: ast.expr, scope: Scope) -> None:
    """A key becomes a name, so it must be one, and the one Python would make of it."""
    if not key.isidentifier() or iskeyword(key) or normalize("NFKC", key) != key:
        raise scope.error(f"the key {key!r} is not a name in Python", node, "use letters, digits and _")


def dotted(node: ast.expr) -> str | None:
    """`np.linalg.norm` as text; None where the root is not a name."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=attr):
            root = dotted(value)
            return f"{root}.{attr}" if root else None
    return None


def function_path(node: ast.expr, scope: Scope) -> str | None:
    """What a function is: `numpy.sqrt`, `builtins.abs`, `.sqrt` for a method; None where it can't be known.

    A name nobody binds is a builtin or a word of the rule language, and a root nobody binds the
    module it customarily stands for, so that a pasted snippet without its imports can be read.
    """
    path = dotted(node)
    root, _, rest = (path or "").partition(".")
    if path is None or scope.is_local(root):
        return f".{node.attr}" if isinstance(node, ast.Attribute) else None
    binding = scope.outer.get(root)
    if isinstance(binding, Imported):
        return _language(f"{binding.path}.{rest}" if rest else binding.path)
    if binding is not None or STAR in scope.outer:
        return None
    if rest:
        return f"{CUSTOMARY[root]}.{rest}" if root in CUSTOMARY else None
    return f"builtins.{root}" if root in BUILTINS else f"derive.language.{root}"


def _language(path: str) -> str:
    """`derive.rule` is `derive.language.rule`."""
    package, _, name = path.rpartition(".")
    return f"derive.language.{name}" if package == "derive" else path


def whole(index: ast.expr) -> bool:
    """Whether an index takes the whole array: `[:]` or `[...]`."""
    if isinstance(index, ast.Slice):
        return index.lower is None and index.upper is None and index.step is None
    return isinstance(index, ast.Constant) and index.value is ...
