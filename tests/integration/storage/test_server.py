"""The tests run on the PostgreSQL that was chosen for them."""

import os
import subprocess
from pathlib import Path

from claimwatch.storage.connection import Database
from local.postgres import INSTALLATION


def test_the_server_is_the_chosen_one(database: Database) -> None:
    """Otherwise `make test-postgres-17` would pass on the version that all other tests use."""
    assert Path(os.environ.get("CLAIMWATCH_POSTGRES", INSTALLATION)) == INSTALLATION
    program = str(INSTALLATION / "bin" / "postgres")
    described = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    with database.transaction() as cursor:
        cursor.execute("SHOW server_version")
        [version] = cursor.fetchone() or [""]
    assert described.split()[-1] == version
