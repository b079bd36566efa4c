# Every target sets itself up: Python 3.11 or newer, make and git are all it takes.

PYTHON ?= python3
BIN := $(if $(filter Windows_NT,$(OS)),Scripts,bin)
VENV := .venv/$(BIN)/python
PEERS := .venv-peers/$(BIN)/python
DOCS := .venv-docs/$(BIN)/python
OLDEST := .venv-oldest/$(BIN)/python

.PHONY: demo test oldest lint types docs coverage parity bench clean

demo: .venv/demo  ## train the article's network and draw what it learned
	$(VENV) -m calligrad fit

test: .venv/dev  ## the whole test-suite
	$(VENV) -m pytest

oldest: .venv-oldest/dev  ## the tests with the oldest NumPy that is supported
	$(OLDEST) -m pytest

lint: .venv/dev  ## style
	$(VENV) -m ruff check .
	$(VENV) -m ruff format --check .

types: .venv/dev  ## static types
	$(VENV) -m mypy

docs: .venv-docs/docs  ## the documentation as a site under build/site
	$(DOCS) -m mkdocs build --strict --quiet --site-dir build/site

coverage: .venv-peers/peers  ## docs/coverage.md, with what autograd, MyGrad and JAX do
	$(PEERS) -m benchmarks.coverage --peers

parity: .venv-peers/peers  ## the same numbers as PyTorch
	$(PEERS) -m benchmarks.parity
	$(PEERS) -m benchmarks.layers
	$(PEERS) -m benchmarks.optimizers

bench: .venv-peers/peers  ## training steps beside PyTorch and JAX; layers beside PyTorch; every function of NumPy beside autograd
	$(PEERS) -m benchmarks.training
	$(PEERS) -m benchmarks.layers_speed
	$(PEERS) -m benchmarks.functions

clean:
	rm -rf .venv .venv-docs .venv-oldest .venv-peers build dist

.venv/demo: pyproject.toml
	$(PYTHON) -m venv .venv
	$(VENV) -m pip install --quiet --editable ".[show]"
	@touch $@

.venv/dev: pyproject.toml
	$(PYTHON) -m venv .venv
	$(VENV) -m pip install --quiet --upgrade pip
	$(VENV) -m pip install --quiet --editable ".[show]" --group dev
	@touch $@

.venv-oldest/dev: pyproject.toml
	$(PYTHON) -m venv .venv-oldest
	$(OLDEST) -m pip install --quiet --upgrade pip
	$(OLDEST) -m pip install --quiet --editable ".[show]" --group dev "numpy==2.0.*"
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
