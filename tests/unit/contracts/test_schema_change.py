"""A table follows its contract only if all stored values keep their meaning."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claimwatch.domain.contract.contract import LogicalType
from claimwatch.domain.contract.schema_change import Change, Stored, plan_change, quoted, version_problem
from tests.unit.contracts.sample_contracts import claim_id, column, home, role

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


def test_an_unchanged_contract_changes_only_comments() -> None:
    found = change(column("amount", "integer"), column("story", "string"))
    assert (ddl(found), found.stored, found.notes, found.problems) == ([], OLD, (), ())


def test_a_column_that_becomes_protected_and_its_bands_change_no_stored_value() -> None:
    banded = column("amount", "integer", customProperties=role("protected", bands=[100, 1_000]))
    found = change(banded, column("story", "string"))
    assert (ddl(found), found.stored, found.notes, found.problems) == ([], OLD, (), ())


def test_a_new_column_is_added_and_may_be_empty_in_earlier_rows() -> None:
    found = change(
        column("amount", "integer"), column("story", "string"), column("fuel", "string", required=True)
    )
    assert ddl(found)[0] == 'ALTER TABLE claimwatch."claim_home" ADD COLUMN "fuel" text'
    assert ddl(found)[1].startswith("CREATE OR REPLACE VIEW")
    assert found.notes == ("column 'fuel' is new; it is empty in rows loaded earlier",)
    assert found.stored["fuel"].logical_type is LogicalType.STRING


def test_a_removed_column_is_kept_with_a_note() -> None:
    found = change(column("amount", "integer"))
    assert ddl(found) == []
    assert found.notes == ("column 'story' is not in the contract; it is kept, and new files leave it empty",)
    assert found.stored == OLD


def test_a_returning_column_is_used_again() -> None:
    gone = change(column("amount", "integer")).stored
    found = change(column("amount", "integer"), column("story", "string"), stored=gone)
    assert (ddl(found), found.problems) == ([], ())


def test_a_returning_column_cannot_change_its_type() -> None:
    gone = change(column("amount", "integer")).stored
    found = change(column("amount", "integer"), column("story", "date"), stored=gone)
    assert found.statements == ()
    assert (
        "column 'story': its values are stored as string and cannot be converted to date" in found.problems[0]
    )


def test_an_integer_column_can_become_a_number() -> None:
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
def test_any_other_change_of_type_is_refused(before: LogicalType, after: LogicalType) -> None:
    stored = plan_change({}, home(column("x", str(before)))).stored
    found = change(column("x", str(after)), stored=stored)
    assert found.statements == ()
    assert found.stored == stored
    assert found.problems[0].startswith(
        f"column 'x': its values are stored as {before} and cannot be converted to {after}"
    )


@pytest.mark.parametrize("ways", [("hash", "plain"), ("plain", "hash")])
def test_a_column_never_mixes_hashes_and_plain_values(ways: tuple[str, str]) -> None:
    before, after = (column("x", "string", customProperties=role("ignored", storeAs=way)) for way in ways)
    found = change(after, stored=plan_change({}, home(before)).stored)
    assert found.statements == ()
    assert "column 'x': it is stored" in found.problems[0]
    assert "would be indistinguishable" in found.problems[0]


def test_the_type_of_a_hash_does_not_matter() -> None:
    before, after = (
        column("x", kind, customProperties=role("ignored", storeAs="hash")) for kind in ("integer", "string")
    )
    assert not change(after, stored=plan_change({}, home(before)).stored).problems


def test_the_identifier_cannot_change() -> None:
    found = change(claim_id(name="claim_no"), claim_id(unique=False, customProperties=role("ignored")))
    assert "column 'claim_no': it cannot become the identifier" in found.problems[0]
    assert "synonym" in found.problems[0]


def test_a_name_that_differs_only_in_case_is_refused() -> None:
    assert "column 'Story': the table has it as 'story'" in change(column("Story", "string")).problems[0]


def test_making_a_column_required_does_not_change_the_table() -> None:
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
def test_only_a_higher_version_replaces_the_running_one(running: str, new: str, follows: bool) -> None:
    problem = version_problem(home(version=running), home(version=new))
    assert (problem is None) is follows
    assert follows or "raise the version" in (problem or "")


def test_descriptions_are_escaped_in_sql() -> None:
    found = plan_change({}, home(column("x", "string", description='it\'s \\ 100 % "so"; DROP TABLE x; --')))
    [comment] = [one for one in found.statements if '"x" IS' in one]
    assert comment.endswith("IS 'it''s \\ 100 % \"so\"; DROP TABLE x; --'")


@given(st.text())
@settings(max_examples=100)
def test_a_quoted_name_cannot_end_early(name: str) -> None:
    inner = quoted(name)[1:-1]
    assert inner.replace('""', "") == name.replace('"', "")
    assert inner.count('"') % 2 == 0


PERSONAL = role("ignored", storeAs="hash")


def known_as(*names: str) -> list[dict[str, str]]:
    return [{"synonym": name} for name in names]


def test_a_synonym_cannot_bring_values_into_clear_that_are_stored_as_hashes() -> None:
    """Dropping a hashed column and adding another one with its name as a synonym would avoid storeAs."""
    holder = column("policyholder_name", "string", customProperties=PERSONAL, synonyms=known_as("insured"))
    stored = change(holder, stored={}).stored
    dropped = change(column("amount", "integer"), stored=stored).stored
    for names in (["policyholder_name"], ["Policyholder-Name"], ["x", "Insured"]):
        for before in (stored, dropped):
            found = change(column("holder", "string", synonyms=known_as(*names)), stored=before)
            assert "stored as hashes" in found.problems[0]
            assert not found.statements
        as_hash = column("holder", "string", customProperties=PERSONAL, synonyms=known_as(*names))
        assert not change(as_hash, stored=dropped).problems
    assert "stored as hashes" in change(column("insured", "string"), stored=dropped).problems[0]
    assert not change(column("holder", "string"), stored=dropped).problems


def test_a_synonym_of_an_earlier_version_is_remembered() -> None:
    holder = column("holder", "string", customProperties=PERSONAL, synonyms=known_as("insured"))
    renamed = column("holder", "string", customProperties=PERSONAL, synonyms=known_as("client"))
    stored = change(renamed, stored=change(holder, stored={}).stored).stored
    found = change(renamed, column("other", "string", synonyms=known_as("insured")), stored=stored)
    assert "'insured' means column 'holder'" in found.problems[0]


def test_the_link_group_of_a_stored_column_cannot_change() -> None:
    def linked(**custom: str) -> Any:
        return column("holder", "string", customProperties=role("ignored", storeAs="hash", **custom))

    stored = change(linked(), stored={}).stored
    assert "linkGroup" in change(linked(linkGroup="person"), stored=stored).problems[0]
    assert not change(linked(linkGroup="holder"), stored=stored).problems
    grouped = change(linked(linkGroup="person"), stored={}).stored
    assert "linkGroup" in change(linked(), stored=grouped).problems[0]
    assert not change(linked(linkGroup="person"), stored=grouped).problems
