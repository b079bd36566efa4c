"""The derivatives of scipy.special's ufuncs; importing this package adds them to the table of rules.

Nobody needs to: the first ufunc of SciPy that meets a Value has it imported (``calligrad/rules.py``).
"""

from calligrad.scipy.ufuncs import bessel, elementary, gamma, hypergeometric, slopes

__all__ = ["bessel", "elementary", "gamma", "hypergeometric", "slopes"]
