# Everything a person needs: `make demo` and `make test` set themselves up; `make help` lists the rest.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CLUSTER := data/cluster

.DEFAULT_GOAL := help
.PHONY: help demo test check format book lab data bench bpf fuzz lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.demo ## From the recorded cluster's packets to matrix and report
	@$(BIN)/python -m data.demo

test: $(VENV)/.dev $(VENV)/.bpf $(VENV)/.system check ## Every test, two files at a time; sets up what the tests need
	@$(BIN)/python -m pytest -n 2 --dist loadfile

check: $(VENV)/.dev ## Style, types and layers
	@$(BIN)/ruff check --quiet && $(BIN)/ruff format --check --quiet
	@$(BIN)/mypy
	@$(BIN)/lint-imports --verbose 2>&1 | tail -n 12

format: $(VENV)/.dev ## Format the code
	@$(BIN)/ruff check --quiet --fix; $(BIN)/ruff format --quiet

book: $(VENV)/.dev ## The docs as a book, notebooks run, in build/book/site
	@$(BIN)/python docs/book/gather.py && NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet -f docs/book/mkdocs.yml

lab: $(VENV)/.dev ## JupyterLab with the notebooks
	@$(BIN)/jupyter lab notebooks

data: $(VENV)/.dev $(VENV)/.system ## Record data/cluster again (root)
	@$(BIN)/python -m data.lab --output $(CLUSTER)

fuzz: $(VENV)/.dev ## Long fuzzing of the readers (minutes to hours)
	@$(BIN)/python -W error -m tests.capture.fuzz --count 200000
	@$(BIN)/python -W error -m tests.capture.ebpf.fuzz --count 300000
	@$(BIN)/python -W error -m tests.sources.fuzz --count 50000
	@$(BIN)/python -W error -m tests.policy.synthesis_law --count 600

bench: $(VENV)/.bench ## The benchmarks, one script a claim
	@$(BIN)/python -m benchmarks.ebpf
	@$(BIN)/python -m benchmarks.enrich
	@$(BIN)/python -m benchmarks.flowmetric --rows 1000000 20000000
	@$(BIN)/python -m benchmarks.pcap
	@$(BIN)/python -m benchmarks.read
	@$(BIN)/python -m benchmarks.judge
	@$(BIN)/python -m benchmarks.policy
	@$(BIN)/python -m benchmarks.promql
	@$(BIN)/python -m benchmarks.view

bpf: $(VENV)/.bpf ## Build the BPF objects anew from their C
	@$(BIN)/python -m capture.ebpf.program.build

lock: ## Resolve requirements/*.txt anew from pyproject.toml
	@$(PYTHON) -m venv $(VENV)/lock && $(VENV)/lock/bin/pip install --quiet "uv>=0.9"
	@$(VENV)/lock/bin/python requirements/lock.py

clean: ## Remove what the targets made
	@rm -rf $(VENV) demo .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# One environment: the demo's needs first, the tests' on top. Versions are locked with hashes.
$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "flowkit needs Python 3.11 or newer: set PYTHON=" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: requirements/demo.txt pyproject.toml | $(VENV)/bin/python
	@echo "setting up $(VENV) …" >&2
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/demo.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.demo
	@echo "setting up $(VENV) for the tests …" >&2
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

$(VENV)/.bench: requirements/bench.txt $(VENV)/.dev
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bench.txt
	@touch $@

$(VENV)/.bpf: requirements/bpf.txt $(VENV)/.dev
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bpf.txt
	@touch $@

$(VENV)/.system: tests/debian-packages.txt | $(VENV)/bin/python
	@bash tests/debian-packages.sh tests/debian-packages.txt
	@touch $@
