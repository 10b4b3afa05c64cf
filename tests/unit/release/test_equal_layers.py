"""Two builds of one tree make equal layers: a layer that differs publishes new versions of functions."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import botocore

from local.emulator import PROJECT

REDUCE = """
import sys
from pathlib import Path
from pack import keep_operations
kept = ["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath", "ssm:PutParameter"]
keep_operations(Path(sys.argv[1]), kept)
"""


def reduced(folder: Path, seed: str) -> bytes:
    """Return a model of a service, reduced in a process whose sets have the order of the seed."""
    model = next(Path(botocore.__file__).parent.glob("data/ssm/*/service-2.json.gz"))
    copy = folder / "botocore" / "data" / "ssm" / model.parent.name / model.name
    copy.parent.mkdir(parents=True)
    shutil.copyfile(model, copy)
    subprocess.run(
        [sys.executable, "-c", REDUCE, str(folder)],
        check=True,
        env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(PROJECT / "layers")},
    )
    return copy.read_bytes()


def test_the_reduced_model_of_a_service_does_not_depend_on_the_order_of_sets(tmp_path: Path) -> None:
    assert reduced(tmp_path / "one", "1") == reduced(tmp_path / "two", "2")
