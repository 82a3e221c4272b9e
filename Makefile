# Every verb works from a fresh clone: it makes what it needs first.
PYTHON ?= python3
BIN := .venv/bin
APT := $(if $(filter 0,$(shell id -u)),,sudo) apt-get

.PHONY: help install demo test lint types unit system bench format lock notebook clean

help: ## Show the verbs
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

install: .venv/installed ## Make .venv with exactly what constraints.txt locks

.venv/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c "import ensurepip" 2>/dev/null || { $(APT) update -q && $(APT) install -q -y python3-venv; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: install ## Run the embedded default on the demo corpus, to results/demo/report.html
	$(BIN)/evalkit faults --run demo
	$(BIN)/evalkit run

test: install system lint types unit ## Lint, type-check, run every test and every notebook

lint: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: install
	$(BIN)/mypy

unit: install
	$(BIN)/pytest --numprocesses auto --dist worksteal

system: ## Install what tests drive: Debian's Chromium (the report) and NIST's sclite (cross-checks)
	@command -v chromium >/dev/null && command -v sctk >/dev/null || \
		{ $(APT) update -q && $(APT) install -q -y --no-install-recommends chromium sctk; }

bench: install ## Run the benchmarks (timing claims live there, not in the tests)
	$(BIN)/python -m tests.benchmarks.pacing
	$(BIN)/python -m tests.benchmarks.pacing --tls
	$(BIN)/python -m tests.benchmarks.pacing --limit-ms 10 --runs 3
	$(BIN)/python -m tests.benchmarks.latency
	$(BIN)/python -m tests.benchmarks.uploads
	$(BIN)/python -m tests.benchmarks.store
	$(BIN)/python -m tests.benchmarks.scoring
	$(BIN)/python -m tests.benchmarks.diarization
	$(BIN)/python -m tests.benchmarks.streams
	$(BIN)/python -m tests.benchmarks.statistics

$(BIN)/uv:
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

format: install ## Format and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(BIN)/uv ## Resolve pyproject.toml again into constraints.txt
	$(BIN)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --generate-hashes \
		--no-header --no-annotate --quiet --upgrade --output-file constraints.txt

notebook: install ## Open the notebooks
	$(BIN)/jupyter lab notebooks

clean: ## Remove what the verbs made, results excepted
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist
