# `make help` lists what there is.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000

.DEFAULT_GOAL := help
.PHONY: help setup run test test-full check bench lock catalogues clean

help: ## What can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(VENV)/.dev ## The environment for development and tests

run: $(VENV)/.run ## Start the archive at http://127.0.0.1:8000 (PORT moves it, LANTAI_DATA moves the data)
	@$(BIN)/lantai init --without-link
	@exec $(BIN)/lantai serve --port $(PORT)

test: setup ## All tests, the large matrices sampled
	$(BIN)/python -m pytest -n logical --dist loadfile --no-loadscope-reorder $(ARGS)

test-full: setup ## All tests, nothing sampled
	LANTAI_FULL=1 $(BIN)/python -m pytest --timeout 7200 -n logical --dist loadfile --no-loadscope-reorder $(ARGS)

check: setup ## Style, types, imports, catalogues
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m pytest -q tests/architecture $(ARGS)

bench: setup ## Measure, side by side with the denominators, and print the ratios
	$(BIN)/python -m tests.bench $(ARGS)

lock: ## Renew the lock files (needs uv)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
	  pyproject.toml --group build -o lock/run.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
	  pyproject.toml --group build --group dev -c lock/run.txt -o lock/dev.txt

catalogues: setup ## Collect the texts of the code into the translation catalogues
	$(BIN)/python build_catalogues.py --collect

clean: ## Remove the environment and caches, never data
	rm -rf $(VENV) .mypy_cache .ruff_cache .hypothesis .bench

# The environment is rebuilt when a lock file changes. Hashes are required; the index is whatever pip is set up for.
$(VENV)/.run: lock/run.txt pyproject.toml build_catalogues.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo 'Python 3.11 or newer is needed: apt install python3'; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' \
	  || { echo 'The venv module is needed: apt install python3-venv'; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r lock/run.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.run lock/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r lock/dev.txt
	@touch $@
