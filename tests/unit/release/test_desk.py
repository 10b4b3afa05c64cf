"""The desk is built when its sources change, and left out with a sentence where Node.js is missing."""

import os
import stat
from pathlib import Path

import pytest

from release import desk
from release.errors import ReleaseRefused

NPM = """#!/bin/sh
echo "$@" >> "{calls}"
case "$1" in
  ci) mkdir -p node_modules ;;
  run) [ -z "$BROKEN" ] || {{ echo "src/main.tsx: unexpected end"; exit 1; }}
    mkdir -p "$5" && echo page > "$5/index.html" ;;
esac
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "ui" / "src").mkdir(parents=True)
    (tmp_path / "ui" / "src" / "main.tsx").write_text("export {}\n")
    (tmp_path / "ui" / "package-lock.json").write_text("{}")
    return tmp_path


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the only programs on PATH: node of a version that is new enough, and npm."""
    folder = tmp_path / "programs"
    folder.mkdir()
    program(folder / "node", "#!/bin/sh\necho v22.1.0\n")
    program(folder / "npm", NPM.format(calls=tmp_path / "calls"))
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/bin{os.pathsep}/usr/bin")
    return folder


def program(path: Path, script: str) -> None:
    path.write_text(script)
    path.chmod(path.stat().st_mode | stat.S_IEXEC)


def calls(project: Path) -> list[str]:
    """The first words of npm's calls."""
    return [line.split()[0] for line in (project / "calls").read_text().splitlines()]


def test_it_is_built_once_for_the_same_sources(project: Path, programs: Path) -> None:
    assert desk.build_desk(project)
    assert desk.build_desk(project)
    assert calls(project) == ["ci", "run"]
    assert (project / "layers/desk/built/site/index.html").exists()


def test_another_source_is_built_without_installing_packages_again(project: Path, programs: Path) -> None:
    desk.build_desk(project)
    (project / "ui" / "src" / "main.tsx").write_text("export default 1\n")
    desk.build_desk(project)
    assert calls(project) == ["ci", "run", "run"]


def test_other_packages_are_installed(project: Path, programs: Path) -> None:
    desk.build_desk(project)
    (project / "ui" / "package-lock.json").write_text('{"packages": {}}')
    desk.build_desk(project)
    assert calls(project) == ["ci", "run", "ci", "run"]


def test_tests_are_no_source(project: Path, programs: Path) -> None:
    desk.build_desk(project)
    (project / "ui" / "src" / "main.test.tsx").write_text("test\n")
    desk.build_desk(project)
    assert calls(project) == ["ci", "run"]


@pytest.mark.parametrize("version", ["v20.18.9", "v18.20.0", "no version"])
def test_an_old_node_builds_nothing_and_leaves_no_older_desk(
    project: Path, programs: Path, version: str
) -> None:
    desk.build_desk(project)
    (project / "ui" / "src" / "main.tsx").write_text("export default 1\n")
    program(programs / "node", f"#!/bin/sh\necho {version}\n")
    assert not desk.build_desk(project)
    assert not (project / "layers/desk/built").exists()


def test_without_node_a_sentence_says_what_is_missing_and_a_release_is_refused(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(desk, "PROJECT", project)
    desk.desk()
    assert capsys.readouterr().err == f"{desk.MISSING}\n"
    with pytest.raises(ReleaseRefused, match=r"Install Node\.js"):
        desk.desk(required=True)


def test_a_failed_build_says_why_and_leaves_nothing(
    project: Path, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROKEN", "1")
    with pytest.raises(ReleaseRefused, match="unexpected end"):
        desk.build_desk(project)
    assert not (project / "layers/desk/built/sources").exists()
