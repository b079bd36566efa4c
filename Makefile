# Every target sets itself up: Python 3.11 or newer, make and git are all it takes.

PYTHON ?= python3
BIN := $(if $(filter Windows_NT,$(OS)),Scripts,bin)
VENV := .venv/$(BIN)/python
PEERS := .venv-peers/$(BIN)/python
DOCS := .venv-docs/$(BIN)/python

.PHONY: demo test lint types docs parity bench clean

demo: .venv/demo  ## train the article's network and draw what it learned
	$(VENV) -m calligrad fit

test: .venv/dev  ## the whole test-suite
	$(VENV) -m pytest

lint: .venv/dev  ## style
	$(VENV) -m ruff check .
	$(VENV) -m ruff format --check .

types: .venv/dev  ## static types
	$(VENV) -m mypy

docs: .venv-docs/docs  ## the documentation as a site under build/site
	$(DOCS) -m mkdocs build --strict --quiet --site-dir build/site

parity: .venv-peers/peers  ## the same numbers as PyTorch
	$(PEERS) -m benchmarks.parity

bench: .venv-peers/peers  ## speed and memory beside PyTorch
	$(PEERS) -m benchmarks.run

clean:
	rm -rf .venv .venv-docs .venv-peers build dist

.venv/demo: pyproject.toml
	$(PYTHON) -m venv .venv
	$(VENV) -m pip install --quiet --editable ".[show]"
	@touch $@

.venv/dev: pyproject.toml
	$(PYTHON) -m venv .venv
	$(VENV) -m pip install --quiet --upgrade pip
	$(VENV) -m pip install --quiet --editable ".[show]" --group dev
	@touch $@

.venv-docs/docs: pyproject.toml
	$(PYTHON) -m venv .venv-docs
	$(DOCS) -m pip install --quiet --upgrade pip
	$(DOCS) -m pip install --quiet --editable . --group docs
	@touch $@

.venv-peers/peers: pyproject.toml benchmarks/requirements.txt
	$(PYTHON) -m venv .venv-peers
	$(PEERS) -m pip install --quiet --editable . --requirement benchmarks/requirements.txt
	@touch $@
