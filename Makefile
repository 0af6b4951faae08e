# `make run` and `make test` do their whole set-up on a machine with only Python >= 3.11, pip and make.
#
#   PYTHON=python3.12   the interpreter to build .venv from (default: python3)
#   CHROMIUM=/path      the browser of the browser tests (default: the lightest Chromium on the PATH)
#   WORKERS=4           processes of a run (default: 3 for `make test`, whose browsers wait, 2 for the long runs)
#   ARGS='-k merge'     more arguments for pytest, or for `marketplace serve` in `make run`

PYTHON ?= python3
WORKERS ?=
ARGS ?=
CHROMIUM ?=
export CHROMIUM

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
PO := $(shell find marketplace_plugin ui_fragments -name '*.po' 2>/dev/null)
MO := $(PO:.po=.mo)
PYTEST := $(BIN)/python -m pytest
LONG := --hypothesis-profile=laws -o faulthandler_timeout=0
PIP := $(PYTHON) -m pip --python $(BIN)/python --disable-pip-version-check

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test check format laws faults fuzz bench peers messages lock clean setup chromium

help: ## say what each target does
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-10s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

run: setup ## start Steg and the stand-ins of the services, and print their addresses
	$(BIN)/python -m marketplace_plugin.cli serve --demo $(ARGS)

TYPES := $(VENV)/types.log

test: setup chromium ## check, and run all tests; types are checked beside the first of them
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@$(BIN)/mypy > $(TYPES) 2>&1 & checked=$$!; \
	$(PYTEST) -n $(or $(WORKERS),3) --dist worksteal $(ARGS); tests=$$?; \
	wait $$checked; types=$$?; cat $(TYPES); exit $$((tests || types))

check: setup ## lint, formatting and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: setup ## format the code and sort its imports
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

laws: tests/laws setup ## the laws of the sync core, at full length: over 200,000 steps (up to an hour)
	$(PYTEST) tests/laws $(LONG) -n $(or $(WORKERS),2) --dist worksteal --least-steps=200000 $(ARGS)

faults: tests/faults setup ## kill workers, then take away one safeguard at a time: each must turn its tests red
	$(PYTEST) tests/engine/passes/test_killed.py -o faulthandler_timeout=0
	$(BIN)/python -m tests.faults.safeguards $(ARGS)

fuzz: tests/fuzz setup ## malformed input against every door
	$(PYTEST) tests/fuzz $(LONG) -n $(or $(WORKERS),2) $(ARGS)

bench: bench/__main__.py setup ## measure cost and capacity
	$(BIN)/python -m bench $(ARGS)

peers: setup ## sign-in and calendars against an independent program, the npm package emulate
	$(BIN)/python -m tests.peers $(ARGS)

# A part that does not exist must fail, never pass in silence.
tests/laws tests/faults tests/fuzz bench/__main__.py:
	@echo "make: there is no $@ in this checkout, so nothing was run." >&2; exit 1

messages: setup ## collect the texts into the catalogues, then compile them
	$(BIN)/python -m tests.catalogues

lock: setup ## pin the dependencies again, with hashes
	$(PIP) install --quiet uv
	$(BIN)/uv pip compile $(LOCK) --output-file=requirements/runtime.txt pyproject.toml
	$(BIN)/uv pip compile $(LOCK) --output-file=requirements/dev.txt \
	  --constraints=requirements/runtime.txt pyproject.toml requirements/dev.in
LOCK := --upgrade --universal --fork-strategy=fewest --python-version=3.11 --generate-hashes \
  --no-header --no-annotate --no-emit-index-url --quiet

clean: ## remove the environment and all that builds and tests left behind
	rm -rf $(VENV) .peers build dist htmlcov .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find marketplace_plugin hooks tests -name __pycache__ -type d -prune -exec rm -rf {} +
	find marketplace_plugin ui_fragments -name '*.mo' -delete

# ---- set-up --------------------------------------------------------------------------------------

setup: $(INSTALLED) $(MO)

# Debian's Python without python3-venv has no ensurepip; its pip then works from outside.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "make: Python 3.11 or newer is needed; '$(PYTHON)' is missing or older." >&2; \
	  echo "      Name another one: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@$(PYTHON) -m pip --version >/dev/null || { \
	  echo "make: '$(PYTHON)' has no pip; install it (Debian: apt-get install python3-pip)." >&2; exit 1; }
	$(PYTHON) -m venv --without-pip $(VENV)

$(INSTALLED): requirements/dev.txt pyproject.toml | $(BIN)/python
	$(PIP) install --quiet --no-compile --require-hashes -r requirements/dev.txt
	$(PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $@

%.mo: %.po | $(INSTALLED)
	$(BIN)/pybabel --quiet compile --input-file=$< --output-file=$@

chromium:
	@if [ -n "$(CHROMIUM)" ]; then \
	  command -v "$(CHROMIUM)" >/dev/null || { \
	    echo "make: CHROMIUM=$(CHROMIUM) is not a program." >&2; exit 1; }; \
	elif ! command -v chromium-headless-shell >/dev/null && ! command -v chromium >/dev/null; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -q && export DEBIAN_FRONTEND=noninteractive && \
	      { apt-get install -q -y --no-install-recommends chromium-headless-shell || \
	        apt-get install -q -y --no-install-recommends chromium; }; \
	  else \
	    echo "make: the browser tests need Chromium, and none was found. Install it (Debian: apt-get install" >&2; \
	    echo "      chromium-headless-shell) or name one: make test CHROMIUM=/path/to/chromium" >&2; exit 1; \
	  fi; \
	fi
