"""`make desk` serves the sources of the desk to a running stack, and ends without leaving anything behind."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import psutil
import pytest

from local import __main__ as command_line
from local import dev_server
from local.processes import ProcessMark, responds
from local.stack import CALLBACK_URL
from release.desk import UI, install_packages, node_is_there
from release.errors import ReleaseRefused
from tests.cluster import PROJECT

SERVE = """
import sys
from pathlib import Path
from local.dev_server import serve_desk_until_interrupted
serve_desk_until_interrupted(Path(sys.argv[1]))
"""


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    """The folder of a stack that seems to run: its servers are this process, and its desk does not answer."""
    mark = asdict(ProcessMark.of(os.getpid()))
    servers = {"endpoint_url": "http://127.0.0.1:9", "desk_url": "http://127.0.0.1:9/", "databases": {}}
    (tmp_path / "servers.json").write_text(json.dumps(servers | {"owner": mark, "guards": [mark]}))
    users = [{"name": "ida", "password": "drawn-at-start", "group": "investigator"}]
    (tmp_path / "stack.json").write_text(json.dumps({"users": users}))
    return tmp_path


def test_without_a_stack_the_message_says_how_to_start_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert dev_server.serve_desk_until_interrupted(tmp_path) == 1
    assert "`make up` starts it" in capsys.readouterr().err


def test_without_node_the_message_says_what_to_install(
    stack: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    assert dev_server.serve_desk_until_interrupted(stack) == 1
    said = capsys.readouterr().err
    assert "Install Node.js 20.19 or later with npm" in said
    assert "deployed" not in said


def test_packages_that_cannot_be_installed_are_a_sentence_and_no_trace(
    stack: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(folder: Path) -> None:
        raise ReleaseRefused("npm ci failed in ui/:\nnpm error code ENOTFOUND")

    monkeypatch.setattr(dev_server, "install_packages", refuse)
    monkeypatch.setattr(dev_server, "node_is_there", lambda: True)
    monkeypatch.setattr(command_line, "FOLDER", stack)
    monkeypatch.setattr(sys, "argv", ["local", "desk"])
    assert command_line.main() == 1
    assert capsys.readouterr().err.endswith("ENOTFOUND\n")


def test_ctrl_c_ends_the_server_and_everything_that_it_started(stack: Path) -> None:
    if not node_is_there():
        (pytest.fail if os.environ.get("CI") else pytest.skip)("Node.js 20.19 or later is missing")
    install_packages(PROJECT / UI)
    with subprocess.Popen(
        [sys.executable, "-c", SERVE, str(stack)], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    ) as serving:
        try:
            assert serving.stdout is not None
            assert CALLBACK_URL in serving.stdout.readline()
            assert "drawn-at-start" in serving.stdout.readline()
            assert responds(CALLBACK_URL)
            started = psutil.Process(serving.pid).children(recursive=True)
            assert len(started) > 1  # the supervisor, and what it supervises
            serving.send_signal(signal.SIGINT)
            serving.wait(timeout=20)
        finally:
            serving.kill()
    assert not [process for process in started if process.is_running()]
    assert not responds(CALLBACK_URL)
