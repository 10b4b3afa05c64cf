"""A deployment of the desk never breaks a page that is open, and leaves nothing behind for long."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest

from claimwatch.aws.desk_bucket import DeskFile
from claimwatch.desk.configuration import configuration
from claimwatch.desk.publish import FOR_EVER, GRACE, NEVER, desk_file, publish_desk

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
FIRST = {"index.html": b"page 1", "assets/page-1.js": b"one", "assets/style-1.css": b"s"}
SECOND = {"index.html": b"page 2", "assets/page-2.js": b"two", "assets/style-1.css": b"s"}
CONFIGURATION = b"{}"


class Killed(Exception):
    """The function was killed."""


class Bucket:
    """A bucket in memory, which may be killed after some calls that change it."""

    def __init__(self) -> None:
        self.files: dict[str, DeskFile] = {}
        self.written: list[str] = []
        self.kept: bytes | None = None
        self.changes_left = 1_000

    def record(self) -> bytes | None:
        return self.kept

    def put_record(self, record: bytes) -> None:
        self._change()
        self.kept = record

    def put(self, file: DeskFile) -> None:
        self._change()
        self.files[file.name] = file
        self.written.append(file.name)

    def remove(self, names: Iterable[str]) -> None:
        self._change()
        for name in names:
            self.files.pop(name, None)

    def clear(self) -> None:
        self.files.clear()
        self.kept = None

    def _change(self) -> None:
        self.changes_left -= 1
        if self.changes_left < 0:
            raise Killed


def publish(bucket: Bucket, built: dict[str, bytes], now: datetime) -> None:
    publish_desk(bucket, built, CONFIGURATION, now)


def test_the_page_is_written_after_everything_that_it_names() -> None:
    bucket = Bucket()
    publish(bucket, FIRST, NOON)
    assert bucket.written[-2:] == ["config.json", "index.html"]
    assert set(bucket.files) == {*FIRST, "config.json"}


def test_an_open_page_finds_its_assets_during_the_grace_period_and_no_longer() -> None:
    bucket = Bucket()
    publish(bucket, FIRST, NOON - timedelta(days=100))
    publish(bucket, SECOND, NOON)
    publish(bucket, SECOND, NOON + GRACE)
    assert "assets/page-1.js" in bucket.files
    publish(bucket, SECOND, NOON + GRACE + timedelta(seconds=1))
    assert "assets/page-1.js" not in bucket.files
    assert set(bucket.files) == {*SECOND, "config.json"}


def test_a_file_that_comes_back_is_not_removed() -> None:
    bucket = Bucket()
    publish(bucket, FIRST, NOON)
    publish(bucket, SECOND, NOON + timedelta(days=1))
    publish(bucket, FIRST, NOON + timedelta(days=2))
    publish(bucket, FIRST, NOON + timedelta(days=200))
    assert set(bucket.files) == {*FIRST, "config.json"}


@pytest.mark.parametrize("changes", range(9))
def test_a_deployment_that_was_killed_leaves_no_file_that_later_ones_forget(changes: int) -> None:
    bucket = Bucket()
    publish(bucket, FIRST, NOON)
    bucket.changes_left = changes
    try:
        publish(bucket, SECOND, NOON + timedelta(days=1))
    except Killed:
        assert bucket.files["index.html"].content == b"page 1" or "assets/page-2.js" in bucket.files
    bucket.changes_left = 1_000
    publish(bucket, FIRST, NOON + timedelta(days=2))
    publish(bucket, FIRST, NOON + timedelta(days=200))
    assert set(bucket.files) == {*FIRST, "config.json"}


def test_only_files_whose_name_has_a_hash_are_kept_by_browsers() -> None:
    assert desk_file("assets/page-1.js", b"").cache_control == FOR_EVER
    assert {desk_file(name, b"").cache_control for name in ("index.html", "config.json", "icon.svg")} == {
        NEVER
    }


def test_a_file_of_an_unknown_type_ends_the_deployment() -> None:
    with pytest.raises(ValueError, match=r"content type of assets/a\.exe"):
        desk_file("assets/a.exe", b"")


def test_with_a_user_pool_the_page_needs_no_discovery() -> None:
    document = json.loads(configuration("https://issuer/pool", "client", "https://sign-in", "openid"))
    assert (document["issuer"], document["client_id"]) == ("https://issuer/pool", "client")
    assert document["sign_in_url"] == "https://sign-in"
    metadata = document["authority_metadata"]
    asked = {name: address for name, address in metadata.items() if name.endswith("_endpoint")}
    assert set(asked) >= {"authorization_endpoint", "token_endpoint", "end_session_endpoint"}
    assert all(address.startswith("https://sign-in/") for address in asked.values())


def test_an_own_issuer_is_discovered() -> None:
    document = json.loads(configuration("https://login.example.com/tenant", "client", "", "openid api"))
    assert "authority_metadata" not in document
    assert "sign_in_url" not in document
    assert document["scope"] == "openid api"
