"""For people's own tests: `assert_same(a, b)`, or plain `assert prove(a, b)` with pytest.

    from derive.testing import assert_same

    def test_our_adam_is_adam():
        assert_same("optim/adam.py::OurAdam", "adam")

Where it fails, the message is the counterexample, line by line.
"""

from __future__ import annotations

from typing import Any

from derive import prove


def assert_same(a: object, b: object, **given: Any) -> None:
    """Raise AssertionError with the whole answer unless `derive.prove(a, b, **given)` is proved."""
    __tracebackhide__ = True  # pytest then shows the caller's line
    verdict = prove(a, b, **given)
    if not verdict:
        raise AssertionError(str(verdict))
