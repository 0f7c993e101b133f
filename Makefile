# One command to run, one to test, from a fresh clone. Needs: Python 3.11 or newer, make, git, the package registries.
#
#   make demo      a whole city on this machine, from a photo to a proof (HEADLESS=1: no waiting for a person)
#   make test      every test (PROCESSES=0 in one process)          make lint    style, types, direction of imports
#   make foreign   the checkers of others that the tests run on our record (Go's come from Debian's packages)
#   make fuzz      parsers of strangers' bytes, guided by coverage (FUZZ_SECONDS=20 for each of a dozen)
#   make torture-log    kills at seeded steps of the record, with witnesses (SEEDS=1000, or SEED=N)
#   make bench     speeds, as ratios   make lock    renew requirements/ after a change of pyproject.toml
#   make bench-log      the record (ENTRIES=N)
#   make bench-hotlist  reads against a million wanted plates   make bench-intake  what a read costs on its way in
#   make bench-store    30 million reads beside PostgreSQL (READS=N POSTGRES=0)
#   make torture        a vault killed at a thousand seeded points (SEEDS=N, or SEED=N; DISK=1; JOBS=N; RESUME=1)
#   make soak           a hundred cameras into a vault (MINUTES=60, or SECONDS=N)
#   make vendor    the front-end files make clean   remove everything that make made

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help demo test foreign fuzz torture-log lint format bench bench-log bench-hotlist bench-intake bench-store bench-store-plot soak torture lock vendor setup clean

export UV_PYTHON_DOWNLOADS := never
export UV_NO_PROGRESS := 1

PYTHON := .venv/bin/python
PYTHON_RANGE := >=3.11,<3.15
INSTALLED := .venv/.installed
STAMP := src/glassplate/web/static/vendor/manifest.sha256
BOOTSTRAP := .tools/uv
NODE := .tools/node
EXPORT := export --locked --no-emit-project --no-emit-index-url --no-annotate --no-header --quiet

# A uv that answers, else our own in $(BOOTSTRAP). A shim that only pretends to be uv does not count.
UV := $(shell uv --version >/dev/null 2>&1 && echo uv || echo $(BOOTSTRAP)/bin/uv)
OWN_UV := $(filter $(BOOTSTRAP)/%,$(UV))

help:
	@sed -n 's/^#   //p' Makefile

demo: setup
	.venv/bin/glassplate demo --replace $(if $(HEADLESS),--headless --yes)

# In several processes; PROCESSES=0 runs in one, where --pdb, -s and prints work.
PROCESSES ?= auto
test: setup
	$(PYTHON) -m pytest --numprocesses $(PROCESSES) --dist worksteal $(ARGS)

lint: setup
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

format: setup
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

bench: setup
	$(PYTHON) tools/bench.py

bench-intake: setup
	$(PYTHON) tools/bench_intake.py $(ARGS)

bench-log: setup
	$(PYTHON) tools/bench_log.py

bench-hotlist: setup
	$(PYTHON) tools/bench_hotlist.py $(ARGS)

READS ?= 30000000
POSTGRES ?= 1
bench-store: setup
	PYTHONPATH=tools $(PYTHON) -m bench_store --reads $(READS) --postgres $(POSTGRES) $(ARGS)

# Draws docs/pictures/store-*.svg and prints the tables from every build/bench-store-READS.json.
bench-store-plot: setup
	PYTHONPATH=tools $(PYTHON) -m bench_store.plot

MINUTES ?= 60
SECONDS ?= $(shell echo $$(($(MINUTES) * 60)))
soak: setup
	PYTHONPATH=tools $(PYTHON) -m bench_store.soak --seconds $(SECONDS)

SEEDS ?= 1000
torture: setup
	$(PYTHON) -m tests.support.torture $(if $(SEED),--seed $(SEED),--seeds $(SEEDS)) $(if $(DISK),--disk) \
	  $(if $(JOBS),--at-once $(JOBS)) $(if $(RESUME),--keep build/torture-$(if $(DISK),disk,kills).jsonl) $(ARGS)

setup: $(INSTALLED) vendor

$(INSTALLED): requirements/dev.txt pyproject.toml $(OWN_UV)
	$(UV) venv --quiet --allow-existing --python "$(PYTHON_RANGE)" .venv
	$(UV) pip sync --quiet --python $(PYTHON) --require-hashes requirements/dev.txt
	GLASSPLATE_SKIP_VENDOR=1 $(UV) pip install --quiet --python $(PYTHON) --no-deps --no-build-isolation --editable .
	touch $@

# uv, by pip and by hash, only where the machine has none.
$(BOOTSTRAP)/bin/uv: $(wildcard requirements/bootstrap.txt)
	python3 -m venv $(BOOTSTRAP) || { echo >&2 "python3 cannot make a venv. On Debian: apt-get install python3-venv"; exit 1; }
	$(BOOTSTRAP)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
	touch $@

# Third-party front-end files, from npm by hash: hatch_build.py. Node comes as a wheel where there is no npm.
vendor: $(STAMP)

$(STAMP): frontend/packages.json hatch_build.py | $(INSTALLED)
	@if command -v npm >/dev/null 2>&1; then $(PYTHON) hatch_build.py; else \
	  $(UV) venv --quiet --allow-existing --python $(PYTHON) $(NODE); \
	  $(UV) pip sync --quiet --python $(NODE)/bin/python --require-hashes requirements/node.txt; \
	  $(NODE)/bin/python hatch_build.py; fi
	@touch $@

# sigstore's checkers, pinned, each in an environment of its own: their dependencies are not ours.
foreign: .tools/sigstore/.installed .tools/sigstore-npm/.installed

.tools/sigstore/.installed: tests/foreign/sigstore.txt | $(INSTALLED)
	$(UV) venv --quiet --allow-existing --python $(PYTHON) .tools/sigstore
	$(UV) pip sync --quiet --python .tools/sigstore/bin/python --require-hashes $<
	touch $@

.tools/sigstore-npm/.installed: tests/foreign/npm/package-lock.json
	mkdir -p $(@D)
	cp tests/foreign/npm/package.json tests/foreign/npm/package-lock.json $(@D)/
	cd $(@D) && npm ci --ignore-scripts --no-audit --no-fund --silent
	touch $@

FUZZ_SECONDS ?= 20
fuzz: .tools/fuzz/.installed
	PYTHONPATH=src .tools/fuzz/bin/python tools/fuzz_parsers.py $(FUZZ_SECONDS)

.tools/fuzz/.installed: tools/fuzz.txt requirements/run.txt | $(INSTALLED)
	$(UV) venv --quiet --allow-existing --python $(PYTHON) .tools/fuzz
	$(UV) pip sync --quiet --python .tools/fuzz/bin/python --require-hashes requirements/run.txt tools/fuzz.txt
	touch $@

torture-log: setup
	$(PYTHON) tests/unit/log/log_torture.py $(if $(SEED),--seed $(SEED),--seeds $(SEEDS))

# uv.lock names registry hosts, so it stays out of git; the hashed lists made from it do not.
lock: $(OWN_UV)
	$(UV) lock --quiet
	$(UV) $(EXPORT) --group dev -o requirements/dev.txt
	$(UV) $(EXPORT) --no-dev -o requirements/run.txt
	$(UV) $(EXPORT) --only-group bootstrap -o requirements/bootstrap.txt
	$(UV) $(EXPORT) --only-group node -o requirements/node.txt
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
	  --no-emit-index-url tests/foreign/sigstore.in -o tests/foreign/sigstore.txt
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
	  --no-emit-index-url tools/fuzz.in -o tools/fuzz.txt
	@! grep -n "://" requirements/*.txt tests/foreign/sigstore.txt tools/fuzz.txt || { echo >&2 "A registry host leaked into requirements/."; exit 1; }

clean:
	rm -rf .venv .tools build dist demo-city test-results src/glassplate/web/static/vendor uv.lock
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
