"""Parameters that are computed from others."""

from tests.cases.table import real
from tests.nn.cases.table import layer


def kinds(nn):
    """The parametrizations, which PyTorch keeps elsewhere."""
    return getattr(nn, "utils", nn).parametrizations


def of_length_one(path, shape, rng):
    x = rng.standard_normal(shape)
    return x / (x**2).sum() ** 0.5 if path.endswith(("_u", "_v")) else x


layer("weight_norm", lambda nn: kinds(nn).weight_norm(nn.Linear(3, 2)), real(4, 3))
layer("weight_norm of another axis", lambda nn: kinds(nn).weight_norm(nn.Linear(3, 2), "weight", 1), real(4, 3))
layer("weight_norm in all", lambda nn: kinds(nn).weight_norm(nn.Linear(3, 2), "weight", None), real(4, 3))
layer("weight_norm of a bias", lambda nn: kinds(nn).weight_norm(nn.Linear(3, 2), "bias"), real(4, 3))
layer(
    "spectral_norm",
    lambda nn: kinds(nn).spectral_norm(nn.Linear(3, 2)),
    real(4, 3),
    state=of_length_one,
    order=1,  # the singular vectors move with each use
)
layer(
    "spectral_norm (evaluation)",
    lambda nn: kinds(nn).spectral_norm(nn.Linear(3, 2)),
    real(4, 3),
    state=of_length_one,
    training=False,
)
layer(
    "spectral_norm three iterations, another axis",
    lambda nn: kinds(nn).spectral_norm(nn.Linear(3, 2), "weight", 3, 1e-12, 1),
    real(4, 3),
    state=of_length_one,
    order=1,
)
layer("spectral_norm of a bias", lambda nn: kinds(nn).spectral_norm(nn.Linear(3, 2), "bias"), real(4, 3))
