"""From a rule to its kernel for a CUDA card: proved and kept as text; machine code is made where it runs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress

from derive.errors import UserError
from derive.library.lookup import as_rule
from derive.rule import Rule
from kernels.certificate import Certificate, from_json, to_json
from kernels.certify import certify
from kernels.checks import refuse_unfit
from kernels.cuda.emit import TEMPLATE
from kernels.cuda.kernel import CudaKernel, CudaPart
from kernels.driver import not_proved
from kernels.lower import PartName
from kernels.pipeline import parts_of, programs
from kernels.running import cache
from kernels.running.content import content_key
from kernels.storage import arithmetic_of


def compile(
    rule: Rule | str | Callable[..., object], dtype: object = "float32", *, unproved: bool = False
) -> CudaKernel:
    """The kernel of a rule for a CUDA card, for one element type, "float32" or "float64".

    The arguments and errors are those of `kernels.compile`. Source and certificate need neither a card nor Numba-CUDA;
    what needs them is the first `init` or `step`, which raises UserError where they are missing.
    """
    found, name = as_rule(rule), arithmetic_of(dtype)
    refuse_unfit(found)
    if "stream" in found.hyperparameter_names:
        what = "the hyperparameter 'stream' has the name of an argument of the kernel's calls"
        raise UserError(what, where=found.where, fix="call it otherwise")
    key = f"cuda-{content_key(found, name)}"
    certificate, sources = _fetched(found, key) or _proved(found, name, key)
    if not certificate.proved and not unproved:
        raise not_proved(found, certificate)
    made = {part: _part(found, name, part, source, key) for part, source in sources.items()}
    return CudaKernel(found, name, certificate, made["step"], made.get("query"), made.get("norms"))


def _proved(rule: Rule, dtype: str, key: str) -> tuple[Certificate, Mapping[PartName, str]]:
    certificate, sources = certify(rule, dtype, TEMPLATE)
    files = {"certificate.json": json.dumps(to_json(certificate), indent=1).encode()}
    cache.keep(key, files | {f"{part}.py": source.encode() for part, source in sources.items()})
    return certificate, sources


def _fetched(rule: Rule, key: str) -> tuple[Certificate, Mapping[PartName, str]] | None:
    """Everything from the cache; None where something is missing, damaged or refused."""
    files = cache.fetch(key)
    if files is None:
        return None
    try:
        certificate = from_json(json.loads(files["certificate.json"]))
        return certificate, {part: files[f"{part}.py"].decode() for part in parts_of(rule)}
    except (ValueError, KeyError, TypeError):  # what was kept is not what this version keeps
        with suppress(OSError):
            cache.drop(key)
        return None


def _part(rule: Rule, dtype: str, part: PartName, source: str, key: str) -> CudaPart:
    name = re.sub(r"\W", "_", f"{rule.name}_{part}_{dtype}_{key[:17]}")
    return CudaPart(name, str(cache.directory(key) / f"{part}.py"), programs(rule, dtype, part).final, source)
