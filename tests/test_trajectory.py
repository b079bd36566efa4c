"""10,000 steps of the article's network equal PyTorch's, whose losses ``make parity`` stored."""

import numpy as np

from benchmarks.trajectory import STORED, calligrad_losses


def test_the_loss_of_every_step_equals_pytorchs():
    theirs = np.load(STORED)["losses"]
    assert len(theirs) == 10_000
    np.testing.assert_allclose(calligrad_losses("SGD"), theirs, rtol=1e-9)
