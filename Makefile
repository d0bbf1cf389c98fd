# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later

# Every path is relative: make cannot hold a name with a space, and the checkout may lie below one.
MAKEFLAGS += --no-print-directory
BIN := .venv/bin
# As many workers as there are processors, to a limit: each may hold a simulator and several Ansible processes.
PYTEST = $(BIN)/pytest -n auto --maxprocesses 4 --dist worksteal
# An environment's Python by its real path, in which there is no space even where the checkout's has one.
python = "$$(readlink $1)/bin/python"
# Tools start each other by name.
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Without bytecode every start of Python, and of Ansible above all, compiles what it imports.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' Makefile

.PHONY: demo
demo: ## show the collection at work on simulated clusters
	@tests/setup.sh .venv requirements-demo.txt
	@$(call python,.venv) -m tests.demo

.PHONY: test
test: ## run all the checks below, also after one has failed
	@failed=0; $(MAKE) --keep-going --jobs=2 --output-sync cores events sanity lint types unit || failed=1; \
	$(MAKE) --keep-going integration molecule || failed=1; exit $$failed

.PHONY: lint lint-python lint-ansible lint-changelog lint-docs
lint: lint-python lint-ansible lint-changelog lint-docs ## check style, metadata, changelog and documentation
lint-python: venv
	$(BIN)/ruff check
	$(BIN)/ruff format --check
lint-ansible: venv
	$(BIN)/ansible-lint --strict
lint-changelog: venv
	$(BIN)/antsibull-changelog lint
lint-docs: venv
	$(BIN)/python docs/generate.py --check
	$(BIN)/antsibull-docs lint-collection-docs --plugin-docs --validate-collection-refs=all --disallow-unknown-collection-refs .

.PHONY: types
types: venv ## check types: mypy, strict
	$(BIN)/mypy

.PHONY: sanity
sanity: venv ## run ansible-test sanity with every Python of this machine
	tests/sanity/run.sh

.PHONY: unit
unit: venv ## run the unit tests
	$(PYTEST) tests/unit

.PHONY: integration
integration: venv cores events ## run playbooks against simulated clusters
	@tests/setup.sh packages chromium
	$(PYTEST) -m "not thorough" tests/integration

.PHONY: thorough
thorough: venv cores events ## run the integration tests that the time of make test has no room for
	$(PYTEST) -m thorough tests/integration

SCENARIOS = $(patsubst extensions/molecule/%/molecule.yml,molecule-%,$(wildcard extensions/molecule/*/molecule.yml))
.PHONY: molecule $(SCENARIOS)
molecule: ## run the role's scenarios, two at a time
	@$(MAKE) --jobs=2 --keep-going --output-sync $(SCENARIOS)
$(SCENARIOS): molecule-%: venv
	@tests/molecule.sh $*

.PHONY: bench
bench: ## measure speed, also against the vendor's collection
	@tests/setup.sh .venv-bench requirements-bench.txt
	@$(call python,.venv-bench) -m tests.bench

.PHONY: docs
docs: venv ## write all documentation that is made from other files
	$(BIN)/python docs/generate.py

.PHONY: cores
cores: venv
	@tests/setup.sh cores

.PHONY: events
events: venv
	@tests/setup.sh events

.PHONY: venv
venv: ## make or refresh .venv, which all of the above do by themselves
	@tests/setup.sh .venv requirements-dev.txt

.PHONY: clean
clean: ## remove everything that the targets have made
	rm -rf "$$(readlink .cache || echo .cache)" .ansible .cache .hypothesis .venv .venv-* tests/output
