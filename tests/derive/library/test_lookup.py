"""From what a user types to a rule."""

from __future__ import annotations

from pathlib import Path

import pytest

from derive.errors import UserError
from derive.library.lookup import find_rule, rules


def test_the_names_of_the_library() -> None:
    assert [r.name for r in rules()] == [
        "ewma", "ewma_debiased", "gradient_descent", "momentum", "momentum_ema", "momentum_lr_outside", "nesterov",
        "adagrad", "adagrad_eps_inside", "rmsprop", "rmsprop_eps_inside", "adam", "adam_eps_hat", "adam_l2", "adamw",
    ]  # fmt: skip
    assert all(find_rule(r.name) is r for r in rules())


def test_every_rule_has_a_reference_and_a_description() -> None:
    assert all(r.reference.paper and r.doc and r.where for r in rules())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("adamm", "no rule 'adamm'; did you mean adam or adamw or adam_l2?"),
        ("xyz", "no rule 'xyz'; 'derive rules' lists them; a file's rule is PATH::NAME"),
        ("none.py::f", "none.py: cannot be read: No such file or directory; give the path of a .py file"),
    ],
)
def test_what_is_not_there(text: str, said: str) -> None:
    with pytest.raises(UserError) as error:
        find_rule(text)
    assert str(error.value) == said


def test_a_rule_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("def f(theta, g):\n    return theta - g\n")
    assert str(find_rule(f"{path}::f").body[0]) == "theta = theta - g"
    with pytest.raises(UserError, match=r"mine\.py: no function or class 'h'; defined there: f"):
        find_rule(f"{path}::h")
