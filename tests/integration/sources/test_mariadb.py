"""Sources of MySQL and MariaDB, read from a real MariaDB server."""

import itertools
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from claimwatch.domain.sources.csv_values import csv_line, row_hash
from claimwatch.domain.sources.source import Kind, Limits, Mode, Source
from claimwatch.sources.mysql import open_mysql
from claimwatch.sources.reader import Cycle, Key, RefusedSource, SourceUnreachable, WindowTooLarge
from tests.certificates import Authority
from tests.mariadb import MISSING, MariaDb

pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING)

PASSWORD = secrets.token_urlsafe(12)
NUMBERS = itertools.count(1)
OVERLAP = timedelta(minutes=10)


@pytest.fixture(scope="module")
def server() -> Iterator[MariaDb]:
    with MariaDb() as running:
        running.execute(f"CREATE USER reader IDENTIFIED BY '{PASSWORD}'", "GRANT SELECT ON *.* TO reader")
        yield running


@pytest.fixture
def database(server: MariaDb) -> Iterator[str]:
    name = f"claims_{next(NUMBERS)}"
    server.execute(f"CREATE DATABASE {name}")
    yield name
    server.execute(f"DROP DATABASE {name}")


def source_of(table: str, *key: str, watermark: str | None = None, **fields: Any) -> Source:
    mode = Mode.OVERLAP if watermark else Mode.DIFFERENCE
    return Source(
        "policies", Kind.MYSQL, "motor", "rate(15 minutes)", "secret", mode, table=table, key=key or ("id",),
        watermark=watermark, **fields,
    )  # fmt: skip


@dataclass
class Pull:
    """Pulls a source as the pipeline does: windows of a cycle, and no row that was pulled before."""

    source: Source
    secret: Mapping[str, Any]
    window: int = 3
    position: Cycle | None = None
    hashes: dict[Key, bytes] = field(default_factory=dict)
    windows: list[int] = field(default_factory=list)
    missing: set[Key] = field(default_factory=set)

    def run(self) -> list[Sequence[Any]]:
        """Pull a cycle and return its new rows."""
        new: list[Sequence[Any]] = []
        kept: dict[Key, bytes] = {}
        with closing(open_mysql(self.source, self.secret)) as reader:
            cycle = reader.begin_cycle(self.position)
            after, more = None, True
            while more:
                upto, more = reader.last_key(cycle, after, self.window)
                if upto is None:
                    break
                rows = [row for batch in reader.rows(cycle, after, upto) for row in batch]
                again = [row for batch in reader.rows(cycle, after, upto) for row in batch]
                assert sorted(map(repr, rows)) == sorted(map(repr, again))
                self.windows.append(len(rows))
                for row in rows:
                    digest = row_hash(b"k", row.values)
                    if self.hashes.get(row.key) != digest:
                        new.append(row.values)
                    if row.recent:
                        kept[row.key] = digest
                after = upto
        self.missing = self.hashes.keys() - kept.keys()
        self.position, self.hashes = cycle, kept
        return new


def ids(rows: Sequence[Sequence[Any]]) -> list[int]:
    return sorted(int(row[0]) for row in rows)


# -- Which rows belong to a cycle ----------------------------------------------------------------------------


def test_a_row_that_commits_late_within_the_overlap_is_pulled_once_and_a_naive_pull_misses_it(
    server: MariaDb, database: str
) -> None:
    server.execute(
        "CREATE TABLE claim (id int PRIMARY KEY, changed_at datetime(6), note text)", database=database
    )
    pull = Pull(source_of(f"{database}.claim", watermark="changed_at"), server.secret("reader", PASSWORD))
    naive: list[int] = []
    last = "1970-01-01"

    def pull_naively() -> None:
        nonlocal last
        found = server.execute(
            f"SELECT id, changed_at FROM claim WHERE changed_at > '{last}' ORDER BY 2", database=database
        )
        naive.extend(row[0] for row in found)
        last = str(found[-1][1]) if found else last

    with closing(server.connect(database, autocommit=False)) as late, late.cursor() as cursor:
        cursor.execute("INSERT INTO claim VALUES (1, NOW(6), 'begun first')")
        server.execute("INSERT INTO claim VALUES (2, NOW(6), 'begun second')", database=database)
        pulled = ids(pull.run())
        pull_naively()
        late.commit()
    pulled += ids(pull.run())
    pull_naively()

    assert pulled == [2, 1]
    assert naive == [2]
    assert pull.run() == []


def test_rows_with_equal_watermarks_are_all_pulled_whatever_the_window(
    server: MariaDb, database: str
) -> None:
    server.execute("CREATE TABLE claim (id int PRIMARY KEY, changed_at datetime NOT NULL)", database=database)
    server.execute(
        "INSERT INTO claim VALUES (%s, %s)",
        rows=[(number, f"2026-01-0{1 + number // 50} 12:00:00") for number in range(150)],
        database=database,
    )
    for window in (1, 7, 50, 149, 150, 151):
        source = source_of(f"{database}.claim", watermark="changed_at")
        pull = Pull(source, server.secret("reader", PASSWORD), window)
        assert ids(pull.run()) == list(range(150))
        assert max(pull.windows) <= window
        assert sum(pull.windows) == 150


def test_an_update_is_pulled_and_an_unchanged_row_is_not(server: MariaDb, database: str) -> None:
    server.execute(
        "CREATE TABLE claim (id int PRIMARY KEY, amount int, changed_at timestamp(6)"
        " DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6))",
        "INSERT INTO claim (id, amount) VALUES (1, 10), (2, 20), (3, 30)",
        database=database,
    )
    pull = Pull(source_of(f"{database}.claim", watermark="changed_at"), server.secret("reader", PASSWORD))
    assert ids(pull.run()) == [1, 2, 3]
    server.execute("UPDATE claim SET amount = 21 WHERE id = 2", database=database)
    assert [row[:2] for row in pull.run()] == [("2", "21")]


def test_rows_without_a_watermark_are_pulled_when_they_are_new_or_changed(
    server: MariaDb, database: str
) -> None:
    server.execute(
        "SET SESSION sql_mode = ''",
        "CREATE TABLE claim (id int PRIMARY KEY, amount int, changed_at datetime)",
        "INSERT INTO claim VALUES (1, 10, NULL), (2, 20, '0000-00-00'), (3, 30, NOW() - INTERVAL 1 DAY)",
        database=database,
    )
    pull = Pull(source_of(f"{database}.claim", watermark="changed_at"), server.secret("reader", PASSWORD))
    assert ids(pull.run()) == [1, 2, 3]
    assert pull.run() == []
    server.execute(
        "SET SESSION sql_mode = ''",
        "UPDATE claim SET amount = amount + 1",
        "INSERT INTO claim VALUES (4, 40, NULL), (5, 50, '0000-00-00')",
        database=database,
    )
    assert ids(pull.run()) == [1, 2, 4, 5]  # row 3 has an old watermark: mode overlap cannot see its change


def test_a_watermark_far_in_the_future_hides_no_row(server: MariaDb, database: str) -> None:
    server.execute(
        "CREATE TABLE claim (id int PRIMARY KEY, changed_at datetime)",
        "INSERT INTO claim VALUES (1, '9999-12-31'), (2, NOW() + INTERVAL 2 HOUR)",
        database=database,
    )
    pull = Pull(source_of(f"{database}.claim", watermark="changed_at"), server.secret("reader", PASSWORD))
    assert ids(pull.run()) == [1]  # row 2 comes when its time has come
    assert pull.run() == []
    server.execute("INSERT INTO claim VALUES (3, '9999-12-31')", database=database)
    assert ids(pull.run()) == [3]


@pytest.mark.parametrize("type_", ["date", "datetime", "datetime(6)", "timestamp"])
def test_rows_that_share_their_watermark_with_earlier_ones_are_not_missed_without_an_overlap(
    server: MariaDb, database: str, type_: str
) -> None:
    """A date and whole seconds stand for a time that has not ended when the cycle begins."""
    server.execute(f"CREATE TABLE claim (id int PRIMARY KEY, changed_at {type_})", database=database)
    source = source_of(f"{database}.claim", watermark="changed_at", overlap=timedelta(0))
    pull = Pull(source, server.secret("reader", PASSWORD))
    pulled: list[int] = []
    for number in range(20):
        server.execute(f"INSERT INTO claim VALUES ({number}, NOW(6))", database=database)
        pulled += ids(pull.run())
    time.sleep(1.1)  # MySQL rounds a time up to the next second
    pulled += ids(pull.run())
    assert sorted(pulled) == list(range(20))


@pytest.mark.parametrize("zone", ["+02:00", "-05:00"])
@pytest.mark.parametrize("clock", ["NOW(6)", "UTC_TIMESTAMP(6)"])
def test_a_watermark_without_a_zone_may_be_of_utc_or_of_the_zone_of_the_server(
    server: MariaDb, database: str, zone: str, clock: str
) -> None:
    server.execute(f"SET GLOBAL time_zone = '{zone}'")
    try:
        server.execute("CREATE TABLE claim (id int PRIMARY KEY, changed_at datetime(6))", database=database)
        source = source_of(f"{database}.claim", watermark="changed_at")
        pull = Pull(source, server.secret("reader", PASSWORD))
        for number in range(3):
            server.execute(f"INSERT INTO claim VALUES ({number}, {clock})", database=database)
            assert ids(pull.run()) == [number]
    finally:
        server.execute("SET GLOBAL time_zone = 'SYSTEM'")


def test_difference_finds_changes_without_a_watermark_and_deleted_rows(
    server: MariaDb, database: str
) -> None:
    server.execute(
        "CREATE TABLE claim (id int PRIMARY KEY, amount int)",
        "INSERT INTO claim VALUES (1, 10), (2, 20), (3, 30), (4, 40)",
        database=database,
    )
    pull = Pull(source_of(f"{database}.claim"), server.secret("reader", PASSWORD))
    assert ids(pull.run()) == [1, 2, 3, 4]
    server.execute(
        "UPDATE claim SET amount = 21 WHERE id = 2", "DELETE FROM claim WHERE id = 3", database=database
    )
    assert ids(pull.run()) == [2]
    assert pull.missing == {("3",)}


# -- Keys ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("collation", ["utf8mb4_general_ci", "utf8mb4_unicode_ci", "latin1_swedish_ci"])
def test_rows_whose_keys_the_server_takes_for_equal_are_pulled_once(
    server: MariaDb, database: str, collation: str
) -> None:
    keys = [
        "a",
        "A",
        "a ",
        "á",
        "b",
        "B",
        "ab",
        "AB",
        "",
        " ",
        "ß",
        "ss",
        "z",
        "Z",
        "é",
        "E",
        "'",
        '"',
        "\\",
        "%",
    ]
    charset = collation.partition("_")[0]
    server.execute(
        "CREATE TABLE claim (number int,"
        f" id varchar(40) CHARACTER SET {charset} COLLATE {collation} NOT NULL)",
        database=database,
    )
    server.execute("INSERT INTO claim VALUES (%s, %s)", rows=list(enumerate(keys)), database=database)
    for window in (1, 2, 3, 5, 19, 20, 21):
        pull = Pull(source_of(f"{database}.claim"), server.secret("reader", PASSWORD), window)
        assert ids(pull.run()) == list(range(len(keys)))


KEYS = {
    "int": ["-5", "0", "7", "2147483647"],
    "bigint unsigned": ["0", "18446744073709551615"],
    "decimal(30,10)": ["-1.5", "0.0000000001", "12345678901234567890.0123456789"],
    "datetime(6)": ["'2026-01-31 09:30:00.123456'", "'2026-01-31 09:30:00.123457'", "'1970-01-01'"],
    "timestamp(3)": ["'2026-01-31 09:30:00.123'", "'2026-01-31 09:30:00.124'"],
    "date": ["'2026-01-31'", "'2026-02-01'"],
    "time(2)": ["'-12:30:00.25'", "'00:00:00'", "'100:00:01.5'"],
    "year": ["1999", "2026"],
    "bit(5)": ["b'00001'", "b'10000'"],
    "binary(4)": ["x'00010203'", "x'FF00AA27'", "x'5C5C2725'"],
    "varbinary(8)": ["x''", "x'00'", "x'0001'"],
    "varchar(20) COLLATE utf8mb4_bin": ["'a'", "'A'", "'ü'", "'\U0001f697'", "'%s'"],
    "uuid": ["UUID()", "UUID()", "'00000000-0000-0000-0000-000000000001'"],
    "inet6": ["'::1'", "'::ffff:10.0.0.1'", "'fe80::1'"],
}


@pytest.mark.parametrize("type_", KEYS)
def test_a_key_of_any_type_divides_the_rows_into_windows(server: MariaDb, database: str, type_: str) -> None:
    server.execute(
        f"CREATE TABLE claim (number int AUTO_INCREMENT UNIQUE, a {type_} NOT NULL, b int NOT NULL,"
        " PRIMARY KEY (a, b))",
        *(f"INSERT INTO claim (a, b) VALUES ({value}, {b})" for value in KEYS[type_] for b in (1, -1, 5)),
        database=database,
    )
    rows = 3 * len(KEYS[type_])
    for window, key in ((1, ("a", "b")), (2, ("a", "b")), (4, ("b", "a")), (100, ("a", "b"))):
        pull = Pull(source_of(f"{database}.claim", *key), server.secret("reader", PASSWORD), window)
        assert ids(pull.run()) == list(range(1, rows + 1))
        assert max(pull.windows) <= window


@pytest.mark.parametrize("type_", ["float", "double", "text", "blob", "enum('x', 'y')", "set('x', 'y')"])
def test_a_key_without_an_exact_order_is_refused(server: MariaDb, database: str, type_: str) -> None:
    server.execute(f"CREATE TABLE claim (id {type_} NOT NULL)", database=database)
    with (
        closing(open_mysql(source_of(f"{database}.claim"), server.secret("reader", PASSWORD))) as reader,
        pytest.raises(RefusedSource, match=f"the key column 'id' has type {type_.partition('(')[0]}"),
    ):
        reader.begin_cycle(None)


def test_rows_without_a_key_are_refused_instead_of_missed(server: MariaDb, database: str) -> None:
    server.execute("CREATE TABLE claim (id int)", "INSERT INTO claim VALUES (1)", database=database)
    pull = Pull(source_of(f"{database}.claim"), server.secret("reader", PASSWORD))
    assert ids(pull.run()) == [1]
    server.execute("INSERT INTO claim VALUES (NULL)", database=database)
    with pytest.raises(RefusedSource, match=r"some rows have no value in the key \(id\)"):
        pull.run()


@pytest.mark.parametrize("type_", ["int", "varchar(30)"])
def test_a_watermark_that_is_not_a_time_is_refused(server: MariaDb, database: str, type_: str) -> None:
    server.execute(f"CREATE TABLE claim (id int PRIMARY KEY, version {type_})", database=database)
    source = source_of(f"{database}.claim", watermark="version")
    with pytest.raises(RefusedSource, match="must be the time at which a row was last changed"):
        Pull(source, server.secret("reader", PASSWORD)).run()


# -- Values --------------------------------------------------------------------------------------------------


def test_values_are_the_texts_that_the_server_writes(server: MariaDb, database: str) -> None:
    server.execute(
        "SET SESSION sql_mode = ''",
        "CREATE TABLE claim (id int PRIMARY KEY, amount decimal(12,2), ratio double, paid bit(1), day date,"
        " at datetime(3), stamp timestamp, clock time, `100%` json, photo varbinary(4), kind enum('x', 'y'),"
        " note varchar(40), none int)",
        "SET SESSION time_zone = '+03:00'",
        "INSERT INTO claim VALUES (1, 1234567890.10, 0.1, b'1', '0000-00-00', '2026-01-31 09:30:00.5',"
        " '2026-01-31 12:30:00', '-26:00:01', '{\"a\": 1}', x'00ff', 'y', 'one,\"two\"\nthree', NULL)",
        database=database,
    )
    with closing(open_mysql(source_of(f"{database}.claim"), server.secret("reader", PASSWORD))) as reader:
        [values] = reader.sample(5)
        assert [column.name for column in reader.columns()][8] == "100%"
        types = [column.type for column in reader.columns()]
    assert csv_line(values) == (
        "1,1234567890.10,0.1,1,0000-00-00,2026-01-31 09:30:00.500,2026-01-31 09:30:00,-26:00:01,"
        '"{""a"": 1}",00ff,y,"one,""two""\nthree",\n'
    )
    assert types == [
        *("int", "decimal(12,2)", "double", "bit", "date", "datetime", "timestamp", "time", "text", "binary"),
        *("enum", "char", "int"),
    ]


def test_a_query_and_a_list_of_columns_are_read_like_a_table(server: MariaDb, database: str) -> None:
    server.execute(
        "CREATE TABLE claim (id int PRIMARY KEY, note text, amount int)",
        "INSERT INTO claim VALUES (1, '50%', 10), (2, '%s', 20), (3, 'x', 30), (4, '5%', 40)",
        database=database,
    )
    listed = source_of(f"{database}.claim", columns=("Amount", "id"))
    with closing(open_mysql(listed, server.secret("reader", PASSWORD))) as reader:
        assert sorted(map(tuple, reader.sample(9))) == [("10", "1"), ("20", "2"), ("30", "3"), ("40", "4")]
    query = "SELECT c.id, c.note FROM claim c WHERE note LIKE '%\\%' OR note = '%s'"
    source = replace(source_of("", "id"), table=None, query=query)
    pull = Pull(source, server.secret("reader", PASSWORD, database), window=1)
    assert sorted(map(tuple, pull.run())) == [("1", "50%"), ("2", "%s"), ("4", "5%")]


def test_discovery_lists_tables_and_views_that_the_login_may_read(server: MariaDb, database: str) -> None:
    server.execute(
        "CREATE TABLE claim (id int PRIMARY KEY)",
        "CREATE VIEW open_claim AS SELECT * FROM claim",
        "CREATE TABLE salary (id int)",
        f"CREATE USER clerk_{database} IDENTIFIED BY '{PASSWORD}'",
        f"GRANT SELECT ON {database}.claim TO clerk_{database}",
        f"GRANT SELECT ON {database}.open_claim TO clerk_{database}",
        database=database,
    )
    secret = server.secret(f"clerk_{database}", PASSWORD)
    with closing(open_mysql(source_of(f"{database}.claim"), secret)) as reader:
        assert reader.tables() == (f"{database}.claim", f"{database}.open_claim")


# -- Logins --------------------------------------------------------------------------------------------------

WRITERS = {
    "INSERT on": ("GRANT SELECT, INSERT ON {db}.* TO {user}",),
    "UPDATE on": ("GRANT SELECT (id), UPDATE (id, note) ON {db}.claim TO {user}",),
    "ALL PRIVILEGES on": ("GRANT ALL ON {db}.* TO {user}",),
    "DELETE on": (
        "CREATE ROLE inner_{user}",
        "CREATE ROLE outer_{user}",
        "GRANT DELETE ON {db}.* TO inner_{user}",
        "GRANT inner_{user} TO outer_{user}",
        "GRANT outer_{user} TO {user}",
    ),
    "CREATE on": ("GRANT CREATE ON *.* TO {user}",),
}


@pytest.mark.parametrize("found", WRITERS)
def test_a_login_that_may_change_data_is_refused_with_the_grant_to_use(
    server: MariaDb, database: str, found: str
) -> None:
    user = f"writer_{database}"
    server.execute(
        "CREATE TABLE claim (id int PRIMARY KEY, note text)",
        f"CREATE USER {user} IDENTIFIED BY '{PASSWORD}'",
        f"GRANT SELECT ON {database}.* TO {user}",
        *(statement.format(db=database, user=user) for statement in WRITERS[found]),
        database=database,
    )
    with (
        closing(open_mysql(source_of(f"{database}.claim"), server.secret(user, PASSWORD))) as reader,
        pytest.raises(RefusedSource, match=f"it has {found}") as refusal,
    ):
        reader.refuse_writers()
    assert f"GRANT SELECT ON {database}.claim" in str(refusal.value)


def test_a_login_that_may_only_read_is_accepted_also_with_a_role(server: MariaDb, database: str) -> None:
    user = f"reading_{database}"
    server.execute(
        "CREATE TABLE claim (id int PRIMARY KEY)",
        f"CREATE USER {user} IDENTIFIED BY '{PASSWORD}'",
        f"CREATE ROLE role_{database}",
        f"GRANT SELECT, SHOW VIEW ON {database}.* TO role_{database}",
        f"GRANT role_{database} TO {user}",
        f"SET DEFAULT ROLE role_{database} FOR {user}",
        database=database,
    )
    with closing(open_mysql(source_of(f"{database}.claim"), server.secret(user, PASSWORD))) as reader:
        reader.refuse_writers()
        assert reader.begin_cycle(None) == {}  # the role is active, as it was before


def test_a_session_can_change_nothing_even_with_a_login_that_may(server: MariaDb, database: str) -> None:
    server.execute("CREATE TABLE claim (id int PRIMARY KEY)", database=database)
    secret = server.secret("root", server.password)
    with (
        closing(open_mysql(source_of(f"{database}.claim"), secret)) as reader,
        pytest.raises(Exception, match="READ ONLY"),
        reader._connection.cursor() as cursor,
    ):
        cursor.execute(f"INSERT INTO {database}.claim VALUES (1)")


# -- Errors --------------------------------------------------------------------------------------------------


def test_an_error_says_what_to_do_and_quotes_no_secret(server: MariaDb, database: str) -> None:
    server.execute("CREATE TABLE claim (id int PRIMARY KEY)", database=database)
    secret = server.secret("reader", PASSWORD)
    good = source_of(f"{database}.claim")
    query = replace(good, table=None)
    cases: list[tuple[Source, Mapping[str, Any], str]] = [
        (good, {**secret, "password": "wrong-word"}, "correct username and password"),
        (good, {**secret, "dbname": "absent"}, "may not use this database|no such database"),
        (good, {"host": "127.0.0.1"}, "no text for 'username'"),
        (good, {**secret, "port": "many"}, "port that is not a number"),
        (good, {**secret, "host": "192.0.2.1"}, "switches TLS off for a server on another machine"),
        (good, {key: value for key, value in secret.items() if key != "tls"}, "offers no TLS"),
        (source_of(f"{database}.absent"), secret, "the table does not exist"),
        (source_of(f"{database}.claim", "absent"), secret, "no column 'absent'; it has id"),
        (
            replace(query, query="SELECT absent FROM claim"),
            {**secret, "dbname": database},
            "column that does not",
        ),
        (replace(query, query="SELECT FROM"), secret, "does not understand the query"),
    ]
    for source, given, reason in cases:
        with pytest.raises(RefusedSource, match=reason) as refusal:
            Pull(source, given).run()
        assert PASSWORD not in str(refusal.value)
        assert "wrong-word" not in str(refusal.value)
        assert refusal.value.__cause__ is None


def test_a_statement_that_takes_longer_than_its_window_is_ended(server: MariaDb, database: str) -> None:
    server.execute(
        "CREATE TABLE claim (id int PRIMARY KEY)", "INSERT INTO claim VALUES (1)", database=database
    )
    source = source_of(f"{database}.claim", limits=Limits(seconds=1))
    secret = server.secret("reader", PASSWORD, database)
    slow = replace(source, table=None, query="SELECT id, SLEEP(30) AS slept FROM claim")
    started = time.monotonic()
    with closing(open_mysql(slow, secret)) as reader, pytest.raises(WindowTooLarge):
        list(reader.rows({}, None, ("9",)))
    slow = replace(slow, query="SELECT id FROM claim WHERE SLEEP(30) = 0")
    with (
        closing(open_mysql(slow, secret)) as reader,
        pytest.raises(SourceUnreachable, match="add an index on the columns of key"),
    ):
        reader.last_key({}, None, 5)
    assert time.monotonic() - started < 15


def test_a_reader_that_is_closed_early_does_not_read_the_rest(server: MariaDb, database: str) -> None:
    fill(server, database, 200_000)
    reader = open_mysql(source_of(f"{database}.claim"), server.secret("reader", PASSWORD))
    batches = reader.rows({}, None, ("999999999",))
    assert len(next(batches)) > 1
    started = time.monotonic()
    batches.close()  # type: ignore[attr-defined]
    reader.close()
    assert time.monotonic() - started < 0.5


@pytest.mark.parametrize("moment", ["between two statements", "while rows are sent", "before connecting"])
def test_a_server_that_breaks_off_is_unreachable_and_read_again_after_its_restart(moment: str) -> None:
    with MariaDb() as server:
        server.execute(
            "CREATE DATABASE claims",
            f"CREATE USER reader IDENTIFIED BY '{PASSWORD}'",
            "GRANT SELECT ON *.* TO reader",
        )
        fill(server, "claims", 50_000)
        source, secret = source_of("claims.claim"), server.secret("reader", PASSWORD)
        upto = ("999999999",)
        if moment == "before connecting":
            server.kill()
            with pytest.raises(SourceUnreachable):
                open_mysql(source, secret)
        else:
            with closing(open_mysql(source, secret)) as reader:
                reader.columns()
                batches = reader.rows({}, None, upto)
                if moment == "while rows are sent":
                    next(batches)
                server.kill()
                with pytest.raises(SourceUnreachable):
                    list(batches)
        server.start()
        with closing(open_mysql(source, secret)) as reader:
            assert sum(len(batch) for batch in reader.rows({}, None, upto)) == 50_000


# -- TLS -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def tls_server(authority: Authority) -> Iterator[MariaDb]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        certificate, key = authority.sign("localhost")
        for file, text in (("ca", authority.certificate), ("cert", certificate), ("key", key)):
            (folder / file).write_text(text)
        options = [f"--ssl-{file}={folder / file}" for file in ("ca", "cert", "key")]
        with MariaDb(*options) as running:
            running.execute(
                f"CREATE USER reader IDENTIFIED BY '{PASSWORD}' REQUIRE SSL", "GRANT SELECT ON *.* TO reader"
            )
            yield running


def test_the_certificate_of_the_server_is_verified(tls_server: MariaDb, authority: Authority) -> None:
    plain = tls_server.secret("reader", PASSWORD)
    secret = {key: value for key, value in plain.items() if key != "tls"}
    trusted = {**secret, "host": "localhost", "sslrootcert": authority.certificate}
    source = source_of("mysql.user")

    with closing(open_mysql(source, trusted)) as reader, reader._connection.cursor() as cursor:
        cursor.execute("SHOW STATUS LIKE 'Ssl_version'")
        assert cursor.fetchone()[1] in ("TLSv1.2", "TLSv1.3")
    for refused in (
        {**trusted, "host": "127.0.0.1"},  # not a name of the certificate
        {**trusted, "sslrootcert": Authority().certificate},
        {**trusted, "sslrootcert": "system"},
        {**secret, "host": "localhost"},
    ):
        with pytest.raises(RefusedSource, match="cannot prove its identity"):
            open_mysql(source, refused)
    with pytest.raises(RefusedSource, match=r"correct username and password|encrypted connections only"):
        open_mysql(source, plain)
    with pytest.raises(RefusedSource, match="no certificates in 'sslrootcert'"):
        open_mysql(source, {**trusted, "sslrootcert": "not PEM"})


# -- Speed and memory ----------------------------------------------------------------------------------------

MEASURE = """
import sys, time
from benchmarks.worker import peak_memory
from tests.integration.sources.test_mariadb import source_of
from claimwatch.sources.mysql import open_mysql
port, database, password = sys.argv[1:]
secret = {"host": "127.0.0.1", "port": int(port), "username": "reader", "password": password, "tls": False}
secret["dbname"] = database
reader = open_mysql(source_of(f"{database}.claim", watermark="changed_at"), secret)
started = time.monotonic()
cycle = reader.begin_cycle(None)
after, more, rows = None, True, 0
while more:
    upto, more = reader.last_key(cycle, after, 500_000)
    rows += sum(len(batch) for batch in reader.rows(cycle, after, upto))
    after = upto
print(rows, time.monotonic() - started, peak_memory() >> 10)
"""


def fill(server: MariaDb, database: str, rows: int) -> None:
    """Create a table of claims and fill it."""
    server.execute(
        "CREATE TABLE claim (id int PRIMARY KEY, policy varchar(20), amount decimal(12,2),"
        " changed_at datetime(6), day date, town varchar(40), make varchar(20), kilometres int,"
        " damage varchar(200), paid tinyint, INDEX (changed_at))",
        "INSERT INTO claim SELECT seq, CONCAT('P-', seq), seq / 7, NOW(6) - INTERVAL seq SECOND, CURDATE(),"
        " CONCAT('Town ', seq % 500), ELT(1 + seq % 3, 'Audi', 'BMW', 'Fiat'), seq * 13 % 200000,"
        f" REPEAT('damage ', 1 + seq % 20), seq % 2 FROM seq_1_to_{rows}",
        database=database,
    )


def test_rows_with_long_texts_are_read_in_bounded_memory(server: MariaDb) -> None:
    script = MEASURE.replace(
        'source_of(f"{database}.claim", watermark="changed_at")',
        'replace(source_of("x"), table=None, query="SELECT seq AS id, REPEAT(\'x\', 200000) AS note '
        'FROM seq_1_to_3000")',
    ).replace("import sys, time", "import sys, time\nfrom dataclasses import replace")
    done = subprocess.run(
        [sys.executable, "-c", script, str(server.port), "mysql", PASSWORD],
        env=os.environ,
        capture_output=True,
        text=True,
        check=True,
    )
    rows, _, kilobytes = done.stdout.split()
    assert int(rows) == 3_000
    assert int(kilobytes) < 300 * 1024


def test_a_million_rows_are_read_in_bounded_memory(
    server: MariaDb, database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(server, database, 1_000_000)
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(server.port), database, PASSWORD],
        env=os.environ,
        capture_output=True,
        text=True,
        check=True,
    )
    rows, seconds, kilobytes = done.stdout.split()
    with capsys.disabled():
        rate, megabytes = int(rows) / float(seconds), int(kilobytes) / 1024
        print(f"\nMariaDB: {int(rows):,} rows of 10 columns at {rate:,.0f} rows/s in {megabytes:.0f} MB")
    assert int(rows) == 1_000_000
    assert int(kilobytes) < 300 * 1024
