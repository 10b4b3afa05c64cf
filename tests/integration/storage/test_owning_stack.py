"""A database belongs to one stack: a second one is refused before it changes anything."""

import pytest

from claimwatch.storage.connection import Database
from claimwatch.storage.logins import UnusableDatabase
from claimwatch.storage.owning_stack import check_stack, keep_stack
from tests.cluster import ClonedDatabase

ARN = "arn:aws:cloudformation:eu-central-1:111122223333:stack"
PRODUCTION, STAGING = f"{ARN}/claimwatch/1f0a", f"{ARN}/claimwatch-staging/2f0b"


def test_the_first_stack_keeps_the_database_and_another_is_refused(database: ClonedDatabase) -> None:
    check_stack(database, PRODUCTION)
    keep_stack(database, PRODUCTION)
    check_stack(database, PRODUCTION)
    for refuse in (check_stack, keep_stack):
        with pytest.raises(
            UnusableDatabase, match=rf"belongs to {ARN}/claimwatch: give each stack"
        ) as refusal:
            refuse(database, STAGING)
    check_stack(database, PRODUCTION)

    assert "run as its owner: DELETE FROM claimwatch.setting" in str(refusal.value)
    with database.transaction() as cursor:
        cursor.execute(str(refusal.value).rpartition("owner: ")[2])
    keep_stack(database, STAGING)
    with pytest.raises(UnusableDatabase):
        check_stack(database, PRODUCTION)


def test_a_stack_that_was_created_again_under_its_name_is_the_same(database: ClonedDatabase) -> None:
    keep_stack(database, PRODUCTION)
    check_stack(database, f"{ARN}/claimwatch/another-creation")


def test_stacks_of_one_name_in_two_accounts_or_regions_are_two(database: ClonedDatabase) -> None:
    keep_stack(database, PRODUCTION)
    for other in ("111122223333", "eu-central-1"):
        with pytest.raises(UnusableDatabase):
            check_stack(database, PRODUCTION.replace(other, "another"))


def test_a_database_without_a_schema_is_free(database: Database) -> None:
    with database.transaction() as cursor:
        cursor.execute("DROP SCHEMA claimwatch CASCADE")
    check_stack(database, PRODUCTION)
