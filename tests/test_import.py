"""`import calligrad` brings NumPy and nothing else, and what it says it has, it has."""

import subprocess
import sys

import pytest

import calligrad
from calligrad import nn, ops, optim

LIST_IMPORTED = """
import sys
import numpy
before = set(sys.modules)
import calligrad
print(*sorted({name.split(".")[0] for name in set(sys.modules) - before}))
print(*sorted({name.split(".")[0] for name in sys.modules}))
"""


@pytest.fixture(scope="module")
def imported():
    run = subprocess.run([sys.executable, "-c", LIST_IMPORTED], capture_output=True, text=True, check=True)
    return [set(line.split()) for line in run.stdout.splitlines()]


def test_numpy_is_the_only_third_party_module(imported):
    new, _ = imported
    assert new - set(sys.stdlib_module_names) - {"numpy"} == {"calligrad"}


@pytest.mark.parametrize("name", ["rich", "matplotlib", "scipy", "torch", "numba", "pytest", "hypothesis"])
def test_the_extras_are_not_imported(imported, name):
    assert name not in imported[1]


@pytest.mark.parametrize("name", ["unittest", "doctest", "asyncio", "multiprocessing", "http", "sqlite3"])
def test_heavy_parts_of_the_standard_library_are_not_imported_for_it(imported, name):
    assert name not in imported[0]


@pytest.mark.parametrize("module", [calligrad, nn, nn.functional, ops, optim], ids=lambda module: module.__name__)
def test_every_name_in_all_exists_and_is_there_once(module):
    assert len(set(module.__all__)) == len(module.__all__)
    for name in module.__all__:
        assert hasattr(module, name), name


def test_star_import_gives_all_of_it():
    names = {}
    exec("from calligrad import *", names)
    assert set(calligrad.__all__) <= names.keys()


def test_the_version_is_a_version():
    major, minor, *_ = calligrad.__version__.split(".")
    assert major.isdigit()
    assert minor.isdigit()


def test_everything_public_has_a_docstring():
    for module in (calligrad, nn, nn.functional, optim):
        for name in module.__all__:
            thing = getattr(module, name)
            assert (thing.__doc__ or "").strip(), f"{module.__name__}.{name}"
