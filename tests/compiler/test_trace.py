"""What is traced: views and what is written through them, Python's numbers, refusals. See test_programs.py for more."""

import numpy as np
import pytest

import calligrad
from calligrad.compiler.traced import CaptureError
from calligrad.nests import leaves
from tests.compiler.programs import failures


def three_runs(f, *shapes):
    """Run ``f`` eagerly and compiled, on copies of the same numbers: results and arguments must be the same."""
    compiled = calligrad.compile(f, backend="numpy")
    for seed in range(3):
        rng = np.random.default_rng(seed)
        mine = [rng.normal(size=shape) for shape in shapes]
        theirs = [x.copy() for x in mine]
        expected, got = leaves(f(*mine)), leaves(compiled(*theirs))
        for x, y in zip([*got, *theirs], [*expected, *mine], strict=True):
            assert type(x) is type(y)
            np.testing.assert_array_equal(x, y, strict=True)


# ---------------------------------------------------------------- writes, and who sees them

VIEWS = {
    "a slice": lambda x: x[1:, ::-1],
    "a row": lambda x: x[2],
    "a row by an array": lambda x: x[np.argmax(x[:, 0])],
    "its transpose": lambda x: x.T,
    "all in one row": lambda x: x.reshape(-1),
    "three axes": lambda x: np.moveaxis(x.reshape(2, 2, 3), 0, 2),
    "the diagonal of a view": lambda x: x[:3, :3].reshape(-1)[::4],
    "a part": lambda x: np.split(x, 2)[1],
    "one of its rows": lambda x: list(x)[1],
    "backwards": lambda x: np.flip(x),
    "a view of a view of a view": lambda x: x.T[1:][:, 1:3].T[0],
    "what is no view": lambda x: x[[0, 1]],
}


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_a_write_is_seen_in_every_direction(view):
    def f(x):
        before, other = view(x), view(x)
        total = np.sum(before)
        before += 1
        x[1] *= 2
        other[...] = np.sin(other)
        return x.copy(), before * 2, other - total, view(x)

    three_runs(f, (4, 3))


def test_every_way_to_write():
    def f(x, y):
        mask = x > 0
        x[mask] = 0.5
        x[[0, 2], 1] = y[0, :2]
        np.add.at(x, ([0, 0, 1], 2), y[1])
        np.add(x, y, out=x, where=mask)
        np.copyto(x[1:], y[:-1] * 2, where=mask[1:])
        np.put(x, [0, 5], [7.0, 8.0])
        np.cumsum(y, axis=1, out=x[::-1])
        np.sum([x[0], y[0]], axis=0, out=x[3])
        x.T.sort()
        x.flat[3:5] = y[0, :2]
        np.fill_diagonal(x, y[:, 0])
        quotient, _ = np.divmod(x, 2, out=(y, None))
        return x @ quotient.T, y

    three_runs(f, (4, 3), (4, 3))


def test_parts_of_complex_numbers():
    def f(x):
        z = x + 1j * x[::-1]
        z.real[0] = 3
        np.imag(z)[...] += x
        return z, z.real

    three_runs(f, (4, 3))


def test_windows_that_overlap():
    def f(x):
        windows = np.lib.stride_tricks.sliding_window_view(x, 3, writeable=True)
        windows[1:3, 2] = 5
        windows[0, 1] += x[4]
        return windows * 2

    three_runs(f, (6,))
    with pytest.raises(CaptureError, match=r"test_trace.py:\d+.*one place in memory stands at several places"):
        calligrad.compile(lambda x: np.lib.stride_tricks.sliding_window_view(x, 2, writeable=True).fill(1))(np.ones(3))


def test_what_a_gradient_needs_holds_still():
    def f(x, w):
        def loss(t):
            y = np.sum(t**2 * w)
            w[...] = 0
            return y

        return calligrad.grad(loss)(x)

    three_runs(f, (4,), (4,))


def test_arrays_made_by_plain_numpy_change_between_uses():
    def f(x):
        scratch = np.zeros(3)
        total = 0.0
        for i in range(3):
            scratch[i] = i
            total = total + x * scratch
        return total

    three_runs(f, (2, 3))


# ---------------------------------------------------------------- numbers


def test_python_numbers_stay_weak():
    def f(x, rate):
        x = x.astype(np.float32)
        count = np.count_nonzero(x > 0)
        return (
            x * count,
            x * (count / x.size),
            x * rate**2,
            np.where(x > 0, rate, x),
            np.array_equal(x, x),
            x[0, 0] + count,
        )

    compiled = calligrad.compile(f, backend="numpy")
    for rate in (0.5, 0.25, 2.0):
        x = np.random.default_rng(3).normal(size=(2, 3))
        for y, z in zip(compiled(x, rate), f(x, rate), strict=True):
            assert type(y) is type(z)
            np.testing.assert_array_equal(y, z, strict=not isinstance(z, bool))


def test_numbers_and_arrays_without_axes():
    three_runs(lambda x: (x[0], x[0, ...], x[0] + 1, np.sum(x), x[0:1].reshape(()), x[0].copy(), abs(x[0])), (3,))


# ---------------------------------------------------------------- refusals

REFUSED = {
    "np.nonzero": lambda x: np.nonzero(x),
    "np.unique": lambda x: np.unique(x),
    "depends on the contents": lambda x: x[x > 0],
    "np.where.condition. alone": lambda x: np.where(x > 0),
    "np.repeat with an array as repeats": lambda x: np.repeat(x, x.astype(int)),
    "np.bincount": lambda x: np.bincount(x.astype(int)),
    "bins by a rule": lambda x: np.histogram(x, bins="auto"),
    "array of NumPy's own": lambda x: np.add(x, 1, out=np.zeros(3)),
    "takes as many numbers|depends on the contents": lambda x: x[x > 0] * 2,
    "overwrite_input": lambda x: np.median(x, overwrite_input=True),
    "gives a text": lambda x: np.array2string(x),
    "array.x.": lambda x: np.zeros(3)[x.astype(int)],
    "x as a size": lambda x: np.zeros(x.astype(int)[0]),
    "np.asarray": lambda x: np.asarray(x),
}


@pytest.mark.parametrize("words", REFUSED)
def test_refusals_name_the_line(words):
    x = np.array([1.0, 2.0, 3.0])
    with pytest.raises(CaptureError, match=rf"\(test_trace\.py:\d+\): .*({words})"):
        calligrad.compile(REFUSED[words], backend="numpy")(x)
    assert np.array_equal(x, [1.0, 2.0, 3.0])


def test_a_shape_that_is_another_in_a_later_run_is_an_error():
    f = calligrad.compile(lambda i: np.bincount(i, minlength=4), backend="numpy")
    assert [len(f(np.array(i))) for i in ([1, 2], [0, 3], [3, 3])] == [4, 4, 4]
    with pytest.raises(ValueError, match=r"int64\[6\], and was int64\[4\]") as caught:
        f(np.array([1, 5]))
    assert any("test_trace.py" in note for note in caught.value.__notes__)


def test_errors_of_a_later_run_name_the_line():
    f = calligrad.compile(lambda x: np.linalg.inv(x), backend="numpy")
    for factor in (1.0, 2.0, 3.0):
        f(factor * np.eye(2))
    with pytest.raises(np.linalg.LinAlgError) as caught:
        f(np.zeros((2, 2)))
    assert any("test_trace.py" in note for note in caught.value.__notes__)


# ---------------------------------------------------------------- programs from a seed


def test_random_programs():
    """Two hundred of those that ``python -m tests.compiler.programs`` draws."""
    failed = failures(range(200), "numpy")
    assert not failed


class Averaged:
    """State that is kept as NumPy's numbers."""

    def __init__(self):
        self.mean, self.count = np.float64(0), np.int64(0)

    def __call__(self, x):
        self.count = self.count + 1
        self.mean = self.mean + (np.sum(x) - self.mean) / self.count
        return self.mean


class Holder:
    value = None


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_a_number_of_numpys_comes_back_as_one(backend):
    if backend == "numba":
        pytest.importorskip("numba")
    held = Holder()
    f = calligrad.compile(lambda x: held.value, backend=backend)
    for i in range(6):
        held.value = np.int32(i)
        assert f(np.ones(2)) == i
        assert type(f(np.ones(2))) is np.int32
    g = calligrad.compile(lambda x: x, backend=backend)
    assert {type(g(np.float32(3))) for _ in range(4)} == {np.float32}


def test_what_no_number_of_the_program_can_be_is_captured_anew_or_says_why():
    held = Holder()

    def f(x):
        held.value = x.size + held.value
        return x.sum() * float(held.value)

    held.value = np.float64(1)
    step = calligrad.compile(f)
    assert [step(np.ones(3)) for _ in range(4)] == [12, 21, 30, 39]
    held.value = 1.0
    with pytest.raises(CaptureError, match="goes from 1") as caught:
        calligrad.compile(f)(np.ones(3))
    assert "float(x) of a number that changes" in str(caught.value.__cause__)


def test_numbers_of_numpys_that_change_are_arrays():
    eager, kept = Averaged(), Averaged()
    step = calligrad.compile(kept, backend="numpy")
    for i in range(12):
        x = np.full(3, i, float)
        assert step(x) == eager(x)
        assert (kept.mean, kept.count) == (eager.mean, eager.count)
        assert type(kept.mean) is np.float64
    assert len(step.runs) <= 2
