# The named commands that people, hooks and CI all call.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Processes that share the tests, file by file. The longest file takes a third of the time: more than three do not help.
WORKERS ?= 2
# So that stages started by dvc find the environment's Python first.
export PATH := $(abspath $(BIN)):$(PATH)

# pip reports a missing network in twenty lines: they go to a file, and one line says what to do. Nothing is
# compiled ahead: Python compiles the few modules that it imports.
install = $(BIN)/pip install --quiet --disable-pip-version-check --no-compile -c constraints.txt $(1) \
    2> $(VENV)/pip.log || { echo "unfont: the Python packages cannot be installed ($(VENV)/pip.log says why):" \
           "connect to the network, or point pip to an index within reach" >&2; exit 2; }

define environment
@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else \
    "unfont: Python %d.%d is too old (make): set PYTHON to 3.11 or newer" % sys.version_info[:2])'
$(PYTHON) -m venv $(VENV)
$(call install,$(1))
$(BIN)/unfont setup
endef

.PHONY: help run test lint audit format benchmark clean

help:  ## List the commands.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

run: $(VENV)/.ready  ## Make the environment, fetch the fonts, run the pipeline.
	@unfont run

test: $(VENV)/.ready-test  ## Make the environment, check the code, run the tests.
	@$(MAKE) --no-print-directory lint
	pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

lint: $(VENV)/.ready-test  ## Check style, types, the direction of imports, and security.
	ruff check .
	ruff format --check .
	lint-imports
	mypy
	bandit --quiet --configfile pyproject.toml --recursive apps flows tasks models unfont

# Strict: a package that the database does not know fails too, as all do where it cannot be reached.
audit: $(VENV)/.ready  ## Look the pinned packages up in PyPI's database of vulnerabilities.
	@$(PYTHON) -m venv $(VENV)/audit
	@$(VENV)/audit/bin/pip install --quiet --disable-pip-version-check 'pip-audit>=2.9' 2> $(VENV)/audit.log \
	    || { echo "unfont: pip-audit cannot be installed ($(VENV)/audit.log says why): connect to the network" >&2; exit 2; }
	@$(VENV)/audit/bin/pip-audit --strict --no-deps --disable-pip --progress-spinner off -r constraints.txt \
	    2> $(VENV)/audit.log && tail -n 1 $(VENV)/audit.log || { grep "^Found" $(VENV)/audit.log >&2 && exit 1; \
	    echo "unfont: PyPI's database cannot be asked ($(VENV)/audit.log says why): connect to the network" >&2; exit 2; }

format: $(VENV)/.ready-test  ## Format the code as lint checks it.
	ruff check --fix .
	ruff format .

benchmark: $(VENV)/.ready  ## Measure the pipeline, training, rendering, mining, explaining; write docs/performance.md.
	python -m benchmarks.chain
	python -m benchmarks.train data/scripts/table
	python -m benchmarks.render
	python -m benchmarks.mine
	python -m benchmarks.imbalance
	python -m benchmarks.explain --home data/scripts
	python -m benchmarks.live
	python -m benchmarks.influence
	python -m benchmarks.performance

clean:  ## Remove the environment and scratch; results stay.
	rm -rf $(VENV) build unfont/build *.egg-info unfont/*.egg-info data/.work data/fonts/node_modules

$(VENV)/.ready: pyproject.toml unfont/pyproject.toml constraints.txt
	$(call environment,-e ./unfont -e .)
	@touch $@

# One installation with all extras, since each one first resolves all versions.
$(VENV)/.ready-test: pyproject.toml unfont/pyproject.toml constraints.txt
	$(call environment,-e ./unfont -e '.[test]')
	@touch $(VENV)/.ready $@
