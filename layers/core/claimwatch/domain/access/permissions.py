"""Permissions of people. The table ``permission`` accepts the same names."""

from typing import Literal, get_args

Permission = Literal[
    "claim.read",
    "claim.unmask",
    "case.decide",
    "case.assign",
    "photo.view",
    "model.read",
    "model.train",
    "model.promote",
    "audit.read",
    "person.erase",
]
"""What people may be permitted to do."""

PERMISSIONS: tuple[Permission, ...] = get_args(Permission)
