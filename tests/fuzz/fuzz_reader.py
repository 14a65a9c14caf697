"""Coverage-guided fuzzing of the reader: whatever the bytes, the answer is a rule or one line, soon.

    make fuzz                       ten minutes; FUZZ="-max_total_time=60" for other options of libFuzzer

Needs the extra `fuzz`. What it finds is kept as a case of tests/derive/reading/test_bad_input.py.
"""

from __future__ import annotations

import random
import re
import sys
import time
from itertools import islice
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["derive"]):
    from derive.errors import UserError
    from derive.reading.drafts import candidates, read_drafts
    from derive.reading.python.expressions import read_expression
    from derive.reading.read import read_text
    from derive.reading.source import definitions

SLOW = 10.0  # seconds, under instrumentation
TOKENS = re.compile(r"\s+|\w+|[^\w\s]+")
WORDS = """
    mul_ add_ sqrt_ addcmul_ out= alpha= value= .data .grad .clone() .detach() self. group['lr'] state['m']
    self.state[p] is None not in if else: elif for t in range(n): with torch.no_grad(): lambda yield := ** ^
    // @ [:] [0] ( ) [ ] { } theta g t lr beta1 m v_hat grad( np.sqrt torch. True None 0 1e-8 9**9 ² θ β₁ ∇ ←
    \\frac{ _{t+1} ``` end return def
    class
""".split()  # noqa: SIM905 - a list of words


def read_everything(text: str) -> None:
    """Every way a text is read; raises what is no UserError."""
    for read in (_definitions, read_expression, _drafts):
        try:
            read(text)
        except UserError as error:
            if "\n" in str(error):
                raise AssertionError(f"more than one line: {error}") from None


def _drafts(text: str) -> None:
    for draft in read_drafts(text, "fuzz.py")[:2]:
        for _ in islice(candidates(draft), 3):
            pass


def _definitions(text: str) -> None:
    for definition in definitions(text, "fuzz.py")[:3]:
        for settings in ({}, dict.fromkeys(("nesterov", "amsgrad", "maximize"), True)):
            try:
                read_text(text, definition.node.name, "fuzz.py", settings=settings)
            except UserError as error:
                last = error
            else:
                break
        else:
            raise last


def one_input(data: bytes) -> None:
    """One call of the fuzzer."""
    started = time.monotonic()
    read_everything(data.decode("utf-8", "replace"))
    if time.monotonic() - started > SLOW:
        raise AssertionError("too slow")


def other_words(data: bytes, size: int, seed: int) -> bytes:
    """The fuzzer's own mutation of bytes, or one of words, which more often leaves a text that can be read."""
    chance = random.Random(seed)
    if chance.random() < 0.3:
        return bytes(atheris.Mutate(data, size))
    tokens = TOKENS.findall(data.decode("utf-8", "replace")) or [""]
    for _ in range(chance.randint(1, 4)):
        at, other = chance.randrange(len(tokens)), chance.randrange(len(tokens))
        match chance.randrange(5):
            case 0:
                tokens[at] = chance.choice(WORDS)
            case 1:
                tokens[at] = tokens[other]
            case 2:
                tokens.insert(at, chance.choice(WORDS))
            case 3:
                del tokens[at : at + chance.randint(1, 6)]
            case _:
                tokens[at:at] = tokens[other : other + chance.randint(1, 30)]
        tokens = tokens or [""]
    return "".join(tokens).encode("utf-8", "replace")[:size]


def seeds(folder: Path) -> None:
    """A corpus to start from: the library and every text the tests of the reader have."""
    folder.mkdir(parents=True, exist_ok=True)
    root = Path(__file__).parents[2]
    sources = [*sorted((root / "derive" / "library").glob("*.py")), *sorted((root / "tests").glob("**/reading/*.py"))]
    for source in sources:
        text = source.read_text(encoding="utf-8")
        (folder / source.name).write_text(text, encoding="utf-8")
        for i, part in enumerate(text.split('"""')[1::2]):
            (folder / f"{source.stem}-{i}").write_text(part, encoding="utf-8")


def main() -> None:
    """`fuzz_reader.py CORPUS [options of libFuzzer]`."""
    seeds(Path(sys.argv[1]))
    atheris.Setup(sys.argv, one_input, custom_mutator=other_words)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
