"""How NumPy, `math`, PyTorch and JAX spell the operations: data.

Each row is a signature, the formula it means in the rule language, and its spellings. A method
`x.sqrt()` is spelled `.sqrt` and takes `x` as its first argument. Only spellings whose meaning is
exact for every real argument (and every keyword listed) are here; any other argument is refused.
A spelling in several rows means the first whose signature takes the arguments given. The arguments
`c` and `d` are truth values, `dtype` says how a result is stored, all others are numbers; an
argument that the formula does not name is there for its shape only.
"""

from __future__ import annotations

TRUTH_ARGUMENTS = frozenset({"c", "d"})

_LIBRARIES = ("derive.language", "math", "numpy", "torch", "jax.numpy", "tensorflow", "tensorflow.math", "keras.ops",
              "keras.backend", "theano.tensor")  # fmt: skip


_ARRAYS = tuple(library for library in _LIBRARIES if library not in ("derive.language", "math"))


def _all(name: str, *more: str) -> tuple[str, ...]:
    return (*(f"{library}.{name}" for library in _LIBRARIES), f".{name}", *more)


def _arrays(*names: str) -> tuple[str, ...]:
    return tuple(f"{library}.{name}" for name in names for library in _ARRAYS)


def _variables(name: str) -> tuple[str, ...]:
    return (f"tensorflow.{name}", f"tensorflow.compat.v1.{name}")


# What PyTorch has no in-place method for.
_NEVER_IN_PLACE = frozenset({
    ".copy", ".clone", ".item", ".get_value", ".numpy", ".astype", ".float", ".double", ".half", ".bfloat16",
    ".contiguous", ".conj",
    ".positive", ".cpu", ".cuda", ".to", ".type_as", ".type", ".detach", ".view_as", ".new_zeros", ".new_ones",
    ".maximum", ".minimum", ".gt", ".ge", ".lt", ".le", ".eq", ".ne",
})  # fmt: skip
_CLAMPS = ("torch.clamp", "torch.clip", ".clamp", ".clip")

Row = tuple[str, str, tuple[str, ...]]


def _paths(rows: tuple[Row, ...], *examples: str) -> frozenset[str]:
    """Every spelling in a row with one of the examples."""
    return frozenset(path for _, _, paths in rows for path in paths if not set(examples).isdisjoint(paths))


ROWS: tuple[Row, ...] = (
    ("x", "sqrt(x)", _all("sqrt", "jax.lax.sqrt")),
    ("x", "exp(x)", _all("exp")),
    ("x", "log(x)", _all("log")),
    ("x", "expm1(x)", _all("expm1")),
    ("x", "log1p(x)", _all("log1p")),
    ("x", "tanh(x)", _all("tanh")),
    ("x", "sin(x)", _all("sin")),
    ("x", "cos(x)", _all("cos")),
    ("x", "floor(x)", _all("floor")),
    ("x", "cbrt(x)", ("derive.language.cbrt", "math.cbrt", "numpy.cbrt", "jax.numpy.cbrt")),
    ("x", "abs(x)", ("builtins.abs", "math.fabs", *_arrays("abs", "absolute"), "numpy.fabs", ".abs", ".absolute")),
    ("x", "norm(x)", ("derive.language.norm",)),  # the libraries' own take axes and orders, and are refused
    ("x", "sign(x)", ("derive.language.sign", *_arrays("sign"), ".sign", "torch.sgn", ".sgn")),
    ("x", "x ** 2", (*_arrays("square"), ".square")),
    ("x", "1 / sqrt(x)", ("torch.rsqrt", "jax.lax.rsqrt", ".rsqrt")),
    ("x", "1 / x", (*_arrays("reciprocal"), ".reciprocal")),
    ("x", "-x", (*_arrays("negative"), "torch.neg", ".neg", ".negative")),
    ("x", "max(x, 0)", ("torch.relu", "torch.nn.functional.relu", "jax.nn.relu", ".relu")),
    ("x, y", "max(x, y)", ("derive.language.maximum", *_arrays("maximum", "fmax"), ".maximum")),
    ("x, y", "min(x, y)", ("derive.language.minimum", *_arrays("minimum", "fmin"), ".minimum")),
    ("c, x, y", "where(c, x, y)", ("derive.language.where", *_arrays("where"))),
    ("x, y", "x + y", tuple(f"{library}.add" for library in _ARRAYS if library != "torch")),
    ("x, y", "x - y", tuple(f"{library}.subtract" for library in _ARRAYS if library != "torch")),
    ("x, y", "x * y", (*_arrays("multiply"), "torch.mul", ".mul", ".multiply")),
    ("x, y", "x / y", (*_arrays("divide", "true_divide"), "torch.div", ".div", ".divide")),
    ("input, other", "input + other", ("torch.add", ".add")),
    ("input, other, *, alpha", "input + alpha * other", ("torch.add", ".add")),
    ("input, alpha, other", "input + alpha * other", ("torch.add", ".add")),  # as PyTorch had it before 1.5
    ("input, other", "input - other", ("torch.sub", "torch.subtract", ".sub", ".subtract")),
    ("input, other, *, alpha", "input - alpha * other", ("torch.sub", "torch.subtract", ".sub", ".subtract")),
    ("input, alpha, other", "input - alpha * other", ("torch.sub", ".sub")),
    ("x, y", "x ** y", ("builtins.pow", "math.pow", *_arrays("power", "pow"), ".pow")),
    ("input, end, weight", "input + weight * (end - input)", ("torch.lerp", ".lerp")),
    ("input, tensor1, tensor2", "input + tensor1 * tensor2", ("torch.addcmul", ".addcmul")),
    ("input, tensor1, tensor2, *, value", "input + value * tensor1 * tensor2", ("torch.addcmul", ".addcmul")),
    ("input, value, tensor1, tensor2", "input + value * tensor1 * tensor2", ("torch.addcmul", ".addcmul")),
    ("input, tensor1, tensor2", "input + tensor1 / tensor2", ("torch.addcdiv", ".addcdiv")),
    ("input, tensor1, tensor2, *, value", "input + value * tensor1 / tensor2", ("torch.addcdiv", ".addcdiv")),
    ("input, value, tensor1, tensor2", "input + value * tensor1 / tensor2", ("torch.addcdiv", ".addcdiv")),
    ("a, a_min, a_max", "min(max(a, a_min), a_max)", ("numpy.clip", "jax.numpy.clip")),
    ("input, min, max", "min(max(input, min), max)", _CLAMPS),
    ("input, min", "max(input, min)", (*_CLAMPS, "torch.clamp_min", ".clamp_min")),
    ("input, *, max", "min(input, max)", _CLAMPS),
    ("input, max", "min(input, max)", ("torch.clamp_max", ".clamp_max")),
    ("x, y", "x > y", (*_arrays("greater"), "torch.gt", ".gt")),
    ("x, y", "x >= y", (*_arrays("greater_equal"), "torch.ge", ".ge")),
    ("x, y", "x < y", (*_arrays("less"), "torch.lt", ".lt")),
    ("x, y", "x <= y", (*_arrays("less_equal"), "torch.le", ".le")),
    ("x, y", "x == y", ("numpy.equal", "jax.numpy.equal", "torch.eq", ".eq")),
    ("x, y", "x != y", (*_arrays("not_equal"), "torch.ne", ".ne")),
    ("c, d", "c and d", _arrays("logical_and")),
    ("c, d", "c or d", _arrays("logical_or")),
    ("c", "not c", _arrays("logical_not")),
    ("x", "0", _arrays("zeros_like", "zeros")),
    ("x", "1", _arrays("ones_like", "ones")),
    ("x, value", "value", _arrays("full_like", "full")),
    ("x, y", "0", (".new_zeros",)),
    ("x, y", "1", (".new_ones",)),
    # A fresh array with the same values.
    ("x", "x", ("numpy.array", "numpy.copy", "jax.numpy.array", "jax.numpy.copy", "torch.clone", ".copy", ".clone",
                "copy.deepcopy", "torch.tensor", ".item", ".get_value", ".numpy")),
    ("x, dtype", "x", (".astype", "numpy.array", "jax.numpy.array")),
    ("x", "x", ("tensorflow.Variable", "tensorflow.constant", "tensorflow.identity", "keras.ops.copy")),
    ("x, dtype", "x", ("tensorflow.cast", "keras.ops.cast", "keras.backend.cast", "theano.tensor.cast")),
    ("a, a_min, a_max", "min(max(a, a_min), a_max)", ("tensorflow.clip_by_value", "keras.ops.clip",
    "theano.tensor.clip")),
    ("x", "1 / sqrt(x)", ("tensorflow.math.rsqrt", "keras.ops.rsqrt")),
    ("x", "x ** 2", ("theano.tensor.sqr",)),
    # The same values, and perhaps the same array.
    ("x", "x", ("builtins.float", "numpy.asarray", "numpy.ascontiguousarray", "numpy.float64", "numpy.float32",
                "jax.numpy.asarray", "jax.numpy.float32", "torch.as_tensor", "torch.positive", "copy.copy",
                ".float", ".double", ".half", ".bfloat16", ".contiguous", ".conj", ".positive", ".cpu", ".cuda")),
    ("x, dtype", "x", (".to", ".type_as", ".type", "numpy.asarray", "jax.numpy.asarray")),
    # Certainly the same array.
    ("x", "x", (".detach", "torch.detach")),
    ("x, y", "x", (".view_as",)),
)  # fmt: skip

# What a method ending in _ stores into the array it is called on, and `numpy.copyto` into its first argument.
IN_PLACE: tuple[Row, ...] = (
    *((signature, formula, tuple(f"{p}_" for p in paths if p.startswith(".") and p not in _NEVER_IN_PLACE))
      for signature, formula, paths in ROWS),
    ("x", "x", (".detach_", ".requires_grad_")),
    ("x, flag", "x", (".requires_grad_",)),
    ("x", "0", (".zero_",)),
    ("x, value", "value", (".fill_",)),
    ("x, source", "source", (".copy_", "numpy.copyto")),
    ("ref, value", "value", (".assign", *_variables("assign"), "keras.backend.update")),
    ("ref, value", "ref + value", (".assign_add", *_variables("assign_add"), "keras.backend.update_add")),
    ("ref, value", "ref - value", (".assign_sub", *_variables("assign_sub"), "keras.backend.update_sub")),
)  # fmt: skip

# What makes an array of numbers.
CREATIONS: frozenset[str] = frozenset(
    (
        *_arrays("zeros_like", "zeros", "ones_like", "ones", "full_like", "full", "array", "asarray"),
        "torch.tensor",
        "torch.clone",
        ".clone",
        ".new_zeros",
        ".new_ones",
    )
)

# Whose result may be the very array of their first argument, and whose certainly is.
VIEWS: frozenset[str] = _paths(ROWS, "builtins.float", ".to", ".detach", ".view_as")
SAME_ARRAY: frozenset[str] = _paths(ROWS, ".detach", ".view_as")

# Largest or smallest of two arrays; with a literal in second place, along a dimension.
PAIRWISE: dict[str, str] = {"torch.max": "max", "torch.min": "min"}

# Keywords that say how a result is stored, not what it is.
STORAGE_KEYWORDS = frozenset({"dtype", "device", "memory_format", "requires_grad", "trainable", "name"})

# The types whose numbers stand for reals.
FLOATING = frozenset({
    "float", "double", "half", "single", "longdouble", "bfloat16", "float16", "float32", "float64", "float128", "f4",
    "f8",
})  # fmt: skip

# Functions that say how large an array is, and change nothing.
SHAPES = frozenset({
    "builtins.len", "builtins.range", "builtins.enumerate", "numpy.shape", "numpy.size", "torch.device", ".size",
    ".numel", ".dim", ".new", ".resize_as_", ".resize_", ".get_shape",
})  # fmt: skip

# Functions of any number of arguments, folded in pairs.
VARIADIC: dict[str, str] = {"builtins.max": "max", "builtins.min": "min"}

# Said by name, because another spelling would not help.
REDUCTIONS = frozenset({
    "sum", "mean", "norm", "dot", "vdot", "inner", "outer", "matmul", "mm", "bmm", "einsum", "trace", "std", "var",
    "prod", "median", "amax", "amin", "max", "min", "argmax", "argmin", "all", "any", "cumsum", "svd", "qr", "inv",
    "eigh", "cholesky", "solve", "transpose", "reshape", "flatten", "ravel", "view",
})  # fmt: skip

# Builtin functions that change nothing, in the conditions of checks.
INQUIRIES = frozenset({"isinstance", "len", "all", "any", "type", "callable", "hasattr"})

# The builtin functions that are read.
BUILTINS = frozenset({
    "abs", "max", "min", "pow", "float", "range", "enumerate", "len", "super", "object", "dict", *INQUIRIES,
})  # fmt: skip

# Where a snippet has no import, the names everybody gives these modules.
CUSTOMARY: dict[str, str] = {
    "np": "numpy",
    "numpy": "numpy",
    "math": "math",
    "torch": "torch",
    "jnp": "jax.numpy",
    "jax": "jax",
    "F": "torch.nn.functional",
    "tf": "tensorflow",
    "ops": "keras.ops",
    "keras": "keras",
    "K": "keras.backend",
    "T": "theano.tensor",
    "cp": "numpy",  # CuPy
}

# Decorators that do not change what a function computes.
TRANSPARENT_DECORATORS = frozenset({
    "jax.jit", "derive.language.jit", "tensorflow.function", "torch.no_grad", "torch.inference_mode",
    "torch.compile", "numba.njit", "numba.jit",
})  # fmt: skip
