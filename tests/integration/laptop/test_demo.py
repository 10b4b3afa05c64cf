"""The demo begins anew after itself, and never ends a stack that holds what somebody else dropped there."""

import contextlib
from dataclasses import dataclass
from pathlib import Path

import psycopg2
import pytest
from rich.console import Console

from local import servers
from local.demo.context import DemoFailed, Stage
from local.stack import LaptopStack


@dataclass(frozen=True)
class Up:
    """Servers that run."""

    database_url: str

    def alive(self) -> bool:
        return True


@pytest.fixture
def ended() -> list[str]:
    """What the stack was asked to do."""
    return []


@pytest.fixture
def stage(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ended: list[str]) -> Stage:
    stack = LaptopStack(tmp_path / ".local", detached=True)
    monkeypatch.setattr(servers, "recorded", lambda _: Up(database_url))
    monkeypatch.setattr(stack, "down", lambda: ended.append("down"))
    return Stage(stack, Console(quiet=True))


def drop(database_url: str, version: str) -> None:
    with contextlib.closing(psycopg2.connect(database_url)) as connection:
        connection.cursor().execute(
            "INSERT INTO claimwatch.file (dataset, line, bucket, key, version_id, received_at)"
            " VALUES ('claims', 'motor', 'landing', %s, %s, now())",
            [f"claims/motor/{version}.csv", version],
        )
        connection.commit()


def test_a_stack_without_files_is_used(stage: Stage, ended: list[str]) -> None:
    stage.clear()
    assert not ended
    assert stage.folder.is_dir()


def test_a_demo_of_before_is_ended(stage: Stage, ended: list[str], database_url: str) -> None:
    drop(database_url, "ours")
    stage.folder.mkdir(parents=True)
    (stage.folder / "dropped").write_text("ours\nanother\n")
    stage.clear()
    assert ended == ["down"]
    assert not list(stage.folder.iterdir())


def test_a_stack_with_files_of_somebody_else_is_left_alone(
    stage: Stage, ended: list[str], database_url: str
) -> None:
    drop(database_url, "ours")
    drop(database_url, "theirs")
    stage.folder.mkdir(parents=True)
    (stage.folder / "dropped").write_text("ours\n")
    with pytest.raises(DemoFailed, match="1 files that the demo did not drop"):
        stage.clear()
    assert not ended
    assert (stage.folder / "dropped").exists()
