"""Purposes: why somebody looks at a claim or uses a model.

Each request to the API names one of the purposes of its line, and the access event of the request records it.
"""

import re

DEFAULT_PURPOSES = (
    "claim_handling",
    "fraud_investigation",
    "complaint_handling",
    "audit",
    "model_monitoring",
    "operations",
    "testing",
)
"""Purposes of a line whose contract names none, and of requests that are about no line."""

PURPOSE = re.compile(r"[a-z][a-z0-9_]{0,39}")
"""Valid names of purposes."""

PURPOSE_RULE = "at most 40 lower-case letters, digits and '_', beginning with a letter"
"""What ``PURPOSE`` allows, in words."""

MOST_PURPOSES = 50
"""The most purposes that a contract can name."""
