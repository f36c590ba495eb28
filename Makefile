# What a contributor types; `make` alone lists it. Kept to what GNU make 3.81 (macOS) knows, and safe with -j.

PYTHON ?= python3

VENV := .venv
comma := ,
# The same tests, on the oldest Pulumi SDK that the package supports.
OLDEST := .venv-oldest
# What a program in CI has: the package alone. httpx loads a command line that is there, as that of the sandbox's server.
BENCH := .venv-bench
ACTIONLINT := github.com/rhysd/actionlint/cmd/actionlint@v1.7.12
WORKFLOWS := $(wildcard .github/workflows/*.yml examples/*/.github/workflows/*.yml)
# Commands that follow find the engine's executables.
ENGINE = OUTLIT_ENGINE_BIN=$$($(VENV)/bin/python tools/engine) && export OUTLIT_ENGINE_BIN

.PHONY: help setup engine test test-full test-long bench bench-check lint style imports types workflows dist docs demo clean

help: ## List these targets
	@echo "Usage: make TARGET [PYTHON=python3.12]"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' Makefile

setup: engine ## Prepare .venv and a Pulumi engine, and nothing more

engine: $(VENV)/.ready ## Find or make a Pulumi engine; the last line is its folder
	@$(VENV)/bin/python tools/engine

test: $(VENV)/.ready $(OLDEST)/.ready ## Run the tests that show every promise: about ten minutes on two cores
	@$(ENGINE) && \
	echo "The tests that show every promise, with the newest Pulumi SDK: about eight minutes on two cores" && \
	$(VENV)/bin/python -m pytest -n auto && \
	echo "Provider host, the main job and a diagnostic, with the oldest supported Pulumi SDK: about a minute" && \
	$(OLDEST)/bin/python -m pytest -n auto -m "oldest and not full and not long" tests/host tests/engine

test-full: $(VENV)/.ready $(OLDEST)/.ready ## Run the tests that `make test` leaves out, and host and engine on the oldest SDK: about 20 minutes
	@$(ENGINE) && \
	echo "What \`make test\` leaves out, with the newest Pulumi SDK: about 12 minutes on two cores" && \
	$(VENV)/bin/python -m pytest -n auto -m "full and not long" && \
	echo "All else of host and engine, with the oldest supported Pulumi SDK: about eight minutes" && \
	$(OLDEST)/bin/python -m pytest -n auto -m "(full or not oldest) and not long" tests/host tests/engine

test-long: $(VENV)/.mutmut ## Run all tests with many more examples and 600 integrations, then on mutants of the core: about two hours
	@$(ENGINE) && \
	OUTLIT_LONG=1 $(VENV)/bin/python -m pytest -n auto -m "" && \
	rm -rf mutants && $(VENV)/bin/mutmut run && $(VENV)/bin/python -m tools.mutation

bench: $(VENV)/.bench $(BENCH)/.ready ## Measure time, calls and memory next to Pulumi's own, and write docs/performance.md: half an hour
	@$(ENGINE) && \
	BENCH_BIN=$(CURDIR)/$(BENCH)/bin $(VENV)/bin/python -m benchmarks

bench-check: $(VENV)/.bench $(BENCH)/.ready ## Check that the provider is as fast as it must be: ten minutes
	@$(ENGINE) && \
	BENCH_BIN=$(CURDIR)/$(BENCH)/bin $(VENV)/bin/python -m benchmarks --check

lint: style imports types workflows ## Check style, imports, types and workflows

style: $(VENV)/.ready
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

imports: $(VENV)/.ready
	$(VENV)/bin/lint-imports

# Each example is a program of its own.
types: $(VENV)/.ready
	$(VENV)/bin/mypy --strict --explicit-package-bases --exclude ^benchmarks/projects/ outlit_pulumi tests tools benchmarks
	@for example in examples/*/; do $(VENV)/bin/mypy --strict "$$example" || exit; done

workflows:
	@if command -v go >/dev/null; then set -x; go run $(ACTIONLINT) $(WORKFLOWS); \
	else echo "The workflows were not checked: actionlint needs Go to be built" >&2; fi

dist: $(VENV)/.release ## Build what is released, in dist, and check its metadata
	@rm -rf dist
	$(VENV)/bin/python -m build
	$(VENV)/bin/twine check --strict dist/*

docs: $(VENV)/.ready ## Build the documentation site; a warning or a dead link fails it
	@rm -rf build/docs
	@$(VENV)/bin/python -m sphinx -q -E -W -c tools/site -d build/doctrees . build/docs
	@echo "The site is in build/docs: open index.html"

demo: $(VENV)/.ready ## Watch the whole job happen, against a sandbox on this machine
	@$(ENGINE) && \
	$(VENV)/bin/python tools/demo

clean: ## Remove what these targets made here; the engine's cache, outside, stays
	rm -rf $(VENV) $(OLDEST) $(BENCH) dist build mutants .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# $(call install,FOLDER,CONSTRAINTS,WHAT): an environment with the package and what else it needs, as CONSTRAINTS pins
# it, pip itself among it: older ones know no dependency groups. The mark .ready is set last. An environment
# without it was interrupted and is made anew; one with an old mark is brought up to date.
define install
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "This needs Python 3.11 or later, and '$(PYTHON)' is $$($(PYTHON) --version 2>/dev/null || echo not there)." >&2; \
	  echo "Name another one like this: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "'$(PYTHON)' cannot make virtual environments: its module venv or ensurepip is missing." >&2; \
	  echo "On Debian and Ubuntu this adds it: sudo apt-get install python3-venv" >&2; exit 1; }
	@echo "Preparing $(1) (about a minute)" >&2
	@test -e $(1)/.ready && $(1)/bin/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(1)
	@$(1)/bin/python -m pip --disable-pip-version-check install --quiet pip -c $(2)
	@$(1)/bin/python -m pip install --quiet -e $(3) -c $(2)
	@touch $(1)/.ready
endef

$(VENV)/.ready: pyproject.toml constraints.txt
	$(call install,$(VENV),constraints.txt,'.[cli$(comma)sandbox]' --group dev)

$(VENV)/.mutmut: $(VENV)/.ready
	@$(VENV)/bin/python -m pip install --quiet --group mutation -c constraints.txt
	@touch $@

$(VENV)/.bench: $(VENV)/.ready
	@$(VENV)/bin/python -m pip install --quiet --group bench -c constraints.txt
	@touch $@

$(VENV)/.release: $(VENV)/.ready
	@$(VENV)/bin/python -m pip install --quiet --group release -c constraints.txt
	@touch $@

$(BENCH)/.ready: pyproject.toml constraints.txt
	$(call install,$(BENCH),constraints.txt,.)

$(OLDEST)/.ready: pyproject.toml constraints-oldest.txt
	$(call install,$(OLDEST),constraints-oldest.txt,'.[cli$(comma)sandbox]' --group dev)
