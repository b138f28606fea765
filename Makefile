# `make demo` and `make test` are all the set-up there is; the rest is for people who work on the project.

PYTHON ?= python3
VENV := .venv
UV_VERSION := 0.13.9
UV := UV_PROJECT_ENVIRONMENT=$(VENV) $(VENV)/bin/uv
BIN := $(VENV)/bin
CHROMIUM = $(or $(TRIPPER_CHROMIUM),$(shell command -v chromium || command -v chromium-browser || command -v google-chrome))
AS_ROOT = $(if $(filter 0,$(shell id -u)),,sudo -n)
TESTS ?= tripper_assets_tests
RERUNS ?= 0
ONE_IN ?= 1
LONG = $(shell grep -rl --include='test_*.py' 'mark\.long' $(TESTS) 2>/dev/null)
RUN = $(BIN)/pytest --dist loadfile --no-loadscope-reorder -r aR --reruns $(RERUNS)
COVERAGE := --cov --cov-branch --cov-report=term:skip-covered --cov-fail-under=90

# Without compiled files each start of dagster compiles a thousand modules anew, which costs four seconds.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup browser demo up down test test-long lint types imports validate bench format clean

help:  ## what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/bin/uv:
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info < (3, 14) else "Python 3.11 to 3.13 is needed, this is %s; try make PYTHON=python3.12" % sys.version.split()[0])'
	@echo "Making the environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

$(VENV)/.run: uv.lock pyproject.toml | $(VENV)/bin/uv
	@echo "Installing what the lock file names"
	@$(UV) sync --frozen --inexact --no-dev --quiet
	@touch $@

$(VENV)/.dev: uv.lock pyproject.toml | $(VENV)/bin/uv
	@echo "Installing what the lock file names, with the tools for tests"
	@$(UV) sync --frozen --inexact --quiet
	@touch $@ $(VENV)/.run

$(VENV)/.bench: uv.lock pyproject.toml | $(VENV)/bin/uv
	@echo "Installing what the lock file names, with the peers of the benchmarks"
	@$(UV) sync --frozen --inexact --quiet --group bench
	@touch $@ $(VENV)/.dev $(VENV)/.run

setup: $(VENV)/.dev  ## make the environment, with the tools for tests

browser: $(VENV)/.run  ## what render_javascript: auto needs: Playwright, and Chromium from apt-get
	@$(UV) sync --frozen --inexact --no-dev --quiet --extra browser
	@if [ -n "$(CHROMIUM)" ]; then echo "Chromium is $(CHROMIUM)"; \
	  elif command -v apt-get >/dev/null && { [ "$$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }; then \
	    echo "Installing Chromium with apt-get"; \
	    $(AS_ROOT) apt-get update -qq && $(AS_ROOT) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null; \
	  else echo "Install Chromium, or set TRIPPER_CHROMIUM to the path of one: apt-get or root is missing here" >&2; exit 1; fi

demo: $(VENV)/.run  ## take the bundled sample site through the whole graph
	@$(BIN)/tripper demo $(ARGS)

up: $(VENV)/.run  ## PostgreSQL, Dagster on http://127.0.0.1:3000 and the sample site, until Ctrl-C
	@$(BIN)/tripper up $(ARGS)

down: $(VENV)/.run  ## stop what make up started
	@$(BIN)/tripper down

test: lint types imports validate  ## linters, types, import rules and all tests with few seeds
	@$(RUN) -n 2 -m "not long" $(COVERAGE) $(TESTS)

# Long tests wait for ticks, servers and deadlines more than they work: three go well on two cores.
# Only files that have some are looked at: to look for six thousand tests takes each worker half a minute.
test-long: $(VENV)/.dev  ## the full counts of seeds, kills and fuzz cases; ONE_IN=5 runs a fifth of the seeds
	@$(RUN) -n 3 -m long --one-in $(ONE_IN) $(or $(LONG),$(TESTS))

lint: $(VENV)/.dev  ## ruff
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .

types: $(VENV)/.dev  ## basedpyright, strict
	@$(BIN)/basedpyright --level error

imports: $(VENV)/.dev  ## the layers, held by import-linter
	@$(BIN)/lint-imports --no-cache

validate: $(VENV)/.dev  ## does the code location load
	@home=$$(mktemp -d) && DAGSTER_HOME=$$home TRIPPER_HOME=$$home $(BIN)/dagster definitions validate -w workspace.yaml --log-level warning; \
	  status=$$?; rm -rf $$home; exit $$status

bench: $(VENV)/.bench  ## every benchmark, one table, benchmarks/results/latest.json
	@$(BIN)/python -m benchmarks

format: $(VENV)/.dev  ## rewrite files as ruff wants them
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

clean:  ## remove the environment and what runs left behind
	rm -rf $(VENV) .tripper .coverage .pytest_cache .ruff_cache .hypothesis
