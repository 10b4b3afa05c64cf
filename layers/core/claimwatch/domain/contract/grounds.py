"""Grounds: what an investigator's decision rests on.

Each decision names at least one of the grounds of its line. The desk gives each a digit, so there are at most
nine.
"""

DEFAULT_GROUNDS = (
    "staged_event",
    "inflated_amount",
    "false_documents",
    "duplicate_claim",
    "false_identity",
    "inconsistent_statement",
    "no_indication",
    "documents_verified",
    "other",
)
"""Grounds of a line whose contract names none."""

MOST_GROUNDS = 9
"""The most grounds that a contract can name."""
