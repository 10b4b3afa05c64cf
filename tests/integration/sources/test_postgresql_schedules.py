"""Random schedules of writers and readers: each version of a row that stays is pulled exactly once."""

import csv
import io
import random
from collections.abc import Iterator
from dataclasses import dataclass, field

import psycopg2
import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class

from claimwatch.sources.postgresql import PostgresqlReader
from claimwatch.sources.reader import Cycle, Key
from tests.cluster import Cluster
from tests.integration.sources.postgresql_source import SourceDatabase, run, source_database

SEEDS = range(8)
STEPS = 120
WRITERS = 4
ACTIONS = (
    *("put", "put", "put", "block", "update", "delete", "move", "key", "savepoint", "undo"),
    *("commit", "commit", "rollback"),
)

TABLE = """
CREATE TABLE claims.claim (claim_id int, part text, version int NOT NULL, updated_at timestamptz,
    PRIMARY KEY (claim_id, part)) PARTITION BY LIST (part);
CREATE TABLE claims.claim_a PARTITION OF claims.claim FOR VALUES IN ('a');
CREATE TABLE claims.claim_b (version int NOT NULL, dropped int, part text NOT NULL, claim_id int NOT NULL,
    updated_at timestamptz, PRIMARY KEY (claim_id, part));
ALTER TABLE claims.claim_b DROP COLUMN dropped;
ALTER TABLE claims.claim ATTACH PARTITION claims.claim_b FOR VALUES IN ('b');
CREATE FUNCTION claims.put(k int, p text, v int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO claims.claim VALUES (k, p, v, now());
EXCEPTION WHEN unique_violation THEN
    UPDATE claims.claim SET version = v WHERE claim_id = k AND part = p;
END $$;
"""


@pytest.fixture
def claims(cluster: Cluster) -> Iterator[SourceDatabase]:
    with source_database(cluster.server) as database:
        database.run(TABLE)
        yield database


@dataclass
class Pull:
    """A pull that is read in steps of any length, with repetitions."""

    reader: PostgresqlReader
    draw: random.Random
    position: Cycle | None = None
    cycle: Cycle | None = None
    after: Key | None = None
    versions: list[int] = field(default_factory=list)
    held: dict[tuple[str, str], int] = field(default_factory=dict)

    def step(self) -> bool:
        """Read one window; return whether it ended its cycle."""
        if self.cycle is None:
            self.cycle, self.after = self.reader.begin_cycle(self.position), None
        upto, more = self.reader.last_key(self.cycle, self.after, self.draw.choice((1, 3, 10, 1000)))
        if upto is not None:
            for _ in range(self.draw.choice((1, 1, 2))):  # a repetition replaces the object
                rows = self._window(upto)
            for row in rows:
                self.versions.append(int(row["version"]))
                self.held[row["claim_id"], row["part"]] = int(row["version"])
            self.after = upto
        if not more:
            self.position, self.cycle = self.cycle, None
        return not more

    def _window(self, upto: Key) -> list[dict[str, str]]:
        assert self.cycle is not None
        text = b"".join(self.reader.copy(self.cycle, self.after, upto)).decode()
        return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize("seed", SEEDS)
def test_each_version_that_stays_is_pulled_exactly_once(claims: SourceDatabase, seed: int) -> None:
    draw = random.Random(seed)
    pull = Pull(claims.open(key=("claim_id", "part")), draw)
    writers = [claims.connect() for _ in range(WRITERS)]
    for writer in writers:
        run(writer, "SET lock_timeout = '20ms'")
        writer.commit()
    versions = iter(range(1, 1_000_000))
    for _ in range(STEPS):
        if draw.random() < 0.2:
            pull.step()
        else:
            write(draw.choice(writers), draw, versions)
    for writer in writers:
        draw.choice((writer.commit, writer.rollback))()
    while not pull.step():
        pass
    while not pull.step():
        pass
    current = {
        (str(key), part): version
        for key, part, version in claims.run("SELECT claim_id, part, version FROM claims.claim")
    }
    assert {key: pull.held.get(key) for key in current} == current, "lost"
    assert len(set(pull.versions)) == len(pull.versions), "doubled"


def write(writer: Connection, draw: random.Random, versions: Iterator[int]) -> None:
    """Take a step of a transaction; one that must wait for another transaction is rolled back."""
    key, part, version = draw.randrange(30), draw.choice("ab"), next(versions)
    action = draw.choice(ACTIONS)
    try:
        if action == "commit":
            writer.commit()
        elif action == "rollback":
            writer.rollback()
        elif action == "put":
            run(
                writer,
                "INSERT INTO claims.claim VALUES (%s, %s, %s, now())"
                " ON CONFLICT (claim_id, part) DO UPDATE SET version = excluded.version",
                (key, part, version),
            )
        elif action == "block":
            run(writer, "SELECT claims.put(%s, %s, %s)", (key, part, version))
        elif action == "update":
            run(
                writer,
                "UPDATE claims.claim SET version = %s WHERE claim_id = %s AND part = %s",
                (version, key, part),
            )
        elif action == "delete":
            run(writer, "DELETE FROM claims.claim WHERE claim_id = %s AND part = %s", (key, part))
        elif action == "move":
            run(
                writer,
                "UPDATE claims.claim SET version = %s, part = CASE part WHEN 'a' THEN 'b' ELSE 'a' END"
                " WHERE claim_id = %s AND part = %s",
                (version, key, part),
            )
        elif action == "key":
            run(
                writer,
                "UPDATE claims.claim SET version = %s, claim_id = %s WHERE claim_id = %s AND part = %s",
                (version, draw.randrange(30), key, part),
            )
        elif action == "savepoint":
            run(writer, "SAVEPOINT here")
        elif action == "undo":
            run(writer, "ROLLBACK TO SAVEPOINT here")
    except psycopg2.Error:
        writer.rollback()
