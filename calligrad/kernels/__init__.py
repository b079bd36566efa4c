"""Kernels in machine code for what NumPy does one step at a time; they need numba."""
