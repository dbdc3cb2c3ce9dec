# Gatepost's tasks. `make` lists them. Each installs what it needs first, and is quick the second time.

SHELL = /bin/bash
MAKEFLAGS += --no-print-directory
python = .venv/bin/python
folders = core milter policyd agent sieve_manager postfix_conf dovecot_conf cli tests

.PHONY: help demo test check bench setup format lock clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16
	@echo "  As root on Debian 12 or 13; elsewhere see README.md. ARGS='-k alias' goes to pytest or the demo."

demo: setup ## a private Postfix, Dovecot and Gatepost, and a story told with real mail
	@.venv/bin/gatepost demo $(ARGS)

test: setup ## all tests, against real servers
	@$(python) -m pytest $(ARGS)

check: setup ## format, lint, types, layers, duplicates
	@$(python) -m ruff format --check --quiet || { echo 'make format rewrites these.' >&2; exit 1; }
	@$(python) -m ruff check --quiet
	@$(python) -m mypy
	@$(python) -m pylint --recursive=y --score=n --disable=all --enable=duplicate-code \
		--min-similarity-lines=8 --ignore-signatures=y $(folders)
	@$(python) -m pytest --quiet tests/unit/test_layers.py tests/unit/test_tree.py

bench: setup ## measure speed and size, as ratios
	@scripts/packages requirements/debian-bench.txt
	@$(python) -m tests.bench $(ARGS)

setup: ## install the Debian and Python packages, and nothing more
	@scripts/packages requirements/debian.txt
	@PYTHON='$(PYTHON)' scripts/venv

format: setup ## rewrite the code in the house format
	@$(python) -m ruff format --quiet
	@$(python) -m ruff check --quiet --fix

lock: ## resolve the Python packages anew (ARGS=--upgrade: to the newest versions)
	@PYTHON='$(PYTHON)' scripts/lock $(ARGS)

clean: ## remove all that make has made here, .venv too
	rm -rf .venv .cache .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
