"""calligrad: deep learning written by hand, on NumPy.

The table of contents. Everything else is NumPy: call ``np.…`` on a Value, and its gradient comes along.
"""

__version__ = "0.1.0"

from numpy import add, matmul, transpose

from calligrad import ops
from calligrad.function import Elementwise, Function, constant, implements
from calligrad.ops.softmax import log_softmax, logsumexp, softmax
from calligrad.transforms import grad, gradients, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from calligrad.value import Value, as_array, as_value, no_grad
