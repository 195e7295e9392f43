# The README's two commands, each of which sets up the environment by itself.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test quick docs lint format requirements clean

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[test]'
	touch $@

demo: $(VENV)/.installed
	$(BIN)/auditor check samples/series/later.jsonl samples/heldout --model samples/series/acquired --exit-zero \
		--output demo/report.html --output demo/result.json
	@echo "The report is at $(CURDIR)/demo/report.html"

# Tests start many processes that import the same modules: they are compiled once.
unexport PYTHONDONTWRITEBYTECODE

# One thread a process: two that share the cores with two threads each are slower than one. In the order that
# tests/conftest.py gives, the longest files first, so that neither process is left alone with one at the end.
PYTEST = OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

# All tests, or those of a path: `make test T=tests/report`, `make test T="tests/cli/test_check.py -k schema"`.
test: $(VENV)/.installed
	$(PYTEST) $(T)

# A first answer in half a minute, of T alone if it is given: no test that imports PyTorch or starts a process, no
# simulation and none that is long. tests/support/quick.py sees to the first two.
quick: $(VENV)/.installed
	$(PYTEST) -m 'not slow and not model and not process and not simulation and not long' $(T)

# What the GitHub Action and the GitLab job install, with a digest of every file of each release. Run it when pyproject.toml
# or constraints.txt changes, read what changed, and commit it.
UV_COMPILE = uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url
requirements:
	$(PYTHON) -m venv build/uv
	build/uv/bin/python -m pip install --quiet uv==0.13.9
	printf 'hatchling\n' > build/hatchling.in
	{ sed -n '1,/^$$/p' requirements.txt; \
	  build/uv/bin/$(UV_COMPILE) --quiet --extra models --constraint constraints.txt pyproject.toml build/hatchling.in; \
	} > build/requirements.txt
	mv build/requirements.txt requirements.txt

# The pages that are made from the commands and schemas are made again, then the site: a warning is an error.
docs: $(VENV)/.installed $(VENV)/.docs
	$(BIN)/python docs/make_reference.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet --site-dir build/site
	@echo "The site is at $(CURDIR)/build/site/index.html"

$(VENV)/.docs: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[docs]'
	touch $@

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --config-file tests/mypy.ini
	$(BIN)/lint-imports --no-cache

format: $(VENV)/.installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) demo build dist
