"""Eight training steps in calligrad, eager and compiled, beside PyTorch, JAX and autograd.

``problems`` says what is trained on what, and ``floors`` what no program can go below. ``models`` holds the networks
that read the same for calligrad and PyTorch; ``in_calligrad``, ``in_pytorch``, ``in_jax`` and ``in_autograd`` the
steps, each as its users write them. ``worker`` is a contestant in its own process, ``contest`` lets the processes take
turns, ``table`` and ``plot`` tell what came of it.
"""
