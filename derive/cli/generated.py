"""`derive kernel`: the generated source of a rule's kernel."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from derive.cli.documents import as_json_option, document, write_json
from derive.cli.library import exit_status
from derive.cli.packages import require_own_kernels
from derive.cli.workers import in_worker
from derive.errors import UserError
from derive.reading.narrow import FORMATS
from derive.rule import Rule

if TYPE_CHECKING:
    from kernels.certificate import Proof

DTYPES = ("float32", "float64", *FORMATS)


@click.command("kernel")
@click.argument("rule")
@click.option("--dtype", type=click.Choice(DTYPES), default="float32", show_default=True)
@click.option("--state", type=click.Choice(DTYPES), help="The type of states.  [default: --dtype]")
@click.option(
    "--rounding",
    type=click.Choice(["nearest", "stochastic"]),
    default="nearest",
    show_default=True,
    help="How numbers are stored in bfloat16 and float16.",
)
@click.option("-o", "--output", type=click.Path(), help="Write the source to this file; - is standard output.")
@click.option("--unproved", is_flag=True, help="Write a source that could not be proved too; its header says so.")
@as_json_option
def kernel_command(
    rule: str, dtype: str, state: str | None, rounding: str, output: str | None, unproved: bool, as_json: bool
) -> None:
    """The generated source of a kernel, proved equal to its rule."""
    from derive.library.lookup import find_rule

    require_own_kernels()
    found = find_rule(rule)
    made: Made = in_worker(_made, found, dtype, state, rounding)
    if made.unproved is not None and not unproved:
        raise NotProved(found, made.unproved)
    path = None if output == "-" else output
    if path is not None:
        write_whole(Path(path), made.source)
    if as_json:
        parts = {"rule": found.name, "dtype": dtype, "state": state or dtype, "rounding": rounding}
        write_json(document("kernel", **parts, source=made.source, proved=made.unproved is None, path=path))
    elif path is None:
        click.echo(made.source, nl=not made.source.endswith("\n"))


@dataclass(frozen=True)
class Made:
    """A kernel's source, and what of it is not proved."""

    source: str
    unproved: Proof | None


class NotProved(UserError):
    """The source is not proved equal to its rule; `status` is the exit status that its verdict asks for."""

    def __init__(self, rule: Rule, proof: Proof) -> None:
        what = f"the kernel is not proved equal to the rule: {proof.status}: {proof.message}"
        fixes = [rule.advice, "--unproved writes it all the same"]
        super().__init__(what, where=rule.name, fix="; ".join(filter(None, fixes)))
        self.status = exit_status([proof.status])


def _made(rule: Rule, dtype: str, state: str | None, rounding: str) -> Made:
    from kernels import compile as compile_kernel

    kernel = compile_kernel(rule, dtype=dtype, state=state, rounding=rounding, unproved=True)
    proofs = (kernel.certificate.program, kernel.certificate.source)
    return Made(kernel.source, next((proof for proof in proofs if not proof), None))


def write_whole(path: Path, text: str) -> None:
    """Write the file in one piece: whoever reads it sees the old content or the new, never a part.

    A link leads to the file that is written. What is no file (a device, a pipe, a standard stream) stays what it
    is, and takes the text as it comes. Raises UserError where nothing can be written.
    """
    try:
        stream = _standard_stream(path)
        target = Path(os.path.realpath(path))
        if stream is not None:
            _write_to(os.dup(stream), text)
        elif target.is_file() or not (path.exists() or target.is_symlink()):
            _replace(target, text)
        else:
            _write_to(os.open(path, os.O_WRONLY), text)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError(f"can't write the file: {reason}", where=str(path), fix="name one you can write to") from error


def _standard_stream(path: Path) -> int | None:
    """The descriptor of standard output or error, where the path leads to what that already writes."""
    for descriptor in (1, 2):
        with suppress(OSError):
            if os.path.samestat(path.stat(), os.fstat(descriptor)):
                return descriptor
    return None


def _write_to(descriptor: int, text: str) -> None:
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def _replace(path: Path, text: str) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        _write_to(handle, text)
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
