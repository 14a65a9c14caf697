"""`derive kernel`: the generated source of a rule's kernel."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import click

from derive.cli.documents import as_json_option, document, write_json
from derive.cli.packages import require_own_kernels
from derive.cli.workers import in_worker
from derive.errors import UserError
from derive.rule import Rule

DTYPES = ("float32", "float64")


@click.command("kernel")
@click.argument("rule")
@click.option("--dtype", type=click.Choice(DTYPES), default="float32", show_default=True)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write the source to this file.")
@as_json_option
def kernel_command(rule: str, dtype: str, output: Path | None, as_json: bool) -> None:
    """The generated source of a kernel, proved equal to its rule."""
    from derive.library.lookup import find_rule

    require_own_kernels()
    found = find_rule(rule)
    source = in_worker(_source, found, dtype)
    if output is not None:
        write_whole(output, source)
    if as_json:
        path = None if output is None else str(output)
        write_json(document("kernel", rule=found.name, dtype=dtype, source=source, path=path))
    elif output is None:
        click.echo(source, nl=not source.endswith("\n"))


def _source(rule: Rule, dtype: str) -> Any:
    from kernels import compile as compile_kernel

    return compile_kernel(rule, dtype=dtype).source


def write_whole(path: Path, text: str) -> None:
    """Write the file in one piece: whoever reads it sees the old content or the new, never a part."""
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        reason = error.strerror or str(error)
        raise UserError(
            f"can't write the file: {reason}", where=str(path), fix="name a file in a folder you can write to"
        ) from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
