"""The table of layers, losses and functions: each row is held against PyTorch."""

from importlib import import_module
from pkgutil import iter_modules

from tests.nn.cases.table import CASES, MODULES, Case

for module in iter_modules(__path__, prefix=f"{__name__}."):
    import_module(module.name)

__all__ = ["CASES", "MODULES", "Case"]
