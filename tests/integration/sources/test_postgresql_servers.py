"""Mode horizon on servers that crash, are replaced, have standbys, and are billions of transactions old."""

import contextlib
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg2
import pytest

from claimwatch.sources.reader import RefusedSource, SourceUnreachable
from local.postgres import INSTALLATION, PostgresServer, clean_environment, system_user
from tests.integration.sources.postgresql_source import SourceDatabase, pulled, run, source_database

SETTINGS = {"shared_buffers": "32MB", "max_prepared_transactions": "10", "max_wal_senders": "4"}


type NewServer = Callable[..., PostgresServer]
"""Returns a server in a folder that is not started, with further settings by name."""


@pytest.fixture(scope="module")
def new_server() -> NewServer:
    return lambda folder, **settings: PostgresServer(folder, settings=SETTINGS | settings)


@contextlib.contextmanager
def started(server: PostgresServer) -> Iterator[PostgresServer]:
    """Run a server until the end of the block."""
    try:
        yield server.start()
    finally:
        server.remove()


@pytest.fixture(scope="module")
def server(new_server: NewServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    with started(new_server(tmp_path_factory.mktemp("source"), wal_writer_delay="2s")) as running:
        yield running


@pytest.fixture
def claims(server: PostgresServer) -> Iterator[SourceDatabase]:
    with source_database(server) as database:
        database.run("CREATE TABLE claims.claim (claim_id int PRIMARY KEY, amount int)")
        yield database


def program(name: str) -> Path:
    """Return a program of PostgreSQL; skip the test if this installation lacks it."""
    path = INSTALLATION / "bin" / name
    if not path.exists():
        pytest.skip(f"this installation of PostgreSQL has no {name}")
    return path


def tool(server: PostgresServer, name: str, *arguments: str) -> None:
    """Run a program of PostgreSQL as the user that the server runs as."""
    owner = server.data.stat()
    environment = clean_environment() | {"PGPASSWORD": server._credentials()["postgres"]}
    done = subprocess.run(
        [str(program(name)), *arguments],
        capture_output=True,
        text=True,
        env=environment,
        cwd="/",
        user=owner.st_uid if os.geteuid() == 0 else None,
        group=owner.st_gid if os.geteuid() == 0 else None,
        extra_groups=[] if os.geteuid() == 0 else None,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def ids(rows: list[dict[str, str]]) -> list[int]:
    return sorted(int(row["claim_id"]) for row in rows)


def test_a_prepared_transaction_is_running(claims: SourceDatabase) -> None:
    preparing = claims.connect()
    run(preparing, "INSERT INTO claims.claim VALUES (1)")
    run(preparing, "PREPARE TRANSACTION 'later'")
    claims.run("INSERT INTO claims.claim VALUES (2)")
    reader = claims.open()
    first = reader.begin_cycle(None)
    assert pulled(reader, first) == [], "2 has a higher number than the transaction that is not over"
    second = reader.begin_cycle(first)
    assert pulled(reader, second) == []
    claims.run("COMMIT PREPARED 'later'")
    assert ids(pulled(reader, reader.begin_cycle(second))) == [1, 2]


def test_a_number_that_a_crash_gives_away_again_is_not_below_the_horizon(
    new_server: NewServer, tmp_path: Path
) -> None:
    tmp_path.chmod(0o755)
    with (
        started(new_server(tmp_path / "source", wal_writer_delay="3s")) as server,
        source_database(server) as claims,
    ):
        claims.run("CREATE TABLE claims.claim (claim_id int PRIMARY KEY)")
        reused = 0
        for attempt in range(4):
            lost = claims.connect()
            run(lost, "SET synchronous_commit = off")
            lost.commit()
            run(lost, "SELECT txid_current()")
            lost.commit()
            [(number,)] = run(lost, "SELECT txid_snapshot_xmax(txid_current_snapshot())")
            if attempt < 2:  # what happens without the reader
                server.restart("immediate")
                claims.reconnect()
                [(again,)] = claims.run("SELECT txid_snapshot_xmax(txid_current_snapshot())")
                reused += again < number
                continue
            reader = claims.open()
            cycle = reader.begin_cycle(None)
            server.restart("immediate")
            claims.reconnect()
            claims.run("INSERT INTO claims.claim VALUES (%s)", [attempt])
            reader = claims.open()
            [row] = claims.run("SELECT xmin::text::bigint FROM claims.claim WHERE claim_id = %s", [attempt])
            assert row[0] >= int(cycle["until"])
            assert attempt in ids(pulled(reader, reader.begin_cycle(cycle)))
        assert reused, "a crash of this server gives no number away again, so the test proves nothing"


def test_rows_of_every_epoch_are_pulled_once(new_server: NewServer, tmp_path: Path) -> None:
    program("pg_resetwal")
    tmp_path.chmod(0o755)
    with started(new_server(tmp_path / "source")) as server, source_database(server) as claims:
        claims.run("CREATE TABLE claims.claim (claim_id int PRIMARY KEY)")
        claims.run("INSERT INTO claims.claim VALUES (1)")
        reader = claims.open()
        old = reader.begin_cycle(None)
        with contextlib.closing(psycopg2.connect(server.superuser_url)) as connection:
            connection.autocommit = True
            run(connection, "CHECKPOINT")
        server.stop()
        tool(server, "pg_resetwal", "--epoch", "5", "--pgdata", str(server.data))
        server.start()
        claims.reconnect()
        reader = claims.open()
        first = reader.begin_cycle(old)
        assert int(first["until"]) > 5 * 2**32
        assert first["from"] is None, "too many transactions lie between"
        assert ids(pulled(reader, first)) == [1]
        claims.run("INSERT INTO claims.claim VALUES (2)")
        second = reader.begin_cycle(first)
        assert ids(pulled(reader, second)) == [2]
        assert pulled(reader, reader.begin_cycle(second)) == []


def test_a_standby_is_read_only_when_it_has_seen_the_whole_cycle(
    new_server: NewServer, tmp_path: Path
) -> None:
    tmp_path.chmod(0o755)
    with started(new_server(tmp_path / "source")) as primary, source_database(primary) as claims:
        claims.run("CREATE TABLE claims.claim (claim_id int PRIMARY KEY)")
        claims.run("INSERT INTO claims.claim VALUES (1)")
        with standby_of(primary, new_server(tmp_path / "standby")) as standby:
            at_standby = dict(claims.secret) | {"port": standby.port}
            with contextlib.closing(psycopg2.connect(standby.superuser_url)) as connection:
                connection.autocommit = True
                first = wait_for(claims, at_standby, [1])
                run(connection, "SELECT pg_wal_replay_pause()")
                claims.run("INSERT INTO claims.claim VALUES (2)")
                reader = claims.open()
                second = reader.begin_cycle(first)
                assert ids(pulled(reader, second)) == [2]
                claims.run("INSERT INTO claims.claim VALUES (3)")
                third = reader.begin_cycle(second)
                behind = claims.open(secret=at_standby)
                with pytest.raises(SourceUnreachable, match="lags behind"):
                    behind.last_key(third, None, 10)
                with pytest.raises(SourceUnreachable, match="lags behind"):
                    list(behind.copy(third, None, ("9",)))
                with pytest.raises(SourceUnreachable, match="lags behind"):
                    behind.begin_cycle(third)
                run(connection, "SELECT pg_wal_replay_resume()")
            # Promoted, it has another history: all rows are pulled again.
            with contextlib.closing(psycopg2.connect(standby.superuser_url)) as connection:
                connection.autocommit = True
                run(connection, "SELECT pg_promote(true, 60)")
            promoted = claims.open(secret=at_standby)
            fourth = promoted.begin_cycle(third)
            assert fourth["from"] is None
            assert ids(pulled(promoted, fourth)) == [1, 2, 3]


def wait_for(claims: SourceDatabase, secret: dict[str, object], expected: list[int]) -> dict[str, object]:
    """Pull a first cycle from a standby that has replayed everything so far."""
    for _ in range(100):
        with contextlib.suppress(RefusedSource, SourceUnreachable):
            reader = claims.open(secret=secret)
            cycle = dict(reader.begin_cycle(None))
            if ids(pulled(reader, cycle)) == expected:
                return cycle
    raise AssertionError("the standby does not replay")


@contextlib.contextmanager
def standby_of(primary: PostgresServer, standby: PostgresServer) -> Iterator[PostgresServer]:
    """Run a new server as a standby that replays the log of another one."""
    standby.folder.mkdir()
    (standby.folder / "credentials.json").write_bytes((primary.folder / "credentials.json").read_bytes())
    if os.geteuid() == 0:
        standby._choose_accessible_folders(system_user())
    address = f"host={primary.host} port={primary.port} user=postgres"
    tool(primary, "pg_basebackup", "--pgdata", str(standby.data), "--checkpoint", "fast", "--dbname", address)
    (standby.data / "standby.signal").touch()
    with (standby.data / "postgresql.auto.conf").open("a") as file:
        file.write(f"primary_conninfo = '{address} password={primary._credentials()['postgres']}'\n")
    try:
        yield standby.start()
    finally:
        standby.remove()
