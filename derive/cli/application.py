"""The commands put together, and how each way of ending becomes a message and an exit status.

0: it holds. 1: it does not. 2: the input could not be used. 3: undecided, and nothing failed.
130: interrupted. 141: the reader of the output went away. 70: a defect of this program, with its
traceback.
"""

from __future__ import annotations

import io
import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from enum import IntEnum

import click

from derive.cli.bench import bench_command
from derive.cli.checking import check_command, identify_command
from derive.cli.claims import claims_command
from derive.cli.documents import error_document, write_json
from derive.cli.generated import NotProved, kernel_command
from derive.cli.hazards import hazards_command
from derive.cli.library import rules_command, show_command
from derive.cli.mapping import map_command
from derive.cli.proving import prove_command
from derive.cli.verification import verify_command
from derive.cli.workers import LimitExceeded
from derive.errors import UserError


class Exit(IntEnum):
    """The exit statuses."""

    HOLDS = 0
    FAILS = 1
    UNUSABLE_INPUT = 2
    UNDECIDED = 3
    DEFECT = 70
    INTERRUPTED = 130
    READER_GONE = 141  # 128 + SIGPIPE, as the shell reports it of other programs


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="derive-kernels", message="derive-kernels %(version)s")
def application() -> None:
    """Optimizer rules, written once as their papers write them: derived, proved, compiled, checked.

    RULE is the name of a library rule (see `derive rules`) or PATH::NAME, a rule in a file of yours.
    """


COMMANDS = (
    rules_command,
    show_command,
    prove_command,
    check_command,
    identify_command,
    hazards_command,
    claims_command,
    kernel_command,
    verify_command,
    bench_command,
    map_command,
)
for command in COMMANDS:
    application.add_command(command)


def run(arguments: Sequence[str]) -> int:
    """Run one command line (without the program's name) and return its exit status."""
    _spell_what_the_terminal_cannot_show()
    try:
        status = _answer(arguments)
        if sys.stdout is not None:
            sys.stdout.flush()
        return status
    except (BrokenPipeError, SystemExit):  # Click and Rich turn the first into the second
        _write_no_more()
        return Exit.READER_GONE
    except OSError as error:
        _write_no_more()
        refusal = UserError(f"can't write the output: {error.strerror}", fix="send it where there is room")
        with suppress(OSError):
            click.echo(f"error: {refusal}", err=True)
        return Exit.UNUSABLE_INPUT


def _answer(arguments: Sequence[str]) -> int:
    as_json = "--json" in arguments
    try:
        status = application.main(list(arguments), prog_name="derive", standalone_mode=False)
        return int(status or Exit.HOLDS)
    except click.exceptions.NoArgsIsHelpError as help_wanted:
        click.echo(help_wanted.format_message(), err=True)
        return Exit.UNUSABLE_INPUT
    except click.ClickException as error:
        return _refuse(_from_click(error), as_json, Exit.UNUSABLE_INPUT)
    except NotProved as error:
        return _refuse(error, as_json, Exit(error.status))
    except UserError as error:
        return _refuse(error, as_json, Exit.UNUSABLE_INPUT)
    except LimitExceeded as error:
        return _refuse(UserError(str(error)), as_json, Exit.UNDECIDED)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return Exit.INTERRUPTED
    except OSError:  # files are read and written elsewhere, with errors of their own: this is the output
        raise
    except Exception as error:
        traceback.print_exc()
        what = f"a defect of derive: {type(error).__name__}: {str(error).partition(chr(10))[0]}"
        return _refuse(UserError(what), as_json, Exit.DEFECT)


def _write_no_more() -> None:
    """Python writes what is left when it ends; a second complaint then would help nobody."""
    if sys.__stdout__ is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stdout__.fileno())


def _refuse(error: UserError, as_json: bool, status: Exit) -> int:
    if as_json:
        write_json(error_document(error))
    click.echo(f"error: {error}", err=True)
    return status


def _from_click(error: click.ClickException) -> UserError:
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "derive"
    return UserError(" ".join(error.format_message().split()).rstrip("."), where=path, fix=f"see `{path} --help`")


def _spell_what_the_terminal_cannot_show() -> None:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
