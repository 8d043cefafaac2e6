# Needs Python 3.10 or later and make; everything else is installed below .venv.
#
#   make demo    train the Titanic pipeline, generate its service, prove it, ask it three times
#   make test    lint, types, and all tests that take seconds and need no Docker Engine and no cluster
#   make check   lint and types
#   make docs    the documentation as a site, in build/site; a broken link is an error
#   make bench   our service beside the other serving tools

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := build/demo

# uv does not read pip's settings: a wheel folder that pip knows is made known to it.
WHEELS := $(shell $(PYTHON) -m pip config get global.find-links 2>/dev/null || echo $$PIP_FIND_LINKS)
ifneq ($(strip $(WHEELS)),)
export UV_FIND_LINKS ?= $(WHEELS)
endif
export UV_SYSTEM_CERTS ?= 1
# The process that loads a model cannot write beside its libraries: their bytecode is compiled when they are installed.
export UV_COMPILE_BYTECODE := 1
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test check docs bench examples clean

$(BIN)/uv:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

$(VENV)/.demo: $(BIN)/uv pyproject.toml examples/titanic/requirements.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --editable . --requirement examples/titanic/requirements.txt
	touch $@

$(VENV)/.test: $(BIN)/uv pyproject.toml tests/constraints.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint tests/constraints.txt \
		--editable '.[all]' --group dev
	touch $@ $(VENV)/.demo

demo: $(VENV)/.demo
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python examples/demo.py $(DEMO)

check: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(VENV)/.test
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

test: check docs
	$(BIN)/python -m pytest -n 3 --dist loadfile -m "not docker and not cluster and not slow and not libraries"

examples: $(VENV)/.test
	$(BIN)/python examples/regenerate.py

bench: $(VENV)/.test
	$(BIN)/python -m benchmarks.serving

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
