"""Images read at points between their pixels."""

from tests.cases.table import real
from tests.nn.cases.table import function

X, GRID = real(2, 2, 3, 4), real(2, 3, 3, 2)
VOLUME, POINTS = real(1, 2, 3, 2, 4), real(1, 2, 2, 3, 3)

function("grid_sample", lambda F, x, grid: F.grid_sample(x, grid, align_corners=False), X, GRID)
function("grid_sample corners", lambda F, x, grid: F.grid_sample(x, grid, align_corners=True), X, GRID)
function("grid_sample border", lambda F, x, g: F.grid_sample(x, 1.5 * g, "bilinear", "border", False), X, GRID)
function("grid_sample reflection", lambda F, x, g: F.grid_sample(x, 3.0 * g, "bilinear", "reflection", False), X, GRID)
function(
    "grid_sample reflection, corners",
    lambda F, x, g: F.grid_sample(x, 3.0 * g, "bilinear", "reflection", True),
    X,
    GRID,
)
function("grid_sample nearest", lambda F, x, g: F.grid_sample(x, g, "nearest", align_corners=False), X, GRID)
function(
    "grid_sample nearest, reflection", lambda F, x, g: F.grid_sample(x, 2.0 * g, "nearest", "reflection", True), X, GRID
)
function("grid_sample bicubic", lambda F, x, g: F.grid_sample(x, g, "bicubic", "zeros", False), X, GRID)
function("grid_sample bicubic, border", lambda F, x, g: F.grid_sample(x, g, "bicubic", "border", True), X, GRID)
function(
    "grid_sample bicubic, reflection", lambda F, x, g: F.grid_sample(x, g, "bicubic", "reflection", False), X, GRID
)
function("grid_sample of a volume", lambda F, x, g: F.grid_sample(x, g, align_corners=False), VOLUME, POINTS)
function(
    "grid_sample of a volume, border", lambda F, x, g: F.grid_sample(x, g, "bilinear", "border", True), VOLUME, POINTS
)
function(
    "grid_sample of a volume, nearest", lambda F, x, g: F.grid_sample(x, g, "nearest", "border", True), VOLUME, POINTS
)
function("affine_grid", lambda F, theta: F.affine_grid(theta, (2, 1, 3, 4), align_corners=False), real(2, 2, 3))
function("affine_grid corners", lambda F, theta: F.affine_grid(theta, [2, 3, 2, 4], align_corners=True), real(2, 2, 3))
function("affine_grid of a volume", lambda F, t: F.affine_grid(t, (1, 1, 2, 3, 2), align_corners=False), real(1, 3, 4))
