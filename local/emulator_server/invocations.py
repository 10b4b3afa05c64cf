"""Patches for invocations of functions. Each removes one of these differences from AWS Lambda.

- An alias stores the weights of its routing configuration, but all of its invocations reach one version. The
  draws can be repeated: CLAIMWATCH_ALIAS_SEED seeds them.
- Only invocations by the Invoke API are counted, without their alias and version.
- LogType=Tail returns the output of the function without the lines of the platform. The REPORT line names
  the memory of the largest worker of all functions, and no start of a process.
"""

import base64
import inspect
import os
import random
import threading
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from types import FunctionType
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import cloudwatch, lambda_svc

TAIL_BYTES = 4096

type Record = dict[str, Any]


def route_by_alias_weights() -> None:
    """Draw the version of each invocation of an alias, whether it comes from a service or the Invoke API."""
    find: Callable[[str], tuple[Record | None, Record | None, str]] = lambda_svc._get_func_record_for_ref
    invoke: FunctionType = lambda_svc._invoke
    source = inspect.getsource(invoke)
    if 'func["aliases"][qualifier].get("FunctionVersion", "$LATEST")' not in source or (
        "func = _functions[name]" not in source
        or list(inspect.signature(lambda_svc._effective_func_record_for_qualifier).parameters)
        != ["func", "qualifier"]
    ):
        raise SystemExit("ministack's aliases have changed: see local/emulator_server")
    draws = random.Random(os.environ.get("CLAIMWATCH_ALIAS_SEED"))  # noqa: S311 - chooses versions

    def routed(function: Record) -> Record:
        """Return the function with aliases that name one version, drawn by their weights."""
        aliases = {name: draw(alias) for name, alias in function.get("aliases", {}).items()}
        return function | {"aliases": aliases}

    def draw(alias: Record) -> Record:
        weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
        point = draws.random() if weights else 1.0
        for version, weight in weights.items():
            point -= float(weight)
            if point < 0:
                return alias | {"FunctionVersion": version}
        return alias

    def find_routed(reference: str) -> tuple[Record | None, Record | None, str]:
        record, config, name = find(reference)
        _, qualifier = lambda_svc._resolve_name_and_qualifier(reference)
        function, _, _ = lambda_svc._get_base_func_record_for_ref(reference)
        if record is None or function is None or qualifier not in function.get("aliases", {}):
            return record, config, name
        found, drawn = lambda_svc._effective_func_record_for_qualifier(routed(function), qualifier)
        if found is None or drawn is None:
            return None, None, name
        # The function is invoked as its alias; its version is in "Version".
        config = drawn | {"FunctionArn": function["aliases"][qualifier]["AliasArn"]}
        return found | {"config": config}, config, name

    async def invoke_routed(name: str, *args: Any, **kwargs: Any) -> Any:
        functions = lambda_svc._functions
        if name in functions:
            functions = {name: routed(functions[name])}
        call = FunctionType(
            invoke.__code__, vars(lambda_svc) | {"_functions": functions}, argdefs=invoke.__defaults__
        )
        return await call(name, *args, **kwargs)

    lambda_svc._get_func_record_for_ref = find_routed
    lambda_svc._invoke = invoke_routed


def count_invocations() -> None:
    """Publish the metrics of each invocation for the function, its alias and the executed version."""
    execute: Callable[[Record, Any], Record] = lambda_svc._execute_function
    if "if _function_config_scope_mismatch(config):" not in inspect.getsource(execute):
        raise SystemExit("ministack's execution of functions has changed: see local/emulator_server")

    def execute_and_count(function: Record, event: Any) -> Record:
        config = function.get("config") or function
        if lambda_svc._function_config_scope_mismatch(config):
            return execute(function, event)  # which calls this function again, within the right scope
        started = time.monotonic()
        result = execute(function, event)
        elapsed = (time.monotonic() - started) * 1000
        throttled = bool(result.get("throttle"))
        for dimensions in dimensions_of(config):
            record("Throttles", "Count", throttled, dimensions)
            if not throttled:  # a throttled request is neither an invocation nor an error
                record("Invocations", "Count", 1, dimensions)
                record("Errors", "Count", bool(result.get("error")), dimensions)
                record("Duration", "Milliseconds", elapsed, dimensions)
        return result

    lambda_svc._execute_function = execute_and_count
    lambda_svc._emit_lambda_metrics = lambda *_args, **_kwargs: None


def dimensions_of(config: Record) -> list[dict[str, str]]:
    """Return the sets of dimensions under which Lambda publishes the metrics of an invocation."""
    name = config["FunctionName"]
    qualifier = config["FunctionArn"].partition(f":function:{name}")[2].strip(":")
    resource = f"{name}:{qualifier}" if qualifier else name
    found = [{"FunctionName": name}, {"FunctionName": name, "Resource": resource}]
    if qualifier and qualifier != config.get("Version"):
        found.append(found[1] | {"ExecutedVersion": config.get("Version", "$LATEST")})
    return found


RECORDING = threading.Lock()


def record(metric: str, unit: str, value: float, dimensions: Mapping[str, str]) -> None:
    """Add a sample to the statistics of this second, because a point for each would fill the memory."""
    bucket = cloudwatch._metric_bucket(("AWS/Lambda", metric, cloudwatch._dims_key(dict(dimensions))))
    second, value = float(int(time.time())), float(value)
    with RECORDING:
        if not bucket or bucket[-1]["Timestamp"] != second:
            nothing = {"SampleCount": 0.0, "Sum": 0.0, "Minimum": value, "Maximum": value}
            point = {"Timestamp": second, "Unit": unit, "Dimensions": dict(dimensions), "_stat": nothing}
            bucket.append(point)
        statistics = bucket[-1]["_stat"]
        statistics["SampleCount"] += 1
        statistics["Sum"] += value
        statistics["Minimum"] = min(statistics["Minimum"], value)
        statistics["Maximum"] = max(statistics["Maximum"], value)


def report_invocations() -> None:
    """Add START, END and REPORT lines to the result of LogType=Tail, with Init Duration after a start."""
    invoke: Callable[..., Any] = lambda_svc._invoke
    dispatch: Callable[..., Record] = lambda_svc._execute_function_dispatch
    spawn: Callable[[Any], None] = lambda_runtime.Worker._spawn
    work: Callable[..., Record] = lambda_runtime.Worker.invoke
    tail: ContextVar[list[str] | None] = ContextVar("log_tail", default=None)
    worker: ContextVar[Record | None] = ContextVar("worker_facts", default=None)
    if list(inspect.signature(dispatch).parameters)[3] != "request_id" or "self._spawn()" not in (
        inspect.getsource(lambda_runtime)
    ):
        raise SystemExit("ministack's execution of functions has changed: see local/emulator_server")

    def spawn_timed(self: Any) -> None:
        started = time.monotonic()
        spawn(self)
        if (facts := worker.get()) is not None:
            facts["init"] = (time.monotonic() - started) * 1000

    def work_observed(self: Any, *args: Any, **kwargs: Any) -> Record:
        response = work(self, *args, **kwargs)
        if (facts := worker.get()) is not None:
            facts["memory"] = peak_memory(self._proc)
        return response

    def dispatch_reported(
        function: Record, config: Record, event: Any, request_id: str, *args: Any
    ) -> Record:
        lines = tail.get()
        if lines is None:
            return dispatch(function, config, event, request_id, *args)
        facts: Record = {"init": None, "memory": 0}
        token, started = worker.set(facts), time.monotonic()
        try:
            result = dispatch(function, config, event, request_id, *args)
        finally:
            worker.reset(token)
        elapsed = (time.monotonic() - started) * 1000 - (facts["init"] or 0)
        report = (
            f"REPORT RequestId: {request_id}\tDuration: {elapsed:.2f} ms\tBilled Duration: {elapsed:.0f} ms\t"
            f"Memory Size: {config.get('MemorySize', 128)} MB\tMax Memory Used: {facts['memory']} MB\t"
        )
        if facts["init"] is not None:
            report += f"Init Duration: {facts['init']:.2f} ms\t"
        lines += [f"START RequestId: {request_id} Version: {config.get('Version', '$LATEST')}"]
        lines += [*str(result.get("log") or "").splitlines(), f"END RequestId: {request_id}", report]
        return result

    async def invoke_with_tail(name: str, event: Any, headers: Mapping[str, str], *args: Any) -> Any:
        if headers.get("x-amz-log-type", "").lower() != "tail":
            return await invoke(name, event, headers, *args)
        lines: list[str] = []
        token = tail.set(lines)
        try:
            status, answered, body = await invoke(name, event, headers, *args)
        finally:
            tail.reset(token)
        if lines:
            end = "\n".join(lines).encode()[-TAIL_BYTES:]
            answered = answered | {"X-Amz-Log-Result": base64.b64encode(end).decode()}
        return status, answered, body

    lambda_runtime.Worker._spawn = spawn_timed
    lambda_runtime.Worker.invoke = work_observed
    lambda_svc._execute_function_dispatch = dispatch_reported
    lambda_svc._invoke = invoke_with_tail


def peak_memory(process: Any) -> int:
    """Return the largest resident memory of a process in MB, or 0 if it has ended."""
    try:
        with open(f"/proc/{process.pid}/status") as status:
            return next((int(line.split()[1]) // 1024 for line in status if line.startswith("VmHWM:")), 0)
    except (OSError, AttributeError):
        return 0
