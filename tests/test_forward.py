"""On a Value a function does what NumPy does on the array: value, shape, dtype and kind of error.

The functions are those of the table of cases, called as the cases call them, on whatever arrays hypothesis
comes up with: of any dtype, any shape, with NaN and infinities, that suit the function or not.
"""

import warnings

import numpy as np
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from calligrad import Value
from calligrad.nests import leaves
from tests.cases import CASES

NUMPYS = [case for case in CASES.values() if case.covers.startswith(("np.", "x.", "operator", "getitem"))]
DTYPES = st.sampled_from(["f8", "f8", "f8", "f4", "f2", "c16", "c8", "i8", "i4", "u1", "?"])


def numbers(dtype: np.dtype) -> st.SearchStrategy:
    """Numbers of either sign, large and small, that NumPy's own tests would also try."""
    if dtype.kind == "f":
        return st.sampled_from([0.0, -0.0, 1.0, -1.0, 0.5, 2.0, -3.25, 1e-3, 300.0, np.inf, -np.inf, np.nan])
    if dtype.kind == "c":
        return st.sampled_from([0j, 1 + 0j, 1j, -2 + 0.5j, 3 - 4j, 1e-3 + 1j, complex(np.nan, 1), complex(np.inf, 0)])
    if dtype.kind == "b":
        return st.booleans()
    return st.integers(0 if dtype.kind == "u" else -5, 9)


@st.composite
def arrays(draw, count: int) -> list[np.ndarray]:
    """As many arrays, most often of shapes that broadcast."""
    shapes = draw(
        st.one_of(
            hnp.mutually_broadcastable_shapes(num_shapes=count, max_dims=3, min_side=0, max_side=4).map(
                lambda found: list(found.input_shapes)
            ),
            st.lists(hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4), min_size=count, max_size=count),
        )
    )
    dtypes = [np.dtype(draw(DTYPES)) for _ in shapes]
    return [draw(hnp.arrays(dtype, shape, elements=numbers(dtype))) for dtype, shape in zip(dtypes, shapes)]


def outcome(f, xs):
    """The results in a list, or the error."""
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return leaves(f(*xs))
    except Exception as error:
        return error


def is_exempt(case, xs) -> bool:
    """Where NumPy itself gives what lay in memory, or a Value deliberately does more than an array."""
    uses_lapack = any(word in case.name for word in ("linalg", "polyfit", "roots"))
    return (
        (uses_lapack and not all(np.all(np.isfinite(x)) for x in xs))  # LAPACK may never come back
        or ("fft" in case.name and any(0 in x.shape for x in xs))
        or ("einsum ii" in case.name and 0 in xs[0].shape)  # an empty diagonal of length 3
        or (case.name == "np.nan_to_num copy=False" and xs[0].ndim == 0)
        or (case.name == "np.fromiter" and xs[0].ndim > 1)  # which the oldest NumPy takes for numbers
        or case.name.startswith("operator +=")  # rebinds, so it may change the dtype
        or (case.name.startswith("np.poly") and any(x.ndim != 1 for x in xs))  # NumPy stumbles, or not
        or (case.name == "np.piecewise of numbers" and xs[0].dtype.kind == "u")  # -1 as an unsigned number
    )


REFUSALS = "would lose its gradient", "takes each axis once"  # which NumPy does not have


def assert_same_outcome(case, xs) -> None:
    if is_exempt(case, xs):
        return
    expected = outcome(case.f, [x.copy() for x in xs])
    got = outcome(case.f, [Value(x) for x in xs])
    note(f"{case.name}\nof {[(x.dtype.str, x.shape, x.tolist()) for x in xs]}\nNumPy: {expected!r}\ncalligrad: {got!r}")
    if isinstance(got, Exception) and any(words in str(got) for words in REFUSALS):
        return
    if isinstance(expected, Exception):
        assert isinstance(got, Exception)
        assert isinstance(got, type(expected)) or isinstance(expected, type(got))
        return
    assert not isinstance(got, Exception)
    assert len(got) == len(expected)
    for a, b in zip(got, expected, strict=True):
        a = a.data if isinstance(a, Value) else a
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b), strict=True)


@settings(max_examples=1500, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_a_function_of_values_is_numpys(data):
    case = data.draw(st.sampled_from(NUMPYS))
    assert_same_outcome(case, data.draw(arrays(len(case.draws))))
