"""The process in which z3 runs: a script a line on standard input, an answer a line on standard output.

It is started by its path with nothing of ours on the import path, and says its version first.
"""

from __future__ import annotations

import json
import sys


def main() -> None:
    limit_memory(int(sys.argv[1]))
    import z3

    print(z3.get_version_string(), flush=True)
    for line in sys.stdin:
        question = json.loads(line)
        print(answered(question["script"], question["work"], question["seconds"]), flush=True)


def limit_memory(megabytes: int) -> None:
    """A hard bound on the address space, where the system has one."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))


def answered(script: str, work: int, seconds: float) -> str:
    import z3

    try:
        solver = (
            z3.SolverFor("QF_NRA", ctx=z3.Context()) if "(declare-fun" not in script else z3.Solver(ctx=z3.Context())
        )
        solver.set("rlimit", work)
        solver.set("timeout", int(1000 * seconds))
        solver.from_string(script)
        return str(solver.check())
    except (z3.Z3Exception, MemoryError):
        return "unknown"


if __name__ == "__main__":
    main()
