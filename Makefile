# Two commands for a newcomer: `make demo` and `make test`. Each sets up what it needs in a fresh clone.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
# A worker a core and one more, for what waits; a file stays whole, so that what its tests share is made once (tests/builders/side_by_side.py).
SIDE_BY_SIDE := -n logical --maxprocesses 8 --dist loadfile --no-loadscope-reorder
DECIDING := sources labels consensus samples splits review fetch/rules house
export PREFECT_SERVER_ANALYTICS_ENABLED := false
export DO_NOT_TRACK := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# A process compiles the modules that no process before it has loaded, and keeps them; pip would compile all 25,000, one after the other.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-fast suite lint types floors check docs clean help

help:  ## what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

demo: $(VENV)/demo  ## the whole route on an embedded site: no network, no GPU
	@$(BIN)/python -m logoingest demo --workspace demo

test: lint types floors $(VENV)/installed  ## everything CI runs
	$(BIN)/python -m pytest $(SIDE_BY_SIDE)

suite: $(VENV)/installed  ## all tests but those that are marked slow, or start Prefect or Ray: about four minutes on two cores
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) -m 'not slow and not deploy and not ray'

check: lint types floors  ## linters, types and import floors alone

test-fast: $(VENV)/installed  ## the inner loop: the rooms that decide, without a server, a training or another process
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) $(addprefix tests/,$(DECIDING)) -m 'not slow'

docs: $(VENV)/installed  ## the documentation as a site, in site/: made without the network, warnings are errors
	$(PIP_INSTALL) --editable '.[docs]'
	$(BIN)/python docs/generate.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

lint: $(VENV)/installed
	$(BIN)/ruff format --check src flows tests benchmarks examples docs
	$(BIN)/ruff check src flows tests benchmarks examples docs

types: $(VENV)/installed
	$(BIN)/mypy

floors: $(VENV)/installed
	$(BIN)/lint-imports

# On Linux the registry's torch brings CUDA along. Where only a CPU is used, name the index of PyTorch's CPU builds, and both come from there:
#   make demo TORCH_INDEX=https://…
TORCH_INDEX ?=
PIP_INSTALL := $(BIN)/pip install -qq --no-compile --constraint constraints.txt $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))

$(VENV)/demo: pyproject.toml constraints.txt
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11))" || { echo "logoingest needs Python 3.11 or newer; name it with: make PYTHON=python3 $(MAKECMDGOALS)"; exit 2; }
	@echo "installing into $(VENV), 1: the package and what it needs (0.5 GB, about half a minute)"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP_INSTALL) --editable .
	@echo "installing into $(VENV), 2: torch and torchvision for the baseline ($(if $(TORCH_INDEX),their CPU builds,5 GB with CUDA), one to three minutes)"
	@$(PIP_INSTALL) --editable '.[train]'
	@touch $@

$(VENV)/installed: $(VENV)/demo
	@echo "installing into $(VENV), 3: what the tests need: Prefect, S3, linters, other tools' readers (1 GB, about a minute)"
	@$(PIP_INSTALL) --editable '.[train,prefect,s3,dev]'
	@touch $@

clean:  ## remove the environment and what the demo made
	rm -rf $(VENV) demo
