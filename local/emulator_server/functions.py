"""Patches for Lambda. Each removes one of these differences from AWS.

- The error type of a function is always `Runtime.HandlerError`. Lambda reports the class of the exception,
  which the Retry of the state machine matches.
- A template parameter of type Number becomes text in MaximumConcurrency of an event source mapping, which
  makes the poller fail.
- Each worker of a function unpacks its layers again, which takes seconds; here they are unpacked once, and
  workers have symbolic links to them.
- A function can import every package of the emulator's environment; here it has only its layers.
"""

import hashlib
import os
import shlex
import sys
import tempfile
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

RAISED = '{"status": "error", "error": str(e), "trace": traceback.format_exc()}'
RAISED_WITH_CLASS = (
    '{"status": "error", "error": str(e), "error_type": type(e).__name__, "trace": traceback.format_exc()}'
)
DIED = "Worker process died"


def report_error_classes() -> None:
    """Set errorType to the class of the exception, or to Runtime.ExitError if the worker died."""
    script = lambda_runtime._PYTHON_WORKER_SCRIPT
    if RAISED not in script:
        raise SystemExit("ministack's worker script has changed: see local/emulator_server")
    lambda_runtime._PYTHON_WORKER_SCRIPT = script.replace(RAISED, RAISED_WITH_CLASS)

    last = threading.local()
    invoke: Callable[..., dict[str, Any]] = lambda_runtime.Worker.invoke
    execute: Callable[..., dict[str, Any]] = lambda_svc._execute_function_warm

    def invoke_and_keep_class(worker: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        response = invoke(worker, *args, **kwargs)
        last.error_type = response.get("error_type")
        if response.get("error") == DIED:
            last.error_type = "Runtime.ExitError"
        return response

    def execute_with_class(*args: Any, **kwargs: Any) -> dict[str, Any]:
        last.error_type = None
        result = execute(*args, **kwargs)
        body = result.get("body")
        if result.get("error") and last.error_type and isinstance(body, dict):
            body["errorType"] = last.error_type
        return result

    lambda_runtime.Worker.invoke = invoke_and_keep_class
    lambda_svc._execute_function_warm = execute_with_class


def convert_concurrency_to_number() -> None:
    """Convert ScalingConfig.MaximumConcurrency to a number."""
    limit: Callable[..., int] = lambda_svc._sqs_esm_concurrency

    def limit_of_number(mapping: dict[str, Any], *args: Any, **kwargs: Any) -> int:
        scaling = {name: int(value) for name, value in (mapping.get("ScalingConfig") or {}).items()}
        return limit({**mapping, "ScalingConfig": scaling}, *args, **kwargs)

    lambda_svc._sqs_esm_concurrency = limit_of_number


class CachedZipFile(zipfile.ZipFile):
    """An archive that is unpacked once if it is large; whoever unpacks it again has links to that folder."""

    _unpacked: Path | None = None

    def __init__(self, file: str, *args: Any, **options: Any) -> None:
        super().__init__(file, *args, **options)
        if os.path.getsize(file) < 1_000_000:
            return
        with open(file, "rb") as archive:
            name = hashlib.file_digest(archive, "sha256").hexdigest()
        self._unpacked = Path(tempfile.gettempdir(), "unpacked", name)

    def namelist(self) -> list[str]:
        """Return the names to check before unpacking: none if they were checked before."""
        return [] if self._unpacked and self._unpacked.exists() else super().namelist()

    def extractall(self, path: Any = None, members: Any = None, pwd: bytes | None = None) -> None:
        """Unpack the archive, or link to the content of an identical archive that was unpacked before."""
        if self._unpacked is None:
            super().extractall(path, members, pwd)
            return
        with UNPACKING:
            if not self._unpacked.exists():
                unfinished = self._unpacked.with_suffix(".unfinished")
                super().extractall(unfinished)
                unfinished.rename(self._unpacked)
        for entry in self._unpacked.iterdir():
            Path(path, entry.name).symlink_to(entry)


UNPACKING = threading.Lock()


def unpack_layers_once() -> None:
    """Use the cached archive in the module that starts workers, and nowhere else."""
    namespace = dict(vars(zipfile)) | {"ZipFile": CachedZipFile}
    if lambda_runtime.zipfile is not zipfile:
        raise SystemExit("ministack's worker pool has changed: see local/emulator_server")
    lambda_runtime.zipfile = SimpleNamespace(**namespace)


def hide_site_packages() -> None:
    """Start Python workers without site-packages, as Lambda does."""
    detect: Callable[[str], tuple[str, str]] = lambda_runtime._detect_runtime_binary
    if detect("python3.13")[0] != sys.executable:
        raise SystemExit("ministack's choice of Python has changed: see local/emulator_server")
    alone = Path(tempfile.gettempdir(), "python")
    alone.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -S "$@"\n')
    alone.chmod(0o755)

    def detect_alone(runtime: str) -> tuple[str, str]:
        binary, script = detect(runtime)
        return (str(alone), script) if runtime.startswith("python") else (binary, script)

    lambda_runtime._detect_runtime_binary = detect_alone
