"""One schedule of scoring and promoting from the first commit to the verdict."""

import tempfile
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg2

from claimwatch.errors import TransientFault
from claimwatch.storage import models
from claimwatch.storage.connection import Database
from claimwatch.storage.models import NewVersion
from local.filesystem_object_store import FilesystemObjectStore
from tests.cluster import Cluster, apply_contract, database_at
from tests.faults.schedule import ARTIFACTS, LANDING
from tests.faults.scores.environment import LINE, ScoringHouse
from tests.faults.scores.judge import Loaded, ScoresWatcher, judge
from tests.faults.scores.model import MODELS, Asked, bundle
from tests.faults.scores.schedule import REFUSED, GlassFile, ScoreSchedule
from tests.faults.verdict import Result
from tests.faults.worker import Place
from tests.faults.workers import Hangs, Workers
from tests.integration.ingest.glass import GLASS

MOST_ROUNDS = 12
"""Of people who look at what has no score and have it scored."""

STRIKES = 10
"""Of the faults that hit whoever looks, too."""

REGISTRY = """
    CREATE SCHEMA mlflow;
    CREATE TABLE mlflow.model_version_tags (name text, version integer, key text, value text);
    CREATE TABLE mlflow.registered_model_aliases (
        alias text, version integer, name text, PRIMARY KEY (name, alias)
    );
"""
"""The tables of MLflow that aliases are kept in."""

_FIRST_DAY = datetime(2026, 3, 2, 9, tzinfo=UTC)


def simulate_scores(seed: int, cluster: Cluster, workers: Workers) -> Result:
    """Run the schedule of a seed in a database and a folder of its own."""
    schedule = ScoreSchedule(seed)
    with tempfile.TemporaryDirectory(prefix="claimwatch-faults-") as name, cluster.clone() as url:
        folder, result = Path(name), Result(seed)
        _furnish(url, folder)
        watcher = ScoresWatcher(url)
        house = ScoringHouse(schedule, cluster, Place(url, folder, schedule.chunk_bytes), workers)
        numbers = {file.label: house.load(_event(folder, file, n)) for n, file in enumerate(schedule.files)}
        files = _loaded(url, schedule, numbers)
        try:
            with watcher:
                _run(schedule, house, url, numbers)
        except Hangs as hanging:
            result.problems.append(f"it hangs: {hanging}")
        finally:
            house.close()
        verdict = judge(url, files, house.notes)
        result.injected, result.looks = house.notes.injected, watcher.looks
        result.lost, result.doubled = verdict.lost, verdict.doubled
        result.problems += [*verdict.problems, *watcher.problems, *house.notes.bugs]
        if watcher.looks == 0:
            result.problems.append("nobody watched")
    return result


def _run(schedule: ScoreSchedule, house: ScoringHouse, url: str, numbers: dict[str, int]) -> None:
    with house.stricken():
        for wave in schedule.waves:
            for asked in wave.asked:
                house.ask(asked)
            for label in wave.commits:
                house.commit(label, numbers[label])
            for request_id in wave.backfills:
                house.score_all(request_id)
            house.settle()
            _unscored(house, url)
    house.settle()
    for round_of_people in range(1, MOST_ROUNDS + 1):
        house.people_come_again(round_of_people)
        if not _put_right(house, url, round_of_people):
            break
        house.settle()
    else:
        raise Hangs("scoring again does not score every claim")
    # What is live has seen all of it in the end; nothing that is scored is scored again.
    house.people_come_again(100)
    house.score_all("the last")
    house.settle()


def _put_right(house: ScoringHouse, url: str, round_of_people: int) -> bool:
    """What people do when nothing runs: promote a first model, score what waits. False if all is well."""
    waiting, champion = _unscored(house, url)
    if not champion:
        house.promote_calmly(Asked("the first that lasts", MODELS[0].version))
        return True
    if waiting:
        house.score_all(f"round {round_of_people}")
    return bool(waiting)


def _unscored(house: ScoringHouse, url: str) -> tuple[list[int], bool]:
    """When nothing runs: the files without all scores, and whether there is a champion.

    A claim without a score that nobody was told of is lost to people: that is a finding.
    """
    with closing(database_at(url)) as database:
        waiting, champion = _seen(database)
    for file_id in waiting:
        if not house.notes.speaks_of(file_id, champion):
            house.notes.bugs.append(f"file {file_id} has claims without a score, and nobody was told")
    return waiting, champion


def _seen(database: Database) -> tuple[list[int], bool]:
    for _ in range(STRIKES):
        with suppress(TransientFault), database.transaction() as cursor:
            cursor.execute("SELECT file_id FROM claimwatch.unscored_file")
            waiting = [file_id for (file_id,) in cursor.fetchall()]
            cursor.execute("SELECT FROM claimwatch.live_model WHERE role = 'champion'")
            return waiting, bool(cursor.rowcount)
    raise Hangs("the database does not come back")


def _furnish(url: str, folder: Path) -> None:
    """Line glass with its models, one of them refused, and MLflow's registry of them."""
    objects = FilesystemObjectStore(folder)
    with closing(database_at(url)) as database:
        assert apply_contract(database, LINE, GLASS, objects) == "applied"
        with database.transaction() as cursor:
            cursor.execute(REGISTRY)
            for model in MODELS:
                files, sha256 = bundle(model)
                for name, content in files.items():
                    objects.write(ARTIFACTS, f"models/{LINE}/{model.version}/{name}", [content])
                models.add_version(cursor, _version(model.version, sha256))
                cursor.execute(
                    "INSERT INTO mlflow.model_version_tags VALUES (%s, %s, 'version', %s)",
                    (LINE, 10 + int(model.version), model.version),
                )
            models.add_version(cursor, _version(REFUSED, "0" * 64, refused_because="it is worse"))


def _version(version: str, sha256: str, **other: Any) -> NewVersion:
    return NewVersion(
        line=LINE,
        version=version,
        metrics={},
        data_sha256="d" * 64,
        code_version="test",
        contract_version="1.0.0",
        bundle_uri=f"s3://{ARTIFACTS}/models/{LINE}/{version}/",
        bundle_sha256=sha256,
        **other,
    )


def _event(folder: Path, file: GlassFile, number: int) -> dict[str, Any]:
    data = file.text.encode()
    ref = FilesystemObjectStore(folder).write(LANDING, f"claims/{LINE}/{file.label}.csv", [data])
    item = {"key": ref.key, "size": len(data), "version-id": ref.version_id, "sequencer": f"00A{number}"}
    return {
        "source": "aws.s3",
        "detail-type": "Object Created",
        "time": (_FIRST_DAY + timedelta(hours=number)).isoformat(),
        "detail": {"bucket": {"name": LANDING}, "object": item},
    }


def _loaded(url: str, schedule: ScoreSchedule, numbers: dict[str, int]) -> dict[int, Loaded]:
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT file_id, details -> 'chunks' FROM claimwatch.file")
        chunks = dict(cursor.fetchall())
    return {
        number: Loaded(file.label, file.claims, [first_row for _, _, first_row in chunks[number]])
        for file in schedule.files
        for number in [numbers[file.label]]
    }
