"""Time from the start of a process to its first score, with each contestant's model in a local folder.

Claimwatch runs as `sam build` packs it: only the layers are on the path, and no byte code is written.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.scoring_model import Served

LAYERS = ("CoreLayer", "PlatformLayer", "TablesLayer", "ScoringLayer")

CLAIMWATCH = """
import json, pathlib, sys
folder, sha256, claim, *layers = sys.argv[1:]
sys.path[:0] = layers
import numpy
from claimwatch.scoring.bundle import Bundle
from claimwatch.scoring.scorer import Scorer
scorer = Scorer(Bundle.read(lambda name: pathlib.Path(folder, name).read_bytes(), sha256))
values = json.loads(claim)
columns = {
    name: numpy.array(
        [values[name]],
        {"category": object, "number": float, "flag": float}.get(kind, "datetime64[us]"),
    )
    for name, kind in scorer.kinds.items()
}
print(scorer.score(columns).probability[0])
"""

FRAME = """
import json
import pandas
values = json.loads(sys.argv[2])
frame = pandas.DataFrame({name: [value] for name, value in values.items()})
for name in sys.argv[3:]:
    frame[name] = pandas.to_datetime(frame[name])
numbers = [name for name, value in values.items() if value is None or isinstance(value, float)]
frame[numbers] = frame[numbers].astype(float)
"""

SKLEARN = f"""
import pickle, sys
{FRAME}
with open(sys.argv[1], "rb") as file:
    pipeline = pickle.load(file)
print(pipeline.predict_proba(frame)[0, 1])
"""

PYFUNC = f"""
import sys
{FRAME}
import mlflow.pyfunc
print(mlflow.pyfunc.load_model(sys.argv[1]).predict(frame)[0, 1])
"""


def seconds_of(served: Served, build: Path, claim: dict[str, Any]) -> dict[str, float]:
    """Measure the seconds of each contestant once."""
    values = json.dumps(claim)
    dates = [name for name, kind in served.spec.kinds.items() if kind in ("days", "hour", "weekday")]
    layers = [str(build / layer / "python") for layer in LAYERS]
    alone = [sys.executable, "-I", "-S", "-B", "-c"]
    return {
        "claimwatch": _timed([*alone, CLAIMWATCH, str(served.bundle), served.sha256, values, *layers]),
        "sklearn": _timed([sys.executable, "-c", SKLEARN, str(served.pickled), values, *dates]),
        "pyfunc": _timed([sys.executable, "-W", "ignore", "-c", PYFUNC, str(served.pyfunc), values, *dates]),
    }


def _timed(command: list[str]) -> float:
    begun = time.perf_counter()
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    seconds = time.perf_counter() - begun
    if done.returncode:
        raise RuntimeError(done.stderr)
    assert 0.0 < float(done.stdout.split()[-1]) < 1.0
    return seconds
