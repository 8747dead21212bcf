# Two commands for a newcomer: `make demo` and `make test`. Each sets up what it needs in a fresh clone.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
export PREFECT_SERVER_ANALYTICS_ENABLED := false
export DO_NOT_TRACK := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test test-fast lint types floors check docs clean help

help:  ## what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

demo: $(VENV)/installed  ## the whole route on an embedded site: no network, no GPU
	$(BIN)/python -m logoingest demo --workspace demo

test: lint types floors $(VENV)/installed  ## everything CI runs
	$(BIN)/python -m pytest

check: lint types floors  ## linters, types and import floors alone

test-fast: $(VENV)/installed  ## the inner loop: the rules and the labels, no servers, no training
	$(BIN)/python -m pytest tests/sources tests/splits tests/review tests/samples tests/labels/test_match.py tests/labels/test_class_map.py tests/labels/test_fold.py tests/test_config.py tests/test_boxes.py -m 'not slow and not deploy and not ray' -k 'not real'

docs: $(VENV)/installed  ## the documentation as a site, in site/: made without the network, warnings are errors
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[docs]'
	$(BIN)/python docs/generate.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

lint: $(VENV)/installed
	$(BIN)/ruff format --check src flows tests benchmarks examples docs
	$(BIN)/ruff check src flows tests benchmarks examples docs

types: $(VENV)/installed
	$(BIN)/mypy

floors: $(VENV)/installed
	$(BIN)/lint-imports

$(VENV)/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11))" || { echo "logoingest needs Python 3.11 or newer; name it with: make PYTHON=python3 $(MAKECMDGOALS)"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[train,prefect,s3,dev]'
	@touch $@


clean:  ## remove the environment and what the demo made
	rm -rf $(VENV) demo
