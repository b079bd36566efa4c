"""Dropout, as far as it does not depend on draws."""

from tests.cases.table import real
from tests.nn.cases.table import function, layer

for name in ("Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout"):
    shape = {"Dropout2d": (2, 3, 2, 2), "Dropout3d": (2, 3, 2, 2, 2)}.get(name, (2, 3, 4))
    layer(f"{name} in evaluation", lambda nn, name=name: getattr(nn, name)(0.3), real(*shape), training=False)
    layer(f"{name} p=0", lambda nn, name=name: getattr(nn, name)(0.0), real(*shape))
    layer(f"{name} p=1", lambda nn, name=name: getattr(nn, name)(1.0), real(*shape))

function("dropout training=False", lambda F, x: F.dropout(x, 0.3, training=False), real(3))
function("dropout p=1", lambda F, x: F.dropout(x, 1.0), real(3))
function("dropout1d training=False", lambda F, x: F.dropout1d(x, 0.3, training=False), real(2, 3))
function("dropout2d training=False", lambda F, x: F.dropout2d(x, 0.3, training=False), real(1, 2, 2, 2))
function("dropout3d training=False", lambda F, x: F.dropout3d(x, 0.3, training=False), real(1, 2, 2, 1, 2))
function("alpha_dropout", lambda F, x: F.alpha_dropout(x, 0.3), real(3))
function("feature_alpha_dropout", lambda F, x: F.feature_alpha_dropout(x, 0.3), real(2, 3, 2))
