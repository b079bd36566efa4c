"""docs/coverage.md says what is so, for the NumPy that runs the tests."""

import re

import numpy as np
import pytest

from benchmarks.coverage import PAGE, numpy_version, page, public, rows
from calligrad import Value

ROW = re.compile(r"^\| `([^`]+)` \| (\w[\w ]*?)(?:[,:] [^|]*)? \|", re.MULTILINE)


@pytest.fixture(scope="module")
def written() -> str:
    return PAGE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def now() -> dict[str, str]:
    return {name: kind for name, kind, _, _ in rows()}


def test_no_function_of_numpy_is_missing(now):
    missing = [name for name, kind in now.items() if kind == "missing"]
    assert missing == [], "neither differentiable nor a constant, nor refused with a reason"


def test_every_differentiable_function_has_a_case():
    assert [name for name, kind, _, cases in rows() if kind == "differentiable" and not cases] == []


def test_the_page_has_every_function_with_its_kind(written, now):
    on_page = dict(ROW.findall(written))
    on_page |= dict.fromkeys(re.findall(r"`(np\.[\w.]+)`", written.rpartition("## ")[2]), "no array")
    same = f"NumPy {numpy_version()}," in written  # another NumPy has other functions as well
    wrong = {name: kind for name, kind in now.items() if on_page.get(name, "" if same else kind) != kind}
    assert wrong == {}, "run make coverage"


def test_the_page_has_no_function_that_numpy_lacks(written, now):
    """Of another NumPy's functions it may."""
    named = {name for name in dict(ROW.findall(written)) if name not in now}
    assert [name for name in named if name in public()] == []


def test_the_page_is_what_would_be_written_today(written):
    if f"NumPy {numpy_version()}," not in written:
        pytest.skip("the page was written with another NumPy")
    assert written == page(), "run python -m benchmarks.coverage"


@pytest.mark.filterwarnings("ignore:the matrix subclass")
@pytest.mark.parametrize("name", [name for name, kind, _, _ in rows() if kind == "refused"])
def test_what_is_refused_raises(name):
    """With as many Values as it takes; nothing comes out of it in silence."""
    f = public()[name]
    for count in (1, 2, 3, 4):
        values = [Value(np.ones((2, 2))) for _ in range(count)]
        with pytest.raises((TypeError, NotImplementedError, ValueError, AttributeError)):
            f(values) if name == "np.bmat" else f(*values)


def test_numpys_own_lists_are_whole(now):
    """The functions and ufuncs that NumPy itself counts as overridable."""
    from numpy.testing.overrides import get_overridable_numpy_array_functions, get_overridable_numpy_ufuncs

    functions = {f.__name__ for f in get_overridable_numpy_array_functions() if not f.__name__.startswith("_")}
    ufuncs = {f.__name__ for f in get_overridable_numpy_ufuncs()}
    known = {name.rpartition(".")[2].removeprefix("ufunc ") for name in now}
    synonyms = {"amax", "amin"} if np.max is np.amax else set()
    assert functions - known - synonyms == set()
    assert ufuncs - known - {"absolute", "conjugate"} - synonyms == set()
