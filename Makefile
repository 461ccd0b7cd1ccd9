# Each target builds .venv first when it is missing or out of date. Needs Python 3.11 or newer with pip, and make; nothing else.
# Another interpreter: `make test PYTHON=python3.12`. More for pytest: `make test PYTEST_FLAGS="-x -k schedules"`.
PYTHON ?= python3
PYTEST_FLAGS ?=
BIN := .venv/bin
VENV := .venv/built
# Two worker processes, one thread each: on two cores torch's own threads would only wait for each other.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2

.DEFAULT_GOAL := help
.PHONY: help demo test test-all lint format types layers docs clean

help:  ## Say what the targets do
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -c constraints.txt -e '.[dev]'
	@touch $@

demo: $(VENV)  ## Tune a small network on data that ships with the package; writes runs/demo/report.html
	$(BIN)/tunesmith demo --out runs/demo

test: $(VENV)  ## The quick tests and every doctest
	$(PYTEST) -m "not slow" $(PYTEST_FLAGS)

test-all: $(VENV)  ## The slow tests as well
	$(PYTEST) $(PYTEST_FLAGS)

lint: $(VENV)  ## Style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)  ## Mend what lint can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)  ## The type checker, strict
	$(BIN)/pyrefly check

layers: $(VENV)  ## Who may import whom
	$(BIN)/lint-imports

docs: $(VENV)  ## The documentation, into docs/_build/html; a warning is an error
	$(BIN)/sphinx-build -W -n --keep-going -q docs docs/_build/html

clean:  ## Remove what the other targets made, .venv included
	rm -rf .venv build dist docs/_build .pytest_cache .ruff_cache .hypothesis .import_linter_cache
