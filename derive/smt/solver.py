"""z3 as a prover independent of ours, in a process of its own: what it does there cannot hurt us.

The limit that decides is counted work (z3's `rlimit`), so answers repeat; seconds and memory are bounded
besides, for a process that does not keep to it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from types import TracebackType
from typing import Literal, cast

from derive.proving.certificate import Certificate
from derive.smt.encode import Untranslatable
from derive.smt.export import scripts

Answer = Literal["unsat", "sat", "unknown"]

WORK = 20_000_000  # of z3's own units; a few seconds
SECONDS = 20.0
MEMORY_MB = 2048
WORKER = Path(__file__).with_name("worker.py")


def is_installed() -> bool:
    """Whether z3 can be asked at all; it comes with the extra `smt`."""
    return find_spec("z3") is not None


def confirm(certificate: Certificate, seconds: float = SECONDS) -> Answer:
    """z3's opinion of everything a certificate claims: `unsat` confirms it.

    `sat` may come from what the translation leaves out (powers b^t, functions): replay it before it is believed.
    """
    try:
        texts = [text for _, text in scripts(certificate)]
    except Untranslatable:
        return "unknown"
    with Z3() as z3:
        return together(z3.ask(text, seconds) for text in texts)


def together(answers: Iterable[Answer]) -> Answer:
    """The answer to many questions: `sat` where one is, `unsat` where all are."""
    found = set(answers)
    return "sat" if "sat" in found else "unknown" if "unknown" in found else "unsat"


class Z3:
    """The process; started when it is first asked, and again after it had to be stopped."""

    def __init__(self, work: int = WORK) -> None:
        self.work = work
        self.version = ""
        self._process: subprocess.Popen[str] | None = None
        self._lines: Queue[str] = Queue()

    def __enter__(self) -> Z3:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def ask(self, script: str, seconds: float = SECONDS) -> Answer:
        """Whether the script is satisfiable; `unknown` past a limit, and where z3 fails."""
        if not is_installed():
            return "unknown"
        process = self._started()
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps({"script": script, "work": self.work, "seconds": seconds}) + "\n")
            process.stdin.flush()
            answer = self._lines.get(timeout=seconds + 2).strip()
        except (Empty, OSError):
            answer = ""
        if answer not in ("unsat", "sat", "unknown"):
            self.stop()
            return "unknown"
        return cast(Answer, answer)

    def stop(self) -> None:
        """End the process, whatever it does."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            self.stop()
            self._lines = Queue()
            self._process = subprocess.Popen(
                [sys.executable, "-I", str(WORKER), str(MEMORY_MB)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            )  # fmt: skip
            Thread(target=_read, args=(self._process, self._lines), daemon=True).start()
            self.version = self._lines.get(timeout=SECONDS).strip()
        return self._process


def _read(process: subprocess.Popen[str], lines: Queue[str]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        lines.put(line)
    lines.put("")
