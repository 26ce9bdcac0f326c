# Two commands on a fresh machine: `make repro` runs the pipeline, `make test` the tests. Each sets up what it needs.
PYTHON ?= python3
BIN := .venv/bin
# `dvc` runs stages through a shell, so the programs of the environment must be first on the path.
export PATH := $(CURDIR)/$(BIN):$(PATH)
export DVC_NO_ANALYTICS := 1
export MLFLOW_DISABLE_TELEMETRY := true
export DO_NOT_TRACK := true
# Python and pytest keep what they have compiled, also where the environment, as that of a container, says otherwise.
export PYTHONDONTWRITEBYTECODE :=
PORT ?= 5000
# The programs of an environment contain its path, so they are those of the old folder after a move.
MADE_IN := $(shell cat .venv/.complete 2>/dev/null)
ifneq ($(filter-out help clean lock,$(MAKECMDGOALS)),)
ifneq ($(MADE_IN),)
ifneq ($(MADE_IN),$(CURDIR))
$(error .venv was made in $(MADE_IN) and does not work here; remove it (rm -r .venv) and run make again)
endif
endif
endif

.PHONY: help repro test test-fast check format ui report verify lock clean
help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 12

.venv/.complete: requirements.lock pyproject.toml
	@echo "== setting up .venv (a few minutes the first time)"
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'Python 3.11 or newer is needed: make PYTHON=python3.11 ...')"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes --requirement requirements.lock
	@# The lock has no torch: its builds for CPU, CUDA and macOS are different files, and pip takes the one of this machine.
	$(BIN)/python -m pip install --quiet --no-build-isolation --editable .
	@pwd -P > $@

repro: .venv/.complete ## run the pipeline: train and compare every model of params.yaml
	@echo "== cleaning up after interrupted runs"
	@$(BIN)/python -m unroll doctor
	@echo "== running the pipeline"
	$(BIN)/python -m unroll repro
	@cat reports/leaderboard.md

test: .venv/.complete ## run all tests
	@# By file, since xdist's groups have no effect with pytest 9.2; a file's tests share what its first one makes.
	@echo "== running the tests"
	$(BIN)/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder

test-fast: .venv/.complete ## run the tests that take less than half a second each
	$(BIN)/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder -m "not slow"

check: .venv/.complete ## lint, format, spelling, types, layers, dependencies
	@echo "== checking style, types, layers and dependencies"
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m codespell_lib
	$(BIN)/python -m mypy
	$(BIN)/python -m pytest -q tests/test_layers.py tests/pipeline/test_dependencies.py

format: .venv/.complete ## format the code, and fix what ruff can fix
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

ui: .venv/.complete ## compare runs in the browser: http://127.0.0.1:5000 (PORT=...)
	-@$(BIN)/python -m unroll doctor
	@$(BIN)/python -m unroll ui --port $(PORT)

report: .venv/.complete ## make the report again from the existing metrics
	$(BIN)/python -m dvc repro --single-item --force report
	@cat reports/leaderboard.md

verify: .venv/.complete ## run the pipeline from nothing in two folders and compare the hash of every output
	@rm -rf .verify && mkdir .verify
	@for copy in one two; do \
	  echo "== pipeline $$copy"; git clone --quiet . ".verify/$$copy" && \
	  (cd ".verify/$$copy" && rm -rf dvc.lock metrics reports) && \
	  (cd ".verify/$$copy" && ../../$(BIN)/python -m unroll doctor && ../../$(BIN)/python -m dvc repro --quiet) || exit 1; \
	done
	cd .verify/one && ../../$(BIN)/python -m unroll verify --against ../two/dvc.lock

lock: ## resolve pyproject.toml into requirements.lock (UPGRADE=--upgrade takes newer versions)
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && $(PYTHON) -m venv "$$folder" && \
	  "$$folder/bin/python" -m pip install --quiet uv==0.13.9 && \
	  "$$folder/bin/uv" pip compile --quiet --extra dev $(UPGRADE) --output-file requirements.lock pyproject.toml

clean: ## remove the environment and all outputs of the pipeline that git does not track
	rm -rf .venv .verify data models mlruns reports/samples .dvc/cache .dvc/tmp
