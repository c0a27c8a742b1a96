# Needs make and Python 3.11 or later; everything else is installed into .venv.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Which requirements are installed is part of the stamp's name: a change of one installs again.
STAMP := $(VENV)/.installed-$(shell cat requirements.txt | cksum | cut -d' ' -f1)
DEV_STAMP := $(VENV)/.installed-dev-$(shell cat requirements.txt requirements-dev.txt | cksum | cut -d' ' -f1)
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
# How many tests run at the same time.
JOBS ?= 2
TESTS ?=
# The benchmark: messages of a workload, runs, and further words for `python -m tests.bench`.
N ?= 20000
RUNS ?= 1
BENCH ?=
# How often the cases that depend on chance are repeated by `make faults`.
ROUNDS ?= 50

# An installation as it should be, so that `check --deploy` has nothing to complain of.
PRODUCTION := ENV_FILE=/dev/null DEBUG=false PUBLIC_URL=https://sms.example.com \
	SECRET_KEY="$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(50))')" \
	CREDENTIAL_KEYS="$$($(BIN)/python -c 'import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())')" \
	DATABASE_URL=postgresql://sms@127.0.0.1/sms REDIS_URL=redis://127.0.0.1/0

.PHONY: help run test bench faults lint checks pytest format browser clean

help: ## Show this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/'

run: $(STAMP) ## Run everything on this machine; Ctrl-C stops it
	@exec $(BIN)/python manage.py up

test: lint checks pytest ## Run every check and every test

lint: $(DEV_STAMP) ## Check format, rules, types and boundaries
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

checks: $(DEV_STAMP)
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(PRODUCTION) $(BIN)/python manage.py check --deploy --fail-level WARNING

pytest: $(DEV_STAMP) browser
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup $(TESTS)

bench: $(DEV_STAMP) ## Measure rates, latency, cost and losses; N=2000 for a short try
	$(BIN)/python -m tests.bench --messages $(N) --runs $(RUNS) $(BENCH)

faults: $(DEV_STAMP) ## Kill, starve and confuse the running product, at length; `make test` does it briefly
	ROUNDS=$(ROUNDS) $(BIN)/python -m pytest tests/faults

format: $(DEV_STAMP) ## Format the code and repair what can be repaired
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The browser tests need a Chromium. Where none can be had they fail, and say so.
browser: $(DEV_STAMP)
	@for name in chromium chromium-browser google-chrome; do \
		if command -v $$name >/dev/null; then exit 0; fi; \
	done; \
	if ls "$${PLAYWRIGHT_BROWSERS_PATH:-$$HOME/.cache/ms-playwright}"/chromium* >/dev/null 2>&1; then exit 0; fi; \
	as_root=""; \
	if [ "$$(id -u)" != 0 ]; then as_root="sudo -n"; fi; \
	if command -v apt-get >/dev/null && $$as_root true 2>/dev/null; then \
		echo "Installing Chromium for the browser tests"; \
		export DEBIAN_FRONTEND=noninteractive; \
		if $$as_root apt-get update -qq </dev/null && \
			$$as_root apt-get install -y -qq --no-install-recommends chromium </dev/null >/dev/null; then exit 0; fi; \
	fi; \
	$(BIN)/playwright install chromium || echo "No Chromium could be installed: browser tests will fail." >&2

clean: ## Remove the virtual environment, caches and all local data
	@if [ -e var/up.lock ] && ! flock --nonblock var/up.lock true; then \
		echo "make run is running here: stop it first" >&2; exit 1; \
	fi
	rm -rf $(VENV) var .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or later is needed; name it: make PYTHON=python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(STAMP): | $(BIN)/python
	$(PIP) -r requirements.txt
	@touch $@

$(DEV_STAMP): | $(BIN)/python
	$(PIP) -r requirements-dev.txt
	@touch $@ $(STAMP)
