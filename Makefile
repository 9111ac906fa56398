# `make help` lists what there is. Everything lives in .venv, installed from the lock files with their hashes.

PYTHON ?= python3
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
# Three tests at a time on two cores, for half of a test is waiting; a file stays with one worker, as its region does.
WORKERS := --numprocesses=3 --dist=loadfile --no-loadscope-reorder
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input --quiet
UV_VERSION := 0.13.9
LOCK := $(VENV)/bin/uv pip compile pyproject.toml --universal --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --quiet --extra build

.DEFAULT_GOAL := help
.PHONY: help demo test test-long check bench lock check-tools check-servers

help: ## this list
	@grep --extended-regexp '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed --regexp-extended 's/^([a-z-]+):.*## /\1\t/' | expand --tabs=12

demo: $(VENV)/.installed ## the sample region: ARGS="--once --json"
	@$(BIN)/hub demo $(ARGS)

test: check-servers $(VENV)/.installed-dev ## what .ci/run calls: style, types, import rules, tests
	@$(MAKE) --no-print-directory check
	$(BIN)/python -m pytest $(if $(strip $(ARGS)),$(ARGS),$(WORKERS))

test-long: check-servers $(VENV)/.installed-dev ## the same with the long forms
	@$(MAKE) --no-print-directory check
	HYPOTHESIS_PROFILE=long $(BIN)/python -m pytest -m "long or not long" --timeout=21600 $(if $(strip $(ARGS)),$(ARGS),$(WORKERS))

check: $(VENV)/.installed-dev ## style, types and import rules only
	$(BIN)/ruff check hub connectors contracts consent tests
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.installed ## speed, as ratios from one run
	@$(BIN)/hub bench $(ARGS)

lock: $(VENV)/.made ## the lock files anew from pyproject.toml; ARGS="--upgrade" for newer versions
	@$(PIP) install uv==$(UV_VERSION)
	$(LOCK) --output-file requirements.lock $(ARGS)
	$(LOCK) --extra dev --output-file requirements-dev.lock $(ARGS)
	@! grep --line-number '://' requirements.lock requirements-dev.lock

check-tools:
	@missing=""; \
	command -v git > /dev/null || missing="$$missing git"; \
	if ! command -v $(PYTHON) > /dev/null; then missing="$$missing python3 python3-venv"; \
	elif ! $(PYTHON) -c 'import ensurepip, venv' 2> /dev/null; then missing="$$missing python3-venv"; fi; \
	if [ -n "$$missing" ]; then echo "Missing:$$missing. Install with: sudo apt-get install --yes$$missing" >&2; exit 1; fi; \
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	{ echo "Python 3.11 or newer is needed; name one with: make PYTHON=python3.11 ..." >&2; exit 1; }

check-servers:
	@missing=""; \
	command -v gpg > /dev/null || missing="$$missing gnupg"; \
	command -v openssl > /dev/null || missing="$$missing openssl"; \
	ls /usr/lib/postgresql/*/bin/postgres > /dev/null 2>&1 || command -v postgres > /dev/null || missing="$$missing postgresql"; \
	test -x /usr/lib/rabbitmq/bin/rabbitmq-server || missing="$$missing rabbitmq-server"; \
	if [ -n "$$missing" ]; then echo "Missing:$$missing. Install with: sudo apt-get install --yes$$missing" >&2; exit 1; fi

# Stamps are written last, so that an interrupted step is done again.
$(VENV)/.made: | check-tools
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.installed: requirements.lock pyproject.toml $(VENV)/.made
	@echo "Installing from requirements.lock ..." >&2
	@$(PIP) install --require-hashes --requirement requirements.lock
	@$(PIP) install --no-index --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock $(VENV)/.installed
	@echo "Installing from requirements-dev.lock ..." >&2
	@$(PIP) install --require-hashes --requirement requirements-dev.lock
	@touch $@
