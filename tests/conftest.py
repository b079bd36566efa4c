import os
import tempfile

import numpy as np
import pytest
from hypothesis import settings

import calligrad

settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=60, database=None)
settings.load_profile("repeatable")

_cache = tempfile.TemporaryDirectory(prefix="calligrad-")
os.environ["CALLIGRAD_CACHE"] = _cache.name  # what tests compile is no business of the user's


@pytest.fixture(autouse=True)
def _every_test_starts_alike():
    calligrad.random.seed(0)
    calligrad.set_default_dtype(np.float32)
