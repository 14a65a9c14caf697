"""Numbers kept in 16 bits, computed with in float32: the functions that convert them, and how their use is read.

The arithmetic of a kernel is float32. An array kept in bfloat16 or float16 travels as the bits of its elements; each is
converted exactly where it is read, and what is stored there is rounded once, to nearest or, with random bits, to one of
the two numbers beside. The functions are written here, once, for whoever emits them and whoever reads them; over the
reals each is the identity.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from derive.errors import UserError

RANDOM_BITS = {"bfloat16": 16, "float16": 32}  # of the formats, how many bits decide which way one number is rounded
FORMATS = tuple(RANDOM_BITS)
KEY = "key"  # the argument of `span` that random bits are made from

# Exact, or to nearest with ties to even. Every step is a uint32: in wider words half as many fit a vector.
_FROM_BFLOAT16 = '''\
@njit(error_model="numpy", nogil=True)
def from_bfloat16(bits):
    """The number that has these bits in bfloat16, which are the upper half of its own."""
    return np.uint32(np.uint32(bits) << np.uint32(16)).view(np.float32)
'''

_TO_BFLOAT16 = '''\
@njit(error_model="numpy", nogil=True)
def to_bfloat16(x):
    """The bits of the bfloat16 nearest to a number; of two as near, the even one."""
    bits = np.float32(x).view(np.uint32)
    upper = np.uint32(bits >> np.uint32(16))
    odd = np.uint32(upper & np.uint32(1))
    near = np.uint32(np.uint32(np.uint32(bits + np.uint32(0x7FFF)) + odd) >> np.uint32(16))
    no_number = np.uint32(np.uint32(upper & np.uint32(0x8000)) | np.uint32(0x7FC0))
    return np.uint16(near if x == x else no_number)
'''

_FROM_FLOAT16 = '''\
@njit(error_model="numpy", nogil=True)
def from_float16(bits):
    """The number that has these bits in float16."""
    wide = np.uint32(bits)
    size = np.uint32(wide & np.uint32(0x7FFF))
    subnormal = np.float32(np.float32(np.int32(size)) * np.float32(2.0**-24)).view(np.uint32)
    normal = np.uint32(np.uint32(size << np.uint32(13)) + np.uint32(112 << 23))
    infinite = np.uint32(normal + np.uint32(112 << 23))
    finite = np.uint32(subnormal if size < np.uint32(0x400) else normal)
    found = np.uint32(infinite if size >= np.uint32(0x7C00) else finite)
    return np.uint32(found | np.uint32(np.uint32(wide & np.uint32(0x8000)) << np.uint32(16))).view(np.float32)
'''

_TO_FLOAT16 = '''\
@njit(error_model="numpy", nogil=True)
def to_float16(x):
    """The bits of the float16 nearest to a number; of two as near, the even one."""
    bits = np.float32(x).view(np.uint32)
    size = np.uint32(bits & np.uint32(0x7FFFFFFF))
    shifted = np.float32(np.uint32(size).view(np.float32) + np.float32(0.5))
    subnormal = np.uint32(np.float32(shifted).view(np.uint32) - np.uint32(126 << 23))
    odd = np.uint32(np.uint32(size >> np.uint32(13)) & np.uint32(1))
    least = np.uint32(min(size, np.uint32(143 << 23)))
    raised = np.uint32(np.uint32(least - np.uint32((112 << 23) - 4095)) + odd)
    near = np.uint32(subnormal if size < np.uint32(113 << 23) else np.uint32(raised >> np.uint32(13)))
    found = np.uint32(near if x == x else np.uint32(0x7E00))
    return np.uint16(found | np.uint32(np.uint32(bits >> np.uint32(16)) & np.uint32(0x8000)))
'''

# Rounded away from zero where the part that is lost, in units of the last place kept, and the random bits, as a
# fraction, are 1 or more together: with a probability that is this part, exactly. Only of a float16 below the normal
# numbers more than 31 bits may be lost, and those beyond are left out.
_TO_BFLOAT16_BY = '''\
@njit(error_model="numpy", nogil=True)
def to_bfloat16_by(x, random):
    """The bits of one of the two bfloat16 beside a number, as 16 random bits have it."""
    bits = np.float32(x).view(np.uint32)
    upper = np.uint32(bits >> np.uint32(16))
    raised = np.uint32(np.uint32(bits + np.uint32(random & np.uint32(0xFFFF))) >> np.uint32(16))
    no_number = np.uint32(np.uint32(upper & np.uint32(0x8000)) | np.uint32(0x7FC0))
    return np.uint16(raised if x == x else no_number)
'''

_TO_FLOAT16_BY = '''\
@njit(error_model="numpy", nogil=True)
def to_float16_by(x, random):
    """The bits of one of the two float16 beside a number, as 32 random bits have it."""
    bits = np.float32(x).view(np.uint32)
    size = np.uint32(bits & np.uint32(0x7FFFFFFF))
    small = np.uint32(min(size, np.uint32(113 << 23)))
    steps = np.float32(np.uint32(small).view(np.float32) * np.float32(2.0**24))
    whole = np.int32(steps)
    part = np.int32(np.float32(np.float32(steps - np.float32(whole)) * np.float32(2.0**31)))
    up = np.uint32(np.uint32(np.uint32(part) + np.uint32(random >> np.uint32(1))) >> np.uint32(31))
    subnormal = np.uint32(np.uint32(whole) + up)
    least = np.uint32(min(size, np.uint32(143 << 23)))
    raised = np.uint32(np.uint32(least - np.uint32(112 << 23)) + np.uint32(random >> np.uint32(19)))
    beside = np.uint32(subnormal if size < np.uint32(113 << 23) else np.uint32(raised >> np.uint32(13)))
    found = np.uint32(beside if x == x else np.uint32(0x7E00))
    return np.uint16(found | np.uint32(np.uint32(bits >> np.uint32(16)) & np.uint32(0x8000)))
'''

ROUNDS = 20  # what Random123 and JAX take; the authors found no flaw in 13
TURNS = (13, 15, 26, 6, 17, 29, 16, 24)
PARITY = 0x1BD11BDA


def _threefry() -> str:
    """Threefry-2x32 (Salmon, Moraes, Dror & Shaw 2011, Parallel random numbers: as easy as 1, 2, 3, section 4.2)."""
    keys = ("first", "second", "third")
    lines = [
        f"third = np.uint32(np.uint32(first ^ second) ^ np.uint32({PARITY}))",
        "x = np.uint32(x + first)",
        "y = np.uint32(y + second)",
    ]
    for k in range(ROUNDS):
        left = TURNS[k % len(TURNS)]
        lines += [
            "x = np.uint32(x + y)",
            f"y = np.uint32(np.uint32(y << np.uint32({left})) | np.uint32(y >> np.uint32({32 - left})))",
            "y = np.uint32(x ^ y)",
        ]
        if k % 4 == 3:
            turn = k // 4 + 1
            lines += [
                f"x = np.uint32(x + {keys[turn % 3]})",
                f"y = np.uint32(y + np.uint32({keys[(turn + 1) % 3]} + np.uint32({turn})))",
            ]
    body = "\n".join(f"    {line}" for line in lines)
    return (
        '@njit(error_model="numpy", nogil=True)\n'
        "def threefry(first, second, x, y):\n"
        f'    """64 random bits for a key and a counter of two words each: Threefry-2x32 of {ROUNDS} rounds."""\n'
        f"{body}\n    return (x, y)\n"
    )


_KEY_OF = '''\
@njit(error_model="numpy", nogil=True)
def key_of(seed, t, tensor):
    """The key of the random bits of one tensor in one step."""
    x, y = threefry(np.uint32(seed), np.uint32(seed >> 32), np.uint32(t), np.uint32(t >> 32))
    return threefry(x, y, np.uint32(tensor), np.uint32(tensor >> 32))
'''

FUNCTIONS = {
    "from_bfloat16": _FROM_BFLOAT16,
    "to_bfloat16": _TO_BFLOAT16,
    "to_bfloat16_by": _TO_BFLOAT16_BY,
    "from_float16": _FROM_FLOAT16,
    "to_float16": _TO_FLOAT16,
    "to_float16_by": _TO_FLOAT16_BY,
    "threefry": _threefry(),
    "key_of": _KEY_OF,
}


def functions(loaded: Iterable[str], stored: Iterable[str], *, drawn: bool) -> str:
    """The source of what is needed to load and to store arrays of these formats, by random bits if they are `drawn`."""
    needed = {f"from_{name}" for name in loaded if name in FORMATS}
    needed |= {f"to_{name}_by" if drawn else f"to_{name}" for name in stored if name in FORMATS}
    needed |= {"threefry", "key_of"} if drawn else set()
    return "".join(f"{text}\n\n" for name, text in FUNCTIONS.items() if name in needed)


def taken(stores: int) -> frozenset[str]:
    """The names that a module with so many stores has for what is here."""
    return frozenset({*FUNCTIONS, KEY, "seed"} | {f"bits_{k}" for k in range(2 * stores)})


def element(array: str, kept: Mapping[str, str]) -> str:
    """How the array's element is read; `kept` names the formats of the arrays that have one of these."""
    return f"from_{kept[array]}({array}[i])" if array in kept else f"{array}[i]"


@dataclass(frozen=True)
class Draws:
    """The random bits of one element: the lines that make them, and what each narrow array is given of them."""

    lines: tuple[str, ...]
    given: tuple[str, ...]


def draws(formats: Sequence[str]) -> Draws:
    """Random bits for stores of these formats, in order. What they depend on is the key, the element and the order.

    Words of 32 bits, two from each counter: bfloat16 takes half of one, float16 one. The counter is the number of the
    element among those of its tensor, below 2^48, and which of its counters it is.
    """
    given, words, half = list[str](), 0, ""
    for name in formats:
        if RANDOM_BITS[name] == 16 and half:
            given.append(half)
            half = ""
            continue
        given.append(f"bits_{words}")
        if RANDOM_BITS[name] == 16:
            half = f"np.uint32(bits_{words} >> np.uint32(16))"
        words += 1
    lines = tuple(
        f"bits_{2 * k}, bits_{2 * k + 1} = threefry({KEY}[0], {KEY}[1], np.uint32(lo + i), "
        f"np.uint32({f'(lo + i >> 32) + {k << 16}' if k else 'lo + i >> 32'}))"
        for k in range(-(-words // 2))
    )
    return Draws(lines, tuple(given))


def store_lines(stores: Iterable[tuple[str, str]], kept: Mapping[str, str], *, drawn: bool) -> list[str]:
    """How values are stored into arrays' elements."""
    pairs = tuple(stores)
    bits = draws([kept[array] for array, _ in pairs if array in kept]) if drawn else Draws((), ())
    given, lines = iter(bits.given), list(bits.lines)
    for array, value in pairs:
        if array not in kept:
            lines.append(f"{array}[i] = {value}")
        else:
            lines.append(f"{array}[i] = to_{kept[array]}" + (f"_by({value}, {next(given)})" if drawn else f"({value})"))
    return lines


# Read back


def split_functions(tree: ast.Module, file: str) -> frozenset[str]:
    """Take the functions of this module out of a kernel's. Raises UserError where one is not as it is here."""
    found = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name in FUNCTIONS]
    for function in found:
        if ast.dump(function) != ast.dump(ast.parse(FUNCTIONS[function.name]).body[0]):
            raise _refusal(function, file, f"'{function.name}' does not convert as the template does")
    names = [f.name for f in found]
    if len({*names}) < len(names):
        raise _refusal(found[0], file, "a conversion is defined twice")
    tree.body = [n for n in tree.body if n not in found]
    return frozenset(names)


@dataclass(frozen=True)
class Loop:
    """The statements of the loop over elements as if every array were of the arithmetic's own type, and the format of
    each that is not."""

    statements: list[ast.stmt]
    kept: dict[str, str]


def read_loop(statements: Sequence[ast.stmt], arrays: Sequence[str], file: str, *, drawn: bool) -> Loop:
    """The conversions taken out. Raises UserError where an array is read and stored as two different things, and where
    random bits are not those of the template."""
    reader = _Conversions(arrays, file, drawn=drawn)
    rest = [reader.read(s) for s in statements if ast.unparse(s) not in _drawing(len(arrays), drawn=drawn)]
    lines = [ast.unparse(s) for s in statements if ast.unparse(s) in _drawing(len(arrays), drawn=drawn)]
    expected = draws([name for name, _ in reader.given]) if drawn else Draws((), ())
    stores = [k for k, s in enumerate(statements) if isinstance(s, ast.Assign) and _is_store(s)]
    first = stores[0] if stores else len(statements)
    together = [ast.unparse(s) for s in statements[first - len(lines) : first]]
    if lines != [*expected.lines] or together != lines or [bits for _, bits in reader.given] != [*expected.given]:
        raise _refusal(
            statements[0] if statements else ast.Pass(), file, "the random bits are not those of the template"
        )
    for inner in (n for s in rest for n in ast.walk(s)):
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store) and inner.id in taken(len(arrays)):
            raise _refusal(inner, file, "one name stands for two things")
    return Loop(rest, {array: name for array, name in reader.kept.items() if name})


def _drawing(arrays: int, *, drawn: bool) -> frozenset[str]:
    """Every line that may draw random bits."""
    return frozenset(draws(["float16"] * 2 * arrays).lines) if drawn else frozenset()


def _is_store(statement: ast.Assign) -> bool:
    return isinstance(statement.targets[0], ast.Subscript)


class _Conversions(ast.NodeTransformer):
    """Takes conversions away from around the elements of arrays, and keeps the formats and random bits it saw."""

    def __init__(self, arrays: Sequence[str], file: str, *, drawn: bool) -> None:
        self.arrays, self.file, self.drawn = frozenset(arrays), file, drawn
        self.kept: dict[str, str] = {}
        self.given: list[tuple[str, str]] = []

    def read(self, statement: ast.stmt) -> ast.stmt:
        match statement:
            case ast.Assign(targets=[ast.Subscript() as place], value=ast.Call(func=ast.Name(id=name)) as call):
                ending = "_by" if self.drawn else ""
                for kept in FORMATS:
                    if name == f"to_{kept}{ending}" and not call.keywords and len(call.args) == 1 + self.drawn:
                        self._is_kept(place, kept)
                        if self.drawn:
                            self.given.append((kept, ast.unparse(call.args[1])))
                        value = self.visit(call.args[0])
                        return ast.copy_location(ast.Assign(targets=[place], value=value), statement)
        read: ast.stmt = self.visit(statement)
        return read

    def visit_Call(self, node: ast.Call) -> ast.AST:
        match node:
            case ast.Call(func=ast.Name(id=name), args=[ast.Subscript() as place], keywords=[]):
                for kept in FORMATS:
                    if name == f"from_{kept}":
                        self._is_kept(place, kept)
                        return place
        return self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        self._is_kept(node, "")
        return self.generic_visit(node)

    def _is_kept(self, place: ast.Subscript, name: str) -> None:
        match place:
            case ast.Subscript(value=ast.Name(id=array), slice=ast.Name(id="i")) if array in self.arrays:
                if self.kept.setdefault(array, name) != name:
                    raise _refusal(place, self.file, f"'{array}' is taken for numbers of two types")


def _refusal(node: ast.AST, file: str, what: str) -> UserError:
    return UserError(what, where=f"{file}:{getattr(node, 'lineno', 1)}", fix="generate the kernel again")
