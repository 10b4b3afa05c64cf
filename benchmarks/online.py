"""Answers to score requests: the function, mlflow models serve, and FastAPI with scikit-learn's pipeline.

python -m benchmarks.online                  what `make bench-online` runs; writes benchmarks/results.json
python -m benchmarks.online --requests 200 --rounds 2      a quick run; writes nothing

All contestants serve the same model, one after the other, on one core; the client and the stand-in for AWS
have another. The function sends a record of each request to the stand-in before it answers, over HTTP; the
peers keep no record, so they are compared with the function without that call, and the rate with it is added.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
from threadpoolctl import threadpool_limits

from benchmarks import online_claimwatch, online_services
from benchmarks.command import Figures, argument_parser, run, say
from benchmarks.online_client import Client
from benchmarks.results import circumstances, median, table
from benchmarks.scoring_model import Served, claims_frame, columns_of, serve
from claimwatch.domain.contract.contract import Contract, LogicalType
from claimwatch.domain.contract.parse import parse_contract
from claimwatch.scoring.bundle import Bundle
from claimwatch.scoring.scorer import Scorer
from samples.contract import MOTOR

REQUESTS, ROUNDS, SEED, BATCH = 2_000, 5, 7, 100
PARITY = 10_000
BUILD = Path(__file__).resolve().parent.parent / ".aws-sam" / "build"
LAYERS = ("CoreLayer", "PlatformLayer", "OnlineLayer")
PACKAGES = (
    "onnxruntime",
    "numpy",
    "google-re2",
    "boto3",
    "uvicorn",
    "scikit-learn",
    "pandas",
    "mlflow",
    "fastapi",
)

COLD = """
import json, sys
function, event, *layers = sys.argv[1:]
sys.path[:0] = [function, *layers]
import handler
from types import SimpleNamespace
context = SimpleNamespace(
    function_name="f", memory_limit_in_mb=1769, invoked_function_arn="arn", aws_request_id="r"
)
answer = handler.handler(json.loads(event), context)
assert answer["statusCode"] == 200, answer
sys.__stdout__.write(answer["body"])
"""


def main() -> None:
    """Measure, print and record the figures."""
    parser = argument_parser("online", __doc__)
    parser.add_argument("--requests", type=int, default=REQUESTS, help="requests of a round")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="rounds of each measurement")
    options = parser.parse_args()
    complete = (options.requests, options.rounds) == (REQUESTS, ROUNDS)
    run("online", options, _measured, _report, complete=complete)


def _measured(options: argparse.Namespace) -> Figures:
    contract = parse_contract(MOTOR.read_text("utf-8"), "motor")
    own = options.folder / "online"
    say("Training the model that all contestants use")
    with threadpool_limits(1):
        served = serve(own, contract)
    frame = claims_frame(own, contract, PARITY, SEED)
    claims = _claims(frame, contract)
    online_services.publish(own, served, contract)
    figures: Figures = {}
    with online_services.stand_in(own) as port:
        figures |= _cold(port, claims[0], options.rounds)
        os.environ |= online_services.environment(port)
        figures |= _in_process(claims, options)
        figures["parity_bits"] = _parity(served, frame, claims)
        figures |= _without_records(claims, options)
        figures |= _over_http(served, frame, claims, port, own, options)
    return {**figures, "features": served.features, **circumstances(*PACKAGES)}


def _claims(frame: pd.DataFrame, contract: Contract) -> list[dict[str, Any]]:
    """Return claims as a client sends them: without missing values."""
    types = {column.name: column.logical_type for column in contract.columns}
    claims: list[dict[str, Any]] = []
    for row in frame.to_dict("records"):
        claim: dict[str, Any] = {}
        for name, value in row.items():
            kind = types.get(str(name))
            if value is None or value != value or kind is None:
                continue
            if isinstance(value, pd.Timestamp):
                text = value.isoformat()
                claim[str(name)] = text[:10] if kind is LogicalType.DATE else f"{text}Z"
            elif kind is LogicalType.BOOLEAN:
                claim[str(name)] = bool(value)
            else:
                claim[str(name)] = int(value) if kind is LogicalType.INTEGER else value
        claims.append(claim)
    return claims


def _plain(row: dict[Hashable, Any]) -> dict[str, Any]:
    """Return a claim as the peers read it: flags as numbers, times without a zone, missing values as null."""
    return {
        str(name): value.isoformat() if isinstance(value, pd.Timestamp) else None if value != value else value
        for name, value in row.items()
    }


def _body(claims: Sequence[dict[str, Any]]) -> str:
    return json.dumps({"claims": list(claims)})


# -- In process --


def _in_process(claims: list[dict[str, Any]], options: argparse.Namespace) -> Figures:
    """Return the milliseconds of the function, called as Lambda calls it, with the record sent."""
    psutil.Process().cpu_affinity(online_services.cores()[0])
    handler = online_claimwatch.handler()
    one = [_body([claim]) for claim in claims[: options.requests]]
    many = [_body(claims[start : start + BATCH]) for start in range(0, BATCH * 20, BATCH)]
    _write_no_log()
    runs = [_seconds(handler, one) for _ in range(options.rounds)]
    batches = [_seconds(handler, many) for _ in range(options.rounds)]
    found = {
        "p50_ms": _milliseconds([float(np.quantile(run, 0.5)) for run in runs]),
        "p99_ms": _milliseconds([float(np.quantile(run, 0.99)) for run in runs]),
        "batch_ms": _milliseconds([float(np.quantile(run, 0.5)) for run in batches]),
    }
    psutil.Process().cpu_affinity(online_services.cores()[1])
    say(f"in process {found}")
    return found | {"batch_vs_one": round(found["batch_ms"] / found["p50_ms"], 1)}


def _without_records(claims: list[dict[str, Any]], options: argparse.Namespace) -> Figures:
    """Return the milliseconds of the function itself: no record is sent from now on."""
    online_claimwatch.drop_records()
    psutil.Process().cpu_affinity(online_services.cores()[0])
    one = [_body([claim]) for claim in claims[: options.requests]]
    many = [_body(claims[start : start + BATCH]) for start in range(0, BATCH * 20, BATCH)]
    runs = [_seconds(online_claimwatch.handler(), one) for _ in range(options.rounds)]
    batches = [_seconds(online_claimwatch.handler(), many) for _ in range(options.rounds)]
    psutil.Process().cpu_affinity(online_services.cores()[1])
    return {
        "p50_ms_without_record": _milliseconds([float(np.quantile(run, 0.5)) for run in runs]),
        "batch_ms_without_record": _milliseconds([float(np.quantile(run, 0.5)) for run in batches]),
    }


def _write_no_log() -> None:
    sys.excepthook = sys.__excepthook__  # the function's own prints no message of an error
    from claimwatch.observability import logger  # noqa: PLC0415 - after the environment is set

    for each in logger.handlers:
        each.setStream(open(os.devnull, "w", encoding="utf-8"))  # type: ignore[attr-defined]  # noqa: SIM115


def _seconds(handler: Any, bodies: Sequence[str]) -> list[float]:
    found = []
    for body in bodies:
        event = online_claimwatch.event_of(body)
        begun = time.perf_counter()
        answer = handler(event, online_claimwatch.CONTEXT)
        found.append(time.perf_counter() - begun)
        assert answer["statusCode"] == 200, answer
    return found


def _milliseconds(seconds: Sequence[float]) -> float:
    return round(1000 * median(seconds), 3)


def _parity(served: Served, frame: pd.DataFrame, claims: list[dict[str, Any]]) -> int:
    """Return the number of claims whose answer has another probability than a file gives, in any bit."""
    scorer = Scorer(Bundle.read(lambda name: (served.bundle / name).read_bytes(), served.sha256))
    expected = scorer.score(columns_of(frame, served.spec)).probability.tolist()
    handler, found = online_claimwatch.handler(), []
    sizes = [1] * 500 + [7] * 100 + [BATCH] * (len(claims) // BATCH)
    start = 0
    for size in sizes:
        some = claims[start : start + size]
        if not some:
            break
        answer = json.loads(
            handler(online_claimwatch.event_of(_body(some)), online_claimwatch.CONTEXT)["body"]
        )
        found += [result["probability"] for result in answer["results"]]
        start += size
    return sum(one != other for one, other in zip(found, expected, strict=True))


# -- Cold start --


def _cold(port: int, claim: dict[str, Any], rounds: int) -> Figures:
    """Return the seconds from the start of a process to its first answer, with nothing but its layers."""
    function = BUILD / "ScoreClaim"
    if not function.is_dir():
        raise SystemExit("The cold start is measured on the build; run `make build` first.")
    event = json.dumps(online_claimwatch.event_of(_body([claim])))
    command = [sys.executable, "-I", "-S", "-B", "-c", COLD, str(function), event]
    command += [str(BUILD / layer / "python") for layer in LAYERS]
    variables = online_services.environment(port) | {"PATH": os.defpath}
    runs = []
    for _ in range(rounds + 1):
        begun = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, env=variables)
        runs.append(time.perf_counter() - begun)
    seconds = round(median(runs[1:]), 3)  # the first one reads the files from disk
    say(f"cold start {seconds} s")
    return {"cold_s": seconds}


# -- Over HTTP --


def _over_http(
    served: Served,
    frame: pd.DataFrame,
    claims: list[dict[str, Any]],
    port: int,
    folder: Path,
    options: argparse.Namespace,
) -> Figures:
    features = frame[list(served.spec.kinds)]
    plain = [_plain(row) for row in features.to_dict("records")]
    few = max(20, options.requests // 20)
    contestants = {
        "claimwatch": (
            online_services.claimwatch_server(port, records=True),
            "/v1/lines/motor/scores",
            [_body([claim]) for claim in claims[: options.requests]],
        ),
        "claimwatch_without_record": (
            online_services.claimwatch_server(port, records=False),
            "/v1/lines/motor/scores",
            [_body([claim]) for claim in claims[: options.requests]],
        ),
        "mlflow_serve": (
            online_services.mlflow_server(served, features, folder),
            "/invocations",
            [json.dumps({"dataframe_records": [claim]}) for claim in plain[:few]],
        ),
        "fastapi_sklearn": (
            online_services.fastapi_server(served),
            "/predict",
            [json.dumps(claim) for claim in plain[:few]],
        ),
    }
    rates: dict[str, float] = {}
    for name, (server, path, bodies) in contestants.items():
        with server as at:
            client = Client(at, path)
            requests = [client.request_of(body) for body in bodies]
            client.seconds(requests[:20])
            runs = [client.seconds(requests) for _ in range(options.rounds)]
            client.close()
        rates[name] = round(median([len(run) / sum(run) for run in runs]), 1)
        say(f"{name}: {rates[name]} requests/s")
    ratios = {
        f"vs_{peer}{ending}": round(rates[own] / rates[peer], 2)
        for peer in ("mlflow_serve", "fastapi_sklearn")
        for own, ending in (("claimwatch_without_record", ""), ("claimwatch", "_with_record"))
    }
    return {"requests_per_second": rates, **ratios}


# -- The report --


def _report(figures: Figures) -> str:
    names = [
        *("p50_ms", "p99_ms", "batch_ms", "batch_vs_one", "cold_s", "parity_bits"),
        *("p50_ms_without_record", "batch_ms_without_record"),
    ]
    rows = [[name, str(figures[name])] for name in names]
    rows += [[name, str(value)] for name, value in figures.items() if name.startswith("vs_")]
    rates = [[name, str(rate)] for name, rate in figures["requests_per_second"].items()]
    return "\n\n".join([table(["", "value"], rows), table(["", "requests/s"], rates)])


if __name__ == "__main__":
    main()
