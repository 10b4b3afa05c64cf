"""People are granted the permissions that the database accepts, and no others."""

import re

from claimwatch.domain.access.permissions import PERMISSIONS
from claimwatch.storage.migrate import migrations


def test_the_code_and_the_database_name_the_same_permissions() -> None:
    [access] = [each.sql for each in migrations() if each.name == "access"]
    [check] = re.findall(r"CHECK \(permission IN \((.*?)\)\)", access, re.DOTALL)
    assert tuple(re.findall(r"'([a-z.]+)'", check)) == PERMISSIONS
