# Every target sets up .venv by itself; on a fresh machine `make demo` is the first and only command.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help demo test check bench docs lock audit wheel format clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

$(STAMP): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "ChromaBench needs Python 3.11 or newer; set PYTHON=/path/to/python3.11")'
	test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --upgrade pip
	$(VENV)/bin/python -m pip install --quiet --editable '.[dev]'
	touch $@

demo: $(STAMP) ## draw images, train baselines, score them, write the boards (under 7 minutes on two cores)
	$(VENV)/bin/bench demo

test: $(STAMP) ## the tests (add ARGS="-m slow" for the long ones)
	$(VENV)/bin/python -m pytest $(ARGS)

check: $(STAMP) ## format, lint, types, and committed boards against their records
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/pyright
	$(VENV)/bin/bench report --check

bench: $(STAMP) ## speed: every hot path against its peer in one run; writes reports/speed.md (with a GPU: ARGS="-m ''")
	$(VENV)/bin/python -m pytest tests/speed -m "not gpu" --benchmark-only --benchmark-columns=median,ops,rounds \
		--benchmark-sort=name --speed-report reports/speed.md $(ARGS)

docs: $(STAMP) ## the manual with the API reference, as a site under .bench/site
	$(VENV)/bin/python -m pip install --quiet --editable '.[docs]'
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --strict --quiet

lock: $(STAMP) ## requirements.lock: every package of every extra, pinned by hash, for Python 3.11 and newer
	$(VENV)/bin/python -m pip install --quiet --editable '.[audit]'
	$(VENV)/bin/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-annotate --native-tls --quiet --custom-compile-command "make lock" -o requirements.lock

audit: $(STAMP) ## supply chain: the lock against known vulnerabilities (needs the internet), and a bill of materials
	$(VENV)/bin/python -m pip install --quiet --editable '.[audit]'
	mkdir -p dist
	$(VENV)/bin/cyclonedx-py requirements requirements.lock --pyproject pyproject.toml --output-reproducible \
		--output-file dist/chromabench.cdx.json
	$(VENV)/bin/pip-audit --requirement requirements.lock --require-hashes --disable-pip --strict

wheel: $(STAMP) ## build the wheel, install it in a clean environment and run the demo from it
	$(VENV)/bin/python -m pip install --quiet --editable '.[audit]'
	rm -rf dist/*.whl dist/*.tar.gz .bench/wheel
	$(VENV)/bin/python -m build --outdir dist .
	$(PYTHON) -m venv .bench/wheel/venv
	.bench/wheel/venv/bin/python -m pip install --quiet dist/*.whl
	cd .bench/wheel && venv/bin/bench demo --home home

format: $(STAMP) ## rewrite the code in the project's format
	$(VENV)/bin/ruff check --fix-only --quiet .
	$(VENV)/bin/ruff format .

clean: ## remove .venv and everything a run made
	rm -rf $(VENV) .bench dist
