# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later

# Every path below is relative: make cannot hold a name with a space, and the checkout may lie in one.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
BIN := .venv/bin
# Tools start other tools, so they have to find each other; and nothing waits for an answer.
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' Makefile

.PHONY: venv
venv: ## make or refresh .venv, with all that development needs
	@tests/setup.sh .venv requirements-dev.txt

.PHONY: demo
demo: ## show the collection at work on simulated clusters
	@tests/setup.sh .venv requirements-demo.txt
	@$(BIN)/python -m tests.demo

.PHONY: types
types: venv ## check types: mypy, strict
	$(BIN)/mypy

.PHONY: unit
unit: venv ## run the unit tests
	$(BIN)/pytest -n 2 tests/unit

.PHONY: clean
clean: ## remove everything that the targets made
	rm -rf "$$(readlink .cache || echo .cache)" .cache .venv tests/output
