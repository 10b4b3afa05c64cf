"""Fixtures of tests of the audit."""

import pytest

from tests.cluster import ClonedDatabase
from tests.integration.audit.record import Record


@pytest.fixture
def record(database: ClonedDatabase) -> Record:
    return Record(database)
