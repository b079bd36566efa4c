import numpy as np
import pytest
from hypothesis import settings

import calligrad

settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=60, database=None)
settings.load_profile("repeatable")


@pytest.fixture(autouse=True)
def _every_test_starts_alike():
    calligrad.random.seed(0)
    calligrad.set_default_dtype(np.float32)
