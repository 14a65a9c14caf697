"""Lists of tensors: the bits of one tensor at a time, everything refused before anything is stored, nothing left."""

from __future__ import annotations

import gc
import os
import signal
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derive.errors import UserError
from kernels import compile
from kernels.checks import ENOUGH_FOR_THREADS
from kernels.measuring.oracle import same_bits
from kernels.running import many, pool, tables
from kernels.running.kernel import Kernel

SHAPES = [(), (3,), (0, 4), (2, 3), (4096,), (4097,), (0,), (70, 1000), (1,)]
LARGE = [*SHAPES, (ENOUGH_FOR_THREADS + 11,), (5,)]


def made(kernel: Kernel, shapes: list[Any], seed: int = 1) -> list[list[Any]]:
    """A list of arrays for each argument of the step, in its order; those of the state are not negative."""
    random = np.random.Generator(np.random.PCG64(seed))
    return [
        [np.array(np.abs(a) if name in kernel.rule.state_names else a, kernel.dtype)
         for a in (random.standard_normal(s) for s in shapes)]
        for name in kernel.stepping.arrays
    ]  # fmt: skip


def copied(rows: list[list[Any]]) -> list[list[Any]]:
    return [[a.copy() for a in row] for row in rows]


def state_of(kernel: Kernel, rows: list[list[Any]]) -> dict[str, list[Any]]:
    return dict(zip(kernel.rule.state_names, rows[2:], strict=True))


def one_by_one(kernel: Kernel, rows: list[list[Any]], t: int = 3) -> None:
    for k in range(len(rows[0])):
        kernel.step(rows[0][k], rows[1][k], {n: r[k] for n, r in state_of(kernel, rows).items()}, t=t)


def same(a: list[list[Any]], b: list[list[Any]]) -> bool:
    return all(same_bits(x, y) for r, s in zip(a, b, strict=True) for x, y in zip(r, s, strict=True))


@pytest.mark.parametrize("shapes", [SHAPES, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("name", ["adam", "momentum", "ewma_debiased", "lamb"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_list_is_stepped_as_its_tensors_one_by_one(name: str, dtype: str, shapes: list[Any]) -> None:
    kernel = compile(name, dtype)
    rows = made(kernel, shapes)
    expected = copied(rows)
    one_by_one(kernel, expected)
    kernel.step(rows[0], tuple(rows[1]), state_of(kernel, rows), t=3)
    assert same(rows, expected)


def test_a_rule_may_use_the_names_of_the_loop() -> None:
    from derive.reading.read import read_text

    text = """
def cell(theta, g, t, k=0, table=0, *, chunk=nonnegative(0.5), size=decay(0.9), starts=nonnegative(0.1)):
    k = size * k + starts * g
    table = table + norm(k) * k
    theta = theta - chunk * table / (t + norm(g))
    return theta, k, table
"""
    kernel = compile(read_text(text, "cell"))
    rows = made(kernel, LARGE)
    expected = copied(rows)
    one_by_one(kernel, expected)
    kernel.step(rows[0], rows[1], state_of(kernel, rows), t=3)
    assert same(rows, expected)


def test_a_hyperparameter_is_not_called_like_an_argument() -> None:
    from derive.reading.read import read_text

    text = "def some(theta, g, *, guard=nonnegative(0.5)):\n    theta = theta - guard * g\n    return theta\n"
    with pytest.raises(UserError, match="the hyperparameter 'guard' has the name of an argument"):
        compile(read_text(text, "some"))


def test_the_point_of_the_gradient_of_every_tensor() -> None:
    kernel = compile("nesterov")
    rows = made(kernel, SHAPES)
    out = [np.empty_like(a) for a in rows[0]]
    kernel.query(rows[0], state_of(kernel, rows), out, t=1)
    for k, theta in enumerate(rows[0]):
        alone = np.empty_like(theta)
        kernel.query(theta, {"v": rows[2][k]}, alone, t=1)
        assert same_bits(out[k], alone)


@settings(max_examples=25)
@given(
    sizes=st.lists(st.integers(0, 40), max_size=8),
    chunk=st.integers(1, 50),
    crew=st.integers(1, 5),
    name=st.sampled_from(["adam", "lamb"]),
)
def test_no_number_of_threads_no_chunk_and_no_grouping_changes_a_bit(
    sizes: list[int], chunk: int, crew: int, name: str
) -> None:
    kernel = compile(name)
    rows = made(kernel, [(n,) for n in sizes])
    expected = copied(rows)
    one_by_one(kernel, expected)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(many, "ENOUGH_FOR_THREADS", -1)
        patch.setattr(many, "CHUNK", chunk)
        patch.setattr(many, "BLOCKS", 1)
        patch.setattr(many, "crew", lambda: crew)
        patch.setattr(many, "share", lambda work, done: concurrently(work, done, crew))
        kernel.step(rows[0], rows[1], state_of(kernel, rows), t=3)
    assert same(rows, expected)


def concurrently(work: Any, done: Any, crew: int) -> None:
    with ThreadPoolExecutor(crew) as several:
        for future in [several.submit(work, mine) for mine in range(crew)]:
            future.result()
    assert done()


def test_no_alignment_changes_a_bit() -> None:
    kernel = compile("adam")
    rows = made(kernel, [(1003,)])
    expected = copied(rows)
    one_by_one(kernel, expected)
    for offset in (1, 3, 8):
        shifted = [[np.concatenate([np.zeros(offset, np.float32), r[0]])[offset:]] for r in rows]
        kernel.step(shifted[0], shifted[1], state_of(kernel, shifted), t=3)
        assert same(shifted, expected)


def edited(rows: list[list[Any]], row: int, k: int, value: Any) -> list[list[Any]]:
    rows = [list(r) for r in rows]
    rows[row][k] = value
    return rows


def read_only(a: Any) -> Any:
    a = a.copy()
    a.flags.writeable = False
    return a


REFUSALS: list[tuple[str, Any, dict[str, Any], str]] = [
    ("a gradient too few", lambda r: [r[0], r[1][:-1], *r[2:]], {}, "g has 8 arrays, theta 9; give one for each"),
    ("one gradient for all", lambda r: [r[0], r[1][3], *r[2:]], {}, "g must be a list of arrays like theta, not"),
    ("no buffer", lambda r: [*r[:3], r[3][:0]], {}, 'state["v"] has 0 arrays, theta 9'),
    ("another type", lambda r: edited(r, 1, 3, r[1][3].astype("f8")), {}, "g[3] is float64, the kernel float32"),
    ("foreign order", lambda r: edited(r, 1, 3, r[1][3].astype(">f4")), {}, "g[3] is >f4, the kernel float32"),
    ("whole numbers", lambda r: edited(r, 0, 4, np.ones(4096, "i4")), {}, "theta[4] is int32, the kernel float32"),
    ("another shape", lambda r: edited(r, 1, 3, r[1][3].reshape(3, 2).copy()), {},
     "g[3] has shape (3, 2), theta[3] (2, 3); give g[3] the shape of theta[3]"),
    ("more dimensions", lambda r: edited(r, 1, 4, r[1][4].reshape(1, -1).copy()), {}, "g[4] has shape (1, 4096)"),
    ("transposed", lambda r: edited(r, 1, 3, np.asfortranarray(r[1][3])), {}, "g[3] is not C-contiguous"),
    ("read-only buffer", lambda r: edited(r, 2, 3, read_only(r[2][3])), {},
     'm[3] is read-only, but the step stores into it; state["m"][3] = state["m"][3].copy() before the step'),
    ("a number", lambda r: edited(r, 1, 3, 1.0), {}, "g[3] must be a plain NumPy array, not 1.0 (float)"),
    ("a mask", lambda r: edited(r, 0, 3, np.ma.masked_array(r[0][3])), {}, "theta[3] must be a plain NumPy array"),
    ("one tensor twice", lambda r: edited(r, 0, 8, r[0][1][:1]), {},
     "adam: theta[1] and theta[8] share memory; theta[8] = theta[8].copy() before the step"),
    ("one buffer twice", lambda r: edited(r, 3, 3, r[2][3]), {},
     'adam: m[3] and v[3] share memory; state["v"][3] = state["v"][3].copy() before the step'),
    ("another's gradient", lambda r: edited(r, 1, 4, r[0][5][1:]), {},
     "adam: theta[5] and g[4] share memory; use g[4].copy()"),
    ("t = 0", lambda r: r, {"t": 0}, "adam: t must be at least 1"),
    ("t = 1.5", lambda r: r, {"t": 1.5}, "t must be a whole number"),
    ("t too large", lambda r: r, {"t": 2**70}, "t is beyond 2**63"),
    ("lr", lambda r: r, {"lr": -1.0}, "adam: lr must be a finite number in [0, ∞)"),
]  # fmt: skip


@pytest.mark.parametrize("known", [True, False], ids=["read", "by attributes"])
@pytest.mark.parametrize(("name", "change", "scalars", "message"), REFUSALS, ids=[r[0] for r in REFUSALS])
def test_bad_lists_are_one_line_and_nothing_is_stored(
    name: str, change: Any, scalars: Any, message: str, known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "_layout_is_known", lambda: known)
    kernel = compile("adam")
    rows = made(kernel, SHAPES)
    before, given_rows = copied(rows), change(rows)
    with pytest.raises(UserError) as refused:
        kernel.step(given_rows[0], given_rows[1], state_of(kernel, given_rows), **{"t": 1, **scalars})
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)
    assert same(rows, before)


def test_the_layout_of_arrays_is_known_here() -> None:
    assert tables._layout_is_known()


def test_pickled_dtypes_and_memory_maps_are_welcome(tmp_path: Any) -> None:
    import pickle

    kernel = compile("adam")
    rows = made(kernel, SHAPES)
    expected = copied(rows)
    one_by_one(kernel, expected)
    rows[1] = pickle.loads(pickle.dumps(rows[1]))
    rows[0][3].tofile(tmp_path / "theta")
    rows[0][3] = np.memmap(tmp_path / "theta", np.float32, "r+", shape=(2, 3))
    kernel.step(rows[0], rows[1], state_of(kernel, rows), t=3)
    assert same(rows, expected)


def test_gradients_may_share_memory_and_neighbours_may_touch() -> None:
    kernel = compile("adam")
    buffer = np.ones(40, np.float32)
    rows = [[buffer[k : k + 5], buffer[k + 5 : k + 10]] for k in (0, 10, 20)]
    one = np.ones(5, np.float32)
    kernel.step(rows[0], [one, one], {"m": rows[1], "v": rows[2]}, t=1)
    assert not np.array_equal(buffer[:10], np.ones(10))
    assert np.array_equal(buffer[30:], np.ones(10))
    with pytest.raises(UserError, match=r"theta\[1\] and m\[0\] share memory"):
        kernel.step(rows[0], [one, one], {"m": [buffer[9:14], buffer[15:20]], "v": rows[2]}, t=1)


def test_other_arrays_at_every_step() -> None:
    """The order of the addresses is that of another list; what was right before does not count."""
    kernel = compile("adam")
    for seed in range(5):
        rows = made(kernel, [(k % 7,) for k in range(60)], seed)
        expected = copied(rows)
        one_by_one(kernel, expected)
        rows = [r[::-1] for r in rows] if seed % 2 else rows
        kernel.step(rows[0], rows[1], state_of(kernel, rows), t=3)
        assert same([r[::-1] for r in rows] if seed % 2 else rows, expected)
        with pytest.raises(UserError, match="share memory"):
            kernel.step(rows[0], rows[0], state_of(kernel, rows), t=3)


def overlapping(arrays: list[Any], made_tables: tables.Tables, stored: list[bool]) -> tuple[int, ...]:
    """The places that the survey names; none where nothing stored overlaps."""
    made_tables.addresses.reshape(-1)[:] = [a.ctypes.data for a in arrays]
    try:
        like = tables.examples([np.zeros(1, a.dtype) for a, _ in zip(arrays, stored, strict=False)], np.array(stored))
        tables.survey_addresses(made_tables, like)
    except tables.Overlap as overlap:
        return overlap.places
    return ()


@given(st.integers(0, 6), st.lists(st.tuples(st.integers(0, 60), st.booleans()), min_size=1, max_size=7))
def test_overlaps_of_arguments_are_found_as_by_pairs(size: int, spans: list[tuple[int, bool]]) -> None:
    buffer, stored = np.zeros(80, np.float32), [s for _, s in spans]
    arrays = [buffer[a : a + size] for a, _ in spans]
    pairs = [(i, j) for j, b in enumerate(arrays) for i, a in enumerate(arrays[:j])
             if np.shares_memory(a, b) and (stored[i] or stored[j])]  # fmt: skip
    made_tables = tables.tables(len(spans), 1)
    made_tables.starts[1] = size
    found = overlapping(arrays, made_tables, stored)
    assert found in pairs if pairs else found == ()


@given(st.integers(0, 6), st.lists(st.tuples(st.integers(0, 30), st.sampled_from("ef"), st.booleans()), min_size=1))
def test_overlaps_of_arguments_of_two_sizes_are_found(size: int, spans: list[tuple[int, str, bool]]) -> None:
    """Elements of two bytes beside those of four."""
    buffer, stored = np.zeros(200, np.uint8), [s for *_, s in spans]
    arrays = [np.frombuffer(buffer, kind, size, 4 * a) for a, kind, _ in spans]
    made_tables = tables.tables(len(spans), 1)
    made_tables.starts[1] = size
    pairs = [(i, j) for j, b in enumerate(arrays) for i, a in enumerate(arrays[:j])
             if np.shares_memory(a, b) and (stored[i] or stored[j])]  # fmt: skip
    found = overlapping(arrays, made_tables, stored)
    assert found in pairs if pairs else found == ()


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 8)), min_size=1, max_size=7))
def test_overlaps_of_tensors_are_found_as_by_pairs(spans: list[tuple[int, int]]) -> None:
    buffer = np.zeros(80, np.float32)
    arrays = [buffer[a : a + n] for a, n in spans]
    pairs = [(i, j) for j, b in enumerate(arrays) for i, a in enumerate(arrays[:j]) if np.shares_memory(a, b)]
    made_tables = tables.tables(1, len(spans))
    made_tables.starts[1:] = np.cumsum([n for _, n in spans])
    found = overlapping(arrays, made_tables, [True])
    assert found in pairs if pairs else found == ()


def test_addresses_are_stepped_like_arrays() -> None:
    kernel = compile("adam")
    rows = made(kernel, LARGE)
    expected = copied(rows)
    one_by_one(kernel, expected)
    addresses = [[a.ctypes.data for a in row] for row in rows]
    sizes = [a.size for a in rows[0]]
    kernel.step_addresses(addresses, sizes, t=3)
    assert same(rows, expected)
    for wrong, message in [
        ((addresses[:3], sizes), "the addresses and sizes do not fit each other"),
        ((addresses, sizes[1:]), "the addresses and sizes do not fit each other"),
        ((addresses, [-1, *sizes[1:]]), "the addresses and sizes do not fit each other"),
        (([[a + 1 for a in row] for row in addresses], sizes), r"theta\[0\] is not aligned in memory"),
        (([addresses[0], addresses[0], *addresses[2:]], sizes), "share memory"),
    ]:
        with pytest.raises(UserError, match=message):
            kernel.step_addresses(*wrong, t=3)
    assert same(rows, expected)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shapes", [SHAPES, LARGE], ids=["small", "large"])
def test_the_guard_skips_the_whole_step(dtype: str, shapes: list[Any]) -> None:
    kernel = compile("adam", dtype)
    rows = made(kernel, shapes)
    before = copied(rows)
    for k, value in [(0, np.inf), (3, -np.inf), (7, np.nan), (len(shapes) - 1, -np.nan)]:
        spoilt = edited(copied(rows), 1, k, rows[1][k].copy())
        spoilt[1][k].reshape(-1)[-1] = value
        kept = copied(spoilt)
        assert kernel.step(spoilt[0], spoilt[1], state_of(kernel, spoilt), t=3, guard=True) is False
        assert same(spoilt, kept)
    rows[1][3][:] = np.finfo(dtype).max
    before[1][3][:] = np.finfo(dtype).max
    with np.errstate(all="ignore"):
        one_by_one(kernel, before)
    assert kernel.step(rows[0], rows[1], state_of(kernel, rows), t=3, guard=True)
    assert same(rows, before)


def test_the_guard_of_one_tensor_comes_after_the_checks() -> None:
    kernel = compile("adam")
    theta, g = np.ones(5, np.float32), np.full(5, np.inf, np.float32)
    state = kernel.init(theta)
    assert kernel.step(theta, g, state, t=1, guard=True) is False
    assert np.array_equal(theta, np.ones(5))
    with pytest.raises(UserError, match="lr must be"):
        kernel.step(theta, g, state, t=1, lr=-1.0, guard=True)
    with pytest.raises(UserError, match="g has shape"):
        kernel.step(theta, g[:4].copy(), state, t=1, guard=True)
    with pytest.raises(UserError, match="theta and g share memory"):
        kernel.step(theta, theta, state, t=1, guard=True)
    kernel.step(theta, g, state, t=1)
    assert np.isnan(theta).all()  # without it, what the rule says: inf / inf


def test_the_state_of_a_list() -> None:
    kernel = compile("adam")
    theta = [np.ones((2, 3), np.float32), np.ones(4, np.float32)]
    state = kernel.init(theta)
    assert [a.shape for a in state["m"]] == [(2, 3), (4,)]
    with pytest.raises(UserError, match=r"theta\[1\] is float64"):
        kernel.init([theta[0], np.ones(3)])
    assert kernel.init([]) == {"m": [], "v": []}
    kernel.step([], [], {"m": [], "v": []}, t=1)


def test_python_threads_may_step_lists_at_once() -> None:
    kernel = compile("lamb")
    expected = made(kernel, LARGE)
    one_by_one(kernel, expected)

    def stepped(_: int) -> bool:
        rows = made(kernel, LARGE)
        kernel.step(rows[0], rows[1], state_of(kernel, rows), t=3)
        return same(rows, expected)

    with ThreadPoolExecutor(4) as several:
        assert all(several.map(stepped, range(6)))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_steps_lists_with_threads_of_its_own() -> None:
    kernel = compile("adam")
    rows, expected = made(kernel, LARGE), made(kernel, LARGE)
    one_by_one(kernel, expected)
    child = os.fork()
    if child == 0:
        kernel.step(rows[0], rows[1], state_of(kernel, rows), t=3)
        os._exit(0 if same(rows, expected) else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def test_ctrl_c_is_raised_when_the_step_is_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whenever it comes: before anything is handed out, between, or while this thread waits."""
    kernel = compile("adam")
    expected = made(kernel, LARGE)
    one_by_one(kernel, expected)
    for place in ("_current", "_wait", "submit"):
        rows, killed = made(kernel, LARGE), list[int]()

        def interrupting(function: Any, killed: list[int] = killed) -> Any:
            def call(*arguments: Any) -> Any:
                result = function(*arguments)
                if not killed:
                    killed.append(1)
                    os.kill(os.getpid(), signal.SIGINT)
                return result

            return call

        with monkeypatch.context() as patch:
            if place == "submit":
                executor = pool._current().executor
                patch.setattr(executor, "submit", interrupting(executor.submit))
            else:
                patch.setattr(pool, place, interrupting(getattr(pool, place)))
            if place == "_wait":  # as if a helper were not done yet, twice
                asked = iter((False, False))

                def sharing(work: Any, done: Any, asked: Any = asked) -> None:
                    pool.share(work, lambda: next(asked, done()))

                patch.setattr(many, "share", sharing)
            if place == "_current":
                with pytest.raises(KeyboardInterrupt):
                    kernel.step(rows[0], rows[1], state_of(kernel, rows), t=3)
                assert same(rows, made(kernel, LARGE))  # nothing had begun
                continue
            with pytest.raises(KeyboardInterrupt) as raised:
                kernel.step(rows[0], rows[1], state_of(kernel, rows), t=3)
        assert raised.value.__notes__ == ["the step that was interrupted is complete"]
        assert same(rows, expected)


@pytest.mark.parametrize("name", ["adam", "lars"])
def test_many_steps_leave_no_memory_behind(name: str) -> None:
    kernel = compile(name)
    rows = made(kernel, [(k % 5,) for k in range(20)])
    state = state_of(kernel, rows)

    def steps(count: int) -> int:
        for t in range(1, count + 1):
            kernel.step(rows[0], rows[1], state, t=t)
            kernel.step(rows[0][1], rows[1][1], {n: r[1] for n, r in state.items()}, t=t)
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        assert steps(10_000 if name == "adam" else 1000) - steps(100) < 2000  # bytes
    finally:
        tracemalloc.stop()


def test_a_step_allocates_nothing_that_grows_with_the_elements() -> None:
    kernel = compile("adam")
    peaks = []
    for n in (1000, ENOUGH_FOR_THREADS * 4):
        rows = made(kernel, [(n,)] * 3)
        kernel.step(rows[0], rows[1], state_of(kernel, rows), t=1)
        tracemalloc.start()
        kernel.step(rows[0], rows[1], state_of(kernel, rows), t=2)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 8000  # bytes: what handing out to threads takes
