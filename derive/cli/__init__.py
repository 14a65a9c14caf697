"""The command `derive`. This package alone may use both `derive` and `kernels`, and imports them late."""

from __future__ import annotations

import sys


def main() -> None:
    """The entry point of the command; ends the process with the status of DESIGN's contract."""
    try:
        from derive.cli.application import run

        status = run(sys.argv[1:])
    except KeyboardInterrupt:  # while the command itself was still being imported, or was ending
        print("interrupted", file=sys.stderr)
        status = 130
    sys.exit(status)
