"""Resizing."""

from tests.cases.table import real
from tests.nn.cases.table import function, layer

layer("Upsample", lambda nn: nn.Upsample(scale_factor=2), real(2, 2, 3, 4))
layer("Upsample of one axis", lambda nn: nn.Upsample(7), real(2, 2, 4))
layer("Upsample linear", lambda nn: nn.Upsample(scale_factor=2.5, mode="linear"), real(2, 2, 5))
layer("Upsample bilinear", lambda nn: nn.Upsample((5, 8), mode="bilinear"), real(1, 2, 3, 4))
layer("Upsample bilinear, corners", lambda nn: nn.Upsample(None, 2, "bilinear", True), real(1, 2, 3, 4))
layer("Upsample bicubic", lambda nn: nn.Upsample(scale_factor=(2, 1.5), mode="bicubic"), real(1, 2, 4, 4))
layer("Upsample trilinear", lambda nn: nn.Upsample(scale_factor=2, mode="trilinear"), real(1, 1, 2, 3, 2))
layer("Upsample recomputed", lambda nn: nn.Upsample(None, 1.7, "bilinear", None, True), real(1, 2, 4, 5))
layer("UpsamplingNearest2d", lambda nn: nn.UpsamplingNearest2d(scale_factor=3), real(1, 2, 3, 2))
layer("UpsamplingBilinear2d", lambda nn: nn.UpsamplingBilinear2d((7, 5)), real(1, 2, 3, 4))
function("interpolate smaller, nearest", lambda F, x: F.interpolate(x, (3, 5)), real(1, 2, 7, 8))
function("interpolate nearest, factor", lambda F, x: F.interpolate(x, None, 0.7), real(1, 2, 7, 9))
function("interpolate nearest of three axes", lambda F, x: F.interpolate(x, (3, 2, 5)), real(1, 1, 2, 3, 4))
function("interpolate nearest-exact", lambda F, x: F.interpolate(x, (3, 7), mode="nearest-exact"), real(1, 2, 5, 5))
function("interpolate nearest-exact factor", lambda F, x: F.interpolate(x, None, 1.3, "nearest-exact"), real(2, 2, 7))
function("interpolate linear, corners", lambda F, x: F.interpolate(x, 7, None, "linear", True), real(2, 2, 4))
function("interpolate linear to one, corners", lambda F, x: F.interpolate(x, 1, None, "linear", True), real(2, 2, 4))
function("interpolate linear of one", lambda F, x: F.interpolate(x, 4, None, "linear"), real(2, 2, 1))
function("interpolate bilinear, smaller", lambda F, x: F.interpolate(x, (2, 3), mode="bilinear"), real(1, 2, 7, 8))
function("interpolate bilinear, factor", lambda F, x: F.interpolate(x, None, 0.6, "bilinear"), real(1, 2, 7, 8))
function("interpolate bicubic, smaller", lambda F, x: F.interpolate(x, (3, 4), mode="bicubic"), real(1, 2, 7, 8))
function("interpolate bicubic, corners", lambda F, x: F.interpolate(x, (7, 6), None, "bicubic", True), real(1, 2, 4, 3))
function(
    "interpolate trilinear, corners", lambda F, x: F.interpolate(x, 3, None, "trilinear", True), real(1, 1, 2, 4, 3)
)
function("interpolate area", lambda F, x: F.interpolate(x, (3, 2), mode="area"), real(1, 2, 7, 5))
function("interpolate area of one axis", lambda F, x: F.interpolate(x, None, 0.5, "area"), real(1, 2, 9))
function("interpolate area of three axes", lambda F, x: F.interpolate(x, 2, mode="area"), real(1, 1, 3, 4, 5))
function(
    "interpolate antialias bilinear",
    lambda F, x: F.interpolate(x, (3, 4), mode="bilinear", antialias=True),
    real(1, 2, 8, 7),
)
function(
    "interpolate antialias bicubic",
    lambda F, x: F.interpolate(x, None, (0.4, 1.5), "bicubic", antialias=True),
    real(1, 2, 11, 4),
)
function(
    "interpolate antialias corners",
    lambda F, x: F.interpolate(x, (3, 4), None, "bilinear", True, antialias=True),
    real(1, 2, 8, 7),
)
for mode, *shape in (("linear", 5), ("bilinear", 3, 4), ("trilinear", 2, 3, 3), ("nearest", 3, 3)):
    function(
        f"interpolate {mode} of {len(shape)} axes by a fraction that changes no length",
        lambda F, x, mode=mode: F.interpolate(x, scale_factor=1.15, mode=mode),
        real(1, 2, *shape),
    )
function(
    "interpolate nearest by a little more than 2", lambda F, x: F.interpolate(x, scale_factor=2.2), real(1, 1, 3, 3)
)
