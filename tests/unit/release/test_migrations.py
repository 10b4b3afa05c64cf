"""A migration that earlier code would not survive is refused."""

import subprocess
from pathlib import Path

import pytest

from release.errors import ReleaseRefused
from release.migrations import FOLDER, checked, destructive, released_migrations, statements
from tests.cluster import PROJECT

FIRST = "CREATE TABLE claimwatch.file (file_id bigint PRIMARY KEY, error text);\n"
SECOND = "0002_second.sql"


class Repository:
    """A project under version control, with one migration."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.git("init", "--quiet", "--initial-branch=main")
        self.write("0001_first.sql", FIRST)
        self.commit()

    def git(self, *arguments: str) -> None:
        identity = ("-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false")
        subprocess.run(
            ["git", "-C", str(self.folder), *identity, *arguments], check=True, capture_output=True
        )

    def write(self, name: str, sql: str) -> None:
        path = self.folder / FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(sql, "utf-8")

    def commit(self, tag: str = "") -> None:
        self.git("add", "-A")
        self.git("commit", "--quiet", "--allow-empty", "-m", "a step")
        if tag:
            self.git("tag", tag)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


@pytest.fixture
def released(repository: Repository) -> Repository:
    repository.commit(tag="v0.1.0")
    return repository


def test_without_a_tag_every_migration_belongs_to_the_first_release(repository: Repository) -> None:
    repository.write(SECOND, "DROP TABLE claimwatch.file;")
    assert checked(repository.folder).startswith("No release is tagged yet")


def test_a_copy_without_history_says_that_nothing_was_compared(tmp_path: Path) -> None:
    assert "no history" in checked(tmp_path)


ADDING = """\
-- What a release adds.
CREATE TABLE claimwatch.note (note_id bigint PRIMARY KEY, text text NOT NULL CHECK (text <> ''));
CREATE UNIQUE INDEX ON claimwatch.note (text);
CREATE TRIGGER note_is_kept BEFORE DELETE ON claimwatch.note FOR EACH ROW EXECUTE FUNCTION claimwatch.keep();
CREATE INDEX ON claimwatch.file (error);
ALTER TABLE claimwatch.file ADD COLUMN size bigint, ADD COLUMN kind text NOT NULL DEFAULT 'csv; DROP TABLE x';
CREATE FUNCTION claimwatch.note_it(a text, b int) RETURNS void LANGUAGE sql AS $$ DROP TABLE x; $$;
REVOKE EXECUTE ON FUNCTION claimwatch.note_it(text, int) FROM PUBLIC;
GRANT CREATE ON SCHEMA claimwatch TO claimwatch_api_definer;
REVOKE CREATE ON SCHEMA claimwatch FROM claimwatch_api_definer;
GRANT SELECT (size) ON claimwatch.file TO claimwatch_read;
INSERT INTO claimwatch.setting VALUES ('a', 'b');
"""


def test_a_migration_that_only_adds_passes(released: Repository) -> None:
    released.write(SECOND, ADDING)
    assert checked(released.folder) == "1 migrations since v0.1.0: its code runs on the new schema."


REMOVING = {
    "drop of a column": "ALTER TABLE claimwatch.file DROP COLUMN error",
    "drop of a table": "DROP TABLE claimwatch.file",
    "drop of a view": "DROP VIEW claimwatch.current_outcome",
    "new name of a column": "ALTER TABLE claimwatch.file RENAME COLUMN error TO fault",
    "new name of a table": "ALTER TABLE claimwatch.file RENAME TO document",
    "another type": "ALTER TABLE claimwatch.file ALTER COLUMN error TYPE bigint USING 0",
    "a value that becomes required": "ALTER TABLE claimwatch.file ALTER COLUMN error SET NOT NULL",
    "a required column": "ALTER TABLE claimwatch.file ADD COLUMN size bigint NOT NULL",
    "a value that may be missing": "ALTER TABLE claimwatch.file ALTER COLUMN error DROP NOT NULL",
    "a constraint": "ALTER TABLE claimwatch.file ADD CHECK (error <> '')",
    "a unique index": "CREATE UNIQUE INDEX ON claimwatch.file (error)",
    "a default that goes": "ALTER TABLE claimwatch.file ALTER COLUMN error DROP DEFAULT",
    "an old signature": "DROP FUNCTION claimwatch.api_me(text, text[])",
    "a privilege of a task": "REVOKE SELECT ON claimwatch.file FROM claimwatch_ingest",
    "a privilege on a function": "REVOKE EXECUTE ON FUNCTION claimwatch.api_me FROM claimwatch_api",
    "a policy": "DROP POLICY read_events ON claimwatch.access_event",
    "a label of an enumeration": "ALTER TYPE claimwatch.status RENAME VALUE 'a' TO 'b'",
    "a trigger on an old table": "CREATE TRIGGER t BEFORE UPDATE ON claimwatch.file EXECUTE FUNCTION f()",
    "lost rows": "DELETE FROM claimwatch.setting",
    "the body of a DO": "DO $$ BEGIN EXECUTE 'ALTER TABLE claimwatch.file DROP COLUMN error'; END $$",
}


@pytest.mark.parametrize("what", REMOVING)
def test_a_migration_that_takes_something_away_is_refused_with_its_line(
    released: Repository, what: str
) -> None:
    released.write(SECOND, f"-- a comment;\n\n{REMOVING[what]};\nSELECT 1;\n")
    with pytest.raises(ReleaseRefused, match=rf"the code of v0\.1\.0 .*\n  {SECOND}:3 "):
        checked(released.folder)


def test_a_migration_may_remove_what_a_release_stopped_using(released: Repository) -> None:
    named = "-- contracts: 0.1.0 stopped using claimwatch.file.error\n"
    released.write(SECOND, named + REMOVING["drop of a column"] + ";")
    assert checked(released.folder).startswith("1 migrations since v0.1.0")


@pytest.mark.parametrize(
    ("named", "reason"),
    [
        ("-- contracts: 0.9.0 stopped using it", "there is no such tag"),
        ("-- contracts: 0.2.0 stopped using it", "not a part of this history"),
        ("-- contracts: 0.1.0", "add only"),
        ("-- it is not used any more", "add only"),
    ],
)
def test_a_release_that_never_was_allows_nothing(released: Repository, named: str, reason: str) -> None:
    released.git("checkout", "--quiet", "-b", "aside")
    released.commit(tag="v0.2.0")
    released.git("checkout", "--quiet", "main")
    released.write(SECOND, f"{named}\n{REMOVING['drop of a column']};")
    with pytest.raises(ReleaseRefused, match=reason):
        checked(released.folder)


@pytest.mark.parametrize("how", ["changed", "gone"])
def test_a_migration_of_a_release_stays_as_it_is(released: Repository, how: str) -> None:
    path = released.folder / FOLDER / "0001_first.sql"
    if how == "changed":
        released.write(path.name, FIRST + "-- more\n")
    else:
        path.unlink()
    with pytest.raises(ReleaseRefused, match=r"0001_first\.sql is a part of v0\.1\.0 and was changed"):
        checked(released.folder)


def test_a_later_release_takes_the_place_of_the_first(released: Repository) -> None:
    released.write(SECOND, REMOVING["drop of a column"] + ";")
    released.commit(tag="v0.1.1")
    assert checked(released.folder).startswith("0 migrations since v0.1.1")
    assert released_migrations(released.folder, "v0.1.0") == {"0001_first.sql": FIRST}


def test_statements_are_told_from_comments_texts_and_bodies() -> None:
    sql = "-- one; two\nSELECT ';';\n/* three;\n */ DO $x$ a; b; $x$;\n\nSELECT $$;$$"
    assert [(each.text, each.first, each.last) for each in statements(sql)] == [
        ("SELECT ';'", 2, 2),
        ("DO $x$ a; b; $x$", 4, 4),
        ("SELECT $$;$$", 6, 6),
    ]


def test_only_few_migrations_of_this_project_would_need_an_earlier_release() -> None:
    """Most changes so far only added: the check does not stand in the way of usual work."""
    paths = sorted((PROJECT / FOLDER).glob("*.sql"))
    found = {path.name for path in paths if destructive({path.name: path.read_text("utf-8")})}
    assert found <= {"0006_score_key.sql", "0008_small_groups.sql", "0015_work_list.sql", "0030_seals.sql"}
