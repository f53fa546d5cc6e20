# Everything this project can be asked to do, in one word each. `make help` lists them.
# It needs Python 3.11 or newer and a package index; the environment in .venv is made once, and again when a lock changes.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
RUNTIME := $(VENV)/.runtime-installed
DEV := $(VENV)/.dev-installed

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install run demo test corpus bench bench-topics bench-stories bench-digest faults lint format lock schema clean

help: ## what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

install: $(RUNTIME) ## the environment, with the locked dependencies and the command .venv/bin/aggregator

run: $(RUNTIME) ## the service: follows feeds.yaml, writes to data/
	@$(BIN)/aggregator run

demo: $(RUNTIME) ## the whole pipeline on bundled feeds, without a network; writes to data/demo/
	@$(BIN)/aggregator demo

test: $(DEV) ## everything: tests, types, style, import contracts
	@$(BIN)/python -m pytest --numprocesses logical --maxprocesses 4 --dist worksteal

corpus: .corpus/.complete ## fetch the documents that the feed parser is tested with; `make test` then reads them all

bench: $(DEV) ## what polling costs, how polite it is, what hostile feeds cost the others; some minutes
	@$(BIN)/python -m benchmarks.poll
	@$(BIN)/python -m benchmarks.politeness
	@$(BIN)/python -m benchmarks.hostile

bench-topics: $(DEV) ## what matching thousands of topics costs, and how right the shipped pack is
	@$(BIN)/python -m benchmarks.topics

bench-stories: $(DEV) ## how right stories are, what finding them costs, whether bursts and silence are told in time
	@$(BIN)/python -m benchmarks.stories
	@$(BIN)/python -m benchmarks.trends

bench-digest: $(DEV) ## what a thousand digests cost, and how fast mail leaves
	@$(BIN)/python -m benchmarks.digests

faults: $(DEV) ## N=1000 faults of machines, relays and feeds under a real service: is anything lost, or sent twice? SEED= replays
	@$(BIN)/python -m benchmarks.faults $(N)

lint: $(DEV) ## what the tests also check, alone and faster
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(DEV) ## lay the code out and mend what can be mended
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lock: ## resolve the dependencies of pyproject.toml anew into locks/
	@PYTHON=$(PYTHON) ./locks/renew

schema: $(DEV) ## write docs/feeds.schema.json from the code
	@$(BIN)/python -m aggregator.feedlist.schema > $(VENV)/feeds.schema.json
	@mv $(VENV)/feeds.schema.json docs/feeds.schema.json

clean: ## remove the environment and every cache; data/ stays
	@rm -rf $(VENV) .corpus build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find aggregator tests benchmarks db -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "make: $(PYTHON) is missing or older than 3.11; name another one: make install PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) \
		|| { rm -rf $(VENV); echo "make: $(PYTHON) cannot make environments; on Debian: apt-get install python3-venv" >&2; exit 1; }

$(RUNTIME): locks/runtime.txt pyproject.toml | $(BIN)/python
	@echo "installing the locked dependencies into $(VENV)"
	@$(PIP) install --require-hashes --requirement locks/runtime.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV): locks/dev.txt $(RUNTIME)
	@echo "installing what the tests need into $(VENV)"
	@$(PIP) install --require-hashes --requirement locks/dev.txt
	@touch $@

# The lock holds the hash of every file of the pinned version, its source distribution's too; pip refuses any other.
.corpus/.complete: locks/runtime.txt | $(BIN)/python
	@rm -rf .corpus && mkdir .corpus
	@awk '/^feedparser==/ { found = 1 } found && /^ *#/ { exit } found' locks/runtime.txt > .corpus/requirement.txt
	@$(PIP) download --require-hashes --no-deps --no-binary feedparser --dest .corpus --requirement .corpus/requirement.txt
	@tar -xzf .corpus/feedparser-*.tar.gz -C .corpus --strip-components=1 --wildcards '*/tests/*'
	@rm .corpus/feedparser-*.tar.gz
	@touch $@
