"""A permission to grant or to revoke."""

import re
from dataclasses import dataclass
from typing import Any, Self

from claimwatch.aws.event_fields import Fields
from claimwatch.domain.access.permissions import PERMISSIONS, Permission
from claimwatch.errors import MalformedEvent

EVERY_LINE = "*"

LONGEST_WHY = 2000
"""Characters of a reason."""

_GRANTEE = re.compile(r"(group|person):[^\x00-\x1f\x7f]{1,200}")
_LINE = re.compile(r"\*|[a-z][a-z0-9_]{0,39}")


@dataclass(frozen=True)
class PermissionChange:
    """Who is granted or loses which permission for which line, and why."""

    grantee: str
    permission: Permission
    line: str
    why: str

    @classmethod
    def parse(cls, content: object) -> Self:
        """Parse the body of a request; raises ``MalformedEvent``, which quotes no value."""
        fields = Fields(content, "permission")
        change = cls(
            fields.text("grantee"),
            fields.choice("permission", PERMISSIONS),
            fields.optional_text("line") or EVERY_LINE,
            fields.text("why").strip(),
        )
        if not _GRANTEE.fullmatch(change.grantee):
            raise MalformedEvent("permission: field 'grantee' must be group:<name> or person:<name>")
        if not _LINE.fullmatch(change.line):
            raise MalformedEvent("permission: field 'line' must be the name of a line, or * for every line")
        if not 0 < len(change.why) <= LONGEST_WHY:
            raise MalformedEvent(
                f"permission: field 'why' must be a reason, at most {LONGEST_WHY} characters"
            )
        return change

    def to_fields(self) -> dict[str, Any]:
        """Return the body of a request."""
        return {"grantee": self.grantee, "permission": self.permission, "line": self.line, "why": self.why}
