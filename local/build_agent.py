"""Runs the commands of one build, phase by phase, as CodeBuild's agent does.

`local/buildspec.py` starts it under `local/process_supervisor.py`, so that every process that a command
leaves behind ends with the build. It runs isolated (`python -I -S`) and uses the standard library only.

Each command is a script of its own. The working directory and the exported variables carry over from one
command to the next, as in one shell. Nothing else does: a buildspec that relies on more might fail on AWS.
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

PHASES = ("install", "pre_build", "build", "post_build")

ENDS_THE_BUILD = {"install": True, "pre_build": True, "build": False, "post_build": False}
"""Whether a failed phase ends the build if the buildspec does not say `on-failure`."""

_SCRIPT = """\
trap '__code=$?; env -0 > "{state}/environment"; pwd > "{state}/directory"; exit $__code' EXIT
{command}
"""


class Agent:
    """One build: the shell, the state that carries over between commands, and the result so far."""

    def __init__(self, job: dict[str, Any], state: Path) -> None:
        """Prepare a build of a job: `shell`, `directory`, `environment`, `phases`."""
        self._shell = str(job["shell"])
        self._directory = str(job["directory"])
        self._environment: dict[str, str] = dict(job["environment"])
        self._phases: dict[str, dict[str, Any]] = job["phases"]
        self._state = state
        self.succeeding = True

    def run(self) -> list[dict[str, Any]]:
        """Run the phases and return one result for each that was reached."""
        results = []
        for name in PHASES:
            phase = self._phases.get(name)
            if phase is None:
                continue
            started = time.monotonic()
            print(f"[build] phase {name}", flush=True)
            message = self._phase(phase)
            results.append(
                {
                    "name": name,
                    "succeeded": not message,
                    "seconds": round(time.monotonic() - started, 3),
                    "message": message,
                }
            )
            if not message:
                continue
            print(f"[build] phase {name} failed: {message}", flush=True)
            policy = phase.get("on_failure")
            if policy == "ABORT" or (policy is None and ENDS_THE_BUILD[name]):
                break
        return results

    def environment(self) -> dict[str, str]:
        """Return the variables as the last command left them."""
        return self._environment

    def _phase(self, phase: dict[str, Any]) -> str:
        """Run the commands up to the first failure, then `finally`; return why it failed, or nothing."""
        message = ""
        for command in phase["commands"]:
            message = self._command(command)
            if message:
                self.succeeding = False
                break
        for command in phase["finally"]:
            problem = self._command(command)
            if problem:
                self.succeeding = False
                message = message or problem
        return message

    def _command(self, command: str) -> str:
        """Run one command; return why it failed, or nothing."""
        for line in command.rstrip().splitlines():
            print(f"[build] $ {line}", flush=True)
        environment = self._environment | {"CODEBUILD_BUILD_SUCCEEDING": "1" if self.succeeding else "0"}
        script = self._state / "command"
        script.write_text(_SCRIPT.format(state=self._state, command=command), "utf-8")
        done = subprocess.run(
            [self._shell, str(script)],
            cwd=self._directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        self._carry_over()
        first, _, more = command.strip().partition("\n")
        return f"exit status {done.returncode} of: {first}{' ...' if more else ''}" if done.returncode else ""

    def _carry_over(self) -> None:
        """Read what a command left behind; a command that replaces the trap of its script leaves nothing."""
        dumped, directory = self._state / "environment", self._state / "directory"
        if dumped.exists():
            pairs = (
                pair.partition("=")
                for pair in dumped.read_bytes().decode("utf-8", "surrogateescape").split("\0")
            )
            self._environment = {name: value for name, equals, value in pairs if equals}
            dumped.unlink()
        if directory.exists():
            self._directory = directory.read_text("utf-8").rstrip("\n")
            directory.unlink()


def main() -> int:
    """Run the job in a folder and write its result beside it."""
    state = Path(sys.argv[1])
    agent = Agent(json.loads((state / "job.json").read_text("utf-8")), state)
    phases = agent.run()
    result = {"phases": phases, "succeeding": agent.succeeding, "environment": agent.environment()}
    (state / "result.json").write_text(json.dumps(result), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
