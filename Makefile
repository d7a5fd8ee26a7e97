# Each target does its own set-up in .venv and may be repeated. `make help` lists them.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
MONTH ?= 2020-08
CHECKS := check-types check-style check-definitions check-layers
PORT ?= 3000

.DEFAULT_GOAL := help
.PHONY: help setup run dev test test-fast check $(CHECKS) collected stop lock bench-matching docs pictures licences sbom

help:            ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 18

# Compiled ahead, on all cores: where Python writes no bytecode (PYTHONDONTWRITEBYTECODE), each command would compile the packages again.
# The lock names all packages, so that pip looks for no dependencies.
setup: .venv/ready  ## virtual environment with the locked packages
	@$(BIN)/python -m compileall -q alexandria_pipeline alexandria_pipeline_tests

.venv/ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 setup"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing the locked packages into .venv (about a minute the first time) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-compile --require-hashes -r requirements.lock
	@$(BIN)/python -m compileall -q -j 0 -x '/tests?/' .venv/lib
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

run: setup       ## a month of real books, listed, kept, resolved and checked (MONTH=2020-08)
	@$(BIN)/alexandria run $(MONTH)

dev: setup       ## the Dagster UI and daemon on http://localhost:3000 (PORT=3000)
	@echo "Dagster UI: http://localhost:$(PORT)  (Ctrl-C ends it; the database stays up until make stop)"
	@exec $(BIN)/python -m alexandria_pipeline.orchestration.dev -p $(PORT)

# One worker more than cores: the long tests wait for their processes. Each worker imports all tests, so that more of them cost more.
test: setup      ## everything: format, lint, types, layers, tests
	@$(MAKE) --no-print-directory -j $$(getconf _NPROCESSORS_ONLN) $(CHECKS) collected
	@$(BIN)/python -m pytest -q -n $$(($$(getconf _NPROCESSORS_ONLN) + 1))

test-fast: setup ## the tests without real processes and own servers, in less than a minute
	@env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest -q -n auto -m "not slow"

check: setup     ## format, lint, types and layers, without the tests
	@$(MAKE) --no-print-directory -j $$(getconf _NPROCESSORS_ONLN) $(CHECKS)

check-types:
	@$(BIN)/mypy
	@$(BIN)/mypy benchmarks/*.py tools/*.py

check-style:
	@$(BIN)/ruff format --check --quiet . || { echo "run: .venv/bin/ruff format ."; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/python tools/check_words.py

# Every test can be imported. Their bytecode is kept, which each worker would make again.
collected:
	@env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest -q --collect-only > .venv/collected.log 2>&1 || { tail -50 .venv/collected.log; exit 1; }

check-definitions:
	@VIRTUAL_ENV=$(CURDIR)/.venv $(BIN)/dg check defs > .venv/dg.log 2>&1 || { cat .venv/dg.log; exit 1; }

check-layers:
	@$(BIN)/lint-imports

bench-matching: setup  ## precision and recall of the matcher on the gold set, trap by trap
	@$(BIN)/python benchmarks/matching.py

docs:            ## the site of the documents in site/, built strictly
	@test -x .venv-docs/bin/mkdocs || { $(PYTHON) -m venv .venv-docs && .venv-docs/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r deploy/docs.lock; }
	@NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --strict --quiet

licences: setup  ## docs/licences.md: the licences of what the image installs
	@$(BIN)/python tools/licences.py

sbom:            ## sbom.json: the packages of the image in CycloneDX, the same for the same lock
	@test -x .venv-sbom/bin/cyclonedx-py || { $(PYTHON) -m venv .venv-sbom && .venv-sbom/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r deploy/sbom.lock; }
	@.venv-sbom/bin/cyclonedx-py requirements deploy/requirements.lock --pyproject pyproject.toml --output-reproducible --output-file sbom.json
	@echo "sbom.json"

pictures: setup  ## the pictures of the README, made from the running product (needs Chromium)
	@$(BIN)/python tools/pictures.py

stop:            ## stops the local database; its data stay
	@if test -x $(BIN)/alexandria; then $(BIN)/alexandria db stop; fi

lock:            ## writes requirements.lock anew from pyproject.toml
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-strip-extras --no-header --upgrade --quiet --output-file requirements.lock
	@$(BIN)/uv pip compile --group sbom --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-strip-extras --no-header --no-annotate --quiet --output-file deploy/sbom.lock
	@$(BIN)/uv pip compile --group docs --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-strip-extras --no-header --no-annotate --quiet --output-file deploy/docs.lock
	@$(BIN)/uv pip compile pyproject.toml --constraint requirements.lock --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-strip-extras --no-header --no-annotate --quiet --output-file deploy/requirements.lock
	@$(BIN)/uv pip compile pyproject.toml --extra launchers --constraint requirements.lock --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-strip-extras --no-header --no-annotate --quiet --output-file deploy/launchers.lock
