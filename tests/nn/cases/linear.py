"""Linear and bilinear layers."""

from tests.cases.table import real
from tests.nn.cases.table import function, layer

layer("Linear", lambda nn: nn.Linear(3, 2), real(5, 3))
layer("Linear bias=False", lambda nn: nn.Linear(3, 2, bias=False), real(5, 3))
layer("Linear of a vector", lambda nn: nn.Linear(3, 2), real(3))
layer("Linear of three axes", lambda nn: nn.Linear(3, 2), real(2, 4, 3))
layer("Linear of nothing", lambda nn: nn.Linear(3, 2), real(0, 3))
function("linear", lambda F, x, w, b: F.linear(x, w, b), real(5, 3), real(2, 3), real(2))
layer("Bilinear", lambda nn: nn.Bilinear(3, 4, 2), real(5, 3), real(5, 4))
layer("Bilinear bias=False", lambda nn: nn.Bilinear(3, 4, 2, bias=False), real(5, 3), real(5, 4))
layer("Bilinear of three axes", lambda nn: nn.Bilinear(3, 4, 2), real(2, 3, 3), real(2, 3, 4))
layer("Bilinear of nothing", lambda nn: nn.Bilinear(3, 4, 2), real(0, 3), real(0, 4))
function("bilinear", lambda F, x, y, w: F.bilinear(x, y, w), real(5, 3), real(5, 4), real(2, 3, 4))
