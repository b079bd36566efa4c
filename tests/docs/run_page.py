"""Run the Python blocks of one page, in order and in one namespace: python tests/docs/run_page.py docs/gradients.md

A block with ``>>>`` prompts is a doctest, and its output must be exactly what the page shows. Any other
block is executed. Errors name the page and the line in it.
"""

import doctest
import re
import sys
from collections.abc import Iterator
from pathlib import Path

BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FENCE = re.compile(r"^ *```python", re.MULTILINE)


def blocks(text: str) -> Iterator[tuple[int, str]]:
    """Each Python block, with the number of its first line."""
    found = list(BLOCK.finditer(text))
    if len(found) != len(FENCE.findall(text)):
        raise ValueError("a ```python fence is indented, not closed, or says more than ```python")
    for block in found:
        yield text.count("\n", 0, block.start(1)) + 1, block[1]


def run(page: str) -> bool:
    """Whether every block of the page does what it says."""
    namespace = {"__name__": "__main__"}
    runner = doctest.DocTestRunner()
    for line, code in blocks(Path(page).read_text(encoding="utf-8")):
        if ">>>" in code:
            test = doctest.DocTestParser().get_doctest(code, namespace, "the page", page, line - 1)
            test.globs = namespace
            runner.run(test, clear_globs=False)
        else:
            exec(compile("\n" * (line - 1) + code, page, "exec"), namespace)
    return runner.failures == 0


if __name__ == "__main__":
    sys.exit(not run(sys.argv[1]))
