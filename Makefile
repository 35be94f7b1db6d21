# `make demo` and `make test` need nothing but make and Python 3.11 or newer; they build their own environment.
#   make PYTHON=/path/to/python3.12 test    another Python
#   make VENV=/path/to/environment test     another place for the environment

SHELL := /bin/sh
VENV ?= .venv
PYTHON ?=
BIN := $(VENV)/bin
RUN := $(VENV)/.installed
DEV := $(VENV)/.installed-dev
CANDIDATES := $(if $(PYTHON),$(PYTHON),python3.13 python3.12 python3.11 python3.14 python3 python)

.DEFAULT_GOAL := help
.PHONY: help demo test check format bench clean

help:  ## show these lines
	@sed -n 's/^\([a-z]*\):.*## /\1	/p' Makefile | while IFS='	' read -r name text; do \
		printf 'make %-8s %s\n' "$$name" "$$text"; done

demo: $(RUN)  ## group the sample cases and say where the result is
	@$(BIN)/drgengine demo

test: $(DEV)  ## run all tests, those of the kernel a second time without compilation
	@status=0; \
	echo "Kernel tests without compilation:"; \
	NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest -q -m kernel tests || status=$$?; \
	echo "All tests:"; \
	$(BIN)/python -m pytest -n auto --dist worksteal || status=$$?; \
	exit $$status

check: $(DEV)  ## look for mistakes with ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(DEV)  ## let ruff mend what it can and set the layout
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(DEV)  ## measure the kernel and group_file against the pyarrow floor
	$(BIN)/python -m pytest benchmarks
	$(BIN)/python benchmarks/side_by_side.py

clean:  ## remove the environment, caches and results of demo and benchmarks
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache .hypothesis .benchmarks build dist *.egg-info
	rm -rf demo_output bench_data
	find drgengine tests benchmarks tools -name __pycache__ -type d -prune -exec rm -rf {} +

# An installation is done once, and again when pyproject.toml or the version changes.
$(RUN): pyproject.toml drgengine/__init__.py | $(BIN)/python
	@echo "Installing drgengine into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(DEV): pyproject.toml drgengine/__init__.py | $(BIN)/python
	@echo "Installing drgengine and its test tools into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[all,dev]'
	@touch $(RUN) $@

# A name on the path is not yet a Python that runs (pyenv), so each candidate is asked.
$(BIN)/python:
	@chosen=; bare=; seen=; \
	for name in $(CANDIDATES); do \
		version=$$($$name -c 'import platform; print(platform.python_version())' 2>/dev/null) || continue; \
		seen="$$seen $$name=$$version"; \
		$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
		if $$name -c 'import venv, ensurepip' 2>/dev/null; then chosen=$$name; break; fi; \
		bare=$$name; \
	done; \
	if [ -z "$$chosen" ] && [ -n "$$bare" ]; then \
		echo "make: $$bare cannot create environments (module venv or ensurepip is missing)." >&2; \
		echo "Install it (Debian, Ubuntu: apt install python3-venv) or name another Python: make PYTHON=/path/to/python3.12" >&2; \
		exit 1; \
	fi; \
	if [ -z "$$chosen" ]; then \
		echo "make: drgengine needs Python 3.11 or newer; found:$${seen:- none of $(CANDIDATES)}." >&2; \
		echo "Install one from python.org or your system's packages, or name it: make PYTHON=/path/to/python3.12" >&2; \
		exit 1; \
	fi; \
	echo "Creating $(VENV) with $$chosen ($$($$chosen --version)) ..."; \
	rm -f $(RUN) $(DEV); \
	$$chosen -m venv --clear $(VENV)
