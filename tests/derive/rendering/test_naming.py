"""Names of a verdict's rules as they are shown: A's as its text has them, B's as the rule's."""

from __future__ import annotations

import pytest

from derive.rendering.naming import PLAIN, Names

NAMES = Names({"theta": "w", "beta": "mu", "v_": "v", "lr": 'c["lr"]'}, "the rule's ")


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("beta = 0 and eps = 0", "mu = 0 and eps = 0"),
        ("equal with B.lr = A.lr * sqrt(1 - A.beta), B.v = -1 * A.v_",
         'equal with the rule\'s lr = c["lr"] * sqrt(1 - mu), the rule\'s v = -v'),
        ("at step 2 theta is -1/2 in theta and 0 in beta", "at step 2 w is -1/2 in theta and 0 in beta"),
        ("v_ ≥ 0 (proved by induction)", "v ≥ 0 (proved by induction)"),
    ],
)  # fmt: skip
def test_a_text_has_its_own_names(said: str, shown: str) -> None:
    assert NAMES.message(said) == shown


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("equal with B.v = -1 * A.v", "equal with B.v = -A.v"),
        ("B.v = A.lr * (-1 * A.v)", "B.v = A.lr * (-A.v)"),
        ("B.v = 2 ** -1 * A.v", "B.v = 2 ** -1 * A.v"),
    ],
)
def test_minus_one_times_is_minus(said: str, shown: str) -> None:
    assert PLAIN.message(said) == shown
