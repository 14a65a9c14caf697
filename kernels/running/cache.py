"""Kernels on disk: one directory for each content, sealed by a manifest of checksums.

Machine code is executed, so nothing is believed: the directory must be the user's own, every file
must have the size and checksum of the manifest, and the bytes that were verified are the bytes
that are used. A directory is built aside and renamed into place; a damaged one is replaced.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path

MANIFEST = "manifest.json"
_LOG = logging.getLogger(__name__)
_noticed: set[str] = set()


def root() -> Path:
    """DERIVE_CACHE_DIR, or the place for caches on this system."""
    given = os.environ.get("DERIVE_CACHE_DIR")
    if given:
        return Path(os.path.expanduser(given))
    import platformdirs

    return Path(platformdirs.user_cache_dir("derive-kernels", appauthor=False))


def directory(key: str) -> Path:
    return root() / "kernels" / key


def fetch(key: str) -> dict[str, bytes] | None:
    """Every file kept under the key, verified; None where there is none, or it is damaged or not ours."""
    place = directory(key)
    try:
        if not _is_ours(place):
            return None
        sums = json.loads((place / MANIFEST).read_bytes())["files"]
        files = {str(name): (place / _plain(name)).read_bytes() for name in sums}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return files if all(_checksum(data) == sums[name] for name, data in files.items()) else None


def keep(key: str, files: Mapping[str, bytes]) -> Path | None:
    """Keep the files under the key; None, with one notice, where nothing can be written."""
    place = directory(key)
    try:
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        aside = Path(tempfile.mkdtemp(prefix=f".{key[:16]}.", dir=place.parent))
        try:
            _write(aside, files)
            _into_place(aside, place, key)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    except OSError as error:
        _notice(str(root()), error)
        return None
    return place


def _write(place: Path, files: Mapping[str, bytes]) -> None:
    for name, data in files.items():
        (place / _plain(name)).write_bytes(data)
    sums = {name: _checksum(data) for name, data in files.items()}
    (place / MANIFEST).write_text(json.dumps({"files": sums}, indent=1, sort_keys=True))
    place.chmod(0o700)


def _into_place(aside: Path, place: Path, key: str) -> None:
    """Rename; what stands there already is left if it is sound (another process was first), else moved away."""
    for _ in range(8):
        try:
            os.rename(aside, place)
            return
        except OSError:
            if fetch(key) is not None:
                return
            if not place.exists():
                raise
            drop(key)


def drop(key: str) -> None:
    """Take away what is kept under the key. Raises OSError where that is not allowed."""
    place = directory(key)
    old = Path(tempfile.mkdtemp(prefix=".old.", dir=place.parent))
    try:
        os.rename(place, old / "damaged")
    except FileNotFoundError:
        pass  # another process was first
    finally:
        shutil.rmtree(old, ignore_errors=True)


def _is_ours(place: Path) -> bool:
    """A real directory that no other user can write to."""
    status = place.lstat()
    if not stat.S_ISDIR(status.st_mode):
        return False
    owned = not hasattr(os, "getuid") or status.st_uid == os.getuid()
    return owned and (os.name == "nt" or not status.st_mode & 0o022)


def _plain(name: str) -> str:
    """A file name without a path; the manifest names files of its own directory only."""
    if name != os.path.basename(name) or name in ("", ".", "..", MANIFEST):
        raise ValueError(name)
    return name


def _checksum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _notice(place: str, error: OSError) -> None:
    """Once for a place, and one line: a warning of Python would show a line of this project's source too."""
    if place not in _noticed:
        _noticed.add(place)
        _LOG.warning(
            "kernels are kept in memory only: %s cannot be written (%s); let DERIVE_CACHE_DIR name a folder that can",
            place,
            error.strerror or error,
        )
