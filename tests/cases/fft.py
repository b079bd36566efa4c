"""Fourier transforms."""

import numpy as np

from tests.cases.table import case, complexes, real

# Every transform gives complex numbers, or takes them: what float32 becomes is for tests/ops/test_fft.py.

LINES = {  # for each way of calling: the shape, and the arguments after the array
    "": ((3, 4), {}),
    "of an odd length": ((2, 5), {}),
    "axis=0 n=6 norm=ortho": ((4, 2), {"n": 6, "axis": 0, "norm": "ortho"}),
    "n=3 norm=forward": ((2, 6), {"n": 3, "norm": "forward"}),
    "n=5": ((4,), {"n": 5}),
}
for name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft"):
    f = getattr(np.fft, name)
    draw = real if name in ("rfft", "ihfft") else complexes
    for words, (shape, settings) in LINES.items():
        case(f"np.fft.{name} {words}".strip(), lambda a, f=f, s=settings: f(a, **s), draw(*shape), own_dtype=True)
    case(f"np.fft.{name} of an empty stack", lambda a, f=f: f(a, 3, -1, "ortho"), draw(0, 4), own_dtype=True)
    if draw is complexes:
        case(f"np.fft.{name} of real numbers", f, real(2, 4), own_dtype=True)

GRIDS = {
    "": ((2, 3, 4), {}),
    "of odd lengths": ((3, 5), {}),
    "norm=ortho axes=(0, 1)": ((3, 4, 2), {"norm": "ortho", "axes": (0, 1)}),
    "norm=forward s=(3, 5)": ((2, 4, 4), {"norm": "forward", "s": (3, 5), "axes": (0, -1)}),
    "s=(2, -1)": ((4, 4), {"s": (2, -1), "axes": (1, 0)}),
}
for name in ("fftn", "ifftn", "rfftn", "irfftn", "fft2", "ifft2", "rfft2", "irfft2"):
    f = getattr(np.fft, name)
    draw = real if name.startswith("rfft") else complexes
    for words, (shape, settings) in GRIDS.items():
        case(f"np.fft.{name} {words}".strip(), lambda a, f=f, s=settings: f(a, **s), draw(*shape), own_dtype=True)
    if draw is complexes:
        case(f"np.fft.{name} of real numbers", f, real(3, 3), own_dtype=True)
case("np.fft.rfftn of one axis", lambda a: np.fft.rfftn(a, axes=(0,)), real(4, 2), own_dtype=True)
case("np.fft.fftn of a 0-d array", np.fft.fftn, complexes(), own_dtype=True)

for name in ("fftshift", "ifftshift"):
    f = getattr(np.fft, name)
    case(f"np.fft.{name}", f, real(3, 4))
    case(f"np.fft.{name} axes=0", lambda x, f=f: f(x, 0), real(5, 2))
    case(f"np.fft.{name} axes=(0, 1) of complex numbers", lambda x, f=f: f(x, axes=(0, 1)), complexes(2, 3, 2))
