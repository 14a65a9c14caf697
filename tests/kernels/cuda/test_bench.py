"""The comparison on a card, as far as it goes without one: the table, and what is said where there is none."""

from __future__ import annotations

import pytest

from derive.errors import UserError
from kernels.cuda import bench
from kernels.cuda.bench import Row, rows


def test_a_time_is_the_median_and_a_share_that_of_the_copy() -> None:
    times = {"kernel": [2e-3, 9.0, 1e-3], "copy": [1e-3, 1e-3, 5e-3]}
    found = rows(times, {"torch fused": "no card"}, {"kernel": 5_600_000, "copy": 3_000_000})
    kernel, copy, skipped = found
    assert kernel.seconds == 2e-3
    assert kernel.bytes_per_second == pytest.approx(2.8e9)
    assert kernel.share_of_copy == pytest.approx(2.8 / 3)
    assert copy.share_of_copy == 1
    assert skipped == Row("torch fused", skipped="no card")
    assert str(kernel).split() == ["kernel", "2.0000", "2.8", "93.3%"]
    assert str(skipped) == "torch fused     skipped: no card"


def test_without_a_copy_there_is_no_share() -> None:
    [row] = rows({"kernel": [1.0]}, {}, {"kernel": 10})
    assert row.share_of_copy is None
    assert "%" not in str(row)


def test_without_a_card_it_says_so_and_ends(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def none() -> None:
        raise UserError("no CUDA card", where="kernels.cuda", fix="take one")

    monkeypatch.setattr(bench, "machine", none)
    assert bench.main(["--rule", "adam", "--size", "8"]) == 2
    assert capsys.readouterr().err == "kernels.cuda: no CUDA card; take one\n"
    assert bench.main(["--rule", "adamm"]) == 2
    assert "adamm" in capsys.readouterr().err
