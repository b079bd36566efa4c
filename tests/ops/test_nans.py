"""Functions that pass over NaNs: the gradient of a NaN is 0, and no NaN spreads from it."""

import numpy as np
import pytest

from calligrad import Value, grad, hessian

NAN = np.nan
X = np.array([[1.0, NAN, 4.0, 2.0], [NAN, 3.0, NAN, 5.0]])


@pytest.mark.parametrize(
    ("nan_f", "f"),
    [
        (np.nansum, np.sum),
        (np.nanprod, np.prod),
        (np.nanmean, np.mean),
        (np.nanvar, np.var),
        (np.nanstd, np.std),
        (np.nanmax, np.max),
        (np.nanmin, np.min),
        (np.nanmedian, np.median),
        (lambda x: np.nancumsum(x)[-1], np.sum),
        (lambda x: np.nancumprod(x)[-1], np.prod),
        (lambda x: np.nanquantile(x, 0.3), lambda x: np.quantile(x, 0.3)),
        (lambda x: np.nanpercentile(x, 30), lambda x: np.percentile(x, 30)),
    ],
)
def test_the_derivatives_are_those_without_the_nans(nan_f, f):
    for x in X:
        left = ~np.isnan(x)
        expected = np.zeros(4)
        expected[left] = grad(f)(x[left])
        np.testing.assert_allclose(grad(nan_f)(x), expected)
        second = np.zeros((4, 4))
        second[np.ix_(left, left)] = hessian(f)(x[left])
        np.testing.assert_allclose(hessian(nan_f)(x), second, atol=1e-15)


def test_ties_are_shared_beside_nans():
    np.testing.assert_array_equal(grad(np.nanmax)(np.array([2.0, NAN, 2.0, 1.0])), [0.5, 0, 0.5, 0])


@pytest.mark.filterwarnings("ignore:All-NaN", "ignore:Mean of empty slice", "ignore:Degrees of freedom")
@pytest.mark.parametrize("f", [np.nansum, np.nanprod, np.nanmean, np.nanvar, np.nancumsum, np.nancumprod])
def test_nans_alone_have_no_gradient(f):
    x = Value(np.array([[NAN, NAN], [1.0, 3.0]]))
    y = f(x, axis=1)
    y.grad = np.ones(y.shape)
    y.backward()
    np.testing.assert_array_equal(x.grad[0], [0, 0])
    assert np.isfinite(x.grad).all()


@pytest.mark.filterwarnings("ignore:All-NaN")
@pytest.mark.parametrize("f", [np.nanmax, np.nanmin, np.nanmedian, lambda x, axis: np.nanquantile(x, 0.2, axis)])
def test_a_result_that_is_nan_gives_its_gradient_to_nans(f):
    g = grad(lambda x: np.sum(f(x, axis=1)[0]))(np.array([[NAN, NAN], [1.0, 3.0]]))
    assert g[0].sum() == 1
    np.testing.assert_array_equal(g[1], [0, 0])


def test_the_mean_of_nanvar_may_be_given():
    m = np.array([[2.0], [4.0]])
    g = grad(lambda x, m: np.sum(np.nanvar(x, axis=1, mean=m)), (0, 1))(X, m)
    np.testing.assert_allclose(g[0], np.where(np.isnan(X), 0, 2 * (X - m)) / [[3], [2]])
    np.testing.assert_allclose(g[1], -np.nansum(g[0], axis=1, keepdims=True), atol=1e-15)


def test_out_is_refused():
    with pytest.raises(TypeError, match=r"np\.nansum of a Value does not take out"):
        np.nansum(Value(X), axis=1, out=np.zeros(2))
