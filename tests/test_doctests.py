"""Every example in a docstring runs and gives what it says."""

import doctest
import importlib
import importlib.util
import pkgutil

import pytest

import calligrad

NEEDED = {
    "calligrad.kernels.": "numba",
    "calligrad.compiler.backends.numba": "numba",
    "calligrad.compiler.backends.cupy": "cupy",
}


def can_be_imported(name: str) -> bool:
    return all(importlib.util.find_spec(package) for start, package in NEEDED.items() if name.startswith(start))


MODULES = ["calligrad"] + [
    module.name
    for module in pkgutil.walk_packages(calligrad.__path__, "calligrad.")
    if not module.name.endswith("__main__") and can_be_imported(module.name)
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    module = importlib.import_module(name)
    result = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    assert result.failed == 0


def test_examples_are_found():
    finder = doctest.DocTestFinder()
    examples = sum(len(test.examples) for name in MODULES for test in finder.find(importlib.import_module(name)))
    assert examples > 50
