"""Every query has a unique name, and every migration a unique number."""

from pathlib import Path

import pytest

import claimwatch.sources
import claimwatch.storage
from claimwatch.storage.migrate import migrations
from claimwatch.storage.queries import named_queries, queries

PACKAGES = (claimwatch.storage, claimwatch.sources)
FILES = [
    (path.stem, package.__name__)
    for package in PACKAGES
    for path in sorted(Path(str(package.__file__)).parent.glob("*.sql"))
]


def test_queries_are_found_by_the_names_above_them() -> None:
    found = named_queries("-- About.\n\n-- name: a\n-- Why.\nSELECT 1;\n\n-- name: b\nSELECT 2\n")
    assert found == {"a": "-- Why.\nSELECT 1;", "b": "SELECT 2"}


@pytest.mark.parametrize(
    "text", ["SELECT 1;\n-- name: a\nSELECT 2;", "-- name: a\nSELECT 1;\n-- name: a\nSELECT 2;"]
)
def test_a_query_without_a_unique_name_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"named|before"):
        named_queries(text)


@pytest.mark.parametrize(("name", "package"), FILES)
def test_every_file_of_queries_can_be_read(name: str, package: str) -> None:
    assert queries(name, package)
    assert queries(name, package) is queries(name, package)


def test_each_migration_has_a_number_of_its_own() -> None:
    numbers = [migration.number for migration in migrations()]
    assert numbers[0] == 1
    assert numbers == sorted(set(numbers))
