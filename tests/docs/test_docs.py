"""The words of the project: their code runs, their links lead somewhere, their two languages say the same."""

import ast
import doctest
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import calligrad
from tests.docs import run_page

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
TRANSLATED = [page for page in PAGES if page.with_suffix(".zh-CN.md").exists()]


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", [page for page in PAGES if run_page.FENCE.search(page.read_text("utf-8"))], ids=name)
def test_code_of_page_runs(page, tmp_path):
    if re.search(r"(from|import) scipy", page.read_text("utf-8")):
        pytest.importorskip("scipy")
    # In a process of its own: a page may teach calligrad new Functions, and no other test should meet them.
    done = subprocess.run(
        [sys.executable, "-W", "error", run_page.__file__, page],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_of_page_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text("utf-8"))
    files = [link for link in links if "://" not in link]
    assert [link for link in files if not (page.parent / link).exists()] == []


def meaning(code: str) -> str:
    """The code without its comments and docstrings."""
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and ast.get_docstring(node) is not None:
            del node.body[0]
    return ast.dump(tree)


def code_of(page: Path) -> list:
    """For each block what it does, and what it prints."""
    return [
        [(meaning(example.source), example.want) for example in doctest.DocTestParser().get_examples(code)]
        if ">>>" in code
        else meaning(code)
        for _, code in run_page.blocks(page.read_text("utf-8"))
    ]


@pytest.mark.parametrize("page", TRANSLATED, ids=name)
def test_both_languages_have_the_same_code(page):
    assert code_of(page) == code_of(page.with_suffix(".zh-CN.md"))


def test_api_page_names_everything_public():
    named = re.findall(r"^::: calligrad\.(?:\w+\.)?(\w+)$", (ROOT / "docs/api.md").read_text("utf-8"), re.MULTILINE)
    mentioned = {"add", "matmul", "transpose", "nn", "ops", "optim", "random"}  # in words, or as modules
    assert set(calligrad.__all__) - set(named) - mentioned == set()


# ---------------------------------------------------------------- the runner finds what it should


def run(text: str, folder: Path) -> bool:
    page = folder / "page.md"
    page.write_text(text, encoding="utf-8")
    return run_page.run(str(page))


def test_runner_shares_names_from_block_to_block(tmp_path):
    assert run(
        "```python\nx = 1\n```\n\n```python\n>>> x + 1\n2\n>>> y = 3\n```\n\n```python\nassert y == 3\n```\n", tmp_path
    )


def test_runner_sees_a_wrong_result(tmp_path, capsys):
    assert not run("words\n\n```python\n>>> 1 + 1\n3\n```\n", tmp_path)
    assert "page.md" in capsys.readouterr().out


def test_runner_sees_an_error(tmp_path):
    with pytest.raises(ZeroDivisionError):
        run("```python\n1 / 0\n```\n", tmp_path)


def test_runner_leaves_other_languages_alone(tmp_path):
    assert run("```sh\nrm -r nothing\n```\n\n```text\n>>> 1\n2\n```\n", tmp_path)


@pytest.mark.parametrize("text", ["  ```python\n  1\n  ```\n", "```python\n1\n", "```python title\n1\n```\n"])
def test_runner_refuses_a_block_it_would_overlook(text, tmp_path):
    with pytest.raises(ValueError, match="fence"):
        run(text, tmp_path)
