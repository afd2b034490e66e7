# make setup      create .venv and install everything, pinned (repeated only when the pins change)
# make demo       ground the nouns of a sentence in a real video
# make test       lint, types, import rules, then every test tier
# make test-fast  the default test tier only
# make lint | format | clean
#
# PYTHON=/path/to/python3.11   interpreter for the new .venv (default: the first usable one)
# PIP_OPTIONS="..."            more options for pip, such as the index of another torch build
# JOBS=2                       test processes

PYTHON ?=
PIP_OPTIONS ?=
JOBS ?= 2

VENV := .venv
PY := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed
EXTRAS := lite,demo,plots,tracking,dev
USABLE := import ensurepip, sys, venv; sys.exit(sys.version_info[:2] not in {(3, 11), (3, 12)})

# One torch thread per test process: the processes already fill the cores.
PYTEST := OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 $(PY) -m pytest -q -n $(JOBS) --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-fast lint format clean

help:
	@sed -n 's/^# \{0,1\}//p;/^$$/q' Makefile

setup: $(INSTALLED)
	@echo "setup: $(VENV) is ready"

# One pip call under the pins, so that nothing can pull another torch first. An interrupted
# install leaves no stamp and is taken up again by the next call.
$(INSTALLED): pyproject.toml constraints.txt
	@set -e; \
	if ! $(PY) -m pip --version >/dev/null 2>&1; then \
	  found=; \
	  for candidate in $(or $(PYTHON),python3.11 python3.12 python3 python); do \
	    if "$$candidate" -c '$(USABLE)' >/dev/null 2>&1; then found=$$candidate; break; fi; \
	  done; \
	  if [ -z "$$found" ]; then \
	    echo "setup: found no Python 3.11 or 3.12 that can make virtual environments" \
	      "(tried: $(or $(PYTHON),python3.11 python3.12 python3 python)); install one (on Debian" \
	      "also its -venv package) or name it: make setup PYTHON=/path/to/python3.11" >&2; \
	    exit 1; \
	  fi; \
	  echo "setup: creating $(VENV) with $$("$$found" --version)"; \
	  "$$found" -m venv --clear $(VENV); \
	fi; \
	echo "setup: installing pointvos with its pinned dependencies into $(VENV)" \
	  "(2.5 GB, some minutes the first time; log: $(VENV)/install.log)"; \
	$(PY) -m pip install --no-input --progress-bar off $(PIP_OPTIONS) \
	  --constraint constraints.txt --editable '.[$(EXTRAS)]' \
	  </dev/null >$(VENV)/install.log 2>&1 \
	  || { tail -n 15 $(VENV)/install.log >&2; exit 1; }; \
	touch $@

demo: $(INSTALLED)
	@$(PY) tools/demo.py

test: lint
	@$(PYTEST) -m ""

test-fast: $(INSTALLED)
	@$(PYTEST)

lint: $(INSTALLED)
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@$(VENV)/bin/lint-imports --no-logo

format: $(INSTALLED)
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

clean:
	rm -rf build dist *.egg-info .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
