"""Runs a buildspec on this machine as CodeBuild does: `python -m local.buildspec NAME [A=b ...]`.

The agent that AWS offers for this needs Docker, and the emulator's CodeBuild reports success without running
anything. What is the same here:

- A build sees a copy of the files that git knows, as CodePipeline hands over an archive: without `.git`,
  without executable bits, and with text files in place of symbolic links; an empty HOME; and only the
  variables that it is given.
- Phases, `finally`, `on-failure` and the order in which a failed build goes on: `local/build_agent.py`.
- Reports are read even if the build failed. A build without a report or artifact that it declares fails.

What differs: the machine is not fresh (its tools, its processes, its network), nothing is uploaded, and
`runtime-versions` selects only Python. Keys that the runner does not know are refused.
"""

import argparse
import fnmatch
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from claimwatch.domain.contract.strict_yaml import YamlValue, read_yaml
from claimwatch.errors import RefusedContract
from local.build_agent import PHASES
from local.emulator import PROJECT, REGION
from local.processes import GuardedProcess
from release.files import project_files

AGENT = Path(__file__).with_name("build_agent.py")
PRIMARY = "primary"
"""The name of the artifact that a buildspec declares at the top of `artifacts`."""

DEFAULT_TIMEOUT = 3600.0
"""Seconds; CodeBuild's own default. The projects in pipeline.yaml set theirs."""

_MACHINE = (
    "PATH",
    "LANG",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NODE_EXTRA_CA_CERTS",
    "http_proxy",
    "https_proxy",
    "no_proxy",
)
_MACHINE_PREFIXES = ("PIP_", "UV_", "NPM_CONFIG_", "npm_config_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
"""Variables of this machine that a build keeps: where programs are, and how it reaches package registries."""


class RefusedBuildspec(ValueError):
    """The buildspec cannot be run; the message names the key."""


@dataclass(frozen=True)
class Phase:
    """The commands of one phase."""

    commands: tuple[str, ...]
    finally_: tuple[str, ...] = ()
    on_failure: str | None = None


@dataclass(frozen=True)
class Files:
    """Which files of the build an artifact or a report contains."""

    patterns: tuple[str, ...]
    base: str = ""
    discard_paths: bool = False

    def of(self, folder: Path) -> list[Path]:
        """Return the files below a folder, sorted; a pattern names files as CodeBuild's do (``**/*``)."""
        base = folder / self.base
        paths = (path for path in sorted(base.rglob("*")) if path.is_file())
        return [
            path for path in paths if any(_matches(path.relative_to(base), each) for each in self.patterns)
        ]


@dataclass(frozen=True)
class Buildspec:
    """A buildspec of version 0.2, checked."""

    shell: str
    variables: Mapping[str, str]
    exported: tuple[str, ...]
    phases: Mapping[str, Phase]
    runtimes: Mapping[str, str] = field(default_factory=dict)
    reports: Mapping[str, Files] = field(default_factory=dict)
    artifacts: Mapping[str, Files] = field(default_factory=dict)


@dataclass(frozen=True)
class PhaseResult:
    """How one phase ended; the message says which command failed."""

    name: str
    succeeded: bool
    seconds: float
    message: str


@dataclass(frozen=True)
class Report:
    """Counts of one report group."""

    tests: int
    failures: int
    errors: int
    skipped: int


@dataclass(frozen=True)
class BuildResult:
    """The end of a build: `SUCCEEDED`, `FAILED` or `TIMED_OUT`, and what it left."""

    status: str
    phases: tuple[PhaseResult, ...]
    exported: Mapping[str, str]
    reports: Mapping[str, Report]
    artifacts: Mapping[str, Path]
    problems: tuple[str, ...]
    log: str

    @property
    def succeeded(self) -> bool:
        """Whether the build succeeded."""
        return self.status == "SUCCEEDED"


# -- reading -----------------------------------------------------------------------------------------------


def read_buildspec(text: str) -> Buildspec:
    """Return a checked buildspec; raises `RefusedBuildspec` with the key that is wrong."""
    try:
        document = _mapping(read_yaml(text), "the buildspec")
    except RefusedContract as refused:
        raise RefusedBuildspec(str(refused)) from None
    _only(document, "the buildspec", "version", "env", "phases", "reports", "artifacts")
    if document.get("version") != "0.2":
        raise RefusedBuildspec("version must be 0.2")
    env = _mapping(document.get("env"), "env")
    _only(env, "env", "shell", "variables", "exported-variables")
    shell = _text(env.get("shell", "sh"), "env.shell")
    if shell not in ("bash", "sh"):
        raise RefusedBuildspec(f"env.shell '{shell}' is neither bash nor sh")
    variables = {
        name: _text(value or "", f"env.variables.{name}")
        for name, value in _mapping(env.get("variables"), "env.variables").items()
    }
    reserved = [name for name in variables if name.startswith("CODEBUILD_")]
    if reserved:
        raise RefusedBuildspec(f"env.variables.{reserved[0]}: names that begin with CODEBUILD_ are reserved")
    phases = {name: _phase(name, value) for name, value in _phases(document)}
    artifacts = _mapping(document.get("artifacts"), "artifacts")
    return Buildspec(
        shell=shell,
        variables=variables,
        exported=_texts(env.get("exported-variables"), "env.exported-variables"),
        phases=phases,
        runtimes=_runtimes(document),
        reports={
            name: _report(name, _mapping(value, f"reports.{name}"))
            for name, value in _mapping(document.get("reports"), "reports").items()
        },
        artifacts=dict(_artifacts(artifacts)) if artifacts else {},
    )


def _phases(document: Mapping[str, YamlValue]) -> Iterator[tuple[str, YamlValue]]:
    phases = _mapping(document.get("phases"), "phases")
    _only(phases, "phases", *PHASES)
    if not phases:
        raise RefusedBuildspec("phases is missing")
    yield from phases.items()


def _runtimes(document: Mapping[str, YamlValue]) -> dict[str, str]:
    """Return the languages that the phase install declares, with their versions."""
    place = "phases.install.runtime-versions"
    install = _mapping(_mapping(document.get("phases"), "phases").get("install"), "phases.install")
    runtimes = {
        language: _text(version, f"{place}.{language}")
        for language, version in _mapping(install.get("runtime-versions"), place).items()
    }
    _only(dict(runtimes), place, "python", "nodejs")
    return runtimes


def _phase(name: str, value: YamlValue) -> Phase:
    phase, place = _mapping(value, f"phases.{name}"), f"phases.{name}"
    known = ("commands", "finally", "on-failure", *(("runtime-versions",) if name == "install" else ()))
    _only(phase, place, *known)
    on_failure = phase.get("on-failure")
    if on_failure not in (None, "ABORT", "CONTINUE"):
        raise RefusedBuildspec(f"{place}.on-failure '{on_failure}' is neither ABORT nor CONTINUE")
    commands = _texts(phase.get("commands"), f"{place}.commands")
    if not commands and "runtime-versions" not in phase:
        raise RefusedBuildspec(f"{place}.commands is missing")
    return Phase(commands, _texts(phase.get("finally"), f"{place}.finally"), on_failure and str(on_failure))


def _report(name: str, report: Mapping[str, YamlValue]) -> Files:
    place = f"reports.{name}"
    _only(report, place, "files", "base-directory", "discard-paths", "file-format")
    if report.get("file-format", "JUNITXML") != "JUNITXML":
        raise RefusedBuildspec(f"{place}.file-format must be JUNITXML")
    return _files(report, place)


def _artifacts(artifacts: Mapping[str, YamlValue]) -> Iterator[tuple[str, Files]]:
    keys = ("files", "base-directory", "discard-paths", "name")
    _only(artifacts, "artifacts", *keys, "secondary-artifacts")
    secondary = _mapping(artifacts.get("secondary-artifacts"), "artifacts.secondary-artifacts")
    if "files" in artifacts or not secondary:
        yield PRIMARY, _files(artifacts, "artifacts")
    for name, value in secondary.items():
        place = f"artifacts.secondary-artifacts.{name}"
        artifact = _mapping(value, place)
        _only(artifact, place, *keys)
        yield name, _files(artifact, place)


def _files(value: Mapping[str, YamlValue], place: str) -> Files:
    patterns = _texts(value.get("files"), f"{place}.files")
    if not patterns:
        raise RefusedBuildspec(f"{place}.files is missing")
    discard = value.get("discard-paths", "no")
    if discard not in ("yes", "no"):
        raise RefusedBuildspec(f"{place}.discard-paths must be yes or no")
    base = value.get("base-directory")
    return Files(patterns, _text(base, f"{place}.base-directory") if base else "", discard == "yes")


def _mapping(value: YamlValue, place: str) -> Mapping[str, YamlValue]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise RefusedBuildspec(f"{place} must be a mapping")
    return value


def _text(value: YamlValue, place: str) -> str:
    if not isinstance(value, str):
        raise RefusedBuildspec(f"{place} must be a text")
    return value


def _texts(value: YamlValue, place: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise RefusedBuildspec(f"{place} must be a list")
    return tuple(_text(item, place) for item in value)


def _only(mapping: Mapping[str, YamlValue], place: str, *known: str) -> None:
    """Refuse keys that the runner would ignore: a misspelt key must not pass."""
    unknown = sorted(mapping.keys() - set(known))
    if unknown:
        raise RefusedBuildspec(
            f"{place}: the runner does not know '{unknown[0]}'; it knows {', '.join(known)}"
        )


# -- running -----------------------------------------------------------------------------------------------


def run_buildspec(
    path: Path,
    source: Path,
    environment: Mapping[str, str],
    artifacts: Path,
    inputs: Mapping[str, Path] | None = None,
    *,
    timeout: float = DEFAULT_TIMEOUT,
    show: Callable[[str], None] | None = None,
    prepare: Callable[[Path], object] | None = None,
) -> BuildResult:
    """Run the buildspec at `path`, relative to `source`, in a copy of the tree `source`.

    `environment` holds the variables of the project and the action; they win over those of the buildspec.
    `inputs` are further input artifacts, by name: the build finds a copy in `CODEBUILD_SRC_DIR_<name>`.
    Artifacts are copied to `artifacts/<name>`, the first one to `artifacts/primary`. After `timeout` seconds
    every process of the build is ended. `show` receives the log line by line. `prepare` gets the copy of the
    tree before the first phase, as CodeBuild restores a cache. Raises `RefusedBuildspec`.
    """
    spec = read_buildspec((source / path).read_text("utf-8"))
    with tempfile.TemporaryDirectory(prefix="claimwatch-build-", ignore_cleanup_errors=True) as folder:
        return _Build(spec, path.stem, Path(folder).resolve()).run(
            source,
            environment,
            artifacts,
            inputs or {},
            timeout,
            show or (lambda _: None),
            prepare or (lambda _: None),
        )


class _Build:
    """One build in a folder of its own."""

    def __init__(self, spec: Buildspec, name: str, folder: Path) -> None:
        self.spec = spec
        self.name = name
        self.source = folder / "src"
        self.home = folder / "home"
        self.state = folder / "state"
        self.log = folder / "build.log"
        self.inputs = folder / "inputs"

    def run(
        self,
        source: Path,
        environment: Mapping[str, str],
        artifacts: Path,
        inputs: Mapping[str, Path],
        timeout: float,
        show: Callable[[str], None],
        prepare: Callable[[Path], object],
    ) -> BuildResult:
        for folder in (self.home, self.state, self.inputs):
            folder.mkdir()
        copy_tree(source, self.source)
        prepare(self.source)
        for name, path in inputs.items():
            shutil.copytree(path, self.inputs / name)
        job = {
            "shell": self.spec.shell,
            "directory": str(self.source),
            "environment": self._environment(source, environment, inputs),
            "phases": {
                name: {"commands": phase.commands, "finally": phase.finally_, "on_failure": phase.on_failure}
                for name, phase in self.spec.phases.items()
            },
        }
        (self.state / "job.json").write_text(json.dumps(job), "utf-8")
        ended = self._run_agent(timeout, show)
        return self._result(ended, artifacts, show)

    def _environment(
        self, source: Path, given: Mapping[str, str], inputs: Mapping[str, Path]
    ) -> dict[str, str]:
        build = uuid.uuid4()
        return (
            machine_environment(self.spec.runtimes)
            | {"HOME": str(self.home), "LANG": "C.UTF-8", "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION}
            | dict(self.spec.variables)
            | source_version(source)
            | dict(given)
            | {f"CODEBUILD_SRC_DIR_{name}": str(self.inputs / name) for name in inputs}
            | {
                "CODEBUILD_SRC_DIR": str(self.source),
                "CODEBUILD_BUILD_ID": f"{self.name}:{build}",
                "CODEBUILD_BUILD_ARN": f"arn:aws:codebuild:{REGION}:000000000000:build/{self.name}:{build}",
                "CODEBUILD_INITIATOR": "local",
                "CODEBUILD_BUILD_NUMBER": "1",
                "CODEBUILD_START_TIME": str(int(time.time() * 1000)),
                "CI": "true",
            }
        )

    def _run_agent(self, timeout: float, show: Callable[[str], None]) -> bool:
        """Run the phases; return False if they were ended after the time limit."""
        agent = GuardedProcess(
            [sys.executable, "-I", "-S", str(AGENT), str(self.state)],
            log=self.log,
            env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
            cwd=self.source,
            grace=2,
        )
        deadline = time.monotonic() + timeout
        try:
            with self.log.open(encoding="utf-8", errors="replace") as log:
                while True:
                    ended = agent.wait(0.1)
                    for line in log:
                        show(line.rstrip("\n"))
                    if ended or time.monotonic() > deadline:
                        return ended
        finally:
            agent.stop()

    def _result(self, ended: bool, artifacts: Path, show: Callable[[str], None]) -> BuildResult:
        result_file = self.state / "result.json"
        if not ended or not result_file.exists():
            problem = (
                "the build was ended after its time limit"
                if not ended
                else "the build was ended from outside"
            )
            show(f"[build] {problem}")
            log = self.log.read_text("utf-8", "replace")
            status = "FAILED" if ended else "TIMED_OUT"
            return BuildResult(status, (), {}, {}, {}, (problem,), log)
        result = json.loads(result_file.read_text("utf-8"))
        succeeding = bool(result["succeeding"])
        problems: list[str] = []
        reports = self._reports(problems)
        uploaded = self._upload(artifacts, problems)
        exported = {
            name: result["environment"][name] for name in self.spec.exported if name in result["environment"]
        }
        problems += [
            f"exported variable {name} is not set" for name in self.spec.exported if name not in exported
        ]
        if not succeeding:
            problems = []  # a build that failed does not owe what comes after
        for name, report in reports.items():
            show(
                f"[build] report {name}: {report.tests} tests, {report.failures} failures, "
                f"{report.errors} errors, {report.skipped} skipped"
            )
        for problem in problems:
            show(f"[build] {problem}")
        status = "SUCCEEDED" if succeeding and not problems else "FAILED"
        show(f"[build] {status}")
        return BuildResult(
            status=status,
            phases=tuple(PhaseResult(**phase) for phase in result["phases"]),
            exported=exported,
            reports=reports,
            artifacts=uploaded,
            problems=tuple(problems),
            log=self.log.read_text("utf-8", "replace"),
        )

    def _reports(self, problems: list[str]) -> dict[str, Report]:
        reports = {}
        for name, files in self.spec.reports.items():
            found = files.of(self.source)
            if found:
                reports[name] = read_reports(found)
            else:
                problems.append(f"report {name}: no file matches")
        return reports

    def _upload(self, artifacts: Path, problems: list[str]) -> dict[str, Path]:
        uploaded = {}
        for name, files in self.spec.artifacts.items():
            found = files.of(self.source)
            if not found:
                problems.append(f"artifact {name}: no file matches")
                continue
            target = artifacts / name
            shutil.rmtree(target, ignore_errors=True)
            for path in found:
                relative = path.name if files.discard_paths else path.relative_to(self.source / files.base)
                copy = target / relative
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy)
            uploaded[name] = target
        return uploaded


def machine_environment(runtimes: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of this machine that a build keeps.

    PATH does not contain the .venv of this process. It begins with the Python that the buildspec declares, as
    on CodeBuild; raises `RefusedBuildspec` if that is not the version of this process.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in _MACHINE or name.startswith(_MACHINE_PREFIXES)
    }
    own = {str(Path(sys.executable).parent), str(PROJECT / ".venv" / "bin")}
    folders = [each for each in kept["PATH"].split(os.pathsep) if each not in own]
    if "python" in runtimes:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        if runtimes["python"] != version:
            raise RefusedBuildspec(
                f"python {runtimes['python']} is not the version of this machine, {version}"
            )
        folders.insert(0, str(Path(sys.base_prefix) / "bin"))
    kept["PATH"] = os.pathsep.join(folders)
    return kept


def source_version(source: Path) -> dict[str, str]:
    """Return CodeBuild's variable with the commit of a tree; nothing outside of git."""
    if not (source / ".git").exists():
        return {}
    commit = _git(source, "rev-parse", "HEAD").decode().strip()
    dirty = "-dirty" if _git(source, "status", "--porcelain").strip() else ""
    return {"CODEBUILD_RESOLVED_SOURCE_VERSION": f"{commit}{dirty}"}


def copy_tree(source: Path, target: Path) -> None:
    """Copy the files of a tree.

    As in an archive of CodePipeline, no file is executable, and a symbolic link is a file with its target.
    """
    target.mkdir()
    for path in project_files(source):
        origin, copy = source / path, target / path
        copy.parent.mkdir(parents=True, exist_ok=True)
        if origin.is_symlink():
            copy.write_text(os.readlink(origin), "utf-8")
        else:
            shutil.copyfile(origin, copy)


def read_reports(paths: list[Path]) -> Report:
    """Return the sum of JUnit files."""
    counts = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
    for path in paths:
        root = ET.parse(path).getroot()  # noqa: S314 - the build on this machine wrote it
        suites = [root] if root.tag == "testsuite" else root.findall("testsuite")
        for suite in suites:
            for name in counts:
                counts[name] += int(suite.get(name, "0"))
    return Report(**counts)


def _matches(path: Path, pattern: str) -> bool:
    """Return whether a relative path matches a pattern: ``*`` within a name, ``**`` for any folders."""
    return _match_parts(path.parts, Path(pattern).parts)


def _match_parts(parts: tuple[str, ...], patterns: tuple[str, ...]) -> bool:
    if not patterns:
        return not parts
    if patterns[0] == "**":
        return _match_parts(parts, patterns[1:]) or (bool(parts) and _match_parts(parts[1:], patterns))
    return (
        bool(parts) and fnmatch.fnmatchcase(parts[0], patterns[0]) and _match_parts(parts[1:], patterns[1:])
    )


def _git(folder: Path, *arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, check=True).stdout


def main() -> int:
    """Run one buildspec of this tree; return 1 if the build failed, 2 if it was refused."""
    parser = argparse.ArgumentParser(
        prog="python -m local.buildspec", description="Runs a buildspec as CodeBuild does."
    )
    parser.add_argument("name", help="name of a file in buildspecs/, without .yml")
    parser.add_argument("variables", nargs="*", help="environment variables of the build, NAME=value")
    parser.add_argument(
        "--timeout", type=float, default=DEFAULT_TIMEOUT, help="seconds until the build is ended"
    )
    options = parser.parse_args()
    path = Path("buildspecs") / f"{options.name}.yml"
    if not (PROJECT / path).exists():
        known = ", ".join(sorted(each.stem for each in (PROJECT / "buildspecs").glob("*.yml")))
        parser.error(f"there is no {path}; buildspecs/ has {known}")
    wrong = [each for each in options.variables if "=" not in each]
    if wrong:
        parser.error(f"{wrong[0]} is not NAME=value")
    try:
        result = run_buildspec(
            path,
            PROJECT,
            dict(each.split("=", 1) for each in options.variables),
            PROJECT / ".local" / "builds" / options.name,
            timeout=options.timeout,
            show=lambda line: print(line, flush=True),
        )
    except RefusedBuildspec as refused:
        print(f"{path}: {refused}", file=sys.stderr)
        return 2
    for name, folder in result.artifacts.items():
        print(f"artifact {name}: {folder}")
    for name, value in result.exported.items():
        print(f"{name}={value}")
    return 0 if result.succeeded else 1


if __name__ == "__main__":
    sys.exit(main())
