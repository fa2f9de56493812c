# Everything runs in .venv, which the first target that needs it makes. Wanted: Python >= 3.11.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest -n 2 --dist worksteal
SELECTED := -m 'not exhaustive'
ARRAY_API := SCIPY_ARRAY_API=1 $(BIN)/python -m pytest -q tests/test_sklearn_contract.py -k array_api

.PHONY: demo test test-all tests bench bench-quality bench-queue bench-augmentation lint docs clean

demo: $(VENV)/.demo
	$(BIN)/python -m sklearn_timegen demo

test: $(VENV)/.dev
	$(MAKE) -j2 --no-print-directory lint tests

# All kinds, settings and pages; `make test` has what differs between them.
test-all: $(VENV)/.dev
	$(MAKE) -j2 --no-print-directory lint tests SELECTED=

tests: $(VENV)/.dev
	$(PYTEST) $(SELECTED)
	$(ARRAY_API) $(SELECTED)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks.engine

bench-quality: $(VENV)/.dev
	$(BIN)/python -m benchmarks.quality

bench-queue: $(VENV)/.dev
	$(BIN)/python -m benchmarks.queue

bench-augmentation: $(VENV)/.dev
	$(BIN)/python -m benchmarks.augmentation

docs: $(VENV)/.docs
	$(BIN)/python -m sphinx -q -W -b html docs docs/_build/html
	@echo "pages: docs/_build/html/index.html"

clean:
	rm -rf $(VENV)

# torch first and alone: under its pin the CPU build, where one is at hand, is kept by what follows.
$(VENV)/.torch: constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("Python >= 3.11 is needed") if sys.version_info < (3, 11) else 0'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt torch
	touch $@

$(VENV)/.demo: $(VENV)/.torch pyproject.toml
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[sktime,plot]'
	touch $@

$(VENV)/.dev: $(VENV)/.torch pyproject.toml
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

$(VENV)/.docs: $(VENV)/.dev
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[docs]'
	touch $@
