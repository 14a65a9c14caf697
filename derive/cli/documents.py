"""What `--json` writes: one document on standard output, described by `schema.json` beside this file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import click

from derive.errors import UserError

SCHEMA_VERSION = 1

as_json_option = click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")


def document(command: str, **parts: Any) -> dict[str, Any]:
    """A document of one command's answer."""
    return {"schema": SCHEMA_VERSION, "command": command, **parts}


def error_document(error: UserError) -> dict[str, Any]:
    """A document that says why the input could not be used."""
    return {"schema": SCHEMA_VERSION, "error": {"what": error.what, "where": error.where, "fix": error.fix}}


def exact_value(value: Fraction) -> dict[str, Any]:
    """An exact value as text, with the nearest decimal beside it (text too where no float reaches)."""
    try:
        return {"exact": str(value), "decimal": float(value)}
    except OverflowError:
        return {"exact": str(value), "decimal": None}


def write_json(content: Mapping[str, Any]) -> None:
    """Write the document; only ASCII, so that no terminal or pipe can spoil it."""
    click.echo(json.dumps(content, indent=2, allow_nan=False))
