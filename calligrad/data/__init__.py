"""Data: sets that come with calligrad, and later what brings them to a model."""

from calligrad.data.datasets import load

__all__ = ["load"]
