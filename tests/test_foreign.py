"""xarray, pandas and arrays of objects: with Values they are right or refuse in words. No gradient is lost.

Each library is tested where it is installed, and what matters of its behaviour by a double everywhere.
"""

import copy

import numpy as np
import pytest

from calligrad import Value, grad, gradients, hessian, hvp, jacobian, jvp, numeric, value_and_grad, vjp

X = np.array([0.5, 1.0, 2.0])
A = np.array([[1.0, -2.0, 3.0], [-4.0, 5.0, 7.0], [0.5, 1.5, -2.5], [2.0, 0.0, 1.0]])


# ---------------------------------------------------------------- doubles


class Labelled:
    """A DataArray, as far as calligrad looks: an array of any kind with labels."""

    dims = ()

    def __init__(self, data, dims):
        self.data, self.dims = data, dims

    shape = property(lambda self: self.data.shape)

    def copy(self, data):
        assert data.shape == self.shape
        return Labelled(data, self.dims)

    def __mul__(self, other):
        return Labelled(self.data * getattr(other, "data", other), self.dims)

    def sum(self):
        return Labelled(np.sum(self.data), ())


class Collection:
    """A Dataset, as far as calligrad looks."""

    dims = data_vars = ()

    def __init__(self, **data_vars):
        self.data_vars = data_vars

    def assign(self, data_vars):
        return Collection(**data_vars)


Labelled.__module__ = Collection.__module__ = "xarray.double"


class Column:
    """A Series, as far as calligrad looks: it takes part in ufuncs, and turns whatever it meets into an array."""

    __array_priority__ = 1000
    __pandas_priority__ = 3000

    def __init__(self, data):
        self.values = np.asarray(data)

    def __array__(self, dtype=None, copy=None):
        return np.array(self.values, dtype)

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        if any(getattr(x, "__pandas_priority__", 0) > self.__pandas_priority__ for x in inputs):
            return NotImplemented
        return Column(getattr(ufunc, method)(*map(np.asarray, inputs), **kwargs))

    def __mul__(self, other):
        if getattr(other, "__pandas_priority__", 0) > self.__pandas_priority__:
            return NotImplemented
        return np.multiply(self, other)

    def __rmul__(self, other):
        return np.multiply(other, self)


def test_labelled_arrays_keep_their_labels():
    x = Labelled(X, ("t",))
    value, g = value_and_grad(lambda x: (x * x).sum())(x)
    assert (type(value), value.dims, value.data) == (Labelled, (), np.sum(X**2))
    assert (type(g), g.dims) == (Labelled, ("t",))
    np.testing.assert_array_equal(g.data, 2 * X)
    _, pull = vjp(lambda x: x * 2.0, x)
    np.testing.assert_array_equal(pull(X)[0].data, 2 * X)
    np.testing.assert_array_equal(pull(x)[0].data, 2 * X)
    _, dy = jvp(lambda x: x * x, (x,), (x,))
    np.testing.assert_array_equal(dy.data, 2 * X**2)
    np.testing.assert_array_equal(hvp(lambda x: (x * x * x).sum(), (x,), (x,))[0].data, 6 * X**2)
    v = Labelled(Value(X), ("t",))
    np.testing.assert_array_equal(gradients((v * v).sum(), v).data, 2 * X)


def test_jacobians_of_labelled_arrays_have_no_labels():
    x = Labelled(X, ("t",))
    np.testing.assert_array_equal(jacobian(lambda x: x * x)(x), np.diag(2 * X))
    np.testing.assert_array_equal(hessian(lambda x: (x * x * x).sum())(x), np.diag(6 * X))
    assert jacobian(lambda a: x * a)(2.0).dims == ("t",)


def test_collections_of_labelled_arrays():
    x = Collection(a=Labelled(X, ("t",)), count=Labelled(np.arange(3), ("t",)), name=Labelled(np.array("word"), ()))
    g = grad(lambda x: (x.data_vars["a"] * x.data_vars["count"] * x.data_vars["a"]).sum())(x)
    np.testing.assert_array_equal(g.data_vars["a"].data, 2 * X * np.arange(3))
    assert g.data_vars["count"].data is x.data_vars["count"].data
    assert g.data_vars["name"].data is x.data_vars["name"].data
    H = hessian(lambda x: (x.data_vars["a"] * x.data_vars["a"]).sum())(x)
    np.testing.assert_array_equal(H["a"]["a"], 2 * np.eye(3))
    with pytest.raises(ValueError, match="a Collection is needed, not a dict"):
        vjp(lambda x: x, x)[1]({"a": X})


def test_black_boxes_are_given_labelled_arrays():
    f = numeric(lambda x: Labelled(np.asarray(x.data) ** 2, x.dims))
    np.testing.assert_allclose(grad(lambda x: f(x).sum())(Labelled(X, ("t",))).data, 2 * X, rtol=1e-9)


@pytest.mark.parametrize(
    "f",
    [lambda s, v: s * v, lambda s, v: v * s, lambda s, v: np.multiply(s, v), lambda s, v: np.multiply(v, s)],
    ids=["series * value", "value * series", "multiply(series, value)", "multiply(value, series)"],
)
def test_columns_take_part_as_arrays(f):
    np.testing.assert_array_equal(grad(lambda v: np.sum(f(Column(A[0]), v)))(X), A[0])


def test_columns_as_arguments_of_functions():
    for f in (np.dot, lambda a, b: np.stack([a, b]), lambda a, b: np.where(a, b, 0), lambda a, b: b[np.asarray(a) > 0]):
        assert f(Column(A[0]), Value(X)).requires_grad
    np.testing.assert_array_equal(grad(lambda x: np.sum(x**2))(Column(X)), 2 * X)
    np.testing.assert_array_equal(Value(Column(X)).data, X)


# ---------------------------------------------------------------- arrays of objects


def test_arrays_of_objects_are_refused_or_keep_the_gradient():
    v, objects = Value(2.0), np.empty(2, object)
    for build in (
        lambda: np.array([v], dtype=object),
        lambda: np.asarray([v, v]),
        lambda: v * np.array([1.0, 2.0], dtype=object),
        lambda: np.array([1.0, 2.0], dtype=object) * v,
        lambda: np.array([v * 1.0]) * 2,
    ):
        with pytest.raises(TypeError, match="Value"):
            build()
    objects[0] = objects[1] = v  # NumPy does not ask
    total = (objects * 3.0).sum()
    assert gradients(total, v) == 6.0


def test_a_function_that_returns_an_array_of_objects_is_refused():
    def f(x):
        y = np.empty(2, object)
        y[0] = y[1] = x
        return y

    with pytest.raises(TypeError, match="Value"):
        jacobian(f)(1.0)


# ---------------------------------------------------------------- xarray itself


OPERATIONS = {
    "arithmetic": lambda d, a: d * a - d / (a + 10) + d**2,
    "ufuncs": lambda d, a: np.sin(d) * np.exp(d),
    "alignment": lambda d, a: d * a.isel(t=slice(1, None)),
    "broadcasting": lambda d, a: d * a.isel(t=0, drop=True) * a.isel(k=0, drop=True),
    "reductions": lambda d, a: d.sum("t") ** 2 + d.std("t", skipna=False) + d.max("t", skipna=False),
    "mean": lambda d, a: d.mean("t", skipna=False) ** 2,
    "selection by label": lambda d, a: d.sel(k="b") ** 2 + d.sel(t=1.2, method="nearest").sum(),
    "selection by position": lambda d, a: d.isel(t=[0, 0, 2]) ** 2,
    "transposition": lambda d, a: d.T * a,
    "dot": lambda d, a: d.dot(a, "t"),
    "where": lambda d, a: d.where(a > 0, 0.0) * a,
    "concatenation": lambda d, a: d.transpose("k", "t") ** 2,
    "differences": lambda d, a: d.diff("t") ** 2,
    "groups": lambda d, a: d.groupby("k").sum() ** 2,
    "integrals": lambda d, a: d.integrate("t") ** 2,
    "weights": lambda d, a: d.weighted(a.isel(k=0, drop=True) ** 2).mean("t") ** 2,
    "datasets": lambda d, a: (d.to_dataset("k")["a"]) ** 2,
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_xarray_operations(name):
    xarray = pytest.importorskip("xarray")
    a = xarray.DataArray(A, dims=("t", "k"), coords={"t": np.arange(4.0), "k": list("abc")}, attrs={"unit": "m"})
    d = a.copy(data=np.cos(A))
    tangent = a.copy(data=np.sin(A + 1))

    def f(d):
        return OPERATIONS[name](d, a).sum()

    g = grad(f)(d)
    assert type(g) is xarray.DataArray
    assert g.coords.equals(d.coords)
    assert g.attrs == {"unit": "m"}
    np.testing.assert_allclose((g * tangent).sum(), (f(d + 1e-6 * tangent) - f(d - 1e-6 * tangent)) / 2e-6, rtol=1e-6)


def test_xarray_datasets_and_variables():
    xarray = pytest.importorskip("xarray")
    a = xarray.DataArray(X, dims="t", coords={"t": [10, 20, 30]})
    data = xarray.Dataset({"a": a, "n": ("t", [1, 2, 3]), "word": ((), "word")})
    g = grad(lambda d: (d.a**2 * d.n).sum())(data)
    np.testing.assert_array_equal(g.a, 2 * X * [1, 2, 3])
    assert g.n.identical(data.n)
    assert g.word.item() == "word"
    np.testing.assert_array_equal(grad(lambda v: (v**2).sum())(a.variable).data, 2 * X)
    np.testing.assert_array_equal(hessian(lambda d: (d**3).sum())(a), np.diag(6 * X))
    np.testing.assert_array_equal(grad(lambda p: (p["a"] ** 2).sum())({"a": a})["a"].t, [10, 20, 30])


def test_xarray_refuses_in_words():
    xarray = pytest.importorskip("xarray")
    d = xarray.DataArray(Value(X), dims="t")
    for f in (lambda: d.values, lambda: d.to_numpy(), lambda: d.to_pandas(), lambda: d.interp(t=[0.5])):
        with pytest.raises(TypeError, match="a Value does not turn into an array by itself"):
            f()
    with pytest.raises(TypeError, match="a Value does not turn into an array by itself"):
        xarray.DataArray([Value(1.0), Value(2.0)], dims="t")
    with pytest.raises(TypeError, match="a Value does not turn into an array by itself"):
        xarray.DataArray(X, dims="t")[0] = Value(1.0)


# ---------------------------------------------------------------- pandas itself


def test_pandas_objects_take_part_as_arrays():
    pandas = pytest.importorskip("pandas")
    series = pandas.Series(A[0], index=list("abc"))
    frame = pandas.DataFrame(A, columns=list("abc"))
    for f, expected in (
        (lambda v: series * v, A[0]),
        (lambda v: v * series, A[0]),
        (lambda v: series - v, -np.ones(3)),
        (lambda v: v[0] + series, [3.0, 0.0, 0.0]),
        (lambda v: series.mul(v), A[0]),
        (lambda v: np.multiply(series, v), A[0]),
        (lambda v: np.multiply(v, frame), A.sum(0)),
        (lambda v: frame * v, A.sum(0)),
        (lambda v: frame * v[1], [0.0, A.sum(), 0.0]),
        (lambda v: v @ series, A[0]),
        (lambda v: frame.to_numpy() @ v, A.sum(0)),
        (lambda v: np.where(series > 0, v, 0), A[0] > 0),
        (lambda v: v[series > 0], A[0] > 0),
        (lambda v: np.concatenate([v, series]), np.ones(3)),
        (lambda v: frame["a"][:3] * v, A[:3, 0]),
        (lambda v: pandas.Series([1, 2, 3]) * v, [1, 2, 3]),
        (lambda v: pandas.Series([v[0], v[1], v[2]]).sum(), np.ones(3)),  # of objects, one by one
    ):
        np.testing.assert_array_equal(grad(lambda v: np.sum(f(v)))(X), expected)  # noqa: B023 - called at once


def test_pandas_does_not_hold_values():
    pandas = pytest.importorskip("pandas")
    v, series, frame = Value(X), pandas.Series(X), pandas.DataFrame(A)
    for f in (
        lambda: pandas.Series(v),
        lambda: pandas.DataFrame({"v": v}),
        lambda: frame[:3].assign(v=v),
        lambda: series @ v,
        lambda: frame @ v,
        lambda: frame.mul(v),
        lambda: pandas.isna(v),
    ):
        with pytest.raises(TypeError, match="a Value does not turn into an array by itself"):
            f()


def test_pandas_objects_as_arguments_are_arrays():
    pandas = pytest.importorskip("pandas")
    np.testing.assert_array_equal(grad(lambda x: np.sum(x**2))(pandas.Series(X)), 2 * X)
    np.testing.assert_array_equal(grad(lambda x: np.sum(x**2))(pandas.DataFrame(A)), 2 * A)


# ---------------------------------------------------------------- copies, which libraries make on the way


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_copy_within_a_differentiated_function_keeps_the_gradient(copied):
    np.testing.assert_array_equal(grad(lambda x: np.sum(copied(x) ** 2))(X), 2 * X)
    np.testing.assert_array_equal(grad(lambda x: np.sum(copied(1.0 * x) ** 2))(X), 2 * X)


# ---------------------------------------------------------------- the array API standard's way out


def test_a_constant_is_handed_over_by_dlpack_and_what_requires_grad_is_not():
    constant = Value(np.arange(3.0), requires_grad=False)
    np.testing.assert_array_equal(np.from_dlpack(constant), [0, 1, 2])
    with pytest.raises(BufferError, match=r"no gradient comes back from there: hand over value\.data"):
        np.from_dlpack(Value(np.arange(3.0)))
    assert constant.to_device("cpu") is constant
    with pytest.raises(ValueError, match="cuda"):
        constant.to_device("cuda")


def test_constants_may_stand_where_numpy_takes_settings():
    x = Value(np.array([1.0, 2.0]))
    times = Value(np.array([2, 1]))
    np.testing.assert_array_equal(np.repeat(x, times).data, [1, 1, 2])
    matrix = Value(np.array([[1.0, 0.0], [0.0, 1e-3]]))
    cut = np.linalg.pinv(matrix, rtol=Value(np.array(0.1), requires_grad=False))
    np.testing.assert_array_equal(cut.data, [[1, 0], [0, 0]])
