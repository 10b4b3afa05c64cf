"""A table follows its contract where what is stored keeps its meaning, and nowhere else."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claimwatch.domain.contract.contract import LogicalType
from claimwatch.domain.contract.schema_change import Change, Stored, plan_change, quoted, version_problem
from tests.unit.contracts.samples_of_contracts import claim_id, column, home, role

OLD = plan_change({}, home(column("amount", "integer"), column("story", "string"))).stored


def change(*columns: Any, stored: Stored = OLD) -> Change:
    return plan_change(stored, home(*columns))


def ddl(found: Change) -> list[str]:
    return [statement for statement in found.statements if not statement.startswith("COMMENT")]


def test_a_new_line_gets_a_table_a_key_and_a_view() -> None:
    found = plan_change(
        {},
        home(
            column("amount", "number"),
            column("secret", "date", customProperties=role("ignored", storeAs="hash")),
        ),
    )
    table, index, view, photos = ddl(found)
    assert table.startswith('CREATE TABLE claimwatch."claim_home"')
    assert '"claim_id" text COLLATE "C"' in table
    assert '"amount" numeric' in table
    assert '"secret" text' in table
    assert 'PRIMARY KEY ("claim_id", file_id, row_number)' in table
    assert table.count("NOT NULL") == 2
    assert "brin (file_id, row_number)" in index
    assert 'VIEW claimwatch."current_claim_home"' in view
    assert 'VIEW claimwatch."image_of_claim_home"' in photos
    assert not found.problems


def test_the_same_contract_again_changes_nothing_but_words() -> None:
    found = change(column("amount", "integer"), column("story", "string"))
    assert (ddl(found), found.stored, found.notes, found.problems) == ([], OLD, (), ())


def test_a_new_column_is_added_and_may_be_empty_in_what_is_there() -> None:
    found = change(
        column("amount", "integer"), column("story", "string"), column("fuel", "string", required=True)
    )
    assert ddl(found)[0] == 'ALTER TABLE claimwatch."claim_home" ADD COLUMN "fuel" text'
    assert ddl(found)[1].startswith("CREATE OR REPLACE VIEW")
    assert found.notes == ("column 'fuel' is new; it is empty in what was loaded before",)
    assert found.stored["fuel"].logical_type is LogicalType.STRING


def test_a_column_that_is_left_out_is_kept_and_said_so() -> None:
    found = change(column("amount", "integer"))
    assert ddl(found) == []
    assert found.notes == ("column 'story' is not in the contract; it is kept, and new files leave it empty",)
    assert found.stored == OLD


def test_a_column_that_comes_back_is_filled_again() -> None:
    gone = change(column("amount", "integer")).stored
    found = change(column("amount", "integer"), column("story", "string"), stored=gone)
    assert (ddl(found), found.problems) == ([], ())


def test_a_column_cannot_come_back_as_something_else() -> None:
    gone = change(column("amount", "integer")).stored
    found = change(column("amount", "integer"), column("story", "date"), stored=gone)
    assert found.statements == ()
    assert "column 'story': its values are stored as string and cannot become date" in found.problems[0]


def test_whole_numbers_may_become_any_numbers() -> None:
    found = change(column("amount", "number"), column("story", "string"))
    drop, alter, create = ddl(found)
    assert drop == 'DROP VIEW claimwatch."current_claim_home"'
    assert alter == 'ALTER TABLE claimwatch."claim_home" ALTER COLUMN "amount" TYPE numeric'
    assert create.startswith("CREATE OR REPLACE VIEW")
    assert found.stored["amount"].logical_type is LogicalType.NUMBER


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (before, after)
        for before in LogicalType
        for after in LogicalType
        if before != after and (before, after) != (LogicalType.INTEGER, LogicalType.NUMBER)
    ],
)
def test_any_other_change_of_type_is_refused_with_the_column_and_the_reason(
    before: LogicalType, after: LogicalType
) -> None:
    stored = plan_change({}, home(column("x", str(before)))).stored
    found = change(column("x", str(after)), stored=stored)
    assert found.statements == ()
    assert found.stored == stored
    assert found.problems[0].startswith(
        f"column 'x': its values are stored as {before} and cannot become {after}"
    )


@pytest.mark.parametrize("ways", [("hash", "plain"), ("plain", "hash")])
def test_hashes_and_clear_values_are_never_mixed_in_a_column(ways: tuple[str, str]) -> None:
    before, after = (column("x", "string", customProperties=role("ignored", storeAs=way)) for way in ways)
    found = change(after, stored=plan_change({}, home(before)).stored)
    assert found.statements == ()
    assert "column 'x': it is stored" in found.problems[0]
    assert "could not be told apart" in found.problems[0]


def test_the_type_of_a_hash_does_not_matter() -> None:
    before, after = (
        column("x", kind, customProperties=role("ignored", storeAs="hash")) for kind in ("integer", "string")
    )
    assert not change(after, stored=plan_change({}, home(before)).stored).problems


def test_the_identifier_stays_what_it_is() -> None:
    found = change(claim_id(name="claim_no"), claim_id(unique=False, customProperties=role("ignored")))
    assert "column 'claim_no': it cannot become the identifier" in found.problems[0]
    assert "synonym" in found.problems[0]


def test_names_that_files_could_not_tell_apart_are_refused() -> None:
    assert "column 'Story': the table has it as 'story'" in change(column("Story", "string")).problems[0]


def test_a_required_column_changes_no_table_for_only_new_files_are_checked() -> None:
    assert ddl(change(column("amount", "integer", required=True), column("story", "string"))) == []


@pytest.mark.parametrize(
    ("running", "new", "follows"),
    [
        ("1.0.0", "1.0.1", True),
        ("1.9.0", "1.10.0", True),
        ("1.0.0", "1.0.0", False),
        ("2.0.0", "1.9.9", False),
    ],
)
def test_only_a_higher_version_follows(running: str, new: str, follows: bool) -> None:
    problem = version_problem(home(version=running), home(version=new))
    assert (problem is None) is follows
    assert follows or "raise the version" in (problem or "")


def test_what_people_wrote_stands_in_sql_as_text() -> None:
    found = plan_change({}, home(column("x", "string", description='it\'s \\ 100 % "so"; DROP TABLE x; --')))
    [comment] = [one for one in found.statements if '"x" IS' in one]
    assert comment.endswith("IS 'it''s \\ 100 % \"so\"; DROP TABLE x; --'")


@given(st.text())
@settings(max_examples=100)
def test_a_quoted_name_cannot_end_early(name: str) -> None:
    inner = quoted(name)[1:-1]
    assert inner.replace('""', "") == name.replace('"', "")
    assert inner.count('"') % 2 == 0
