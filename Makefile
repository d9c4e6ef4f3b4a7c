# Every target sets up what it needs; nothing has to be installed by hand.
# The first Python that is new enough; `make PYTHON=...` says otherwise.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.14; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && exit; done; echo python3)
VENV   := .venv
BIN    := $(VENV)/bin
STORE  ?= .evalforge/demo.db

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-full lint type format bench eval-live pictures clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/ready: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("EvalForge needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.12") if sys.version_info < (3, 11) else None'
	@$(PYTHON) -m venv $(VENV)
	@echo "installing the pinned dependencies into $(VENV) (a minute or two, once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

setup: $(VENV)/ready ## make the virtual environment

demo: $(VENV)/ready ## run the whole loop over the sample shop assistant
	@$(BIN)/evalforge demo --store $(STORE)

# What keeps a core busy runs beside the pipelines; the emulators, whose deadlines are real, come last.
BESIDE := tests/unit tests/infra tests/contract tests/pipeline/test_run_files.py tests/pipeline/test_schedules.py

test: $(VENV)/ready ## all tests but the long campaigns
	@mkdir -p build
	@$(BIN)/python -m pytest -m "not full" $(BESIDE) >build/beside.log 2>&1 & beside=$$!; \
	$(BIN)/python -m pytest -m "not full" $(BESIDE:%=--ignore=%); others=$$?; \
	wait $$beside; ended=$$?; cat build/beside.log; exit $$((others | ended))

test-full: $(VENV)/ready ## the long campaigns too
	@EVALFORGE_EXAMPLES_TIMES=20 $(BIN)/python -m pytest

lint: $(VENV)/ready ## ruff: rules and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: $(VENV)/ready ## put the code into the one format
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

type: $(VENV)/ready ## mypy, strict
	@$(BIN)/mypy

bench: $(VENV)/ready ## measure: medians and ratios in one run
	@$(BIN)/python -m tests.bench

# What it may cost, and how many failures it asks about: `make eval-live DOLLARS=0.5 LIMIT=10`.
eval-live: $(VENV)/ready ## measure rules and a real model (needs GOOGLE_CLOUD_PROJECT; costs money)
	@$(BIN)/python -m tests.live $(if $(LIMIT),--limit $(LIMIT)) $(if $(DOLLARS),--dollars $(DOLLARS))

pictures: $(VENV)/ready ## draw the README's picture from a real run
	@$(BIN)/python docs/render_demo.py

clean: ## remove what was set up and the embedded stores
	rm -rf $(VENV) .evalforge build *.egg-info
