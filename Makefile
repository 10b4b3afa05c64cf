# Claimwatch. `make` alone lists what there is; every target sets up what it needs first.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory

VENV := $(CURDIR)/.venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.claimwatch
CHECKOV := $(CURDIR)/.venv-checkov
EVIDENTLY := $(CURDIR)/.venv-evidently
# Those that the machine trusts, as pip does.
export UV_SYSTEM_CERTS := 1
export PATH := $(BIN):$(PATH)
export SAM_CLI_TELEMETRY := 0
export PYTHONUNBUFFERED := 1
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV

# The deployed application first, for it takes the longest; a second process begins with the units (tests/conftest.py).
TESTS := $(wildcard tests/e2e tests/integration/iam tests/unit tests/template tests/integration tests/faults)
CODE_VERSION := $(shell git describe --always --dirty 2>/dev/null || echo unversioned)

.PHONY: help setup build demo test check bench bench-ingest bench-images bench-scoring bench-drift faults up down status mlflow deploy lock clean

help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-14s %s\n", $$1, $$2 }'

# -- The environment ---------------------------------------------------------------------------------------------

setup: $(STAMP) ## Make .venv with everything in it, checked against hashes

# A version manager's shim is on PATH but may not run, so each candidate has to prove itself.
define find_python
find_python() {
  local candidate
  for candidate in python3.13 python3 python \
      "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/3.13*/bin/python3.13 "$$HOME"/.pyenv/versions/3.13*/bin/python3.13; do
    if "$$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != (3, 13))' >/dev/null 2>&1; then
      echo "$$candidate"; return
    fi
  done
  if command -v uv >/dev/null 2>&1; then
    uv python find --no-project 3.13 2>/dev/null || uv python install --quiet 3.13 && uv python find --no-project 3.13 && return
  fi
  echo "Claimwatch needs Python 3.13 (with its venv module), and there is none on PATH, in pyenv or through uv." >&2
  echo "Install it with one of: apt install python3.13-venv | brew install python@3.13 | pyenv install 3.13 | uv python install 3.13" >&2
  return 1
}
endef

$(STAMP): requirements/uv.txt requirements/dev.txt Makefile
	@$(find_python)
	if ! "$(BIN)/python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' >/dev/null 2>&1; then
	  PATH="$${PATH#"$(BIN):"}"
	  python="$$(find_python)"
	  echo "Making .venv with $$python" >&2
	  rm -rf "$(VENV)"
	  "$$python" -m venv "$(VENV)"
	fi
	echo "Installing what requirements/dev.txt pins" >&2
	"$(BIN)/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	"$(BIN)/uv" pip sync --quiet --python "$(BIN)/python" --require-hashes requirements/dev.txt
	# Our own packages: claimwatch from its layer; local, samples, cli and benchmarks from the root.
	site="$$("$(BIN)/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
	printf '%s\n' "$(CURDIR)/layers/core" "$(CURDIR)" > "$$site/claimwatch-tree.pth"
	printf '#!%s\n%s\n' "$(BIN)/python" 'from cli.main import app; app()' > "$(BIN)/claimwatch"
	chmod +x "$(BIN)/claimwatch"
	touch "$@"

lock: $(STAMP) ## Pin the newest versions that the *.in files allow, with hashes and no index host
	compile() { uv pip compile --quiet --upgrade --generate-hashes --no-emit-index-url --no-header --python-version 3.13 "$$@"; }
	compile requirements/uv.in -o requirements/uv.txt
	compile requirements/dev.in -o requirements/dev.txt
	compile requirements/checkov.in -o requirements/checkov.txt
	compile requirements/evidently.in -o requirements/evidently.txt
	# The layers run what the tests ran.
	for layer in platform tables images; do
	  compile -c requirements/dev.txt "layers/$$layer/requirements.in" -o "layers/$$layer/requirements.txt"
	done
	# Whoever scores has the tables layer beside it, and with that numpy.
	compile -c requirements/dev.txt --no-emit-package numpy layers/scoring/requirements.in -o layers/scoring/requirements.txt
	# So does whoever checks a week.
	compile -c requirements/dev.txt --no-emit-package numpy layers/statistics/requirements.in -o layers/statistics/requirements.txt
	compile -c requirements/dev.txt training/requirements.in -o training/requirements.txt

# -- Build and deploy --------------------------------------------------------------------------------------------

build: $(STAMP) ## sam build: functions and layers, into .aws-sam/
	sam build

deploy: build ## Deploy to AWS; the first time it asks for the parameters
	if grep -q '^\[deployed\.' samconfig.toml; then guided=(); else guided=(--guided); fi
	sam deploy "$${guided[@]}" --parameter-overrides CodeVersion="$(CODE_VERSION)"

# -- The laptop's AWS --------------------------------------------------------------------------------------------

demo: $(STAMP) ## See it work: half a year of sample claims loaded, learnt from, scored and checked, on this machine
	@python -m local demo

up: $(STAMP) ## Start PostgreSQL and the AWS emulator and deploy to it; writes .local/stack.json
	@python -m local up

down: ## Stop all that `make up` started
	@if [ -x "$(BIN)/python" ] && [ -e "$(STAMP)" ]; then python -m local down; else echo "Nothing is running." >&2; fi

status: $(STAMP) ## What runs, where, and since when
	@python -m local status

mlflow: $(STAMP) ## MLflow's interface to the running stack's models, until Ctrl-C; PORT=5000 chooses its port
	@exec python -m local mlflow $(if $(PORT),--port $(PORT))

# -- Tests, checks, measurements ---------------------------------------------------------------------------------

test: $(STAMP) build ## Every test: unit, template, integration, faults (a short seeded run), end to end
	@python -m pytest -n 2 $(TESTS)

faults: $(STAMP) ## At least 200 seeded schedules of kills, restarts, duplicates and late events
	@python -m tests.faults

bench: bench-ingest bench-images bench-scoring bench-drift ## Every benchmark, each against its peers in the same run

bench-ingest: $(STAMP) ## Loading a million rows against raw COPY, pandas and awswrangler
	@python -m benchmarks.ingest

bench-images: $(STAMP) ## Photos of 12 megapixels against Pillow, pyvips and sharp; finding edited copies
	@python -m benchmarks.images

bench-scoring: $(STAMP) build ## Scoring and explaining claims against scikit-learn's pipeline, MLflow's pyfunc and shap
	@python -m benchmarks.scoring

bench-drift: $(STAMP) $(EVIDENTLY)/.claimwatch ## Drift: false alarms, power and time beside Evidently and scipy; intervals
	@python -m benchmarks.drift

check: $(STAMP) $(CHECKOV)/.claimwatch ## ruff, mypy --strict, sam validate, cfn-lint, checkov: no finding at all
	ruff format --check .
	ruff check .
	mypy
	sam validate --lint
	cfn-lint template.yaml
	# A template that it cannot read has no findings, and would pass.
	"$(CHECKOV)/bin/checkov" --quiet --compact --skip-download --framework cloudformation --file template.yaml \
	  | tee /dev/stderr | { ! grep -q "Parsing errors: [1-9]"; }

# Checkov pins boto3 and click at versions that sam cannot live with, so it has an environment of its own.
$(CHECKOV)/.claimwatch: requirements/checkov.txt $(STAMP)
	@echo "Making .venv-checkov" >&2
	uv venv --quiet --clear --no-project --python "$(BIN)/python" "$(CHECKOV)"
	uv pip sync --quiet --python "$(CHECKOV)/bin/python" --require-hashes requirements/checkov.txt
	touch "$@"

# Evidently does not import under pandas 3, so it has an environment of its own too.
$(EVIDENTLY)/.claimwatch: requirements/evidently.txt $(STAMP)
	@echo "Making .venv-evidently" >&2
	uv venv --quiet --clear --no-project --python "$(BIN)/python" "$(EVIDENTLY)"
	uv pip sync --quiet --python "$(EVIDENTLY)/bin/python" --require-hashes requirements/evidently.txt
	touch "$@"

clean: down ## Remove all that was made here, except .venv
	rm -rf .aws-sam .local .mypy_cache .ruff_cache .pytest_cache .hypothesis
