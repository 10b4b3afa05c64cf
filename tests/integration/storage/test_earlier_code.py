"""Code that comes back finds the schema of a later release, and its custom resources still succeed.

A canary that fails makes CloudFormation roll the stack back: custom resources run once more, with the code
of the release before. If one failed, the stack would stay in UPDATE_ROLLBACK_FAILED.
"""

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from claimwatch.aws.custom_resource import Request
from claimwatch.cases.database import CaseDatabase
from claimwatch.cases.schema_check import schema_versions
from claimwatch.storage.connection import Database
from claimwatch.storage.logins import TASKS
from claimwatch.storage.migrate import Migration, migrate, migrations
from tests.cluster import PROJECT, ClonedDatabase, Logins
from tests.integration.ingest.environment import Site
from tests.integration.ingest.glass import GLASS
from tests.integration.models.environment import ModelEnvironment
from tests.pointers import PointerFiles

LATER = """
DO $$
DECLARE each record;
BEGIN
    FOR each IN
        SELECT oid::regclass AS name FROM pg_class
        WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = 'claimwatch'::regnamespace
    LOOP
        EXECUTE format('ALTER TABLE %s ADD COLUMN of_a_later_release text DEFAULT ''new''', each.name);
    END LOOP;
END $$;
CREATE TABLE claimwatch.of_a_later_release (number bigint PRIMARY KEY);
"""
"""Expands every table, as the migrations of a release may."""

STACK = "arn:aws:cloudformation:eu-central-1:111122223333:stack/claimwatch/1f0a"
PROPERTIES = {"Stack": STACK, "SeparationOfDuties": "enforced", "Line": "glass"}


class DrawKeys(list[bytes]):
    """The keys that were stored, in memory."""

    def put(self, key: bytes) -> None:
        """Store a key."""
        self.append(key)


class Borrowed:
    """A database that its borrower cannot close."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    def close(self) -> None:
        """Leave it open."""


@pytest.fixture
def line(database: ClonedDatabase, tmp_path: Path) -> ModelEnvironment:
    """A line with a contract, a champion and scored claims, in a schema that a later release has expanded."""
    site = Site.below(database, tmp_path / "buckets")
    assert site.put_contract("glass", GLASS).status == "applied"
    environment = ModelEnvironment(site)
    environment.register("1")
    environment.promote("1")
    later = Migration(migrations()[-1].number + 1, "later_release", LATER)
    assert migrate(database, [*migrations(), later]) == [later]
    return environment


def custom_resource(folder: str, environment: Any, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the handler of a function, with these dependencies and settings."""
    path = PROJECT / "functions" / folder / "handler.py"
    spec = importlib.util.spec_from_file_location(folder.replace("/", "_"), path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "runtime", environment)
    if hasattr(module, "settings"):
        monkeypatch.setattr(module, "settings", SimpleNamespace(artifact_bucket="artifacts"))
    return module


def test_the_earlier_schema_migration_leaves_the_later_schema_and_renews_its_logins(
    line: ModelEnvironment, owner: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    database, logins, keys = line.site.database, Logins(), DrawKeys()
    runtime = SimpleNamespace(
        owned_database=lambda: Borrowed(database),
        owner_secret=lambda: owner,
        logins=lambda: logins,
        draw_key=lambda: keys,
    )
    migrate_schema = custom_resource("database/migrate_schema", runtime, monkeypatch)

    for _ in range(2):  # CloudFormation may call it again
        answer = migrate_schema.bring_up_to_date(Request("Update", PROPERTIES))
        assert answer == {"Migrations": ""}

    assert set(logins) == set(TASKS)
    assert len(set(keys)) == 1
    [last] = line.site.query("SELECT max(number) AS number FROM claimwatch.migration")
    assert last["number"] == migrations()[-1].number + 1
    assert line.site.query("SELECT * FROM claimwatch.of_a_later_release") == []


def test_the_earlier_publications_still_say_which_contracts_and_champions_are_live(
    line: ModelEnvironment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contracts, champions = PointerFiles(tmp_path / "contracts"), PointerFiles(tmp_path / "live")
    site, request = line.site, Request("Update", PROPERTIES)

    def runtime(task: str) -> SimpleNamespace:
        return SimpleNamespace(
            database=lambda: site.database.as_task(task),
            objects=lambda: site.objects,
            contract_pointers=lambda: contracts,
            live_pointers=lambda: champions,
        )

    apply_contract = custom_resource("contracts/apply_contract", runtime("contracts"), monkeypatch)
    promote_model = custom_resource("models/promote_model", runtime("promotion"), monkeypatch)

    assert apply_contract.publish(request) == {"Lines": "glass, motor", "Unreadable": ""}
    assert promote_model.publish(request) == {"Lines": "glass"}
    assert contracts.lines() == {"glass", "motor"}
    champion = champions.read("glass")
    assert champion is not None
    assert champion.version == "1"


def test_the_earlier_files_of_the_bucket_are_written_once_and_found_again(
    line: ModelEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = SimpleNamespace(objects=lambda: line.site.objects)
    publish_training = custom_resource("models/publish_training", runtime, monkeypatch)

    request = Request("Update", PROPERTIES)
    assert publish_training.publish(request) == publish_training.publish(request)


def test_earlier_code_of_the_api_finds_more_than_it_expects(line: ModelEnvironment) -> None:
    api = CaseDatabase(line.site.database.as_task("api"), lambda: None)

    found = schema_versions(api, "0.1.0")

    assert (found["expects"], found["finds"]) == (migrations()[-1].number, migrations()[-1].number + 1)


def test_claims_are_loaded_and_scored_by_earlier_code(line: ModelEnvironment) -> None:
    dropped = line.drop(10.0, 200.0)
    assert dropped["status"] == "committed"
    line.score(dropped["file_id"])
    assert len(line.scores()) == 2
