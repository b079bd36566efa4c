"""scipy.special: how its functions are reached, special values, what is refused, other precisions."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import special

from calligrad import Value, grad, hessian, jacobian, vjp
from calligrad.rules import RULES, numpy_name
from calligrad.scipy import linalg
from calligrad.scipy import special as offered
from calligrad.testing import check_gradients


def python(code: str, **environment: str) -> str:
    """What a fresh interpreter prints."""
    made = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ | environment
    )
    return made.stdout.strip()


# ---------------------------------------------------------------- how they are reached


def test_scipy_is_imported_by_nobody_but_the_user():
    assert python("import calligrad, sys; print('scipy' in sys.modules)") == "False"


@pytest.mark.parametrize(
    "call",
    ["erf(v)", "erf(v, where=np.array([True, True]))", "zeta(2, v)", "lambertw(v)", "xlogy.outer(v, v)", "jvp(1, v)"],
)
def test_the_first_call_finds_its_rule(call):
    code = f"import numpy as np, calligrad, scipy.special as s; v = calligrad.Value([1.0, 2.0]); print(s.{call})"
    assert "created_by" in python(code)


def test_the_wrappers_of_the_array_api_lead_to_the_same_rules():
    code = (
        "import numpy as np, calligrad, scipy.special as s; from calligrad.scipy import special as o;"
        "print(*(calligrad.grad(f)(0.5).round(6) for f in (s.erf, s.gammaln, s.ndtri, s.expit, o.logsumexp)))"
    )
    assert python(code, SCIPY_ARRAY_API="1") == python(code)


def test_keywords_of_ufuncs():
    v = Value(np.array([1.0, 2.0, 3.0], np.float32))
    mask = np.array([True, False, True])
    np.testing.assert_array_equal(special.erf(v, where=mask).data, np.where(mask, special.erf(v.data), 0))
    assert special.erf(v, dtype=np.float64).dtype == np.float64
    with pytest.raises(TypeError, match=r"scipy\.special\.erf cannot write a Value into an existing array"):
        special.erf(v, out=np.empty(3, np.float32))


X = np.array([0.5, 1.5])
ARGUMENTS = {name: (2, X) if name.startswith("spherical") else (X,) for name in offered.__all__}
ARGUMENTS |= {"polygamma": (1, X), "multigammaln": (X + 1, 2), "comb": (X, 1), "perm": (X, 1)}


@pytest.mark.parametrize("name", offered.__all__)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_offered_functions_are_scipys(name, dtype):
    arguments = [x.astype(dtype) if isinstance(x, np.ndarray) else x for x in ARGUMENTS[name]]
    expected = getattr(special, name)(*arguments)
    np.testing.assert_array_equal(getattr(offered, name)(*arguments), expected, strict=True)
    values = [Value(x) if isinstance(x, np.ndarray) else x for x in arguments]
    np.testing.assert_array_equal(getattr(offered, name)(*values).data, expected, strict=True)


@pytest.mark.parametrize("name", ["jvp", "yvp", "ivp", "kvp", "h1vp", "h2vp"])
def test_functions_of_scipy_that_are_made_of_ufuncs(name):
    f, x = getattr(special, name), np.array([0.5, 1.5])
    np.testing.assert_array_equal(f(1.5, Value(x), 2).data, f(1.5, x, 2))
    check_gradients(lambda x: f(1.5, x, 2), x)


def test_other_names():
    assert special.digamma is special.psi
    assert special.jn is special.jv
    check_gradients(special.sinc, np.array([0.0, 0.3]))


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("f", "word"),
    [
        (lambda v: special.gammainc(v, 1.0), r"scipy\.special\.gammainc has no derivative in argument 0"),
        (lambda v: special.betainc(1.0, v, 0.5), r"scipy\.special\.betainc has no derivative in argument 1"),
        (lambda v: special.jv(v, 1.0), r"scipy\.special\.jv has no derivative in argument 0"),
        (lambda v: special.zeta(v, 1.0), r"scipy\.special\.zeta has no derivative in argument 0"),
        (lambda v: special.jve(1.0, v * 1j), r"scipy\.special\.jve has no derivative of complex numbers"),
        (lambda v: special.zetac(v), r"scipy\.special\.zetac has no derivative in calligrad.*of=scipy\.special\.zetac"),
        (lambda v: special.xlogy.reduce(v), r"scipy\.special\.xlogy\.reduce has no derivative"),
        (lambda v: offered.logsumexp(v * 1j), r"logsumexp of complex Values"),
        (lambda v: offered.logsumexp(v, b=[1j, 1], return_sign=True), r"has no derivative with complex numbers"),
    ],
)
def test_what_has_no_derivative_is_refused_at_the_call(f, word):
    with pytest.raises(NotImplementedError, match=word):
        f(Value([1.0, 2.0]))


@pytest.mark.parametrize("name", ["polygamma", "spherical_jn", "spherical_yn", "spherical_in", "spherical_kn"])
def test_an_order_that_requires_a_gradient_is_refused(name):
    f = getattr(offered, name)
    with pytest.raises(TypeError, match=rf"n= of scipy\.special\.{name} is a constant"):
        f(Value(1.0), 2.0)
    assert f(Value(1), Value(2.0)).requires_grad


@pytest.mark.parametrize("name", ["factorial", "comb", "perm"])
def test_exact_results_are_refused(name):
    with pytest.raises(TypeError, match=f"{name} of a Value is not exact"):
        getattr(offered, name)(*[Value(3.0), 2.0][: 1 + (name != "factorial")], exact=True)


def test_constant_arguments_may_be_values():
    order = Value(1.5, requires_grad=False)
    assert special.jv(order, Value(1.0)).requires_grad
    assert special.jv(Value(1), Value(1.0)).requires_grad
    assert not special.jv(order, 1.0).requires_grad


def test_every_ufunc_has_a_rule_or_is_refused_by_its_name():
    for name in dir(special):
        ufunc = getattr(special, name)
        if isinstance(ufunc, np.ufunc) and ufunc not in RULES:
            with pytest.raises(NotImplementedError, match=rf"scipy\.special\.{ufunc.__name__} has no derivative"):
                ufunc(*[Value(0.5)] * ufunc.nin)


# ---------------------------------------------------------------- special values


def slope(f, *xs):
    """The gradients of ``f`` at ``xs``, all at once."""
    return [float(g) for g in vjp(f, *(np.float64(x) for x in xs))[1](np.float64(1))]


def test_x_log_y_at_the_edges():
    assert slope(special.xlogy, 0, 2) == [np.log(2), 0]
    assert slope(special.xlogy, 0, 0) == [0, 0]
    assert slope(special.xlogy, 0, -1) == [0, 0]
    assert slope(special.xlog1py, 0, -1) == [0, 0]
    assert vjp(special.xlogy, 0j, -1 + 0j)[1](1 + 0j)[0].imag == -np.pi  # this number has a logarithm
    check_gradients(special.xlogy, np.array([0.0, 1.0]), np.array([2.0, 3.0]))


@pytest.mark.parametrize(("f", "b"), [(special.xlogy, 0.0), (special.xlogy, -1.0), (special.xlog1py, -1.0)])
def test_x_log_y_is_flat_where_it_is_taken_for_0(f, b):
    np.testing.assert_array_equal(hessian(lambda v: f(v[0], v[1]))(np.array([0.0, b])), 0)


def test_powers_of_box_and_cox_have_no_gap_at_0():
    for f in (special.boxcox, special.inv_boxcox, special.boxcox1p, special.inv_boxcox1p):
        check_gradients(f, np.array([0.5, 1.5]), np.array([0.0, 0.0]))
    np.testing.assert_allclose(slope(special.boxcox, 3.0, 0.0), [1 / 3, np.log(3) ** 2 / 2])


@pytest.mark.parametrize("f", [special.ellipk, special.ellipe, special.exprel, special.j1, special.i1, special.sici])
def test_gaps_of_the_textbook_formulas_are_closed(f):
    check_gradients(lambda x: f(x)[0] if f is special.sici else f(x), np.zeros(2))


def test_the_reciprocal_of_the_gamma_function_has_slopes_where_that_has_poles():
    check_gradients(special.rgamma, np.array([0.0, -1.0, -2.0, 0.5, 3.0]))
    np.testing.assert_allclose([slope(special.rgamma, -n)[0] for n in range(4)], [1, -1, 2, -6])


def test_far_out():
    for f in (special.i0e, special.i1e, special.k1e, special.exprel):
        x = np.array([1e3, 1e10]) if f is not special.exprel else np.array([-1e3, -1e10])
        power = -0.5 if f is not special.exprel else -1.0  # how they fall
        np.testing.assert_allclose(grad(lambda x, f=f: np.sum(f(x)))(x), power * f(x) / x, rtol=1e-2, atol=1e-20)
    assert slope(special.exprel, 1e3) == [np.inf]


def test_dilogarithm_at_1():
    check_gradients(special.spence, np.ones(1))


@pytest.mark.parametrize(("f", "x", "expected"), [
    (special.log_ndtr, -1e5, 1e5),
    (special.log_ndtr, 40.0, 0.0),
    (special.log_expit, -1e5, 1.0),
    (special.expit, 1e5, 0.0),
    (special.erf, np.inf, 0.0),
    (special.gammaln, np.inf, np.inf),
    (special.entr, 1e-300, 300 * np.log(10) - 1),
])  # fmt: skip
def test_tails(f, x, expected):
    np.testing.assert_allclose(slope(f, x), [expected], rtol=1e-9)


def test_elliptic_integrals_near_1():
    p = 10.0 ** np.arange(-30, -1, 4)
    np.testing.assert_allclose([slope(special.ellipkm1, x)[0] for x in p], -0.5 / p, rtol=0.05)


def test_logsumexp_with_infinities():
    assert slope(lambda a, b: offered.logsumexp(np.stack([a, b])), -np.inf, 1) == [0, 1]
    assert slope(lambda a, b: offered.logsumexp(np.stack([a, b])), -np.inf, -np.inf) == [0, 0]
    weights = np.array([0.0, 1.0])  # what has no weight is not there
    np.testing.assert_array_equal(grad(lambda a: offered.logsumexp(a, b=weights))(np.array([np.inf, 1.0])), [0, 1])
    np.testing.assert_array_equal(grad(lambda a: offered.logsumexp(a, b=weights * 0))(np.zeros(2)), [0, 0])


@pytest.mark.parametrize("x", [np.float32(1e8), np.float64(1e17), np.float16(300)])
def test_the_slopes_of_logsumexp_sum_to_1_also_of_large_numbers(x):
    np.testing.assert_array_equal(grad(offered.logsumexp)(np.full(2, x)), 0.5)


def test_the_logarithm_of_a_sum_that_cancels_has_slopes_without_bound():
    weights = np.array([1.0, -1.0, 0.0, 1.0])
    slopes = grad(lambda a: offered.logsumexp(a, b=weights))(np.array([1.0, 1.0, 1.0, -np.inf]))
    np.testing.assert_array_equal(slopes, [np.inf, -np.inf, 0, 0])


def test_the_sign_of_logsumexp_is_a_constant():
    v = Value(np.array([1.0, 2.0]))
    size, sign = offered.logsumexp(v, b=np.array([1.0, -1.0]), return_sign=True)
    assert float(sign.data) == -1
    (size * sign).backward()
    e = np.exp([1.0, 2.0])
    np.testing.assert_allclose(v.grad, -np.array([e[0], -e[1]]) / (e[0] - e[1]))


def test_combinations_that_do_not_exist_have_no_slope():
    slopes = grad(lambda n: np.sum(offered.comb(n, 3.0)))(np.array([1.0, 2.0, 5.0]))
    assert slopes[0] == slopes[1] == 0 < slopes[2]
    assert grad(lambda n: offered.factorial(n))(-2.5) == 0


# ---------------------------------------------------------------- complex numbers, other precisions


@pytest.mark.parametrize("f", [special.gamma, special.rgamma, special.loggamma, special.psi])
def test_the_gamma_family_of_complex_numbers_to_first_order(f):
    z = np.array([0.5 + 1j, 2.0 - 0.5j])
    if f is not special.psi:
        check_gradients(f, z, order=1)
    else:  # SciPy has the trigamma function for real numbers only
        with pytest.raises(TypeError, match="zeta"):
            vjp(f, z)[1](z)


def test_orders_of_polynomials_that_are_whole_numbers_keep_their_exact_loops():
    x = np.linspace(-1, 1, 5)
    slopes = jacobian(lambda x: special.eval_legendre(3, x))(x).diagonal()
    np.testing.assert_allclose(slopes, 7.5 * x * x - 1.5, atol=1e-12)


def test_the_distributions_slopes_integrate_to_the_distributions():
    """A few against what is known of them."""
    np.testing.assert_allclose(slope(lambda x: special.chdtr(2, x), 1.0), [np.exp(-0.5) / 2])
    np.testing.assert_allclose(slope(lambda t: special.stdtr(1, t), 1.0), [1 / (2 * np.pi)])
    np.testing.assert_allclose(slope(lambda x: special.betainc(1, 1, x), 0.3), [1.0])
    np.testing.assert_allclose(slope(lambda x: special.gammainc(1, x), 0.0), [1.0])


def test_the_page_names_what_can_be_differentiated():
    page = (Path(__file__).parents[2] / "docs" / "scipy.md").read_text("utf-8")
    table = "".join(line for line in page.splitlines() if line.startswith("| "))
    rules = {numpy_name(f).removeprefix("scipy.special.") for f in RULES if numpy_name(f).startswith("scipy.special.")}
    assert set(re.findall(r"`(\w+)`", table)) == rules
    for name in (*offered.__all__, *linalg.__all__):
        assert f"`{name}`" in page
