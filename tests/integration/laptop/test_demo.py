"""The demo replaces the stack of an earlier demo, but never one that contains other files."""

import contextlib
from dataclasses import dataclass
from pathlib import Path

import psycopg2
import pytest
from rich.console import Console

from local import servers
from local.demo.context import DemoContext, DemoFailed
from local.stack import LaptopStack


@dataclass(frozen=True)
class RunningStack:
    """Recorded servers that run."""

    database_url: str

    def alive(self) -> bool:
        return True


@pytest.fixture
def commands() -> list[str]:
    """Commands that the stack received."""
    return []


@pytest.fixture
def demo(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, commands: list[str]
) -> DemoContext:
    stack = LaptopStack(tmp_path / ".local", detached=True)
    monkeypatch.setattr(servers, "recorded", lambda _: RunningStack(database_url))
    monkeypatch.setattr(stack, "down", lambda: commands.append("down"))
    return DemoContext(stack, Console(quiet=True))


def drop(database_url: str, version: str) -> None:
    with contextlib.closing(psycopg2.connect(database_url)) as connection:
        connection.cursor().execute(
            "INSERT INTO claimwatch.file (dataset, line, bucket, key, version_id, received_at)"
            " VALUES ('claims', 'motor', 'landing', %s, %s, now())",
            [f"claims/motor/{version}.csv", version],
        )
        connection.commit()


def test_a_stack_without_files_is_kept(demo: DemoContext, commands: list[str]) -> None:
    demo.prepare()
    assert not commands
    assert demo.folder.is_dir()


def test_the_stack_of_an_earlier_demo_is_stopped(
    demo: DemoContext, commands: list[str], database_url: str
) -> None:
    drop(database_url, "ours")
    demo.folder.mkdir(parents=True)
    (demo.folder / "dropped").write_text("ours\nanother\n")
    demo.prepare()
    assert commands == ["down"]
    assert not list(demo.folder.iterdir())


def test_a_stack_with_other_files_is_never_stopped(
    demo: DemoContext, commands: list[str], database_url: str
) -> None:
    drop(database_url, "ours")
    drop(database_url, "theirs")
    demo.folder.mkdir(parents=True)
    (demo.folder / "dropped").write_text("ours\n")
    with pytest.raises(DemoFailed, match="1 files that the demo did not drop"):
        demo.prepare()
    assert not commands
    assert (demo.folder / "dropped").exists()
