# Everything here makes its own virtual environment first: a fresh machine needs Python 3.11+, make and git.
PYTHON ?= python3
BIN := .venv/bin
# Tests start many processes: each reads what the first has compiled.
unexport PYTHONDONTWRITEBYTECODE
# Processes side by side have no cores to spare for each other's matrices.
export OPENBLAS_NUM_THREADS := 1

.PHONY: gameday test crash-matrix bench sample schemas clean

gameday: .venv/run  ## a game day on the twin: three experiments, a verdict table, a report
	$(BIN)/gameday run experiments/storefront/gameday.yaml

test: .venv/test  ## lint, types and every test, in parallel
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -n 3 --dist worksteal

crash-matrix: .venv/test  ## runs that die at every step, and are restored; ends with `N scenarios, M dirty`
	$(BIN)/python -m tests.crash_matrix

calibrate: .venv/test  ## what the judgements promise, measured by simulation: one table, a quarter of an hour
	$(BIN)/python -m tests.calibrate

bench: .venv/test  ## what is measured, beside a calibration loop in the same run
	$(BIN)/python -m tests.benchmarks

sample: .venv/run  ## the sample report under reports/sample: the page and the summary, without the records
	$(BIN)/gameday run experiments/storefront/gameday.yaml --reports reports/sample --seed 7
	rm -f reports/sample/*.json

schemas: .venv/run  ## the JSON Schemas that editors read
	$(BIN)/gameday schema experiments

clean:
	rm -rf .venv

.venv/run: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[twin]'
	@touch $@

.venv/test: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[test]'
	@touch .venv/run $@
