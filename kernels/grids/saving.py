"""Finished blocks of an unfinished grid, in a folder beside the file that will hold it: nothing is lost when it stops.

Every block is a file of its own, written aside and renamed, with a checksum. The folder says of what grid it is, and by
what it was made: it is taken up only by the same, so that what is resumed is what would have been, to the bit.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from derive.errors import UserError
from kernels.running.content import surroundings
from kernels.running.descent import Found

UNFINISHED = ".unfinished"
ABOUT = "about.json"
_SEAL = 32  # bytes of a checksum


@contextmanager
def aside(place: Path) -> Iterator[IO[bytes]]:
    """A file to write, which takes its place when all is written. Raises UserError where that can't be."""
    try:
        handle, name = tempfile.mkstemp(prefix=f".{place.name}.", dir=place.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.chmod(name, 0o666 & ~_mask())
            os.replace(name, place)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as error:
        what = f"can't be written: {error.strerror or error}"
        raise UserError(what, where=str(place), fix="name a place where there is room and leave") from None


def _mask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@dataclass(frozen=True)
class Blocks:
    """The folder of the finished blocks."""

    folder: Path

    def keep(self, lo: int, hi: int, found: Found) -> None:
        """Keep what is found of the points lo to hi."""
        data = b"".join(array.tobytes() for array in found.arrays)
        with aside(self.folder / f"{lo}-{hi}.block") as file:
            file.write(hashlib.sha256(data).digest() + data)

    def fetch(self, lo: int, hi: int) -> Found | None:
        """What was found of the points lo to hi; None where it was not kept, or is damaged."""
        try:
            sealed = (self.folder / f"{lo}-{hi}.block").read_bytes()
        except OSError:
            return None
        data = sealed[_SEAL:]
        if hashlib.sha256(data).digest() != sealed[:_SEAL] or len(data) != 32 * (hi - lo):
            return None
        loss, distance, largest, settled = np.frombuffer(data).reshape(4, hi - lo)
        return Found(loss, distance, largest, settled.view(np.int64))


def folder_of(path: Path) -> Path:
    """Where the blocks are kept until the file is whole."""
    return path.with_name(path.name + UNFINISHED)


@contextmanager
def blocks_of(path: Path, about: Mapping[str, Any]) -> Iterator[Blocks]:
    """The folder of an unfinished grid, which nobody else uses meanwhile.

    Raises UserError where it is that of another grid, or in use.
    """
    folder = folder_of(path)
    whole = {**about, "made by": surroundings()["source"]}
    try:
        folder.mkdir(exist_ok=True)
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise UserError(f"can't be made: {error.strerror}", where=str(folder), fix="save elsewhere") from None
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UserError(
                "another process is at this grid", where=str(folder), fix="wait for it, or save elsewhere"
            ) from None
        _refuse_another(folder, whole)
        yield Blocks(folder)
    finally:
        os.close(lock)


def _refuse_another(folder: Path, about: Mapping[str, Any]) -> None:
    place = folder / ABOUT
    try:
        there = json.loads(place.read_text())
    except FileNotFoundError:
        with aside(place) as file:
            file.write(json.dumps(about, indent=1).encode())
        return
    except (OSError, ValueError):
        there = {}
    if there != about:
        differs = next((name for name in about if there.get(name) != about[name]), "it")
        what = f"it holds the beginning of another grid ({differs} differs)"
        raise UserError(what, where=str(folder), fix="delete it, or save elsewhere")


def finished(folder: Path) -> None:
    """Take away the blocks of a grid that is saved as a whole."""
    shutil.rmtree(folder, ignore_errors=True)
