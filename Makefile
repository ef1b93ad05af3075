# Everything a developer types. Paths are relative to this folder, so its name may contain spaces.
.DEFAULT_GOAL := help
.PHONY: help setup setup-dev run test check format bench chaos lock clean
MAKEFLAGS += --no-print-directory

PYTHON := .venv/bin/python
SOURCES := $(wildcard manage.py config core infra accounts ledger trading copytrade rewards marketplace bots portal scripts benchmarks examples tests)
# Tests are run, which says more about them than their types
TYPED := $(filter-out tests,$(SOURCES))
# For checks that start Django and ask no server
OFFLINE := DATABASE_URL=postgres://nobody@127.0.0.1:1/none DATABASE_POOL=0 REDIS_URL=redis://127.0.0.1:1/0 SECRET_KEY=checks-only

help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## /\1|/p' Makefile | awk -F'|' '{ printf "  make %-8s %s\n", $$1, $$2 }'

setup: ## install what `run` needs: .venv, locked packages, front-end files
	@sh scripts/setup.sh

setup-dev:
	@sh scripts/setup.sh --dev

run: setup ## start everything and print addresses and demo logins; PORT, HOST, DATABASE_URL, REDIS_URL
	@$(PYTHON) -m infra.embedded run

test: setup-dev ## run all tests on servers of their own, or on DATABASE_URL and REDIS_URL; ARGS="-k name"
	@$(PYTHON) -m infra.embedded exec -- $(PYTHON) -m scripts.run_tests $(ARGS)

check: setup-dev ## format, lint, types, layers, migrations, templates
	@echo "format"     && $(PYTHON) -m ruff format --check --quiet $(SOURCES)
	@echo "lint"       && $(PYTHON) -m ruff check --quiet $(SOURCES)
	@echo "layers"     && $(PYTHON) -c "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())" > .lint-imports.log || { cat .lint-imports.log; exit 1; }
	@echo "templates"  && find templates portal -name '*.html' -exec .venv/bin/djade --target-version 5.2 --check {} +
	@echo "migrations" && $(OFFLINE) $(PYTHON) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	@echo "system"     && $(OFFLINE) $(PYTHON) manage.py check --fail-level WARNING > /dev/null
	@echo "types (the first time takes a minute)" && $(OFFLINE) $(PYTHON) -m mypy $(TYPED)

format: setup-dev ## rewrite code and templates in the project's style
	@$(PYTHON) -m ruff check --fix --quiet $(SOURCES); $(PYTHON) -m ruff format --quiet $(SOURCES)
	@find templates portal -name '*.html' -exec .venv/bin/djade --target-version 5.2 {} +

bench: setup ## measure latency and throughput on servers of their own, beside a bare floor
	@$(PYTHON) -m infra.embedded exec -- $(PYTHON) -m benchmarks $(ARGS)

chaos: setup-dev ## kill everything at random while leaders trade, then prove the books; ARGS="--runs 500 --seed 1"
	@$(PYTHON) -m infra.embedded exec -- $(PYTHON) -m tests.chaos --restart-postgres $(ARGS)

lock: setup-dev ## lock the requirements anew, with hashes, for all platforms
	@for name in requirements requirements-embedded requirements-dev; do \
		$(PYTHON) -m uv pip compile --quiet --upgrade --generate-hashes --universal --python-version 3.11 \
			--no-emit-index-url --no-header --output-file $$name.txt $$name.in || exit 1; \
	done

clean: ## remove what can be made again; var/ with the data stays
	@rm -rf .venv node_modules static/vendor .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .lint-imports.log
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
