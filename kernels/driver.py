"""The compiler: read this file first, then `kernels.certify` and `kernels.pipeline`.

A rule is lowered to a program, the passes improve it, it is proved equal to the rule, emitted, read
back and proved again, compiled, and kept. What was made before is fetched from the cache, verified
and loaded; nothing is then derived or proved a second time.

The files beside this one go from the rule to proved source. What a finished kernel needs when it
works is in `kernels.running`; what `kernels.verification` measures of it, in `kernels.measuring`.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from derive.errors import UserError
from derive.rule import Rule

if TYPE_CHECKING:  # `import kernels` stays light: NumPy and Numba come with the first compile
    from derive.proving.verdict import Status
    from kernels.certificate import Certificate
    from kernels.lower import PartName
    from kernels.running.descent import Descent
    from kernels.running.kernel import Kernel, Part
    from kernels.running.through import Run
    from kernels.storage import Storage

_LOCK = threading.RLock()  # Numba's compiler is not safe under threads
_made: dict[str, Kernel] = {}
_runs: dict[str, Run] = {}
_descents: dict[str, Descent] = {}


class NotProved(UserError):
    """The kernel's program or source could not be proved equal to its rule; `status` is that proof's verdict."""

    status: Status = "unknown"


def compile(
    rule: Rule | str | Callable[..., object],
    dtype: object = "float32",
    *,
    state: object = None,
    rounding: str = "nearest",
    unproved: bool = False,
) -> Kernel:
    """The kernel of a rule for one element type: "float32", "float64", "bfloat16" or "float16".

    `dtype` is that of the parameter and its gradient, or of an average's input and output; `state` that of the states,
    where it is another than `dtype`. Kept in 16 bits, numbers are computed with in float32, and rounded once when they
    are stored: to nearest, or with rounding="stochastic" by random bits made from the seed that each step is given.

    `rule` is a Rule, a name of the library, "PATH::NAME", or a function or class, which is read and
    never called. Raises UserError where the rule cannot be used, and NotProved where the kernel could
    not be proved equal to it; with `unproved=True` such a kernel is made all the same, and says so in
    its certificate and source.
    """
    from kernels.storage import storage_of

    found, storage = _rule(rule), storage_of(dtype, state, rounding)
    from kernels.checks import refuse_unfit
    from kernels.running.content import content_key

    refuse_unfit(found)
    key = content_key(found, storage)
    with _LOCK:
        if key not in _made:
            _made[key] = _fetched(found, storage, key) or _built(found, storage, key)
        kernel = _made[key]
    if not kernel.certificate.proved and not unproved:
        raise not_proved(found, kernel.certificate)
    return kernel


def compile_run(rule: Rule | str | Callable[..., object], dtype: object = "float64") -> Run:
    """An average that runs through data of one element type, along an axis; `kernels.averages.over` calls it.

    `rule`, `dtype` and the errors are those of `compile`; UserError too for a rule that is no average, or takes norms.
    """
    from kernels.storage import arithmetic_of

    found, name = _rule(rule), arithmetic_of(dtype)
    from kernels.checks import refuse_unfit
    from kernels.running.content import content_key

    refuse_unfit(found)
    key = f"time-{content_key(found, name)}"
    with _LOCK:
        if key not in _runs:
            _runs[key] = _run_fetched(found, name, key) or _run_built(found, name, key)
        run = _runs[key]
    if not run.certificate.proved:
        raise not_proved(found, run.certificate)
    return run


def compile_descent(rule: Rule | str | Callable[..., object], kind: str) -> Descent:
    """A rule that goes down a kind of problem from every point of a grid; `kernels.trajectories` calls it.

    `rule` and the errors are those of `compile`; UserError too for an average.
    """
    found = _rule(rule)
    from kernels.checks import refuse_unfit
    from kernels.descent import refuse_what_does_not_descend
    from kernels.running.content import content_key

    refuse_unfit(found)
    refuse_what_does_not_descend(found)
    key = f"{kind}-{content_key(found, 'float64')}"
    with _LOCK:
        if key not in _descents:
            _descents[key] = _descent_fetched(found, kind, key) or _descent_built(found, kind, key)
        descent = _descents[key]
    if not descent.certificate.proved:
        raise not_proved(found, descent.certificate)
    return descent


def _rule(given: object) -> Rule:
    """The rule that is meant, which is read, but for one of the library that was read before."""
    if isinstance(given, Rule):
        return given
    if isinstance(given, str) and "::" not in given:
        from kernels.running.library import library_rule

        return library_rule(given)
    from derive.library.lookup import as_rule

    return as_rule(given)


def not_proved(rule: Rule, certificate: Certificate) -> NotProved:
    what, proof = ("source", certificate.source) if certificate.program else ("program", certificate.program)
    error = NotProved(
        f"the kernel's {what} is not proved equal to the rule: {proof.status}: {proof.message}",
        where=rule.name,
        fix="; ".join(part for part in (rule.advice, "unproved=True compiles it all the same") if part),
    )
    error.status = proof.status
    return error


def _built(rule: Rule, storage: Storage, key: str) -> Kernel:
    """Everything from the rule; kept for the next time."""
    import pickle

    from kernels.certificate import to_json
    from kernels.certify import certify
    from kernels.running import cache

    certificate, sources = certify(rule, storage)
    parts = {name: _part(rule, storage, key, name, source) for name, source in sources.items()}
    files = {"certificate.json": json.dumps(to_json(certificate), indent=1).encode(), "parts": pickle.dumps(parts)}
    made: dict[PartName, Part] = {}
    for name, part in parts.items():
        made[name], code = _loaded(part, None)
        files |= {f"{name}.py": part.source.encode(), f"{name}.code": code}
    cache.keep(key, files)
    return _kernel(rule, storage, certificate, made)


def _fetched(rule: Rule, storage: Storage, key: str) -> Kernel | None:
    """Everything from the cache; None where something is missing, damaged or refused."""
    import pickle

    from kernels.certificate import from_json
    from kernels.running import cache

    files = cache.fetch(key)
    if files is None:
        return None
    try:
        certificate = from_json(json.loads(files["certificate.json"]))
        parts: dict[PartName, Part] = pickle.loads(files["parts"])
        made = {name: _loaded(part, files[f"{name}.code"])[0] for name, part in parts.items()}
    except Exception:  # whatever is wrong with machine code from another day: it is made again
        with suppress(OSError):
            cache.drop(key)
        return None
    return _kernel(rule, storage, certificate, made)


def _part(rule: Rule, storage: Storage, key: str, name: PartName, source: str) -> Part:
    """What is known of one program but for its machine code."""
    from kernels.checks import checks
    from kernels.emit import bytes_per_element, emitted_names, renamed
    from kernels.norms import measured
    from kernels.pipeline import programs
    from kernels.running.kernel import Part, not_loaded
    from kernels.running.sharing import Proved

    program = programs(rule, storage, name).final
    module = re.sub(r"\W+", "_", f"{rule.name}_{name}_{storage}_{key[:12]}")
    named = renamed(program, emitted_names(program))
    norms = program.stored if program.measures else measured(rule).arguments if name == "step" else ()
    return Part(
        arrays=program.arrays,
        stored=program.stored,
        refusals=checks(program, rule.hyperparameters),
        bytes_per_element=bytes_per_element(program),
        source=source,
        proved=Proved(
            module, key, name, named.arrays, named.parameters, named.handed, len(norms),
            tuple(program.type_of(a) for a in program.arrays), program.drawn,
        ),
        entry=not_loaded,
    )  # fmt: skip


def _loaded(part: Part, code: bytes | None) -> tuple[Part, bytes]:
    """The part with its callable, and its machine code."""
    from kernels.running import cache
    from kernels.running.load import load, signature

    proved = part.proved
    path = cache.directory(proved.key) / f"{proved.part}.py"
    types = signature(part.types, part.is_stored, len(proved.parameters), sums=proved.measures, drawn=proved.drawn)
    loaded = load(proved.module, str(path), part.source, types, code)
    return replace(part, entry=loaded.entry), loaded.code


def _kernel(rule: Rule, storage: Storage, certificate: Certificate, made: Mapping[PartName, Part]) -> Kernel:
    from kernels.running.kernel import Kernel

    return Kernel(rule, storage, certificate, made["step"], made.get("query"), made.get("norms"))


def _run_built(rule: Rule, dtype: str, key: str) -> Run:
    """A run from the rule; kept for the next time."""
    from kernels.certificate import to_json
    from kernels.certify import certify_through
    from kernels.running import cache

    certificate, source = certify_through(rule, dtype)
    run, code = _run_loaded(rule, dtype, key, certificate, source, None)
    data = json.dumps(to_json(certificate), indent=1).encode()
    cache.keep(key, {"certificate.json": data, "run.py": source.encode(), "run.code": code})
    return run


def _run_fetched(rule: Rule, dtype: str, key: str) -> Run | None:
    """A run from the cache; None where something is missing, damaged or refused."""
    from kernels.certificate import from_json
    from kernels.running import cache

    files = cache.fetch(key)
    if files is None:
        return None
    try:
        certificate = from_json(json.loads(files["certificate.json"]))
        return _run_loaded(rule, dtype, key, certificate, files["run.py"].decode(), files["run.code"])[0]
    except Exception:  # whatever is wrong with machine code from another day: it is made again
        with suppress(OSError):
            cache.drop(key)
        return None


def _run_loaded(
    rule: Rule, dtype: str, key: str, certificate: Certificate, source: str, code: bytes | None
) -> tuple[Run, bytes]:
    from kernels.running import cache
    from kernels.running.load import load, signature_of_run
    from kernels.running.through import Run
    from kernels.through import run_checks

    types = signature_of_run(dtype, len(rule.states), len(rule.hyperparameters))
    path = cache.directory(key) / "run.py"
    loaded = load(f"{rule.name}_run_{dtype}_{key[:17]}", str(path), source, types, code)
    return Run(rule, dtype, certificate, run_checks(rule.hyperparameters), source, loaded.entry), loaded.code


def _descent_built(rule: Rule, kind: str, key: str) -> Descent:
    """A descent from the rule; kept for the next time."""
    from kernels.certificate import to_json
    from kernels.certify import certify_descent
    from kernels.running import cache

    certificate, source = certify_descent(rule, kind)
    descent, code = _descent_loaded(rule, kind, key, certificate, source, None)
    data = json.dumps(to_json(certificate), indent=1).encode()
    cache.keep(key, {"certificate.json": data, "descent.py": source.encode(), "descent.code": code})
    return descent


def _descent_fetched(rule: Rule, kind: str, key: str) -> Descent | None:
    """A descent from the cache; None where something is missing, damaged or refused."""
    from kernels.certificate import from_json
    from kernels.running import cache

    files = cache.fetch(key)
    if files is None:
        return None
    try:
        certificate = from_json(json.loads(files["certificate.json"]))
        source = files["descent.py"].decode()
        return _descent_loaded(rule, kind, key, certificate, source, files["descent.code"])[0]
    except Exception:  # whatever is wrong with machine code from another day: it is made again
        with suppress(OSError):
            cache.drop(key)
        return None


def _descent_loaded(
    rule: Rule, kind: str, key: str, certificate: Certificate, source: str, code: bytes | None
) -> tuple[Descent, bytes]:
    from derive.reading.landscapes import LANDSCAPES
    from kernels.running import cache
    from kernels.running.descent import Descent
    from kernels.running.load import load, signature_of_descent

    types = signature_of_descent(given=LANDSCAPES[kind].given)
    path = cache.directory(key) / "descent.py"
    module = re.sub(r"\W", "_", f"{rule.name}_{key[: len(kind) + 13]}")
    loaded = load(module, str(path), source, types, code)
    return Descent(rule, kind, certificate, source, loaded.entry), loaded.code
