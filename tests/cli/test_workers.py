"""Work in processes of their own: values come back, failures are told apart, limits hold."""

from __future__ import annotations

import heapq
import operator
import os
import time
from pathlib import Path

import pytest

from derive.cli.workers import Defect, LimitExceeded, Task, in_worker, parts_from_worker, run_tasks
from derive.errors import UserError


def test_the_value_comes_back() -> None:
    assert in_worker(operator.add, 2, 3) == 5


def test_a_user_error_keeps_its_parts() -> None:
    from derive.library.lookup import find_rule

    with pytest.raises(UserError) as caught:
        in_worker(find_rule, "adm")
    assert caught.value.what == "no rule 'adm'"
    assert "adam" in caught.value.fix


def test_any_other_exception_is_a_defect_with_its_traceback() -> None:
    with pytest.raises(Defect, match=r"ZeroDivisionError: division by zero(.|\n)*Traceback"):
        in_worker(operator.truediv, 1, 0)


def test_a_task_that_takes_too_long_is_ended() -> None:
    started = time.monotonic()
    with pytest.raises(LimitExceeded, match="longer than 1 s"):
        in_worker(time.sleep, 60, seconds=1)
    assert time.monotonic() - started < 20


def test_parts_come_as_they_are_made_and_a_limit_keeps_them() -> None:
    assert parts_from_worker(heapq.merge, [1, 3], [2], seconds=60) == ([1, 2, 3], False)
    parts, ended = parts_from_worker(heapq.merge, range(1 << 40), seconds=2)
    assert (parts[:3], ended) == ([0, 1, 2], True)
    with pytest.raises(Defect, match="TypeError"):
        parts_from_worker(heapq.merge, [1, "a"], [2], seconds=60)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="only Linux enforces the limit on memory")
def test_a_task_that_needs_too_much_memory_is_ended() -> None:
    with pytest.raises(LimitExceeded, match="memory"):
        in_worker(bytearray, 1 << 40)


def test_a_process_that_dies_is_a_defect_and_not_a_hang() -> None:
    with pytest.raises(Defect, match="ended unexpectedly"):
        in_worker(os._exit, 3)


def test_one_failure_does_not_stop_the_tasks_after_it() -> None:
    tasks: list[Task] = [
        (os.abort, ()),
        (operator.truediv, (1, 0)),
        (operator.add, (1, 1)),
        (time.sleep, (60,)),
        (abs, (-3,)),
    ]
    outcomes = {outcome.index: outcome for outcome in run_tasks(tasks, processes=2, seconds=3)}
    assert [outcomes[i].value for i in range(5)] == [None, None, 2, None, 3]
    assert [type(outcomes[i].error) for i in range(5)] == [Defect, Defect, type(None), LimitExceeded, type(None)]


def test_the_start_of_each_task_is_told() -> None:
    started: list[int] = []
    list(run_tasks([(operator.add, (1, 2)), (operator.add, (3, 4))], processes=1, on_start=started.append))
    assert started == [0, 1]
