"""A plugin of pytest that keeps only the tests that use PostgreSQL: `-p release.database_tests`.

The others have the same result on every version and schema of the database, and `make test` runs them.
"""

import pytest

SERVERS = {"cluster", "own_cluster", "new_server"}
"""The fixtures that make a server; every database of a test comes from one of them."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the tests that do not need a server, directly or through other fixtures."""
    using: list[pytest.Item] = []
    others: list[pytest.Item] = []
    for item in items:
        (others if SERVERS.isdisjoint(getattr(item, "fixturenames", ())) else using).append(item)
    config.hook.pytest_deselected(items=others)
    items[:] = using
