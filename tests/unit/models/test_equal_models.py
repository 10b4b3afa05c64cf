"""The hash of what is served: equal for models that treat every claim alike, and only for those."""

from dataclasses import fields, replace
from typing import Any

import pytest

from claimwatch.scoring.bundle import MANIFEST, SERVED, Manifest, Part
from tests.unit.models.bundles import make_bundle

MANIFEST_OF_PETS = Manifest.from_bytes(make_bundle()[0][MANIFEST])
OTHER: dict[str, Any] = {
    "line": "motor",
    "version": "2",
    "contract_version": "2.0.0",
    "code_version": "2",
    "data_sha256": "1",
    "seed": 8,
    "created_at": "2027-01-01T00:00:00Z",
    "capacity": 0.06,
    "threshold": 0.123,
    "audit_share": 0.03,
    "calibration": {"slope": 2.0, "offset": 0.0},
    "metrics": {"roc_auc": 0.8},
    "parts": {**MANIFEST_OF_PETS.parts, "card.html": Part.of(b"<p>Another card</p>")},
    "details": {"why": "another reason"},
    "tie_share": 0.5,
}
"""Another value for every field of a manifest."""


@pytest.mark.parametrize("name", [field.name for field in fields(Manifest)])
def test_only_fields_that_scoring_reads_make_models_different(name: str) -> None:
    """A new field of the manifest fails here until it says whether it changes what is served."""
    changed = replace(MANIFEST_OF_PETS, **{name: OTHER[name]})
    assert getattr(changed, name) != getattr(MANIFEST_OF_PETS, name)
    different = changed.served_sha256 != MANIFEST_OF_PETS.served_sha256
    assert different is (name in {"threshold", "tie_share", "audit_share"})


@pytest.mark.parametrize("part", SERVED)
def test_every_part_that_scoring_reads_makes_models_different(part: str) -> None:
    changed = replace(MANIFEST_OF_PETS, parts={**MANIFEST_OF_PETS.parts, part: Part.of(b"other")})
    assert changed.served_sha256 != MANIFEST_OF_PETS.served_sha256


def test_the_hash_survives_the_file() -> None:
    read = Manifest.from_bytes(MANIFEST_OF_PETS.to_bytes())
    assert read.served_sha256 == MANIFEST_OF_PETS.served_sha256
