# Everything a reviewer would run. `make check` runs all of it; PYTHON chooses the interpreter.
PYTHON ?= .venv/bin/python

.PHONY: check format lint layers types test docs site environment fuzz

check: lint layers types docs site test

environment:
	python3 -m venv .venv
	.venv/bin/python -m pip install --quiet --editable '.[dev]'

format:
	$(PYTHON) -m ruff format .
	$(PYTHON) -m ruff check --fix .

lint:
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .

layers:
	$(PYTHON) -c "from importlinter.cli import lint_imports_command; lint_imports_command()"

types:
	$(PYTHON) -m mypy

docs:
	$(PYTHON) -m pytest -q tests/test_documentation.py tests/docs

# The documentation with a page for every rule; open build/site/index.html.
site:
	$(PYTHON) -m sphinx -q -W --keep-going -n -j auto -d build/doctrees docs build/site

test:
	$(PYTHON) -m pytest

# The reader against arbitrary bytes, guided by coverage; needs the extra `fuzz`. FUZZ holds options of libFuzzer.
FUZZ ?= -max_total_time=600 -max_len=4000 -rss_limit_mb=2000

fuzz:
	PYTHONPATH=. $(PYTHON) tests/fuzz/fuzz_reader.py build/fuzz $(FUZZ)
