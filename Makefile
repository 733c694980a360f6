# Every target sets itself up: the first one makes .venv, later ones refresh it when pyproject.toml or
# constraints.txt changed. PYTHON=/path/to/python3 chooses the interpreter.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.NOTPARALLEL:
.SUFFIXES:

VENV := .venv
BIN := $(VENV)/bin
LOCAL := .local
PYTEST_ARGS ?=

# Where it is set, each of the hundreds of processes of a run compiles this package again.
unexport PYTHONDONTWRITEBYTECODE

# An environment whose interpreter is gone, or that was moved, is made anew.
ifneq ($(wildcard $(VENV)),)
ifneq ($(shell $(BIN)/python -c 'print("works")' 2>/dev/null),works)
$(shell rm -f $(VENV)/.run $(VENV)/.dev)
endif
endif

$(VENV)/.run: pyproject.toml constraints.txt scripts/environment.sh
	@scripts/environment.sh local
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt scripts/environment.sh
	@scripts/environment.sh dev
	@touch $(VENV)/.run $@

.PHONY: help
help: ## Say what there is
	@echo 'Usage: make TARGET'
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: ui
ui: $(VENV)/.run ## Build what Airflow's pages show, if something changed
	@$(BIN)/python scripts/build_ui.py

.PHONY: demo
demo: ui ## Run the example workflows on a real Airflow and PostgreSQL, then stop both
	@$(BIN)/python -m airflow_workflow_provider.cli.demo $(DEMO_ARGS)

.PHONY: up
up: ui ## Start a local Airflow and PostgreSQL that stay (data in .local/)
	@$(BIN)/airflow-workflows standalone up

.PHONY: down
down: $(VENV)/.run ## Stop what `make up` started; the data stay
	@$(BIN)/airflow-workflows standalone down

.PHONY: test
test: $(VENV)/.dev ui ## Run all tests (PYTEST_ARGS="-k name" for some)
	@scripts/browser.sh
	@scripts/packages.sh optional 'the tests of a pooler and of Redis' pgbouncer:pgbouncer redis-server:redis-server
# Four of the workers need an Airflow, which two of them have at the same time; the others keep two processors busy.
	@$(BIN)/python -m pytest -n 6 --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

.PHONY: docs
docs: $(VENV)/.dev ## Build the documentation into .local/site; broken links fail
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict
	@echo 'Open .local/site/index.html'

.PHONY: docs-serve
docs-serve: $(VENV)/.dev ## Show the documentation at http://127.0.0.1:8000 while you write it
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs serve --dev-addr 127.0.0.1:8000

.PHONY: reference
reference: $(VENV)/.dev ## Write the generated pages of docs/reference and the files of schema/
	@$(BIN)/python -m airflow_workflow_provider.model.schema schema
	@$(BIN)/python -m airflow_workflow_provider.api.openapi schema/openapi.json
	@$(BIN)/python scripts/reference.py
	@$(BIN)/python -m tests.support.drawings

.PHONY: screenshots
screenshots: $(VENV)/.dev ui ## Write the pictures of the documentation anew
	@scripts/browser.sh
	@WORKFLOWS_SCREENSHOTS=docs/images $(BIN)/python -m pytest -m daemons tests/ui $(PYTEST_ARGS)

.PHONY: test-unit
test-unit: $(VENV)/.dev ## Run the short loop: unit tests, and the conformance cases in memory
	@$(BIN)/python -m pytest -n 2 --dist loadfile -p no:schemathesis -m "not slow" tests/unit tests/conformance/test_simulate.py $(PYTEST_ARGS)

.PHONY: test-celery
test-celery: $(VENV)/.dev ui ## Run the deployment of docker-compose.yml with Celery workers, without containers (needs root)
	@scripts/packages.sh required 'the tests with Celery workers' redis-server:redis-server ip:iproute2 \
		nsenter:util-linux unshare:util-linux setpriv:util-linux
	@$(BIN)/python -m pytest -m celery tests/celery $(PYTEST_ARGS)

.PHONY: test-kubernetes
test-kubernetes: $(VENV)/.dev ui ## Run workflows as the KubernetesExecutor does, without a cluster: each task in a new process with an empty disk
	@$(BIN)/python -m pytest -m kubernetes tests/kubernetes $(PYTEST_ARGS)

.PHONY: lint
lint: $(VENV)/.dev ## Check style, types, wording and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo --config pyproject.toml
	@$(BIN)/python scripts/structure.py
	@$(BIN)/codespell
	@$(BIN)/codespell --builtin clear,rare,en-GB_to_en-US *.md docs examples
	@$(BIN)/python scripts/wording.py
	@$(BIN)/python scripts/build_ui.py run check

.PHONY: audit
audit: $(VENV)/.dev ## Look for known faults in our code and in what it depends on (needs the network)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --constraint constraints.txt --editable '.[audit]'
	$(BIN)/bandit --quiet --recursive --configfile pyproject.toml airflow_workflow_provider dags migrations examples scripts
	$(BIN)/pip-audit --requirement constraints.txt --no-deps --disable-pip
	@$(BIN)/python scripts/build_ui.py audit

.PHONY: package
package: $(VENV)/.dev ui ## Build the distributions, install and check them, and write their SBOM, into dist/ (needs the network)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --constraint constraints.txt --editable '.[release]'
	@$(BIN)/python scripts/package.py

.PHONY: test-lowest
test-lowest: $(VENV)/.dev ## Run the short loop with the oldest versions that pyproject.toml allows (needs the network)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --constraint constraints.txt --editable '.[release]'
	@$(BIN)/python scripts/lowest.py $(PYTEST_ARGS)

.PHONY: test-postgres
test-postgres: $(VENV)/.dev ui ## Run the tests of the database with each major version of PostgreSQL (needs the network)
	@$(BIN)/python -m scripts.postgres_versions $(PYTEST_ARGS)

.PHONY: chaos
chaos: $(VENV)/.dev ui ## Inject faults into a real Airflow and check that nothing is lost (CHAOS_ARGS="--rounds 24 --report")
	@$(BIN)/python -m tests.chaos $(CHAOS_ARGS)

.PHONY: fuzz
fuzz: $(VENV)/.dev ## Check many mutated documents and requests (FUZZ_ARGS="--cases 100000 --seed 1")
	@$(BIN)/python -m tests.fuzz $(FUZZ_ARGS)
	@FUZZ_FACTOR=20 $(BIN)/python -m pytest -q -n 2 tests/integration/api/test_fuzz.py $(PYTEST_ARGS)

.PHONY: bench
bench: $(VENV)/.dev ## Measure what has to be fast
	@$(BIN)/python -m benchmarks

.PHONY: constraints
constraints: ## Write the newest versions that work together to constraints.txt
	@rm -rf $(LOCAL)/resolve && mkdir -p $(LOCAL)
	@touch constraints.txt && cp constraints.txt $(LOCAL)/constraints.before && : > constraints.txt
	@VENV=$(LOCAL)/resolve scripts/environment.sh dev,celery,kubernetes,audit,release || { cp $(LOCAL)/constraints.before constraints.txt; exit 1; }
	@{ echo '# Written by `make constraints`: versions that were tested together.'; \
	   $(LOCAL)/resolve/bin/python -m pip freeze --exclude-editable 2>/dev/null \
	   | grep -E '^[A-Za-z0-9._-]+==[^ ]+$$' | LC_ALL=C sort -f; } > constraints.txt
	@rm -rf $(LOCAL)/resolve

.PHONY: clean
clean: ## Stop the local environment and delete its data, caches and builds
	@if [ -x $(BIN)/python ] && [ -d $(LOCAL) ]; then $(BIN)/python -m airflow_workflow_provider.local.remove $(LOCAL); fi
	@rm -rf $(LOCAL) dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage .coverage.*
	@find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +

.PHONY: distclean
distclean: clean ## Like clean, and delete .venv
	@rm -rf $(VENV)
