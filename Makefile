# Thin on purpose: what a target does is in tools/, pyproject.toml or the package itself.
SHELL := /bin/bash
.DEFAULT_GOAL := help

# As root the environment lies under /opt, where the accounts that jobs run as can read it.
HERE := $(shell pwd -P)
ifeq ($(shell id -u),0)
VENV ?= /opt/sampan/$(shell printf %s '$(HERE)' | sha256sum | cut -c1-8)/venv
else
VENV ?= $(HERE)/.venv
endif
BIN := $(VENV)/bin
PORT ?= 8000
ARGS ?=
export PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD = 1

COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	--no-emit-index-url --no-emit-find-links --upgrade

.PHONY: help setup demo test lint bench soak docs reference screenshots broken lock clean

help: ## What can be made
	@sed -nE 's/^([a-z]+):.*## (.*)/  make \1\t\2/p' Makefile | expand -t 16

setup: ## The environment; .venv leads to it
	@tools/setup "$(VENV)"

demo: setup ## A federation on this machine, on http://127.0.0.1:8000 (PORT=); FEDERATION=1: of real Slurm, as root
ifeq ($(FEDERATION),1)
	@tools/debian-packages
	$(BIN)/python -m tests.federation demo --port $(PORT)
else
	$(BIN)/sampan up --port $(PORT)
endif

test: setup ## All tests; ARGS= goes to pytest
	@tools/debian-packages
	@tools/tests "$(BIN)/python" $(ARGS)

lint: setup ## ruff, mypy, import contracts, pre-commit's other hooks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	PYTHONPATH=hub:spawners:kernels:extensions $(BIN)/lint-imports
	cd extensions/lab && PATH="$(BIN):$$PATH" jlpm lint
	SKIP=lab,ruff-check,ruff-format,mypy,lint-imports PATH="$(BIN):$$PATH" $(BIN)/pre-commit run --all-files

bench: setup ## Measurements: tests/bench (ARGS="placement link start")
	$(BIN)/python -m tests.bench $(ARGS)

soak: setup ## Long runs: tests/soak
	@tools/debian-packages
	$(BIN)/python -m pytest tests/soak --timeout=0 $(ARGS)

docs: setup ## The documentation, in build/docs
	$(BIN)/sphinx-build -q -W --keep-going -b html docs build/docs

reference: setup ## The pages of docs/reference that are made from the code
	$(BIN)/python -m tools.reference

screenshots: setup ## docs/images, from a real browser
	@tools/debian-packages
	SAMPAN_SCREENSHOTS=1 $(BIN)/python -m pytest tests/ways/test_browser.py

broken: setup ## The page of what was broken on purpose, from a run of its tests; as root
	@tools/debian-packages
	SAMPAN_BROKEN=1 $(BIN)/python -m pytest tests/faults $(ARGS)

lock: setup ## Renew requirements/*.lock and the proxy's lock
	$(COMPILE) --extra hub --extra user --extra data --extra dev pyproject.toml -o requirements/dev.lock
	$(COMPILE) --extra user -c requirements/dev.lock pyproject.toml -o requirements/user.lock
	$(COMPILE) --no-deps --extra data -c requirements/dev.lock pyproject.toml -o requirements/data.lock
	cd hub/proxy && PATH="$(BIN):$$PATH" npm update --package-lock-only --omit-lockfile-registry-resolved --no-fund --no-audit

clean: ## Remove what was built, the environment too
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache "$(VENV)" "$(VENV).lock"
	[ ! -L .venv ] || rm .venv
