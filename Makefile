# Every target makes .venv on a fresh machine; only Python >= 3.11 is assumed.
PYTHON ?= python3
BIN := .venv/bin
# Two processes with one thread each beat two threads.
export OMP_NUM_THREADS = 1

.PHONY: figures readme test test-slow lab tour shell audition docs lint clean

figures: .venv/ready
	test -f data/demo/films.csv || $(BIN)/filmlens demo data/demo
	$(BIN)/filmlens weights musicnn || true
	$(BIN)/filmlens run data/demo --out out/demo --figures figures --profile quick --excerpts

# What README and docs show of the demo, from the figures of the last `make figures`.
readme: .venv/ready
	$(BIN)/python -m filmlens.run.readme figures

test: .venv/ready
	$(BIN)/python -m pytest -n 2 --dist loadfile

test-slow: .venv/ready
	$(BIN)/python -m pytest -m slow

lab: .venv/ready
	$(BIN)/python -m filmlens.run.lab

# One cue of the demo, heard and explained in five steps.
tour: .venv/ready
	$(BIN)/python -m filmlens.run.tour

# A shell in which `filmlens` is a command; `exit` leaves it.
shell: .venv/ready
	@PATH="$(CURDIR)/$(BIN):$$PATH" $${SHELL:-/bin/sh}

# The bench as a page, for people who judge cues and do not know Jupyter: make audition CORPUS=my-corpus
CORPUS ?= data/demo

audition: .venv/ready
	test "$(CORPUS)" != data/demo || test -f data/demo/films.csv || $(BIN)/filmlens demo data/demo
	$(BIN)/filmlens audition "$(CORPUS)"

# The documentation site, without a network.
docs: .venv/ready
	$(BIN)/python -m sphinx -q -W -b html -c docs/site docs out/docs

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

# What is installed is what was tested, file by file; torch alone is each machine's own build.
.venv/ready: pyproject.toml constraints.txt requirements.lock
	$(PYTHON) -m venv .venv
	$(INSTALL) --require-hashes --no-deps -r requirements.lock
	$(INSTALL) -c constraints.txt torch
	$(INSTALL) --no-deps --no-build-isolation -e .
	touch $@

clean:
	rm -rf out data/demo
