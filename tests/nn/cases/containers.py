"""Modules made of modules, and those that change a shape."""

from collections import OrderedDict

from tests.cases.table import apart, real
from tests.nn.cases.table import layer

layer("Sequential", lambda nn: nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)), real(5, 3))
layer(
    "Sequential of names",
    lambda nn: nn.Sequential(OrderedDict([("first", nn.Linear(3, 4)), ("second", nn.Linear(4, 2))])),
    real(5, 3),
)


def edited(nn):
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh())
    net.append(nn.Linear(4, 2)).insert(1, nn.Linear(4, 4))
    net.extend([nn.Linear(2, 2), nn.Sigmoid()])
    net.pop(-1)
    del net[2]
    net[1] = nn.Linear(4, 4, bias=False)
    return net + nn.Sequential(nn.Linear(2, 1))


layer("Sequential edited", edited, real(5, 3))
layer("Sequential sliced", lambda nn: edited(nn)[1:3], real(5, 4))
layer(
    "ModuleList",
    lambda nn: nn.ModuleList([nn.Linear(3, 3), nn.Linear(3, 3, bias=False)]),
    real(5, 3),
    call=lambda layers, x: [part(x) for part in layers],
)
layer(
    "ModuleDict",
    lambda nn: nn.ModuleDict({"a": nn.Linear(3, 3), "b": nn.PReLU()}),
    apart(5, 3),
    call=lambda parts, x: parts["b"](parts["a"](x)),
)
layer("Identity", lambda nn: nn.Identity(54, unused=1), real(2, 3))
layer("Flatten", lambda nn: nn.Flatten(), real(2, 3, 4))
layer("Flatten axes", lambda nn: nn.Flatten(0, 1), real(2, 3, 4))
layer("Unflatten", lambda nn: nn.Unflatten(1, (2, 3)), real(2, 6))
layer("Unflatten rest", lambda nn: nn.Unflatten(-1, (2, -1)), real(2, 6))
