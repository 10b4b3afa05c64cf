"""A migration that earlier code would not survive is refused."""

import subprocess
from pathlib import Path

import pytest

from release.errors import ReleaseRefused
from release.migrations import checked, destructive, statements
from release.recorded_migrations import FOLDER, hashes_of, recorded, recorded_releases
from tests.cluster import PROJECT

FIRST = "CREATE TABLE claimwatch.file (file_id bigint PRIMARY KEY, error text);\n"
SECOND = "0002_second.sql"


class Project:
    """A project with one migration."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "release").mkdir()
        self.write("0001_first.sql", FIRST)

    def write(self, name: str, sql: str) -> None:
        path = self.folder / FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(sql, "utf-8")

    def release(self, version: str) -> None:
        (self.folder / "pyproject.toml").write_text(f'[project]\nversion = "{version}"\n', "utf-8")
        assert recorded(self.folder).startswith(f"{version} is on record")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.fixture
def released(project: Project) -> Project:
    project.release("0.1.0")
    return project


def test_before_the_first_release_every_migration_belongs_to_it(project: Project) -> None:
    project.write(SECOND, "DROP TABLE claimwatch.file;")
    assert checked(project.folder).startswith("No release is on record yet")


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


def test_a_migration_that_only_adds_passes(released: Project) -> None:
    released.write(SECOND, ADDING)
    assert checked(released.folder) == "1 migrations since 0.1.0: its code runs on the new schema."


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
def test_a_migration_that_takes_something_away_is_refused_with_its_line(released: Project, what: str) -> None:
    released.write(SECOND, f"-- a comment;\n\n{REMOVING[what]};\nSELECT 1;\n")
    with pytest.raises(ReleaseRefused, match=rf"the code of 0\.1\.0 .*\n  {SECOND}:3 "):
        checked(released.folder)


def test_a_migration_may_remove_what_a_release_stopped_using(released: Project) -> None:
    named = "-- contracts: 0.1.0 stopped using claimwatch.file.error\n"
    released.write(SECOND, named + REMOVING["drop of a column"] + ";")
    assert checked(released.folder).startswith("1 migrations since 0.1.0")


@pytest.mark.parametrize(
    ("named", "reason"),
    [
        ("-- contracts: 0.9.0 stopped using it", "not on record"),
        ("-- contracts: 0.1.0", "add only"),
        ("-- it is not used any more", "add only"),
    ],
)
def test_a_release_that_never_was_allows_nothing(released: Project, named: str, reason: str) -> None:
    released.write(SECOND, f"{named}\n{REMOVING['drop of a column']};")
    with pytest.raises(ReleaseRefused, match=reason):
        checked(released.folder)


@pytest.mark.parametrize("how", ["changed", "gone"])
def test_a_migration_of_a_release_stays_as_it_is(released: Project, how: str) -> None:
    path = released.folder / FOLDER / "0001_first.sql"
    if how == "changed":
        released.write(path.name, FIRST + "-- more\n")
    else:
        path.unlink()
    with pytest.raises(ReleaseRefused, match=r"0001_first\.sql is a part of 0\.1\.0 and was changed"):
        checked(released.folder)


def test_later_releases_take_the_place_of_the_first(released: Project) -> None:
    released.write(SECOND, REMOVING["drop of a column"] + ";")
    released.release("0.9.0")
    released.release("0.10.0")
    assert checked(released.folder) == "0 migrations since 0.10.0: its code runs on the new schema."


def test_a_release_is_recorded_once(released: Project) -> None:
    released.release("0.1.0")
    released.write(SECOND, "CREATE TABLE claimwatch.note (note_id bigint PRIMARY KEY);")
    with pytest.raises(ReleaseRefused, match="set the next version first"):
        recorded(released.folder)


def test_a_release_has_all_migrations_up_to_its_last_one(project: Project) -> None:
    project.write("0003_third.sql", "CREATE TABLE claimwatch.note (note_id bigint PRIMARY KEY);")
    with pytest.raises(ReleaseRefused, match="migration 0002 is missing"):
        project.release("0.1.0")
    assert recorded_releases(project.folder) == {}
    project.write(SECOND, "CREATE TABLE claimwatch.mark (mark_id bigint PRIMARY KEY);")
    project.release("0.1.0")


def test_the_record_agrees_with_the_tags_of_this_copy() -> None:
    """Nobody changes a release afterwards: its tag is what was released."""
    for version, hashes in recorded_releases(PROJECT).items():
        tag = f"v{version}"
        if tag not in git("tag", "--list", tag).split():
            continue
        names = [
            name for name in git("ls-tree", "--name-only", tag, f"{FOLDER}/").split() if name.endswith(".sql")
        ]
        assert hashes == hashes_of({Path(name).name: git("show", f"{tag}:{name}") for name in names})


def test_the_migrations_of_this_tree_fit_the_last_release() -> None:
    assert recorded_releases(PROJECT)
    assert "its code runs on the new schema" in checked(PROJECT)


def git(*arguments: str) -> str:
    """Return what git prints of this project; nothing where there is no history."""
    ran = subprocess.run(["git", "-C", str(PROJECT), *arguments], capture_output=True, text=True, check=False)
    return ran.stdout


def test_statements_are_told_from_comments_texts_and_bodies() -> None:
    sql = "-- one; two\nSELECT ';';\n/* three;\n */ DO $x$ a; b; $x$;\n\nSELECT $$;$$"
    assert [(each.text, each.first, each.last) for each in statements(sql)] == [
        ("SELECT ';'", 2, 2),
        ("DO $x$ a; b; $x$", 4, 4),
        ("SELECT $$;$$", 6, 6),
    ]


def test_only_few_migrations_of_this_project_would_need_an_earlier_release() -> None:
    """Most changes so far only added: the check does not stand in the way of usual work."""
    texts = {path.name: path.read_text("utf-8") for path in sorted((PROJECT / FOLDER).glob("*.sql"))}
    found = {
        name
        for name, text in texts.items()
        if destructive({name: text}, {each: texts[each] for each in texts if each < name})
    }
    assert found <= {"0006_score_key.sql", "0008_small_groups.sql", "0015_work_list.sql", "0030_seals.sql"}


CHECKED = "CREATE TABLE claimwatch.request (action text NOT NULL CHECK (action IN ('score', 'submit')));\n"


@pytest.mark.parametrize(
    ("values", "survives"), [("'score', 'submit', 'ask'", True), ("'score', 'ask'", False)]
)
def test_a_list_of_allowed_values_may_grow_and_not_shrink(
    project: Project, values: str, survives: bool
) -> None:
    project.write("0001_first.sql", FIRST + CHECKED)
    project.release("0.1.0")
    project.write(
        SECOND,
        "ALTER TABLE claimwatch.request DROP CONSTRAINT request_action_check;\n"
        "ALTER TABLE claimwatch.request\n"
        f"    ADD CONSTRAINT request_action_check CHECK (action IN ({values})) NOT VALID;\n",
    )
    if survives:
        assert checked(project.folder).startswith("1 migrations since 0.1.0")
    else:
        with pytest.raises(ReleaseRefused, match=r"0002_second\.sql:1 drops what earlier code may rely on"):
            checked(project.folder)
