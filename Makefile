# Retime. `make help` lists the targets; the first one that is called sets everything up.

PYTHON ?= python3
CC ?= cc
VENV := .venv
BIN := $(VENV)/bin
RETIME := $(BIN)/retime
SPEC ?= specs/quickstart.yaml
SPECS ?= $(SPEC)
SHELL_NAME ?= bash
SECONDS ?= 60
PYTEST ?= -q
# More processes would find too little memory for as many TensorFlows on a small machine.
SIDE_BY_SIDE := --numprocesses auto --maxprocesses 4 --dist loadscope --no-loadscope-reorder

HARNESS := $(wildcard native/src/*.[ch] native/include/*.h) native/build_ffi.py setup.py
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev init compare bench validate plan report overnight watch summary runs cache \
  doctor schema completion docs test test-fast test-native fuzz lint format \
  benchmark benchmark-build benchmark-batch benchmark-verdicts torture \
  check-architectures architectures lock clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-20s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

init: $(VENV)/.ready ## Write a commented spec to start from: make init SPEC=my.yaml
	@$(RETIME) init $(SPEC) $(ARGS)

compare: $(VENV)/.ready ## Compare two runs: make compare RUNS="A B"; or time finished models: MODELS="a.tflite b.tflite"
	@$(RETIME) $(if $(MODELS),compare-models $(MODELS),compare $(RUNS)) $(ARGS)

bench: $(VENV)/.ready ## Answer a spec's question: make bench SPEC=specs/quickstart.yaml [ARGS=--fresh]
	@$(RETIME) bench $(SPEC) $(ARGS)

validate: $(VENV)/.ready ## Check specs, run nothing: make validate SPEC="specs/*.yaml"
	@$(RETIME) validate $(SPEC) $(ARGS)

plan: $(VENV)/.ready ## Show what a bench would run, and why
	@$(RETIME) plan $(SPEC) $(ARGS)

report: $(VENV)/.ready ## Show an earlier result: make report RUN=runs/quickstart
	@$(RETIME) report $(RUN) $(ARGS)

overnight: $(VENV)/.ready ## Answer many specs in one go: make overnight SPECS="a.yaml b.yaml" [ARGS=--max-time=10h]
	@$(RETIME) batch $(SPECS) $(ARGS)

watch: $(VENV)/.ready ## Watch a batch or a bench that is at work, from another terminal
	@$(RETIME) watch $(ARGS)

summary: $(VENV)/.ready ## Read what came of the last batch
	@$(RETIME) summary $(ARGS)

runs: $(VENV)/.ready ## List earlier runs, the newest first: make runs [ARGS="--verdict slower --since 7d"]
	@$(RETIME) runs $(ARGS)

cache: $(VENV)/.ready ## Show what stages made: make cache [ARGS="verify"], [ARGS="prune --older-than 30d"]
	@$(RETIME) cache $(ARGS)

doctor: $(VENV)/.ready ## Say whether this machine is fit to measure, and what would make it fitter
	@$(RETIME) doctor $(ARGS)

schema: $(VENV)/.ready ## Print a JSON Schema: make schema [ARGS=result], [ARGS=--where] for its path
	@$(RETIME) schema $(ARGS)

completion: $(VENV)/.ready ## Print a completion script: make -s completion SHELL_NAME=zsh > _retime
	@$(RETIME) completion $(SHELL_NAME)

docs: $(VENV)/.ready ## Renew docs/spec-reference.md from the schema
	@$(RETIME) schema --format markdown > docs/.spec-reference.md
	@mv docs/.spec-reference.md docs/spec-reference.md

test: setup-dev lint test-native ## Everything that CI runs: style, types, contracts, C, Python
	@$(BIN)/python -m pytest $(PYTEST) $(SIDE_BY_SIDE) --basetemp=.pytest_tmp $(ARGS)

test-fast: setup-dev ## The tests that need no TensorFlow
	@$(BIN)/python -m pytest $(PYTEST) --basetemp=.pytest_tmp -m fast $(ARGS)

check-architectures: setup-dev ## Hold the tables on Keras's networks against Keras in full; about an hour
	@$(BIN)/python -m pytest $(PYTEST) --basetemp=.pytest_tmp -m exhaustive $(ARGS)

architectures: setup-dev ## Renew the names of layers from the installed Keras
	@$(BIN)/python -m tests.spec.make_layer_names

test-native: setup-dev ## The C tests, plain and under sanitizers
	@$(MAKE) --no-print-directory -C native test CC='$(CC)'

fuzz: setup-dev ## Feed the spec language with nonsense for a while: make fuzz [SECONDS=600]
	@$(BIN)/python -m tests.spec.fuzz --seconds $(SECONDS) $(ARGS)

lint: setup-dev ## Style, types and import contracts
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo --verbose > $(VENV)/contracts.log || { cat $(VENV)/contracts.log; exit 1; }
	@$(MAKE) --no-print-directory -C native lint CLANG_FORMAT='$(CURDIR)/$(BIN)/clang-format'

format: setup-dev ## Bring Python and C into shape
	@$(BIN)/ruff check --quiet --fix .
	@$(BIN)/ruff format --quiet .
	@$(MAKE) --no-print-directory -C native format CLANG_FORMAT='$(CURDIR)/$(BIN)/clang-format'

benchmark: setup-dev ## Measure Retime itself; prints tables of ratios
	@$(BIN)/python benchmarks/spec.py
	@$(BIN)/python benchmarks/overhead.py $(ARGS)
	@$(BIN)/python benchmarks/harness.py $(ARGS)

benchmark-build: setup-dev ## Measure building a grid of variants beside the plain script
	@$(BIN)/python -m benchmarks.building $(ARGS)

benchmark-batch: setup-dev ## Measure what a batch costs beside its work; about ten minutes
	@$(BIN)/python -m benchmarks.batch $(ARGS)

benchmark-verdicts: setup-dev ## Prove the verdicts: pairs whose answer is known, quiet and under load; half an hour
	@$(BIN)/python -m benchmarks.verdicts $(ARGS)

torture: setup-dev ## Kill, interrupt and starve benches: nothing may be lost or done twice; half an hour
	@$(BIN)/python -m benchmarks.torture $(ARGS)

lock: ## Renew the locked dependencies (needs uv on the PATH)
	uv pip compile $(LOCK) -c locks/constraints.txt pyproject.toml -o locks/run.txt
	uv pip compile $(LOCK) --extra quantizer --group dev -c locks/constraints.txt -c locks/run.txt pyproject.toml -o locks/dev.txt
LOCK := --quiet --universal --python-version 3.10 --generate-hashes --no-header --no-annotate \
  --no-emit-index-url --no-emit-find-links --extra train --extra compress --extra runtime --group build

clean: ## Remove what was built; results and cached artifacts stay
	rm -rf $(VENV) build *.egg-info runner/timing/_harness*.so
	@$(MAKE) --no-print-directory -C native clean

setup: $(VENV)/.ready
setup-dev: $(VENV)/.ready-dev

# The two things that can't be installed here: a Python that is new enough, and a compiler.
$(VENV)/.python:
	@command -v $(PYTHON) > /dev/null || { \
	  echo "retime: no $(PYTHON) was found; install Python 3.10 or later, or name one: make PYTHON=..." >&2; exit 4; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { \
	  echo "retime: $(PYTHON) is too old; Python 3.10 or later is needed: make PYTHON=..." >&2; exit 4; }
	@echo "Setting up $(VENV) (once; about a minute)"
	@$(PYTHON) -m venv $(VENV) || { \
	  echo "retime: this Python can't make virtual environments; on Debian: apt install python3-venv" >&2; exit 4; }
	@touch $@

$(VENV)/.locked: locks/run.txt | $(VENV)/.python
	@$(PIP) --require-hashes -r $<
	@touch $@

$(VENV)/.locked-dev: locks/dev.txt $(VENV)/.locked | $(VENV)/.python
	@$(PIP) --require-hashes -r $<
	@touch $@

$(VENV)/.ready: $(HARNESS) pyproject.toml | $(VENV)/.locked
	@command -v $(firstword $(CC)) > /dev/null || { \
	  echo "retime: no C compiler ($(CC)) was found, and the timing harness has to be compiled." >&2; \
	  echo "  do:  install one (Debian: apt install gcc libc6-dev; Fedora: dnf install gcc), then run the same command" >&2; exit 4; }
	@CC='$(CC)' $(PIP) --no-deps --no-build-isolation --editable . > $(VENV)/build.log 2>&1 || { \
	  cat $(VENV)/build.log; echo "retime: the harness could not be compiled; the compiler's words are above" >&2; exit 4; }
	@touch $@

$(VENV)/.ready-dev: $(VENV)/.ready $(VENV)/.locked-dev
	@touch $@
