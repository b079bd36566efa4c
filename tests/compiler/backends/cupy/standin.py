"""A stand-in for CuPy where no GPU is: its arrays lie on the host, but refuse what CuPy's refuse.

They do not mix with NumPy's arrays, nor turn into such by themselves. Kernels are run by ``emulated``. While a stream
captures, nothing is written into arrays that are there, and what would wait for the GPU raises.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.machinery
import re
import types

import numpy as np

from tests.compiler.backends.cupy.emulated import compiled, launch

_UNKNOWN = frozenset(
    ("insert", "unstack", "block", "einsum_path", "vecdot", "matvec", "vecmat", "spacing", "geomspace")
)
_PRODUCTS = frozenset((np.matmul, np.einsum, np.dot, np.tensordot))


class Device:
    """What the stand-in knows of the GPU: the capture that is going on, and how often what was done."""

    def __init__(self):
        self.recorded = None
        self.counts = dict.fromkeys(("upload", "download", "kernel", "function", "graph"), 0)
        self.failing = frozenset()  # names of functions that this CuPy does not have

    def wait(self, what):
        if self.recorded is not None:
            raise RuntimeError(f"{what} is not allowed in a capture")

    def write(self, work):
        """Do what changes an array that is there already, or note it for the graph."""
        if self.recorded is None:
            work()
        else:
            self.recorded.append(work)


class Pointer:
    """An address in memory."""

    def __init__(self, memory, offset=0):
        self.memory, self.offset = memory, offset

    def __add__(self, offset):
        return Pointer(self.memory, self.offset + offset)


def _memory(nbytes):
    return np.full(max(nbytes, 1), 0xFF, np.uint8)  # NaN, for those that read what nobody wrote


def made(device):
    """The module."""

    class ndarray(np.lib.mixins.NDArrayOperatorsMixin):
        def __init__(self, shape, dtype=float, memptr=None, strides=None):
            dtype = np.dtype(dtype)
            memptr = memptr or Pointer(_memory(int(np.prod(shape)) * dtype.itemsize))
            self.x = np.ndarray(shape, dtype, memptr.memory, memptr.offset, strides)
            self.data, self.base = memptr, None

        shape, dtype, strides, ndim, size, nbytes, flags = (
            property(lambda self, name=name: getattr(self.x, name))
            for name in ("shape", "dtype", "strides", "ndim", "size", "nbytes", "flags")
        )

        def part(name):
            def put(self, value):
                number = plain(value)
                device.write(lambda: setattr(self.x, name, number))

            return property(lambda self: called(lambda x: getattr(x, name), (self,), {}), put)

        real, imag = part("real"), part("imag")

        def __array__(self, *args, **kwargs):
            raise TypeError("Implicit conversion to a NumPy array is not allowed")

        def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
            if method != "__call__":
                return NotImplemented
            return called(ufunc, inputs, kwargs)

        def __array_function__(self, func, kinds, args, kwargs):
            if func.__name__ in _UNKNOWN | device.failing or (func is np.take and len(args) > 4):
                return NotImplemented
            return called(func, args, kwargs)

        def __getitem__(self, key):
            return called(lambda x, key: x[key], (self, key), {})

        def __setitem__(self, key, value):
            inner, number = plain(key), plain(value)
            device.write(lambda: self.x.__setitem__(inner, number))

        def __getattr__(self, name):
            method = getattr(np.ndarray, name)
            if not callable(method):
                return called(lambda x: getattr(x, name), (self,), {})
            return lambda *args, **kwargs: called(method, (self, *args), kwargs)

        def __len__(self):
            return len(self.x)

        def __bool__(self):
            device.wait("reading a number")
            return bool(self.x)

        def get(self, out=None, blocking=True):
            device.wait("a copy to the host")
            device.counts["download"] += 1
            if out is None:
                return np.array(self.x, order="C")
            assert out.flags.c_contiguous
            out[...] = self.x
            return out

        def set(self, x):
            device.wait("a copy from the host")
            device.counts["upload"] += 1
            assert x.shape == self.shape
            assert x.flags.c_contiguous
            assert self.x.flags.c_contiguous
            self.x[...] = x

    def plain(nest):
        if isinstance(nest, ndarray):
            return nest.x
        if isinstance(nest, np.ndarray):
            raise TypeError("Unsupported type <class 'numpy.ndarray'>")
        if isinstance(nest, (tuple, list)):
            return type(nest)(map(plain, nest))
        if isinstance(nest, dict):
            return {key: plain(x) for key, x in nest.items()}
        return nest

    def called(f, args, kwargs):
        if device.recorded is not None and f in _PRODUCTS:
            raise NotImplementedError("calling cuBLAS API during stream capture is currently unsupported")
        device.counts["function"] += 1
        inner, settings = plain(args), plain(kwargs)
        if "out" in kwargs:
            device.write(lambda: f(*inner, **settings))
            return kwargs["out"][0]
        given = [x for x in inner if isinstance(x, np.ndarray)]
        result = f(*inner, **settings)

        def wrapped(x):
            if isinstance(x, (tuple, list)):
                return type(x)(map(wrapped, x))
            if not isinstance(x, (np.ndarray, np.generic)):
                return x
            y = ndarray.__new__(ndarray)
            y.x = np.asarray(x)
            y.base = next((a for a in args if isinstance(a, ndarray) and np.may_share_memory(a.x, y.x)), None)
            return y

        results = wrapped(result)
        row = results if isinstance(results, (tuple, list)) else (results,)
        row = [y for y in row if isinstance(y, ndarray)]
        if device.recorded is not None and not any(np.may_share_memory(y.x, x) for y in row for x in given):

            def again():
                new = f(*inner, **settings)
                for y, x in zip(row, new if isinstance(new, (tuple, list)) else (new,)):
                    y.x[...] = x

            device.recorded.append(again)
        return results

    class RawModule:
        def __init__(self, code, options=()):
            names = sorted(set(re.findall(r"__launch_bounds__\(\d+\) (\w+)\(", code)))
            self.library = compiled(code, names)

        def get_function(self, name):
            def run(grid, block, args):
                device.counts["kernel"] += 1
                addresses = [x.x.ctypes.data for x in args]
                device.write(lambda args=args: launch(self.library, name, grid, block[0], addresses))

            return run

    class Graph:
        def __init__(self, recorded):
            self.recorded = recorded

        def launch(self, stream=None):
            device.counts["graph"] += 1
            for work in self.recorded:
                work()

    class Stream(contextlib.nullcontext):
        def __init__(self, non_blocking=False):
            super().__init__()

        def begin_capture(self):
            device.recorded = []

        def end_capture(self):
            recorded, device.recorded = device.recorded, None
            return Graph(recorded)

        def is_capturing(self):
            return device.recorded is not None

        def synchronize(self):
            device.wait("waiting for the GPU")

    class MemoryPool:
        def malloc(self, nbytes):
            return Pointer(_memory(nbytes))

    def asarray(x, dtype=None):
        x = np.asarray(x, dtype)
        y = ndarray(x.shape, x.dtype)
        y.x[...] = x
        return y

    def filled(maker, *args):
        y = asarray(maker(*args))
        device.write(lambda: y.x.__setitem__(..., maker(*args)))
        return y

    cupy = types.ModuleType("cupy")
    cupy.__spec__ = importlib.machinery.ModuleSpec("cupy", None)
    cupy.ndarray, cupy.RawModule, cupy.asarray = ndarray, RawModule, asarray
    cupy.empty = lambda shape, dtype=float: ndarray(shape if isinstance(shape, tuple) else (shape,), dtype)
    for maker in (np.zeros, np.ones, np.full, np.eye, np.arange):
        setattr(cupy, maker.__name__, functools.partial(filled, maker))
    cupy.cuda = types.SimpleNamespace(
        Stream=Stream, MemoryPool=MemoryPool, alloc=lambda nbytes: Pointer(_memory(nbytes)),
        alloc_pinned_memory=_memory, using_allocator=contextlib.nullcontext, get_current_stream=Stream,
        runtime=types.SimpleNamespace(getDeviceCount=lambda: 1),
    )  # fmt: skip
    return cupy
