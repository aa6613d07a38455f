# Everything here makes its own virtual environment first: a fresh machine needs Python 3.11+, make and git.
PYTHON ?= python3
BIN := .venv/bin
# Tests start many processes: each reads what the first has compiled.
unexport PYTHONDONTWRITEBYTECODE
# Processes side by side have no cores to spare for each other's matrices.
export OPENBLAS_NUM_THREADS := 1

# The promises of the engine, the judge, the files and the house, in under half a minute.
CORE := tests/test_house.py tests/engine tests/steady_state/judging tests/files/test_load.py tests/faults/test_fault_laws.py tests/run/test_loop.py tests/store/test_lease.py
PYTEST := $(BIN)/pytest -n 4 --dist worksteal

.PHONY: gameday check test test-loaded coverage crash-matrix emulator attack calibrate bench sample schemas clean

gameday: .venv/run  ## a game day on the twin: three experiments, a verdict table, a report
	$(BIN)/gameday run experiments/storefront/gameday.yaml

check: .venv/test  ## lint, types and a core of tests: a minute, after every change
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -n 2 --dist worksteal $(CORE)

test: .venv/test  ## lint, types and every test, in parallel: five minutes
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(PYTEST)

test-loaded: .venv/test  ## every test beside eight busy loops: none depends on the speed of the machine
	$(BIN)/python -m tests.loaded 8 $(PYTEST) $(TESTS)

coverage: .venv/test  ## every test, with the branches that none takes: the total, and the worst files
	$(BIN)/coverage erase
	$(PYTEST) --cov --cov-report= $(TESTS)
	$(BIN)/coverage report --sort=cover --skip-covered | sed -n '1,22p;$$p'

crash-matrix: .venv/test  ## runs that die at every step, and are restored; ends with `N scenarios, M dirty`
	$(BIN)/python -m tests.crash_matrix

emulator: .venv/test  ## the storefront and conform on a second AWS that shares no code with moto
	$(BIN)/python -m tests.emulator

attack: .venv/test  ## each kind of attack for a minute: what was tried and what failed, written to docs/attack.md
	$(BIN)/python -m tests.attack --write

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
