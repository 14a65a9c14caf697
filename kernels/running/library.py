"""Rules of the library as they were read on another day: to read them takes longer than to load a kernel."""

from __future__ import annotations

import pickle
import sys
from contextlib import suppress
from pathlib import Path

from derive.rule import Rule
from kernels.running import cache
from kernels.running.content import checksum_of, general_key, python_files

LIBRARY = Path(__file__).parents[2] / "derive" / "library"


def library_rule(name: str) -> Rule:
    """The rule called `name`. Raises UserError, as the library does, where it has no such rule."""
    key = general_key(f"{name} of {checksum_of(LIBRARY, python_files(LIBRARY))}")
    files = None if "derive.library" in sys.modules else cache.fetch(key)
    if files is not None:
        try:
            rule = pickle.loads(files["rule"])
            assert isinstance(rule, Rule)
            return rule
        except Exception:  # whatever is wrong with what was kept: it is read again
            with suppress(OSError):
                cache.drop(key)
    from derive.library.lookup import find_rule

    rule = find_rule(name)
    if files is None and not cache.directory(key).exists():
        cache.keep(key, {"rule": pickle.dumps(rule)})
    return rule
