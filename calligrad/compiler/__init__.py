"""compile: a function of arrays, such as a whole training step, as one program.

``trace`` writes down what the function does, ``program`` is what it wrote, ``passes`` make it better, and ``backends``
run it.
"""
