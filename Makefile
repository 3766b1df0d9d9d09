# Everything runs from the repository's root, in .venv, from the locked versions.
PYTHON ?= python3
WORKERS ?= 2
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
TEST := $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal
TESTS ?= drawn
LOCKS := requirements/runtime.txt requirements/dev.txt
INPUTS = $(PYTHON) requirements/inputs.py

# Hundreds of processes are started here: none compiles the same modules again, even where the environment asks for it.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help venv demo test coverage check bench lock lock-check clean

help:  ## print the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo 'Variables: PYTHON (3.11 or newer), WORKERS (test processes), TESTS (drawn, all), ARGS (passed on to test and bench)'

venv: $(READY)  ## create .venv from the lock; does nothing when lock and pyproject are unchanged

# The installer comes from the lock too, with its hashes, before anything else is installed.
$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "$(PYTHON) is older than Python 3.11: set PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	awk '/^[^ ]/ { wanted = /^uv==/ } wanted' requirements/dev.txt > $(VENV)/uv.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $(VENV)/uv.txt

$(READY): requirements/dev.txt pyproject.toml | $(BIN)/uv
	$(BIN)/uv pip sync --system-certs --quiet --python $(BIN)/python --require-hashes requirements/dev.txt
	$(BIN)/uv pip install --system-certs --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

demo: venv  ## run every pipeline on generated data, twice: all of it, then only what is new
	PATH="$(CURDIR)/$(BIN):$$PATH" sh pipelines/demo.sh

test: venv  ## run the tests and doctests (ARGS="-k name" for some of them; TESTS=all draws none, but takes all)
	SLUICE_TESTS=$(TESTS) $(TEST) $(ARGS)

coverage: venv  ## run the tests and hold the branch coverage of framework against its gate
	$(TEST) --cov --cov-report=term $(ARGS)

check: lock-check venv  ## everything that is checked without running the code
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/uv pip check --quiet --python $(BIN)/python

bench: venv  ## measure against the hand-written plan and against peers
	$(BIN)/python -m benchmarks $(ARGS)

lock: | $(BIN)/uv  ## write the lock files anew from pyproject.toml (ARGS=--upgrade for newer versions)
	set -e; inputs=$$($(INPUTS)); \
	compile() { $(BIN)/uv pip compile --system-certs --quiet --universal --python-version 3.11 --generate-hashes \
	  --custom-compile-command "make lock (inputs $$inputs)" $(ARGS) pyproject.toml "$$@"; }; \
	compile --output-file requirements/runtime.txt; \
	compile --all-extras --group test --group lint --group build --constraints requirements/runtime.txt --output-file requirements/dev.txt

lock-check:  ## fail if the lock files were not made from this pyproject.toml (needs no network)
	@inputs=$$($(INPUTS)); for lock in $(LOCKS); do grep -q "make lock (inputs $$inputs)" "$$lock" \
	  || { echo "$$lock is out of step with pyproject.toml: run 'make lock'" >&2; exit 1; }; done

clean:  ## remove .venv, caches and built files; data stays
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage .coverage.* htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
