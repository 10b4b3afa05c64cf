"""The API's document, its functions and the database have the same permissions."""

import re
from typing import get_args

from claimwatch.api.machines import Permission
from claimwatch.cases.permission_change import PERMISSIONS
from claimwatch.storage.migrate import migrations


def test_the_document_the_requests_and_the_database_name_the_same_permissions() -> None:
    assert get_args(Permission) == PERMISSIONS

    [access] = [each.sql for each in migrations() if each.name == "access"]
    [check] = re.findall(r"CHECK \(permission IN \((.*?)\)\)", access, re.DOTALL)
    assert tuple(re.findall(r"'([a-z.]+)'", check)) == PERMISSIONS
