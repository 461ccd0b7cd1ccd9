# Each target builds .venv first when it is missing or out of date. Needs Python 3.11 or newer with pip, and make; nothing else.
# Another interpreter: `make test PYTHON=python3.12`. More for pytest: `make test PYTEST_FLAGS="-x -k schedules"`.
PYTHON ?= python3
PYTEST_FLAGS ?=
BIN := .venv/bin
VENV := .venv/built
BENCH := .venv-bench/bin
VENV_BENCH := .venv-bench/built
PROOF := OMP_NUM_THREADS=1 nice -n 10 $(BENCH)/python -m benchmarks.proof
# Two worker processes, one thread each: on two cores torch's own threads would only wait for each other.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2

.DEFAULT_GOAL := help
.PHONY: help demo test test-all lint format types layers docs bench bench-ablation bench-batch bench-clues bench-finders bench-kept-apart bench-quick bench-speed bench-sweeps bench-tables clean

help:  ## Say what the targets do
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

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

# The peers have an environment of their own. pip 25.1 brings dependency groups. torchvision comes along with fastai, which can do without it; a build of it
# that does not fit the installed torch makes every import of it fail, lightning's too.
$(VENV_BENCH): pyproject.toml constraints.txt benchmarks/constraints.txt
	$(PYTHON) -m venv .venv-bench
	$(BENCH)/python -m pip install -q --upgrade "pip>=25.1"
	$(BENCH)/python -m pip install -q -c constraints.txt -c benchmarks/constraints.txt -e . --group bench
	$(BENCH)/python -c "import torchvision" 2>/dev/null || $(BENCH)/python -m pip uninstall -q -y torchvision
	@touch $@

bench: $(VENV_BENCH)  ## The proof bench: TASKS="a b" METHODS="c d@1" STUDIES=3 for a part; goes on where it stopped; TUNESMITH_DATA names the data
	$(PROOF) $(if $(TASKS),--tasks "$(TASKS)") $(if $(METHODS),--methods "$(METHODS)") $(if $(STUDIES),--studies $(STUDIES)) $(BENCH_FLAGS)

bench-ablation: $(VENV)  ## Recipe ladder with one part after another switched off: TASKS="a b" VARIANTS="c d" STUDIES=3 for a part; goes on where it stopped
	OMP_NUM_THREADS=1 nice -n 10 $(BIN)/python -m benchmarks.ablation $(if $(TASKS),--tasks "$(TASKS)") $(if $(VARIANTS),--variants "$(VARIANTS)") \
		$(if $(STUDIES),--studies $(STUDIES)) $(BENCH_FLAGS)

bench-batch: $(VENV_BENCH)  ## Every batch size timed to a target, what tune chooses, and whether it pays: TASKS="a b" for a part; goes on where it stopped
	OMP_NUM_THREADS=1 nice -n 10 $(BENCH)/python -m benchmarks.batch $(if $(TASKS),--tasks "$(TASKS)") $(BENCH_FLAGS)

bench-clues: $(VENV)  ## Runs whose right verdict is known, and which of two short runs foretells the better long one; eight minutes each with nothing on disk
	OMP_NUM_THREADS=1 nice -n 10 $(BIN)/python -m benchmarks.clues $(BENCH_FLAGS)
	OMP_NUM_THREADS=1 nice -n 10 $(BIN)/python -m benchmarks.clues.pairs $(BENCH_FLAGS)

bench-finders: $(VENV_BENCH)  ## Learning-rate finders beside the best of twelve rates tried in full: TASKS="a b" METHODS="c d" for a part; goes on where it stopped
	OMP_NUM_THREADS=1 nice -n 10 $(BENCH)/python -m benchmarks.finders $(if $(TASKS),--tasks "$(TASKS)") $(if $(METHODS),--methods "$(METHODS)") $(BENCH_FLAGS)

bench-kept-apart: $(VENV_BENCH)  ## The proof bench on six tasks that nothing is tuned on: METHODS="c d@1" STUDIES=3; goes on where it stopped; TUNESMITH_DATA names the data
	$(PROOF) --task-folder benchmarks/kept_apart --cache benchmarks/results/kept_apart --out runs/bench-kept-apart $(if $(METHODS),--methods "$(METHODS)") $(if $(STUDIES),--studies $(STUDIES)) $(BENCH_FLAGS)

bench-quick: $(VENV_BENCH)  ## Four tasks, three studies, four methods; under 15 minutes with nothing cached
	$(PROOF) --quick $(BENCH_FLAGS)

bench-speed: $(VENV_BENCH)  ## How fast loop, range test, short runs, store and report are, beside bare torch and the peers
	OMP_NUM_THREADS=1 $(BENCH)/python -m benchmarks.speed $(BENCH_FLAGS)

bench-sweeps: $(VENV)  ## How well a thousand made-up range tests are read, by us and by the peers' rules
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.sweeps $(BENCH_FLAGS)

bench-tables: $(VENV_BENCH)  ## The committed tables again, out of the committed rows; trains nothing
	$(PROOF) --cached --out benchmarks/results $(BENCH_FLAGS)
	$(PROOF) --cached --quick --out benchmarks/results $(BENCH_FLAGS)
	$(BENCH)/python -m benchmarks.finders --cached --out benchmarks/results

clean:  ## Remove what the other targets made, .venv included
	rm -rf .venv .venv-bench build dist docs/_build .pytest_cache .ruff_cache .hypothesis .import_linter_cache
