"""The name of a kernel's content: everything that decides what its machine code and its proofs say."""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from derive.expr import Apply, Expr, Number, Symbol, nodes
from derive.rule import Rule
from kernels.storage import Storage
from kernels.version import GENERATOR


def content_key(rule: Rule, dtype: str | Storage) -> str:
    """A checksum over the rule, the generator, the libraries, the processor and how numbers are kept."""
    content = {"rule": rule_data(rule), "dtype": str(dtype), "around": surroundings()}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:40]


def general_key(name: str) -> str:
    """A checksum for what belongs to no rule."""
    content = {"name": name, "around": surroundings()}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:40]


def rule_data(rule: Rule) -> dict[str, Any]:
    """The rule as plain data: equal data, equal rule."""
    return {
        "name": rule.name,
        "inputs": rule.inputs,
        "hyperparameters": [(h.name, str(h.default), str(h.domain)) for h in rule.hyperparameters],
        "states": [(s.name, graph(s.initial)) for s in rule.states],
        "body": [(a.target, graph(a.value)) for a in rule.body],
        "outputs": rule.outputs,
        "query": None if rule.query is None else graph(rule.query),
        "reference": str(rule.reference),
    }


def graph(root: Expr) -> list[Any]:
    """The nodes below the root, arguments by their places: linear in the graph, unlike its text."""
    places: dict[Expr, int] = {}
    rows: list[Any] = []
    for node in nodes([root]):
        places[node] = len(rows)
        if isinstance(node, Apply):
            rows.append([node.op, *(places[a] for a in node.args)])
        elif isinstance(node, Number):
            rows.append(["number", str(node.value)])
        elif isinstance(node, Symbol):
            rows.append(["symbol", node.name])
    return rows


@cache
def surroundings() -> dict[str, str]:
    """What else the code depends on: versions, the processor, and this project's own source."""
    import llvmlite
    import llvmlite.binding as llvm
    import numba
    import numpy

    return {
        "generator": GENERATOR,
        "source": checksum(Path(__file__).parents[2]),
        "python": sys.version,
        "numpy": numpy.__version__,
        "numba": numba.__version__,
        "llvmlite": llvmlite.__version__,
        "machine": platform.machine(),
        "processor": llvm.get_host_cpu_name(),
        "features": llvm.get_host_cpu_features().flatten(),
        "flags": str(sorted((k, v) for k, v in vars(numba.config).items() if k in _FLAGS)),
        **{f"proofs: {package}": _version(package) for package in _PROVING},
    }


_PROVING = ("python-flint", "z3-solver")  # more is proved with the latter


def _version(package: str) -> str:
    """The version of an installed package; empty where it is absent."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


_FLAGS = ("OPT", "LOOP_VECTORIZE", "SLP_VECTORIZE", "CPU_NAME", "CPU_FEATURES", "ENABLE_AVX", "DISABLE_INTEL_SVML")


_NO_PART = {"cli", "deriving", "library", "rendering"}  # of `derive`; a rule's own content is in the key


def sources(root: Path) -> list[Path]:
    """The files that read, generate, prove or measure, reports being kept too; `root` holds both packages."""
    derive = root / "derive"
    symbolic = (file for file in derive.rglob("*.py") if file.relative_to(derive).parts[0] not in _NO_PART)
    return sorted([*(root / "kernels").rglob("*.py"), *symbolic])


def checksum(root: Path) -> str:
    """A checksum of these files and their places: a changed generator is another generator."""
    total = hashlib.sha256()
    for file in sources(root):
        data = file.read_bytes()
        total.update(f"{file.relative_to(root).as_posix()} {len(data)}\n".encode() + data)
    return total.hexdigest()
