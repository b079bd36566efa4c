"""docs/torch.md says what is so."""

from operator import attrgetter

import calligrad
from benchmarks.torch_page import EXTRA, PAGE, page, rows


def test_what_is_missing_has_a_reason():
    assert [(module, name) for module, name, _, why in rows() if why == "missing"] == []


def test_the_page_is_what_would_be_written_today():
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m benchmarks.torch_page"


def test_what_is_only_here_is_here():
    for module, names in EXTRA.items():
        for name in names:
            assert hasattr(attrgetter(module)(calligrad), name), f"{module}.{name}"
