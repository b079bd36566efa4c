"""SciPy, differentiable: ``pip install calligrad[scipy]``.

The ufuncs of ``scipy.special`` take Values as NumPy's do, and need no import from here. SciPy's other
functions turn their arguments into arrays; ``calligrad.scipy.special`` and ``calligrad.scipy.linalg`` offer
them under the same names, the same on arrays and differentiable on Values.
"""

try:
    import scipy
except ImportError as error:
    raise ImportError("calligrad.scipy needs SciPy: pip install calligrad[scipy]") from error

del scipy
