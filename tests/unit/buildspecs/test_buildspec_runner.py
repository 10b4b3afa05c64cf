"""Buildspecs run as on CodeBuild: the order of phases, what carries over, what is left behind."""

import os
import re
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from local.buildspec import BuildResult, RefusedBuildspec, read_buildspec, run_buildspec

type Build = Callable[..., BuildResult]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    return folder


@pytest.fixture
def build(tmp_path: Path, source: Path) -> Build:
    """Return a function that runs a buildspec in a tree that contains nothing else."""

    def run(text: str, environment: dict[str, str] | None = None, **options: Any) -> BuildResult:
        (source / "buildspec.yml").write_text(textwrap.dedent(text), "utf-8")
        return run_buildspec(
            Path("buildspec.yml"), source, environment or {}, tmp_path / "artifacts", **options
        )

    return run


def spoken(result: BuildResult) -> list[str]:
    """What the commands printed, without the runner's own lines."""
    return [line for line in result.log.splitlines() if not line.startswith("[build]")]


def phases(result: BuildResult) -> list[tuple[str, bool]]:
    return [(phase.name, phase.succeeded) for phase in result.phases]


# -- phases ------------------------------------------------------------------------------------------------


def test_phases_run_in_their_order_whatever_the_order_in_the_file(build: Build) -> None:
    result = build("""\
        version: 0.2
        phases:
          post_build: {commands: [echo four]}
          build: {commands: [echo three]}
          install: {runtime-versions: {python: 3.13}, commands: [echo one]}
          pre_build: {commands: [echo two]}
        """)
    assert result.succeeded
    assert spoken(result) == ["one", "two", "three", "four"]


@pytest.mark.parametrize("phase", ["install", "pre_build"])
def test_a_failed_install_or_pre_build_ends_the_build(build: Build, phase: str) -> None:
    result = build(f"""\
        version: 0.2
        phases:
          {phase}: {{commands: ["false", echo skipped]}}
          build: {{commands: [echo build]}}
          post_build: {{commands: [echo after]}}
        """)
    assert (result.status, spoken(result), phases(result)) == ("FAILED", [], [(phase, False)])


def test_post_build_runs_after_a_failed_build_and_knows_that_it_failed(build: Build) -> None:
    result = build("""\
        version: 0.2
        phases:
          pre_build: {commands: ["echo succeeding $CODEBUILD_BUILD_SUCCEEDING"]}
          build: {commands: [exit 7, echo skipped]}
          post_build: {commands: ["echo succeeding $CODEBUILD_BUILD_SUCCEEDING"]}
        """)
    assert result.status == "FAILED"
    assert spoken(result) == ["succeeding 1", "succeeding 0"]
    assert "exit status 7 of: exit 7" in result.phases[1].message


def test_abort_skips_what_would_follow_a_failed_phase(build: Build) -> None:
    result = build("""\
        version: 0.2
        phases:
          build: {on-failure: ABORT, commands: ["false"], finally: [echo cleaned]}
          post_build: {commands: [echo after]}
        """)
    assert (result.status, spoken(result)) == ("FAILED", ["cleaned"])


def test_continue_goes_on_after_a_failed_phase_but_the_build_fails(build: Build) -> None:
    result = build("""\
        version: 0.2
        phases:
          install: {on-failure: CONTINUE, commands: ["false"]}
          build: {commands: ["echo succeeding $CODEBUILD_BUILD_SUCCEEDING"]}
        """)
    assert (result.status, spoken(result)) == ("FAILED", ["succeeding 0"])
    assert phases(result) == [("install", False), ("build", True)]


def test_finally_runs_after_the_commands_and_after_a_failure(build: Build) -> None:
    result = build("""\
        version: 0.2
        phases:
          pre_build: {commands: [echo one], finally: [echo two]}
          build: {commands: ["false", echo skipped], finally: [echo three, echo four]}
        """)
    assert (result.status, spoken(result)) == ("FAILED", ["one", "two", "three", "four"])


def test_a_command_that_fails_in_finally_fails_its_phase_and_the_others_still_run(build: Build) -> None:
    result = build("""\
        version: 0.2
        phases:
          pre_build: {commands: [echo one], finally: ["false", echo two]}
          build: {commands: [echo skipped]}
        """)
    assert (result.status, spoken(result)) == ("FAILED", ["one", "two"])


def test_a_command_with_several_lines_fails_as_its_last_line_does(build: Build) -> None:
    text = """\
        version: 0.2
        env: {{shell: bash}}
        phases:
          build:
            commands:
              - |
                {first}
                false
                echo second
        """
    assert build(text.format(first="true")).succeeded
    assert build(text.format(first="set -e")).status == "FAILED"


# -- the shell ---------------------------------------------------------------------------------------------


def test_the_directory_and_exported_variables_carry_over_between_commands_and_phases(build: Build) -> None:
    result = build("""\
        version: 0.2
        env: {shell: bash}
        phases:
          install: {commands: [mkdir below, cd below, "export A='two  words\\n' B=1", unset B]}
          build: {commands: ['basename "$PWD"', 'echo "$A${B-unset}"']}
        """)
    assert spoken(result) == ["below", "two  words", "unset"]


def test_what_only_one_shell_would_keep_does_not_carry_over(build: Build) -> None:
    """A buildspec that needs it here might not work on CodeBuild."""
    result = build("""\
        version: 0.2
        env: {shell: bash}
        phases:
          build:
            commands: [set -e, "plain=1; f() { :; }", 'echo "${plain-unset} $(type -t f)"; false; true']
        """)
    assert (result.status, spoken(result)) == ("SUCCEEDED", ["unset "])


def test_a_command_can_neither_read_the_terminal_nor_the_next_command(build: Build) -> None:
    result = build("""\
        version: 0.2
        phases:
          build: {commands: [cat, echo next]}
        """)
    assert spoken(result) == ["next"]


@pytest.mark.parametrize(("shell", "bash"), [("{shell: bash}", "yes"), ("", "no")])
def test_commands_run_in_bash_only_if_the_buildspec_says_so(build: Build, shell: str, bash: str) -> None:
    result = build(f"""\
        version: 0.2
        env: {shell}
        phases:
          build: {{commands: ['[ -n "$BASH_VERSINFO" ] && echo yes || echo no']}}
        """)
    if bash == "no" and os.path.realpath("/bin/sh").endswith("bash"):
        pytest.skip("sh is bash on this machine")
    assert spoken(result) == [bash]


# -- the environment ---------------------------------------------------------------------------------------


def test_a_build_sees_an_empty_home_and_no_variable_of_this_process(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("CLAIMWATCH_STACK", "production")
    result = build(
        """\
        version: 0.2
        env: {variables: {STAGE: staging, OTHER: kept}}
        phases:
          build: {commands: ['ls -A "$HOME"', 'echo "$STAGE $OTHER"', env]}
        """,
        {"STAGE": "production"},
    )
    lines = spoken(result)
    assert lines[0] == "production kept"
    names = {line.partition("=")[0] for line in lines[1:]}
    assert {"AWS_REGION", "CODEBUILD_BUILD_ID", "CODEBUILD_SRC_DIR", "CI"} <= names
    assert not names & {"AWS_PROFILE", "CLAIMWATCH_STACK", "PYTHONPATH", "VIRTUAL_ENV", "PYTEST_CURRENT_TEST"}


def test_a_build_sees_the_files_of_git_with_their_changes_and_no_repository(
    build: Build, source: Path
) -> None:
    git = ["git", "-c", "user.name=Test", "-c", "user.email=test@example.org"]
    for name in ("kept", "changed", "deleted", "script"):
        (source / name).write_text("committed\n")
    (source / "script").chmod(0o755)
    (source / ".gitignore").write_text("ignored\n")
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "First"]):
        subprocess.run([*git, *command], cwd=source, check=True)
    (source / "changed").write_text("changed\n")
    (source / "deleted").unlink()
    (source / "ignored").write_text("")
    (source / "new").write_text("")
    result = build("""\
        version: 0.2
        phases:
          build:
            commands: [ls -A, cat changed, test ! -x script, echo $CODEBUILD_RESOLVED_SOURCE_VERSION]
        """)
    assert result.succeeded
    assert spoken(result)[:-1] == [
        ".gitignore",
        "buildspec.yml",
        "changed",
        "kept",
        "new",
        "script",
        "changed",
    ]
    head = subprocess.run([*git, "rev-parse", "HEAD"], cwd=source, capture_output=True, text=True, check=True)
    assert spoken(result)[-1] == f"{head.stdout.strip()}-dirty"


def test_a_build_changes_neither_the_tree_nor_its_inputs(build: Build, source: Path, tmp_path: Path) -> None:
    release = tmp_path / "release"
    release.mkdir()
    (release / "release.json").write_text("{}")
    (source / "file").write_text("before")
    result = build(
        """\
        version: 0.2
        phases:
          build: {commands: [rm file, 'rm "$CODEBUILD_SRC_DIR_Release/release.json"']}
        """,
        inputs={"Release": release},
    )
    assert result.succeeded
    assert (source / "file").read_text() == "before"
    assert (release / "release.json").exists()


def test_exported_variables_are_those_that_the_commands_left(build: Build) -> None:
    result = build("""\
        version: 0.2
        env: {variables: {A: one}, exported-variables: [A, B]}
        phases:
          build: {commands: ["export A=two B='three four'"]}
        """)
    assert result.exported == {"A": "two", "B": "three four"}


def test_a_build_without_a_variable_that_it_promises_fails(build: Build) -> None:
    result = build("""\
        version: 0.2
        env: {exported-variables: [SUMMARY]}
        phases:
          build: {commands: ["export SUMARY=typo"]}
        """)
    assert (result.status, result.problems) == ("FAILED", ("exported variable SUMMARY is not set",))


def test_a_build_gets_the_python_that_it_declares_and_not_that_of_a_virtual_environment(build: Build) -> None:
    text = """\
        version: 0.2
        phases:
          install: {{runtime-versions: {{python: {version}}}}}
          build:
            commands: ['python3 -c "import sys; print(sys.version_info[:2], sys.prefix == sys.base_prefix)"']
        """
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert spoken(build(text.format(version=version))) == [f"{sys.version_info[:2]} True"]
    with pytest.raises(RefusedBuildspec, match=r"python 3\.8 is not the version of this machine"):
        build(text.format(version="3.8"))


# -- reports and artifacts ---------------------------------------------------------------------------------

JUNIT = '<testsuites><testsuite tests="5" failures="2" errors="1" skipped="1"/></testsuites>'


def test_a_failed_build_still_leaves_its_reports_and_artifacts(build: Build, source: Path) -> None:
    (source / "junit.xml").write_text(JUNIT)
    result = build("""\
        version: 0.2
        phases:
          build: {commands: [mkdir -p out/a, cp junit.xml out/a/, cp junit.xml out/b.xml, "false"]}
        reports:
          tests: {files: ["**/*.xml"], base-directory: out, file-format: JUNITXML}
        artifacts: {files: ["**/*"], base-directory: out}
        """)
    assert result.status == "FAILED"
    counts = result.reports["tests"]
    assert (counts.tests, counts.failures, counts.errors, counts.skipped) == (10, 4, 2, 2)
    assert (result.artifacts["primary"] / "a" / "junit.xml").read_text() == JUNIT


@pytest.mark.parametrize(
    ("declared", "problem"),
    [
        ("reports: {tests: {files: [none.xml]}}", "report tests: no file matches"),
        ("artifacts: {files: [none.json]}", "artifact primary: no file matches"),
    ],
)
def test_a_build_without_a_file_that_it_promises_fails(build: Build, declared: str, problem: str) -> None:
    result = build(f"""\
        version: 0.2
        phases:
          build: {{commands: ["true"]}}
        {declared}
        """)
    assert (result.status, result.problems) == ("FAILED", (problem,))


def test_artifacts_keep_or_discard_their_paths_and_may_be_several(build: Build, tmp_path: Path) -> None:
    result = build("""\
        version: 0.2
        phases:
          build: {commands: [mkdir -p a/b/c, touch top a/one a/b/two.txt a/b/c/three.txt]}
        artifacts:
          files: ["a/*", "a/b/**/*"]
          secondary-artifacts:
            Flat: {files: ["**/*.txt"], base-directory: a, discard-paths: yes}
            Based: {files: [b/two.txt], base-directory: a}
        """)
    left = {
        name: sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
        for name, folder in result.artifacts.items()
    }
    assert left == {
        "primary": ["a/b/c/three.txt", "a/b/two.txt", "a/one"],
        "Flat": ["three.txt", "two.txt"],
        "Based": ["b/two.txt"],
    }


def test_artifacts_of_an_earlier_build_do_not_remain(build: Build) -> None:
    text = """\
        version: 0.2
        phases: {{build: {{commands: [mkdir out, touch out/{name}]}}}}
        artifacts: {{files: ["out/*"]}}
        """
    build(text.format(name="first"))
    result = build(text.format(name="second"))
    assert [path.name for path in result.artifacts["primary"].rglob("*") if path.is_file()] == ["second"]


# -- time limits and processes -----------------------------------------------------------------------------


def test_a_build_that_hangs_is_ended_with_every_process_that_it_started(build: Build, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    started = time.monotonic()
    result = build(
        """\
        version: 0.2
        env: {shell: bash}
        phases:
          build:
            commands:
              - setsid nohup sleep 600 & echo $! >> "$PIDS"
              - trap '' TERM; sleep 600 & echo $! >> "$PIDS"; wait
            finally: [echo finally]
        """,
        {"PIDS": str(pids)},
        timeout=1.5,
    )
    assert result.status == "TIMED_OUT"
    assert time.monotonic() - started < 20
    ended = [int(pid) for pid in pids.read_text().split()]
    assert len(ended) == 2
    assert not [pid for pid in ended if psutil.pid_exists(pid)]


def test_a_server_that_a_command_starts_lives_until_the_end_of_the_build(
    build: Build, tmp_path: Path
) -> None:
    pid = tmp_path / "pid"
    result = build(
        """\
        version: 0.2
        env: {shell: bash}
        phases:
          install: {commands: ['sleep 600 > /dev/null 2>&1 & echo $! > "$PID_FILE"']}
          build: {commands: ['kill -0 $(cat "$PID_FILE") && echo alive']}
        """,
        {"PID_FILE": str(pid)},
    )
    assert spoken(result) == ["alive"]
    assert not psutil.pid_exists(int(pid.read_text()))


# -- what the runner refuses -------------------------------------------------------------------------------

BUILD = "phases: {build: {commands: [make]}}"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (f"version: 0.1\n{BUILD}", "version must be 0.2"),
        (
            f"version: 0.2\nenvironment: {{}}\n{BUILD}",
            "the buildspec: the runner does not know 'environment'",
        ),
        ("version: 0.2", "phases is missing"),
        ("version: 0.2\nphases: {bild: {commands: [make]}}", "phases: the runner does not know 'bild'"),
        (
            "version: 0.2\nphases: {build: {command: [make]}}",
            "phases.build: the runner does not know 'command'",
        ),
        ("version: 0.2\nphases: {build: {finally: [make]}}", "phases.build.commands is missing"),
        ("version: 0.2\nphases: {build: {commands: make}}", "phases.build.commands must be a list"),
        ("version: 0.2\nphases: {build: {commands: [{a: b}]}}", "phases.build.commands must be a text"),
        ("version: 0.2\nphases: {build: {on-failure: STOP, commands: [make]}}", "neither ABORT nor CONTINUE"),
        (
            "version: 0.2\nphases: {build: {runtime-versions: {python: 3.13}, commands: [make]}}",
            "phases.build: the runner does not know 'runtime-versions'",
        ),
        (
            "version: 0.2\nphases: {install: {runtime-versions: {phyton: 3.13}}}",
            "phases.install.runtime-versions: the runner does not know 'phyton'",
        ),
        (f"version: 0.2\nenv: {{shell: zsh}}\n{BUILD}", "env.shell 'zsh' is neither bash nor sh"),
        (f"version: 0.2\nenv: {{variables: {{CODEBUILD_SRC_DIR: x}}}}\n{BUILD}", "are reserved"),
        (f"version: 0.2\nenv: {{secrets-manager: {{A: b}}}}\n{BUILD}", "does not know 'secrets-manager'"),
        (f"version: 0.2\nreports: {{t: {{files: [a], file-format: NUNITXML}}}}\n{BUILD}", "must be JUNITXML"),
        (
            f"version: 0.2\nreports: {{t: {{file: [a]}}}}\n{BUILD}",
            "reports.t: the runner does not know 'file'",
        ),
        (f"version: 0.2\nartifacts: {{base-directory: a}}\n{BUILD}", "artifacts.files is missing"),
        (f"version: 0.2\nartifacts: {{files: [a], discard-paths: true}}\n{BUILD}", "must be yes or no"),
        (f"version: 0.2\n{BUILD}\n{BUILD}", "the key 'phases' is duplicated"),
        ("version: 0.2\nphases: [", "invalid YAML"),
    ],
)
def test_a_buildspec_that_would_not_do_what_it_says_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(RefusedBuildspec, match=re.escape(sentence)):
        read_buildspec(text)
