#!/bin/bash
# Runs a training on the instance to which user data has downloaded the code: TRAINING_ID and the stack's resources
# are in the environment. The instance shuts down afterwards, whatever the exit code.
set -euo pipefail

# By default the SDK asks the metadata service once and waits a second: too short for a busy instance.
export AWS_METADATA_SERVICE_TIMEOUT=10 AWS_METADATA_SERVICE_NUM_ATTEMPTS=5

# An instance that has every pinned package is used as it is; otherwise the packages go into a virtual environment.
complete() {
  "$1" - training/requirements.txt << 'END'
import re, sys
from importlib import metadata
pinned = re.findall(r"^([A-Za-z0-9._-]+)==([^ \\]+)", open(sys.argv[1]).read(), re.MULTILINE)
try:
    sys.exit(not pinned or any(metadata.version(name) != version for name, version in pinned))
except metadata.PackageNotFoundError:
    sys.exit(1)
END
}

python=python3.13
if ! command -v "$python" > /dev/null || ! complete "$python"; then
  dnf install -y -q python3.13 python3.13-pip libgomp
  "$python" -m venv environment
  python=$PWD/environment/bin/python
  "$python" -m pip install -q --disable-pip-version-check --no-cache-dir --require-hashes -r training/requirements.txt
fi

PYTHONPATH=$PWD "$python" -m training.job "$TRAINING_ID"
