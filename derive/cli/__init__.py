"""The command `derive`. This package alone may use both `derive` and `kernels`, and imports them late."""

from __future__ import annotations

import sys


def main() -> None:
    """The entry point of the command; ends the process with the status of DESIGN's contract."""
    from derive.cli.application import run

    sys.exit(run(sys.argv[1:]))
