"""Scores of claims in PostgreSQL by a bundle as training writes it, with every kind of column."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from claimwatch.models import promote
from claimwatch.scoring import score_rows
from claimwatch.scoring.bundle import BundleMismatch
from claimwatch.scoring.bundle_store import columns_of, read_bundle
from claimwatch.scoring.live_models import ModelCache
from claimwatch.scoring.scorer import Scorer
from claimwatch.storage import models
from claimwatch.storage.models import NewVersion
from local.filesystem_object_store import FilesystemObjectStore
from tests.cluster import ClonedDatabase
from tests.integration.ingest.environment import ARTIFACTS, Row, Site
from tests.unit.models.bundles import SPEC, make_bundle

LINE, PREFIX = "pets", "models/pets/1/"

COLUMNS = (
    ("claim_id", "string", "identifier", "required: true, unique: true"),
    ("reported_at", "timestamp", "event_time", "required: true"),
    ("amount", "number", "feature", "required: false"),
    ("known", "boolean", "feature", "required: false"),
    ("animal", "string", "feature", "required: false"),
    ("bought_on", "date", "feature", "required: false"),
)
PETS = """\
apiVersion: v3.1.0
kind: DataContract
id: pets
version: 1.0.0
status: active
customProperties: [{property: line, value: pets}]
schema:
  - name: claim_pets
    properties:
""" + "".join(
    f"      - {{name: {name}, logicalType: {kind}, {rule},"
    f" customProperties: [{{property: role, value: {role}}}]}}\n"
    for name, kind, role, rule in COLUMNS
)
CLAIMS = (
    ("A1", "2026-02-01T10:30:00", "1.25", "true", "cat", "2026-01-30"),
    ("A2", "2026-02-02T23:59:59", "", "false", "newt", "2026-02-03"),
    ("A3", "2026-02-03T00:00:00", "-0.5", "", "", ""),
    ("A4", "2026-02-04T05:06:07", "1e30", "true", "newt", "1999-12-31"),
    ("A5", "2026-02-05T12:00:00", "0", "false", "fish", "2026-02-05"),
)


@pytest.fixture
def site(database: ClonedDatabase, tmp_path: Path) -> Site:
    """Line pets with its champion."""
    site = Site.below(database, tmp_path)
    assert site.put_contract(LINE, PETS).status == "applied"
    files, sha256 = make_bundle()
    for name, content in files.items():
        site.objects.write(ARTIFACTS, PREFIX + name, [content])
    uri = f"s3://{ARTIFACTS}/{PREFIX}"
    with database.as_task("training").transaction() as cursor:
        models.add_version(cursor, NewVersion(LINE, "1", {}, "d" * 64, "c", "1.0.0", uri, sha256))
    deps = promote.Dependencies(
        database.as_task("promotion"),
        lambda uri, sha256: columns_of(site.objects, uri, sha256),
        NoBackfill(),
        site.pointers("live"),
    )
    promote.promote(deps, promote.Request("r", "ann", "the first", "the test"), LINE, "1", "champion")
    return site


class NoBackfill:
    """A backfill that must not be started."""

    def start(self, *_: object, **__: object) -> str:
        raise AssertionError("no claim is unscored")


@pytest.fixture
def scored(site: Site) -> tuple[Site, list[Row]]:
    header = ",".join(name for name, *_ in COLUMNS)
    file = site.drop("claims/pets/a.csv", "\n".join([header, *map(",".join, CLAIMS), ""]))
    assert (file["status"], file["rows_loaded"]) == ("committed", len(CLAIMS))
    cache = ModelCache()
    deps = score_rows.Dependencies(
        site.database.as_task("scoring"), site, lambda live: cache.get(site.objects, live), "code-1"
    )
    score_rows.score_chunk(deps, file["file_id"], 0)
    return site, site.query("SELECT * FROM claimwatch.score ORDER BY claim_id")


def scorer(objects: FilesystemObjectStore) -> Scorer:
    return Scorer(read_bundle(objects, f"s3://{ARTIFACTS}/{PREFIX}", make_bundle()[1]))


def as_arrays() -> dict[str, Any]:
    """Return the claims as arrays written by hand."""

    def each(place: int, read: Any, missing: Any) -> list[Any]:
        return [read(claim[place]) if claim[place] else missing for claim in CLAIMS]

    return {
        "reported_at": np.array(each(1, str, "NaT"), dtype="datetime64[us]"),
        "amount": np.array(each(2, float, np.nan)),
        "known": np.array(each(3, "true".__eq__, None), dtype=object),
        "animal": np.array(each(4, str, None), dtype=object),
        "bought_on": np.array(each(5, str, "NaT"), dtype="datetime64[us]"),
    }


def test_scores_from_the_database_equal_scores_from_arrays_bit_by_bit(
    scored: tuple[Site, list[Row]],
) -> None:
    site, rows = scored

    model = scorer(site.objects)
    expected = model.score(as_arrays())
    ids = np.array([claim[0] for claim in CLAIMS], dtype=object)

    assert [row["claim_id"] for row in rows] == [claim[0] for claim in CLAIMS]
    assert [row["probability"] for row in rows] == expected.probability.tolist()
    assert [row["percentile"] for row in rows] == expected.percentile.tolist()
    assert [row["referred"] for row in rows] == model.referred(
        expected.probability, ids, b"any key: this model has no ties"
    ).tolist()


def test_missing_and_unseen_values_are_counted_with_the_chunk(
    scored: tuple[Site, list[Row]],
) -> None:
    site, _ = scored

    [chunk] = site.query("SELECT claims, missing, unseen FROM claimwatch.scored_chunk")

    assert chunk == {
        "claims": 5,
        "missing": {"amount": 1, "known": 1, "animal": 1, "bought_on.days": 1},
        "unseen": {"animal": 2},
    }


def test_a_bundle_with_a_missing_or_changed_part_is_not_promoted(site: Site) -> None:
    uri, sha256 = f"s3://{ARTIFACTS}/{PREFIX}", make_bundle()[1]
    assert columns_of(site.objects, uri, sha256) == set(SPEC.kinds)
    manifest = json.loads(site.objects.newest(ARTIFACTS, PREFIX + "manifest.json"))
    for part in manifest["parts"]:
        content = site.objects.newest(ARTIFACTS, PREFIX + part)
        site.objects.write(ARTIFACTS, PREFIX + part, [content + b" "])
        with pytest.raises(BundleMismatch, match=part):
            columns_of(site.objects, uri, sha256)
        site.objects.write(ARTIFACTS, PREFIX + part, [content])
    with pytest.raises(BundleMismatch, match="manifest"):
        columns_of(site.objects, f"s3://{ARTIFACTS}/models/pets/2/", sha256)
