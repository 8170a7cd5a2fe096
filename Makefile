# Every target sets up .venv by itself; on a fresh machine `make demo` is the first and only command.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help demo test check bench format clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

$(STAMP): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "ChromaBench needs Python 3.11 or newer; set PYTHON=/path/to/python3.11")'
	test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --upgrade pip
	$(VENV)/bin/python -m pip install --quiet --editable '.[dev]'
	touch $@

demo: $(STAMP) ## draw images, train baselines, score them, write the boards (under 6 minutes on two cores)
	$(VENV)/bin/bench demo

test: $(STAMP) ## the tests (add ARGS="-m slow" for the long ones)
	$(VENV)/bin/python -m pytest $(ARGS)

check: $(STAMP) ## format, lint, types, and committed boards against their records
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/pyright
	$(VENV)/bin/bench leaderboard --check

bench: $(STAMP) ## speed: every hot path against its peer in the same run; writes reports/speed.md
	$(VENV)/bin/python -m pytest tests/speed --benchmark-only --benchmark-columns=median,ops,rounds --benchmark-sort=name \
		--speed-report reports/speed.md

format: $(STAMP) ## rewrite the code in the project's format
	$(VENV)/bin/ruff check --fix-only --quiet .
	$(VENV)/bin/ruff format .

clean: ## remove .venv and everything a run made
	rm -rf $(VENV) .bench
