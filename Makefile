# Every target makes .venv on a fresh machine; only Python >= 3.11 is assumed.
PYTHON ?= python3
BIN := .venv/bin
# Two processes with one thread each beat two threads.
export OMP_NUM_THREADS = 1

.PHONY: figures test test-slow lab audition lint clean

figures: .venv/ready
	test -f data/demo/films.csv || $(BIN)/filmlens demo data/demo
	$(BIN)/filmlens run data/demo --out out/demo --figures figures --profile quick
	$(BIN)/python -m filmlens.run.report README.md figures

test: .venv/ready
	$(BIN)/python -m pytest -n 2 --dist loadfile

test-slow: .venv/ready
	$(BIN)/python -m pytest -m slow

# In a container the only user may be root, whom JupyterLab refuses otherwise.
ROOT_TOO := $(if $(filter 0,$(shell id -u)),--allow-root)

lab: .venv/ready
	$(BIN)/jupyter lab --ip=127.0.0.1 $(ROOT_TOO) notebooks \
		--IdentityProvider.token=$$($(BIN)/python -c "import secrets; print(secrets.token_hex(16))")

# Notebook 06 as a page, for people who judge cues and do not know Jupyter: make audition CORPUS=my-corpus
CORPUS ?= data/demo

audition: .venv/ready
	test "$(CORPUS)" != data/demo || test -f data/demo/films.csv || $(BIN)/filmlens demo data/demo
	$(BIN)/filmlens audition "$(CORPUS)"

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	touch $@

clean:
	rm -rf out data/demo
