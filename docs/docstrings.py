"""Docstrings as Markdown, when the site is built: an example with >>> becomes a block of code."""

import re

import griffe


class Examples(griffe.Extension):
    """Fence what stands from a ``>>>`` to the next empty line; the ``::`` before indented code is a colon."""

    def on_instance(self, *, obj, **kwargs):
        """Rewrite one docstring."""
        if obj.docstring:
            text = re.sub(r"^>>> .*(?:\n.+)*", r"```pycon\n\g<0>\n```", obj.docstring.value, flags=re.MULTILINE)
            obj.docstring.value = text.replace("::\n", ":\n")
