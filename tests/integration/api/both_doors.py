"""A line whose claims are scored through both doors: as a file, and by requests to the API."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

from claimwatch.access.lines_in_force import Contracts, LinesInForce
from claimwatch.access.machine_request import Dependencies as AccessDependencies
from claimwatch.aws.http_api import RawRequest
from claimwatch.models import promote as promotion
from claimwatch.scoring import score_rows
from claimwatch.scoring.bundle_store import columns_of
from claimwatch.scoring.champions import Champions
from claimwatch.scoring.live_models import ModelCache
from claimwatch.scoring.plan_scoring import Dependencies as Planning
from claimwatch.scoring.plan_scoring import plan_line
from claimwatch.scoring.score_request import Dependencies, score_claims
from claimwatch.storage import models, scores
from claimwatch.storage.models import NewVersion
from tests.integration.ingest.environment import ARTIFACTS, Site

CALLER = "arn:aws:sts::123456789012:assumed-role/claims-system/a"
PREFIX = "/claimwatch/test"
BATCH = 100


@dataclass
class Clock:
    """The time, in seconds."""

    now: float = 1_000_000.0


@dataclass(frozen=True)
class Scored:
    """What a door answered for a claim; of a claim that is not referred, files store no reasons."""

    claim_id: str
    probability: float
    percentile: float
    referred: bool
    reasons: Sequence[Mapping[str, Any]] | None
    model_version: str


@dataclass(frozen=True)
class Rejected:
    """The rules that a claim breaks: column, rule and message of each."""

    problems: tuple[tuple[str | None, str, str], ...]


type Result = Scored | Rejected


class BothDoors:
    """The pipeline of a line in PostgreSQL, and the API with what the pipeline has published."""

    def __init__(self, site: Site, line: str) -> None:
        self.site, self.line, self.clock = site, line, Clock()
        self.records: list[Mapping[str, Any]] = []
        self._requests = 0
        access = AccessDependencies(
            in_force=LinesInForce(self._parameters, PREFIX, lambda: self.clock.now).get,
            contract=Contracts(site.objects.newest).get,
            send=self.records.extend,
            code_version="test",
            now=lambda: datetime(2026, 3, 2, tzinfo=UTC),
        )
        self._deps = Dependencies(access, Champions(site.objects).get)

    def start(self, *_args: object, **_named: object) -> str:
        """A backfill is asked for, and played by ``by_file``."""
        return ""

    def promote(self, new: NewVersion, files: Mapping[str, bytes]) -> None:
        """Register a model and make it the champion."""
        prefix = (new.bundle_uri or "").removeprefix(f"s3://{ARTIFACTS}/")
        for name, content in files.items():
            self.site.objects.write(ARTIFACTS, prefix + name, [content])
        with self.site.database.as_task("training").transaction() as cursor:
            models.add_version(cursor, new)
        promotion.promote(self._promoting, self._asking(), self.line, new.version, "champion")

    def rollback(self) -> None:
        """Make the previous champion the champion again."""
        promotion.rollback(self._promoting, self._asking(), self.line)

    def by_file(self, texts: Sequence[str]) -> list[Result]:
        """Drop claims as one file, score it, and return the result of each claim."""
        self._requests += 1
        key = f"claims/{self.line}/{self._requests}.ndjson"
        file = self.site.drop(key, "".join(f"{text}\n" for text in texts))
        assert file["status"] == "committed", file["error"]
        cache, scoring = ModelCache(), self.site.database.as_task("scoring")
        deps = score_rows.Dependencies(
            scoring, self.site, lambda live: cache.get(self.site.objects, live), "code"
        )
        for chunk in plan_line(Planning(scoring, self.site), self.line).units:
            score_rows.score_chunk(deps, chunk.file_id, chunk.number)
        found: dict[int, Result] = {}
        for row in self.site.query(
            f"""
            SELECT c.row_number, s.* FROM claimwatch.claim_{self.line} AS c
            JOIN claimwatch.score AS s USING (file_id, claim_id) WHERE file_id = %s AND line = %s
            """,
            file["file_id"],
            self.line,
        ):
            found[row["row_number"]] = Scored(**{each.name: row[each.name] for each in fields(Scored)})
        for number, reasons in self.site.quarantine(file["file_id"]).items():
            problems = ((each["column"], each["rule"], each["message"]) for each in reasons)
            found[number] = Rejected(tuple(problems))
        assert sorted(found) == list(range(1, len(texts) + 1)), "rows read = rows loaded + rows quarantined"
        return [found[number] for number in sorted(found)]

    def by_requests(self, texts: Sequence[str]) -> list[Result]:
        """Send claims in requests of a hundred, and return the result of each claim."""
        return [
            result
            for first in range(0, len(texts), BATCH)
            for result in self.request(texts[first : first + BATCH])
        ]

    def request(self, texts: Sequence[str]) -> Iterator[Result]:
        """Send one request; raises what the function answers with a problem."""
        self._requests += 1
        body = ('{"claims": [' + ",".join(texts) + "]}").encode("utf-8", "surrogatepass")
        request = RawRequest(
            CALLER,
            f"request {self._requests}",
            "POST /v1/lines/{line}/scores",
            {"line": self.line},
            {"x-purpose": "testing"},
            body,
        )
        document = score_claims(self._deps, request).document
        answered = json.loads(json.dumps(document))  # through the answer, as a client reads it
        assert [result["position"] for result in answered["results"]] == list(range(len(texts)))
        for result in answered["results"]:
            if result["status"] == "rejected":
                problems = ((each["column"], each["rule"], each["message"]) for each in result["problems"])
                yield Rejected(tuple(problems))
            else:
                named = result | {"referred": result["refer"]}
                yield Scored(**{each.name: named[each.name] for each in fields(Scored)})

    @property
    def scoring(self) -> Dependencies:
        """The dependencies of the function that scores claims of requests."""
        return self._deps

    def _parameters(self, names: Sequence[str]) -> dict[str, str]:
        """Return the values of parameters, as Parameter Store does."""
        found = {}
        for name in names:
            kind, _, line = name.removeprefix(f"{PREFIX}/").partition("/")
            if kind == "draw-key":
                with self.site.database.as_task("scoring").transaction() as cursor:
                    found[name] = scores.audit_key(cursor).hex()
            elif pointer := self.site.pointers(kind).read(line):
                found[name] = json.dumps(vars(pointer))
        return found

    @property
    def _promoting(self) -> promotion.Dependencies:
        return promotion.Dependencies(
            self.site.database.as_task("promotion"),
            lambda uri, sha256: columns_of(self.site.objects, uri, sha256),
            self,
            self.site.pointers("live"),
        )

    def _asking(self) -> promotion.Request:
        self._requests += 1
        return promotion.Request(f"promotion {self._requests}", "ann", "a test", "the test")
